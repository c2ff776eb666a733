"""Matrix products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Node, Type, broadcast_shapes, promote
from diffc.ir.dtype import is_float
from diffc.ops.arithmetic import mul
from diffc.ops.base import Array, Linear, register
from diffc.ops.broadcasting import broadcast, sum_, with_leading_axis
from diffc.ops.elementwise import cast
from diffc.ops.reshaping import expand_dims, reshape, transpose

__all__ = ["matmul", "swap_last"]


@register
class matmul_op(Linear):
    """Products of matrices: the last two axes multiply, leading axes agree."""

    name = "matmul"
    summary = "matrix product of the last two axes"
    across_elements = True
    multilinear = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the product's type; dtypes, leading axes and the inner extent must agree."""
        a, b = types
        if (
            a.rank < 2
            or b.rank != a.rank
            or a.shape[:-2] != b.shape[:-2]
            or a.dtype != b.dtype
            or not a.is_float
        ):
            raise self.problem(
                types, "it takes two float arrays with equal leading axes and a matrix in the last two"
            )
        if a.shape[-1] != b.shape[-2]:
            raise self.problem(types, f"the inner extents {a.shape[-1]} and {b.shape[-2]} differ")
        return a.with_shape((*a.shape[:-1], b.shape[-1]))

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.matmul."""
        return np.matmul(*arrays)

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Multiply by the transpose of the other factor."""
        a, b = node.inputs
        if position == 0:
            return Node.make(matmul_op, (cotangent, swap_last(b)), {})
        return Node.make(matmul_op, (swap_last(a), cotangent), {})

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Multiply batches; one matrix common to the batch stays one product where it can."""
        a, b = inputs
        if node.rank == 2 and batched[0] and not batched[1]:
            size, rows, inner = a.shape
            return reshape(matmul(reshape(a, (size * rows, inner)), b), (size, rows, b.shape[-1]))
        return Node.make(matmul_op, with_leading_axis(inputs, batched), {})


def swap_last(x: Node) -> Node:
    """Return `x` with its last two axes exchanged."""
    return transpose(x, (*range(x.rank - 2), x.rank - 1, x.rank - 2))


def matmul(a: Node, b: Node) -> Node:
    """Return a @ b by NumPy's rules: vectors are rows on the left and columns on the right."""
    if a.rank == 0 or b.rank == 0:
        raise TypeProblem(f"matmul({a.type}, {b.type}): a scalar is multiplied with *")
    dtype = promote(a.dtype, b.dtype)
    dtype = dtype if is_float(dtype) else "f64"
    a, b = cast(a, dtype), cast(b, dtype)
    if a.rank == 1 and b.rank == 1:
        if a.shape != b.shape:
            raise TypeProblem(f"matmul({a.type}, {b.type}): the extents differ")
        return sum_(mul(a, b))
    if a.rank == 1:
        product = matmul(expand_dims(a, (0,)), b)
        return reshape(product, (*product.shape[:-2], product.shape[-1]))
    if b.rank == 1:
        product = matmul(a, reshape(b, (b.shape[0], 1)))
        return reshape(product, product.shape[:-1])
    leading = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if leading is None:
        raise TypeProblem(f"matmul({a.type}, {b.type}): the leading axes do not broadcast")
    a, b = broadcast(a, (*leading, *a.shape[-2:])), broadcast(b, (*leading, *b.shape[-2:]))
    return Node.make(matmul_op, (a, b), {})
