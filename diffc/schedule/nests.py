"""What each kind of operation does in its loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from diffc.ir import Node
from diffc.loops.places import Affine, Axis, Operand, Scalar
from diffc.loops.statements import Accumulate, Compute, IndexValue, Store
from diffc.ops import Elementwise
from diffc.ops.base import Op
from diffc.ops.broadcasting import sum_op
from diffc.ops.elementwise import cast_op
from diffc.ops.indexing import gather_op, scatter_add_op
from diffc.ops.logic import eq, where
from diffc.ops.products import matmul_op
from diffc.ops.recurrence import recurrence_op
from diffc.ops.reductions import amax, any_, prod_op
from diffc.ops.slicing import concatenate_op, pad_op
from diffc.schedule.indexing import place_gather, place_scatter_add
from diffc.schedule.placement import Cursor
from diffc.schedule.products import place_product
from diffc.schedule.reduction import place_reduction
from diffc.schedule.routines import is_routine, place_routine
from diffc.schedule.slicing import place_concatenate, place_pad
from diffc.schedule.views import identity_index, resolve

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["place"]


def place(s: Scheduler, node: Node) -> None:
    """Place the computation of one node."""
    if node in s.copied:
        _copy(s, node)
    elif isinstance(node.op, Elementwise) or node.op is cast_op:
        _elementwise(s, node)
    elif is_routine(node):
        place_routine(s, node)
    else:
        handler = _HANDLERS.get(node.op)
        if handler is None:
            raise TypeError(f"{node.op.name} must be expanded before it is scheduled")
        handler(s, node)


def _elementwise(s: Scheduler, node: Node) -> None:
    operands = [(each, s.aligned(each, node.shape)) for each in node.inputs]
    costly = isinstance(node.op, Elementwise) and node.op.is_function
    cursor = s.nests.enter_all(range(node.rank), node.shape, s.reads(operands), costly=costly)
    values = tuple(s.read(each, index, cursor) for each, index in operands)
    value = s.value(node.dtype, node)
    # The condition of a where is no number once constants are folded.
    dtype = node.inputs[1 if node.op is where else 0].dtype
    cursor.block.append(Compute(value, node.op, values, dtype))
    s.nests.locations[node] = s.nests.locate(cursor, value)


def _copy(s: Scheduler, node: Node) -> None:
    """Give a view memory of its own, row-major."""
    index = identity_index(node.shape)
    base, at = resolve(node, index, lambda n: n is not node and s.is_base(n))
    cursor = s.nests.enter_all(range(node.rank), node.shape, [(base, at)])
    leaf = s.leaf(base, at, cursor) if base is node or base not in s.copied else None
    value = s.read(base, at, cursor) if leaf is None else leaf
    cursor.block.append(Store(s.buffer(node), cursor.affines(index), value))
    s.nests.locations[node] = s.nests.locate(cursor, None)


def _reduction(s: Scheduler, node: Node) -> None:
    (source,) = node.inputs
    axes = node.attrs["axes"]
    kept = [d for d in range(source.rank) if d not in axes]
    how = {sum_op: "add", prod_op: "mul", amax: "max", any_: "or"}[node.op]
    if node.dtype == "bool":
        how = "or"
    operands = [(source, identity_index(source.shape))]

    def contribution(cursor: Cursor) -> tuple[Operand, ...]:
        return (s.read(*operands[0], cursor),)

    place_reduction(s, node, source.shape, range(source.rank), kept, s.reads(operands), how, contribution)


def _recurrence(s: Scheduler, node: Node) -> None:
    """Carry the last element in a register along the first axis, inside loops over the others."""
    operands = [(each, identity_index(node.shape)) for each in node.inputs]
    cursor = s.nests.enter_all(range(1, node.rank), node.shape, s.reads(operands), fresh=True)
    accumulator = s.value(node.dtype, node)
    loop = s.nests.enter(cursor, 0, node.shape[0], s.reads(operands), kind="inner", fresh=True)
    loop.kind = "sequential"
    loop.accumulators.append((accumulator, "recurrence"))
    factor, drive = (s.read(each, index, cursor) for each, index in operands)
    if isinstance(factor, Scalar) or not 0 <= factor < math.inf:
        factor = _first_is_one(s, cursor, loop.axis, factor, node.dtype)
    cursor.block.append(Accumulate(accumulator, "recurrence", (factor, drive)))
    cursor.block.append(Store(s.buffer(node), cursor.affines(identity_index(node.shape)), accumulator))
    s.nests.locations[node] = s.nests.locate(cursor, None).completed()


def _first_is_one(s: Scheduler, cursor: Cursor, axis: Axis, factor: Operand, dtype: str) -> Scalar:
    """Return a factor that is 1 at the first place: nothing precedes it, and inf * 0 would be NaN."""
    index, first, chosen = s.value("i64"), s.value("bool"), s.value(dtype)
    cursor.block.append(IndexValue(index, Affine(0, ((axis, 1),))))
    cursor.block.append(Compute(first, eq, (index, 0), "i64"))
    cursor.block.append(Compute(chosen, where, (first, 1.0, factor), dtype))
    return chosen


_HANDLERS: dict[Op, Callable[[Scheduler, Node], None]] = {
    sum_op: _reduction,
    prod_op: _reduction,
    amax: _reduction,
    any_: _reduction,
    recurrence_op: _recurrence,
    concatenate_op: place_concatenate,
    pad_op: place_pad,
    gather_op: place_gather,
    scatter_add_op: place_scatter_add,
    matmul_op: place_product,
}
