"""Reading: the elements that computations read, from registers or memory, or computed where they are read."""

from __future__ import annotations

from collections.abc import Sequence

from diffc.ir import Extent, Node
from diffc.loops.form import Block, Loop
from diffc.loops.places import Affine, Buffer, Operand, Scalar
from diffc.loops.statements import Compute, DimValue, IndexValue, Load, Statement
from diffc.ops import scalar_value
from diffc.ops.constant import const, dim_op, iota_op
from diffc.schedule.cursor import Cursor
from diffc.schedule.decide import Decisions
from diffc.schedule.placement import LoopNests
from diffc.schedule.storage import Storage
from diffc.schedule.views import Index, Read, aligned

__all__ = ["Reading"]


class Reading:
    """What was read so far, so that nothing is read twice in a block."""

    def __init__(self, decisions: Decisions, storage: Storage, nests: LoopNests) -> None:
        """Start where nothing was read."""
        self._bases = decisions.bases
        self._recomputed = decisions.recomputed
        self._storage = storage
        self._nests = nests
        self._again: dict[tuple[Block, Node, Index], Scalar] = {}
        self._hoisted: dict[tuple[Block | Loop, Buffer | None, tuple[Affine, ...]], Scalar] = {}
        """Loads, and values of indices, which have no buffer: by the block or loop that they stand before."""
        self._extents: dict[Extent, Scalar] = {}

    def reads(self, operands: Sequence[Read]) -> list[Read]:
        """Return the bases in memory or registers that the operands read, and where."""
        found: list[Read] = []
        waiting = list(reversed(operands))
        while waiting:
            base, index = self._bases.resolve(*waiting.pop())
            if base in self._recomputed:
                waiting += [(each, _operand_index(each, base, index)) for each in reversed(base.inputs)]
            else:
                found.append((base, index))
        return found

    def read(self, node: Node, index: Index, cursor: Cursor) -> Operand:
        """Return the element of a node at an index of the cursor's dimensions."""
        base, index = self._bases.resolve(node, index)
        if base not in self._bases.copied:
            leaf = self.leaf(base, index, cursor)
            if leaf is not None:
                return leaf
        if base in self._recomputed:
            return self._computed_again(base, index, cursor)
        location = self._nests.locations.get(base)
        if location is not None and location.value is not None and location.in_scope(index, cursor):
            return location.value
        return self.load(self._storage.buffer(base), cursor.affines(index), cursor)

    def leaf(self, base: Node, index: Index, cursor: Cursor) -> Operand | None:
        """Return an element that needs no memory: of a uniform constant, `iota` or `dim`."""
        if base.op is const:
            return scalar_value(base)
        if base.op is iota_op:
            affine = cursor.affine(index[0])
            if not affine.terms and isinstance(affine.constant, int):
                return affine.constant
            return self._outside(IndexValue(self._nests.new_value("i64"), affine), None, (affine,), cursor)
        return self._extent(base.attrs["extent"]) if base.op is dim_op else None

    def load(self, buffer: Buffer, index: tuple[Affine, ...], cursor: Cursor) -> Scalar:
        """Return a load, as far out as its index allows, once in its block."""
        statement = Load(self._nests.new_value(buffer.type.dtype, buffer.node), buffer, index)
        if any(at.dynamic is not None for at in index):
            cursor.block.append(statement)
            return statement.value
        return self._outside(statement, buffer, index, cursor)

    def _computed_again(self, node: Node, index: Index, cursor: Cursor) -> Scalar:
        """Compute an element where it is read, once in a block."""
        key = (cursor.block, node, index)
        found = self._again.get(key)
        if found is None:
            operands = tuple(
                self.read(each, _operand_index(each, node, index), cursor) for each in node.inputs
            )
            found = self._again[key] = self._nests.new_value(node.dtype, node)
            cursor.block.append(Compute(found, node.op, operands, node.dtype))
        return found

    def _extent(self, extent: Extent) -> Scalar:
        """Return the value of an extent, known before everything else."""
        found = self._extents.get(extent)
        if found is None:
            found = self._extents[extent] = self._nests.new_value("i64")
            self._nests.preamble.append(DimValue(found, extent))
        return found

    def _outside(
        self, statement: Load | IndexValue, buffer: Buffer | None, index: tuple[Affine, ...], cursor: Cursor
    ) -> Scalar:
        """Return the value of a statement placed before the loops whose axes its index does not use."""
        depth = cursor.depth_of(index)
        loop = cursor.path[depth][0] if depth < len(cursor.path) else None
        block: list[Statement] | Block = cursor.block if loop is None else loop.prologue
        key = (cursor.block if loop is None else loop, buffer, index)
        found = self._hoisted.get(key)
        if found is None:
            block.append(statement)
            found = self._hoisted[key] = statement.value
        return found


def _operand_index(operand: Node, node: Node, index: Index) -> Index:
    """Return the index at which a reader of a value at an index reads its operand."""
    own = aligned(operand, node.shape)
    return tuple(index[at.dim] if at.dim is not None else at for at in own)
