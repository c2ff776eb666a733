"""Loops: the last form before code. Everything that prints or compiles code reads only this.

    Loops   = buffers, Block
    Block   = (Statement | Loop)*
    Loop    = for axis in extent [parallel | reduction | sequential]: prologue, accumulators, Block

A loop's prologue runs once before it; an accumulator holds its identity before the loop and its
result after it. A value is defined by one statement and used in its block and the blocks inside.
Statements, loops and blocks equal themselves alone, so that tables may have them for keys.
Buffers are contiguous and row-major; an index gives one affine form of the axes for each dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from diffc.ir.dim import Extent
from diffc.ir.graph import Graph
from diffc.ir.node import Node
from diffc.ir.types import Type

__all__ = [
    "Accumulate", "Affine", "Axis", "Block", "Buffer", "Check", "Compute", "DimValue", "Index", "IndexValue",
    "Load", "Loop", "Loops", "MatMul", "Matrix", "Nest", "NestCall", "Operand", "Part", "Place", "Routine",
    "Statement", "Store", "Value", "defined_by", "flattened", "operands_of", "strides_of", "touched", "walk",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Axis:
    """A loop's variable: a number that is unique in the program, and its extent."""

    number: int
    extent: Extent

    def __str__(self) -> str:
        return f"i{self.number}"


@dataclass(frozen=True, slots=True)
class Value:
    """A scalar in a register (a vector, in a vector loop): a unique number, its dtype and its node."""

    number: int
    dtype: str
    node: Node | None = None

    def __str__(self) -> str:
        return f"v{self.number}"


Operand: TypeAlias = Value | float | int | bool
"""A value, or a number that the code contains; numbers have the dtype that the statement states."""


@dataclass(frozen=True, slots=True)
class Affine:
    """constant + sum of coefficient * axis [+ a value that was computed, for gather and scatter]."""

    constant: Extent = 0
    terms: tuple[tuple[Axis, Extent], ...] = ()
    dynamic: Value | None = None

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


@dataclass(eq=False, slots=True)
class Compute:
    """value = operation(operands), of an elementwise operation or a cast to the value's dtype.

    Numbers among the operands have the dtype `number_dtype`.
    """

    value: Value
    op: Any  # an elementwise diffc.ops.base.Op
    operands: tuple[Operand, ...]
    number_dtype: str


@dataclass(eq=False, slots=True)
class Load:
    """value = buffer[index]."""

    value: Value
    buffer: Buffer
    index: Index


@dataclass(eq=False, slots=True)
class Store:
    """buffer[index] = value, or buffer[index] op= value for a reduction in memory (`accumulate`)."""

    buffer: Buffer
    index: Index
    value: Operand
    accumulate: str | None = None


@dataclass(eq=False, slots=True)
class IndexValue:
    """value = an affine form of the axes, as i64."""

    value: Value
    affine: Affine


@dataclass(eq=False, slots=True)
class DimValue:
    """value = an extent, as i64."""

    value: Value
    extent: Extent


@dataclass(eq=False, slots=True)
class Check:
    """value = index, counted from the front, if it lies in [-extent, extent); else the kernel fails."""

    value: Value
    index: Operand
    extent: Extent
    number: int


@dataclass(eq=False, slots=True)
class Accumulate:
    """accumulator op= operands: add, mul, max, or; `recurrence` is accumulator = a * accumulator + b."""

    accumulator: Value
    how: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix in a buffer: its flat offset, the distance of its rows, and whether it is read transposed."""

    buffer: Buffer
    offset: Affine
    leading: Extent
    transposed: bool


@dataclass(eq=False, slots=True)
class MatMul:
    """out = a @ b by BLAS: `rows` x `inner` times `inner` x `columns`, all row-major."""

    out: Matrix
    a: Matrix
    b: Matrix
    rows: Extent
    columns: Extent
    inner: Extent
    node: Node


@dataclass(frozen=True, slots=True)
class Part:
    """What leading indices leave of a buffer: one element of a batch, or the whole of it for no index."""

    buffer: Buffer
    index: Index = ()

    @property
    def offset(self) -> Affine:
        """Where it starts, in elements."""
        shape = self.buffer.type.shape
        return flattened((*self.index, *(Affine(),) * (len(shape) - len(self.index))), shape)


@dataclass(eq=False, slots=True)
class Routine:
    """out = name(*inputs): computed as a whole by a routine of a library, or by one of our own.

    Its operands are contiguous and do not overlap. `sizes` are the extents and `scratch` the memory
    that the routine of this name takes; where it fails, all of `out` is NaN.
    """

    name: str
    out: Part
    inputs: tuple[Part, ...]
    scratch: tuple[Buffer, ...]
    sizes: tuple[Extent, ...]
    flops: Extent
    node: Node

    @property
    def parts(self) -> tuple[Part, ...]:
        """All the memory that it uses: the result, the inputs and the scratch."""
        return (self.out, *self.inputs, *map(Part, self.scratch))


@dataclass(frozen=True, slots=True)
class Place:
    """Memory that begins at an offset, in elements, from the start of a buffer."""

    buffer: Buffer
    offset: Affine


@dataclass(frozen=True, eq=False, slots=True)
class Nest:
    """A nest as a function: `places` stand for memory, `values` are the scalars that it uses."""

    number: int
    loop: Loop
    places: tuple[Buffer, ...]
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class NestCall:
    """result = nest(places, values); `result` is what the nest's accumulator becomes, None without one.

    The lowering to LLVM makes calls of nests that are alike; no schedule has one.
    """

    nest: Nest
    places: tuple[Place, ...]
    values: tuple[Value, ...]
    result: Value | None


Statement: TypeAlias = (
    Compute | Load | Store | IndexValue | DimValue | Check | Accumulate | MatMul | Routine | NestCall
)


class Block(list["Statement | Loop"]):
    """Statements and loops in order."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return object.__hash__(self)


@dataclass(eq=False, slots=True)
class Loop:
    """for axis in range(extent): body."""

    axis: Axis
    kind: str = "parallel"
    prologue: list[Statement] = field(default_factory=list[Statement])
    accumulators: list[tuple[Value, str]] = field(default_factory=list[tuple[Value, str]])
    body: Block = field(default_factory=Block)
    outer_vector: bool = False
    """Whether the lanes of a vector run over this axis though loops stand inside, which run in every lane."""
    vectors: int = 1
    """How many vectors of lanes run side by side; the lowering to LLVM takes as many as registers hold."""

    @property
    def innermost(self) -> bool:
        """Whether no loop stands inside."""
        return not any(isinstance(item, Loop | NestCall) for item in self.body)

    @property
    def vector(self) -> bool:
        """Whether the lanes of a vector run over this axis, where the elements lie well for it."""
        return self.kind != "sequential" and (self.innermost or self.outer_vector)


@dataclass(eq=False)
class Loops:
    """A scheduled graph."""

    graph: Graph
    inputs: list[Buffer]
    constants: list[Buffer]
    outputs: list[Buffer]
    work: list[Buffer]
    body: Block
    checks: list[str]
    numbers: Mapping[Node, int]
    """The number of each node in the graph's dump, for names and comments."""
    aliases: list[Buffer] = field(default_factory=list[Buffer])
    workspace: Extent = 0
    """The size of the workspace in bytes."""
    least_workspace: Extent = 0
    """What is alive at the same time, at most, in bytes: no plan does with less."""


def walk(block: Sequence[Statement | Loop]) -> Iterator[tuple[Statement | Loop, int]]:
    """Yield every statement and loop with its depth, prologues before their loops."""
    stack: list[tuple[Statement | Loop, int]] = [(item, 0) for item in reversed(block)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, Loop):
            for statement in item.prologue:
                yield statement, depth
            yield item, depth
            stack.extend((inner, depth + 1) for inner in reversed(item.body))
        else:
            yield item, depth


def touched(item: Statement | Loop) -> list[Buffer]:
    """Return the memory that a statement reads or writes: the roots of its buffers."""
    match item:
        case Load() | Store():
            found = [item.buffer]
        case MatMul():
            found = [item.out.buffer, item.a.buffer, item.b.buffer]
        case Routine():
            found = [part.buffer for part in item.parts]
        case NestCall():
            found = [place.buffer for place in item.places]
        case _:
            found = []
    return [buffer.root for buffer in found]


def operands_of(item: Statement | Loop) -> Iterator[Value]:
    """Yield the values that a statement uses."""
    match item:
        case Compute() | Accumulate():
            yield from (each for each in item.operands if isinstance(each, Value))
        case Store() | Load():
            if isinstance(item, Store) and isinstance(item.value, Value):
                yield item.value
            yield from (at.dynamic for at in item.index if at.dynamic is not None)
        case Check():
            if isinstance(item.index, Value):
                yield item.index
        case NestCall():
            yield from item.values
        case _:
            pass


def defined_by(item: Statement | Loop) -> list[Value]:
    """Return the values that a statement defines; accumulators belong to their loop."""
    return [item.value] if isinstance(item, Compute | Load | IndexValue | DimValue | Check) else []


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
    dynamic: Value | None = None
    for at, stride in zip(index, strides_of(shape), strict=True):
        constant = constant + at.constant * stride
        for axis, factor in at.terms:
            terms[axis] = terms.get(axis, 0) + factor * stride
        dynamic = dynamic or at.dynamic
    return Affine(constant, tuple((axis, factor) for axis, factor in terms.items() if factor != 0), dynamic)
