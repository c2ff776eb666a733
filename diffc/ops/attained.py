"""How many values attain a maximum of maxima, however they are nested: ties share the derivative equally.

An operation whose elements are elements of its operands says so in `Op.ranked`, and how many attain each in
`Op.attained`; both are told whether the largest (1) or the smallest (-1) is looked for. Reductions, maxima of
two, rearrangements, `where` and negation do.
"""

from __future__ import annotations

from typing import TypeAlias
from weakref import WeakKeyDictionary

from diffc.ir import Node
from diffc.ops.base import Op

__all__ = ["attaining"]

_Place: TypeAlias = "tuple[Node, int]"

_counts: WeakKeyDictionary[Node, dict[int, Node | None]] = WeakKeyDictionary()


def attaining(node: Node, sign: int) -> Node | None:
    """Return how many values attain each element of a node, None where each is a single one."""
    stack = [(node, sign)]
    while stack:
        place = stack[-1]
        waiting = [each for each in _ranked(place) if not _is_known(each)]
        stack.extend(waiting)
        if not waiting:
            (top, order), ranked = stack.pop(), _ranked(place)
            counts = [_counts[each][of] for each, of in ranked]
            found = top.op.attained(top, order, counts) if isinstance(top.op, Op) and ranked else None
            _counts.setdefault(top, {})[order] = found
    return _counts[node][sign]


def _ranked(place: _Place) -> list[_Place]:
    node, sign = place
    if not isinstance(node.op, Op):
        return []
    return [(node.inputs[k], order) for k, order in node.op.ranked(node, sign)]


def _is_known(place: _Place) -> bool:
    return place[1] in _counts.get(place[0], ())
