"""NumPy's functions on traced arrays, by the calls of docs/numpy_examples.py: the values are NumPy's.

First and second derivatives are compared with central differences of NumPy's own values and of the gradient.
What is refused is refused with a message. Everything is interpreted, and a call of each kind compiled too.
"""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.ops import evaluate

EXAMPLES = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "numpy_examples.py"))
CALLS = [EXAMPLES["Call"](text) for text in (*EXAMPLES["CALLS"], *EXAMPLES["UFUNC_CALLS"])]
REFUSALS = [EXAMPLES["Call"](text) for text in (*EXAMPLES["REFUSALS"], *EXAMPLES["UFUNC_REFUSALS"])]
COMPILED = [
    "np.std(x, axis=1)", "np.cov(x)", "np.quantile(x, [0.0, 0.25, 0.9], axis=1)", "np.cumsum(t, axis=1)",
    "np.einsum('...j,jk->...k', t, b)", "np.tensordot(v, w, 0)", "np.block([v, s])", "np.roll(x, 7, axis=1)",
    "np.pad(v, 9, mode='reflect')", "np.vander(v)", "np.sort(z)", "np.interp(x, points, v)",
    "np.convolve(r, v, 'same')", "np.linalg.solve(a, b)", "np.hypot(x, y)",
]  # fmt: skip


def is_float(array: Any) -> bool:
    return isinstance(array, np.ndarray | np.generic) and array.dtype == np.float64


def is_differentiable(call: Any) -> bool:
    return any(map(is_float, map(np.asarray, call.arrays))) and all(map(is_float, call.expected()))


SMOOTH = [each for each in CALLS if is_differentiable(each)]


class Projection:
    """A call as one number, the sum of what it gives times random weights, along a random direction."""

    def __init__(self, call: Any) -> None:
        random = np.random.default_rng(1)
        self.call = call
        self.weights = [random.normal(size=np.shape(each)) for each in call.expected()]
        self.floats = [k for k, each in enumerate(call.arrays) if is_float(np.asarray(each))]
        self.directions = [random.normal(size=np.shape(call.arrays[k])) for k in self.floats]

    def value(self, *arrays: Any) -> Any:
        out = self.call.function(*arrays)
        parts = out if isinstance(out, list | tuple) else [out]
        total: Any = 0.0
        for part, weights in zip(parts, self.weights, strict=True):
            total = total + np.nansum(part * weights)
        return total

    def at(self, step: float) -> list[Any]:
        """The arrays, `step` along the direction."""
        arrays = list(self.call.arrays)
        for k, direction in zip(self.floats, self.directions, strict=True):
            arrays[k] = arrays[k] + step * direction
        return arrays

    def along(self, parts: Any) -> float:
        """The inner product with the direction; it is 0 at NaN, which nansum leaves out."""
        return sum(float(np.nansum(p * d)) for p, d in zip(parts, self.directions, strict=True))


def by_text(calls: list[Any]) -> Any:
    return pytest.mark.parametrize("call", calls, ids=lambda call: call.text)


@by_text(CALLS)
def test_values(call: Any) -> None:
    assert call.agrees(), f"{call.traced()} and not {call.expected()}"


@by_text(REFUSALS)
def test_refusals(call: Any) -> None:
    with pytest.raises(dc.DiffcError):
        call.traced()


def test_most_calls_are_differentiated() -> None:
    assert len(SMOOTH) > 0.75 * len(CALLS)


@by_text(SMOOTH)
def test_derivatives(call: Any) -> None:
    p = Projection(call)
    f = dc.trace(p.value, *call.specs)
    gradient = dc.grad(f, p.floats).embedded().graph
    product = dc.hvp(f, p.floats).embedded().graph
    with np.errstate(all="ignore"):
        first = p.along(evaluate(gradient, *p.at(0.0)))
        step = 1e-6
        difference = (p.value(*p.at(step)) - p.value(*p.at(-step))) / (2 * step)
        assert abs(difference - first) <= 1e-6 * max(1.0, abs(first))
        second = p.along(evaluate(product, *p.at(0.0), *p.directions))
        step = 1e-5
        ahead, behind = (p.along(evaluate(gradient, *p.at(h))) for h in (step, -step))
        assert abs((ahead - behind) / (2 * step) - second) <= 1e-5 * max(1.0, abs(second))


@by_text([each for each in CALLS if each.text in COMPILED])
def test_compiled(call: Any) -> None:
    """The gradient's kernel agrees with the interpreter, and so with the differences above."""
    p = Projection(call)
    f = dc.trace(p.value, *call.specs)
    gradient = dc.grad(f, p.floats)
    values = dc.compile(gradient)(*call.arrays)
    for got, wanted in zip(
        values if isinstance(values, tuple) else [values],
        evaluate(gradient.embedded().graph, *call.arrays),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(dc.compile(f)(*call.arrays), p.value(*call.arrays), rtol=1e-12)


def test_each_compiled_call_is_listed() -> None:
    assert set(COMPILED) <= {each.text for each in CALLS}
