"""Pad and concatenate: parts stored at their places in one buffer."""

from __future__ import annotations

from diffc.ir import Extent, Node
from diffc.loops.statements import Store
from diffc.schedule.padding import cuts
from diffc.schedule.place.placing import Placing
from diffc.schedule.views import DimIndex, identity_index

__all__ = ["place_concatenate", "place_pad"]


def place_concatenate(placing: Placing, node: Node) -> None:
    """Store each part behind the one before it."""
    nests, reading = placing.nests, placing.reading
    axis = node.attrs["axis"]
    start: Extent = 0
    last = 0
    for part in node.inputs:
        index = identity_index(part.shape)
        cursor = nests.enter_all(range(part.rank), part.shape, reading.reads([(part, index)]))
        value = reading.read(part, index, cursor)
        target = list(index)
        target[axis] = target[axis].shifted(start)
        cursor.block.append(Store(placing.storage.buffer(node), cursor.affines(target), value))
        last = max(last, nests.position(cursor))
        start = start + part.shape[axis]
    nests.complete(node, last)


def place_pad(placing: Placing, node: Node) -> None:
    """Fill with zeros, then store what remains of the operand over them."""
    nests, reading = placing.nests, placing.reading
    (source,), a = node.inputs, node.attrs
    from_: list[DimIndex] = []
    to: list[DimIndex] = []
    shape: list[Extent] = []
    amounts = zip(source.shape, a["lows"], a["highs"], a["gaps"], strict=True)
    for d, (extent, low, high, gap) in enumerate(amounts):
        cut_low, cut_high = (-each if cuts(each) else 0 for each in (low, high))
        shape.append(extent - cut_low - cut_high)
        at = DimIndex() if shape[-1] == 1 else DimIndex(0, d)
        from_.append(at.shifted(cut_low))
        to.append(at.scaled(gap + 1).shifted(low + cut_low))
    index = tuple(from_)
    buffer = placing.storage.buffer(node)
    cursor = nests.enter_all(range(source.rank), shape, reading.reads([(source, index)]))
    cursor.block.append(Store(buffer, cursor.affines(to), reading.read(source, index, cursor)))
    position = nests.position(cursor)
    nests.fill(buffer, node.shape, 0, position)
    nests.complete(node, position)
