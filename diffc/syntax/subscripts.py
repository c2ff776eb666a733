"""Indexing: `x[0]`, `x[1:3, :]`, `x[::-1]`, `x[..., None]`, and `x[i]` with an integer array.

The meaning is NumPy's. Positions and bounds may be extents (`x[N-2:]`). A symbolic extent is taken
to be large enough for the integers that a formula names; a part's extent must be a polynomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node
from diffc.ops.indexing import gather
from diffc.ops.reshaping import flip, reshape
from diffc.ops.slicing import slice_
from diffc.syntax.values import Bundle, Part, Value, as_extent, as_node

__all__ = ["subscript"]


@dataclass(slots=True)
class _Plan:
    """What happens to each axis, and the extents that remain (None where the index array goes)."""

    starts: list[Extent] = field(default_factory=list[Extent])
    sizes: list[Extent] = field(default_factory=list[Extent])
    steps: list[int] = field(default_factory=list[int])
    flips: list[int] = field(default_factory=list[int])
    kept: list[Extent] = field(default_factory=list[Extent])
    gathered: Node | None = None
    place: int = 0

    def take(self, start: Extent, size: Extent, step: int = 1) -> None:
        """Take a part of the next axis."""
        self.starts.append(start)
        self.sizes.append(size)
        self.steps.append(step)


def subscript(x: Node, items: Sequence[Value]) -> Node:
    """Return the part of `x` that the subscripts name; raise `TypeProblem` for what NumPy would refuse."""
    items = [_plain(each) for each in items]
    consumed = sum(each is not None and each is not ... for each in items)
    if consumed > x.rank:
        raise TypeProblem(f"{consumed} indices for {x.type}, which has {x.rank} axes")
    if sum(each is ... for each in items) > 1:
        raise TypeProblem("'...' stands at most once in an index")
    whole = [Part(None, None, None)] * (x.rank - consumed)
    if not any(each is ... for each in items):
        items.append(...)
    at = next(k for k, each in enumerate(items) if each is ...)
    items[at : at + 1] = whole
    _check_order(items)
    return _apply(x, _planned(x, items))


def _plain(item: Value) -> Value:
    """Return an integer index, a part, None, '...' or an index array."""
    if isinstance(item, bool):
        raise TypeProblem("an index is an integer, not a truth value")
    if isinstance(item, float):
        raise TypeProblem(f"an index is an integer, not {item}")
    if not isinstance(item, Node | Bundle):
        return item
    node = as_node(item)
    if node.dtype == "bool":
        raise TypeProblem("an array of truth values cannot be an index here: use where(condition, x, 0)")
    if node.dtype != "i64":
        raise TypeProblem(f"an index array is i64, not {node.dtype}: write i64(...)")
    return node


def _check_order(items: Sequence[Value]) -> None:
    """Refuse what NumPy answers with axes moved to the front: an array and integers apart."""
    places = [k for k, each in enumerate(items) if isinstance(each, int | Node)]
    arrays = [each for each in items if isinstance(each, Node) and each.rank]
    if len(arrays) > 1:
        raise TypeProblem("one index array at a time: write x[i][:, j]")
    if arrays and places[-1] - places[0] >= len(places):
        raise TypeProblem("an index array and an integer apart from it: index in two steps")


def _planned(x: Node, items: Sequence[Value]) -> _Plan:
    plan, axis = _Plan(), 0
    for item in items:
        if item is None:
            plan.kept.append(1)
            continue
        extent = x.shape[axis]
        if isinstance(item, Part):
            reverse = _take_part(plan, extent, item)
            if reverse:
                plan.flips.append(axis)
            plan.kept.append(plan.sizes[-1])
        elif (position := _position(item)) is not None:
            plan.take(_inside(position, extent, axis, x), 1)
        else:
            if plan.gathered is not None:
                raise TypeProblem("one index array at a time: write x[i][j]")
            plan.gathered, plan.place = as_node(item), len(plan.kept)
            plan.take(0, extent)
            plan.kept.append(extent)
        axis += 1
    return plan


def _position(item: Value) -> Extent | None:
    """Return a position that is known when compiling, None for one that is computed."""
    try:
        return as_extent(item, "an index")
    except TypeProblem:
        return None


def _inside(position: Extent, extent: Extent, axis: int, x: Node) -> Extent:
    if isinstance(position, int):
        if isinstance(extent, int) and not -extent <= position < extent:
            raise TypeProblem(f"the index {position} is outside axis {axis} of {x.type}")
        return extent + position if position < 0 else position
    return position


def _take_part(plan: _Plan, extent: Extent, part: Part) -> bool:
    """Take start:stop:step of an axis; return whether it must be flipped afterwards."""
    step = 1 if part.step is None else part.step
    if step == 0:
        raise TypeProblem("the step of a slice is not 0")
    bounds = (part.start, part.stop)
    if isinstance(extent, int) and all(each is None or isinstance(each, int) for each in bounds):
        chosen = range(*slice(*bounds, step).indices(extent))
        chosen = chosen if step > 0 else chosen[::-1]
        plan.take(chosen.start if chosen else 0, len(chosen), chosen.step)
        return step < 0
    if step < 0 and bounds != (None, None):
        raise TypeProblem(f"a slice with bounds and a negative step of the symbolic extent {extent}")
    start = _bound(part.start, extent, 0)
    size = _bound(part.stop, extent, extent) - start
    if isinstance(size, int) and size < 0:
        size = 0
    count = size if abs(step) == 1 else _strided(size, abs(step))
    if step < 0:  # the last element comes first
        start = extent - 1 - (count - 1) * -step
    plan.take(start, count, abs(step))
    return step < 0


def _bound(bound: Extent | None, extent: Extent, default: Extent) -> Extent:
    if bound is None:
        return default
    return extent + bound if isinstance(bound, int) and bound < 0 else bound


def _strided(size: Extent, step: int) -> Extent:
    count = -(-size // step) if isinstance(size, int) else size.divide(step)
    if count is None:
        raise TypeProblem(f"every {step}th of {size} elements: the number of them is no polynomial")
    return count


def _apply(x: Node, plan: _Plan) -> Node:
    part = flip(slice_(x, plan.starts, plan.sizes, plan.steps), plan.flips)
    part = reshape(part, plan.kept)
    return part if plan.gathered is None else gather(part, plan.gathered, plan.place)
