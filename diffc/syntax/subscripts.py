"""Indexing: `x[0]`, `x[1:3, :]`, `x[::-1]`, `x[..., None]`, and `x[i, j]` with integer arrays.

The meaning is NumPy's: index arrays are broadcast together, and their axes stand where the first of them did,
or in front where a part, `...` or None separates them. Positions and bounds may be extents (`x[N-2:]`). A
symbolic extent must be large enough at each call for the integers that a formula names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node, size_of
from diffc.ops import dim, lift
from diffc.ops.arithmetic import add, mul, neg
from diffc.ops.constant import const
from diffc.ops.indexing import gather
from diffc.ops.logic import ge, logical_and, lt, where
from diffc.ops.reshaping import flip, reshape, transpose
from diffc.ops.slicing import slice_
from diffc.syntax.values import Bundle, Part, Value, as_extent, as_node

__all__ = ["Region", "region", "subscript"]


@dataclass(frozen=True, slots=True)
class Region:
    """The part of an array that integers and parts name: start, size and step on each axis.

    `flips` are the axes that are then reversed, `shape` is that of what is left without the axes of integers
    and with those of None.
    """

    starts: Sequence[Extent]
    sizes: Sequence[Extent]
    steps: Sequence[int]
    flips: Sequence[int]
    shape: Sequence[Extent]


@dataclass(slots=True)
class _Plan:
    """What happens to each axis, and the extents that remain; index arrays take their axes as a second step.

    `arrays` has each index array with the place of its axis among those that remain; `place` is where their
    axes go.
    """

    starts: list[Extent] = field(default_factory=list[Extent])
    sizes: list[Extent] = field(default_factory=list[Extent])
    steps: list[int] = field(default_factory=list[int])
    flips: list[int] = field(default_factory=list[int])
    kept: list[Extent] = field(default_factory=list[Extent])
    arrays: list[tuple[int, Node]] = field(default_factory=list[tuple[int, Node]])
    place: int = 0

    def take(self, start: Extent, size: Extent, step: int = 1) -> None:
        """Take a part of the next axis."""
        self.starts.append(start)
        self.sizes.append(size)
        self.steps.append(step)


def subscript(x: Node, items: Sequence[Value]) -> Node:
    """Return the part of `x` that the subscripts name; raise `TypeProblem` for what NumPy would refuse."""
    return _apply(x, _plan(x, items))


def region(x: Node, items: Sequence[Value]) -> Region | None:
    """Return the part that the subscripts name, None where index arrays or computed positions choose it."""
    plan = _plan(x, items)
    return None if plan.arrays else Region(plan.starts, plan.sizes, plan.steps, plan.flips, plan.kept)


def _plan(x: Node, items: Sequence[Value]) -> _Plan:
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
    return _planned(x, items)


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


def _planned(x: Node, items: Sequence[Value]) -> _Plan:
    plan, axis = _Plan(), 0
    advanced: list[tuple[int, int]] = []
    for k, item in enumerate(items):
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
            advanced.append((k, len(plan.kept)))
            plan.take(_inside(position, extent, axis, x), 1)
        else:
            advanced.append((k, len(plan.kept)))
            plan.arrays.append((len(plan.kept), _checked(as_node(item), extent, axis, x)))
            plan.take(0, extent)
            plan.kept.append(extent)
        axis += 1
    together = bool(advanced) and advanced[-1][0] - advanced[0][0] < len(advanced)
    plan.place = advanced[0][1] if together else 0
    return plan


def _checked(indices: Node, extent: Extent, axis: int, x: Node) -> Node:
    """Return an index array; raise `TypeProblem` where it is known to reach outside its axis."""
    if indices.op is const and isinstance(extent, int):
        numbers = const.reference(indices.attrs)
        outside = numbers[(numbers < -extent) | (numbers >= extent)]
        if outside.size:
            raise TypeProblem(f"the index {int(outside.flat[0])} is outside axis {axis} of {x.type}")
    return indices


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
    first, last = (0, extent) if step > 0 else (extent - 1, -1)
    start, stop = _bound(part.start, extent, first), _bound(part.stop, extent, last)
    size = stop - start if step > 0 else start - stop
    count = _quotient(size + abs(step) - 1, abs(step))
    if isinstance(count, int) and count <= 0:
        start, count = 0, 0
    elif step < 0:  # the last element comes first
        start = start - (count - 1) * -step
    plan.take(start, count, abs(step))
    return step < 0


def _bound(bound: Extent | None, extent: Extent, default: Extent) -> Extent:
    if bound is None:
        return default
    return extent + bound if isinstance(bound, int) and bound < 0 else bound


def _quotient(extent: Extent, divisor: int) -> Extent:
    return extent if divisor == 1 else extent // divisor


def _apply(x: Node, plan: _Plan) -> Node:
    part = flip(slice_(x, plan.starts, plan.sizes, plan.steps), plan.flips)
    part = reshape(part, plan.kept)
    if not plan.arrays:
        return part
    axes = [axis for axis, _ in plan.arrays]
    others = [axis for axis in range(part.rank) if axis not in axes]
    if len(axes) == 1 and plan.place in (0, axes[0]):
        result = gather(part, plan.arrays[0][1], axes[0])
        return result if plan.place == axes[0] else _moved(result, axes[0], plan.arrays[0][1].rank, 0)
    extents = [part.shape[axis] for axis in axes]
    front = transpose(part, (*axes, *others))
    rows = reshape(front, (size_of(tuple(extents)), *front.shape[len(axes) :]))
    indices = _joined([each for _, each in plan.arrays], extents)
    return _moved(gather(rows, indices), 0, indices.rank, plan.place)


def _joined(arrays: Sequence[Node], extents: Sequence[Extent]) -> Node:
    """Return the positions in axes joined to one; outside it where an index is outside its axis."""
    total: Node = lift(0)
    inside: Node | None = None
    for indices, extent in zip(arrays, extents, strict=True):
        size = dim(extent)
        fits = logical_and(ge(indices, neg(size)), lt(indices, size))
        inside = fits if inside is None else logical_and(inside, fits)
        total = add(mul(total, size), where(lt(indices, 0), add(indices, size), indices))
    if all(each.op is const for each in arrays) and all(isinstance(extent, int) for extent in extents):
        return total  # they were checked
    return where(lift(True) if inside is None else inside, total, dim(size_of(tuple(extents))))


def _moved(x: Node, start: int, count: int, place: int) -> Node:
    """Return `x` with `count` axes from `start` on moved so that they stand at `place`."""
    block = list(range(start, start + count))
    rest = [axis for axis in range(x.rank) if axis not in block]
    return transpose(x, (*rest[:place], *block, *rest[place:]))
