"""Eigenvalues and singular values alone, whose first derivatives need no distinct values.

dw = diag(V^T dA V) and ds = diag(U^T dA V). The vectors come from the factorization of the same matrix, which
is also what computes the values in a kernel, so that a program with both factors it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.ir import Extent, Node, Type
from diffc.ops.arithmetic import mul
from diffc.ops.base import Array, register
from diffc.ops.broadcasting import sum_
from diffc.ops.elementwise import cast
from diffc.ops.factorizations import eigen_parts, eigh_op, singular_parts, svd_op, symmetric_part
from diffc.ops.linalg import MatrixFunction, each_matrix, require_finite
from diffc.ops.matrices import square_matrix
from diffc.ops.products import matmul

__all__ = ["eigh", "eigvalsh", "svd", "svdvals"]


@register
class eigvalsh_op(MatrixFunction):
    """Eigenvalues of symmetric matrices, ascending. Reads the lower triangle."""

    name = "eigvalsh"
    summary = "the eigenvalues of symmetric matrices, ascending, from the lower triangles"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return one axis."""
        return (self.order(types, m, n),)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.linalg.eigvalsh of each matrix."""
        (a,) = arrays
        return each_matrix(
            lambda m: np.linalg.eigvalsh(require_finite(np.tril(m))), np.empty(a.shape[:-1], a.dtype), a
        )

    def tangent(self, node: Node, da: Node) -> Node:
        """Return diag(V^T dA V)."""
        _, vectors = eigen_parts(Node.make(eigh_op, node.inputs))
        return sum_(mul(vectors, matmul(symmetric_part(da), vectors)), -2)

    def expand(self, node: Node) -> Node:
        """Return the first row of eigh."""
        return eigen_parts(Node.make(eigh_op, node.inputs))[0]


@register
class svdvals_op(MatrixFunction):
    """Singular values, descending."""

    name = "svdvals"
    summary = "the singular values of the last two axes, descending"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return one axis."""
        return svd_op.result_shape(types, m, n)[1:]

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return the singular values that numpy.linalg.svd gives for each matrix."""
        (a,) = arrays
        result = np.empty((*a.shape[:-2], min(a.shape[-2:])), a.dtype)
        return each_matrix(lambda m: np.linalg.svd(require_finite(m), compute_uv=False), result, a)

    def tangent(self, node: Node, da: Node) -> Node:
        """Return diag(U^T dA V)."""
        u, _, v = singular_parts(Node.make(svd_op, node.inputs), da.shape[-2])
        return sum_(mul(u, matmul(da, v)), -2)

    def expand(self, node: Node) -> Node:
        """Return the row of svd between U and V."""
        return singular_parts(Node.make(svd_op, node.inputs), node.inputs[0].shape[-2])[1]


def eigvalsh(a: Node) -> Node:
    """Return the eigenvalues [..., n] of symmetric matrices, ascending, from the lower triangles."""
    return Node.make(eigvalsh_op, (square_matrix(a, "eigvalsh"),))


def eigh(a: Node) -> tuple[Node, Node]:
    """Return eigenvalues [..., n], ascending, and eigenvectors [..., n, n] as columns; see `eigvalsh`."""
    a = square_matrix(a, "eigh")
    return Node.make(eigvalsh_op, (a,)), eigen_parts(Node.make(eigh_op, (a,)))[1]


def svdvals(a: Node) -> Node:
    """Return the singular values [..., k], descending."""
    return Node.make(svdvals_op, (_floating(a),))


def svd(a: Node) -> tuple[Node, Node, Node]:
    """Return U [..., m, k], singular values [..., k], descending, and V [..., n, k], k = min(m, n)."""
    a = _floating(a)
    u, _, v = singular_parts(Node.make(svd_op, (a,)), a.shape[-2])
    return u, Node.make(svdvals_op, (a,)), v


def _floating(a: Node) -> Node:
    return a if a.type.is_float else cast(a, "f64")
