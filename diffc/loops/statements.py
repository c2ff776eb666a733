"""The statements of Loops, but for those that a library computes (`library`): what each computes and touches.

Checkers, printer, statistics, the memory plan and the emitters' preparations ask a statement for what
`Statement` lists, so that a new one is known to them all. A pass that does not know a statement leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass

from diffc.ir.dim import Extent
from diffc.ir.node import Operation
from diffc.loops.places import Affine, Buffer, Index, Operand, Region, Scalar, element_text, scalars

__all__ = [
    "Accumulate", "BoundsCheck", "Compute", "DimValue", "IndexValue", "Load", "Statement", "Store",
]  # fmt: skip


class Statement:
    """One step of a block. `str` is its line in the dump."""

    __slots__ = ()

    @property
    def defines(self) -> tuple[Scalar, ...]:
        """The scalars that exist from here on. An accumulator belongs to its loop."""
        return ()

    @property
    def uses(self) -> tuple[Scalar, ...]:
        """The scalars that are read."""
        return ()

    @property
    def reads(self) -> tuple[Region, ...]:
        """The memory that is read; it must have been written."""
        return ()

    @property
    def writes(self) -> tuple[Region, ...]:
        """The memory that is written."""
        return ()

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """The buffers that are read or written."""
        return tuple(region.buffer for region in (*self.reads, *self.writes))

    @property
    def accesses(self) -> tuple[tuple[Region, bool], ...]:
        """What is read and what is written, in order, each with whether it is written.

        What is both, as by an addition in memory, counts as read.
        """
        read = self.reads
        written = [each for each in self.writes if each not in read]
        return (*((each, False) for each in read), *((each, True) for each in written))

    @property
    def extents(self) -> tuple[Extent, ...]:
        """Every extent that its code is computed from."""
        return ()

    @property
    def flops(self) -> Extent:
        """Arithmetic operations and comparisons, a multiply-add as two."""
        return 0

    @property
    def maths_calls(self) -> Extent:
        """Calls of elementary functions."""
        return 0


@dataclass(eq=False, slots=True)
class Compute(Statement):
    """value = operation(operands), of an elementwise operation or a cast to the value's dtype.

    Numbers among the operands have the dtype `number_dtype`.
    """

    value: Scalar
    op: Operation
    operands: tuple[Operand, ...]
    number_dtype: str

    def __str__(self) -> str:
        return f"{self.value} = {self.op.name} {', '.join(map(str, self.operands))}"

    @property
    def defines(self) -> tuple[Scalar, ...]:
        return (self.value,)

    @property
    def uses(self) -> tuple[Scalar, ...]:
        return scalars(*self.operands)

    @property
    def flops(self) -> Extent:
        return int(not self.op.is_function)

    @property
    def maths_calls(self) -> Extent:
        return int(self.op.is_function)


@dataclass(eq=False, slots=True)
class Load(Statement):
    """value = buffer[index]."""

    value: Scalar
    buffer: Buffer
    index: Index

    def __str__(self) -> str:
        return f"{self.value} = {element_text(self.buffer, self.index)}"

    @property
    def defines(self) -> tuple[Scalar, ...]:
        return (self.value,)

    @property
    def uses(self) -> tuple[Scalar, ...]:
        return scalars(*(at.dynamic for at in self.index))

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        return (self.buffer,)

    @property
    def reads(self) -> tuple[Region, ...]:
        return (Region.element(self.buffer, self.index),)

    @property
    def extents(self) -> tuple[Extent, ...]:
        return _addressed(self.buffer, self.index)


@dataclass(eq=False, slots=True)
class Store(Statement):
    """buffer[index] = value, or buffer[index] op= value for a reduction in memory (`accumulate`)."""

    buffer: Buffer
    index: Index
    value: Operand
    accumulate: str | None = None

    def __str__(self) -> str:
        sign = f"{self.accumulate} =" if self.accumulate else "="
        return f"{element_text(self.buffer, self.index)} {sign} {self.value}"

    @property
    def uses(self) -> tuple[Scalar, ...]:
        return scalars(self.value, *(at.dynamic for at in self.index))

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        return (self.buffer,)

    @property
    def reads(self) -> tuple[Region, ...]:
        return self.writes if self.accumulate else ()

    @property
    def writes(self) -> tuple[Region, ...]:
        return (Region.element(self.buffer, self.index),)

    @property
    def extents(self) -> tuple[Extent, ...]:
        return _addressed(self.buffer, self.index)

    @property
    def flops(self) -> Extent:
        return int(self.accumulate is not None)


@dataclass(eq=False, slots=True)
class IndexValue(Statement):
    """value = an affine form of the axes, as i64."""

    value: Scalar
    affine: Affine

    def __str__(self) -> str:
        return f"{self.value} = {self.affine}"

    @property
    def defines(self) -> tuple[Scalar, ...]:
        return (self.value,)

    @property
    def extents(self) -> tuple[Extent, ...]:
        return self.affine.extents


@dataclass(eq=False, slots=True)
class DimValue(Statement):
    """value = an extent, as i64."""

    value: Scalar
    extent: Extent

    def __str__(self) -> str:
        return f"{self.value} = {self.extent}"

    @property
    def defines(self) -> tuple[Scalar, ...]:
        return (self.value,)

    @property
    def extents(self) -> tuple[Extent, ...]:
        return (self.extent,)


@dataclass(eq=False, slots=True)
class BoundsCheck(Statement):
    """value = index, counted from the front, if it lies in [-extent, extent); else the kernel fails."""

    value: Scalar
    index: Operand
    extent: Extent
    number: int

    def __str__(self) -> str:
        return f"{self.value} = check {self.index} inside {self.extent}"

    @property
    def defines(self) -> tuple[Scalar, ...]:
        return (self.value,)

    @property
    def uses(self) -> tuple[Scalar, ...]:
        return scalars(self.index)

    @property
    def extents(self) -> tuple[Extent, ...]:
        return (self.extent,)


@dataclass(eq=False, slots=True)
class Accumulate(Statement):
    """accumulator op= operands: add, mul, max, or; `recurrence` is accumulator = a * accumulator + b."""

    accumulator: Scalar
    how: str
    operands: tuple[Operand, ...]

    def __str__(self) -> str:
        return f"{self.accumulator} {self.how}= {', '.join(map(str, self.operands))}"

    @property
    def uses(self) -> tuple[Scalar, ...]:
        return scalars(*self.operands)

    @property
    def flops(self) -> Extent:
        return 1


def _addressed(buffer: Buffer, index: Index) -> tuple[Extent, ...]:
    """Return what the address of an element is computed from."""
    region = Region.element(buffer, index)
    return (*region.start.extents, *(stride for _, stride in region.chosen))
