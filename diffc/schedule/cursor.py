"""Places among the loops: where a value was computed, and the way to where the next one will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from diffc.loops.form import Block, Loop
from diffc.loops.places import Affine, Axis, Scalar
from diffc.schedule.views import DimIndex, Index

__all__ = ["Cursor", "Location"]

Level: TypeAlias = tuple[int, int | None]
"""Where a value is in a block: the position of the item that holds its computation, and the value's dimension
that the loop there runs over; None when a reader must wait until that item is complete."""


@dataclass(slots=True)
class Location:
    """Where a value was computed: its level in each block on the way, and the register, if one holds it."""

    levels: dict[Block, Level]
    block: Block
    path: list[tuple[Loop, int]] = field(default_factory=list[tuple[Loop, int]])
    value: Scalar | None = None

    def completed(self) -> Location:
        """Return the location of something that is read only when the whole computation is done."""
        return Location({block: (position, None) for block, (position, _) in self.levels.items()}, self.block)

    def in_scope(self, index: Index, cursor: Cursor) -> bool:
        """Tell whether the register here is this iteration's element at a reader's index."""
        if not any(block is self.block for block in cursor.blocks):
            return False
        for loop, dim in self.path:
            at = index[dim]
            if at.dim is None or not at.is_dim(at.dim) or cursor.axes.get(at.dim) is not loop.axis:
                return False
        return True


class Cursor:
    """A way into the loops: the block reached, the loops around it and the axis of each dimension."""

    def __init__(self, root: Block) -> None:
        """Start outside all loops."""
        self.block = root
        self.blocks: list[Block] = [root]
        self.path: list[tuple[Loop, int]] = []
        self.axes: dict[int, Axis] = {}
        self.levels: dict[Block, Level] = {}

    def into(self, loop: Loop, position: int, dim: int) -> None:
        """Move on into a loop over a dimension, which stands at a position of the block."""
        self.levels[self.block] = (position, dim)
        self.path.append((loop, dim))
        self.axes[dim] = loop.axis
        self.block = loop.body
        self.blocks.append(loop.body)

    def at_opening(self, opening: Block) -> Cursor:
        """Return another cursor in the same loops, at what comes first in each round of the innermost."""
        other = Cursor(opening)
        other.path, other.axes = list(self.path), dict(self.axes)
        return other

    def affine(self, at: DimIndex, dynamic: Scalar | None = None) -> Affine:
        """Return a reader's index in terms of the axes."""
        if at.dim is None or at.dim not in self.axes:
            return Affine(at.constant, (), dynamic)
        return Affine(at.constant, ((self.axes[at.dim], at.factor),), dynamic)

    def affines(self, index: Sequence[DimIndex]) -> tuple[Affine, ...]:
        """Return an index in terms of the axes."""
        return tuple(self.affine(at) for at in index)

    def depth_of(self, index: Sequence[Affine]) -> int:
        """Return how many loops deep the index is known: 0 when it uses no axis."""
        used = {axis for at in index for axis, _ in at.terms}
        return max((level for level, (loop, _) in enumerate(self.path, 1) if loop.axis in used), default=0)
