"""Matrix factorizations, each packed into one array: cholesky, eigh, qr and svd.

Their derivatives are those of the defining equations, solved for the tangents of the factors: Giles,
"Collected matrix derivative results" (2008); Walter and Lehmann, "Algorithmic differentiation of linear
algebra functions" (2010); Townsend, "Differentiating the singular value decomposition" (2016). What
`numpy.linalg` refuses is NaN here. `cholesky` and `eigh` read one triangle, as in NumPy; their derivatives
are those of the symmetric matrix, shared equally by each pair of elements. The vectors of equal eigenvalues
or singular values are not determined, and their derivatives NaN; `spectral` is for what needs none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import InputError
from diffc.ir import Dim, Extent, Node, Type
from diffc.ir.dtype import FORMATS
from diffc.ops.arithmetic import abs_, add, div, mul, sub
from diffc.ops.base import Array, register
from diffc.ops.broadcasting import sum_
from diffc.ops.constant import constant_like, dim
from diffc.ops.determined import determined
from diffc.ops.elementwise import cast
from diffc.ops.linalg import MatrixFunction, each_matrix, require_finite, triangular_solve
from diffc.ops.logic import eq, gt, le, logical_and, where
from diffc.ops.matrices import as_column, as_row, diagonal, rows, square_matrix, triangle
from diffc.ops.products import matmul, swap_last
from diffc.ops.reductions import amax
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import concatenate

__all__ = [
    "cholesky", "eigen_parts", "eigh_op", "qr", "reciprocal", "singular_parts", "svd_op", "symmetric_part",
]  # fmt: skip


@register
class cholesky_op(MatrixFunction):
    """The lower factor L with L L^T = A; reads the lower triangle; NaN where A is not positive definite."""

    name = "cholesky"
    summary = "the lower factor l with l @ l.T = a, from the lower triangle of a"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return the matrix's shape."""
        self.order(types, m, n)
        return (m, n)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.linalg.cholesky of each matrix."""
        return each_matrix(np.linalg.cholesky, np.empty_like(arrays[0]), arrays[0])

    def tangent(self, node: Node, da: Node) -> Node:
        """Return L Phi(inv(L) dA inv(L)^T), Phi the lower triangle with half the diagonal."""
        half = triangular_solve(node, symmetric_part(da))
        inner = triangular_solve(node, swap_last(half))
        return matmul(node, _lower_half(inner))


def symmetric_part(da: Node) -> Node:
    """Return (dA + dA^T)/2."""
    return mul(0.5, add(da, swap_last(da)))


def _lower_half(x: Node) -> Node:
    """Return the lower triangle with half the diagonal."""
    return mul(0.5, add(triangle(x), triangle(x, strict=True)))


def cholesky(a: Node, upper: bool = False) -> Node:
    """Return the factor L with L L^T = A from the lower triangle of A, or L^T from the upper one.

    NaN where the matrix is not positive definite.
    """
    a = square_matrix(a, "cholesky")
    factor = Node.make(cholesky_op, (swap_last(a) if upper else a,), {})
    return swap_last(factor) if upper else factor


@register
class eigh_op(MatrixFunction):
    """Row 0: eigenvalues, ascending; below: the eigenvectors as columns. Reads the lower triangle."""

    name = "eigh"
    summary = "eigenvalues, ascending, in row 0 and eigenvectors as columns below, of symmetric matrices"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return a row more than the matrix's."""
        self.order(types, m, n)
        return (n + 1, n)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.linalg.eigh of each matrix."""
        (a,) = arrays
        result = np.empty((*a.shape[:-2], a.shape[-1] + 1, a.shape[-1]), a.dtype)
        return each_matrix(_eigh, result, a)

    def tangent(self, node: Node, da: Node) -> Node:
        """Return dw = diag(P) and dV = V (F * P), P = V^T dA V, F[i, j] = 1/(w[j] - w[i])."""
        values, vectors = eigen_parts(node)
        inner = matmul(swap_last(vectors), matmul(symmetric_part(da), vectors))
        gaps = sub(as_row(values), as_column(values))
        turned = matmul(vectors, mul(reciprocal(gaps), inner))
        return concatenate([as_row(diagonal(inner)), determined(turned, _single(values, gaps))], -2)


def _single(values: Node, gaps: Node) -> Node:
    """Return as a row which value is alone: farther from all others than the rounding of the matrix."""
    within = le(abs_(gaps), _rounding(values))
    return le(sum_(cast(within, "i64"), -2, keepdims=True), 1)


def _rounding(values: Node) -> Node:
    """Return as a matrix of one element what eigenvalues or singular values are uncertain by."""
    count = cast(dim(values.shape[-1]), values.dtype)
    return mul(mul(count, FORMATS[values.dtype].epsilon), as_row(amax(abs_(values), -1, keepdims=True)))


def _eigh(a: Array) -> Array:
    values, vectors = np.linalg.eigh(require_finite(np.tril(a)))
    return np.concatenate([values[None], vectors])


def eigen_parts(packed: Node) -> tuple[Node, Node]:
    """Return the eigenvalues and the eigenvectors of a packed factorization."""
    n = packed.shape[-1]
    return reshape(rows(packed, 0, 1), (*packed.shape[:-2], n)), rows(packed, 1, n)


def reciprocal(x: Node) -> Node:
    """Return 1/x, and 0 for 0."""
    zero = eq(x, 0)
    one, nothing = constant_like(1, x.dtype), constant_like(0, x.dtype)
    return where(zero, nothing, div(one, where(zero, one, x)))


@register
class qr_op(MatrixFunction):
    """Q, m by n with orthonormal columns, above the upper triangle R, with Q R = A; m >= n."""

    name = "qr"
    summary = "q with orthonormal columns above r, upper triangular, with q @ r = a; at least as many rows"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return the rows of both factors; the matrix is not wider than high."""
        excess = m - n
        if isinstance(excess, int) and excess < 0:
            raise self.problem(types, f"it takes at least as many rows as columns, not {m} by {n}")
        return (m + n, n)

    def requirements(self, node: Node) -> Iterator[tuple[Extent, str]]:
        """Ask that no matrix is wider than high."""
        m, n = node.inputs[0].shape[-2:]
        yield m - n, f"qr takes at least as many rows as columns, not {m} by {n}"

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.linalg.qr of each matrix; raise `InputError` for one that is wider than high."""
        (a,) = arrays
        m, n = a.shape[-2:]
        if m < n:
            raise InputError(f"qr takes at least as many rows as columns, not {m} by {n}")
        return each_matrix(_qr, np.empty((*a.shape[:-2], m + n, n), a.dtype), a)

    def tangent(self, node: Node, da: Node) -> Node:
        """Return dQ = (dA - Q dR) inv(R) and dR = (C - W) R, C = Q^T dA inv(R).

        W = Q^T dQ is antisymmetric, with the strict lower triangle of C.
        """
        q, r = _qr_parts(node)
        scaled = triangular_solve(swap_last(r), da)
        c = matmul(swap_last(q), scaled)
        low = triangle(c, strict=True)
        upper = sub(c, sub(low, swap_last(low)))
        return concatenate([sub(scaled, matmul(q, upper)), matmul(upper, r)], -2)


def _qr(a: Array) -> Array:
    return np.concatenate(np.linalg.qr(a))


def _qr_parts(packed: Node) -> tuple[Node, Node]:
    n = packed.shape[-1]
    m = packed.shape[-2] - n
    return rows(packed, 0, m), rows(packed, m, n)


def qr(a: Node) -> tuple[Node, Node]:
    """Return Q [..., m, n] and R [..., n, n] of matrices that are at least as high as wide."""
    return _qr_parts(Node.make(qr_op, (_floating(a),), {}))


@register
class svd_op(MatrixFunction):
    """U, then a row of singular values, descending, then V, with U diag(s) V^T = A; k = min(m, n) columns."""

    name = "svd"
    summary = "u above the singular values, descending, above v, with u @ diag(s) @ v.T = a"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return the rows of all three; which extent is smaller must be known."""
        excess = m - n
        if isinstance(excess, Dim):
            raise self.problem(types, f"it has to be known which of {m} and {n} is smaller")
        return (m + 1 + n, n if excess >= 0 else m)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.linalg.svd of each matrix."""
        (a,) = arrays
        m, n = a.shape[-2:]
        return each_matrix(_svd, np.empty((*a.shape[:-2], m + 1 + n, min(m, n)), a.dtype), a)

    def tangent(self, node: Node, da: Node) -> Node:
        """Return ds = diag(P), dU = U (F * (P S + S P^T)) and dV = V (F * (S P + P^T S)), P = U^T dA V.

        F[i, j] = 1/(s[j]**2 - s[i]**2). The longer of U and V has a part outside its columns' span, too.
        """
        m, n = node.inputs[0].shape[-2:]
        u, s, v = singular_parts(node, m)
        inner = matmul(swap_last(u), matmul(da, v))
        across, down = as_row(s), as_column(s)
        gaps = sub(across, down)
        factors = reciprocal(mul(gaps, add(across, down)))
        flipped = swap_last(inner)
        du = matmul(u, mul(factors, add(mul(inner, across), mul(down, flipped))))
        dv = matmul(v, mul(factors, add(mul(down, inner), mul(flipped, across))))
        inverse, single = as_row(reciprocal(s)), _single(s, gaps)
        if m != node.shape[-1]:
            du = add(du, mul(_outside(u, matmul(da, v)), inverse))
        if n != node.shape[-1]:
            dv = add(dv, mul(_outside(v, matmul(swap_last(da), u)), inverse))
        beside = logical_and(
            single, gt(across, _rounding(s))
        )  # at 0 the vectors beyond the rank are equals, too
        du = determined(du, single if m == node.shape[-1] else beside)
        dv = determined(dv, single if n == node.shape[-1] else beside)
        return concatenate([du, as_row(diagonal(inner)), dv], -2)


def _outside(u: Node, x: Node) -> Node:
    """Return the part of the columns of x that is orthogonal to those of u."""
    return sub(x, matmul(u, matmul(swap_last(u), x)))


def _svd(a: Array) -> Array:
    u, s, vt = np.linalg.svd(require_finite(a), full_matrices=False)
    return np.concatenate([u, s[None], vt.T])


def singular_parts(packed: Node, m: Extent) -> tuple[Node, Node, Node]:
    """Return U, the singular values and V of a packed factorization of matrices with m rows."""
    k = packed.shape[-1]
    values = reshape(rows(packed, m, 1), (*packed.shape[:-2], k))
    return rows(packed, 0, m), values, rows(packed, m + 1, packed.shape[-2] - m - 1)


def _floating(a: Node) -> Node:
    return a if a.type.is_float else cast(a, "f64")
