"""The functions of NumPy whose result shows the elements of their first argument, and how it is written to.

NumPy decides by the layout in memory whether `reshape` and `ravel` make a view or a copy. A new array is in C
order as far as the operands of what computed it are; where that is not known, such as for a product of a
transposed matrix, writing to the reshaped array or to what it was made of is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from diffc.errors import TypeProblem
from diffc.frontends.numpy.calling import call_function
from diffc.frontends.numpy.indexing import index
from diffc.frontends.numpy.place import Place, View
from diffc.frontends.numpy.registry import present
from diffc.frontends.numpy.replacing import put_at, replaced
from diffc.ir import Node
from diffc.ops import Elementwise, iota
from diffc.ops.reshaping import reshape, transpose
from diffc.ops.slicing import concatenate, stack

__all__ = ["index_view", "view_of"]

_TRANSPOSING = (
    np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.linalg.matrix_transpose,
    *present("permute_dims", "matrix_transpose"),
)  # fmt: skip
_RESHAPING = (np.expand_dims, np.squeeze, np.atleast_1d, np.atleast_2d, np.atleast_3d)
_BY_LAYOUT = (np.reshape, np.ravel)
_FLIPPING = (np.flip, np.flipud, np.fliplr)
_SPLITTING = (np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, *present("unstack"))
_READ_ONLY = (
    np.diagonal, np.diag, np.broadcast_to, np.broadcast_arrays, np.linalg.diagonal,
    np.lib.stride_tricks.sliding_window_view,
)  # fmt: skip
_SAME = (np.asarray, np.asanyarray, np.real, np.array)
_IN_ORDER = {np.ascontiguousarray: "c_contiguous", np.asfortranarray: "f_contiguous"}
_ALL = {
    *_SAME, *_IN_ORDER, *_TRANSPOSING, *_RESHAPING, *_BY_LAYOUT, *_FLIPPING, *_SPLITTING, *_READ_ONLY,
    np.rot90, np.einsum,
}  # fmt: skip

_Call = Callable[..., Any]
_Put = Callable[[Node, Node], Node]


def index_view(base: Place, key: Any) -> View:
    """Return how base[key] shows the base, for a key of integers, slices, None and '...'."""
    places = key if isinstance(key, tuple) else (key,)
    plain = tuple(each for each in places if isinstance(each, int) and not isinstance(each, bool))
    integers = None
    extents = [extent for extent in base.origin.shape[: len(plain)] if isinstance(extent, int)]
    if len(plain) == len(places) == len(extents):
        integers = tuple(k % n for k, n in zip(plain, extents, strict=True))
    return View(
        base,
        lambda node: index(node, key),
        lambda node, value: replaced(node, key, value),
        lambda array: array[key],
        integers,
    )


def view_of(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], values: Sequence[Any]) -> Any:
    """Return, for each of the results of a NumPy function, how it shows its argument; None if it does not.

    Args:
        function: what was called.
        args: the arguments as they were given.
        kwargs: those by name.
        values: the arguments with nodes for traced values.
    """
    if function not in _ALL:
        return None
    at = 1 if function is np.einsum else 0
    if len(args) <= at or not isinstance(args[at], Place) or not _shows(function, args, kwargs):
        return None
    base = args[at]

    def call(x: Any) -> Any:
        return call_function(function, [*values[:at], x, *values[at + 1 :]], kwargs)

    def move(array: Any) -> Any:
        return function(*values[:at], array, *values[at + 1 :], **kwargs)

    if function in _SPLITTING:
        return lambda k: View(
            base,
            lambda node: call(node)[k],
            _joining(function, call, values, kwargs, k),
            lambda a: move(a)[k],
        )
    if function in _READ_ONLY:
        part = (lambda k: lambda x: call(x)[k]) if function is np.broadcast_arrays else (lambda _: call)
        return lambda k: View(base, part(k), None, move)
    if function in _BY_LAYOUT:
        return lambda _: _by_layout(function, base, call, kwargs)
    put = _putting(function, base, call, move)
    settle = _in_order(function, base)
    return lambda _: View(base, call, put, move, settle=settle)


def _putting(function: Any, base: Place, call: _Call, move: _Call) -> _Put:
    """Return what puts other elements of a view back into the base."""
    if function in _TRANSPOSING:
        back = _back(move, base.origin.rank)
        return lambda node, value: transpose(value, back)
    if function in _SAME or function in _IN_ORDER:
        return lambda node, value: value
    if function in _FLIPPING:
        return lambda node, value: call(value)
    if function in _RESHAPING:
        return lambda node, value: reshape(value, node.shape)
    return lambda node, value: put_at(node, call(reshape(iota(node.size), node.shape)), value)


def _in_order(function: Any, base: Place) -> Callable[[], bool] | None:
    """Return what tells whether an array lies in the order that the function gives; None if it does."""
    if function not in _IN_ORDER or base.origin.rank < 2:
        return None
    return lambda: bool(getattr(_strided(base).flags, _IN_ORDER[function]))


def _shows(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    if function is np.diag:
        return args[0].ndim == 2
    if function is np.array:  # which copies unless it is told not to
        return len(args) < 2 and not kwargs.get("copy", True) and kwargs.keys() <= {"copy"}
    if function in _SAME or function in _IN_ORDER:
        return len(args) < 2 and all(kwargs.get(key) is None for key in ("dtype", "copy", "order"))
    if function is np.einsum:  # a view unless it sums over an axis
        text = args[0]
        if len(args) != 2 or not isinstance(text, str) or "->" not in text:
            return False
        operand, _, result = text.replace(" ", "").partition("->")
        return set(operand) == set(result)
    return True


def _back(move: _Call, rank: int) -> list[int]:
    """Return the axes that undo a transposition, found by what it does to an array of no memory."""
    moved = move(np.broadcast_to(np.empty(()), tuple(range(2, 2 + rank)))).shape
    return [moved.index(2 + axis) for axis in range(rank)]


def _joining(function: Any, call: _Call, values: Sequence[Any], kwargs: Mapping[str, Any], k: int) -> _Call:
    """Return what puts the k-th part of a split array back between the others."""

    def put(node: Node, value: Node) -> Node:
        parts = list(call(node))
        parts[k] = value
        if function in (np.hsplit, np.vsplit, np.dsplit):
            axis = {np.hsplit: min(1, node.rank - 1), np.vsplit: 0, np.dsplit: 2}[function]
            return concatenate(parts, axis)
        if function in (np.split, np.array_split):
            return concatenate(parts, kwargs.get("axis", values[2] if len(values) > 2 else 0))
        return stack(parts, kwargs.get("axis", 0))

    return put


def _by_layout(function: Any, base: Place, call: _Call, kwargs: Mapping[str, Any]) -> View:
    """Return how a reshaped array shows another one, if the layout of that allows it."""

    def move(array: Any) -> Any:
        result = array.view()
        if function is np.ravel and not array.flags.c_contiguous:
            raise AttributeError("numpy.ravel copies what is not contiguous, even if it could do without")
        result.shape = _shape_of(call, base)  # raises where the elements would have to be copied
        return result

    def settle() -> bool:
        if kwargs.get("order", "C") != "C":
            raise _uncertain(base, f"in the order {kwargs['order']!r}")
        try:
            move(_strided(base))
        except AttributeError:
            return False
        return True

    return View(base, call, lambda node, value: reshape(value, node.shape), move, settle=settle)


def _shape_of(call: _Call, base: Place) -> tuple[int, ...]:
    shape = call(base.node).shape
    if not all(isinstance(extent, int) for extent in (*shape, *base.node.shape)):
        raise _uncertain(base, "with extents that are not known")
    return shape


def _strided(place: Place) -> Any:
    """Return an array without memory that has the shape and the strides that NumPy's array would have."""
    chain: list[View] = []
    while (view := place.shown_as) is not None:
        chain.append(view)
        place = view.base
    node = place.origin
    shape = [extent for extent in node.shape if isinstance(extent, int)]
    if len(shape) < node.rank:
        raise _uncertain(place, "with extents that are not known")
    _check_order(place, node)
    strides = [8 * int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(node.rank)]
    array: Any = as_strided(np.empty(1), shape, strides)
    for view in reversed(chain):
        array = view.move(array)
    return array


_ORDERED = ("concatenate", "pad", "broadcast", "reshape", "slice")


def _check_order(place: Place, node: Node) -> None:
    """Raise `TypeProblem` where an array may not be in C order; an argument that must be is noted."""
    waiting, known = [node], {node}
    for each in waiting:
        if each.rank < 2 or each.is_op("matmul") or each.is_op("iota"):
            continue
        if each.is_op("input") and place.owner.depth == 0:
            place.owner.c_ordered.add(each)
        elif isinstance(each.op, Elementwise) or each.op.name in _ORDERED:
            new = [operand for operand in each.inputs if operand not in known]
            waiting += new
            known.update(new)
        else:
            raise _uncertain(place, f"of {each.op.name}")


def _uncertain(place: Place, why: str) -> TypeProblem:
    return TypeProblem(
        f"whether the reshaped array {why} shares its elements with {place!r} depends on how NumPy lays it "
        "out, and one of the two is changed in place: reshape a copy, x.copy().reshape(shape), or write to "
        "the array itself"
    )
