"""Odd and wrong arguments of every supported function: NumPy's answer, or a `DiffcError`."""

import runpy
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffc as dc

_ODD = runpy.run_path(str(Path(__file__).with_name("odd_calls.py")))
EXAMPLES, odd_calls = _ODD["EXAMPLES"], _ODD["odd_calls"]
CALLS = (*EXAMPLES["CALLS"], *EXAMPLES["UFUNC_CALLS"])
TRIES = 12
SEED = 20

AGREED = {
    "overwrite_input": "NumPy writes into the array",
    "np.polymul": "NumPy leaves out leading zeros, which a traced vector does not show",
    "np.polyadd": "the same",
    "np.polysub": "the same",
    "np.shares_memory": "a traced array has no memory",
    "np.may_share_memory": "the same",
    "np.gradient(v, 1e309": "an infinite step",
    "np.reciprocal(c": "NumPy divides truth values as int8",
    "np.common_type": "it gives a type, which is compared by itself",
}
"""Where a difference is known, and why."""


def outcome(call: Any) -> Any:
    """Return what NumPy gives for a call, or the error that it raises."""
    try:
        return call.expected()
    except Exception as problem:
        return problem


def is_ours(problem: Exception) -> bool:
    """Tell whether an error comes out of diffc: NumPy and the call's own text raise before it is reached."""
    frames = traceback.extract_tb(problem.__traceback__)
    return any("frontends/numpy/tracer.py" in each.filename for each in frames)


def same(got: Any, wanted: Any) -> bool:
    a, b = np.asarray(got), np.asarray(wanted)
    if b.dtype.kind not in "biuf":
        return bool(got == wanted)
    # NumPy computes functions of truth values in float16.
    tolerance = {"float16": 2e-3, "float32": 1e-5}.get(b.dtype.name, 1e-9)
    return a.shape == b.shape and np.allclose(a, b, tolerance, 1e-9, equal_nan=True)


def wrong(text: str) -> list[str]:
    """Return what is wrong with odd calls like this one."""
    found: list[str] = []
    for odd in odd_calls(text, TRIES, SEED):
        if any(each in odd for each in AGREED):
            continue
        call = EXAMPLES["Call"](odd)
        try:
            names = call.names
        except SyntaxError:
            continue
        if not names:
            continue
        try:
            got = call.traced()
        except dc.DiffcError:
            continue
        except Exception as problem:
            if is_ours(problem):
                found.append(f"{odd}: {type(problem).__name__}: {problem}")
            continue
        wanted = outcome(call)  # NumPy is asked last: it crashes on some of what is refused, such as out=1
        if isinstance(wanted, Exception) or (len(got) == len(wanted) and all(map(same, got, wanted))):
            continue
        found.append(f"{odd}: {got}, not {wanted}")
    return found


@pytest.mark.parametrize("part", range(8))
def test_odd_calls(part: int) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = [each for text in CALLS[part::8] for each in wrong(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.delete(x, []), lambda x: np.delete(x, [True, False, True]),
        lambda x: np.insert(x, [], []),
        lambda x: np.insert(x, np.array([True, False, True]), 9.0), lambda x: np.interp(x, x, x, period=-2.0),
        lambda x: np.take(x, []), lambda x: x[[]], lambda x: np.reshape(x, np.array([3, 1])),
    ],
    ids=range(8),
)  # fmt: skip
def test_odd_arguments_that_numpy_takes(call: Any) -> None:
    x = np.array([0.5, 1.0, 1.5])
    try:
        expected = call(x)
    except IndexError:  # NumPy takes an empty list for floats in some places
        with pytest.raises(dc.DiffcError):
            dc.jit(call)(x)
        return
    np.testing.assert_array_equal(dc.jit(call)(x), expected)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda x: np.logical_and.reduce(x, initial=True), "initial"),
        (lambda x: np.matmul(x, x, axes=[(0,), (0,), ()]), "axes"),
        (lambda x: np.sum(x, keepdims=x), "keepdims"),
        (lambda x: np.sum(x, where=x), "truth values"),
        (lambda x: np.std(x, ddof=np.ones(3)), "ddof must be a number"),
        (lambda x: np.mean(x, dtype=int), "float64 or float32"),
        (lambda x: np.sum(x, axis=np.array([0])), "axis"),
        (lambda x: np.trapezoid(x > 1), "truth values"),
        (lambda x: np.logspace(0, x, 3, base=[1.0, 2.0]), "base must be a number"),
        (lambda x: np.einsum(x, [[]]), "does not take these arguments"),
        (lambda x: np.split(x, ["a"]), "does not take these arguments"),
        (lambda x: x["a":], "slice"),
    ],
    ids=range(12),
)  # fmt: skip
def test_odd_arguments_are_refused(call: Any, problem: str) -> None:
    with pytest.raises(dc.DiffcError, match=problem):
        dc.jit(call)(np.array([0.5, 1.0, 1.5]))
