"""Determinants, whose first and second derivatives are right at singular matrices, too.

The gradient of a determinant holds the cofactors, which are no quotients: in A = U diag(s) V^T they are
U diag(products of the other s) V^T (G. W. Stewart, "On the adjugate matrix", 1998), up to the sign of
det(U) det(V). Their derivative at a diagonal matrix is products of all s but two. Both are operations, that
divide by nothing and need no distinct singular values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.ir import Extent, Node, Type
from diffc.ops.arithmetic import add, mul, sign, sub
from diffc.ops.base import Array, Composite, register
from diffc.ops.broadcasting import sum_, with_leading_axis
from diffc.ops.constant import constant_like, iota
from diffc.ops.factorizations import singular_parts, svd_op
from diffc.ops.linalg import MATRIX_COST, MatrixFunction, inv
from diffc.ops.logic import eq, logical_or, where
from diffc.ops.matrices import as_column, as_row, diagonal, square_matrix
from diffc.ops.products import matmul, swap_last
from diffc.ops.reductions import prod
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import index

__all__ = ["det"]


@register
class det_op(MatrixFunction):
    """Determinants, by elimination."""

    name = "det"
    summary = "the determinants of the last two axes"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return no axes."""
        self.order(types, m, n)
        return ()

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.linalg.det."""
        return np.asarray(np.linalg.det(arrays[0]))

    def tangent(self, node: Node, da: Node) -> Node:
        """Return sum(cof(A) * dA), Jacobi's formula."""
        return sum_(mul(Node.make(cofactors_op, node.inputs), da), (-2, -1))


@register
class cofactors_op(MatrixFunction):
    """Cofactors: the derivative of the determinant by each element; det(A) inv(A)^T if it is regular."""

    name = "cofactors"
    summary = "the cofactors of the last two axes: the gradients of the determinants"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return the matrix's shape."""
        self.order(types, m, n)
        return (m, n)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return U diag(products of the other s) V^T, with the sign of det(U V^T)."""
        u, s, vt, turn = _turned(arrays[0])
        n = s.shape[-1]
        others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :])
        return turn * (u * np.prod(others, -1)[..., None, :]) @ vt

    def tangent(self, node: Node, da: Node) -> Node:
        """Return the change of the cofactors."""
        return Node.make(cofactor_changes_op, (node.inputs[0], da))

    def expand(self, node: Node) -> Node:
        """U diag(products of the other s) V^T, with the sign of det(U V^T)."""
        u, s, v, turn = _turned_nodes(node.inputs[0])
        n = s.shape[-1]
        own = eq(as_column(iota(n)), as_row(iota(n)))
        others = prod(where(own, constant_like(1, s.dtype), as_row(s)), -1)
        return mul(turn, matmul(mul(u, as_row(others)), swap_last(v)))


@register
class cofactor_changes_op(Composite):
    """The derivative of the cofactors of A along H; symmetric: sum(G * that of H) = sum(H * that of G)."""

    name = "cofactor_changes"
    summary = "the derivative of the cofactors of a along h"
    cost = MATRIX_COST
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type of both, of square matrices."""
        a, h = types
        if a != h or a.rank < 2 or a.shape[-1] != a.shape[-2] or not a.is_float:
            raise self.problem(types, "it takes square matrices and their changes, of one type")
        return a

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return the sum of the minors that lack two rows and two columns, in singular vectors."""
        a, h = arrays
        u, s, vt, turn = _turned(a)
        n = s.shape[-1]
        same = np.eye(n, dtype=bool)
        others = np.prod(np.where(same[:, None] | same[None], 1, s[..., None, None, :]), -1)
        others = np.where(same, 0, others)
        inner = u.swapaxes(-1, -2) @ h @ vt.swapaxes(-1, -2)
        along = np.einsum("...ij,...jj->...i", others, inner)
        change = np.where(same, along[..., None, :], -others * inner.swapaxes(-1, -2))
        return turn * (u @ change @ vt)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return the change of H's part, and that of A's by its inverse, so NaN at singular matrices.

        With X = inv(A) the change of the cofactors along H is det(A) (tr(X H) X - X H X)^T.
        """
        (a, h), (da, dh) = node.inputs, tangents
        along = None if dh is None else Node.make(cofactor_changes_op, (a, dh))
        if da is None:
            return along
        x = inv(a)
        xh, xd = matmul(x, h), matmul(x, da)
        th, td = (as_column(as_column(sum_(diagonal(each), -1))) for each in (xh, xd))
        both = as_column(as_column(sum_(diagonal(matmul(xd, xh)), -1)))
        twice = add(matmul(xh, matmul(xd, x)), matmul(xd, matmul(xh, x)))
        whole = add(mul(sub(mul(td, th), both), x), twice)
        whole = sub(whole, add(mul(th, matmul(xd, x)), mul(td, matmul(xh, x))))
        bent = mul(as_column(as_column(Node.make(det_op, (a,)))), swap_last(whole))
        return bent if along is None else add(along, bent)

    def linear_in(self, node: Node) -> Sequence[int]:
        """Linear in the change of the matrices."""
        return (1,)

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Return the same of the cotangent: a second derivative is symmetric."""
        return node.replace((node.inputs[0], cotangent))

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Leave the new leading axis alone."""
        return Node.make(self, with_leading_axis(inputs, batched))

    def expand(self, node: Node) -> Node:
        """Add the minors that lack two rows and two columns, in singular vectors."""
        a, h = node.inputs
        u, s, v, turn = _turned_nodes(a)
        n = s.shape[-1]
        same = eq(as_column(iota(n)), as_row(iota(n)))
        one, nothing = constant_like(1, s.dtype), constant_like(0, s.dtype)
        either = logical_or(reshape(same, (n, 1, n)), reshape(same, (1, n, n)))
        others = prod(where(either, one, reshape(s, (*s.shape[:-1], 1, 1, n))), -1)
        others = where(same, nothing, others)
        inner = matmul(swap_last(u), matmul(h, v))
        along = sum_(mul(others, as_row(diagonal(inner))), -1)
        change = sub(where(same, as_row(along), nothing), mul(others, swap_last(inner)))
        return mul(turn, matmul(matmul(u, change), swap_last(v)))


def _turned(a: Array) -> tuple[Array, Array, Array, Array]:
    """Return U, s and V^T of matrices, and the sign of det(U V^T); NaN for what is not finite."""
    finite = np.isfinite(a).all((-1, -2), keepdims=True)
    u, s, vt = np.linalg.svd(np.where(finite, a, 0))
    turn = np.sign(np.linalg.det(u) * np.linalg.det(vt))[..., None, None]
    return u, s, vt, np.where(finite, turn, np.nan).astype(a.dtype)


def _turned_nodes(a: Node) -> tuple[Node, Node, Node, Node]:
    u, s, v = singular_parts(Node.make(svd_op, (a,)), a.shape[-2])
    turn = mul(sign(Node.make(det_op, (u,))), sign(Node.make(det_op, (v,))))
    return u, s, v, as_column(as_column(turn))


def det(a: Node) -> Node:
    """Return determinants; up to 3 by 3 as polynomials, whose derivatives are exact at every order."""
    a = square_matrix(a, "det")
    n = a.shape[-1]
    if n in (1, 2, 3):
        return _polynomial(a, int(str(n)))
    return Node.make(det_op, (a,), {})


def _polynomial(a: Node, n: int) -> Node:
    entry = [[index(index(a, i, -2), j, -1) for j in range(n)] for i in range(n)]
    if n == 1:
        return entry[0][0]

    def minor(row: int, k: int, m: int) -> Node:
        return sub(mul(entry[row][k], entry[row + 1][m]), mul(entry[row][m], entry[row + 1][k]))

    if n == 2:
        return minor(0, 0, 1)
    x, y, z = entry[0]
    return add(sub(mul(x, minor(1, 1, 2)), mul(y, minor(1, 0, 2))), mul(z, minor(1, 0, 1)))
