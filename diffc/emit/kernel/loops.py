"""Loops as code.

An innermost loop becomes a loop over whole vectors and a scalar loop over the rest; so does one that the
schedule marks, whose inner loops then run in every lane. A value of an outer
block is repeated over the lanes where a vector loop begins; an accumulator is a vector inside it
and a scalar again behind it. A short reduction runs several accumulators side by side, for one alone
would wait for each addition to finish before the next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from diffc import tuning
from diffc.emit.interface import Emitter, Formal, Value
from diffc.emit.kernel.accumulation import combine, horizontal, identity
from diffc.emit.kernel.addresses import Addresses
from diffc.emit.kernel.extents import Extents
from diffc.emit.kernel.registers import Registers
from diffc.emit.kernel.rows import Rows
from diffc.emit.kernel.statements import Statements
from diffc.ir import Extent
from diffc.ir.dim import may_be_negative
from diffc.ir.dtype import ITEM_SIZE
from diffc.loops.form import Block, Loop, Outlined, OutlinedCall
from diffc.loops.places import Buffer, Scalar
from diffc.loops.statements import (
    Accumulate,
    BoundsCheck,
    Compute,
    DimValue,
    IndexValue,
    Load,
    Store,
)
from diffc.loops.walk import defined_by, operands_of, walk

__all__ = ["LoopEmitter"]


_IN_LANES = (Accumulate, BoundsCheck, Compute, DimValue, IndexValue, Load, Loop, Store)
"""What has code in lanes; a loop with anything else stays scalar."""


class LoopEmitter:
    """Emits the blocks of one program into one function."""

    def __init__(
        self,
        emitter: Emitter,
        extents: Extents,
        pointers: Mapping[Buffer, Value],
        body: Block,
        non_temporal: Collection[Buffer] = (),
    ) -> None:
        """Take the emitter, the extents, the buffers' addresses and the program's body.

        What is written to a `non_temporal` buffer is written by non-temporal stores.
        """
        self.e = emitter
        self.r = Registers(emitter, extents)
        self.addresses = Addresses(self.r, pointers, non_temporal)
        self.statements = Statements(self.r, self.addresses, body)
        self._functions: set[Outlined] = set()

    def block(self, block: Block) -> None:
        """Emit the items of a block."""
        around = self.statements.enter_block(block)
        for item in block:
            if isinstance(item, Loop):
                self._loop(item)
            elif isinstance(item, OutlinedCall):
                self._call(item)
            else:
                self.statements.emit(item)
        self.statements.leave_block(around)

    def _call(self, call: OutlinedCall) -> None:
        """Emit a call of a nest, and the nest itself before its first call."""
        symbol = f"nest_{call.nest.number}"
        if call.nest not in self._functions:
            self._functions.add(call.nest)
            self._function(symbol, call.nest)
        places = [self.addresses.start(place) for place in call.places]
        values = [self.statements.operand(value, value.dtype) for value in call.values]
        result = call.result
        value = self.e.call(symbol, None if result is None else result.dtype, 1, *places, *values)
        if result is not None:
            self.r.values[result.number] = value

    def _function(self, symbol: str, nest: Outlined) -> None:
        """Emit a nest as a function of its own, which returns its accumulator."""
        parameters = [Formal(buffer.name, "ptr") for buffer in nest.places]
        parameters += [Formal(str(value), value.dtype) for value in nest.values]
        result = [value for value, _ in nest.loop.accumulators]
        returned = (result[0].dtype, 1) if result else None
        e = self.e.module.function(symbol, parameters, returned, exported=False)
        pointers = dict(zip(nest.places, e.arguments, strict=False))
        body = Block([nest.loop])
        inner = LoopEmitter(e, Extents(e, {}), pointers, body)
        arguments = e.arguments[len(nest.places) :]
        inner.r.values.update({v.number: each for v, each in zip(nest.values, arguments, strict=True)})
        inner.block(body)
        e.ret(inner.r.values[result[0].number] if result else None)

    def _loop(self, loop: Loop) -> None:
        e, r = self.e, self.r
        for statement in loop.prologue:
            self.statements.emit(statement)
        for value, how in loop.accumulators:
            r.values[value.number] = identity(e, how, value.dtype, r.lanes)
        extent = r.extents(loop.axis.extent)
        carried = _carried(loop)
        start = e.constant("i64", 0)
        if not (loop.innermost or loop.outer_vector):
            self._counted(loop, start, extent, 1, carried)
            return
        around = self.addresses.enter_row(loop)
        lanes = self._lanes_of(loop) if r.lanes == 1 else 1
        if lanes > 1 and may_be_negative(loop.axis.extent):
            extent = e.imax(extent, start)
        left = loop.axis.extent
        for width in _widths(loop, lanes):
            start = self._vector_part(loop, start, extent, left, width, carried)
            left = left % width if isinstance(left, int) else left
        if left != 0:
            self._counted(loop, start, extent, 1, carried)
        self.addresses.leave_row(around)

    def _vector_part(
        self,
        loop: Loop,
        done: Value,
        extent: Value,
        left: Extent,
        lanes: int,
        carried: Sequence[Scalar],
    ) -> Value:
        """Emit the loop over whole vectors of what is left; return where it goes on."""
        e, r, static = self.e, self.r, loop.axis.extent
        hows = {i.accumulator.number: i.how for i, _ in walk(loop.body) if isinstance(i, Accumulate)}
        before = {v.number: r.values[v.number] for v in carried}
        for value in carried:
            r.values[value.number] = identity(e, hows[value.number], value.dtype, lanes)
        outer = dict(r.values)
        self._splat_outer(loop, lanes)
        r.lanes, r.vector_axis = lanes, loop.axis
        self.statements.rows = Rows(e, loop.body, loop.axis, lanes)
        if (
            carried
            and _is_short(loop)
            and not (isinstance(left, int) and left < tuning.REDUCTION_ACCUMULATORS * lanes)
        ):
            done = self._multiple(static, extent, tuning.REDUCTION_ACCUMULATORS * lanes)
            self._side_by_side(loop, done, lanes, carried, hows)
        whole = self._multiple(static, extent, lanes)
        self._counted(loop, done, whole, lanes, carried)
        r.lanes, r.vector_axis, self.statements.rows = 1, None, None
        vectors = {v.number: r.values[v.number] for v in carried}
        r.values = outer
        for value in carried:
            total = horizontal(e, hows[value.number], vectors[value.number])
            r.values[value.number] = combine(e, hows[value.number], before[value.number], total)
        return whole

    def _multiple(self, static: object, extent: Value, step: int) -> Value:
        """Return the largest multiple of a power of two that is not above an extent >= 0."""
        if isinstance(static, int):
            return self.e.constant("i64", static - static % step)
        return self.e.iand(extent, self.e.constant("i64", -step))

    def _side_by_side(
        self, loop: Loop, stop: Value, lanes: int, carried: Sequence[Scalar], hows: Mapping[int, str]
    ) -> None:
        """Emit the loop with several accumulators for each one, and combine them behind it."""
        e, r = self.e, self.r
        copies = self._counted(
            loop, e.constant("i64", 0), stop, lanes, carried, tuning.REDUCTION_ACCUMULATORS
        )
        for value, (first, *others) in zip(carried, zip(*copies, strict=True), strict=True):
            total = first
            for other in others:
                total = combine(e, hows[value.number], total, other)
            r.values[value.number] = total

    def _lanes_of(self, loop: Loop) -> int:
        """Return how many elements of the loop one vector holds; 1 for a loop that must stay scalar."""
        items = [item for item, _ in walk(loop.body)]
        if not loop.vector or not all(isinstance(item, _IN_LANES) for item in items):
            return 1
        kinds = [value.dtype for item in items for value in defined_by(item)]
        kinds += [item.buffer.type.dtype for item in items if isinstance(item, Store)]
        widest = max((ITEM_SIZE[kind] for kind in kinds), default=1)
        lanes = self.e.module.target.lanes(max(widest, 4)) * loop.vectors
        extent = loop.axis.extent
        while isinstance(extent, int) and lanes > max(extent, 1):
            lanes //= 2
        return lanes

    def _splat_outer(self, loop: Loop, lanes: int) -> None:
        """Repeat the values of outer blocks that the loop uses over the lanes, before it begins."""
        values = self.r.values
        inside = {value.number for item in loop.body for value in defined_by(item)}
        for item in loop.body:
            for value in operands_of(item):
                known = values.get(value.number)
                if value.number not in inside and known is not None and known.lanes == 1:
                    values[value.number] = self.e.splat(known, lanes)

    def _counted(
        self,
        loop: Loop,
        start: Value,
        stop: Value,
        step: int,
        carried: Sequence[Scalar],
        copies: int = 1,
    ) -> list[Sequence[Value]]:
        """Emit `for axis in range(start, stop, step)`, carrying the accumulators from round to round.

        Several copies of the body follow each other in a round, each with accumulators of its own, which
        begin as the first ones do. Returns the accumulators of each copy behind the loop.
        """
        e, r = self.e, self.r
        before = [r.values[v.number] for v in carried]

        def one_round(index: Value, *totals: Value) -> list[Value]:
            after: list[Value] = []
            for copy, mine in enumerate(_parts(totals, copies)):
                r.values.update({v.number: total for v, total in zip(carried, mine, strict=True)})
                r.axes[loop.axis] = e.iadd(index, e.constant("i64", copy * step)) if copy else index
                self.block(loop.body)
                after += [r.values[v.number] for v in carried]
            return after

        results = _parts(e.program_loop(start, stop, one_round, before * copies, copies * step), copies)
        r.values.update({v.number: final for v, final in zip(carried, results[0], strict=True)})
        return results


def _parts(values: Sequence[Value], count: int) -> list[Sequence[Value]]:
    """Return so many equal parts of a sequence, in order."""
    size = len(values) // count
    return [values[k * size : (k + 1) * size] for k in range(count)]


def _widths(loop: Loop, lanes: int) -> list[int]:
    """Return the lanes of a loop's vectors: all, and for the rest of a known extent ever fewer."""
    extent = loop.axis.extent
    if lanes == 1:
        return []
    calls = any(isinstance(item, Compute) and item.op.is_function for item, _ in walk(loop.body))
    if not isinstance(extent, int):
        return [lanes] if loop.vectors == 1 else [lanes, lanes // loop.vectors]
    rest = extent % lanes
    if calls:  # A function in one more width instead of in scalars, but not in two more.
        return [lanes, rest] if rest > 1 and rest & (rest - 1) == 0 else [lanes]
    smaller = [2**k for k in reversed(range(1, lanes.bit_length() - 1)) if rest & 2**k]
    return [lanes, *smaller]


def _carried(loop: Loop) -> list[Scalar]:
    """Return the accumulators that change from round to round: its own and those of loops around it."""
    found: dict[int, Scalar] = {}
    inside: set[int] = set()
    for item, _ in walk(loop.body):
        if isinstance(item, Accumulate):
            found[item.accumulator.number] = item.accumulator
        elif isinstance(item, Loop):
            inside.update(value.number for value, _ in item.accumulators)
    return [value for number, value in found.items() if number not in inside]


def _is_short(loop: Loop) -> bool:
    plain = all(isinstance(item, Compute | Load | IndexValue | Accumulate) for item in loop.body)
    calls = any(isinstance(item, Compute) and item.op.is_function for item in loop.body)
    return plain and not calls and len(loop.body) <= tuning.SHORT_BODY
