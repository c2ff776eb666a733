"""How a builder reads its arguments: arrays and numbers as nodes, axes, shapes and dtypes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.captures import memory_of
from diffc.frontends.numpy.known import known_elements
from diffc.frontends.numpy.operators import is_traced
from diffc.frontends.numpy.tracing import active
from diffc.ir import Extent, Node
from diffc.ir.dtype import is_float
from diffc.ops import cast as cast_node
from diffc.ops import constant, lift, scalar_value
from diffc.ops.base import DTYPES
from diffc.ops.reshaping import normal_axis
from diffc.syntax.values import Bundle, as_extent, as_node

__all__ = [
    "as_array", "as_axes", "as_axis", "as_dtype", "as_float_dtype", "as_number", "as_number_dtype",
    "as_shape", "dtype_name", "extent_of", "floating", "is_weak",
]  # fmt: skip

_REFUSED = {
    "c": "complex numbers are not supported: keep the real and the imaginary part as two arrays",
    "O": "Python objects are no numbers",
    "U": "texts are no numbers",
    "S": "byte strings are no numbers",
    "M": "dates are no numbers: convert them first",
    "m": "time spans are no numbers: convert them first",
}


def is_weak(value: object) -> bool:
    """Tell whether a value is a Python number, which takes the dtype of what it meets; np.float64 is none."""
    return isinstance(value, bool | int | float) and not isinstance(value, np.generic)


def as_array(value: Any) -> Node:
    """Return a node, a number, an array or a (nested) list of them as a node.

    Raises:
        TypeProblem: for what is no real array.
    """
    if isinstance(value, Node):
        return value
    if is_weak(value):
        return lift(value)
    value = memory_of(value)
    if isinstance(value, list | tuple) and is_traced(value):
        return as_node(Bundle("list", tuple(map(as_number, value))))
    return _constant(value)


def _constant(value: Any) -> Node:
    """Return a value from outside: part of the program where it never changes, captured otherwise."""
    if isinstance(value, np.ndarray) and type(value) not in _PLAIN:  # pyright: ignore[reportUnknownArgumentType]
        _check_subclass(value)
    try:
        array = np.asarray(value)
    except ValueError as problem:
        raise TypeProblem(f"this is no array: {problem}") from None
    if array.dtype.kind == "O":
        raise TypeProblem(f"{value!r:.60} is no array of numbers")
    dtype = dtype_name(array.dtype)
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise TypeProblem(f"{value!r:.60} does not fit into 64 bits with a sign: use float64")
    trace = active.get()
    if trace is None or _never_changes(value):
        return constant(array, dtype)
    return trace.captures.node(value, array, dtype)


_PLAIN = (np.ndarray, np.memmap)


def _check_subclass(value: Any) -> None:
    """Raise `TypeProblem` for an array whose operators may mean something else than an array's do."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeProblem(
            "masked arrays are not supported: fill the masked values first, with .filled(value)"
        )
    kind = type(value)
    names = ("__array_ufunc__", "__array_function__", "__mul__", "__rmul__", "__matmul__", "__getitem__")
    if any(getattr(kind, name, None) is not getattr(np.ndarray, name) for name in names):
        raise TypeProblem(
            f"an array of the type {kind.__name__}, which has operators of its own, is not supported: "
            "convert it with np.asarray"
        )


def _never_changes(value: Any) -> bool:
    """Tell whether a value is a number, or a tuple of such."""
    if type(value) is tuple:
        return all(map(_never_changes, cast(tuple[Any, ...], value)))
    return isinstance(value, bool | int | float | np.generic)


def dtype_name(kind: np.dtype[Any]) -> str:
    """Return diffc's name of the dtype that an array enters with: every integer is an i64.

    Raises:
        TypeProblem: for float16, longdouble, complex numbers and whatever is no number.
    """
    for name, each in DTYPES.items():
        if kind == each:
            return name
    if kind.kind in "iu":
        return "i64"
    reason = _REFUSED.get(kind.kind, "convert the array with .astype(np.float64) or .astype(np.float32)")
    raise TypeProblem(f"the dtype {kind} is not supported: {reason}")


def as_number(value: Any) -> Node | float | int | bool:
    """Return a Python number as itself, so that it stays weak; anything else as a node."""
    return value if is_weak(value) else as_array(value)


def floating(x: Node) -> Node:
    """Return an integer or boolean array as f64, a float one as it is."""
    return x if x.type.is_float else cast_node(x, "f64")


def as_axis(value: Any, rank: int, what: str) -> int:
    """Return an axis counted from the front; raise `TypeProblem` for what is no known integer."""
    number: Any = _number(value) if isinstance(value, Node) else value
    try:
        return normal_axis(operator.index(number), rank, what)
    except TypeError:
        raise TypeProblem(f"{what}: an axis must be an integer that is known when tracing") from None


def as_axes(value: Any, rank: int, what: str) -> tuple[int, ...]:
    """Return axes counted from the front, each once; all of them for None."""
    if value is None:
        return tuple(range(rank))
    values: Sequence[Any] = value if isinstance(value, list | tuple) else (value,)
    axes = tuple(as_axis(each, rank, what) for each in values)
    if len(set(axes)) != len(axes):
        raise TypeProblem(f"{what}: an axis is given twice in {value!r}")
    return axes


def as_shape(value: Any) -> tuple[Extent, ...]:
    """Return a shape: an extent or a sequence of them; a traced extent such as x.shape[0] is one."""
    is_row = isinstance(value, np.ndarray) and value.ndim == 1
    values: Sequence[Any] = list(value) if is_row or isinstance(value, list | tuple) else [value]
    return tuple(
        extent_of(int(each) if isinstance(each, np.integer) else each, "an extent of a shape")
        for each in values
    )


def extent_of(value: Any, what: str) -> Extent:
    """Return an extent, such as x.shape[0] - 1; raise `TypeProblem` for an integer that is not known."""
    try:
        return as_extent(value, what)
    except TypeProblem:
        number = (
            _number(value) if isinstance(value, Node) and not value.rank and value.dtype == "i64" else None
        )
        if number is None:
            raise
        return int(number)


def _number(node: Node) -> Any:
    """Return the value of a scalar that is known when tracing, else None."""
    value = scalar_value(node)
    known = known_elements(node) if value is None and node.rank == 0 else None
    return value if known is None else known.item()


def as_float_dtype(value: Any) -> str:
    """Return f64 or f32, the dtypes in which means are computed; raise `TypeProblem` for another one."""
    name = as_dtype(value)
    if not is_float(name):
        raise TypeProblem(f"a mean in the dtype {name} is not supported: use float64 or float32")
    return name


def as_number_dtype(value: Any) -> str:
    """Return f64, f32 or i64, the dtypes in which sums and products are computed; refuse bool."""
    name = as_dtype(value)
    if name == "bool":
        raise TypeProblem("a sum or product in the dtype bool is not supported: write np.any or np.all")
    return name


def as_dtype(value: Any) -> str:
    """Return the name of a dtype that NumPy understands: f64, f32, i64 or bool.

    Raises:
        TypeProblem: for another one.
    """
    try:
        kind = np.dtype(value)
    except (TypeError, ValueError):
        kind = f"{value!r:.60}"
    for name, each in DTYPES.items():
        if kind == each:
            return name
    raise TypeProblem(f"the dtype {kind} is not supported: use float64, float32, int64 or bool")
