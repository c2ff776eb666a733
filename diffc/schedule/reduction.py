"""Reductions: in a register where the reduced axes are the inner ones, in memory otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from diffc.ir import Extent, Node
from diffc.ir.loops import Accumulate, Compute, Operand, Store
from diffc.ops.elementwise import cast_op
from diffc.ops.reductions import lowest
from diffc.schedule.placement import Cursor, Location, Read
from diffc.schedule.views import DimIndex

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["identity_of", "place_reduction"]

_NUMPY = {"f64": "float64", "f32": "float32", "i64": "int64", "bool": "bool"}


def identity_of(how: str, dtype: str) -> float | int | bool:
    """Return the number with which an accumulation starts."""
    if how == "max":
        return lowest(_NUMPY[dtype])
    if how == "or":
        return False
    number = 1 if how == "mul" else 0
    return number if dtype == "i64" else float(number)


def place_reduction(
    s: Scheduler,
    node: Node,
    shape: Sequence[Extent],
    order: Sequence[int],
    kept: Sequence[int],
    reads: Sequence[Read],
    how: str,
    contribution: Callable[[Cursor], tuple[Operand, ...]],
) -> None:
    """Place a reduction of values over an iteration space.

    Args:
        s: the scheduler.
        node: what is computed; its dimensions are `kept`, in that order.
        shape: the extents of the space.
        order: the space's dimensions, outermost loop first.
        kept: those that remain.
        reads: what the values are computed from.
        how: add, mul, max or or.
        contribution: emits the value at a place and returns it.
    """
    looped = [d for d in order if shape[d] != 1]
    first = next((k for k, d in enumerate(looped) if d not in kept), len(looped))
    outer, inner = looped[:first], looped[first:]
    cursor = s.nests.enter_all(outer, shape, reads, inside=not inner)
    result = {d: k for k, d in enumerate(kept)}
    if not inner:
        _without_loop(s, node, result, contribution, cursor)
    elif any(d in kept for d in inner):
        _in_memory(s, node, shape, inner, result, reads, how, contribution, cursor)
    else:
        _in_register(s, node, shape, inner, result, reads, how, contribution, cursor)


def _without_loop(
    s: Scheduler,
    node: Node,
    result: dict[int, int],
    contribution: Callable[[Cursor], tuple[Operand, ...]],
    cursor: Cursor,
) -> None:
    """Take the one element that there is to reduce."""
    value = s.value(node.dtype, node)
    cursor.block.append(Compute(value, cast_op, contribution(cursor), node.dtype))
    s.nests.locations[node] = s.nests.locate(cursor, value, result)


def _in_register(
    s: Scheduler,
    node: Node,
    shape: Sequence[Extent],
    inner: Sequence[int],
    result: dict[int, int],
    reads: Sequence[Read],
    how: str,
    contribution: Callable[[Cursor], tuple[Operand, ...]],
    cursor: Cursor,
) -> None:
    block, path = cursor.block, list(cursor.path)
    accumulator = s.value(node.dtype, node)
    for k, d in enumerate(inner):
        loop = s.nests.enter(cursor, d, shape[d], reads, innermost=k == len(inner) - 1)
        loop.kind = "reduction"
        if k == 0:
            loop.accumulators.append((accumulator, how))
    levels = {
        key: (position, None if d is None or key == id(block) else result.get(d))
        for key, (position, d) in cursor.levels.items()
    }
    cursor.block.append(Accumulate(accumulator, how, contribution(cursor)))
    s.nests.locations[node] = Location(levels, block, [(loop, result[d]) for loop, d in path], accumulator)


def _in_memory(
    s: Scheduler,
    node: Node,
    shape: Sequence[Extent],
    inner: Sequence[int],
    result: dict[int, int],
    reads: Sequence[Read],
    how: str,
    contribution: Callable[[Cursor], tuple[Operand, ...]],
    cursor: Cursor,
) -> None:
    """Fill with the identity, then accumulate along inner kept dimensions, which stay the vector axis."""
    buffer = s.buffer(node)
    block, outer = cursor.block, len(cursor.path)
    index = [DimIndex()] * node.rank
    for d, k in result.items():
        index[k] = DimIndex() if shape[d] == 1 else DimIndex(0, d)
    floor = 0
    if outer:
        start = cursor.branch()
        s.nests.enter_all([d for d in inner if d in result], shape, [], cursor=start)
        start.block.append(Store(buffer, start.affines(index), identity_of(how, node.dtype)))
        floor = start.levels[id(block)][0] + 1
    else:
        s.fill(buffer, node.shape, identity_of(how, node.dtype))
    s.nests.enter_all(inner, shape, reads, floor=floor, cursor=cursor)
    for loop, d in cursor.path[outer:]:
        if d not in result:
            loop.kind = "reduction"
    (value,) = contribution(cursor)
    cursor.block.append(Store(buffer, cursor.affines(index), value, how))
    levels = {
        key: (position, result.get(d) if d is not None and level < outer else None)
        for level, (key, (position, d)) in enumerate(cursor.levels.items())
        if level <= outer
    }
    s.nests.locations[node] = Location(levels, s.nests.root)
