"""Copies, of views and of outputs that no computation writes, and memory under another shape."""

from __future__ import annotations

from diffc.ir import Node
from diffc.loops.places import Buffer
from diffc.loops.statements import Store
from diffc.schedule.place.placing import Placing
from diffc.schedule.views import identity_index, resolve

__all__ = ["place_alias", "place_copy", "place_output"]


def place_copy(placing: Placing, node: Node) -> None:
    """Give a view memory of its own, row-major."""
    nests, reading, bases = placing.nests, placing.reading, placing.decisions.bases
    index = identity_index(node.shape)
    base, at = resolve(node, index, lambda n: n is not node and bases.is_base(n))
    cursor = nests.enter_all(range(node.rank), node.shape, [(base, at)])
    leaf = reading.leaf(base, at, cursor) if base is node else None
    value = reading.read(base, at, cursor) if leaf is None else leaf
    cursor.block.append(Store(placing.storage.buffer(node), cursor.affines(index), value))
    nests.locations[node] = nests.locate(cursor, None)


def place_alias(placing: Placing, node: Node) -> None:
    """Let those who read a reshape that mixes axes wait until what it reshapes is complete."""
    base, _ = placing.decisions.bases.whole(node.inputs[0])
    location = placing.nests.locations.get(base)
    if location is not None:
        placing.nests.locations[node] = location.completed()


def place_output(placing: Placing, node: Node, output: Buffer) -> None:
    """Fill an output that no computation writes: an input, a view, or a value given twice."""
    index = identity_index(node.shape)
    reads = [placing.decisions.bases.whole(node)]
    cursor = placing.nests.enter_all(range(node.rank), node.shape, reads)
    value = placing.reading.read(node, index, cursor)
    cursor.block.append(Store(output, cursor.affines(index), value))
