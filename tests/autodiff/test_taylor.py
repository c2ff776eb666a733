"""High derivatives, derived at once, against one order after another and against 60-digit mpmath."""

from __future__ import annotations

import math
import random

import mpmath
import numpy as np
import pytest

import diffc as dc
from diffc.autodiff import taylor
from diffc.ir import topological

SMALL = {
    "1/x": 100,
    "1/(1 + x**2)": 200,
    "sqrt(1 + x**2)": 800,
    "tanh(x)": 450,
    "exp(sin(x))": 700,
    "log(1 + x**2)": 200,
    "atan(x)": 200,
    "x**2.5": 600,
    "x**x": 7500,
}
"""Formulas with how many nodes their derivative of order 20 may have."""

NAMES = {
    name: getattr(mpmath, name)
    for name in ("sin", "cos", "exp", "log", "sqrt", "tanh", "atan", "asinh", "erf")
}


def count(f):
    return len(topological(f.graph.outputs))


def coefficients(formula, x, order):
    """Return the Taylor coefficients at a point."""
    with mpmath.workdps(60):
        return mpmath.taylor(
            lambda t: eval(formula, {"__builtins__": {}}, {**NAMES, "x": t}), mpmath.mpf(x), order
        )


def one_by_one(monkeypatch, f, *names):
    """Return the derivative by one order after another."""
    with monkeypatch.context() as patch:
        patch.setattr(taylor, "_AT_ONCE", 1000)
        return dc.derivative(f, *names)


@pytest.mark.parametrize("formula", SMALL)
def test_order_20(formula):
    derived = dc.derivative(dc.parse(formula), "x", 20)
    assert count(derived) <= SMALL[formula]
    for x in (0.3, 0.7, 1.9):
        found = coefficients(formula, x, 20)
        scale = max(abs(each) for each in found)
        error = abs(derived(x) / mpmath.factorial(20) - found[20])
        assert error <= 1e-12 * scale, x


def test_nodes_grow_with_the_square_of_the_order():
    f = dc.parse("exp(sin(x))/(1 + x**2)")
    first, second = (count(dc.derivative(f, "x", n)) for n in (16, 32))
    assert second < 5 * first


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_low_orders_are_as_ever(order, monkeypatch):
    f = dc.parse("exp(sin(x))/(1 + x**2)*x**y")
    expected = one_by_one(monkeypatch, f, "x", order)
    assert dc.derivative(f, "x", order).graph.outputs == expected.graph.outputs


def random_formula(rng, depth):
    if not depth:
        return rng.choice(["x", "x", "x", "2", "0.7"])
    a, b = random_formula(rng, depth - 1), random_formula(rng, rng.randrange(depth))
    form = rng.choice(
        ["sin({a})", "cos({a})", "exp({a}/3)", "tanh({a})", "atan({a})", "asinh({a})", "erf({a}/2)",
         "log(2 + ({a})**2)", "sqrt(1 + ({a})**2)", "({a})*({b})", "({a}) + ({b})", "({a}) - ({b})",
         "({a})/(2 + ({b})**2)", "({a})**3", "(2 + sin({a}))**1.3", "(1 + ({a})**2)**-0.5"]
    )  # fmt: skip
    return form.format(a=a, b=b)


@pytest.mark.parametrize("seed", range(20))
def test_random_formulas(seed, monkeypatch):
    """Orders 1 to 8 agree with mpmath, and with one order after another as far as that is short."""
    rng = random.Random(seed)
    formula = random_formula(rng, 3)
    f = dc.parse(f"({formula}) + 0*x")
    x = rng.uniform(-1, 1.5)
    true = coefficients(formula, x, 8)
    for order in range(1, 9):
        with monkeypatch.context() as patch:
            patch.setattr(taylor, "_AT_ONCE", 1)
            derived = dc.derivative(f, "x", order)
        scale = max(1, *map(abs, true[: order + 1]))
        value = dc.compile(derived, cache=False)(x) / math.factorial(order)
        assert abs(value - true[order]) <= 1e-11 * scale, (formula, x, order)
        if order < 5:
            other = one_by_one(monkeypatch, f, "x", order)(x) / math.factorial(order)
            assert abs(value - other) <= 1e-11 * scale, (formula, x, order)


EDGES = [
    "abs(x)**3*x", "max(x, x**2)", "max(x, x, x**2)", "clip(x, 0, 1)*x**4", "sqrt(x)", "cbrt(x)", "x**2.5",
    "x**5", "where(x > 0, x*log(x), 0)", "where(x > 0, sqrt(x), x)*x", "floor(x)*x**5", "mod(x, 1)**3",
    "atan2(x, x)", "hypot(x, 0)", "sinc(x)", "exprel(x)", "asinh(x)", "xlogy(x, x)", "norm([x, 2*x])",
    "x**x", "x**0", "1/x**2", "prod([x, x, x, 2])", "sort([x, x**2])", "logsumexp([x, 2*x])",
    "stop_gradient(x)*x**4", "huber(1, x)", "[x, x**2] @ [x**3, x]", "det([[x, 1], [2, x**2]])",
    "solve([[x + 3, 1], [2, 5]], [x, 1])", "f32(x)**4", "lambertw(x)", "gamma(x + 2)", "std([x, 1, x**2])",
    "copysign(x**4, x)",
]  # fmt: skip


@pytest.mark.parametrize("formula", EDGES)
def test_edges_are_those_of_one_order_after_another(formula, monkeypatch):
    f = dc.parse(formula)
    for order in (4, 5):
        found, expected = dc.derivative(f, "x", order), one_by_one(monkeypatch, f, "x", order)
        for x in (0.0, -0.0, 1.0, -1.0, 0.3, 2.0):
            with np.errstate(all="ignore"):
                np.testing.assert_allclose(
                    found(x), expected(x), rtol=1e-9, atol=1e-9, err_msg=f"{order} at {x}"
                )


def test_by_several_inputs_and_of_arrays():
    f = dc.parse("sum(exp(a*v)*sin(b*v)), v/(a + b)", inputs={"a": "f64", "b": "f64", "v": "f64[N]"})
    v, a, b = np.array([0.3, 1.2]), 0.4, 0.9
    total, quotient = dc.derivative(f, "a", 4, "b", 5)(a, b, v)
    np.testing.assert_allclose(total, np.sum(v**9 * np.exp(a * v) * np.cos(b * v)), rtol=1e-13)
    np.testing.assert_allclose(quotient, -v * math.factorial(9) / (a + b) ** 10, rtol=1e-13)
    mixed = dc.derivative(f, "a", "b", "a", "b", "a", "b", "a", "b", "b")(a, b, v)
    np.testing.assert_array_equal(mixed[0], total)
    at = np.linspace(0.1, 1, 5)
    mapped = dc.vmap(dc.derivative(dc.parse("1/x"), "x", 6))(at)
    np.testing.assert_allclose(mapped, 720 / at**7, rtol=1e-14)
    assert dc.derivative(lambda x: np.exp(2 * x) / x, "x", 7)(1.5) == pytest.approx(
        dc.derivative(dc.parse("exp(2*x)/x"), "x", 7)(1.5), rel=1e-14
    )


def test_f32_stays_f32():
    f = dc.parse("tanh(x)/(1 + x)", inputs={"x": "f32"})
    found = dc.derivative(f, "x", 8)(np.float32(0.5))
    assert found == pytest.approx(dc.derivative(dc.parse("tanh(x)/(1 + x)"), "x", 8)(0.5), rel=1e-3)


def test_what_has_no_rule_is_bounded(monkeypatch):
    f = dc.parse("logsumexp([x, 1/x, x/(1 + x)])")
    assert dc.derivative(f, "x", 4)(0.7) == pytest.approx(
        float(24 * coefficients("log(exp(x) + exp(1/x) + exp(x/(1 + x)))", 0.7, 4)[4]), rel=1e-11
    )
    monkeypatch.setattr(taylor, "_MAX_NODES", 2000)
    with pytest.raises(dc.DiffcError, match=r"order 12 by x has more than 2,000 operations.*logsumexp"):
        dc.derivative(f, "x", 12)
