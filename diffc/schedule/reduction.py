"""Reductions: in a register where the reduced axes are the inner ones, in memory otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diffc.ir import Extent, Node
from diffc.loops.places import Operand
from diffc.loops.statements import Accumulate, Compute, Store
from diffc.ops.elementwise import cast_op
from diffc.ops.monoid import ACCUMULATIONS
from diffc.schedule.placement import Cursor, Location, LoopKind, Read
from diffc.schedule.views import DimIndex

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["identity_of", "place_reduction"]


def identity_of(how: str, dtype: str) -> float | int | bool:
    """Return the number with which an accumulation starts."""
    return ACCUMULATIONS[how].identity(dtype)


def place_reduction(
    s: Scheduler,
    node: Node,
    shape: Sequence[Extent],
    order: Sequence[int],
    kept: Sequence[int],
    reads: Sequence[Read],
    how: str,
    contribution: Callable[[Cursor], tuple[Operand, ...]],
    vector: int | None = None,
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
        vector: the kept dimension that the lanes of a vector run over, if it is not the innermost loop's.
    """
    looped = [d for d in order if shape[d] != 1]
    first = next((k for k, d in enumerate(looped) if d not in kept), len(looped))
    outer, inner = looped[:first], looped[first:]
    lanes = outer[-1:] == [vector] and inner
    cursor = s.nests.enter_all(outer, shape, reads, last="lanes" if lanes else "nest" if inner else "inner")
    reduction = _Reduction(s, node, shape, {d: k for k, d in enumerate(kept)}, reads, how, contribution)
    if not inner:
        reduction.without_loop(cursor)
    elif any(d in kept for d in inner):
        reduction.in_memory(inner, cursor)
    else:
        reduction.in_register(inner, cursor)


@dataclass(frozen=True)
class _Reduction:
    """What `place_reduction` was asked for; `result` gives each kept dimension its place in the result."""

    s: Scheduler
    node: Node
    shape: Sequence[Extent]
    result: dict[int, int]
    reads: Sequence[Read]
    how: str
    contribution: Callable[[Cursor], tuple[Operand, ...]]

    def without_loop(self, cursor: Cursor) -> None:
        """Take the one element that there is to reduce."""
        value = self.s.value(self.node.dtype, self.node)
        cursor.block.append(Compute(value, cast_op, self.contribution(cursor), self.node.dtype))
        self.s.nests.locations[self.node] = self.s.nests.locate(cursor, value, self.result)

    def in_register(self, inner: Sequence[int], cursor: Cursor) -> None:
        """Accumulate in a register, declared before the outermost reduced loop."""
        block, path = cursor.block, list(cursor.path)
        accumulator = self.s.value(self.node.dtype, self.node)
        for k, d in enumerate(inner):
            kind: LoopKind = "inner" if k == len(inner) - 1 else "nest"
            loop = self.s.nests.enter(cursor, d, self.shape[d], self.reads, kind=kind)
            loop.kind = "reduction"
            if k == 0:
                loop.accumulators.append((accumulator, self.how))
        levels = {
            level: (position, None if d is None or level is block else self.result.get(d))
            for level, (position, d) in cursor.levels.items()
        }
        cursor.block.append(Accumulate(accumulator, self.how, self.contribution(cursor)))
        self.s.nests.locations[self.node] = Location(
            levels, block, [(loop, self.result[d]) for loop, d in path], accumulator
        )

    def in_memory(self, inner: Sequence[int], cursor: Cursor) -> None:
        """Fill with the identity, then accumulate along inner kept dimensions, which stay the vector axis."""
        buffer = self.s.buffer(self.node)
        outer = len(cursor.path)
        index = [DimIndex()] * self.node.rank
        for d, k in self.result.items():
            index[k] = DimIndex() if self.shape[d] == 1 else DimIndex(0, d)
        if outer:
            start = self.s.nests.opening(cursor)
            self.s.nests.enter_all([d for d in inner if d in self.result], self.shape, [], cursor=start)
            start.block.append(Store(buffer, start.affines(index), identity_of(self.how, self.node.dtype)))
        self.s.nests.enter_all(inner, self.shape, self.reads, cursor=cursor)
        for loop, d in cursor.path[outer:]:
            if d not in self.result:
                loop.kind = "reduction"
        (value,) = self.contribution(cursor)
        cursor.block.append(Store(buffer, cursor.affines(index), value, self.how))
        if not outer:
            number = identity_of(self.how, self.node.dtype)
            self.s.fill(buffer, self.node.shape, number, self.s.nests.position(cursor))
        levels = {
            key: (position, self.result.get(d) if d is not None and level < outer else None)
            for level, (key, (position, d)) in enumerate(cursor.levels.items())
            if level <= outer
        }
        self.s.nests.locations[self.node] = Location(levels, self.s.nests.root)
