"""Outline: small nests that are alike become calls of one function.

A loop that was unrolled while tracing leaves the same few nests again and again, on other memory. LLVM's time
grows with the code it gets, so each kind is emitted once, as a function of the places that it reads and
writes and of the scalars that it uses, and stands as a `OutlinedCall` wherever it occurs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import Any, TypeAlias

from diffc import tuning
from diffc.loops.form import (
    Block,
    Loop,
    Loops,
    Outlined,
    OutlinedCall,
    Place,
)
from diffc.loops.places import (
    Affine,
    Axis,
    Buffer,
    Operand,
    Scalar,
    flattened,
)
from diffc.loops.statements import (
    Accumulate,
    Compute,
    IndexValue,
    Load,
    Statement,
    Store,
)
from diffc.loops.target import Target
from diffc.loops.walk import walk

__all__ = ["outline"]

Key: TypeAlias = tuple[Any, ...]


def outline(program: Loops, target: Target) -> Loops:
    """Return the program with a call for each small nest of which there are several."""
    forms = dict(_forms(program.body))
    counts = Counter(form.key for form in forms.values())
    return replace(program, body=_with_calls(program.body, forms, counts, {}))


def _forms(block: Block, rounds: int = 1) -> Iterator[tuple[Loop, _Form]]:
    """Yield each small nest with what it is like, also those in loops of few rounds."""
    for item in block:
        if isinstance(item, Loop):
            form = _form(item)
            if form is not None:
                yield item, form
            extent = item.axis.extent
            if (
                isinstance(extent, int)
                and rounds * extent <= tuning.OUTLINE_MAX_ROUNDS
                and not item.outer_vector
            ):
                yield from _forms(item.body, rounds * extent)


def _with_calls(
    block: Block, forms: Mapping[Loop, _Form], counts: Mapping[Key, int], nests: dict[Key, Outlined]
) -> Block:
    result = Block()
    for item in block:
        form = forms.get(item) if isinstance(item, Loop) else None
        if not isinstance(item, Loop):
            result.append(item)
        elif form is None or counts[form.key] < tuning.OUTLINE_MIN_CALLS:
            result.append(replace(item, body=_with_calls(item.body, forms, counts, nests)))
        else:
            nest = nests.get(form.key)
            if nest is None:
                nest = nests[form.key] = form.nest(len(nests))
            result += [*item.prologue, form.call(nest)]
    return result


def _form(loop: Loop) -> _Form | None:
    """Return what a nest is like, or None for one that must stay where it is."""
    if len(loop.accumulators) > 1:
        return None
    loop = replace(loop, prologue=[])  # stays before the call, as its values may be used behind the loop
    items = [item for item, _ in walk([loop])]
    loops = [item for item in items if isinstance(item, Loop)]
    extents = [each.axis.extent for each in loops if isinstance(each.axis.extent, int)]
    if len(extents) < len(loops) or prod(max(1, extent) for extent in extents) > tuning.OUTLINE_MAX_ROUNDS:
        return None
    own = {each.axis for each in loops}, {value for each in loops for value, _ in each.accumulators}
    return _Form(loop) if all(isinstance(each, Loop) or _fits(each, *own) for each in items) else None


def _fits(item: Statement, axes: set[Axis], accumulators: set[Scalar]) -> bool:
    """Tell whether a statement may stand in a function of a nest with these axes and accumulators."""
    match item:
        case Load() | Store():
            return isinstance(item.buffer.type.size, int) and all(map(_is_known, item.index))
        case IndexValue():
            return _is_known(item.affine) and all(axis in axes for axis, _ in item.affine.terms)
        case Accumulate():
            return item.accumulator in accumulators
        case _:
            return isinstance(item, Compute)


def _is_known(affine: Affine) -> bool:
    numbers = (affine.constant, *[factor for _, factor in affine.terms])
    return affine.dynamic is None and all(isinstance(each, int) for each in numbers)


class _Form:
    """A nest with its memory, axes and values numbered as they appear; `key` is the same for nests alike."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._axes = {item.axis: k for k, (item, _) in enumerate(walk([loop])) if isinstance(item, Loop)}
        self._numbers: dict[int, int] = {}
        self._places: dict[Place, int] = {}
        self._outer: dict[int, Scalar] = {}
        self.key: Key = tuple((depth, *self._read(item)) for item, depth in walk([loop]))

    def call(self, nest: Outlined) -> OutlinedCall:
        """Return the call of a nest like this one."""
        result = self._loop.accumulators[0][0] if self._loop.accumulators else None
        return OutlinedCall(nest, tuple(self._places), tuple(self._outer.values()), result)

    def nest(self, number: int) -> Outlined:
        """Return this nest as a function, in which each place is a flat buffer of its own."""
        flat: dict[Place, Buffer] = {}
        for place, k in self._places.items():
            kind = place.buffer.type
            flat[place] = Buffer(f"p{k}", kind.with_shape((kind.size,)), "work")
        loop = self._on_places(self._loop, flat)
        return Outlined(number, loop, tuple(flat.values()), tuple(self._outer.values()))

    def _on_places(self, loop: Loop, flat: Mapping[Place, Buffer]) -> Loop:
        """Return a nest that reads and writes flat buffers, each from its start."""

        def moved(item: Statement) -> Statement:
            if not isinstance(item, Load | Store):
                return item
            place, inner = self._split(item)
            return replace(item, buffer=flat[place], index=(inner,))

        body = [self._on_places(item, flat) if isinstance(item, Loop) else moved(item) for item in loop.body]
        return replace(loop, prologue=list(map(moved, loop.prologue)), body=body)

    def _read(self, item: Statement | Loop) -> Key:
        match item:
            case Loop():
                totals = [(how, *self._defined(value)) for value, how in item.accumulators]
                axis = self._axes[item.axis], item.axis.extent
                return "loop", item.kind, item.outer_vector, item.vectors, *axis, *totals
            case Load():
                return "load", *self._place(item), *self._defined(item.value)
            case Store():
                return "store", item.accumulate, *self._place(item), self._used(item.value)
            case Compute():
                operands = [self._used(each) for each in item.operands]
                return "compute", item.op, item.number_dtype, *operands, *self._defined(item.value)
            case IndexValue():
                return "index", item.affine.constant, self._terms(item.affine), *self._defined(item.value)
            case Accumulate():
                total = self._numbers[item.accumulator.number]
                return "accumulate", item.how, total, *map(self._used, item.operands)
            case _:
                raise TypeError(f"{type(item).__name__} has no place in a function")

    def _defined(self, value: Scalar) -> Key:
        return self._numbers.setdefault(value.number, len(self._numbers)), value.dtype

    def _used(self, operand: Operand) -> Key:
        if not isinstance(operand, Scalar):
            return type(operand), repr(operand)  # tells -0.0 from 0.0, and NaN equals itself
        if operand.number not in self._numbers:
            self._outer[operand.number] = operand
        return self._defined(operand)

    def _place(self, item: Load | Store) -> Key:
        place, inner = self._split(item)
        number = self._places.setdefault(place, len(self._places))
        return number, item.buffer.type.dtype, self._terms(inner)

    def _split(self, item: Load | Store) -> tuple[Place, Affine]:
        """Return where an access begins, and how it goes on from there by the nest's own axes."""
        flat = flattened(item.index, item.buffer.type.shape)
        outer = tuple(term for term in flat.terms if term[0] not in self._axes)
        inner = tuple(term for term in flat.terms if term[0] in self._axes)
        return Place(item.buffer, Affine(flat.constant, outer)), Affine(0, inner)

    def _terms(self, affine: Affine) -> Key:
        return tuple((self._axes[axis], factor) for axis, factor in affine.terms)
