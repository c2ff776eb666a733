"""Programs as users write them: values against the plain function, gradients against central differences."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

import diffc as dc
from diffc.ops import evaluate

RNG = np.random.default_rng(3)
DATA = RNG.normal(size=(20, 3))
LABELS = (RNG.uniform(size=20) > 0.5).astype(float)


def central(f: Any, x: Any, step: float = 1e-5) -> Any:
    """Return the gradient of f by central differences of fourth order."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[place] = step
        slope = 8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))
        gradient[place] = slope / (12 * step)
    return gradient


def logistic_regression(w: Any, data: Any, labels: Any) -> Any:
    z = data @ w[:3] + w[3]
    return np.mean(np.logaddexp(0, z) - labels * z) + 0.1 * np.sum(w**2)


def perceptron(w: Any, data: Any, labels: Any) -> Any:
    first, second = w[:12].reshape(3, 4), w[12:16]
    hidden = np.tanh(data @ first + w[16:20])
    score = 1 / (1 + np.exp(-(hidden @ second)))
    return -np.mean(labels * np.log(score) + (1 - labels) * np.log1p(-score))


def kalman(theta: Any) -> Any:
    """Return the negative log likelihood of measured positions by a Kalman filter."""
    motion = np.array([[1.0, 0.1], [0.0, 1.0]])
    measured = np.array([[1.0, 0.0]])
    noise, error = np.exp(theta[0]) * np.eye(2), np.exp(theta[1])
    mean, covariance = np.zeros(2), np.eye(2)
    total = 0.0
    for y in [0.1, 0.3, 0.2, 0.5]:
        mean, covariance = motion @ mean, motion @ covariance @ motion.T + noise
        spread = measured @ covariance @ measured.T + error
        residual = y - measured @ mean
        total += 0.5 * (np.linalg.slogdet(spread)[1] + residual @ np.linalg.solve(spread, residual))
        gain = covariance @ measured.T @ np.linalg.inv(spread)
        mean, covariance = mean + gain @ residual, (np.eye(2) - gain @ measured) @ covariance
    return total


def runge_kutta(p: Any) -> Any:
    """Return the prey of the equations of Lotka and Volterra at the end, by the classical method."""

    def slope(u: Any) -> Any:
        return np.stack([p[0] * u[0] - p[1] * u[0] * u[1], p[2] * u[0] * u[1] - p[3] * u[1]])

    u, h = np.array([1.0, 0.5]), 0.1
    for _ in range(10):
        a = slope(u)
        b = slope(u + h / 2 * a)
        c = slope(u + h / 2 * b)
        d = slope(u + h * c)
        u = u + h / 6 * (a + 2 * b + 2 * c + d)
    return u[0]


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


PROGRAMS: dict[str, tuple[Any, ...]] = {
    "logistic regression": (logistic_regression, RNG.normal(size=4), DATA, LABELS),
    "perceptron": (perceptron, 0.5 * RNG.normal(size=20), DATA, LABELS),
    "kalman": (kalman, np.array([-2.0, -1.0])),
    "runge kutta": (runge_kutta, np.array([1.1, 0.4, 0.1, 0.4])),
    "rosenbrock": (rosenbrock, RNG.normal(size=5)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    f, x, *rest = PROGRAMS[name]
    value, gradient = evaluate(dc.value_and_grad(dc.trace(f, x, *rest), 0).embedded().graph, x, *rest)
    assert value == pytest.approx(f(x, *rest), rel=1e-13)
    np.testing.assert_allclose(gradient, central(lambda x: f(x, *rest), x), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["logistic regression", "kalman", "rosenbrock"])
def test_second_derivatives_of_a_program(name: str) -> None:
    f, x, *rest = PROGRAMS[name]
    traced = dc.trace(f, x, *rest)
    gradient = dc.grad(traced, 0).embedded().graph
    (hessian,) = evaluate(dc.hessian(traced, 0).embedded().graph, x, *rest)
    for k, e in enumerate(np.eye(x.size)):
        steps = [evaluate(gradient, x + t * e, *rest)[0] for t in (-2e-4, -1e-4, 1e-4, 2e-4)]
        expected = (steps[0] - 8 * steps[1] + 8 * steps[2] - steps[3]) / 12e-4
        np.testing.assert_allclose(hessian[k], expected, rtol=1e-7, atol=1e-8)


def test_compiled_gradient_is_the_interpreted_one() -> None:
    x, *rest = PROGRAMS["perceptron"][1:]
    (expected,) = evaluate(dc.grad(dc.trace(perceptron, x, *rest), 0).graph, x, *rest)
    by_reference = dc.grad(lambda w: perceptron(w, DATA, LABELS))
    np.testing.assert_allclose(by_reference(x), expected, rtol=1e-11, atol=1e-14)


def test_greeks_of_black_and_scholes() -> None:
    import scipy.special

    def call(spot: Any, strike: Any, rate: Any, volatility: Any, time: Any) -> Any:
        def cumulative(x: Any) -> Any:
            return 0.5 * scipy.special.erfc(-x / np.sqrt(2))

        d = np.log(spot / strike) + (rate + volatility**2 / 2) * time
        d = d / (volatility * np.sqrt(time))
        late = d - volatility * np.sqrt(time)
        return spot * cumulative(d) - strike * np.exp(-rate * time) * cumulative(late)

    s, k, r, v, t = 100.0, 110.0, 0.03, 0.25, 0.5
    d1 = (np.log(s / k) + (r + v**2 / 2) * t) / (v * np.sqrt(t))
    d2 = d1 - v * np.sqrt(t)
    delta, vega, rho = norm.cdf(d1), s * norm.pdf(d1) * np.sqrt(t), k * t * np.exp(-r * t) * norm.cdf(d2)
    decay = s * norm.pdf(d1) * v / (2 * np.sqrt(t)) + r * k * np.exp(-r * t) * norm.cdf(d2)
    f = dc.trace(call, s, k, r, v, t)
    greeks = evaluate(dc.grad(f, ["spot", "volatility", "rate", "time"]).graph, s, k, r, v, t)
    np.testing.assert_allclose(greeks, [delta, vega, rho, decay], rtol=1e-12)
    gamma = evaluate(dc.derivative(f, "spot", 2).graph, s, k, r, v, t)
    np.testing.assert_allclose(gamma, [norm.pdf(d1) / (s * v * np.sqrt(t))], rtol=1e-11)


def test_minimize() -> None:
    found: Any = minimize(dc.value_and_grad(rosenbrock), np.zeros(4), jac=True, method="BFGS")
    np.testing.assert_allclose(found.x, np.ones(4), atol=1e-5)


UNARY: list[Any] = [
    np.sin, np.tanh, np.exp, np.arctan, np.square, np.negative, lambda x: np.log1p(x**2),
    lambda x: 1 / (2 + x**2),
    lambda x: x - np.mean(x), lambda x: x[::-1], lambda x: np.cumsum(x), lambda x: x * np.max(x),
    lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.concatenate([x[1:], x[:1]]),
]  # fmt: skip
BINARY: list[Any] = [
    np.add, np.subtract, np.multiply, np.maximum, np.hypot, np.logaddexp, lambda x, y: x * np.sum(y),
    lambda x, y: np.outer(x, y) @ y / 4,
]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=6
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(STEPS, st.integers(0, 1000))
def test_compositions(steps: list[tuple[int, int, int]], seed: int) -> None:
    def f(x: Any) -> Any:
        values = [x]
        for which, a, b in steps:
            first, second = values[a % len(values)], values[b % len(values)]
            unary, binary = UNARY[which % len(UNARY)], BINARY[which % len(BINARY)]
            values.append(np.tanh(unary(first) if b % 2 else binary(first, second)))
        return np.sum(values[-1] * np.arange(1.0, 4.0))

    x = np.random.default_rng(seed).normal(size=3)
    value, gradient = evaluate(dc.value_and_grad(dc.trace(f, x)).graph, x)
    assert value == pytest.approx(f(x), rel=1e-12, abs=1e-13)
    np.testing.assert_allclose(gradient, central(f, x, 1e-4), rtol=1e-6, atol=1e-8)


def test_traces_in_many_threads() -> None:
    def traced(k: int) -> Any:
        f, x, *rest = list(PROGRAMS.values())[k % len(PROGRAMS)]
        scaled = dc.trace(lambda x, *rest: f(x, *rest) * k, x, *rest)
        return evaluate(dc.value_and_grad(scaled, 0).embedded().graph, x, *rest)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(traced, range(24)))
    for k, result in enumerate(results):
        for mine, alone in zip(result, traced(k), strict=True):
            np.testing.assert_array_equal(mine, alone)


def test_one_transform_in_many_threads() -> None:
    g = dc.grad(lambda x: np.sum(np.sin(x) * x))
    inputs = [np.arange(1.0 + k % 2) for k in range(16)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(g, inputs))
    for x, result in zip(inputs, results, strict=True):
        np.testing.assert_allclose(result, np.sin(x) + x * np.cos(x), rtol=1e-13)
