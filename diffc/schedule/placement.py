"""Placement: where each computation stands among the loops. This is where fusion happens.

Computations are placed one at a time, producers before consumers. Each dimension of a computation
enters the last loop of that extent in the current block which stands late enough: after everything
that the computation reads, or at the very loop that computes what it reads, when it reads there
exactly the element of the same iteration. Otherwise it opens a new loop. Elementwise chains and
the reductions that they feed thus end up in one nest without a search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from diffc import tuning
from diffc.ir import Extent, Node
from diffc.loops.form import Block, Loop
from diffc.loops.places import Affine, Axis, Buffer, Operand, Scalar
from diffc.loops.statements import BoundsCheck, Statement, Store
from diffc.schedule.cursor import Cursor, Location
from diffc.schedule.views import Read

__all__ = ["LoopKind", "LoopNests"]

LoopKind: TypeAlias = Literal["inner", "nest", "lanes"]
"""What stands in a loop: the computation itself, further loops, or further loops run in every lane."""


def _does_little(loop: Loop, calls: int) -> bool:
    """Tell whether the loops inside a loop cost less than so many calls of functions in each round."""
    if isinstance(loop.axis.extent, int) and loop.axis.extent < tuning.FULL_VECTOR:
        return False
    rounds, stack = 0, [(1, item) for item in loop.body]
    while stack:
        times, item = stack.pop()
        if isinstance(item, Loop):
            extent = item.axis.extent
            if not isinstance(extent, int):
                return False
            rounds += times * extent
            stack.extend((times * extent, each) for each in item.body)
    return 0 < rounds <= tuning.LITTLE_WORK * calls


def _where_to_leave(dims: Sequence[int], shape: Sequence[Extent]) -> tuple[int, int]:
    """Return the loop whose rounds fill vectors, if need be with those of short loops inside, and these."""
    level, inside = len(dims) - 1, 1
    while level > 0:
        extent = shape[dims[level]]
        if not isinstance(extent, int) or extent >= tuning.FULL_VECTOR:
            break
        level, inside = level - 1, inside * extent
    return level, inside


class LoopNests:
    """The loops under construction."""

    def __init__(self) -> None:
        """Start with an empty program."""
        self.root = Block()
        self.preamble = Block()
        """What stands before everything else: the values of extents, and checks of them."""
        self.fills: dict[Statement | Loop, Block] = {}
        """What comes before an item of the program: buffers filled with a number."""
        self.openings: dict[Block, Block] = {}
        """What comes first in each round of a loop, by its body: buffers to be filled."""
        self.locations: dict[Node, Location] = {}
        self.checks: list[str] = []
        """What each check says when it fails."""
        self._latest: dict[tuple[Block, Extent, str], tuple[int, Loop]] = {}
        self._left: set[Axis] = set()
        """The loops of nests that nothing joins any more: what follows runs in vectors elsewhere."""
        self._axes = 0
        self._values = 0

    def new_value(self, dtype: str, node: Node | None = None) -> Scalar:
        """Return a scalar that nothing else defines."""
        self._values += 1
        return Scalar(self._values, dtype, node)

    def new_check(self, index: Operand, extent: Extent, problem: str) -> BoundsCheck:
        """Return the check that an index lies below an extent; `problem` is said where it does not."""
        self.checks.append(problem)
        return BoundsCheck(self.new_value("i64"), index, extent, len(self.checks))

    def new_axis(self, extent: Extent) -> Axis:
        """Return an axis that no other loop has."""
        self._axes += 1
        return Axis(self._axes, extent)

    def fill(self, buffer: Buffer, shape: Sequence[Extent], number: float, position: int) -> None:
        """Fill a buffer with a number before the item of the program at a position, which first writes to it.

        That item need not wait for it: it may have begun with what was placed before.
        """
        block = self.fills.setdefault(self.root[position], Block())
        index: list[Affine] = []
        for extent in shape:
            if extent == 1:
                index.append(Affine())
                continue
            loop = Loop(self.new_axis(extent))
            block.append(loop)
            block = loop.body
            index.append(Affine(0, ((loop.axis, 1),)))
        block.append(Store(buffer, tuple(index), number))

    def opening(self, cursor: Cursor) -> Cursor:
        """Return a cursor at what comes first in each round of the loop that a cursor stands in.

        What is filled there is ready for every loop of the round.
        """
        return cursor.at_opening(self.openings.setdefault(cursor.block, Block()))

    def enter(
        self,
        cursor: Cursor,
        dim: int,
        extent: Extent,
        reads: Sequence[Read],
        *,
        kind: LoopKind,
        floor: int = 0,
        fresh: bool = False,
        calls: int = 0,
    ) -> Loop:
        """Move the cursor into a loop over one dimension, an existing one where that is right.

        Args:
            cursor: the place so far.
            dim: the reader's dimension.
            extent: its extent.
            reads: what the computation reads.
            kind: "inner" where the computation stands in this very loop. Such a loop is a vector loop and
                stays one: nests are kept apart from it, and it joins a nest only where it reads a
                register of the same iteration. "nest" where it stands in loops inside, "lanes" where these
                are to run in every lane of a vector along this one.
            floor: the first position in the block that may be entered.
            fresh: whether the loop must be a new one which nothing else enters.
            calls: how many functions are computed in a round of this loop. As they gain much from vectors,
                they keep out of a nest where the loops inside do little, and what follows keeps out, too.
        """
        block = cursor.block
        need, meeting = self._earliest(block, dim, reads, floor)
        found = None if fresh else self._to_join(block, extent, kind, need, meeting, calls)
        if found is None or found[0] < need:
            found = (len(block), Loop(self.new_axis(extent), outer_vector=kind == "lanes"))
            block.append(found[1])
            if not fresh:
                self._latest[block, extent, kind] = found
        position, loop = found
        cursor.into(loop, position, dim)
        return loop

    def _earliest(self, block: Block, dim: int, reads: Sequence[Read], floor: int) -> tuple[int, int]:
        """Return the first position of a block that a loop over a dimension may have, for all that it reads.

        With it, the last position of a loop that reads a value of the same iteration; -1 where there is none.
        """
        need, meeting = floor, -1
        for base, index in reads:
            location = self.locations.get(base)
            level = location.levels.get(block) if location is not None else None
            if level is not None:
                position, base_dim = level
                same_iteration = base_dim is not None and index[base_dim].is_dim(dim)
                need = max(need, position if same_iteration else position + 1)
                meeting = max(meeting, position if same_iteration else -1)
        return need, meeting

    def _to_join(
        self, block: Block, extent: Extent, kind: LoopKind, need: int, meeting: int, calls: int
    ) -> tuple[int, Loop] | None:
        """Return the loop of a block, with its position, that a loop joins if it stands late enough."""
        found = self._latest.get((block, extent, kind))
        if kind == "inner":
            nests = [self._latest.get((block, extent, other)) for other in ("nest", "lanes")]
            found = next((each for each in nests if each and need <= each[0] == meeting), found)
        if found is not None and found[0] == meeting and self._is_left(found[1], calls):
            found = self._latest.get((block, extent, "inner")) if kind == "inner" else None
        return found

    def _is_left(self, loop: Loop, calls: int) -> bool:
        """Tell whether what reads values of a nest's loop keeps out of it."""
        if calls and not loop.vector and _does_little(loop, calls):
            self._left.add(loop.axis)
        return loop.axis in self._left

    def enter_all(
        self,
        dims: Sequence[int],
        shape: Sequence[Extent],
        reads: Sequence[Read],
        *,
        floor: int = 0,
        fresh: bool = False,
        last: LoopKind = "inner",
        cursor: Cursor | None = None,
        costly: bool = False,
    ) -> Cursor:
        """Move a cursor into loops over several dimensions, the last of a kind; an extent of 1 needs none.

        A `costly` computation keeps out of nests where it would run in scalars and does most of the work.
        """
        cursor = cursor or Cursor(self.root)
        looped = [dim for dim in dims if shape[dim] != 1]
        leaves, inside = _where_to_leave(looped, shape)
        for k, dim in enumerate(looped):
            kind: LoopKind = last if k == len(looped) - 1 else "nest"
            calls = inside if costly and k == leaves else 0
            self.enter(cursor, dim, shape[dim], reads, kind=kind, floor=floor, fresh=fresh, calls=calls)
            floor = 0
        return cursor

    def position(self, cursor: Cursor) -> int:
        """Return the position in the program of the item that holds what was placed last at the cursor."""
        return cursor.levels.get(self.root, (len(self.root) - 1, None))[0]

    def complete(self, node: Node, position: int) -> None:
        """Note that a node is complete, in memory, behind a position in the program."""
        self.locations[node] = Location({self.root: (position, None)}, self.root)

    def locate(self, cursor: Cursor, value: Scalar | None, dims: dict[int, int] | None = None) -> Location:
        """Return the location of what is computed at the cursor.

        `dims` renumbers the reader's dimensions as those of the value; a dimension that it lacks has
        been reduced, so that readers wait for its loop to end.
        """
        rename = (lambda d: d) if dims is None else dims.get
        levels = {
            block: (position, None if dim is None else rename(dim))
            for block, (position, dim) in cursor.levels.items()
        }
        levels[cursor.block] = (len(cursor.block) - 1, None)
        path = [(loop, rename(dim)) for loop, dim in cursor.path]
        return Location(levels, cursor.block, [(loop, d) for loop, d in path if d is not None], value)
