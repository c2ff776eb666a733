"""The statements of Loops that a library computes as a whole, and the matrices and parts that these take."""

from __future__ import annotations

from dataclasses import dataclass

from diffc.ir.dim import Extent
from diffc.ir.node import Node
from diffc.loops.places import Affine, Buffer, Index, Region, element_text, flattened, strides_of
from diffc.loops.statements import Statement

__all__ = ["MatMul", "Matrix", "Part", "Routine"]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix in a buffer: its flat offset, the distance of its rows, and whether it is read transposed."""

    buffer: Buffer
    offset: Affine
    leading: Extent
    transposed: bool

    def __str__(self) -> str:
        return f"{self.buffer.name}+{self.offset}{'.T' if self.transposed else ''}"

    def region(self, rows: Extent, columns: Extent) -> Region:
        """Return its memory, where it has so many rows and columns."""
        steps = (1, self.leading) if self.transposed else (self.leading, 1)
        return Region(self.buffer, self.offset, ((rows, steps[0]), (columns, steps[1])))


@dataclass(eq=False, slots=True)
class MatMul(Statement):
    """out = a @ b by BLAS: `rows` x `inner` times `inner` x `columns`, all row-major."""

    out: Matrix
    a: Matrix
    b: Matrix
    rows: Extent
    columns: Extent
    inner: Extent
    node: Node

    def __str__(self) -> str:
        sizes = f"[{self.rows}, {self.inner}] @ [{self.inner}, {self.columns}]"
        return f"{self.out} = {self.a} @ {self.b}  # {sizes}"

    @property
    def reads(self) -> tuple[Region, ...]:
        return (self.a.region(self.rows, self.inner), self.b.region(self.inner, self.columns))

    @property
    def writes(self) -> tuple[Region, ...]:
        return (self.out.region(self.rows, self.columns),)

    @property
    def extents(self) -> tuple[Extent, ...]:
        matrices = (self.out, self.a, self.b)
        starts = (extent for each in matrices for extent in (each.leading, *each.offset.extents))
        return (self.rows, self.columns, self.inner, *starts)

    @property
    def flops(self) -> Extent:
        return self.rows * self.columns * self.inner * 2


@dataclass(frozen=True, slots=True)
class Part:
    """What leading indices leave of a buffer: one element of a batch, or the whole of it for no index."""

    buffer: Buffer
    index: Index = ()

    def __str__(self) -> str:
        return element_text(self.buffer, self.index) if self.index else self.buffer.name

    @property
    def offset(self) -> Affine:
        """Where it starts, in elements."""
        shape = self.buffer.type.shape
        return flattened((*self.index, *(Affine(),) * (len(shape) - len(self.index))), shape)

    @property
    def region(self) -> Region:
        """Its memory."""
        shape, leading = self.buffer.type.shape, len(self.index)
        spans = zip(shape[leading:], strides_of(shape)[leading:], strict=True)
        return Region(self.buffer, self.offset, tuple(spans))


@dataclass(eq=False, slots=True)
class Routine(Statement):
    """out = name(*inputs): computed as a whole by a routine of a library, or by one of our own.

    Its operands are contiguous and do not overlap. `sizes` are the extents and `scratch` the memory
    that the routine of this name takes; where it fails, all of `out` is NaN.
    """

    name: str
    out: Part
    inputs: tuple[Part, ...]
    scratch: tuple[Buffer, ...]
    sizes: tuple[Extent, ...]
    work: Extent
    node: Node

    def __str__(self) -> str:
        inputs = ", ".join(map(str, self.inputs))
        return f"{self.out} = {self.name}({inputs})  # sizes {', '.join(map(str, self.sizes))}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """All the memory that it uses: the result, the inputs and the scratch."""
        return (self.out, *self.inputs, *map(Part, self.scratch))

    @property
    def reads(self) -> tuple[Region, ...]:
        return tuple(part.region for part in self.inputs)

    @property
    def writes(self) -> tuple[Region, ...]:
        return (self.out.region, *(Part(buffer).region for buffer in self.scratch))

    @property
    def extents(self) -> tuple[Extent, ...]:
        return (*self.sizes, *(extent for part in self.parts for extent in part.offset.extents))

    @property
    def flops(self) -> Extent:
        return self.work
