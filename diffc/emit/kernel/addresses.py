"""Loads and stores: where an element lies, and how the lanes of a vector reach theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from diffc.emit.interface import Value
from diffc.emit.kernel.accumulation import combine, horizontal
from diffc.emit.kernel.registers import Registers
from diffc.ir import Extent
from diffc.ir.dtype import ITEM_SIZE
from diffc.loops.form import Loop, Place
from diffc.loops.library import Matrix, Part
from diffc.loops.places import (
    Affine,
    Axis,
    Buffer,
    Index,
    flattened,
    strides_of,
)
from diffc.loops.statements import Load, Store

__all__ = ["Addresses"]

RowStarts: TypeAlias = dict[tuple[Buffer, Affine], Value]


class Addresses:
    """Emits the accesses of one program to its buffers."""

    def __init__(
        self, registers: Registers, pointers: Mapping[Buffer, Value], non_temporal: Collection[Buffer]
    ) -> None:
        """Take the registers, the buffers' addresses and those buffers that take non-temporal stores."""
        self.r = registers
        self.e = registers.e
        self._pointers = pointers
        self._non_temporal = non_temporal
        self._rows: RowStarts = {}

    def enter_row(self, loop: Loop) -> RowStarts:
        """Compute, before a loop, the part of each address in it that it does not change.

        Returns what `leave_row` takes to go on with the loop around it.
        """
        around = dict(self._rows)
        for item in loop.body:
            if isinstance(item, Load | Store):
                outer = _outer_part(flattened(item.index, item.buffer.type.shape), loop.axis)
                key = (item.buffer, outer)
                if key not in self._rows:
                    self._rows[key] = self._at(item.buffer, outer)
        return around

    def leave_row(self, around: RowStarts) -> None:
        """Forget what `enter_row` computed."""
        self._rows = around

    def load(self, buffer: Buffer, index: Index) -> Value:
        """Return the element at an index, for every lane."""
        e, kind, lanes = self.e, buffer.type.dtype, self.r.lanes
        pointer, stride = self._address(buffer, index)
        if lanes == 1:
            return e.load(pointer, kind)
        if self._varies(index) or stride not in (0, 1):
            result = None
            for lane in range(lanes):
                scalar = e.load(self._address(buffer, index, lane)[0], kind)
                result = e.splat(scalar, lanes) if result is None else e.insert(result, scalar, lane)
            if result is not None:
                return result
        return e.load(pointer, kind, lanes) if stride == 1 else e.splat(e.load(pointer, kind), lanes)

    def store(self, buffer: Buffer, index: Index, value: Value, accumulate: str | None) -> None:
        """Write the lanes' elements, or accumulate on what is there."""
        e, lanes = self.e, self.r.lanes
        pointer, stride = self._address(buffer, index)
        varies = self._varies(index)
        if stride == 1 and accumulate is None and self.is_non_temporal(buffer, index, lanes):
            e.store_non_temporal(value, pointer)
        elif lanes == 1 or (stride == 1 and not varies):
            self._write(pointer, value, accumulate)
        elif stride == 0 and not varies and accumulate:
            self._write(pointer, horizontal(e, accumulate, value), accumulate)
        else:
            for lane in range(lanes):
                pointer, _ = self._address(buffer, index, lane)
                self._write(pointer, e.extract(value, lane), accumulate)

    def is_non_temporal(self, buffer: Buffer, index: Index, count: int) -> bool:
        """Tell whether so many elements from a place on are whole vectors for non-temporal stores."""
        if buffer.root not in self._non_temporal:
            return False
        whole = self.e.module.target.lanes(ITEM_SIZE[buffer.type.dtype])
        flat = flattened(index, buffer.type.shape)
        # Along the axis of the lanes a vector begins at a multiple of their number.
        apart = [factor for axis, factor in flat.terms if axis is not self.r.vector_axis or factor != 1]
        distances = (flat.constant, count, *apart)
        return flat.dynamic is None and all(isinstance(d, int) and d % whole == 0 for d in distances)

    def of_lane(self, item: Load | Store, lane: int) -> Value:
        """Return where the element of a lane lies."""
        return self._address(item.buffer, item.index, lane)[0]

    def start(self, part: Matrix | Part | Place) -> Value:
        """Return the address at which a part of a buffer begins."""
        return self._at(part.buffer, part.offset)

    def _at(self, buffer: Buffer, flat: Affine) -> Value:
        pointer = self._pointers[buffer]
        if flat.constant == 0 and not flat.terms:
            return pointer
        return self.e.gep(pointer, buffer.type.dtype, self.r.scalar(flat))

    def _write(self, pointer: Value, value: Value, accumulate: str | None) -> None:
        if accumulate is not None:
            old = self.e.load(pointer, value.kind, value.lanes)
            value = combine(self.e, accumulate, old, value)
        self.e.store(value, pointer)

    def _address(self, buffer: Buffer, index: Index, lane: int = 0) -> tuple[Value, Extent]:
        """Return the address of a lane's element, and the distance from lane to lane."""
        e, r, kind = self.e, self.r, buffer.type.dtype
        flat = flattened(index, buffer.type.shape)
        stride = next((factor for axis, factor in flat.terms if axis is r.vector_axis), 0)
        pointer = self._from_row(buffer, flat)
        if flat.dynamic is not None:
            pointer = e.gep(pointer, kind, self._computed_part(buffer, index, lane))
        if lane and stride != 0:
            offset = e.imul(r.extents(stride), e.constant("i64", lane))
            pointer = e.gep(pointer, kind, offset)
        return pointer, stride

    def _from_row(self, buffer: Buffer, flat: Affine) -> Value:
        """Return the address without the computed part, from the start of its row where that is known."""
        e, r = self.e, self.r
        for axis, factor in flat.terms:
            row = self._rows.get((buffer, _outer_part(flat, axis)))
            if row is not None:
                position = r.axes[axis]
                moved = position if factor == 1 else e.imul(position, r.extents(factor))
                return e.gep(row, buffer.type.dtype, moved)
        row = self._rows.get((buffer, Affine(flat.constant, flat.terms)))
        return self._at(buffer, flat) if row is None else row

    def _computed_part(self, buffer: Buffer, index: Index, lane: int) -> Value:
        e, r = self.e, self.r
        for at, stride in zip(index, strides_of(buffer.type.shape), strict=True):
            if at.dynamic is not None:
                scalar = e.extract(r.values[at.dynamic.number], lane)
                return scalar if stride == 1 else e.imul(scalar, r.extents(stride))
        raise ValueError("the index has no computed part")

    def _varies(self, index: Sequence[Affine]) -> bool:
        """Tell whether a computed index differs from lane to lane."""
        dynamic = next((at.dynamic for at in index if at.dynamic is not None), None)
        return dynamic is not None and self.r.values[dynamic.number].lanes > 1


def _outer_part(flat: Affine, axis: Axis) -> Affine:
    return Affine(flat.constant, tuple(term for term in flat.terms if term[0] is not axis))
