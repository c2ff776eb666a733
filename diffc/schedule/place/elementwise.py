"""What is computed element by element."""

from __future__ import annotations

from diffc.ir import Node
from diffc.loops.statements import Compute
from diffc.ops import Elementwise
from diffc.ops.logic import where
from diffc.schedule.place.placing import Placing
from diffc.schedule.views import aligned

__all__ = ["place_elementwise"]


def place_elementwise(placing: Placing, node: Node) -> None:
    """Compute an element in a register, in loops over the result."""
    nests, reading = placing.nests, placing.reading
    operands = [(each, aligned(each, node.shape)) for each in node.inputs]
    costly = isinstance(node.op, Elementwise) and node.op.is_function
    cursor = nests.enter_all(range(node.rank), node.shape, reading.reads(operands), costly=costly)
    values = tuple(reading.read(each, index, cursor) for each, index in operands)
    value = nests.new_value(node.dtype, node)
    # The condition of a where is no number once constants are folded.
    dtype = node.inputs[1 if node.op is where else 0].dtype
    cursor.block.append(Compute(value, node.op, values, dtype))
    nests.locations[node] = nests.locate(cursor, value)
