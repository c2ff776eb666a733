"""Jam: several rounds of a loop run side by side, so that what they all read is read once.

    for r in 10: for j in N: a = 0; for k in K: a += x[r, k] * y[k, j]; z[r, j] = a
    => for r in 2: for j in N: five a's; for k in K: t = y[k, j]; a0 += x[5*r, k] * t, ...; z[5*r, j] = a0 ...

A sum in a register otherwise waits for each addition to finish before the next, and loads twice for one
multiplication. Where registers are left, rounds of a loop inside run side by side, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from diffc import tuning
from diffc.loops.form import Block, Loop, Loops
from diffc.loops.places import (
    Affine,
    Axis,
    Buffer,
    Index,
    Operand,
    Scalar,
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
from diffc.loops.walk import defined_by, walk
from diffc.ops.monoid import MONOIDS

__all__ = ["jam"]

_Item = TypeVar("_Item", Load, Store)


def jam(program: Loops, target: Target) -> Loops:
    """Return the program with the loops jammed that gain by it."""
    numbers = _Numbers(max(_numbers_in(program.body), default=0))
    room = target.registers - tuning.JAM_FREE_REGISTERS
    return replace(program, body=_block(program.body, numbers, room, 1))


@dataclass
class _Numbers:
    """The numbers of values that are not taken."""

    last: int

    def fresh(self, value: Scalar) -> Scalar:
        """Return a value like one, with a number of its own."""
        self.last += 1
        return replace(value, number=self.last)


def _block(block: Block, numbers: _Numbers, room: int, copies: int) -> Block:
    """Return a block jammed inside: `copies` rounds stand side by side now, `room` sums fit registers."""
    found = Block()
    for item in block:
        if not isinstance(item, Loop):
            found.append(item)
            continue
        width = _width(item, room, copies)
        if width > 1:
            found.extend(_in_rounds(item, width, numbers, room, copies))
        else:
            found.append(replace(item, body=_block(item.body, numbers, room, copies)))
    return found


def _width(loop: Loop, room: int, copies: int) -> int:
    """Return how many rounds of a loop run side by side: all of them, where possible in whole groups."""
    extent, items = loop.axis.extent, [item for item, _ in walk(loop.body)]
    if not isinstance(extent, int) or extent < 2 or loop.kind == "sequential" or loop.outer_vector:
        return 1
    if len(items) > tuning.JAM_LARGEST_BODY * copies or not all(map(_is_plain, items)):
        return 1
    read = {item.buffer.root for item in items if isinstance(item, Load)}
    if not all(_is_own(item, loop.axis, read) for item in items if isinstance(item, Store)):
        return 1
    inner = [item for item in items if isinstance(item, Loop) and item.innermost]
    if not any(_shares(each, loop.axis, _written(loop)) for each in inner):
        return 1
    sums = max(sum(isinstance(item, Accumulate) for item in each.body) for each in inner)
    widths = [each for each in tuning.JAM_WIDTHS if each <= extent and each * sums <= room]
    whole = next((each for each in widths if extent % each == 0), 1)
    if whole > 1 or loop.accumulators:
        return whole  # A second loop over the rest would have to go on with the loop's accumulators.
    return next((each for each in widths if each <= tuning.JAM_REST), 1)


def _is_own(store: Store, axis: Axis, read: set[Buffer]) -> bool:
    """Tell whether each round writes elsewhere, or adds to what no round reads."""
    adds = store.accumulate is not None and store.buffer.root not in read
    return adds or any(axis in _axes(at) for at in store.index)


def _written(loop: Loop) -> set[Buffer]:
    return {item.buffer.root for item, _ in walk(loop.body) if isinstance(item, Store)}


def _shares(inner: Loop, axis: Axis, written: set[Buffer]) -> bool:
    sums = any(isinstance(item, Accumulate) for item in inner.body)
    loads = [item for item in inner.body if isinstance(item, Load)]
    return sums and any(_is_shared(load.index, axis, load.buffer, written) for load in loads)


def _is_plain(item: Statement | Loop) -> bool:
    if isinstance(item, Compute):
        return not item.op.is_function
    if isinstance(item, Load | Store):
        return all(at.dynamic is None for at in item.index)
    return isinstance(item, IndexValue | Loop) or (isinstance(item, Accumulate) and item.how in MONOIDS)


def _axes(affine: Affine) -> Iterator[Axis]:
    return (axis for axis, _ in affine.terms)


def _is_shared(index: Index, axis: Axis, buffer: Buffer, written: set[Buffer]) -> bool:
    return buffer.root not in written and not any(axis in _axes(at) for at in index)


def _in_rounds(
    loop: Loop, width: int, numbers: _Numbers, room: int, copies: int
) -> Iterator[Statement | Loop]:
    """Yield the statements before a loop, then the loop over rounds side by side, and one over the rest."""
    yield from loop.prologue
    extent = loop.axis.extent
    if not isinstance(extent, int):
        raise TypeError("the extent of a jammed loop is known")
    own = set(_values_in(loop.body))
    for start, rounds, count in ((0, extent // width, width), (extent - extent % width, 1, extent % width)):
        if count:
            axis = Axis(numbers.fresh(Scalar(0, "i64")).number, rounds)
            common = dict[int, Scalar]()
            rows = [_Copy(loop, axis, count, start + k, own, numbers, common) for k in range(count)]
            body = _side_by_side(loop.body, rows, _written(loop))
            body = _block(body, numbers, room, copies * count)
            yield Loop(axis, loop.kind, accumulators=loop.accumulators, body=body)


@dataclass
class _Copy:
    """One of the rounds side by side: the loop's axis is `width` times the new axis, plus `offset`."""

    loop: Loop
    axis: Axis
    width: int
    offset: int
    own: set[int]
    numbers: _Numbers
    common: dict[int, Scalar]
    """The new scalars that all these rounds share, by the numbers of the old ones."""
    values: dict[int, Scalar] = field(default_factory=dict[int, Scalar])

    def value(self, value: Scalar) -> Scalar:
        """Return this round's own value, or the accumulator around all rounds."""
        if value.number not in self.own:
            return value
        if value.number not in self.values:
            self.values[value.number] = self.numbers.fresh(value)
        return self.values[value.number]

    def operand(self, operand: Operand) -> Operand:
        """Return what this round reads: its own value, or the one that all rounds share."""
        if not isinstance(operand, Scalar):
            return operand
        return self.values.get(operand.number) or self.common.get(operand.number, operand)

    def shared(self, item: Load | Compute) -> Statement:
        """Return a statement that stands there once for all rounds."""
        value = self.common[item.value.number] = self.numbers.fresh(item.value)
        if isinstance(item, Load):
            return replace(item, value=value)
        return replace(item, value=value, operands=tuple(map(self.operand, item.operands)))

    def is_own(self, operand: Operand) -> bool:
        """Tell whether rounds differ in what they read."""
        return isinstance(operand, Scalar) and operand.number in self.values

    def affine(self, affine: Affine) -> Affine:
        """Return a place in this round."""
        constant, terms = affine.constant, dict(affine.terms)
        factor = terms.pop(self.loop.axis, 0)
        if factor != 0:
            terms[self.axis] = factor * self.width
            constant = constant + factor * self.offset
        return Affine(constant, tuple(terms.items()))

    def access(self, item: _Item) -> _Item:
        """Return a load or store in this round."""
        return replace(item, index=tuple(map(self.affine, item.index)))

    def statement(self, item: Statement) -> Statement:
        """Return a statement in this round."""
        match item:
            case Load():
                return replace(self.access(item), value=self.value(item.value))
            case Store():
                return replace(self.access(item), value=self.operand(item.value))
            case IndexValue():
                return IndexValue(self.value(item.value), self.affine(item.affine))
            case Compute():
                operands = tuple(map(self.operand, item.operands))
                return replace(item, operands=operands, value=self.value(item.value))
            case Accumulate():
                operands = tuple(map(self.operand, item.operands))
                return replace(item, accumulator=self.value(item.accumulator), operands=operands)
            case _:
                raise TypeError(f"{type(item).__name__} cannot be jammed")


def _side_by_side(block: Block, rows: Sequence[_Copy], written: set[Buffer]) -> Block:
    """Return the rounds of a block side by side; what is the same in all of them stands there once."""
    found = Block()
    for item in block:
        if isinstance(item, Loop):
            found.append(
                replace(
                    item,
                    prologue=[row.statement(each) for each in item.prologue for row in rows],
                    accumulators=[
                        (row.value(value), how) for value, how in item.accumulators for row in rows
                    ],
                    body=_side_by_side(item.body, rows, written),
                )
            )
        elif (isinstance(item, Load) and _is_shared(item.index, rows[0].loop.axis, item.buffer, written)) or (
            isinstance(item, Compute) and not any(map(rows[0].is_own, item.operands))
        ):
            found.append(rows[0].shared(item))
        else:
            found.extend(row.statement(item) for row in rows)
    return found


def _numbers_in(block: Block) -> Iterator[int]:
    """Yield the numbers that are taken in a block: of values, accumulators and axes."""
    yield from _values_in(block)
    yield from (item.axis.number for item, _ in walk(block) if isinstance(item, Loop))


def _values_in(block: Block) -> Iterator[int]:
    """Yield the numbers of the values and accumulators of a block. An axis may have the same number."""
    for item, _ in walk(block):
        yield from (value.number for value in defined_by(item))
        if isinstance(item, Loop):
            yield from (value.number for value, _ in item.accumulators)
