"""Gaussian-process regression of the motorcycle accident, its hyper-parameters by exact gradient.

The data are the acceleration of a motorcyclist's helmet (in g) after a simulated impact (Schmidt, Mattern
and Schueler 1981; Silverman 1985, J. R. Statist. Soc. B 47, 1-52; `mcycle` in the R package MASS). A Gaussian
process with covariance

    v exp(-(t - t')**2 / (2 l**2)) + s [t = t']

has three hyper-parameters: the variance v, the length l and the variance s of the noise. They maximise the
marginal likelihood (Rasmussen and Williams 2006, equation 2.30), written below as anybody writes it in
NumPy: a Cholesky factor, a triangular system, the logarithms of a diagonal. diffc differentiates it twice:
the gradient finds the optimum, the Hessian tells how well it is determined.

    python gaussian_process.py --out gaussian_process.png
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

TIME, ACCELERATION = np.loadtxt(  # milliseconds, g
    Path(__file__).parent / "data" / "motorcycle.csv", delimiter=",", skiprows=3, unpack=True
)
START = np.log([1000.0, 5.0, 500.0])


# The model: nothing but NumPy.


def covariance(log_parameters, t, other):
    """Return the covariances of the function at two sets of times."""
    variance, length, _ = np.exp(log_parameters)
    return variance * np.exp(-0.5 * ((t[:, None] - other) / length) ** 2)


def negative_log_marginal_likelihood(log_parameters, t, y):
    """Return -log p(y | t) as a function of (log v, log l, log s)."""
    noise = np.exp(log_parameters[2])
    lower = np.linalg.cholesky(covariance(log_parameters, t, t) + noise * np.eye(len(t)))
    white = np.linalg.solve(lower, y)
    return 0.5 * white @ white + np.sum(np.log(np.diag(lower))) + 0.5 * len(t) * np.log(2 * np.pi)


def predict(log_parameters, t, y, at):
    """Return mean and variance of the function at other times, given the data."""
    across = covariance(log_parameters, t, at)
    data = covariance(log_parameters, t, t) + np.exp(log_parameters[2]) * np.eye(len(t))
    solved = np.linalg.solve(data, across)
    return solved.T @ y, np.exp(log_parameters[0]) - np.sum(across * solved, axis=0)


# The fit.


class Fit(NamedTuple):
    """The optimum."""

    parameters: np.ndarray  # the logarithms
    errors: np.ndarray  # their standard errors
    value: float
    evaluations: int
    compiled: float  # seconds that the first gradient took


def fit() -> Fit:
    """Return the hyper-parameters of the largest marginal likelihood."""
    value_and_gradient = dc.value_and_grad(negative_log_marginal_likelihood)
    began = time.perf_counter()
    value_and_gradient(START, TIME, ACCELERATION)
    compiled = time.perf_counter() - began
    result = minimize(
        value_and_gradient, START, args=(TIME, ACCELERATION), jac=True, method="BFGS", options={"gtol": 1e-6}
    )
    curvature = dc.hessian(negative_log_marginal_likelihood)(result.x, TIME, ACCELERATION)
    return Fit(
        parameters=result.x,
        errors=np.sqrt(np.diag(np.linalg.inv(curvature))),
        value=float(result.fun),
        evaluations=int(result.nfev),
        compiled=compiled,
    )


def report(found: Fit) -> None:
    """Print the fit."""
    names = ("variance v (g**2)", "length l (ms)", "noise s (g**2)")
    print(f"log marginal likelihood {-found.value:.4f}\n")
    print(f"{'':20}{'found':>10}{'68 % interval':>22}")
    for name, value, error in zip(names, found.parameters, found.errors, strict=True):
        low, high = np.exp([value - error, value + error])
        print(f"{name:20}{np.exp(value):10.4g}{low:12.4g} to {high:.4g}")


def seconds(call: Callable[[], Any]) -> float:
    """Return how long a call takes, the best of several."""
    return min(timeit.repeat(call, number=5, repeat=5)) / 5


def report_times(found: Fit) -> None:
    """Print what the gradient cost."""
    plain = negative_log_marginal_likelihood
    at = (found.parameters, TIME, ACCELERATION)
    value_and_gradient = dc.value_and_grad(plain)
    value_and_gradient(*at)
    exact = seconds(lambda: value_and_gradient(*at))
    once = seconds(lambda: plain(*at))
    differences = seconds(lambda: approx_fprime(at[0], plain, None, *at[1:]))
    print(f"\n{found.evaluations} evaluations of value and gradient")
    print(f"the first took {found.compiled:.2f} s (tracing and compiling), any other {exact * 1e6:.0f} us")
    print(f"NumPy: the value {once * 1e6:.0f} us, its gradient by differences {differences * 1e6:.0f} us")


def draw(found: Fit, path: Path) -> None:
    """Save a picture: the data, the predicted mean, 95 % bands of the function and of the data."""
    grid = np.linspace(0.0, 60.0, 301)
    mean, variance = predict(found.parameters, TIME, ACCELERATION, grid)
    function = 1.96 * np.sqrt(variance)
    data = 1.96 * np.sqrt(variance + np.exp(found.parameters[2]))
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between(grid, mean - data, mean + data, color="tab:blue", alpha=0.12, label="95 %, data")
    axes.fill_between(
        grid, mean - function, mean + function, color="tab:blue", alpha=0.3, label="95 %, function"
    )
    axes.plot(grid, mean, color="tab:blue", label="mean")
    axes.plot(TIME, ACCELERATION, "o", color="black", ms=3, label="data (Silverman 1985)")
    axes.set(xlabel="time after the impact (ms)", ylabel="acceleration (g)", xlim=(0, 60))
    axes.set_title("Motorcycle accident: a Gaussian process")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, print the table, save the picture."""
    parser = argparse.ArgumentParser(description="Gaussian-process regression of the motorcycle accident.")
    parser.add_argument("--out", type=Path, default=Path("gaussian_process.png"), help="the picture to write")
    options = parser.parse_args(argv)

    found = fit()
    report(found)
    report_times(found)
    draw(found, options.out)
    print(f"\npicture: {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
