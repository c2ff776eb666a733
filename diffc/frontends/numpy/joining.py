"""Arrays put together and taken apart along axes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import known_array, known_integer, unsupported
from diffc.frontends.numpy.operands import as_array, as_axis, as_dtype, as_number
from diffc.frontends.numpy.registry import implements, present
from diffc.frontends.numpy.shapes import atleast_2d, cube, ravel
from diffc.frontends.numpy.spacing import between
from diffc.ir import Extent, Node, promote, require
from diffc.ir.dtype import is_float
from diffc.ops import cast, lift, reshaping, slicing
from diffc.ops.broadcasting import broadcast

__all__ = ["part"]


def _parts(arrays: Any, what: str) -> list[Node]:
    if isinstance(arrays, Node):
        return [slicing.index(arrays, k) for k in range(_known(arrays.shape[0], arrays))]
    if not isinstance(arrays, list | tuple):
        raise TypeProblem(f"numpy.{what}: the first argument is a sequence of arrays")
    return [as_array(each) for each in arrays]


def _known(extent: Extent, x: Node) -> int:
    if isinstance(extent, int):
        return extent
    raise TypeProblem(f"{x.type} cannot be taken apart: the extent {extent} is not known when tracing")


def _joined(parts: Sequence[Node], axis: int, dtype: Any) -> Node:
    joined = slicing.concatenate(parts, axis)
    return joined if dtype is None else cast(joined, as_dtype(dtype))


@implements(np.concatenate)
def concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Node:
    """numpy.concatenate."""
    unsupported("concatenate", out=out)
    parts = _parts(arrays, "concatenate")
    if axis is None:
        return _joined([ravel(each) for each in parts], 0, dtype)
    return _joined(parts, known_integer(axis, "axis"), dtype)


@implements(np.stack)
def stack(
    arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Node:
    """numpy.stack."""
    unsupported("stack", out=out)
    stacked = slicing.stack(_parts(arrays, "stack"), known_integer(axis, "axis"))
    return stacked if dtype is None else cast(stacked, as_dtype(dtype))


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Node:
    """numpy.vstack."""
    return _joined([atleast_2d(each) for each in _parts(tup, "vstack")], 0, dtype)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Node:
    """numpy.hstack."""
    parts = [reshaping.reshape(x, (1,)) if x.rank == 0 else x for x in _parts(tup, "hstack")]
    return _joined(parts, 0 if parts and parts[0].rank == 1 else 1, dtype)


@implements(np.dstack)
def dstack(tup: Any) -> Node:
    """numpy.dstack."""
    return _joined([cube(each) for each in _parts(tup, "dstack")], 2, None)


@implements(np.column_stack)
def column_stack(tup: Any) -> Node:
    """numpy.column_stack: vectors become columns."""
    parts = [reshaping.reshape(x, (x.size, 1)) if x.rank < 2 else x for x in _parts(tup, "column_stack")]
    return _joined(parts, 1, None)


@implements(np.block)
def block(arrays: Any) -> Node:
    """numpy.block: nested lists joined along the last axis, then the one before, and so on."""
    depth = _depth(arrays)
    rank = max(depth, *(x.rank for x in _leaves(arrays)))
    return _blocks(arrays, depth, rank)


def _depth(arrays: Any) -> int:
    depth = 0
    while isinstance(arrays, list):
        if not arrays:
            raise TypeProblem("numpy.block: a list is empty")
        arrays, depth = arrays[0], depth + 1
    return depth


def _leaves(arrays: Any) -> list[Node]:
    return (
        [leaf for each in arrays for leaf in _leaves(each)]
        if isinstance(arrays, list)
        else [as_array(arrays)]
    )


def _blocks(arrays: Any, depth: int, rank: int) -> Node:
    # The lists nest as deep as there are axes, which are few.
    if isinstance(arrays, list) != (depth > 0):
        raise TypeProblem("numpy.block: the lists are not all nested equally deep")
    if depth:
        return slicing.concatenate([_blocks(each, depth - 1, rank) for each in arrays], rank - depth)
    x = as_array(arrays)
    return reshaping.reshape(x, ((1,) * (rank - x.rank) + x.shape))


@implements(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Node:
    """numpy.append."""
    return concatenate([arr, values], axis)


@implements(np.r_)
def rows_of(key: Any) -> Node:
    """numpy.r_[key]: arrays, numbers and slices, joined along the first axis or the one that a text names."""
    return _concatenated(key, axis=0, rank=1, place=-1)


@implements(np.c_)
def columns_of(key: Any) -> Node:
    """numpy.c_[key]: vectors become columns, which are joined."""
    return _concatenated(key, axis=-1, rank=2, place=0)


def _concatenated(key: Any, axis: int, rank: int, place: int) -> Node:
    """Return parts joined along an axis; those of fewer axes than `rank` have their own from `place` on."""
    items = list(key) if isinstance(key, tuple) else [key]
    if isinstance(items[0], str):
        axis, rank, place = _directive(items.pop(0), axis, rank, place)
    parts = [between(each) if isinstance(each, slice) else as_number(each) for each in items]
    dtype = promote(*(each.dtype for each in parts if isinstance(each, Node)))
    for each in parts:
        if not isinstance(each, Node) and not is_float(dtype):
            dtype = promote(dtype, lift(each).dtype)
    return slicing.concatenate([_with_rank(lift(each, dtype), rank, place) for each in parts], axis)


def _directive(text: str, axis: int, rank: int, place: int) -> tuple[int, int, int]:
    """Return what '0,2,1' says: the axis, the least number of axes, and where the own ones start."""
    try:
        given = [int(each) for each in text.split(",")]
    except ValueError:
        given = []
    if not 1 <= len(given) <= 3:
        raise TypeProblem(f"np.r_[{text!r}, ...]: the text is up to three integers, as in '0,2,1'")
    axis, rank, place = [*given, *(rank, place)[len(given) - 1 :]]
    return axis, rank, place


def _with_rank(x: Node, rank: int, place: int) -> Node:
    missing = rank - x.rank
    if missing <= 0:
        return x
    before = place + missing + 1 if place < 0 else place
    if not 0 <= before <= missing:
        raise TypeProblem(f"np.r_: the axes of {x.type} cannot start at {place} of {rank} axes")
    return reshaping.reshape(x, (*(1,) * before, *x.shape, *(1,) * (missing - before)))


def part(x: Node, start: Extent, stop: Extent, axis: int) -> Node:
    """Return the elements from `start` up to `stop` of one axis."""
    starts: list[Extent] = [0] * x.rank
    sizes = list(x.shape)
    starts[axis], sizes[axis] = start, stop - start
    return slicing.slice_(x, starts, sizes)


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Node]:
    """numpy.array_split: parts of nearly equal extent, or between the given places."""
    x = as_array(ary)
    axis = as_axis(axis, x.rank, "array_split")
    return _split(x, _places(x, indices_or_sections, axis, False), axis)


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Node]:
    """numpy.split: parts of equal extent, or between the given places."""
    x = as_array(ary)
    axis = as_axis(axis, x.rank, "split")
    return _split(x, _places(x, indices_or_sections, axis, True), axis)


def _places(x: Node, sections: Any, axis: int, equal: bool) -> list[Extent]:
    """Return where the parts start and end."""
    extent = x.shape[axis]
    if isinstance(sections, list | tuple | np.ndarray) and np.ndim(sections):
        return [
            0,
            *(_inside(each, extent) for each in known_array(sections, "the places to split at")),
            extent,
        ]
    count = known_integer(sections, "the number of sections")
    if count < 1:
        raise TypeProblem(f"numpy.split: the number of sections is at least 1, not {count}")
    if equal:
        unequal = f"numpy.split: {count} equal parts of {extent} elements; array_split takes unequal ones"
        require(-(extent % count), unequal)
        return [*(k * (extent // count) for k in range(count)), extent]
    # The first parts have one element more than the last.
    sizes = ((extent + count - 1 - k) // count for k in range(count))
    return list(accumulate(sizes, initial=0))


def _inside(place: Any, extent: Extent) -> Extent:
    number = int(place)
    if isinstance(extent, int):
        return max(0, extent + number) if number < 0 else min(number, extent)
    return extent + number if number < 0 else number


def _split(x: Node, places: Sequence[Extent], axis: int) -> list[Node]:
    result: list[Node] = []
    for start, stop in pairwise(places):
        size = stop - start
        result.append(part(x, start, start if isinstance(size, int) and size < 0 else stop, axis))
    return result


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Node]:
    """numpy.hsplit."""
    return split(ary, indices_or_sections, 0 if as_array(ary).rank == 1 else 1)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Node]:
    """numpy.vsplit."""
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Node]:
    """numpy.dsplit."""
    return split(ary, indices_or_sections, 2)


@implements(*present("unstack"))
def unstack(x: Any, /, *, axis: Any = 0) -> tuple[Node, ...]:
    """numpy.unstack: the arrays along an axis."""
    node = as_array(x)
    axis = as_axis(axis, node.rank, "unstack")
    return tuple(slicing.index(node, k, axis) for k in range(_known(node.shape[axis], node)))


@implements(np.tile)
def tile(A: Any, reps: Any) -> Node:
    """numpy.tile."""
    x = as_array(A)
    counts = [
        known_integer(each, "reps") for each in (reps if isinstance(reps, list | tuple) else np.ravel(reps))
    ]
    rank = max(x.rank, len(counts))
    counts = [1] * (rank - len(counts)) + counts
    shape = (1,) * (rank - x.rank) + x.shape
    spread = tuple(e for extent in shape for e in (1, extent))
    repeated = tuple(e for count, extent in zip(counts, shape, strict=True) for e in (count, extent))
    final = tuple(count * extent for count, extent in zip(counts, shape, strict=True))
    return reshaping.reshape(broadcast(reshaping.reshape(x, spread), repeated), final)
