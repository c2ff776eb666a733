"""Derivatives times matrices: a contracted diagonal reads the other factor, all else is one product."""

from __future__ import annotations

from collections.abc import Sequence

from diffc.autodiff.ties import Term
from diffc.ir import Extent, Node, size_of
from diffc.ops.products import matmul, swap_last
from diffc.ops.reshaping import reshape, transpose

__all__ = ["multiplied"]


def multiplied(node: Node, term: Term, *, on_left: bool) -> Term:
    """Return a term times a matrix; along a tied axis there is nothing to add up."""
    a, b = node.inputs
    rank = node.rank
    if (rank - 1 if on_left else rank - 2) not in term.tied:
        return _product_of_cores(term, b if on_left else a, node.shape, on_left)
    # Of shape [..., row, inner, column], of which the inner axis is contracted.
    if on_left:
        wide = term.reshaped((*term.shape, 1), {axis: axis for axis in term.tied})
        factor = reshape(b, (*b.shape[:-2], 1, *b.shape[-2:]))
    else:
        axes = {axis: axis + (axis >= rank - 2) for axis in term.tied}
        wide = term.reshaped((*term.shape[:-2], 1, *term.shape[-2:]), axes)
        factor = reshape(a, (*a.shape, 1))
    product = wide.contracted([rank - 1], factor)
    return product.reshaped(node.shape, {axis: axis - (axis == rank) for axis in product.tied})


def _product_of_cores(term: Term, matrix: Node, shape: Sequence[Extent], on_left: bool) -> Term:
    """Return core @ matrix or matrix @ core, as one product where one matrix serves all.

    A basis in front makes more rows of a left factor, one behind more columns of a right one. The other
    two products are the transposed ones of those.
    """
    rank = len(shape)
    if on_left == term.basis_last:
        turned = (*shape[:-2], shape[-1], shape[-2])
        return _swapped(_product_of_cores(_swapped(term), swap_last(matrix), turned, not on_left))
    core = term.core
    if term.basis_last:
        right = reshape(core, (*core.shape[: rank - 1], size_of(core.shape[rank - 1 :])))
        product = matmul(matrix, right)
    elif rank == 2:
        product = matmul(reshape(core, (size_of(core.shape[:-1]), core.shape[-1])), matrix)
    else:
        product = matmul(core, matrix)
    return term.with_core(reshape(product, term.ordered(term.free, shape)))


def _swapped(term: Term) -> Term:
    """Return the term of the transposed matrices."""
    rank = len(term.shape)
    order = [*range(rank - 2), rank - 1, rank - 2]
    kept = map(term.basis_axis, range(len(term.basis)))
    core = transpose(term.core, term.ordered(kept, map(term.axis, order)))
    return term.moved(core, {axis: order.index(axis) for axis in term.tied})
