"""Loops: the second IR, what a program is between the schedule and its code.

    Loops   = buffers, Block
    Block   = (Statement | Loop)*
    Loop    = for axis in extent [parallel | reduction | sequential]: prologue, accumulators, Block

A loop's prologue runs once before it; an accumulator holds its identity before the loop and its
result after it. A scalar is defined by one statement and used in its block and the blocks inside.
Statements, loops and blocks equal themselves alone, so that tables may have them for keys.
Buffers are contiguous and row-major; an index gives one affine form of the axes for each dimension.
The statements are listed in `statements`, scalars and memory in `places`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from diffc.ir.dim import Extent
from diffc.ir.graph import Graph
from diffc.ir.node import Node
from diffc.loops.places import Affine, Axis, Buffer, Region, Scalar
from diffc.loops.statements import Statement

__all__ = ["Block", "Loop", "Loops", "Outlined", "OutlinedCall", "Place"]


class Block(list["Statement | Loop"]):
    """Statements and loops in order."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return object.__hash__(self)


@dataclass(eq=False, slots=True)
class Loop:
    """for axis in range(extent): body."""

    axis: Axis
    kind: str = "parallel"
    prologue: list[Statement] = field(default_factory=list[Statement])
    accumulators: list[tuple[Scalar, str]] = field(default_factory=list[tuple[Scalar, str]])
    body: Block = field(default_factory=Block)
    outer_vector: bool = False
    """Whether the lanes of a vector run over this axis though loops stand inside, which run in every lane."""
    vectors: int = 1
    """How many vectors of lanes run side by side; the pass `widen` takes as many as registers hold."""

    @property
    def innermost(self) -> bool:
        """Whether no loop stands inside."""
        return not any(isinstance(item, Loop | OutlinedCall) for item in self.body)

    @property
    def vector(self) -> bool:
        """Whether the lanes of a vector run over this axis, where the elements lie well for it."""
        return self.kind != "sequential" and (self.innermost or self.outer_vector)


@dataclass(frozen=True, slots=True)
class Place:
    """Memory that begins at an offset, in elements, from the start of a buffer."""

    buffer: Buffer
    offset: Affine


@dataclass(frozen=True, eq=False, slots=True)
class Outlined:
    """A nest as a function: `places` stand for memory, `values` are the scalars that it uses."""

    number: int
    loop: Loop
    places: tuple[Buffer, ...]
    values: tuple[Scalar, ...]


@dataclass(eq=False, slots=True)
class OutlinedCall(Statement):
    """result = nest(places, values); `result` is what the nest's accumulator becomes, None without one.

    The pass `outline` makes calls of nests that are alike; no schedule has one.
    """

    nest: Outlined
    places: tuple[Place, ...]
    values: tuple[Scalar, ...]
    result: Scalar | None

    def __str__(self) -> str:
        places = [f"{place.buffer.name} + {place.offset}" for place in self.places]
        result = "" if self.result is None else f"{self.result} = "
        return f"{result}nest {self.nest.number}({', '.join([*places, *map(str, self.values)])})"

    @property
    def defines(self) -> tuple[Scalar, ...]:
        return () if self.result is None else (self.result,)

    @property
    def uses(self) -> tuple[Scalar, ...]:
        return self.values

    @property
    def accesses(self) -> tuple[tuple[Region, bool], ...]:
        """What the nest touches, in its order, from where the call's places begin."""
        return tuple(
            (self._placed(region, path), writes)
            for statement, path in _statements(self.nest.loop, ())
            for region, writes in statement.accesses
        )

    @property
    def reads(self) -> tuple[Region, ...]:
        return tuple(region for region, writes in self.accesses if not writes)

    @property
    def writes(self) -> tuple[Region, ...]:
        return tuple(region for region, writes in self.accesses if writes)

    def _placed(self, region: Region, path: tuple[Axis, ...]) -> Region:
        """Return what all rounds of the nest touch, from where the call's place begins."""
        place = self.places[self.nest.places.index(region.buffer)]
        factors = dict(region.start.terms)
        spans = tuple((axis.extent, factors.get(axis, 0)) for axis in path)
        start = Affine(place.offset.constant + region.start.constant, place.offset.terms)
        return Region(place.buffer, start, (*spans, *region.spans))


def _statements(loop: Loop, path: tuple[Axis, ...]) -> Iterator[tuple[Statement, tuple[Axis, ...]]]:
    """Yield the statements of a nest with the axes of the loops around each."""
    for statement in loop.prologue:
        yield statement, path
    inside = (*path, loop.axis)
    for item in loop.body:
        if isinstance(item, Loop):
            yield from _statements(item, inside)
        else:
            yield item, inside


@dataclass(eq=False)
class Loops:
    """A scheduled graph."""

    graph: Graph
    inputs: list[Buffer]
    constants: list[Buffer]
    outputs: list[Buffer]
    work: list[Buffer]
    body: Block
    checks: list[str]
    numbers: Mapping[Node, int]
    """The number of each node in the graph's dump, for names and comments."""
    aliases: list[Buffer] = field(default_factory=list[Buffer])
    workspace: Extent = 0
    """The size of the workspace in bytes."""
    least_workspace: Extent = 0
    """What is alive at the same time, at most, in bytes: no plan does with less."""
