"""Narrow products: a matrix product with few columns runs its vectors along another axis.

    x[N, 40] @ w[40, 5]             => dot products along 40, with w copied by columns
    transpose(x[N, 40]) @ r[N, 5]   => transpose(transpose(r) @ x), with vectors along 40

A vector along an axis of 5 is half empty, and each number of x would be repeated over its lanes.
"""

from __future__ import annotations

from diffc import tuning
from diffc.ir import Extent, Node
from diffc.ops.elementwise import cast_op
from diffc.ops.products import matmul_op
from diffc.ops.reshaping import transpose, transpose_op

__all__ = ["narrow_product"]


def narrow_product(product: Node) -> Node | None:
    """Return a product of matrices with few columns in another form; None where it stays as it is."""
    a, b = product.inputs
    rows, columns = product.shape[-2:]
    inner = a.shape[-1]
    if product.rank != 2 or not isinstance(columns, int) or not 1 < columns <= tuning.SHORT_AXIS:
        return None
    if _is_transposed(a):
        if not _is_wide(rows) or _is_transposed(b):
            return None
        return _swapped(Node.make(matmul_op, (_swapped(b), _swapped(a)), product.attrs))
    small = isinstance(b.type.size, int) and b.type.size <= tuning.NARROW_FACTOR
    if (
        small
        and _is_wide(inner)
        and (not isinstance(rows, int) or rows >= tuning.WIDE_AXIS)
        and not _is_transposed(b)
    ):
        copy = Node.make(cast_op, (_swapped(b),), {"dtype": b.dtype})
        return Node.make(matmul_op, (a, _swapped(copy)), product.attrs)
    return None


def _is_wide(extent: Extent) -> bool:
    return isinstance(extent, int) and extent >= tuning.WIDE_AXIS


def _is_transposed(x: Node) -> bool:
    return x.op is transpose_op


def _swapped(x: Node) -> Node:
    return transpose(x, (1, 0))
