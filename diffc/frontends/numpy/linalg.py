"""numpy.linalg on nodes. A singular matrix, which NumPy refuses, gives NaN."""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy import diagonals, products
from diffc.frontends.numpy.arguments import known_integer, unsupported
from diffc.frontends.numpy.operands import as_array, as_axes, as_axis, floating
from diffc.frontends.numpy.registry import implements, refuses
from diffc.ir import Extent, Node, promote, require, size_of
from diffc.ir.dtype import FORMATS
from diffc.ops import cast, constant, constant_like, determinants, dim, factorizations, spectra
from diffc.ops import linalg as ops
from diffc.ops.arithmetic import square, sub
from diffc.ops.broadcasting import sum_
from diffc.ops.logic import eq, where
from diffc.ops.matrices import square_matrix
from diffc.ops.products import matmul, swap_last
from diffc.ops.pseudoinverse import pinv as pseudoinverse
from diffc.ops.reshaping import reshape, transpose
from diffc.syntax import linear_algebra as matrices

__all__ = ["EighResult", "QRResult", "SVDResult", "SlogdetResult", "lstsq"]


class SlogdetResult(NamedTuple):
    """What numpy.linalg.slogdet returns."""

    sign: Any
    logabsdet: Any


class EighResult(NamedTuple):
    """What numpy.linalg.eigh returns."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """What numpy.linalg.qr returns."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """What numpy.linalg.svd returns."""

    U: Any
    S: Any
    Vh: Any


# Systems and determinants


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Node:
    """numpy.linalg.solve: b is a vector if it has one axis, else matrices."""
    return ops.solve(as_array(a), as_array(b))


@implements(np.linalg.inv)
def inv(a: Any) -> Node:
    """numpy.linalg.inv."""
    return ops.inv(as_array(a))


@implements(np.linalg.det)
def det(a: Any) -> Node:
    """numpy.linalg.det."""
    return determinants.det(as_array(a))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> SlogdetResult:
    """numpy.linalg.slogdet."""
    return SlogdetResult(*ops.slogdet(as_array(a)))


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Node:
    """numpy.linalg.matrix_power."""
    matrix, power = as_array(a), known_integer(n, "n")
    if matrix.type.is_float or power < 1:
        found = matrices.matrix_power(matrix, power)
        return found if power else cast(found, matrix.dtype)
    # Integers stay integers: the squares that the digits of the power name.
    result: Node | None = None
    while True:
        if power % 2:
            result = matrix if result is None else products.matrix_product(result, matrix)
        power //= 2
        if not power:
            return matrix if result is None else result
        matrix = products.matrix_product(matrix, matrix)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: Any = 2) -> Node:
    """numpy.linalg.tensorinv: the inverse with respect to tensordot over `ind` axes."""
    x, count = as_array(a), known_integer(ind, "ind")
    if not 0 < count < x.rank:
        raise TypeProblem(f"numpy.linalg.tensorinv: ind={count} does not divide the axes of {x.type}")
    inverse = ops.inv(reshape(x, (size_of(x.shape[:count]), size_of(x.shape[count:]))))
    return reshape(inverse, (*x.shape[count:], *x.shape[:count]))


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Node:
    """numpy.linalg.tensorsolve: the x with tensordot(a, x, x.ndim) == b."""
    matrix, right = as_array(a), as_array(b)
    last = [] if axes is None else as_axes(axes, matrix.rank, "tensorsolve")
    matrix = transpose(matrix, [*(k for k in range(matrix.rank) if k not in last), *last])
    shape: tuple[Extent, ...] = matrix.shape[right.rank :]
    whole = reshape(matrix, (size_of(matrix.shape[: right.rank]), size_of(shape)))
    return reshape(ops.solve(whole, reshape(right, (right.size,))), shape)


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Node, Node, Node, Node]:
    """numpy.linalg.lstsq: (x, residuals, rank, singular values).

    The residuals, which NumPy leaves out where the rank is deficient, are NaN then.
    """
    matrix, right = floating(as_array(a)), floating(as_array(b))
    dtype = promote(matrix.dtype, right.dtype)
    matrix, right = cast(matrix, dtype), cast(right, dtype)
    tolerance = _tolerance(rcond, matrix)
    x = matrices.lstsq(matrix, right, None if isinstance(tolerance, Node) else tolerance)
    m, n = matrix.shape
    excess = m - n
    tall = not isinstance(excess, int) or excess > 0
    if tall:
        require(excess - 1, f"numpy.linalg.lstsq: {matrix.type} is taken to have more rows than columns")
    # The singular values of the matrix are those of its triangular factor, which is small.
    _, r = factorizations.qr(swap_last(matrix) if isinstance(excess, int) and excess < 0 else matrix)
    values = spectra.svdvals(r)
    rank = matrices.matrix_rank(r, rtol=tolerance)
    columns = right.shape[1:] or (1,)
    none = constant(np.zeros(0), matrix.dtype)
    gaps = sum_(square(sub(matmul(matrix, x), right)), 0)
    gaps = where(eq(rank, dim(n)), gaps, constant_like(np.nan, gaps.dtype)) if tall else gaps
    return x, reshape(gaps, columns) if tall else none, rank, values


def _tolerance(rcond: Any, matrix: Node) -> float | Node:
    if rcond is None:
        return matrices.default_tolerance(matrix)
    # As LAPACK's gelsd has it, a negative number stands for the rounding of the dtype.
    return float(rcond) if rcond >= 0 else FORMATS[matrix.dtype].epsilon


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: Any = False, *, rtol: Any = np._NoValue) -> Node:  # pyright: ignore
    """numpy.linalg.pinv."""
    unsupported("linalg.pinv", hermitian=hermitian)
    x = floating(as_array(a))
    if rcond is not None:
        return pseudoinverse(x, float(rcond))
    if rtol is None:
        return pseudoinverse(x, _default_tolerance(x))
    return pseudoinverse(x) if rtol is np._NoValue else pseudoinverse(x, float(rtol))  # pyright: ignore


def _default_tolerance(x: Node) -> float:
    tolerance = matrices.default_tolerance(x)
    if isinstance(tolerance, Node):
        raise TypeProblem(f"numpy.linalg.pinv of {x.type}: the tolerance depends on the extents: give rtol")
    return tolerance


# Factorizations


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: Any = False) -> Node:
    """numpy.linalg.cholesky: reads one triangle, as NumPy does."""
    return factorizations.cholesky(as_array(a), bool(upper))


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: Any = "L") -> EighResult:
    """numpy.linalg.eigh: reads the triangle that UPLO names."""
    return EighResult(*spectra.eigh(_lower(a, UPLO, "eigh")))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: Any = "L") -> Node:
    """numpy.linalg.eigvalsh: reads the triangle that UPLO names."""
    return spectra.eigvalsh(_lower(a, UPLO, "eigvalsh"))


def _lower(a: Any, triangle: Any, what: str) -> Node:
    """Return matrices whose lower triangles are the ones that are read."""
    name = str(triangle).upper()
    if name not in ("L", "U"):
        raise TypeProblem(f"UPLO is 'L' or 'U', not {triangle!r}")
    matrix = square_matrix(as_array(a), what)
    return swap_last(matrix) if name == "U" else matrix


@implements(np.linalg.qr)
def qr(a: Any, mode: Any = "reduced") -> QRResult | Node:
    """numpy.linalg.qr, mode 'reduced' or 'r'."""
    x = as_array(a)
    if x.rank < 2:
        raise TypeProblem(f"numpy.linalg.qr: it takes matrices in the last two axes, not {x.type}")
    square_ = x.shape[-1] == x.shape[-2]
    if mode not in ("reduced", "r") and not (mode == "complete" and square_):
        raise TypeProblem(f"numpy.linalg.qr: mode={mode!r} is not supported, use 'reduced' or 'r'")
    q, r = matrices.qr_wide(x)
    return r if mode == "r" else QRResult(q, r)


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False
) -> SVDResult | Node:
    """numpy.linalg.svd; the full matrices are not determined where A is not square."""
    unsupported("linalg.svd", hermitian=hermitian)
    x = as_array(a)
    if not compute_uv:
        return spectra.svdvals(x)
    if full_matrices and x.shape[-1:] != x.shape[-2:-1]:
        raise TypeProblem(
            f"numpy.linalg.svd of {x.type}: write full_matrices=False, the columns beyond are arbitrary"
        )
    u, s, v = spectra.svd(x)
    return SVDResult(u, s, swap_last(v))


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Node:
    """numpy.linalg.svdvals."""
    return spectra.svdvals(as_array(x))


# Norms


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Node:
    """numpy.linalg.norm."""
    array = as_array(x)
    if axis is None and ord is None:
        return matrices.vector_norm(array, None, None, bool(keepdims))
    axes = as_axes(axis, array.rank, "norm")
    if len(axes) == 1:
        return matrices.vector_norm(array, ord, axes, bool(keepdims))
    if len(axes) != 2:
        raise TypeProblem(f"numpy.linalg.norm: a norm is over one axis or two, {array.type} has {array.rank}")
    return matrices.matrix_norm(array, ord, (axes[0], axes[1]), bool(keepdims))


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Node:
    """numpy.linalg.vector_norm: over all elements for no axis."""
    array = as_array(x)
    return matrices.vector_norm(array, ord, as_axes(axis, array.rank, "vector_norm"), bool(keepdims))


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: Any = False, ord: Any = "fro") -> Node:
    """numpy.linalg.matrix_norm: of the last two axes."""
    array = as_array(x)
    if array.rank < 2:
        raise TypeProblem(f"numpy.linalg.matrix_norm: it takes matrices, not {array.type}")
    return matrices.matrix_norm(array, ord, (array.rank - 2, array.rank - 1), bool(keepdims))


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Node:
    """numpy.linalg.cond."""
    return matrices.cond(as_array(x), p)


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: Any = False, *, rtol: Any = None) -> Node:
    """numpy.linalg.matrix_rank."""
    unsupported("linalg.matrix_rank", hermitian=hermitian)
    bounds = [None if each is None else _bound(each) for each in (tol, rtol)]
    return matrices.matrix_rank(as_array(A), *bounds)


def _bound(value: Any) -> float | Node:
    return value if isinstance(value, float | int) else as_array(value)


# Products, and what numpy.linalg has of numpy


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Node:
    """numpy.linalg.multi_dot."""
    unsupported("linalg.multi_dot", out=out)
    factors = [as_array(each) for each in arrays]
    if len(factors) > 1 and not any(each.type.is_float for each in factors):
        return reduce(products.matrix_product, factors)
    return matrices.multi_dot(factors)


@implements(np.linalg.matmul)
def linalg_matmul(x1: Any, x2: Any, /) -> Node:
    """numpy.linalg.matmul."""
    return products.matmul(x1, x2)


@implements(np.linalg.tensordot)
def linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Node:
    """numpy.linalg.tensordot."""
    return products.tensordot(x1, x2, axes)


@implements(np.linalg.vecdot)
def linalg_vecdot(x1: Any, x2: Any, /, *, axis: Any = -1) -> Node:
    """numpy.linalg.vecdot."""
    return products.vecdot(x1, x2, axis=axis)


@implements(np.linalg.cross)
def linalg_cross(x1: Any, x2: Any, /, *, axis: Any = -1) -> Node:
    """numpy.linalg.cross, of vectors with 3 elements."""
    return products.cross(x1, x2, axis=axis)


@implements(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Node:
    """numpy.linalg.outer, of vectors."""
    a, b = as_array(x1), as_array(x2)
    if a.rank != 1 or b.rank != 1:
        raise TypeProblem(f"numpy.linalg.outer({a.type}, {b.type}): it takes two vectors")
    return products.outer(a, b)


@implements(np.linalg.matrix_transpose)
def linalg_matrix_transpose(x: Any, /) -> Node:
    """numpy.linalg.matrix_transpose."""
    array = as_array(x)
    as_axis(-2, array.rank, "matrix_transpose")
    return swap_last(array)


@implements(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: Any = 0) -> Node:
    """numpy.linalg.diagonal: of the last two axes."""
    return diagonals.diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: Any = 0, dtype: Any = None) -> Node:
    """numpy.linalg.trace: of the last two axes."""
    return diagonals.trace(x, offset, -2, -1, dtype)


refuses(
    "its results are complex; of a symmetric matrix use np.linalg.eigh or np.linalg.eigvalsh",
    np.linalg.eig,
    np.linalg.eigvals,
)
