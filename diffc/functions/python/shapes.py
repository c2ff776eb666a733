"""Shapes that differ from call to call in one extent: after a few of them it is left open, as the symbol N.

A program for known shapes is a little faster, and takes longer to compile than many calls take. One with an
open extent serves all further shapes; it is used if it gives the same results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from diffc.functions.python.recent import Recent
from diffc.ir import Dim, Graph, Type

__all__ = ["Shapes", "agree", "may_be_open"]

_FEW = 4
"""So many shapes are compiled as they are."""

_KEPT = 64
"""For so many kinds of arguments the shapes are remembered."""

_NAME = "N"
_EXACT = frozenset({"dim", "const", "add", "sub", "neg"})
"""What may be computed of an extent among integers: Python's have no end, those of code have 64 bits."""

_Place: TypeAlias = tuple[int, int]


class Shapes:
    """The shapes that a transform has been called with, by the kinds of the arguments."""

    def __init__(self) -> None:
        """Know none."""
        self._seen: Recent[list[tuple[tuple[int, ...], ...]]] = Recent(_KEPT)
        self._refused: Recent[bool] = Recent(_KEPT)

    def opened(self, key: Any, types: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return a call's types with an extent left open, where the shapes so far differ in it alone.

        That is one extent of one argument, or of several where it has been the same in each call. Extents
        below 2 are compiled as they are, since NumPy broadcasts 1.

        Args:
            key: what else decides about the program.
            types: the arguments' types, and what is no number and no array.
        """
        kind = _kind(key, types)
        shapes = tuple(each.shape for each in types if isinstance(each, Type))
        if self._refused.find(kind) or not all(isinstance(n, int) for shape in shapes for n in shape):
            return None
        seen = self._seen.find(kind) or self._seen.keep(kind, [])
        if shapes in seen:
            return None
        if len(seen) < _FEW:
            seen.append(shapes)  # pyright: ignore[reportArgumentType]
            return None
        every = [*seen, shapes]
        places = [
            (k, axis)
            for k, shape in enumerate(shapes)
            for axis in range(len(shape))
            if len({each[k][axis] for each in every}) > 1
        ]
        values = [{each[k][axis] for k, axis in places} for each in every]
        if not places or any(len(each) > 1 or min(each) < 2 for each in values):  # pyright: ignore
            return None
        return tuple(_open(types, set(places)))

    def refuse(self, key: Any, types: Sequence[Any]) -> None:
        """Have all further shapes of such arguments compiled as they are."""
        self._refused.keep(_kind(key, types), True)


def _kind(key: Any, types: Sequence[Any]) -> Any:
    return key, tuple((each.dtype, each.rank) if isinstance(each, Type) else each for each in types)


def _open(types: Sequence[Any], places: set[_Place]) -> list[Any]:
    found: list[Any] = []
    k = -1
    for each in types:
        if not isinstance(each, Type):
            found.append(each)
            continue
        k += 1
        extents = [Dim.symbol(_NAME) if (k, axis) in places else n for axis, n in enumerate(each.shape)]
        found.append(each.with_shape(tuple(extents)))
    return found


def may_be_open(graph: Graph) -> bool:
    """Whether integers that follow from an extent stay what they are in Python, however large it is."""
    follows: set[Any] = set()
    for node in graph.nodes:
        if node.is_op("dim") or any(each in follows for each in node.inputs):
            if node.dtype == "i64" and node.op.name not in _EXACT:
                return False
            if node.dtype == "i64":
                follows.add(node)
    return True


def agree(first: Any, second: Any) -> bool:
    """Whether two results are the same but for rounding: structures, dtypes, shapes, and all numbers."""
    if isinstance(first, dict) and isinstance(second, dict):
        return list(first) == list(second) and agree(list(first.values()), list(second.values()))
    if isinstance(first, (tuple, list)):
        return type(first) is type(second) and len(first) == len(second) and all(map(agree, first, second))
    a, b = np.asarray(first), np.asarray(second)
    if type(first) is not type(second) or (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    tolerance = 1e3 * float(np.finfo(a.dtype).eps)
    scale = float(np.max(np.abs(a[np.isfinite(a)]), initial=0.0))
    return bool(np.allclose(a, b, tolerance, tolerance * scale, equal_nan=True))
