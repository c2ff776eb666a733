"""The Moore-Penrose pseudoinverse, as an operation of its own for the sake of its derivative.

Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973):
where the rank is constant, dP = -P dA P + P P^T dA^T (1 - A P) + (1 - P A) dA^T P^T P, which needs no
distinct singular values, unlike the derivative of the singular value decomposition that computes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node, Type
from diffc.ops.arithmetic import add, mul, sub
from diffc.ops.base import Array, register
from diffc.ops.constant import constant_like
from diffc.ops.elementwise import cast
from diffc.ops.factorizations import reciprocal, singular_parts, svd_op
from diffc.ops.linalg import MatrixFunction, each_matrix, require_finite
from diffc.ops.logic import gt, where
from diffc.ops.matrices import as_row
from diffc.ops.products import matmul, swap_last
from diffc.ops.reductions import amax

__all__ = ["pinv"]


@register
class pinv_op(MatrixFunction):
    """Pseudoinverses; singular values up to `rtol` times the largest count as 0."""

    name = "pinv"
    summary = "the pseudoinverses of the last two axes"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return the shape of the transposed matrix."""
        return (n, m)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.linalg.pinv of each matrix."""
        (a,), rtol = arrays, attrs["rtol"]
        result = np.empty(a.swapaxes(-1, -2).shape, a.dtype)
        return each_matrix(lambda m: np.linalg.pinv(require_finite(m), rtol), result, a)

    def tangent(self, node: Node, da: Node) -> Node:
        """Return -P dA P + P P^T dA^T (1 - A P) + (1 - P A) dA^T P^T P."""
        (a,), p = node.inputs, node
        back = swap_last(da)
        left = matmul(matmul(p, swap_last(p)), back)
        right = matmul(back, matmul(swap_last(p), p))
        left = sub(left, matmul(matmul(left, a), p))
        right = sub(right, matmul(p, matmul(a, right)))
        return sub(add(left, right), matmul(p, matmul(da, p)))

    def expand(self, node: Node) -> Node:
        """V diag(1/s) U^T without the singular values that count as 0."""
        (a,) = node.inputs
        u, s, v = singular_parts(Node.make(svd_op, (a,)), a.shape[-2])
        kept = gt(s, mul(node.attrs["rtol"], amax(s, -1, keepdims=True)))
        inverse = where(kept, reciprocal(s), constant_like(0, s.dtype))
        return matmul(mul(v, as_row(inverse)), swap_last(u))


def pinv(a: Node, rtol: float = 1e-15) -> Node:
    """Return pseudoinverses [..., n, m] of matrices [..., m, n].

    Raises:
        TypeProblem: for what is no matrix, or a negative tolerance.
    """
    if a.rank < 2 or not rtol >= 0:
        raise TypeProblem(f"pinv({a.type}, {rtol}): it takes matrices and a tolerance that is not negative")
    a = a if a.type.is_float else cast(a, "f64")
    return Node.make(pinv_op, (a,), {"rtol": float(rtol)})
