"""Reductions: in a register where the reduced axes are the inner ones, in memory otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from diffc.ir import Extent, Node, Operation
from diffc.loops.places import Operand
from diffc.loops.statements import Accumulate, Compute, Store
from diffc.ops.broadcasting import sum_op
from diffc.ops.elementwise import cast_op
from diffc.ops.monoid import ACCUMULATIONS
from diffc.ops.reductions import amax, any_, prod_op
from diffc.schedule.cursor import Cursor, Location
from diffc.schedule.place.placing import Placing
from diffc.schedule.placement import LoopKind
from diffc.schedule.views import DimIndex, Read, identity_index

__all__ = ["Reduction", "place_reduction"]

_HOW: Mapping[Operation, str] = {sum_op: "add", prod_op: "mul", amax: "max", any_: "or"}


def place_reduction(placing: Placing, node: Node) -> None:
    """Reduce the elements of an operand along axes."""
    (source,) = node.inputs
    operand = (source, identity_index(source.shape))

    def contribution(cursor: Cursor) -> tuple[Operand, ...]:
        return (placing.reading.read(*operand, cursor),)

    Reduction(
        placing,
        node,
        shape=source.shape,
        kept=[d for d in range(source.rank) if d not in node.attrs["axes"]],
        reads=placing.reading.reads([operand]),
        how="or" if node.dtype == "bool" else _HOW[node.op],
        contribution=contribution,
    ).place(range(source.rank))


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction of values over an iteration space.

    The dimensions of the node are the `kept` ones of the space, in that order. `reads` is what the values are
    computed from; `contribution` emits the value at a place and returns it.
    """

    placing: Placing
    node: Node
    shape: Sequence[Extent]
    kept: Sequence[int]
    reads: Sequence[Read]
    how: str
    contribution: Callable[[Cursor], tuple[Operand, ...]]

    def place(self, order: Sequence[int], vector: int | None = None) -> None:
        """Place the reduction in loops over the space, the dimensions in an order from the outermost on.

        `vector` is the kept dimension that the lanes of a vector run over, if it is not the innermost loop's.
        """
        looped = [d for d in order if self.shape[d] != 1]
        first = next((k for k, d in enumerate(looped) if d not in self.kept), len(looped))
        outer, inner = looped[:first], looped[first:]
        lanes = outer[-1:] == [vector] and inner
        last: LoopKind = "lanes" if lanes else "nest" if inner else "inner"
        cursor = self.placing.nests.enter_all(outer, self.shape, self.reads, last=last)
        if not inner:
            self._without_loop(cursor)
        elif any(d in self.kept for d in inner):
            self._in_memory(inner, cursor)
        else:
            self._in_register(inner, cursor)

    def _without_loop(self, cursor: Cursor) -> None:
        """Take the one element that there is to reduce."""
        nests = self.placing.nests
        value = nests.new_value(self.node.dtype, self.node)
        cursor.block.append(Compute(value, cast_op, self.contribution(cursor), self.node.dtype))
        nests.locations[self.node] = nests.locate(cursor, value, self._places())

    def _in_register(self, inner: Sequence[int], cursor: Cursor) -> None:
        """Accumulate in a register, declared before the outermost reduced loop."""
        nests, result = self.placing.nests, self._places()
        block, path = cursor.block, list(cursor.path)
        accumulator = nests.new_value(self.node.dtype, self.node)
        for k, d in enumerate(inner):
            kind: LoopKind = "inner" if k == len(inner) - 1 else "nest"
            loop = nests.enter(cursor, d, self.shape[d], self.reads, kind=kind)
            loop.kind = "reduction"
            if k == 0:
                loop.accumulators.append((accumulator, self.how))
        levels = {
            level: (position, None if d is None or level is block else result.get(d))
            for level, (position, d) in cursor.levels.items()
        }
        cursor.block.append(Accumulate(accumulator, self.how, self.contribution(cursor)))
        nests.locations[self.node] = Location(
            levels, block, [(loop, result[d]) for loop, d in path], accumulator
        )

    def _in_memory(self, inner: Sequence[int], cursor: Cursor) -> None:
        """Fill with the identity, then accumulate along inner kept dimensions, which stay the vector axis."""
        nests, result = self.placing.nests, self._places()
        buffer = self.placing.storage.buffer(self.node)
        outer = len(cursor.path)
        index = [DimIndex()] * self.node.rank
        for d, k in result.items():
            index[k] = DimIndex() if self.shape[d] == 1 else DimIndex(0, d)
        if outer:
            start = nests.opening(cursor)
            nests.enter_all([d for d in inner if d in result], self.shape, [], cursor=start)
            start.block.append(
                Store(buffer, start.affines(index), ACCUMULATIONS[self.how].identity(self.node.dtype))
            )
        nests.enter_all(inner, self.shape, self.reads, cursor=cursor)
        for loop, d in cursor.path[outer:]:
            if d not in result:
                loop.kind = "reduction"
        (value,) = self.contribution(cursor)
        cursor.block.append(Store(buffer, cursor.affines(index), value, self.how))
        if not outer:
            number = ACCUMULATIONS[self.how].identity(self.node.dtype)
            nests.fill(buffer, self.node.shape, number, nests.position(cursor))
        levels = {
            key: (position, result.get(d) if d is not None and level < outer else None)
            for level, (key, (position, d)) in enumerate(cursor.levels.items())
            if level <= outer
        }
        nests.locations[self.node] = Location(levels, nests.root)

    def _places(self) -> dict[int, int]:
        """Return where each kept dimension is in the result."""
        return {d: k for k, d in enumerate(self.kept)}
