"""Every supported call of docs/numpy_examples.py in f32, and on axes of size 1 and 0.

The values, shapes and dtypes are NumPy's wherever NumPy has any; everything is interpreted.
"""

import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.ops import evaluate

EXAMPLES = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "numpy_examples.py"))
CALLS = [EXAMPLES["Call"](text) for text in (*EXAMPLES["CALLS"], *EXAMPLES["UFUNC_CALLS"])]
KINDS: dict[str, Any] = {"float64": dc.f64, "float32": dc.f32, "int64": dc.i64, "bool": dc.bool_}
EXTENTS = (3, 4, 5, 2)

KEEPS_F32 = {"corrcoef", "cov", "geomspace", "interp", "nanpercentile", "percentile", "quantile", "vander"}
"""Functions that NumPy computes in f64, here in the dtype of their arguments."""
EMPTY = {
    "np.take(x, [0, 2], axis=1)": "outside",
    "np.unstack(x)": "returns no array",
    "np.unstack(x, axis=1)": "returns no array",
    "np.cov(x, fweights=[1, 2, 1, 3])": "the weights .* do not fit",
    "np.cov(x, aweights=[0.5, 1.0, 2.0, 0.3], ddof=0)": "the weights .* do not fit",
}
"""Calls that are refused of nothing, where NumPy gives nothing or 0."""
ODD = {"np.nanpercentile(z, [20, 70])"}
"""Calls of which NumPy drops the axis of q where there are no elements."""

every_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.text)


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def expected(call: Any, arrays: list[Any]) -> list[Any] | None:
    """What NumPy gives, None where it refuses."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return listed(call.function(*arrays))
        except (ValueError, IndexError, TypeError, RuntimeError, ZeroDivisionError, np.linalg.LinAlgError):
            return None


def traced(call: Any, arrays: list[Any], shapes: list[Any]) -> list[Any]:
    specs = [KINDS[str(array.dtype)](*shape) for array, shape in zip(arrays, shapes, strict=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return listed(evaluate(dc.trace(call.function, *specs).embedded().graph, *arrays))


def check(call: Any, arrays: list[Any], shapes: list[Any], rtol: float) -> bool:
    """Compare with NumPy; tell whether there was anything to compare."""
    wanted = expected(call, arrays)
    if wanted is None or any(isinstance(each, type | np.dtype) for each in wanted):
        return False
    got = traced(call, arrays, shapes)
    assert len(got) == len(wanted)
    for mine, theirs in zip(got, map(np.asarray, wanted), strict=True):
        mine = np.asarray(mine)
        if call.name in KEEPS_F32 and mine.dtype == np.float32:
            theirs = theirs.astype(np.float32)
        assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
        scale = np.max(np.abs(theirs[np.isfinite(theirs)]), initial=1.0) if theirs.dtype.kind == "f" else 1.0
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol * scale)
    return True


def shapes_of(arrays: list[Any]) -> list[Any]:
    return [array.shape for array in arrays]


def resized(call: Any, extents: tuple[int, ...], size: int) -> list[Any]:
    """The arrays with some extents brought to a size; indices stay inside."""
    found = list[Any]()
    for array in map(np.asarray, call.arrays):
        part = array[tuple(slice(size) if each in extents else slice(None) for each in array.shape)]
        found.append(np.minimum(part, 0) if part.dtype == np.int64 else part)
    return found


@every_call
def test_f32(call: Any) -> None:
    arrays = [np.asarray(each) for each in call.arrays]
    arrays = [each.astype(np.float32) if each.dtype == np.float64 else each for each in arrays]
    check(call, arrays, shapes_of(arrays), 1e-4)


@pytest.mark.parametrize("size", [1, 0])
@every_call
def test_size(call: Any, size: int) -> None:
    """The first extents that NumPy allows to be of the size: all, or those that are equal."""
    for extents in (EXTENTS, *((each,) for each in EXTENTS)):
        arrays = resized(call, extents, size)
        if shapes_of(arrays) == [np.shape(each) for each in call.arrays] or call.text in ODD:
            continue
        if size == 0 and call.text in EMPTY:
            with pytest.raises(dc.DiffcError, match=EMPTY[call.text]):
                traced(call, arrays, shapes_of(arrays))
            return
        if check(call, arrays, shapes_of(arrays), 1e-9):
            return
