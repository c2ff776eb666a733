"""Pad and concatenate: parts stored at their places in one buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.ir import Extent, Node
from diffc.loops.statements import Store
from diffc.ops.slicing import pad
from diffc.schedule.views import DimIndex, identity_index

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["place_concatenate", "place_pad", "simpler_pad"]


def place_concatenate(s: Scheduler, node: Node) -> None:
    """Store each part behind the one before it."""
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
        last = max(last, s.nests.position(cursor))
        start = start + part.shape[axis]
    s.nests.complete(node, last)


def place_pad(s: Scheduler, node: Node) -> None:
    """Fill with zeros, then store what remains of the operand over them."""
    (source,), a = node.inputs, node.attrs
    from_: list[DimIndex] = []
    to: list[DimIndex] = []
    shape: list[Extent] = []
    amounts = zip(source.shape, a["lows"], a["highs"], a["gaps"], strict=True)
    for d, (extent, low, high, gap) in enumerate(amounts):
        cut_low, cut_high = (-each if _cuts(each) else 0 for each in (low, high))
        shape.append(extent - cut_low - cut_high)
        at = DimIndex() if shape[-1] == 1 else DimIndex(0, d)
        from_.append(at.shifted(cut_low))
        to.append(at.scaled(gap + 1).shifted(low + cut_low))
    cursor = s.nests.enter_all(range(source.rank), shape, s.reads([(source, tuple(from_))]))
    cursor.block.append(Store(s.buffer(node), cursor.affines(to), s.read(source, tuple(from_), cursor)))
    position = s.nests.position(cursor)
    s.fill(s.buffer(node), node.shape, 0, position)
    s.nests.complete(node, position)


def simpler_pad(node: Node) -> Node:
    """Return the same padding from such that `place_pad` can place.

    A padding with gaps that also cuts becomes one with gaps alone and one that cuts.
    """
    (x,), a = node.inputs, node.attrs
    if not any(a["gaps"]) or not any(map(_cuts, (*a["lows"], *a["highs"]))):
        return node
    # With a gap behind each element, the last one too, no extent is negative for an x without elements.
    none = (0,) * node.rank
    highs = [high - gap for high, gap in zip(a["highs"], a["gaps"], strict=True)]
    return pad(pad(x, none, a["gaps"], a["gaps"]), a["lows"], highs)


def _cuts(amount: Extent) -> bool:
    """Tell whether a padding cuts: symbols never do."""
    return isinstance(amount, int) and amount < 0
