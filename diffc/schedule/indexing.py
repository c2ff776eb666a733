"""Gathers and scatter-adds: reads and writes at rows that are only known when the kernel runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.ir import Node, shown
from diffc.loops.places import Affine, Operand, Scalar
from diffc.loops.statements import BoundsCheck, Compute, Store
from diffc.ops.constant import iota_op
from diffc.ops.elementwise import cast_op
from diffc.schedule.placement import Cursor, Read
from diffc.schedule.views import DimIndex, identity_index, resolve

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["gathers_in_place", "place_gather", "place_scatter_add"]

_ROW = -1
"""The dimension that stands for the computed row."""


def gathers_in_place(s: Scheduler, node: Node) -> bool:
    """Tell whether a gather can read its source where that lies; else the source must be copied first."""
    base, index = _gathered(s, node)
    return base.op is not iota_op and all(at.factor == 1 for at in index if at.dim == _ROW)


def _gathered(s: Scheduler, node: Node) -> Read:
    source, indices = node.inputs
    rows = (DimIndex() if e == 1 else DimIndex(0, k + indices.rank) for k, e in enumerate(source.shape[1:]))
    return resolve(source, (DimIndex(0, _ROW), *rows), s.is_base)


def place_gather(s: Scheduler, node: Node) -> None:
    """Read the source at checked rows, in loops over the result."""
    source, indices = node.inputs
    at = identity_index(indices.shape)
    base, index = _gathered(s, node)
    # Any element may be read: the source must be complete before the loops begin.
    reads = [*s.reads([(indices, at)]), (base, tuple(DimIndex() for _ in index))]
    cursor = s.nests.enter_all(range(node.rank), node.shape, reads)
    row = _checked(s, s.read(indices, at, cursor), source, cursor)
    value = None if base in s.copied else s.leaf(base, index, cursor)
    if value is None:
        place = tuple(cursor.affine(each, row if each.dim == _ROW else None) for each in index)
        value = s.load(s.buffer(base), place, cursor)
    result = s.value(node.dtype, node)
    cursor.block.append(Compute(result, cast_op, (value,), node.dtype))
    s.nests.locations[node] = s.nests.locate(cursor, result)


def place_scatter_add(s: Scheduler, node: Node) -> None:
    """Copy the base, then add the rows one after the other, for they may meet."""
    base, indices, rows = node.inputs
    index = identity_index(node.shape)
    buffer = s.buffer(node)
    cursor = s.nests.enter_all(range(node.rank), node.shape, s.reads([(base, index)]))
    cursor.block.append(Store(buffer, cursor.affines(index), s.read(base, index, cursor)))
    after = s.nests.position(cursor) + 1
    row_index = identity_index(rows.shape)
    at = row_index[: indices.rank]
    reads = s.reads([(indices, at), (rows, row_index)])
    cursor = s.nests.enter_all(range(rows.rank), rows.shape, reads, floor=after, fresh=True)
    for loop, dim in cursor.path:
        loop.kind = "sequential" if dim < indices.rank else "parallel"
    row = _checked(s, s.read(indices, at, cursor), node, cursor)
    value = s.read(rows, row_index, cursor)
    target = (Affine(0, (), row), *cursor.affines(row_index[indices.rank :]))
    cursor.block.append(Store(buffer, target, value, "add"))
    s.nests.complete(node, s.nests.position(cursor))


def _checked(s: Scheduler, index: Operand, array: Node, cursor: Cursor) -> Scalar:
    s.checks.append(f"an index is outside the axis of extent {array.shape[0]} of {shown(array)}")
    checked = s.value("i64")
    cursor.block.append(BoundsCheck(checked, index, array.shape[0], len(s.checks)))
    return checked
