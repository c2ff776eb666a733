"""Every supported call at symbolic extents: what NumPy gives at each size, and an error where it raises one.

Each extent of docs/numpy_examples.py is a symbol alone and with the others, interpreted; with all of them,
or as many as can be, the call is compiled, too.
"""

import runpy
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.ops import evaluate

EXAMPLES = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "numpy_examples.py"))
CALLS = [EXAMPLES["Call"](text) for text in (*EXAMPLES["CALLS"], *EXAMPLES["UFUNC_CALLS"])]
KINDS: dict[str, Any] = {"f": dc.f64, "i": dc.i64, "b": dc.bool_}
SIZES = (0, 1, 2, 3, 4, 5, 7, 8, 16, 17)
STATED = ("which needs", "outside the axis", "outside an axis", "would be negative")

SHORTER = "the extents of the result are polynomials, and those of a shorter axis are others"
REFUSED: dict[str, tuple[set[int], str]] = {
    "nanmedian": ({0}, "an element is read, where NumPy gives NaN for none"),
    "nanquantile": ({0}, "the same"),
    "nanpercentile": ({0}, "the same"),
    "median": ({0}, "the same"),
    "cov": ({1}, "of one row NumPy gives a number"),
    "corrcoef": ({1}, "the same"),
    "squeeze": ({0, 1}, "an axis of one element would be dropped"),
    "diff": ({0, 1}, SHORTER),
    "ediff1d": ({0, 1}, SHORTER),
    "trapezoid": ({0}, SHORTER),
    "polyder": ({0, 1}, SHORTER),
    "diag": ({0}, SHORTER),
    "split": ({0, 1, 2}, SHORTER),
    "array_split": ({0, 1}, SHORTER),
    "dsplit": ({0}, SHORTER),
    "insert": ({1}, "a part of four elements is taken of another axis"),
    "unwrap": ({0}, "the first element is read"),
    "take": ({0}, "an element is read, which NumPy does not ask for where the result is empty"),
    "roll": ({0, 1, 2, 3, 4, 5}, "a shift is at most the extent"),
    "pad": ({1, 2, 3, 4, 5, 7, 8}, "an element is repeated once at most"),
    "putmask": ({0}, "a value is read, which NumPy does not ask for where there is none"),
    "put_along_axis": ({0}, "a place is read, which NumPy does not ask for where there is none"),
    "convolve": ({1, 2, 3, 4}, "which vector is longer decides what is computed"),
    "correlate": ({1, 2, 3, 4}, "the same"),
    "polymul": ({0}, "NumPy takes no coefficients for the coefficient 0"),
    "linalg.qr": (set(SIZES) - {4, 5}, "the shapes depend on whether there are more rows or columns"),
    "polyfit": ({1, 2, 3}, "the same"),
    "linalg.lstsq": (set(SIZES) - {0, 1, 2, 3}, "the same"),
}
"""Functions that a kernel refuses at some sizes at which NumPy gives something: at which, and why."""
BUGS = {("np.median(t, axis=(0, 2), keepdims=True)", "3", 0)}
"""Where NumPy raises an error although there is a result."""

every_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.text)


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def resized(call: Any, chosen: frozenset[int], size: int) -> list[Any]:
    """Return the arrays of a call with the chosen extents brought to a size; their elements are new."""
    rng = np.random.default_rng(size)
    arrays: list[Any] = []
    for name, array in zip(call.names, map(np.asarray, call.arrays), strict=True):
        shape = tuple(size if extent in chosen else extent for extent in array.shape)
        if array.dtype.kind == "b":
            arrays.append(rng.random(shape) < 0.6)
        elif array.dtype.kind == "i":
            arrays.append(rng.integers(0, 5 if name == "k" else 3, shape))
        elif name == "points":
            arrays.append(np.linspace(-1.5, 1.7, *shape))
        else:
            low, high = {"u": (0.1, 0.9), "w": (0.2, 2.0), "s": (0.5, 2.0)}.get(name, (-2.0, 2.0))
            arrays.append(np.asarray(rng.uniform(low, high, shape)))
            if name == "z":
                arrays[-1][1:, 1:][rng.random((max(shape[0] - 1, 0), max(shape[1] - 1, 0))) < 0.3] = np.nan
    return arrays


def extents_of(call: Any) -> Iterator[frozenset[int]]:
    """Yield which extents are symbols: all of them first, then each alone."""
    found = sorted({extent for array in call.arrays for extent in np.shape(array)})
    if len(found) > 1:
        yield frozenset(found)
    yield from (frozenset([each]) for each in found)


def traced(call: Any, chosen: frozenset[int]) -> Any:
    """Return the function of a call, None where tracing says that an extent must be known."""
    arrays = map(np.asarray, call.arrays)
    shapes = [(a.dtype.kind, [f"N{e}" if e in chosen else e for e in a.shape]) for a in arrays]
    try:
        return dc.trace(call.function, *(KINDS[kind](*shape) for kind, shape in shapes)).embedded()
    except dc.DiffcError:
        return None


def expected(call: Any, arrays: list[Any]) -> list[Any] | None:
    """Return what NumPy gives, None where it refuses."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return listed(call.function(*arrays))
        except (ValueError, IndexError, TypeError, RuntimeError, ZeroDivisionError, np.linalg.LinAlgError):
            return None


def compare(call: Any, chosen: frozenset[int], size: int, run: Any, *, dtypes: bool) -> bool:
    """Compare at one size; tell whether it is refused where NumPy gives something."""
    arrays = resized(call, chosen, size)
    wanted = expected(call, arrays)
    try:
        got = listed(run(*arrays))
    except dc.DiffcError as problem:
        if not any(word in str(problem) for word in STATED):
            raise
        return wanted is not None
    if wanted is None:
        assert (call.text, "".join(map(str, chosen)), size) in BUGS
        return False
    assert len(got) == len(wanted)
    for mine, theirs in zip(got, map(np.asarray, wanted), strict=True):
        if dtypes:
            assert np.asarray(mine).dtype == theirs.dtype
        assert np.shape(mine) == theirs.shape
        np.testing.assert_allclose(mine, theirs, 1e-5 if theirs.dtype == np.float32 else 1e-10, 1e-10)
    return False


def refusals(call: Any) -> set[int]:
    """Compare at all sizes, interpreted and compiled; return those that are refused though not by NumPy."""
    refused: set[int] = set()
    compiled = None
    for chosen in extents_of(call):
        f = traced(call, chosen)
        if f is None or any(isinstance(each, type | np.dtype) for each in expected(call, call.arrays) or ()):
            continue
        for size in SIZES:
            run = lambda *arrays, f=f: evaluate(f.graph, *arrays)  # noqa: E731
            if compare(call, chosen, size, run, dtypes=True):
                refused.add(size)
        if compiled is None and call.name != "linalg.pinv":  # which asks when it is compiled
            compiled = dc.compile(f, cache=False)
            for size in SIZES:
                if compare(call, chosen, size, compiled, dtypes=False):  # a number is a Python float
                    assert size in refused
    return refused


@every_call
def test_symbolic_extents(call: Any) -> None:
    allowed, _ = REFUSED.get(call.name, (set(), ""))
    assert refusals(call) <= allowed


@every_call
def test_gradients(call: Any) -> None:
    """The value and the gradient of a sum over the results are those of a function of fixed extents."""
    wrt = [k for k, array in enumerate(call.arrays) if np.asarray(array).dtype.kind == "f"]
    chosen = next(extents_of(call), None)
    if not wrt or chosen is None or traced(call, chosen) is None or not is_real(call):
        return

    def loss(*arrays: Any) -> Any:
        values = listed(call.function(*arrays))
        return sum(np.sum(np.sin(each)) for each in values if each.dtype.kind == "f")

    def gradient(size: int | None) -> Any:
        shapes = [[(size if size is not None else f"N{e}") if e in chosen else e for e in np.shape(a)]
                  for a in call.arrays]  # fmt: skip
        kinds = [KINDS[np.asarray(array).dtype.kind] for array in call.arrays]
        f = dc.trace(loss, *(kind(*shape) for kind, shape in zip(kinds, shapes, strict=True)))
        return dc.value_and_grad(f.embedded(), wrt)

    symbolic = gradient(None)
    for size in SIZES:
        arrays = resized(call, chosen, size)
        try:
            got = evaluate(symbolic.graph, *arrays)
        except dc.DiffcError as problem:
            if not any(word in str(problem) for word in STATED):
                raise
            continue
        for mine, theirs in zip(got, evaluate(gradient(size).graph, *arrays), strict=True):
            rtol = 1e-6 if "float32" in call.text else 1e-9
            np.testing.assert_allclose(mine, theirs, rtol, 1e-9, strict=True)


def is_real(call: Any) -> bool:
    """Tell whether a call gives floats, which have derivatives, not only facts, places or truth values."""
    kinds = [getattr(each, "dtype", np.dtype(bool)).kind for each in expected(call, call.arrays) or ()]
    return "f" in kinds


FIVE = np.arange(1.0, 6.0)
PAIRS = {
    "square root of an extent": lambda x: x / np.sqrt(x.shape[-1] * 1.0),
    "square root of an integer": lambda x: x / np.sqrt(x.shape[0]),
    "an extent": lambda x: x * x.shape[0],
    "a quotient of Python": lambda x: x * (x.shape[0] / 3),
    "a power of Python": lambda x: x / x.size**0.5,
    "numpy.size": lambda x: x / np.size(x),
    "numpy.shape": lambda x: x / (2.0 * np.shape(x)[0]),
    "numpy.maximum": lambda x: x * np.maximum(x.shape[0], 3),
    "abs": lambda x: x * abs(x.shape[0] - 3),
    "whole quotient": lambda x: x * (x.shape[0] // 2),
    "divmod": lambda x: x * divmod(x.shape[0], 2)[1],
    "a comparison": lambda x: x * (x.shape[0] > 3),
    "numpy.power": lambda x: x * np.power(x.shape[0] * 1.0, 2),
    "a sum": lambda x: x - np.sum(x.shape[0]),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("kind", [dc.f32, dc.f64, dc.i64])
def test_an_extent_is_a_python_integer(name: str, kind: Any) -> None:
    """What NumPy makes of it is NumPy's, what Python makes of it takes the dtype of the array."""
    symbolic = dc.trace(PAIRS[name], kind("N"))
    for size in (1, 2, 5):
        x = np.arange(1, size + 1).astype({dc.f32: np.float32, dc.f64: np.float64, dc.i64: np.int64}[kind])
        for f in (symbolic, dc.trace(PAIRS[name], kind(size))):
            np.testing.assert_allclose(evaluate(f.graph, x)[0], PAIRS[name](x), 1e-6, strict=True)


EXACT: dict[str, tuple[Any, set[int]]] = {
    "a width that falls": (lambda x: np.pad(x, (0, 5 - x.shape[0])), set()),
    "a width that grows": (lambda x: np.pad(x, (x.shape[0] - 2, 0)), set()),
    "a constant in it": (lambda x: np.pad(x, (0, 5 - x.shape[0]), constant_values=2.0), set()),
    "places along two axes": (lambda x: np.outer(x, x)[[1], [4]], set()),
    "places of known columns": (lambda x: np.outer(x, FIVE)[[0, 2], [1, 4]], set()),
    "norm of the largest": (lambda x: np.linalg.norm(x, np.inf), set()),
    "norm of the smallest": (lambda x: np.linalg.norm(x, -np.inf), set()),
    "norm by rows": (lambda x: np.linalg.norm(np.outer(x, x), np.inf), set()),
    "equal to five elements": (lambda x: np.array_equal(x, FIVE), {5}),
    "equal to its transpose": (lambda x: np.array_equal(np.outer(x, FIVE), np.outer(FIVE, x)), {5}),
    "known to be shorter": (lambda x: np.convolve(x[1:], x, "valid"), set()),
    "maximum of ufuncs": (lambda x: np.maximum.reduce(x), set()),
    "axes of both kinds": (lambda x: np.min(np.outer(FIVE, x), axis=1), set()),
    "one row": (lambda x: np.squeeze(x[None]), {1}),
    "interpolated": (lambda x: np.interp(0.3, np.sort(x), x), set()),
}


@pytest.mark.parametrize("name", EXACT)
def test_other_calls_that_depend_on_an_extent(name: str) -> None:
    function, refused = EXACT[name]
    kernel = dc.compile(dc.trace(function, dc.f64("N")), cache=False)
    for size in SIZES:
        x = np.random.default_rng(size).normal(size=size)
        try:
            wanted = function(x)
        except (ValueError, IndexError):
            wanted = None
        if wanted is None or size in refused:
            with pytest.raises(dc.DiffcError):
                kernel(x)
        else:
            np.testing.assert_allclose(kernel(x), wanted, 1e-12)
            assert np.shape(kernel(x)) == np.shape(wanted)


@pytest.mark.parametrize("n", range(6))
def test_the_gradient_through_the_first_elements_of_a_known_vector(n: int) -> None:
    v = np.arange(1.0, 6.0)
    f = dc.parse("sum(v[:N]**2*x)", {"v": "f64[5]", "x": "f64[N]"})
    x = np.arange(2.0, 2.0 + n)
    np.testing.assert_allclose(dc.grad(f)(v, x), np.concatenate([2 * v[:n] * x, np.zeros(5 - n)]))
