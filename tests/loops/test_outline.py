"""Nests that are alike become calls of one function; values against NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

import diffc as dc
from diffc.compiler import Options, Stages
from diffc.loops.form import OutlinedCall
from diffc.tuning import OUTLINE_MIN_CALLS

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(3, 3))


def calls(f: dc.Function) -> list[OutlinedCall]:
    """Return the calls of nests in a program."""
    loops = Stages(f.graph, Options(derived=f.derived, without=("collapse", "jam", "widen"))).loops()
    return [item for item in loops.body if isinstance(item, OutlinedCall)]


def recursion(x: Any) -> Any:
    for _ in range(9):
        x = np.logaddexp.reduce(x[:, None] + TABLE, axis=0)
    return np.sum(x)


def expected_recursion(x: np.ndarray) -> float:
    for _ in range(9):
        x = logsumexp(x[:, None] + TABLE, axis=0)
    return float(np.sum(x))


def test_a_recursion_leaves_a_few_functions() -> None:
    x = RNG.normal(size=3)
    f = dc.trace(recursion, x)
    found = calls(f)
    kinds = {call.nest for call in found}
    assert len(found) >= OUTLINE_MIN_CALLS * len(kinds) > 0
    text = dc.compile(f, cache=False).stages["llvm"]
    assert text.count("define internal void @nest_") == len(kinds)
    assert text.count("call void @nest_") == len(found)
    assert f(x) == pytest.approx(expected_recursion(x), rel=1e-13)


def test_derivatives_of_a_recursion() -> None:
    x, step = RNG.normal(size=3), 1e-5
    value, gradient = dc.value_and_grad(recursion)(x)
    assert value == pytest.approx(expected_recursion(x), rel=1e-13)
    sides = [[expected_recursion(x + s * step * each) for s in (1, -1)] for each in np.eye(3)]
    np.testing.assert_allclose(gradient, [(a - b) / (2 * step) for a, b in sides], rtol=1e-8)
    gradients = [[dc.grad(recursion)(x + s * step * each) for s in (1, -1)] for each in np.eye(3)]
    curvature = [(a - b) / (2 * step) for a, b in gradients]
    np.testing.assert_allclose(dc.hessian(recursion)(x), curvature, rtol=1e-6, atol=1e-9)


def rows(count: int) -> Callable[[Any, Any], Any]:
    def f(x: Any, s: Any) -> Any:
        total = s
        for k in range(count):
            total = np.sum(np.sin(x[k] * total) + s)  # a scalar goes in, an accumulator comes out
        return total

    return f


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_scalars_go_in_and_accumulators_come_out(dtype: str) -> None:
    x, s = RNG.normal(size=(8, 5)).astype(dtype), np.dtype(dtype).type(0.3)
    f = dc.trace(rows(8), x, s)
    found = calls(f)
    assert len(found) >= OUTLINE_MIN_CALLS
    assert all(call.result is not None and call.values for call in found)
    assert f(x, s) == pytest.approx(rows(8)(x, s), rel=1e-13 if dtype == "f8" else 1e-4)


def test_few_large_or_symbolic_nests_stay() -> None:
    assert not calls(dc.trace(rows(OUTLINE_MIN_CALLS - 1), dc.f64(8, 5), dc.f64()))
    assert not calls(dc.trace(rows(8), dc.f64(8, 500), dc.f64()))
    assert not calls(dc.trace(rows(8), dc.f64(8, "N"), dc.f64()))


def test_nests_that_differ_in_a_number_stay_apart() -> None:
    def f(x: Any) -> Any:
        return [np.cumsum(np.flip(np.sin(x[k : k + 4] * c))) for k, c in enumerate((2.0, 3.0) * 6)]

    x = RNG.normal(size=20)
    for found, expected in zip(dc.jit(f)(x), f(x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
