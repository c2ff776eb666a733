"""Gathers and scatter-adds: reads and writes at rows that are only known when the kernel runs."""

from __future__ import annotations

from diffc.ir import Node, shown
from diffc.loops.places import Affine, Operand, Scalar
from diffc.loops.statements import Compute, Store
from diffc.ops.elementwise import cast_op
from diffc.schedule.cursor import Cursor
from diffc.schedule.decide.gathers import ROW
from diffc.schedule.place.placing import Placing
from diffc.schedule.views import DimIndex, identity_index

__all__ = ["place_gather", "place_scatter_add"]


def place_gather(placing: Placing, node: Node) -> None:
    """Read the source at checked rows, in loops over the result."""
    nests, reading = placing.nests, placing.reading
    source, indices = node.inputs
    at = identity_index(indices.shape)
    _check_apart(placing, indices, source)
    base, index = placing.decisions.gathers[node]
    # Any element may be read: the source must be complete before the loops begin.
    reads = [*reading.reads([(indices, at)]), (base, tuple(DimIndex() for _ in index))]
    cursor = nests.enter_all(range(node.rank), node.shape, reads)
    row = _checked(placing, reading.read(indices, at, cursor), source, cursor)
    value = None if base in placing.decisions.bases.copied else reading.leaf(base, index, cursor)
    if value is None:
        place = tuple(cursor.affine(each, row if each.dim == ROW else None) for each in index)
        value = reading.load(placing.storage.buffer(base), place, cursor)
    result = nests.new_value(node.dtype, node)
    cursor.block.append(Compute(result, cast_op, (value,), node.dtype))
    nests.locations[node] = nests.locate(cursor, result)


def place_scatter_add(placing: Placing, node: Node) -> None:
    """Copy the base, then add the rows one after the other, for they may meet."""
    nests, reading = placing.nests, placing.reading
    base, indices, rows = node.inputs
    index = identity_index(node.shape)
    buffer = placing.storage.buffer(node)
    cursor = nests.enter_all(range(node.rank), node.shape, reading.reads([(base, index)]))
    cursor.block.append(Store(buffer, cursor.affines(index), reading.read(base, index, cursor)))
    after = nests.position(cursor) + 1
    _check_apart(placing, indices, base)
    row_index = identity_index(rows.shape)
    at = row_index[: indices.rank]
    reads = reading.reads([(indices, at), (rows, row_index)])
    cursor = nests.enter_all(range(rows.rank), rows.shape, reads, floor=after, fresh=True)
    for loop, dim in cursor.path:
        loop.kind = "sequential" if dim < indices.rank else "parallel"
    row = _checked(placing, reading.read(indices, at, cursor), node, cursor)
    value = reading.read(rows, row_index, cursor)
    target = (Affine(0, (), row), *cursor.affines(row_index[indices.rank :]))
    cursor.block.append(Store(buffer, target, value, "add"))
    nests.complete(node, nests.position(cursor))


def _check_apart(placing: Placing, indices: Node, array: Node) -> None:
    """Check the indices in loops of their own where rows may be empty: loops over these check nothing."""
    if all(isinstance(extent, int) and extent > 0 for extent in array.shape[1:]):
        return
    at = identity_index(indices.shape)
    reads = placing.reading.reads([(indices, at)])
    cursor = placing.nests.enter_all(range(indices.rank), indices.shape, reads, fresh=True)
    _checked(placing, placing.reading.read(indices, at, cursor), array, cursor)


def _checked(placing: Placing, index: Operand, array: Node, cursor: Cursor) -> Scalar:
    """Return an index into the first axis of an array, counted from the front and checked."""
    problem = f"an index is outside the axis of extent {array.shape[0]} of {shown(array)}"
    check = placing.nests.new_check(index, array.shape[0], problem)
    cursor.block.append(check)
    return check.value
