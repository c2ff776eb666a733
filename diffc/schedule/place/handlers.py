"""Which function places the computation of a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from diffc.ir import Node, Operation
from diffc.ops import Elementwise
from diffc.ops.broadcasting import sum_op
from diffc.ops.elementwise import cast_op
from diffc.ops.indexing import gather_op, scatter_add_op
from diffc.ops.products import matmul_op
from diffc.ops.recurrence import recurrence_op
from diffc.ops.reductions import amax, any_, prod_op
from diffc.ops.slicing import concatenate_op, pad_op
from diffc.schedule.place.copy import place_copy
from diffc.schedule.place.elementwise import place_elementwise
from diffc.schedule.place.gather import place_gather, place_scatter_add
from diffc.schedule.place.placing import Placing
from diffc.schedule.place.product import place_product
from diffc.schedule.place.recurrence import place_recurrence
from diffc.schedule.place.reduction import place_reduction
from diffc.schedule.place.routine import place_routine
from diffc.schedule.place.slicing import place_concatenate, place_pad

__all__ = ["place"]

_HANDLERS: Mapping[Operation, Callable[[Placing, Node], None]] = {
    sum_op: place_reduction,
    prod_op: place_reduction,
    amax: place_reduction,
    any_: place_reduction,
    recurrence_op: place_recurrence,
    concatenate_op: place_concatenate,
    pad_op: place_pad,
    gather_op: place_gather,
    scatter_add_op: place_scatter_add,
    matmul_op: place_product,
    cast_op: place_elementwise,
}
"""By operation; what is elementwise, copied or a routine has a handler by its kind."""


def place(placing: Placing, node: Node) -> None:
    """Place the computation of one node."""
    if node in placing.decisions.bases.copied:
        place_copy(placing, node)
    elif isinstance(node.op, Elementwise):
        place_elementwise(placing, node)
    elif node in placing.decisions.routines:
        place_routine(placing, node)
    else:
        handler = _HANDLERS.get(node.op)
        if handler is None:
            raise TypeError(f"{node.op.name} must be expanded before it is scheduled")
        handler(placing, node)
