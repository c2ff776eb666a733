"""Functions of matrices that are compositions: powers, norms, least squares, products of several."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Node, promote, require, size_of
from diffc.ir.dtype import FORMATS, is_float
from diffc.ops.arithmetic import abs_, div, maximum, mul
from diffc.ops.broadcasting import broadcast, normal_axes, sum_
from diffc.ops.constant import constant_like, dim
from diffc.ops.elementwise import cast
from diffc.ops.factorizations import qr
from diffc.ops.linalg import inv, slogdet, triangular_solve
from diffc.ops.logic import eq, gt, ne, where
from diffc.ops.matrices import as_column, as_row, eye, square_matrix
from diffc.ops.powers import power
from diffc.ops.products import matmul, swap_last
from diffc.ops.pseudoinverse import pinv
from diffc.ops.reductions import amax, amin, any_
from diffc.ops.reshaping import expand_dims, moveaxis, reshape
from diffc.ops.slicing import concatenate, index, slice_
from diffc.ops.spectra import svdvals
from diffc.syntax.compositions import norm as euclidean_norm

__all__ = [
    "cond", "default_tolerance", "logdet", "lstsq", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot",
    "qr_wide", "vector_norm",
]  # fmt: skip

Order = float | str | None


def logdet(a: Node) -> Node:
    """Return log|det| of square matrices."""
    return slogdet(a)[1]


def matrix_power(a: Node, n: int) -> Node:
    """Return the product of n matrices, by repeated squaring; of |n| inverses for a negative n."""
    a = square_matrix(a, "matrix_power")
    if n == 0:
        return broadcast(eye(a.shape[-1], a.dtype), a.shape)
    square, rest = (a, n) if n > 0 else (inv(a), -n)
    result: Node | None = None
    while rest:
        if rest & 1:
            result = square if result is None else matmul(result, square)
        rest >>= 1
        square = matmul(square, square) if rest else square
    assert result is not None
    return result


def vector_norm(x: Node, ord: Order, axis: int | Sequence[int] | None, keepdims: bool = False) -> Node:
    """Return a norm over the elements of some axes: ord None or 2, 1, 0, inf, -inf, or another number.

    The gradient at 0 is 0 where ord is None or above 1.

    Raises:
        TypeProblem: for an ord that is no number.
    """
    x = _floating(x)
    if isinstance(ord, Node):
        raise TypeProblem("norm: ord must be a number that is known when compiling")
    if ord is None or ord == 2:
        return euclidean_norm(x, axis, keepdims)
    if isinstance(ord, str):
        raise TypeProblem(f"norm: ord={ord!r} is for matrices; of vectors it is a number, inf or -inf")
    size = abs_(x)
    if ord in (np.inf, -np.inf):
        return _extreme(size, ord, normal_axes(x, axis, "norm"), keepdims)
    if ord == 0:
        return sum_(cast(ne(x, 0), x.dtype), axis, keepdims)
    if ord == 1:
        return sum_(size, axis, keepdims)
    total = sum_(power(size, ord), axis, keepdims)
    # The root is taken of 1 where the sum is 0, so that the branch not taken has a finite derivative.
    zero, one = constant_like(0, x.dtype), constant_like(1, x.dtype)
    none = eq(total, 0)
    return where(none, zero, power(where(none, one, total), 1 / ord)) if ord > 0 else power(total, 1 / ord)


def matrix_norm(x: Node, ord: Order, axes: tuple[int, int], keepdims: bool = False) -> Node:
    """Return a norm of matrices in two axes: ord None or "fro", "nuc", 1, -1, 2, -2, inf or -inf.

    Raises:
        TypeProblem: for another ord.
    """
    x = _floating(x)
    row, column = axes
    if ord is None or ord in ("fro", "f"):
        return euclidean_norm(x, axes, keepdims)
    if ord in ("nuc", 2, -2):
        result = _spectral_norm(x, ord, axes)
    elif ord in (1, -1, np.inf, -np.inf):
        inner, outer = (row, column) if ord in (1, -1) else (column, row)
        sums = sum_(abs_(x), inner, keepdims=True)
        result = _extreme(sums, float(ord), (outer,), True)
        result = reshape(result, [extent for k, extent in enumerate(result.shape) if k not in axes])
    else:
        raise TypeProblem(f"norm: ord={ord!r} is none of None, 'fro', 'nuc', 1, -1, 2, -2, inf and -inf")
    return expand_dims(result, axes) if keepdims else result


def _extreme(sizes: Node, ord: float, axes: Sequence[int], keepdims: bool) -> Node:
    """Return the largest of numbers that are not negative, 0 of none; or the smallest, which must exist."""
    count = size_of(tuple(sizes.shape[axis] for axis in axes))
    if ord < 0:
        require(count - 1, f"norm: {sizes.type} has no smallest element")
        return amin(sizes, axes, keepdims)
    largest = amax(sizes, axes, keepdims)
    return largest if isinstance(count, int) and count else maximum(largest, 0)


def _spectral_norm(x: Node, ord: Order, axes: tuple[int, int]) -> Node:
    row, column = axes
    last = x.rank - 1
    ordered = moveaxis(moveaxis(x, row, last), column - (column > row), last)
    values = svdvals(ordered)
    if ord == "nuc":
        return sum_(values, -1)
    return index(values, 0 if ord == 2 else -1, -1)


def cond(x: Node, ord: Order = None) -> Node:
    """Return condition numbers, by singular values for ord None, 2 and -2; inf for singular matrices."""
    x = _floating(x)
    if ord is None or ord in (2, -2):
        values = svdvals(x)
        first, last = index(values, 0, -1), index(values, -1, -1)
        result = div(last, first) if ord == -2 else div(first, last)
    else:
        require(size_of(x.shape[-2:]) - 1, f"cond: the matrices {x.type} have no elements")
        inverse = inv(x)
        axes = (x.rank - 2, x.rank - 1)
        result = mul(matrix_norm(x, ord, axes), matrix_norm(inverse, ord, axes))
    missing = any_(ne(x, x), (-2, -1))
    singular = where(missing, False, ne(result, result))
    return where(singular, constant_like(np.inf, x.dtype), result)


def matrix_rank(a: Node, tol: float | Node | None = None, rtol: float | Node | None = None) -> Node:
    """Return how many singular values are above `tol`, or above `rtol` times the largest; an integer."""
    a = _floating(a)
    if a.rank < 2:
        return cast(any_(ne(a, 0)), "i64")
    values = svdvals(a)
    if tol is None:
        scale = default_tolerance(a) if rtol is None else rtol
        tol = mul(amax(values, -1, keepdims=True), _behind(scale))
    else:
        tol = _behind(tol)
    return sum_(cast(gt(values, tol), "i64"), -1)


def _behind(tolerance: float | Node) -> float | Node:
    return reshape(tolerance, (*tolerance.shape, 1)) if isinstance(tolerance, Node) else tolerance


def default_tolerance(a: Node) -> float | Node:
    """Return max(m, n) times the rounding of the dtype, as NumPy does; a node where m is symbolic."""
    m, n = a.shape[-2:]
    excess = m - n
    longer = n if isinstance(excess, int) and excess < 0 else m
    rounding = FORMATS[a.dtype].epsilon
    return longer * rounding if isinstance(longer, int) else mul(cast(dim(longer), a.dtype), rounding)


def qr_wide(a: Node) -> tuple[Node, Node]:
    """Return Q [..., m, k] and R [..., k, n], k = min(m, n); of wide matrices by their first columns."""
    a = _floating(a)
    m, n = a.shape[-2:]
    excess = n - m
    if not isinstance(excess, int) or excess <= 0:
        return qr(a)
    starts, leading = [0] * (a.rank - 2), a.shape[:-2]
    q, left = qr(slice_(a, (*starts, 0, 0), (*leading, m, m)))
    rest = slice_(a, (*starts, 0, m), (*leading, m, excess))
    return q, concatenate([left, matmul(swap_last(q), rest)], -1)


def lstsq(a: Node, b: Node, rtol: float | None = None) -> Node:
    """Return x with the smallest |a @ x - b|, and among those the smallest |x|.

    By the pseudoinverse, with the singular values above `rtol` times the largest (by default as NumPy's), and
    its derivative where the rank is constant. Where an extent is symbolic by QR, and NaN unless the rank is
    full.

    Raises:
        TypeProblem: for shapes that do not fit.
    """
    if a.rank != 2 or b.rank not in (1, 2) or a.shape[0] != b.shape[0]:
        raise TypeProblem(
            f"lstsq({a.type}, {b.type}): it takes a matrix and a vector or matrix of as many rows"
        )
    dtype = promote(a.dtype, b.dtype)
    dtype = dtype if is_float(dtype) else "f64"
    a, b = cast(a, dtype), cast(b, dtype)
    tolerance = default_tolerance(a) if rtol is None else rtol
    if all(isinstance(extent, int) for extent in a.shape) and not isinstance(tolerance, Node):
        return matmul(pinv(a, tolerance), b)
    q, r = qr(a)
    right = as_row(b) if b.rank == 1 else swap_last(b)
    x = triangular_solve(r, matmul(right, q), lower=False)
    is_full = eq(matrix_rank(r, rtol=tolerance), dim(a.shape[1]))
    x = where(is_full, x, constant_like(np.nan, dtype))
    return reshape(x, (a.shape[1],)) if b.rank == 1 else swap_last(x)


def multi_dot(factors: Sequence[Node]) -> Node:
    """Return the product of two or more matrices, in the order that takes the fewest multiplications.

    The first and the last may be vectors: a row and a column.

    Raises:
        TypeProblem: for fewer than two factors, or others that are no matrices.
    """
    inner = factors[1:-1]
    if len(factors) < 2 or any(each.rank != 2 for each in inner) or factors[0].rank > 2 < factors[-1].rank:
        raise TypeProblem("multi_dot takes two or more matrices, the first and the last may be vectors")
    first = as_row(factors[0]) if factors[0].rank == 1 else factors[0]
    last = as_column(factors[-1]) if factors[-1].rank == 1 else factors[-1]
    product = _cheapest([first, *inner, last])
    shape = product.shape[1:] if factors[0].rank == 1 else product.shape
    return reshape(product, shape[:-1] if factors[-1].rank == 1 else shape)


def _cheapest(matrices: Sequence[Node]) -> Node:
    """Return the product in the cheapest order, from the left where extents are symbolic.

    Cormen, Leiserson, Rivest and Stein, "Introduction to Algorithms", matrix-chain multiplication.
    """
    extents = [matrices[0].shape[0], *(each.shape[1] for each in matrices)]
    sizes = [extent for extent in extents if isinstance(extent, int)]
    if len(sizes) < len(extents):
        return reduce(matmul, matrices)
    best = {(k, k + 1): (0, each) for k, each in enumerate(matrices)}
    for length in range(2, len(sizes)):
        for start in range(len(sizes) - length):
            stop = start + length
            cost, split = min(
                (best[start, k][0] + best[k, stop][0] + sizes[start] * sizes[k] * sizes[stop], k)
                for k in range(start + 1, stop)
            )
            best[start, stop] = (cost, matmul(best[start, split][1], best[split, stop][1]))
    return best[0, len(sizes) - 1][1]


def _floating(x: Node) -> Node:
    return x if x.type.is_float else cast(x, "f64")
