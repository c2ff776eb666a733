"""Pad and concatenate: parts stored at their places in one buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.ir import Dim, Extent, Node, dim_symbols
from diffc.ir.loops import Store
from diffc.ops.slicing import pad, slice_
from diffc.schedule.views import DimIndex, identity_index

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["cuts", "place_concatenate", "place_pad", "simpler_pad"]


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
        cut_low, cut_high = (-each if cuts(each) else 0 for each in (low, high))
        shape.append(extent - cut_low - cut_high)
        at = DimIndex() if shape[-1] == 1 else DimIndex(0, d)
        from_.append(at.shifted(cut_low))
        to.append(at.scaled(gap + 1).shifted(low + cut_low))
    cursor = s.nests.enter_all(range(source.rank), shape, s.reads([(source, tuple(from_))]))
    cursor.block.append(Store(s.buffer(node), cursor.affines(to), s.read(source, tuple(from_), cursor)))
    position = s.nests.position(cursor)
    s.fill(s.buffer(node), node.shape, 0, position)
    s.nests.complete(node, position)


def cuts(amount: Extent) -> bool:
    """Tell whether a padding cuts: its amount is negative, of a polynomial where the symbol is large.

    What a polynomial in one symbol promises so, such as N-1 >= 0, is a requirement of the program.
    """
    return (amount if isinstance(amount, int) else amount.terms[0][1]) < 0


def simpler_pad(node: Node) -> Node:
    """Return the same padding from such that `place_pad` can place.

    pad(x, N-M) => slice(pad(x, N), M), for the sign of N-M is known only when the kernel runs; and a
    padding with gaps that also cuts becomes one with gaps alone and one that cuts.
    """
    (x,), a = node.inputs, node.attrs
    amounts = (*a["lows"], *a["highs"])
    if any(a["gaps"]) and any(map(cuts, amounts)):
        # With a gap behind each element, the last one too, no extent is negative for an x without elements.
        none = (0,) * node.rank
        highs = tuple(high - gap for high, gap in zip(a["highs"], a["gaps"], strict=True))
        return _with_known_signs(pad(x, none, a["gaps"], a["gaps"]), a["lows"], highs, none)
    return _with_known_signs(x, a["lows"], a["highs"], a["gaps"])


def _with_known_signs(
    x: Node, lows: tuple[Extent, ...], highs: tuple[Extent, ...], gaps: tuple[int, ...]
) -> Node:
    """Return pad(x) with amounts whose sign is known, followed by the slice that takes the surplus away."""
    first, starts = zip(*map(_parts, lows), strict=True)
    last, _ = zip(*map(_parts, highs), strict=True)
    sizes = pad(x, lows, highs, gaps).shape
    return slice_(pad(x, first, last, gaps), starts, sizes)


def _parts(amount: Extent) -> tuple[Extent, Extent]:
    """Return p and q of amount = p - q: q is 0 where the sign of the amount is known."""
    if isinstance(amount, int) or len(dim_symbols(amount)) < 2 or len({c > 0 for _, c in amount.terms}) < 2:
        return amount, 0
    negative: Extent = 0
    for monomial, coefficient in amount.terms:
        if coefficient < 0:
            negative = negative + (Dim(((monomial, -coefficient),)) if monomial else -coefficient)
    return amount + negative, negative
