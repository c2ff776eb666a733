"""Indexing as NumPy does it: parts, positions, None, '...', integer arrays and masks that are known."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.known import known_elements
from diffc.frontends.numpy.operands import as_array
from diffc.frontends.numpy.operators import is_traced
from diffc.frontends.numpy.tracing import active, decides
from diffc.ir import Node, require, shown
from diffc.ops import constant
from diffc.ops.captured import is_captured
from diffc.syntax.subscripts import subscript
from diffc.syntax.values import Part, as_extent

__all__ = ["index", "is_basic", "is_mask", "subscripts_of"]


def index(x: Node, key: Any) -> Node:
    """Return the part of `x` that a key names; every traced value in it is a node.

    Raises:
        TypeProblem: for what NumPy would refuse, and for a traced mask, whose count of elements is not known.
    """
    _check_masks(x, key if isinstance(key, tuple) else (key,))
    return subscript(x, subscripts_of(x, key))


def subscripts_of(x: Node, key: Any) -> list[Any]:
    """Return the subscripts that a key means, after checking it against an array's axes.

    Raises:
        TypeProblem: as `index` does.
    """
    key = tuple(map(_known_mask, key)) if isinstance(key, tuple) else _known_mask(key)
    _check_masks(x, key if isinstance(key, tuple) else (key,))
    items: list[Any] = []
    now: list[Any] = []
    for each in key if isinstance(key, tuple) else (key,):
        plain = _plain(each)
        items += plain
        is_outside = not isinstance(each, Node) and bool(plain) and is_captured(plain[0])
        now += [constant(np.asarray(each))] if is_outside else plain
    trace = active.get()
    if trace is not None:
        trace.captures.look(key)
        if any(map(is_captured, items)):
            subscript(x, now)  # raises where an index is outside its axis already
    return items


def is_mask(key: Any) -> bool:
    """Tell whether a key is one array of truth values that are not known."""
    return isinstance(_known_mask(key), Node) and key.dtype == "bool" and key.rank > 0


def _known_mask(item: Any) -> Any:
    """Return truth values that only arrays outside decide about as NumPy's, anything else as it is."""
    if isinstance(item, Node) and item.dtype == "bool" and item.rank:
        known = known_elements(item)
        return item if known is None else known
    return item


def is_basic(key: Any) -> bool:
    """Tell whether NumPy gives a view for a key: one of integers, slices, None and '...' alone."""
    return all(_is_basic(each) for each in (key if isinstance(key, tuple) else (key,)))


def _is_basic(item: Any) -> bool:
    if isinstance(item, Node):
        return item.rank == 0 and item.dtype == "i64"
    if isinstance(item, bool | np.bool_):
        return False
    return item is None or item is ... or isinstance(item, slice | int | np.integer)


def _check_masks(x: Node, key: Sequence[Any]) -> None:
    """Check that masks have the extents of the axes that they choose from; a symbolic one must be that."""
    widths = [_width(each) for each in key]
    axis = 0
    for item, width in zip(key, widths, strict=True):
        if item is ...:
            axis = x.rank - (sum(widths) - axis)
        elif width and _is_mask(item):
            mask = np.shape(item)
            for extent, length in zip(x.shape[axis:], mask, strict=False):
                problem = f"a mask of shape {list(mask)} chooses from axis {axis} of {shown(x)}"
                require(extent - length, problem)
                require(length - extent, problem)
        axis += width


def _is_mask(item: Any) -> bool:
    return isinstance(item, np.ndarray | list) and not is_traced(item) and np.asarray(item).dtype == bool


def _width(item: Any) -> int:
    """Return how many axes an item of a key takes."""
    if item is None or item is ...:
        return 0
    return np.ndim(item) if _is_mask(item) else 1


def _plain(item: Any) -> list[Any]:
    """Return one item of a key as items of a subscript: a mask is an index array for each of its axes."""
    if item is None or item is ... or (isinstance(item, int) and not isinstance(item, bool)):
        return [item]
    if isinstance(item, slice):
        return [Part(_bound(item.start), _bound(item.stop), _step(item.step))]
    if isinstance(item, bool | np.bool_):
        raise TypeProblem("an index is an integer, not a truth value: write x if flag else y, or np.where")
    if isinstance(item, Node):
        return [_indices(item)]
    return _from_array(item)


def _from_array(item: Any) -> list[Any]:
    if isinstance(item, list | tuple) and any(isinstance(each, Node) for each in item):
        return [_indices(as_array(item))]
    array = np.asarray(item)
    if array.dtype == bool or array.ndim == 0 or not array.size:
        decides(item)
    if array.dtype == bool:
        return [constant(each) for each in np.nonzero(array)]
    if array.dtype.kind in "iu" and array.ndim == 0:
        return [int(array)]
    return [as_array(item) if array.size else constant(array.astype(np.int64))]


def _indices(item: Node) -> Node:
    if item.dtype != "bool":
        return item
    raise TypeProblem(
        f"an index of type {item.type} chooses a number of elements that is not known when tracing: write "
        "np.where(mask, x, 0), or np.sum(x, where=mask)"
    )


def _bound(value: Any) -> Any:
    return None if value is None else as_extent(_number(value), "a bound of a slice")


def _step(value: Any) -> int | None:
    step = None if value is None else as_extent(_number(value), "the step of a slice")
    if step is not None and not isinstance(step, int):
        raise TypeProblem("the step of a slice is an integer that is known when tracing")
    return step


def _number(value: Any) -> Any:
    if isinstance(value, Node):
        return value
    if not hasattr(value, "__index__"):
        raise TypeProblem(f"start, stop and step of a slice are integers, not {value!r}")
    return operator.index(value)
