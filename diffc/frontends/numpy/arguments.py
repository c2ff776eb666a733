"""Arguments that must be known when tracing, and the refusal of those without a meaning here."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.known import known_elements
from diffc.frontends.numpy.operands import as_array, as_number, extent_of
from diffc.frontends.numpy.tracing import decides
from diffc.ir import Extent, Node, require_other, topological
from diffc.ops import scalar_value
from diffc.ops.base import DTYPES, Array
from diffc.ops.constant import const
from diffc.ops.interpreter import evaluate_nodes
from diffc.ops.logic import ne

__all__ = [
    "as_integers",
    "as_mask",
    "as_scalar",
    "as_where",
    "folded",
    "is_one",
    "known_array",
    "known_extent",
    "known_integer",
    "numpy_dtype",
    "unsupported",
]

_REASONS = {
    "out": "a traced array is never written to; use the value that is returned",
    "order": "the elements of a traced array are in row-major order",
}


def unsupported(function: str, **arguments: Any) -> None:
    """Raise `TypeProblem` naming the first argument that is given (None stands for one that is not)."""
    for name, value in arguments.items():
        if value is not None and value is not False and value is not np._NoValue:  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
            reason = f": {_REASONS[name]}" if name in _REASONS else ""
            raise TypeProblem(f"numpy.{function}: the argument {name!r} is not supported{reason}")


def known_integer(value: Any, what: str) -> int:
    """Return an integer that is known when tracing; raise `TypeProblem` for a traced one."""
    decides(value)
    number = value
    if isinstance(value, Node):
        number = scalar_value(value)
        number = known_elements(value) if number is None else number
    array = np.asarray(number)
    if number is None or array.ndim or array.dtype.kind not in "iu":
        raise TypeProblem(f"{what} must be an integer that is known when tracing")
    return int(array)


def known_extent(value: Any, what: str) -> Extent:
    """Return an integer or an extent such as x.shape[0] - 1; raise `TypeProblem` for anything else."""
    return extent_of(value if isinstance(value, Node) else known_integer(value, what), what)


def is_one(extent: Extent) -> bool:
    """Tell whether an axis has one element, for which NumPy gives another shape; a symbol must be no 1."""
    if not isinstance(extent, int):
        require_other(extent, 1, f"an axis of extent {extent} has one element, which the type must say")
    return extent == 1


def known_array(value: Any, what: str) -> Array:
    """Return an array whose elements are known when tracing; raise `TypeProblem` for a traced one."""
    if isinstance(value, Node):
        known = const.reference(value.attrs) if value.op is const else known_elements(value)
        if known is None:
            raise TypeProblem(f"{what} must be known when tracing, because the result's shape depends on it")
        return known
    decides(value)
    if isinstance(value, list | tuple):
        return np.asarray([known_array(each, what) for each in value])
    return np.asarray(value)


def folded(x: Node) -> Array | None:
    """Return the value of a node that depends on constants alone, None for any other."""
    order = topological((x,))
    if not all(each.inputs or each.is_constant for each in order):
        return None
    return evaluate_nodes(order, (x,), {}, {})[0]


def as_mask(value: Any) -> Node:
    """Return truth values: numbers are true where they are not 0."""
    node = as_array(value)
    return node if node.dtype == "bool" else ne(node, 0)


def as_where(value: Any, function: str) -> Node | None:
    """Return the argument `where` of a reduction, None where all elements take part.

    Raises:
        TypeProblem: for anything but truth values, as NumPy does.
    """
    if value is True:
        return None
    node = as_array(value)
    if node.dtype != "bool":
        raise TypeProblem(f"numpy.{function}: the argument 'where' must be truth values, not {node.type}")
    return node


def as_scalar(value: Any, what: str) -> Node | float | int | bool:
    """Return a number, traced or not; raise `TypeProblem` for an array with axes."""
    number = as_number(value)
    if isinstance(number, Node) and number.rank:
        raise TypeProblem(f"{what} must be a number, not {number.type}")
    return number


def as_integers(value: Any, what: str) -> Node:
    """Return an array of integers, for indices; raise `TypeProblem` for floats and truth values."""
    node = as_array(np.zeros(0, np.int64) if isinstance(value, list | tuple) and not value else value)
    if node.dtype != "i64":
        raise TypeProblem(f"{what} must be integers, not {node.dtype}")
    return node


def numpy_dtype(node: Node) -> np.dtype[Any]:
    """Return the NumPy dtype of a node."""
    return np.dtype(DTYPES[node.dtype])
