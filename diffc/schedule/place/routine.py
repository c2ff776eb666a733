"""Routines: nothing fuses with one, for its operands are complete in memory before it begins."""

from __future__ import annotations

from diffc.ir import Node
from diffc.loops.library import Part, Routine
from diffc.schedule.cursor import Cursor
from diffc.schedule.place.placing import Placing
from diffc.schedule.views import identity_index

__all__ = ["place_routine"]


def place_routine(placing: Placing, node: Node) -> None:
    """Place a routine behind everything so far, in loops over the batch that nothing else enters."""
    plan = placing.decisions.routines[node]
    bases, nests, storage = placing.decisions.bases, placing.nests, placing.storage
    cursor = nests.enter_all(range(plan.batch), node.shape, (), fresh=True)
    inputs = [_part(placing, cursor, bases.whole(each)[0], plan.batch) for each in node.inputs]
    cursor.block.append(
        Routine(
            node.op.name,
            _part(placing, cursor, node, plan.batch),
            tuple(inputs),
            tuple(storage.scratch(node, kind) for kind in plan.scratch),
            plan.sizes,
            plan.flops,
            node,
        )
    )
    nests.complete(node, nests.position(cursor))


def _part(placing: Placing, cursor: Cursor, node: Node, batch: int) -> Part:
    return Part(placing.storage.buffer(node), cursor.affines(identity_index(node.shape)[:batch]))
