"""Small extents in place of true ones: an equation over arrays is as right for these as for those.

Equal extents stay equal. What a reshape splits stays split in the same way, so that elements keep their
order: where 8 becomes 4 times 2, so do the extents that stand for them. A reshape that moves elements from
axis to axis in any other way has no small form.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from diffc.ir import Extent, Node, dim_symbols, evaluate_extent

__all__ = ["small_extents", "squeezes"]

_SMALL, _MAX_FREE, _MAX_ELEMENTS = (2, 3), 6, 500
_PRIMES = (1009, 2003, 3001, 4001, 5003, 6007)

Split = tuple[Extent, tuple[Extent, ...]]


def small_extents(nodes: Sequence[Node]) -> dict[Extent, int]:
    """Return a small extent for each extent but 0 and 1, in order of appearance; nothing where none fit."""
    found = list(dict.fromkeys(e for node in nodes for e in node.shape if e not in (0, 1)))
    splits = _splits(nodes)
    if splits is None:
        return {}
    if not splits:
        return {extent: _SMALL[k == 1] for k, extent in enumerate(found)}
    free = [extent for extent in found if extent not in {whole for whole, _ in splits}]
    if len(free) > _MAX_FREE:
        return {}
    fitting = [
        small
        for values in product(_SMALL, repeat=len(free))
        if (small := _completed(dict(zip(free, values, strict=True)), splits)) is not None
    ]

    def cost(small: Mapping[Extent, int]) -> tuple[bool, bool, int]:
        """Prefer what is small enough, then what tells axes apart, then the smallest."""
        largest = max(math.prod(small.get(e, e == 1) for e in node.shape) for node in nodes)
        return largest > _MAX_ELEMENTS, len(set(small.values())) == 1, largest

    return min(fitting, key=cost, default={})


def squeezes(node: Node) -> bool:
    """Tell whether a reshape only adds or drops axes of extent 1."""
    return [e for e in node.shape if e != 1] == [e for e in node.inputs[0].shape if e != 1]


def _completed(small: dict[Extent, int], splits: Sequence[Split]) -> dict[Extent, int] | None:
    """Return the extents with those that are split, None where two splits of one do not agree."""
    pending = list(splits)
    while pending:
        ready = [each for each in pending if all(part in small for part in each[1])]
        if not ready:
            return None
        for whole, parts in ready:
            size = math.prod(small[part] for part in parts)
            if small.setdefault(whole, size) != size:
                return None
        pending = [each for each in pending if each not in ready]
    return small


def _splits(nodes: Sequence[Node]) -> list[Split] | None:
    """Return which extents reshapes split into which others; None where elements move in another way."""
    present, found = set(nodes), list[Split]()
    for node in nodes:
        if not node.is_op("reshape") or squeezes(node) or node.inputs[0] not in present:
            continue
        for left, right in _groups(node.inputs[0].shape, node.shape):
            if left == right:
                continue
            if min(len(left), len(right)) != 1:
                return None
            found.append((left[0], right) if len(left) == 1 else (right[0], left))
    return list(dict.fromkeys(found))


def _groups(
    before: Iterable[Extent], after: Iterable[Extent]
) -> list[tuple[tuple[Extent, ...], tuple[Extent, ...]]]:
    """Return the shortest runs of axes that hold the same elements, axes of extent 1 left out."""
    sides = [[e for e in shape if e != 1] for shape in (before, after)]
    names = sorted({name for side in sides for extent in side for name in dim_symbols(extent)})
    values = dict(zip(names, _PRIMES, strict=False))
    sizes = [[evaluate_extent(e, values) for e in side] for side in sides]
    groups: list[tuple[tuple[Extent, ...], tuple[Extent, ...]]] = []
    start, stop, totals = [0, 0], [0, 0], [1, 1]
    while stop[0] < len(sides[0]) or stop[1] < len(sides[1]):
        k = 0 if totals[0] <= totals[1] and stop[0] < len(sides[0]) else 1
        totals[k] *= sizes[k][stop[k]]
        stop[k] += 1
        if totals[0] == totals[1]:
            left, right = (tuple(side[a:b]) for side, a, b in zip(sides, start, stop, strict=True))
            groups.append((left, right))
            start, totals = list(stop), [1, 1]
    return groups
