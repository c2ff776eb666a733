"""Lotka and Volterra's predators and prey, fitted to a fur company's pelts by exact gradient.

The data are the pelts of hares and lynxes, in thousands, that the Hudson's Bay Company took in 1900 to 1920
(Hewitt 1921; as in Carpenter 2018, "Predator-Prey Population Dynamics: the Lotka-Volterra model in Stan",
stan-dev/example-models, from where also the priors and the published values come). The populations follow

    du/dt = (alpha - beta v) u,      dv/dt = (delta u - gamma) v,

and a year's pelts have lognormal errors around them. The unknowns are the four rates, the populations of
1900 and two standard deviations; all are positive, and the density is written in their logarithms.

`negative_log_posterior` is plain NumPy: a Runge-Kutta method in a Python loop. diffc unrolls and
differentiates it, SciPy finds the mode. The Hessian there gives a normal approximation of the posterior,
and importance sampling (draws of a Student t, weighted) makes posterior means of it, which Stan's sampler
has published.

    python predator_prey.py --out predator_prey.png
"""

from __future__ import annotations

import argparse
import time
import timeit
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import approx_fprime, minimize

import diffc as dc

YEARS = np.arange(1900, 1921)
HARES = "30 47.2 70.2 77.4 36.3 20.6 18.1 21.4 22 25.4 27.1 40.3 57 76.6 52.3 19.5 11.2 7.6 14.6 16.2 24.7"
LYNXES = "4 6.1 9.8 35.2 59.4 41.7 19 13 8.3 9.1 7.4 8 12.3 19.5 45.7 51.1 29.7 15.8 9.7 10.1 8.6"
PELTS = np.array([HARES.split(), LYNXES.split()], float).T

NAMES = ("alpha", "beta", "gamma", "delta", "hares 1900", "lynxes 1900", "sigma hares", "sigma lynxes")
PUBLISHED = (0.55, 0.028, 0.80, 0.024, None, None, 0.25, 0.25)  # posterior means
DIGITS = (2, 3, 2, 3, None, None, 2, 2)
START = np.log([0.5, 0.03, 0.8, 0.02, 30.0, 5.0, 0.5, 0.5])
STEPS = 4  # of the Runge-Kutta method, a year


# The model: nothing but NumPy.


def slope(populations, rates):
    """Return the time derivative of (u, v)."""
    u, v = populations
    alpha, beta, gamma, delta = rates
    return np.stack([(alpha - beta * v) * u, (delta * u - gamma) * v])


def simulate(populations, rates):
    """Return the populations at all steps, shape (steps + 1, 2), by the classical Runge-Kutta method."""
    step = 1 / STEPS
    path = [populations]
    for _ in range(STEPS * (len(YEARS) - 1)):
        k1 = slope(populations, rates)
        k2 = slope(populations + step / 2 * k1, rates)
        k3 = slope(populations + step / 2 * k2, rates)
        k4 = slope(populations + step * k3, rates)
        populations = populations + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path.append(populations)
    return np.stack(path)


def normal(x, mean, deviation):
    """Return the sum of the log densities of normal variables, up to a constant."""
    return np.sum(-0.5 * ((x - mean) / deviation) ** 2 - np.log(deviation))


def negative_log_posterior(logs):
    """Return -log of the posterior density of the logarithms of the unknowns, up to a constant."""
    unknowns = np.exp(logs)
    rates, populations, deviations = unknowns[:4], unknowns[4:6], unknowns[6:]
    expected = simulate(populations, rates)[::STEPS]
    likelihood = normal(np.log(PELTS), np.log(expected), deviations)
    prior = normal(rates, np.array([1.0, 0.05, 1.0, 0.05]), np.array([0.5, 0.05, 0.5, 0.05]))
    prior = prior + np.sum(logs[:4])  # the density of a logarithm
    prior = prior + normal(logs[4:], np.log([10, 10, np.exp(-1), np.exp(-1)]), 1.0)
    return -(likelihood + prior)


# The fit.


class Fit(NamedTuple):
    """The mode, and the normal approximation around it, of the logarithms of the unknowns."""

    mode: np.ndarray
    covariance: np.ndarray
    iterations: int
    evaluations: int
    compiled: float  # seconds that the first gradient took


def fit() -> Fit:
    """Return the posterior mode; the log posterior's Hessian is the approximation's precision."""
    value_and_gradient = dc.value_and_grad(negative_log_posterior)
    began = time.perf_counter()
    value_and_gradient(START)
    compiled = time.perf_counter() - began
    result = minimize(value_and_gradient, START, jac=True, method="BFGS", options={"gtol": 1e-6})
    curvature = dc.hessian(negative_log_posterior)(result.x)
    return Fit(result.x, np.linalg.inv(curvature), int(result.nit), int(result.nfev), compiled)


class Posterior(NamedTuple):
    """Draws of the unknowns with their weights."""

    draws: np.ndarray  # shape (draws, 8)
    weights: np.ndarray

    @property
    def means(self) -> np.ndarray:
        return self.weights @ self.draws

    @property
    def deviations(self) -> np.ndarray:
        return np.sqrt(self.weights @ (self.draws - self.means) ** 2)


def sample(found: Fit, count: int, seed: int = 0, freedom: int = 8) -> Posterior:
    """Return a sample of the posterior: draws of a Student t around the mode, weighted by the densities."""
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((count, len(found.mode)))
    scales = np.sqrt(freedom / rng.chisquare(freedom, count))
    logs = found.mode + scales[:, None] * normals @ np.linalg.cholesky(found.covariance).T
    squares = np.sum((scales[:, None] * normals) ** 2, axis=1)
    student = -0.5 * (freedom + len(found.mode)) * np.log1p(squares / freedom)
    value = dc.jit(negative_log_posterior)
    ratios = np.array([-value(each) for each in logs]) - student
    weights = np.exp(ratios - ratios.max())
    return Posterior(np.exp(logs), weights / weights.sum())


def report(found: Fit, posterior: Posterior) -> bool:
    """Print mode, posterior means and published means; return whether these agree to all digits printed."""
    print(f"{'':14}{'mode':>10}{'mean':>10}{'deviation':>12}{'published mean':>18}")
    rows = zip(NAMES, np.exp(found.mode), posterior.means, posterior.deviations, PUBLISHED, strict=True)
    for name, mode, mean, deviation, published in rows:
        known = "" if published is None else format(published, "18.3g")
        print(f"{name:14}{mode:10.4g}{mean:10.4g}{deviation:12.2g}{known}")
    effective = 1 / np.sum(posterior.weights**2)
    print(f"\n{len(posterior.weights)} draws are worth {effective:.0f} of the posterior itself")
    return all(
        round(mean, digits) == published
        for mean, published, digits in zip(posterior.means, PUBLISHED, DIGITS, strict=True)
        if digits is not None
    )


def seconds(call: Callable[[], Any]) -> float:
    """Return how long a call takes, the best of several."""
    return min(timeit.repeat(call, number=1, repeat=10))


def report_times(found: Fit) -> None:
    """Print what the gradient cost."""
    value_and_gradient = dc.value_and_grad(negative_log_posterior)
    value_and_gradient(found.mode)
    exact = seconds(lambda: value_and_gradient(found.mode))
    once = seconds(lambda: negative_log_posterior(found.mode))
    differences = seconds(lambda: approx_fprime(found.mode, negative_log_posterior))
    print(f"{found.iterations} steps with {found.evaluations} evaluations of value and gradient")
    print(f"the first took {found.compiled:.2f} s (tracing and compiling), any other {exact * 1e6:.0f} us")
    print(f"NumPy: the value {once * 1e6:.0f} us, its gradient by differences {differences * 1e6:.0f} us")


def draw(found: Fit, posterior: Posterior, path: Path) -> None:
    """Save a picture: the pelts with the mode's populations and some of the posterior's; the phase plane."""
    times = np.linspace(YEARS[0], YEARS[-1], STEPS * (len(YEARS) - 1) + 1)
    species = (("hares", "tab:blue"), ("lynxes", "tab:red"))
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    years, plane = figure.subplots(1, 2, width_ratios=(1.6, 1))
    chosen = np.random.default_rng(1).choice(len(posterior.weights), 40, p=posterior.weights)
    for unknowns in posterior.draws[chosen]:
        curves = simulate(unknowns[4:6], unknowns[:4])
        for curve, (_, color) in zip(curves.T, species, strict=True):
            years.plot(times, curve, color=color, alpha=0.1, lw=1)
    unknowns = np.exp(found.mode)
    curves = simulate(unknowns[4:6], unknowns[:4])
    for curve, pelts, (name, color) in zip(curves.T, PELTS.T, species, strict=True):
        years.plot(times, curve, color=color, label=f"{name}, fitted")
        years.plot(YEARS, pelts, "o", color=color, ms=4, label=f"{name}, pelts")
    years.set(xlabel="year", ylabel="thousands", title="Pelts of the Hudson's Bay Company", ylim=(0, 110))
    years.set_xticks(YEARS[::4])
    years.legend(loc="upper right", ncols=2)
    plane.plot(*PELTS.T, "o-", color="tab:gray", ms=3, lw=0.6, label="pelts")
    plane.plot(*curves.T, color="black", label="fitted")
    plane.set(xlabel="hares (thousands)", ylabel="lynxes (thousands)", title="Phase plane")
    plane.legend(loc="upper right")
    figure.savefig(path, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, print the table, save the picture; return 0 if the published values come out, else 1."""
    parser = argparse.ArgumentParser(description="Predators and prey, fitted to a fur company's pelts.")
    parser.add_argument("--out", type=Path, default=Path("predator_prey.png"), help="the picture to write")
    parser.add_argument("--draws", type=int, default=20_000, help="how many to draw of the posterior")
    options = parser.parse_args(argv)

    found = fit()
    posterior = sample(found, options.draws)
    agrees = report(found, posterior)
    report_times(found)
    draw(found, posterior, options.out)
    print(f"\npicture: {options.out}")
    return 0 if agrees else 1


if __name__ == "__main__":
    raise SystemExit(main())
