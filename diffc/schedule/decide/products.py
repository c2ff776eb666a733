"""Matrix products: by BLAS, or as loops of our own where a call costs more than the work."""

from __future__ import annotations

from dataclasses import dataclass

from diffc import tuning
from diffc.ir import Extent, Node, size_of
from diffc.loops.places import strides_of
from diffc.schedule.views import Bases, DimIndex, Index, Read, identity_index

__all__ = [
    "BlasOperand", "BlasProduct", "LoopProduct", "copied_factors", "is_dot", "is_inlined", "product_plan",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class BlasOperand:
    """A matrix as BLAS takes it: its base, where it starts, the distance of its rows, and transposition."""

    base: Node
    index: Index
    leading: Extent
    transposed: bool


@dataclass(frozen=True, slots=True)
class BlasProduct:
    """A product by BLAS, once for each matrix of the batch."""

    a: BlasOperand
    b: BlasOperand


@dataclass(frozen=True, slots=True)
class LoopProduct:
    """A product in loops of our own over batch, rows, columns and the inner axis.

    `order` names the loops from the outermost on; `vector` is the dimension that lanes run over, where it is
    not that of the innermost loop. The factors are read at indices in these dimensions.
    """

    factors: tuple[Read, Read]
    order: tuple[int, ...]
    vector: int | None = None


def product_plan(node: Node, bases: Bases) -> BlasProduct | LoopProduct:
    """Return how a product is computed, once all that must be copied is known."""
    if is_inlined(node):
        return _in_loops(node, bases)
    a, b = (_blas_operand(each, bases) for each in node.inputs)
    if a is None or b is None:
        raise TypeError("a factor of a matrix product was not copied")
    return BlasProduct(a, b)


def is_inlined(node: Node) -> bool:
    """Tell whether a product runs in loops of our own."""
    a, b = node.inputs
    rows, inner, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    if 1 in (rows, inner, columns):
        return True
    work = size_of(node.shape) * inner
    if isinstance(work, int) and work <= tuning.INLINE_WORK:
        return True
    pairs = (rows * inner, inner * columns, rows * columns)
    return any(isinstance(pair, int) and pair <= tuning.INLINE_PANEL for pair in pairs)


def _blas_operand(node: Node, bases: Bases) -> BlasOperand | None:
    """Return how BLAS reads a factor in place, or None where it must be copied first."""
    rank = node.rank
    base, index = bases.whole(node)
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


def copied_factors(node: Node, bases: Bases) -> list[Node]:
    """Return the factors that must be copied: what BLAS cannot read, and what is read faster row by row."""
    a, b = node.inputs
    left, right = _blas_operand(a, bases), _blas_operand(b, bases)
    found = [each for each, operand in ((a, left), (b, right)) if operand is None]
    if right is not None and right.transposed:
        rows, size = a.shape[-2], b.type.size
        few = isinstance(rows, int) and rows < tuning.ROWS_WORTH_A_COPY
        if isinstance(size, int) and size <= tuning.TRANSPOSED_FACTOR and not few:
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


def _in_loops(node: Node, bases: Bases) -> LoopProduct:
    """Return the loops of a product as the layout of its factors suits.

    Where both factors are contiguous along the inner axis, a dot product in a register. Else the lanes of a
    vector run over the columns (over the rows, if there is one column), and each one's result accumulates in
    a register; a sum of outer products accumulates in memory.
    """
    a, b = node.inputs
    batch = tuple(range(node.rank - 2))
    row, column, inner = node.rank - 2, node.rank - 1, node.rank
    rows, columns = node.shape[-2:]
    leading = [DimIndex() if e == 1 else DimIndex(0, d) for d, e in enumerate(node.shape[:-2])]
    down = DimIndex() if rows == 1 else DimIndex(0, row)
    across = DimIndex() if columns == 1 else DimIndex(0, column)
    summed = DimIndex() if a.shape[-1] == 1 else DimIndex(0, inner)
    factors = (a, (*leading, down, summed)), (b, (*leading, summed, across))
    dot = is_dot(node, bases)
    if columns == 1 and not dot and _is_contiguous_along(row, *factors[0], bases):
        # The rows of the transposed factor are added up as they lie, in memory that stays in the cache.
        if isinstance(rows, int) and rows <= tuning.HELD_COLUMN:
            return LoopProduct(factors, (*batch, inner, row))
        return LoopProduct(factors, (*batch, row, inner), vector=row)
    if dot or columns == 1:
        return LoopProduct(factors, (*batch, row, column, inner))
    if all(_is_outermost(inner, each, index, bases) for each, index in factors):
        # A sum of outer products: the loop over what is summed is the one that made the factors.
        return LoopProduct(factors, (*batch, inner, row, column))
    if _is_contiguous_along(column, *factors[1], bases):
        return LoopProduct(factors, (*batch, row, column, inner), vector=column)
    return LoopProduct(factors, (*batch, row, inner, column))


def is_dot(product: Node, bases: Bases) -> bool:
    """Tell whether both factors of a product are contiguous along the axis that is summed."""
    a, b = product.inputs
    rank = product.rank
    one = (*identity_index(a.shape)[:-1], DimIndex(0, rank))
    other = (*identity_index(b.shape)[:-2], DimIndex(0, rank), DimIndex(0, rank - 1))
    return all(_is_contiguous_along(rank, each, index, bases) for each, index in ((a, one), (b, other)))


def _is_outermost(dim: int, node: Node, index: Index, bases: Bases) -> bool:
    _, at = bases.resolve(node, index)
    looped = [each.dim for each in at if each.dim is not None]
    return bool(looped) and looped[0] == dim


def _is_contiguous_along(dim: int, node: Node, index: Index, bases: Bases) -> bool:
    base, at = bases.resolve(node, index)
    if not at:
        return True
    return at[-1].dim == dim and at[-1].factor == 1 and base.rank > 0
