"""Linear recurrences: each element is computed from the one before it, along the first axis."""

from __future__ import annotations

import math

from diffc.ir import Node
from diffc.loops.places import Affine, Axis, Operand, Scalar
from diffc.loops.statements import Accumulate, Compute, IndexValue, Store
from diffc.ops.logic import eq, where
from diffc.schedule.cursor import Cursor
from diffc.schedule.place.placing import Placing
from diffc.schedule.views import identity_index

__all__ = ["place_recurrence"]


def place_recurrence(placing: Placing, node: Node) -> None:
    """Carry the last element in a register along the first axis, inside loops over the others."""
    nests, reading = placing.nests, placing.reading
    operands = [(each, identity_index(node.shape)) for each in node.inputs]
    reads = reading.reads(operands)
    cursor = nests.enter_all(range(1, node.rank), node.shape, reads, fresh=True)
    accumulator = nests.new_value(node.dtype, node)
    loop = nests.enter(cursor, 0, node.shape[0], reads, kind="inner", fresh=True)
    loop.kind = "sequential"
    loop.accumulators.append((accumulator, "recurrence"))
    factor, drive = (reading.read(each, index, cursor) for each, index in operands)
    if isinstance(factor, Scalar) or not 0 <= factor < math.inf:
        factor = _first_is_one(placing, cursor, loop.axis, factor, node.dtype)
    cursor.block.append(Accumulate(accumulator, "recurrence", (factor, drive)))
    target = cursor.affines(identity_index(node.shape))
    cursor.block.append(Store(placing.storage.buffer(node), target, accumulator))
    nests.locations[node] = nests.locate(cursor, None).completed()


def _first_is_one(placing: Placing, cursor: Cursor, axis: Axis, factor: Operand, dtype: str) -> Scalar:
    """Return a factor that is 1 at the first place: nothing precedes it, and inf * 0 would be NaN."""
    index, first, chosen = (placing.nests.new_value(each) for each in ("i64", "bool", dtype))
    cursor.block.append(IndexValue(index, Affine(0, ((axis, 1),))))
    cursor.block.append(Compute(first, eq, (index, 0), "i64"))
    cursor.block.append(Compute(chosen, where, (first, 1.0, factor), dtype))
    return chosen
