"""A hidden Markov model of the earthquakes of a century, fitted by its exact gradient.

The data are the yearly numbers of major earthquakes (magnitude 7 or more) of 1900 to 2006 (Zucchini and
MacDonald 2009, Hidden Markov Models for Time Series, table 1.1). The earth is in one of m hidden states, a
Markov chain of its own; a state gives each year's count a Poisson distribution of its own rate.

`negative_log_likelihood` is plain NumPy: the forward recursion, a Python loop over 107 years. Two things
that are programs of their own in a textbook are derivatives of it here:

- standard errors of the rates, from the Hessian at the optimum;
- the chance of each state in each year given all the counts, which the backward recursion computes:
  it is the gradient of the log-likelihood by the log densities (Eisner 2016, "Inside-Outside and
  Forward-Backward Algorithms Are Just Backprop").

    python hidden_markov.py --out hidden_markov.png
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
from scipy.special import gammaln

import diffc as dc

YEARS = np.arange(1900, 2007)
EARTHQUAKES = """
    13 14  8 10 16 26 32 27 18 32 36 24 22 23 22 18 25 21 21 14  8 11 14 23 18 17 19 20 22 19 13 26 13 14
    22 24 21 22 26 21 23 24 27 41 31 27 35 26 28 36 39 21 17 22 17 19 15 34 10 15 22 18 15 20 15 22 19 16
    30 27 29 23 20 16 21 21 25 16 18 15 18 14 10 15  8 15  6 11  8  7 18 16 13 12 13 20 15 16 12 18 15 16
    13 15 16 11 11
"""
COUNTS = np.array(EARTHQUAKES.split(), float)
LOG_FACTORIALS = gammaln(COUNTS + 1)

PUBLISHED = {  # states: the smallest negative log-likelihood and the rates, Zucchini and MacDonald
    1: (391.9189, (19.364,)),
    2: (342.3183, (15.472, 26.125)),
    3: (329.4603, (13.146, 19.721, 29.714)),
}


# The model: nothing but NumPy.


def log_transitions(logits):
    """Return the log chances of going from state i to state j; logits has the m (m - 1) off the diagonal."""
    states = round(0.5 + (len(logits) + 0.25) ** 0.5)
    moves = ~np.eye(states, dtype=bool).ravel()
    table = (np.eye(states**2)[:, moves] @ logits).reshape(states, states)
    return table - np.logaddexp.reduce(table, axis=1, keepdims=True)


def log_likelihood(log_densities, log_chances):
    """Return the log-likelihood of a stationary chain: the forward recursion, in logarithms."""
    chances = np.exp(log_chances)
    states = len(chances)
    stationary = np.linalg.solve((np.eye(states) - chances + 1).T, np.ones(states))
    forward = np.log(stationary) + log_densities[0]
    for log_density in log_densities[1:]:
        forward = np.logaddexp.reduce(forward[:, None] + log_chances, axis=0) + log_density
    return np.logaddexp.reduce(forward)


def log_poisson(log_rates):
    """Return the log density of each year's count in each state, shape (107, m)."""
    return COUNTS[:, None] * log_rates - np.exp(log_rates) - LOG_FACTORIALS[:, None]


def negative_log_likelihood(parameters):
    """Return what is minimised: a function of m log rates and m (m - 1) transition logits."""
    states = round(len(parameters) ** 0.5)
    log_rates, logits = parameters[:states], parameters[states:]
    return -log_likelihood(log_poisson(log_rates), log_transitions(logits))


# The fit.


class Fit(NamedTuple):
    """The optimum of an m-state model."""

    parameters: np.ndarray
    value: float
    rates: np.ndarray
    evaluations: int
    compiled: float  # seconds that the first gradient took


def fit(states: int) -> Fit:
    """Return the maximum-likelihood fit, started from quantiles of the counts and rare moves."""
    quantiles = np.quantile(COUNTS, (np.arange(states) + 0.5) / states)
    start = np.concatenate([np.log(quantiles), np.full(states * (states - 1), -2.5)])

    value_and_gradient = dc.value_and_grad(negative_log_likelihood)
    began = time.perf_counter()
    value_and_gradient(start)
    compiled = time.perf_counter() - began
    result = minimize(value_and_gradient, start, jac=True, method="BFGS", options={"gtol": 1e-6})
    rates = np.exp(result.x[:states])
    return Fit(result.x, float(result.fun), rates, int(result.nfev), compiled)


def standard_errors(found: Fit) -> np.ndarray:
    """Return the standard errors of the rates, from the observed information.

    A move that never happens has a chance of 0: its logit has no curvature, and no error of its own.
    """
    curvature = dc.hessian(negative_log_likelihood)(found.parameters)
    free = np.diag(curvature) > 1e-3
    covariance = np.linalg.inv(curvature[np.ix_(free, free)])
    return found.rates * np.sqrt(np.diag(covariance))[: len(found.rates)]


def state_chances(parameters: np.ndarray) -> np.ndarray:
    """Return the chance of each state in each year, given all counts, shape (107, m)."""
    states = round(len(parameters) ** 0.5)
    log_rates, logits = parameters[:states], parameters[states:]
    return dc.grad(log_likelihood)(log_poisson(log_rates), log_transitions(logits))


def agrees(states: int, found: Fit) -> bool:
    """Return whether all published digits come out."""
    value, rates = PUBLISHED[states]
    return abs(found.value - value) < 6e-5 and bool(np.all(np.abs(found.rates - rates) < 6e-4))


def report(fits: dict[int, Fit]) -> bool:
    """Print the fits beside the published values; return whether they agree to all digits printed."""
    print(f"{'states':8}{'':10}{'found':>12}{'published':>12}{'std. error':>12}")
    for states, found in fits.items():
        value, rates = PUBLISHED[states]
        print(f"{states:<8}{'-log L':10}{found.value:12.4f}{value:12.4f}")
        for rate, published, error in zip(found.rates, rates, standard_errors(found), strict=True):
            print(f"{'':8}{'rate':10}{rate:12.3f}{published:12.3f}{error:12.3f}")
    return all(agrees(states, found) for states, found in fits.items())


def seconds(call: Callable[[], Any]) -> float:
    """Return how long a call takes, the best of several."""
    return min(timeit.repeat(call, number=5, repeat=5)) / 5


def report_times(found: Fit) -> None:
    """Print what the gradient cost."""
    at = found.parameters
    value_and_gradient = dc.value_and_grad(negative_log_likelihood)
    value_and_gradient(at)
    exact = seconds(lambda: value_and_gradient(at))
    once = seconds(lambda: negative_log_likelihood(at))
    differences = seconds(lambda: approx_fprime(at, negative_log_likelihood))
    print(f"\n{len(at)} parameters: {found.evaluations} evaluations of value and gradient")
    print(f"the first took {found.compiled:.2f} s (tracing and compiling), any other {exact * 1e6:.0f} us")
    print(f"NumPy: the value {once * 1e6:.0f} us, its gradient by differences {differences * 1e6:.0f} us")


def draw(found: Fit, path: Path) -> None:
    """Save a picture: the counts with the expected rate of each year, and the chances of the states."""
    chances = state_chances(found.parameters)
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
    above.plot(YEARS, COUNTS, "o", color="black", ms=3.5, label="earthquakes")
    above.plot(YEARS, chances @ found.rates, color="tab:red", label="expected, given all counts")
    for rate in found.rates:
        above.axhline(rate, color="tab:gray", ls=":", lw=1)
        above.annotate(f"{rate:.1f}", (2006.5, rate), (2, 2), textcoords="offset points")
    above.set(ylabel="a year", title="Earthquakes of magnitude 7 and more, and the hidden states")
    above.legend(loc="upper right")
    labels = [f"rate {rate:.1f}" for rate in found.rates]
    below.stackplot(YEARS, chances.T, labels=labels, colors=("#c6dbef", "#6baed6", "#08519c"))
    below.set(xlabel="year", ylabel="chance of state", ylim=(0, 1), xlim=(1899, 2011))
    below.legend(loc="lower left", ncols=len(labels))
    figure.savefig(path, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, print the table, save the picture; return 0 if the published values come out, else 1."""
    parser = argparse.ArgumentParser(description="A hidden Markov model of the earthquakes of a century.")
    parser.add_argument("--out", type=Path, default=Path("hidden_markov.png"), help="the picture to write")
    parser.add_argument("--states", type=int, choices=(2, 3), default=3, help="the largest number of states")
    options = parser.parse_args(argv)

    fits = {states: fit(states) for states in range(1, options.states + 1)}
    agreement = report(fits)
    largest = fits[options.states]
    report_times(largest)
    draw(largest, options.out)
    print(f"\npicture: {options.out}")
    return 0 if agreement else 1


if __name__ == "__main__":
    raise SystemExit(main())
