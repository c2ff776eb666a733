"""What the code under construction holds in registers: values, axes and extents, in scalars or in lanes."""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.kernel.extents import Extents
from diffc.loops.places import Affine, Axis

__all__ = ["Registers"]


class Registers:
    """The state of one function: which values exist, and whether the code here is vector code."""

    def __init__(self, emitter: Emitter, extents: Extents) -> None:
        """Start with scalar code and no values."""
        self.e = emitter
        self.extents = extents
        self.values: dict[int, Value] = {}
        """Every value so far, by the number that it has in the program."""
        self.axes: dict[Axis, Value] = {}
        self.lanes = 1
        self.vector_axis: Axis | None = None

    def scalar(self, affine: Affine) -> Value:
        """Return an affine form of the axes, without its computed part, in the first lane."""
        e = self.e
        total = None if affine.constant == 0 else self.extents(affine.constant)
        for axis, factor in affine.terms:
            index = self.axes[axis]
            term = index if factor == 1 else e.imul(index, self.extents(factor))
            total = term if total is None else e.iadd(total, term)
        return e.constant("i64", 0) if total is None else total

    def in_lanes(self, affine: Affine) -> Value:
        """Return an affine form of the axes in every lane."""
        e = self.e
        value = e.splat(self.scalar(affine), self.lanes)
        factor = next((f for axis, f in affine.terms if axis is self.vector_axis), None)
        if factor is None or self.lanes == 1:
            return value
        steps = e.imul(e.iota("i64", self.lanes), e.splat(self.extents(factor), self.lanes))
        return e.iadd(value, steps)
