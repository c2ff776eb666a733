"""Paddings that can be placed: such as leave gaps, or such as cut."""

from __future__ import annotations

from diffc.ir import Extent, Node
from diffc.ops.slicing import pad

__all__ = ["cuts", "simpler_pad"]


def simpler_pad(node: Node) -> Node:
    """Return the same padding from such that can be placed.

    A padding with gaps that also cuts becomes one with gaps alone and one that cuts.
    """
    (x,), a = node.inputs, node.attrs
    if not any(a["gaps"]) or not any(map(cuts, (*a["lows"], *a["highs"]))):
        return node
    # With a gap behind each element, the last one too, no extent is negative for an x without elements.
    none = (0,) * node.rank
    highs = [high - gap for high, gap in zip(a["highs"], a["gaps"], strict=True)]
    return pad(pad(x, none, a["gaps"], a["gaps"]), a["lows"], highs)


def cuts(amount: Extent) -> bool:
    """Tell whether a padding cuts: symbols never do."""
    return isinstance(amount, int) and amount < 0
