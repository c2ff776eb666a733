"""Elements by their places: taken, repeated, moved, left out, or chosen by conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import as_integers, known_array, known_extent, known_integer, unsupported
from diffc.frontends.numpy.indexing import index as index_of
from diffc.frontends.numpy.joining import part
from diffc.frontends.numpy.operands import as_array, as_axes, as_axis, as_shape
from diffc.frontends.numpy.registry import implements
from diffc.frontends.numpy.shapes import ravel
from diffc.ir import Extent, Node
from diffc.ops import cast, dim, reshaping, slicing
from diffc.ops.arithmetic import add, maximum, minimum, mul
from diffc.ops.base import Array
from diffc.ops.broadcasting import broadcast
from diffc.ops.indexing import gather
from diffc.ops.remainders import floor_divide, mod
from diffc.ops.sorting import take_along_axis as take_along

__all__ = ["take_places"]


def take_places(x: Node, places: Array, axis: int) -> Node:
    """Return `x` at places of an axis that are known when tracing.

    Places at equal distances are a slice, whose transpose pads; others are gathered.
    """
    extent = x.shape[axis]
    if isinstance(extent, int):
        if places.size and not (-extent <= places.min() and places.max() < extent):
            raise TypeProblem(f"an index is outside axis {axis} of {x.type}")
        places = np.where(places < 0, places + extent, places)
    if places.ndim != 1 or not places.size or places.min() < 0:
        return gather(x, as_array(places.astype(np.int64)), axis)
    steps = np.unique(np.diff(places))
    if steps.size > 1 or (steps.size and steps[0] == 0):
        return gather(x, as_array(places.astype(np.int64)), axis)
    step = int(steps[0]) if steps.size else 1
    starts: list[Extent] = [0] * x.rank
    sizes = list(x.shape)
    strides = [1] * x.rank
    starts[axis], sizes[axis], strides[axis] = int(places.min()), places.size, abs(step)
    taken = slicing.slice_(x, starts, sizes, strides)
    return reshaping.flip(taken, (axis,)) if step < 0 else taken


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Node:
    """numpy.take."""
    unsupported("take", out=out)
    x = ravel(a) if axis is None else as_array(a)
    axis = 0 if axis is None else as_axis(axis, x.rank, "take")
    extent = x.shape[axis]
    if mode not in ("raise", "clip"):
        raise TypeProblem(f"numpy.take: the mode is 'raise' or 'clip', not {mode!r}")
    if mode == "clip":
        last = dim(extent - 1)
        return gather(x, minimum(maximum(as_integers(indices, "indices"), 0), last), axis)
    as_integers(indices, "indices")
    return index_of(x, (*[slice(None)] * axis, indices))


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Node:
    """numpy.take_along_axis."""
    if axis is None:
        return take_along(ravel(arr), as_integers(indices, "indices"), 0)
    x = as_array(arr)
    return take_along(x, as_integers(indices, "indices"), as_axis(axis, x.rank, "take_along_axis"))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Node:
    """numpy.compress; the condition must be known when tracing."""
    unsupported("compress", out=out)
    x = ravel(a) if axis is None else as_array(a)
    chosen = np.flatnonzero(known_array(condition, "the condition"))
    return take_places(x, chosen, 0 if axis is None else as_axis(axis, x.rank, "compress"))


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Node:
    """numpy.extract; the condition must be known when tracing."""
    return take_places(ravel(arr), np.flatnonzero(known_array(condition, "the condition")), 0)


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Node:
    """numpy.repeat."""
    x = ravel(a) if axis is None else as_array(a)
    axis = 0 if axis is None else as_axis(axis, x.rank, "repeat")
    extent = x.shape[axis]
    counts = None if isinstance(repeats, Node) else known_array(repeats, "repeats")
    if counts is not None and counts.dtype.kind not in "iub":
        raise TypeProblem(f"numpy.repeat: repeats must be integers, not {counts.dtype}")
    if counts is None or counts.size == 1:
        times = known_extent(repeats if counts is None else int(counts.flat[0]), "repeats")
        shape = (*x.shape[: axis + 1], times, *x.shape[axis + 1 :])
        repeated = broadcast(reshaping.expand_dims(x, (axis + 1,)), shape)
        return reshaping.reshape(repeated, (*x.shape[:axis], extent * times, *x.shape[axis + 1 :]))
    if counts.shape != (extent,):
        raise TypeProblem(f"numpy.repeat: {counts.shape} numbers of repeats for axis {axis} of {x.type}")
    return take_places(x, np.repeat(np.arange(len(counts)), counts), axis)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Node:
    """numpy.roll: two slices and a concatenation along each axis."""
    x = as_array(a)
    if axis is None:
        return reshaping.reshape(_rolled(ravel(x), known_extent(shift, "shift"), 0), x.shape)
    axes = axis if isinstance(axis, list | tuple) else (axis,)
    shifts = shift if isinstance(shift, list | tuple) else (shift,) * len(axes)
    if len(axes) == 1:
        axes = tuple(axes) * len(shifts)
    if len(shifts) == 1:
        shifts = tuple(shifts) * len(axes)
    if len(axes) != len(shifts):
        raise TypeProblem("numpy.roll: 'shift' and 'axis' must have as many elements")
    for by, along in zip(shifts, axes, strict=True):
        x = _rolled(x, known_extent(by, "shift"), as_axis(along, x.rank, "roll"))
    return x


def _rolled(x: Node, by: Extent, axis: int) -> Node:
    extent = x.shape[axis]
    if isinstance(by, int) and isinstance(extent, int):
        by = by % extent if extent else 0
    if by == 0 or by == extent:
        return x
    # The elements from `cut` on come to the front; a symbolic extent is taken to be at least |shift|.
    cut = -by if isinstance(by, int) and by < 0 else extent - by
    return slicing.concatenate([part(x, cut, extent, axis), part(x, 0, cut, axis)], axis)


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Node:
    """numpy.fft.fftshift: the middle of each axis moved to the front."""
    return _half_turned(x, axes, lambda extent: extent // 2)


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Node:
    """numpy.fft.ifftshift, the inverse of fftshift."""
    return _half_turned(x, axes, lambda extent: -(extent // 2))


def _half_turned(x: Any, axes: Any, by: Callable[[int], int]) -> Node:
    node = as_array(x)
    for axis in as_axes(axes, node.rank, "fftshift"):
        node = _rolled(node, by(known_integer(node.shape[axis], "the extent of an axis")), axis)
    return node


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Node:
    """numpy.delete; the places must be known when tracing."""
    x = ravel(arr) if axis is None else as_array(arr)
    axis = 0 if axis is None else as_axis(axis, x.rank, "delete")
    extent = x.shape[axis]
    if isinstance(extent, int):
        return take_places(x, np.delete(np.arange(extent), _known_places(obj, "the places to delete")), axis)
    at = known_integer(obj, "the place to delete from an axis of symbolic extent")
    place = extent + at if at < 0 else at
    kept = [part(x, 0, place, axis), part(x, place + 1, extent, axis)]
    return slicing.concatenate(kept, axis)


def _known_places(value: Any, what: str) -> Any:
    """Return a slice, a mask or integers that are known when tracing; an empty list has no places."""
    if isinstance(value, slice):
        return value
    places = known_array(value, what)
    if places.size and places.dtype.kind not in "iub":
        raise TypeProblem(f"{what} must be integers or truth values, not {places.dtype}")
    return places if places.size else places.astype(np.int64)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Node:
    """numpy.insert; the places must be known when tracing."""
    x = ravel(arr) if axis is None else as_array(arr)
    axis = 0 if axis is None else as_axis(axis, x.rank, "insert")
    new = cast(as_array(values), x.dtype)
    single = not isinstance(obj, slice) and (isinstance(obj, Node) or np.ndim(obj) == 0)
    if single:
        return _insert_at(x, known_integer(obj, "the place to insert at"), new, axis)
    extent = x.shape[axis]
    if not isinstance(extent, int):
        raise TypeProblem(f"numpy.insert: several places in an axis of symbolic extent {extent}")
    places = _known_places(obj, "the places to insert at")
    if isinstance(places, np.ndarray) and places.dtype == bool:
        places = np.flatnonzero(places)
    count = len(range(*places.indices(extent))) if isinstance(places, slice) else places.size
    new = broadcast(new, (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    order = np.insert(np.arange(extent), places, extent + np.arange(count))
    return take_places(slicing.concatenate([x, new], axis), order, axis)


def _insert_at(x: Node, at: int, new: Node, axis: int) -> Node:
    extent = x.shape[axis]
    if isinstance(extent, int) and not -extent <= at <= extent:
        raise TypeProblem(f"numpy.insert: the place {at} is outside axis {axis} of {x.type}")
    place = extent + at if at < 0 else at
    # NumPy's rule for a single place: the first axis of the values goes where they are inserted.
    new = reshaping.moveaxis(reshaping.reshape(new, (1,) * (x.rank - new.rank) + new.shape), 0, axis)
    new = broadcast(new, (*x.shape[:axis], new.shape[axis], *x.shape[axis + 1 :]))
    return slicing.concatenate([part(x, 0, place, axis), new, part(x, place, extent, axis)], axis)


@implements(np.ix_)
def ix_(*args: Any) -> tuple[Node, ...]:
    """numpy.ix_ of index vectors."""
    nodes = [as_integers(each, "ix_: the indices") for each in args]
    shapes = [tuple(x.size if k == axis else 1 for k in range(len(nodes))) for axis, x in enumerate(nodes)]
    return tuple(reshaping.reshape(x, shape) for x, shape in zip(nodes, shapes, strict=True))


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: str = "raise", order: str = "C") -> Node:
    """numpy.ravel_multi_index; an index outside is not noticed."""
    if mode != "raise":
        raise TypeProblem(f"numpy.ravel_multi_index: the mode {mode!r} is not supported; use np.clip or %")
    indices, extents = [as_integers(each, "indices") for each in multi_index], list(as_shape(dims))
    if len(indices) != len(extents):
        raise TypeProblem(f"numpy.ravel_multi_index: {len(indices)} indices for {len(extents)} extents")
    if order == "F":
        indices, extents = indices[::-1], extents[::-1]
    result = indices[0]
    for index, extent in zip(indices[1:], extents[1:], strict=True):
        result = add(mul(result, dim(extent)), index)
    return result


@implements(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Node, ...]:
    """numpy.unravel_index; an index outside is not noticed."""
    rest = as_integers(indices, "indices")
    found: list[Node] = []
    extents = as_shape(shape)
    for extent in extents if order == "F" else extents[::-1]:
        found.append(mod(rest, dim(extent)))
        rest = floor_divide(rest, dim(extent))
    return tuple(found if order == "F" else found[::-1])
