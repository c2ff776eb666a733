"""What each kind of operation does in its loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from diffc.ir import Extent, Node
from diffc.ir.loops import Accumulate, Affine, Check, Compute, Operand, Store, Value
from diffc.ops import Elementwise
from diffc.ops.base import Op
from diffc.ops.broadcasting import sum_op
from diffc.ops.elementwise import cast_op
from diffc.ops.indexing import gather_op, scatter_add_op
from diffc.ops.logic import where
from diffc.ops.products import matmul_op
from diffc.ops.recurrence import recurrence_op
from diffc.ops.reductions import amax, any_, prod_op
from diffc.ops.slicing import concatenate_op, pad_op
from diffc.schedule.placement import Cursor, Location
from diffc.schedule.products import place_product
from diffc.schedule.reduction import place_reduction
from diffc.schedule.views import DimIndex, identity_index, resolve

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["place"]


def place(s: Scheduler, node: Node) -> None:
    """Place the computation of one node."""
    if node in s.copied:
        _copy(s, node)
    elif isinstance(node.op, Elementwise) or node.op is cast_op:
        _elementwise(s, node)
    else:
        handler = _HANDLERS.get(node.op)
        if handler is None:
            raise TypeError(f"{node.op.name} must be expanded before it is scheduled")
        handler(s, node)


def _elementwise(s: Scheduler, node: Node) -> None:
    operands = [(each, s.aligned(each, node.shape)) for each in node.inputs]
    cursor = s.nests.enter_all(range(node.rank), node.shape, s.reads(operands))
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
    operands = [(source, identity_index(source.shape))]

    def contribution(cursor: Cursor) -> tuple[Operand, ...]:
        return (s.read(*operands[0], cursor),)

    place_reduction(s, node, source.shape, range(source.rank), kept, s.reads(operands), how, contribution)


def _recurrence(s: Scheduler, node: Node) -> None:
    """Carry the last element in a register along the first axis, inside loops over the others."""
    operands = [(each, identity_index(node.shape)) for each in node.inputs]
    cursor = s.nests.enter_all(range(1, node.rank), node.shape, s.reads(operands), fresh=True)
    accumulator = s.value(node.dtype, node)
    loop = s.nests.enter(cursor, 0, node.shape[0], s.reads(operands), innermost=True, fresh=True)
    loop.kind = "sequential"
    loop.accumulators.append((accumulator, "recurrence"))
    values = tuple(s.read(each, index, cursor) for each, index in operands)
    cursor.block.append(Accumulate(accumulator, "recurrence", values))
    cursor.block.append(Store(s.buffer(node), cursor.affines(identity_index(node.shape)), accumulator))
    s.nests.locations[node] = s.nests.locate(cursor, None).completed()


def _concatenate(s: Scheduler, node: Node) -> None:
    axis = node.attrs["axis"]
    start: Extent = 0
    last = 0
    for part in node.inputs:
        index = identity_index(part.shape)
        cursor = s.nests.enter_all(range(part.rank), part.shape, s.reads([(part, index)]))
        value = s.read(part, index, cursor)
        target = list(index)
        target[axis] = target[axis].shifted(start)
        cursor.block.append(Store(s.buffer(node), cursor.affines(target), value))
        last = max(last, _root_position(s, cursor))
        start = start + part.shape[axis]
    s.nests.locations[node] = _complete_at(s, last)


def _pad(s: Scheduler, node: Node) -> None:
    """Fill with zeros, then store what remains of the operand over them."""
    (source,), a = node.inputs, node.attrs
    s.fill(s.buffer(node), node.shape, 0)
    from_, to = [], []
    shape: list[Extent] = []
    for d, (extent, low, high, gap) in enumerate(
        zip(source.shape, a["lows"], a["highs"], a["gaps"], strict=True)
    ):
        cut_low, cut_high = _negative_part(low), _negative_part(high)
        if gap and (cut_low != 0 or cut_high != 0):
            raise TypeError("a pad with gaps does not cut")
        shape.append(extent - cut_low - cut_high)
        at = DimIndex() if shape[-1] == 1 else DimIndex(0, d)
        from_.append(at.shifted(cut_low))
        to.append(at.scaled(gap + 1).shifted(low + cut_low))
    cursor = s.nests.enter_all(range(source.rank), shape, s.reads([(source, tuple(from_))]))
    cursor.block.append(Store(s.buffer(node), cursor.affines(to), s.read(source, tuple(from_), cursor)))
    s.nests.locations[node] = _complete_at(s, _root_position(s, cursor))


def _negative_part(extent: Extent) -> Extent:
    """Return how much a padding cuts off: its negative, where it is negative for large symbols."""
    if isinstance(extent, int):
        return max(0, -extent)
    leading = extent.terms[0][1]
    return -extent if leading < 0 else 0


def _gather(s: Scheduler, node: Node) -> None:
    source, indices = node.inputs
    at = (*identity_index(indices.shape),)
    rows = tuple(
        DimIndex() if e == 1 else DimIndex(0, k + indices.rank) for k, e in enumerate(source.shape[1:])
    )
    reads = [*s.reads([(indices, at)]), *s.reads([(source, (DimIndex(), *rows))])]
    # Any element may be read: the source must be complete before the loops begin.
    base, index = s.base(source)
    reads.append((base, tuple(DimIndex() for _ in index)))
    cursor = s.nests.enter_all(range(node.rank), node.shape, reads)
    row = _checked(s, s.read(indices, at, cursor), source, cursor)
    if (s.base(source)[0] is not source and source not in s.copied) or source.op.name in ("const", "iota"):
        raise TypeError("a gather reads memory: its source must be copied first")
    buffer = s.buffer(source)
    value = s.load(buffer, (Affine(0, (), row), *cursor.affines(rows)), cursor)
    result = s.value(node.dtype, node)
    cursor.block.append(Compute(result, cast_op, (value,), node.dtype))
    s.nests.locations[node] = s.nests.locate(cursor, result)


def _scatter_add(s: Scheduler, node: Node) -> None:
    base, indices, rows = node.inputs
    index = identity_index(node.shape)
    buffer = s.buffer(node)
    cursor = s.nests.enter_all(range(node.rank), node.shape, s.reads([(base, index)]))
    cursor.block.append(Store(buffer, cursor.affines(index), s.read(base, index, cursor)))
    after = _root_position(s, cursor) + 1
    row_index = identity_index(rows.shape)
    at = row_index[: indices.rank]
    cursor = s.nests.enter_all(
        range(rows.rank), rows.shape, s.reads([(indices, at), (rows, row_index)]), floor=after, fresh=True
    )
    for loop, dim in cursor.path:
        loop.kind = "sequential" if dim < indices.rank else "parallel"
    place_ = _checked(s, s.read(indices, at, cursor), node, cursor)
    value = s.read(rows, row_index, cursor)
    target = (Affine(0, (), place_), *cursor.affines(row_index[indices.rank :]))
    cursor.block.append(Store(buffer, target, value, "add"))
    s.nests.locations[node] = _complete_at(s, _root_position(s, cursor))


def _checked(s: Scheduler, index: Operand, array: Node, cursor: Cursor) -> Value:
    name = array.attrs["name"] if array.is_op("input") else f"%{s.numbers.get(array, '?')}"
    s.checks.append(f"an index is outside the axis of extent {array.shape[0]} of {name}: {array.type}")
    checked = s.value("i64")
    cursor.block.append(Check(checked, index, array.shape[0], len(s.checks)))
    return checked


def _root_position(s: Scheduler, cursor: Cursor) -> int:
    return cursor.levels.get(id(s.nests.root), (len(s.nests.root) - 1, None))[0]


def _complete_at(s: Scheduler, position: int) -> Location:
    return Location({id(s.nests.root): (position, None)}, s.nests.root)


_HANDLERS: dict[Op, Callable[[Scheduler, Node], None]] = {
    sum_op: _reduction,
    prod_op: _reduction,
    amax: _reduction,
    any_: _reduction,
    recurrence_op: _recurrence,
    concatenate_op: _concatenate,
    pad_op: _pad,
    gather_op: _gather,
    scatter_add_op: _scatter_add,
    matmul_op: place_product,
}
