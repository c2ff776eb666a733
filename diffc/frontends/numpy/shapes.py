"""The same elements in another shape or order of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import is_one, known_extent, known_integer, unsupported
from diffc.frontends.numpy.operands import as_array, as_axes, as_axis, as_shape
from diffc.frontends.numpy.registry import implements
from diffc.ir import Extent, Node, broadcast_shapes
from diffc.ops import broadcasting, reshaping, slicing

__all__ = ["broadcast_together"]


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Node:
    """numpy.transpose."""
    x = as_array(a)
    return reshaping.transpose(x, None if axes is None else as_axes(axes, x.rank, "transpose"))


@implements(np.matrix_transpose)
def matrix_transpose(x: Any) -> Node:
    """numpy.matrix_transpose."""
    return swapaxes(x, -1, -2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Node:
    """numpy.swapaxes."""
    x = as_array(a)
    first, second = as_axis(axis1, x.rank, "swapaxes"), as_axis(axis2, x.rank, "swapaxes")
    order = list(range(x.rank))
    order[first], order[second] = second, first
    return reshaping.transpose(x, order)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Node:
    """numpy.moveaxis."""
    x = as_array(a)
    start = as_axes(source, x.rank, "moveaxis: source")
    end = as_axes(destination, x.rank, "moveaxis: destination")
    if len(start) != len(end):
        raise TypeProblem("numpy.moveaxis: 'source' and 'destination' must name as many axes")
    order = [axis for axis in range(x.rank) if axis not in start]
    for to, axis in sorted(zip(end, start, strict=True)):
        order.insert(to, axis)
    return reshaping.transpose(x, order)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: Any, start: Any = 0) -> Node:
    """numpy.rollaxis: an axis moved before another one."""
    x = as_array(a)
    axis = as_axis(axis, x.rank, "rollaxis")
    before = known_integer(start, "start")
    if not -x.rank <= before <= x.rank:
        raise TypeProblem(f"numpy.rollaxis: start {before} is outside the axes of {x.type}")
    before = before + x.rank if before < 0 else before
    return reshaping.moveaxis(x, axis, before - 1 if axis < before else before)


@implements(np.reshape)
def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: Any = None) -> Node:
    """numpy.reshape; `copy` has no meaning, because a traced array is never written to."""
    x, new = as_array(a), as_shape(shape)
    if _column_major(order, "reshape"):
        return reshaping.transpose(reshaping.reshape(reshaping.transpose(x), new[::-1]))
    return reshaping.reshape(x, new)


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Node:
    """numpy.ravel."""
    x = as_array(a)
    return reshaping.reshape(reshaping.transpose(x) if _column_major(order, "ravel") else x, (x.size,))


def _column_major(order: str, what: str) -> bool:
    if order not in ("C", "F", "A", "K"):
        raise TypeProblem(f"numpy.{what}: the order is 'C' or 'F', not {order!r}")
    return order == "F"


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Node:
    """numpy.squeeze: without axes of extent 1; a symbolic extent must be another at each call."""
    x = as_array(a)
    if axis is None:
        axes: Sequence[int] = [k for k, extent in enumerate(x.shape) if is_one(extent)]
    else:
        axes = as_axes(axis, x.rank, "squeeze")
    for each in axes:
        if x.shape[each] != 1:
            raise TypeProblem(f"numpy.squeeze: axis {each} of {x.type} has not the extent 1")
    return reshaping.reshape(x, tuple(extent for k, extent in enumerate(x.shape) if k not in axes))


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Node:
    """numpy.expand_dims."""
    x = as_array(a)
    count = len(axis) if isinstance(axis, list | tuple) else 1
    return reshaping.expand_dims(x, as_axes(axis, x.rank + count, "expand_dims"))


def _several(nodes: Sequence[Node]) -> Any:
    return nodes[0] if len(nodes) == 1 else tuple(nodes)


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """numpy.atleast_1d."""
    nodes = [as_array(each) for each in arys]
    return _several([reshaping.reshape(x, (1,)) if x.rank == 0 else x for x in nodes])


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """numpy.atleast_2d: vectors become rows."""
    nodes = [as_array(each) for each in arys]
    return _several([x if x.rank >= 2 else reshaping.reshape(x, (1, x.size)) for x in nodes])


def cube(x: Node) -> Node:
    """Return `x` with at least three axes: a vector in the middle one, a matrix in the first two."""
    if x.rank < 2:
        return reshaping.reshape(x, (1, x.size, 1))
    return reshaping.expand_dims(x, (2,)) if x.rank == 2 else x


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """numpy.atleast_3d."""
    return _several([cube(as_array(each)) for each in arys])


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Node:
    """numpy.broadcast_to."""
    unsupported("broadcast_to", subok=subok)
    return broadcasting.broadcast(as_array(array), as_shape(shape))


def broadcast_together(nodes: Sequence[Node], what: str) -> list[Node]:
    """Return arrays broadcast to their common shape; raise `TypeProblem` where there is none."""
    shape = broadcast_shapes(*(each.shape for each in nodes))
    if shape is None:
        shown = ", ".join(str(each.type) for each in nodes)
        raise TypeProblem(f"numpy.{what}: the shapes do not broadcast: {shown}")
    return [broadcasting.broadcast(each, shape) for each in nodes]


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Node, ...]:
    """numpy.broadcast_arrays."""
    unsupported("broadcast_arrays", subok=subok)
    return tuple(broadcast_together([as_array(each) for each in args], "broadcast_arrays"))


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Node:
    """numpy.flip."""
    x = as_array(m)
    return reshaping.flip(x, as_axes(axis, x.rank, "flip"))


@implements(np.flipud)
def flipud(m: Any) -> Node:
    """numpy.flipud: the first axis in the opposite order."""
    return flip(m, 0)


@implements(np.fliplr)
def fliplr(m: Any) -> Node:
    """numpy.fliplr: the second axis in the opposite order."""
    return flip(m, 1)


@implements(np.rot90)
def rot90(m: Any, k: Any = 1, axes: Any = (0, 1)) -> Node:
    """numpy.rot90: quarter turns from the first axis towards the second."""
    x = as_array(m)
    first, second = as_axes(tuple(axes), x.rank, "rot90")
    turns = known_integer(k, "k") % 4
    if turns == 0:
        return x
    if turns == 2:
        return reshaping.flip(x, (first, second))
    turned = swapaxes(x, first, second)
    return reshaping.flip(turned, (first if turns == 1 else second,))


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Node:
    """numpy.resize: the elements repeated, or cut off, to fill a shape; the extents must be known."""
    x = ravel(a)
    shape = tuple(known_integer(extent, "an extent of new_shape") for extent in as_shape(new_shape))
    wanted = int(np.prod(shape, dtype=np.int64))
    have = known_integer(known_extent(x.shape[0], "the number of elements"), "the number of elements")
    if not have:
        return broadcasting.full(0, x.type.with_shape(shape))
    repeats = -(-wanted // have)
    repeated: Extent = repeats * have
    filled = reshaping.reshape(broadcasting.broadcast(x, (repeats, have)), (repeated,))
    return reshaping.reshape(slicing.slice_(filled, (0,), (wanted,)), shape)
