"""Scalars, axes, memory and the places in it: what the statements of Loops are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from diffc.ir.dim import Extent
from diffc.ir.node import Node
from diffc.ir.types import Type

__all__ = [
    "Affine", "Axis", "Buffer", "Index", "Operand", "Region", "Scalar", "element_text", "flattened",
    "scalars", "strides_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Axis:
    """A loop's variable: a number that is unique in the program, and its extent."""

    number: int
    extent: Extent

    def __str__(self) -> str:
        return f"i{self.number}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number in a register (one a lane, in a vector loop): its unique number, its dtype and its node."""

    number: int
    dtype: str
    node: Node | None = None

    def __str__(self) -> str:
        return f"v{self.number}"


Operand: TypeAlias = Scalar | float | int | bool
"""A scalar, or a number that the code contains; numbers have the dtype that the statement states."""


def scalars(*operands: Operand | None) -> tuple[Scalar, ...]:
    """Return those operands that are scalars, each as often as it is there."""
    return tuple(each for each in operands if isinstance(each, Scalar))


@dataclass(frozen=True, slots=True)
class Affine:
    """constant + sum of coefficient * axis [+ a scalar that was computed, for gather and scatter]."""

    constant: Extent = 0
    terms: tuple[tuple[Axis, Extent], ...] = ()
    dynamic: Scalar | None = None

    @property
    def extents(self) -> tuple[Extent, ...]:
        """What it is computed from beside the axes: the constant and the coefficients."""
        return (self.constant, *(factor for _, factor in self.terms))

    def __str__(self) -> str:
        parts = [str(axis) if factor == 1 else f"{_factor(factor)}*{axis}" for axis, factor in self.terms]
        parts += [str(self.dynamic)] if self.dynamic is not None else []
        if self.constant != 0 or not parts:
            parts.append(str(self.constant))
        return " + ".join(parts).replace("+ -", "- ")


def _factor(extent: Extent) -> str:
    text = str(extent)
    return f"({text})" if any(sign in text[1:] for sign in "+-") else text


@dataclass(eq=False, slots=True)
class Buffer:
    """Memory of one array. `role` is input, constant, output, work or scratch; `base` is what an alias views.

    A scratch buffer is a place in the workspace that only one routine uses.
    """

    name: str
    type: Type
    role: str
    position: int = 0
    base: Buffer | None = None
    node: Node | None = None
    offset: Extent = 0
    """Of a work buffer: its place in the workspace, in bytes; set by the memory plan."""

    @property
    def root(self) -> Buffer:
        """The buffer whose memory this one views."""
        return self if self.base is None else self.base.root


Index: TypeAlias = tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """Elements of a buffer: from a start, so many along each span at its stride.

    `chosen` gives the scalars that choose a row when the kernel runs, each with the stride of its rows.
    """

    buffer: Buffer
    start: Affine
    spans: tuple[tuple[Extent, Extent], ...] = ()
    chosen: tuple[tuple[Scalar, Extent], ...] = ()

    @staticmethod
    def element(buffer: Buffer, index: Index) -> Region:
        """Return the one element at an index."""
        flat = flattened(index, buffer.type.shape)
        if flat.dynamic is None:
            return Region(buffer, flat)
        rows = zip(index, strides_of(buffer.type.shape), strict=True)
        chosen = tuple((at.dynamic, stride) for at, stride in rows if at.dynamic is not None)
        return Region(buffer, Affine(flat.constant, flat.terms), chosen=chosen)


def strides_of(shape: tuple[Extent, ...]) -> tuple[Extent, ...]:
    """Return the row-major strides of a shape, in elements."""
    strides: list[Extent] = []
    stride: Extent = 1
    for extent in reversed(shape):
        strides.append(stride)
        stride = stride * extent
    return tuple(reversed(strides))


def flattened(index: Index, shape: tuple[Extent, ...]) -> Affine:
    """Return the offset, in elements, of an index into an array of a shape."""
    constant: Extent = 0
    terms: dict[Axis, Extent] = {}
    dynamic: Scalar | None = None
    for at, stride in zip(index, strides_of(shape), strict=True):
        constant = constant + at.constant * stride
        for axis, factor in at.terms:
            terms[axis] = terms.get(axis, 0) + factor * stride
        dynamic = dynamic or at.dynamic
    return Affine(constant, tuple((axis, factor) for axis, factor in terms.items() if factor != 0), dynamic)


def element_text(buffer: Buffer, index: Index) -> str:
    """Return an element as the dump shows it."""
    return f"{buffer.name}[{', '.join(map(str, index))}]"
