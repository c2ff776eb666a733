"""Matrix products: by BLAS, or as loops of our own where a call costs more than the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diffc.ir import Extent, Node, size_of
from diffc.loops.places import Operand, flattened, strides_of
from diffc.loops.statements import Compute, MatMul, Matrix
from diffc.ops.arithmetic import mul
from diffc.schedule.placement import Cursor
from diffc.schedule.reduction import place_reduction
from diffc.schedule.views import DimIndex, Index, identity_index, resolve

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["copied_factors", "inlined", "is_dot", "place_product"]

INLINE_PANEL = 512
"""Up to this size of a static factor or result the product runs in our own loops."""

SMALL_FACTOR = 1 << 16
"""Up to this size a second factor that is read transposed is copied: tiles need it row by row."""

WORTH_A_COPY = 16
"""From so many rows of the first factor on."""

SHORT_RESULT = 512
"""Up to this size a column that is added up is held in the cache."""

INLINE_WORK = 8192
"""Up to this many multiplications, all extents static, likewise."""


@dataclass(frozen=True, slots=True)
class BlasOperand:
    """A matrix as BLAS takes it: its base, where it starts, the distance of its rows, and transposition."""

    base: Node
    index: Index
    leading: Extent
    transposed: bool


def inlined(s: Scheduler, node: Node) -> bool:
    """Tell whether a product runs in loops of our own."""
    a, b = node.inputs
    rows, inner, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    if 1 in (rows, inner, columns):
        return True
    work = size_of(node.shape) * inner
    if isinstance(work, int) and work <= INLINE_WORK:
        return True
    pairs = (rows * inner, inner * columns, rows * columns)
    return any(isinstance(pair, int) and pair <= INLINE_PANEL for pair in pairs)


def blas_operand(s: Scheduler, node: Node) -> BlasOperand | None:
    """Return how BLAS reads a factor in place, or None where it must be copied first."""
    rank = node.rank
    base, index = resolve(node, identity_index(node.shape), s.is_base)
    if base.op.name in ("const", "iota", "dim") and base.rank == 0:
        return None
    strides = strides_of(base.shape)
    step: dict[int, Extent] = {}
    for at, stride in zip(index, strides, strict=True):
        if at.dim is not None:
            if at.dim in step:
                return None
            step[at.dim] = at.factor * stride
    row, column = step.get(rank - 2, 0), step.get(rank - 1, 0)
    rows, columns = node.shape[-2], node.shape[-1]
    if column == 1 and _at_least(row, columns):
        return BlasOperand(base, index, row, False)
    if row == 1 and _at_least(column, rows):
        return BlasOperand(base, index, column, True)
    return None


def copied_factors(s: Scheduler, node: Node) -> list[Node]:
    """Return the factors that must be copied: what BLAS cannot read, and what is read faster row by row."""
    a, b = node.inputs
    left, right = blas_operand(s, a), blas_operand(s, b)
    found = [each for each, operand in ((a, left), (b, right)) if operand is None]
    if right is not None and right.transposed:
        rows, size = a.shape[-2], b.type.size
        few = isinstance(rows, int) and rows < WORTH_A_COPY
        if isinstance(size, int) and size <= SMALL_FACTOR and not few:
            found.append(b)
    return found


def _at_least(leading: Extent, extent: Extent) -> bool:
    """Tell whether rows this far apart cannot overlap, as far as the extents show."""
    if leading == extent:
        return True
    difference = leading - extent if isinstance(leading, int) else leading + (-extent)
    if isinstance(difference, int):
        return difference >= 0
    return difference.terms[0][1] > 0 and leading != 0


def place_product(s: Scheduler, node: Node) -> None:
    """Place a matrix product."""
    if inlined(s, node):
        _loops(s, node)
        return
    a, b = (blas_operand(s, each) for each in node.inputs)
    if a is None or b is None:
        raise TypeError("a factor of a matrix product was not copied")
    batch = range(node.rank - 2)
    reads = s.reads([(each, identity_index(each.shape)) for each in node.inputs])
    cursor = s.nests.enter_all(batch, node.shape, reads, fresh=True)
    out_index = tuple(at if d in batch else DimIndex() for d, at in enumerate(identity_index(node.shape)))
    buffer = s.buffer(node)
    cursor.block.append(
        MatMul(
            Matrix(buffer, flattened(cursor.affines(out_index), node.shape), node.shape[-1], False),
            _matrix(s, cursor, a, batch),
            _matrix(s, cursor, b, batch),
            rows=node.shape[-2],
            columns=node.shape[-1],
            inner=node.inputs[0].shape[-1],
            node=node,
        )
    )
    s.nests.complete(node, s.nests.position(cursor))


def _matrix(s: Scheduler, cursor: Cursor, operand: BlasOperand, batch: range) -> Matrix:
    index = tuple(
        DimIndex(at.constant) if at.dim is not None and at.dim not in batch else at for at in operand.index
    )
    offset = flattened(cursor.affines(index), operand.base.shape)
    return Matrix(s.buffer(operand.base), offset, operand.leading, operand.transposed)


def _loops(s: Scheduler, node: Node) -> None:
    """Run the product as loops over batch, rows, columns and the inner axis, as the layout suits.

    Where both factors are contiguous along the inner axis, a dot product in a register. Else the lanes of a
    vector run over the columns (over the rows, if there is one column), and each one's result accumulates in
    a register; a sum of outer products accumulates in memory.
    """
    a, b = node.inputs
    batch = node.rank - 2
    row, column, inner = batch, batch + 1, batch + 2
    space = (*node.shape, a.shape[-1])
    leading = [DimIndex() if e == 1 else DimIndex(0, d) for d, e in enumerate(node.shape[:-2])]

    def at(d: int) -> DimIndex:
        return DimIndex() if space[d] == 1 else DimIndex(0, d)

    operands: list[tuple[Node, Index]] = [
        (a, (*leading, at(row), at(inner))),
        (b, (*leading, at(inner), at(column))),
    ]
    vector = None
    dot = is_dot(s, node)
    if space[column] == 1 and not dot and _contiguous_along(s, *operands[0], row):
        # The rows of the transposed factor are added up as they lie, in memory that stays in the cache.
        rows = space[row]
        few = isinstance(rows, int) and rows <= SHORT_RESULT
        order = [*range(batch), inner, row] if few else [*range(batch), row, inner]
        vector = None if few else row
    elif dot or space[column] == 1:
        order = [*range(batch), row, column, inner]
    elif all(_outermost_along(s, each, index, inner) for each, index in operands):
        # A sum of outer products: the loop over what is summed is the one that made the factors.
        order = [*range(batch), inner, row, column]
    elif _contiguous_along(s, *operands[1], column):
        order, vector = [*range(batch), row, column, inner], column
    else:
        order = [*range(batch), row, inner, column]

    def contribution(cursor: Cursor) -> tuple[Operand, ...]:
        factors = tuple(s.read(each, index, cursor) for each, index in operands)
        value = s.value(node.dtype)
        cursor.block.append(Compute(value, mul, factors, node.dtype))
        return (value,)

    kept = [*range(batch), row, column]
    place_reduction(s, node, space, order, kept, s.reads(operands), "add", contribution, vector)


def is_dot(s: Scheduler, product: Node) -> bool:
    """Tell whether both factors of a product are contiguous along the axis that is summed."""
    a, b = product.inputs
    rank = product.rank
    one = [*identity_index(a.shape)[:-1], DimIndex(0, rank)]
    other = [*identity_index(b.shape)[:-2], DimIndex(0, rank), DimIndex(0, rank - 1)]
    return all(_contiguous_along(s, each, tuple(index), rank) for each, index in ((a, one), (b, other)))


def _outermost_along(s: Scheduler, node: Node, index: Index, dim: int) -> bool:
    _, at = resolve(node, index, s.is_base)
    looped = [each.dim for each in at if each.dim is not None]
    return bool(looped) and looped[0] == dim


def _contiguous_along(s: Scheduler, node: Node, index: Index, dim: int) -> bool:
    base, at = resolve(node, index, s.is_base)
    if not at:
        return True
    return at[-1].dim == dim and at[-1].factor == 1 and base.rank > 0
