"""Linear systems, and the logarithms of determinants.

A solution's derivative follows from its equation: A x = r gives A dx = dr - dA x, so that the tangent is
a solution of the same system, and any order follows. That of a logarithm of a determinant is Jacobi's
formula. What `numpy.linalg` refuses (a singular matrix) is NaN here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node, Type, broadcast_shapes, promote
from diffc.ir.dtype import is_float
from diffc.ops.arithmetic import mul, neg, sub
from diffc.ops.base import Array, Composite, register
from diffc.ops.broadcasting import broadcast, sum_, with_leading_axis
from diffc.ops.elementwise import cast
from diffc.ops.matrices import as_column, as_row, eye, square_matrix, triangle
from diffc.ops.products import matmul, swap_last
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import index, pad

__all__ = [
    "MATRIX_COST",
    "MatrixFunction",
    "each_matrix",
    "inv",
    "require_finite",
    "slogdet",
    "solve",
    "solve_rows",
    "triangular_solve",
]

MATRIX_COST = 64
"""The cost of an element of a solution or a factorization: worth storing rather than computing again."""


def each_matrix(function: Callable[..., Array], result: Array, *arrays: Array) -> Array:
    """Fill `result` with a function of each matrix of a stack; NaN where it raises `LinAlgError`."""
    leading = result.shape[: arrays[0].ndim - 2]
    for place in np.ndindex(*leading):
        try:
            result[place] = function(*(array[place] for array in arrays))
        except np.linalg.LinAlgError:
            result[place] = np.nan
    return result


def require_finite(a: Array) -> Array:
    """Return a matrix; raise `LinAlgError` if it is not finite: LAPACK's iterations need not end on it."""
    if not np.all(np.isfinite(a)):
        raise np.linalg.LinAlgError("the matrix is not finite")
    return a


class _System(Composite):
    """Solutions x_j, as rows, of A x_j = r_j for the rows r_j."""

    cost = MATRIX_COST
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type of the right sides."""
        a, r = types
        if a.rank < 2 or a.shape[-1] != a.shape[-2] or a.dtype != r.dtype or not a.is_float:
            raise self.problem(types, "it takes square matrices and right sides, both f64 or both f32")
        if r.rank != a.rank or (*r.shape[:-2], r.shape[-1]) != a.shape[:-1]:
            raise self.problem(types, "the right sides are the rows of matrices with the same leading axes")
        return r

    @abstractmethod
    def matrix_tangent(self, node: Node, da: Node) -> Node:
        """Return the part of the matrix's tangent that the solution depends on."""

    @abstractmethod
    def transposed(self, node: Node, r: Node) -> Node:
        """Return the solution of the system with the transposed matrix."""

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Solve A dx = dr - dA x."""
        da, dr = tangents
        drive = dr
        if da is not None:
            product = matmul(node, swap_last(self.matrix_tangent(node, da)))
            drive = neg(product) if dr is None else sub(dr, product)
        return None if drive is None else node.replace((node.inputs[0], drive))

    def linear_in(self, node: Node) -> Sequence[int]:
        """Linear in the right sides."""
        return (1,)

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Solve with the transposed matrix."""
        return self.transposed(node, cotangent)

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Solve a batch; right sides of one matrix become rows of one system."""
        a, r = inputs
        if node.rank == 2 and not batched[0]:
            size, count, n = r.shape
            return reshape(Node.make(self, (a, reshape(r, (size * count, n))), node.attrs), r.shape)
        return Node.make(self, with_leading_axis(inputs, batched), node.attrs)


@register
class solve_op(_System):
    """Row j of the result solves A x = row j of the right sides; NaN where A is singular."""

    name = "solve"
    summary = "row j of the result solves a @ x = row j of r; NaN where a is singular"

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.linalg.solve of each system."""
        a, r = arrays
        return each_matrix(lambda m, b: np.linalg.solve(m, b.T).T, np.empty_like(r), a, r)

    def matrix_tangent(self, node: Node, da: Node) -> Node:
        """Return all of it."""
        return da

    def transposed(self, node: Node, r: Node) -> Node:
        """Solve with the transposed matrix."""
        return solve_rows(swap_last(node.inputs[0]), r)


def solve_rows(a: Node, r: Node) -> Node:
    """Return r @ inv(a).T: the rows x_j with a @ x_j = r_j."""
    return Node.make(solve_op, (a, r), {})


@register
class triangular_solve_op(_System):
    """As `solve`, reading one triangle of A; NaN where its diagonal has a zero."""

    name = "triangular_solve"
    summary = "as solve, reading only the lower or the upper triangle of a"

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Substitute, forward or back."""
        a, r = arrays
        lower = attrs["lower"]
        return each_matrix(lambda m, b: substitute(m, b, lower), np.empty_like(r), a, r)

    def matrix_tangent(self, node: Node, da: Node) -> Node:
        """Return the triangle that is read."""
        return triangle(da, node.attrs["lower"])

    def transposed(self, node: Node, r: Node) -> Node:
        """Solve with the transposed matrix, whose other triangle is read."""
        return triangular_solve(swap_last(node.inputs[0]), r, lower=not node.attrs["lower"])


def substitute(a: Array, r: Array, lower: bool) -> Array:
    """Return the rows x with a @ x = a row of r; raise `LinAlgError` for a zero on the diagonal."""
    n = len(a)
    if any(a[k, k] == 0 for k in range(n)):
        raise np.linalg.LinAlgError("singular matrix")
    x = np.array(r)
    for k in range(n) if lower else reversed(range(n)):
        known = slice(0, k) if lower else slice(k + 1, n)
        x[:, k] = (r[:, k] - np.sum(a[k, known] * x[:, known], axis=1)) / a[k, k]
    return x


def triangular_solve(a: Node, r: Node, lower: bool = True) -> Node:
    """Return the rows x_j with a @ x_j = r_j, where only one triangle of a is read."""
    return Node.make(triangular_solve_op, (a, r), {"lower": bool(lower)})


def solve(a: Node, b: Node) -> Node:
    """Return x with a @ x = b; b is a vector if it has one axis, else it holds matrices, as in NumPy 2.

    Raises:
        TypeProblem: for shapes that do not fit.
    """
    dtype = promote(a.dtype, b.dtype)
    dtype = dtype if is_float(dtype) else "f64"
    a, b = cast(square_matrix(a, "solve"), dtype), cast(b, dtype)
    right = as_row(b) if b.rank == 1 else swap_last(b) if b.rank > 1 else b
    leading = broadcast_shapes(a.shape[:-2], right.shape[:-2])
    if b.rank == 0 or leading is None or right.shape[-1] != a.shape[-1]:
        raise TypeProblem(f"solve({a.type}, {b.type}): the right side does not fit the matrix")
    x = solve_rows(broadcast(a, (*leading, *a.shape[-2:])), broadcast(right, (*leading, *right.shape[-2:])))
    return reshape(x, x.shape[:-2] + x.shape[-1:]) if b.rank == 1 else swap_last(x)


def inv(a: Node) -> Node:
    """Return the inverse of square matrices; NaN where one is singular."""
    a = square_matrix(a, "inv")
    return swap_last(_inverse_transposed(a))


def _inverse_transposed(a: Node) -> Node:
    return solve_rows(a, broadcast(eye(a.shape[-1], a.dtype), a.shape))


class MatrixFunction(Composite):
    """A function of one stack of matrices, each on its own."""

    cost = MATRIX_COST
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type of the results of square float matrices."""
        (a,) = types
        if a.rank < 2 or not a.is_float:
            raise self.problem(types, "it takes f64 or f32 matrices in the last two axes")
        return a.with_shape((*a.shape[:-2], *self.result_shape(types, *a.shape[-2:])))

    @abstractmethod
    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return the shape of the result for an m by n matrix; raise `TypeProblem`."""

    def order(self, types: Sequence[Type], m: Extent, n: Extent) -> Extent:
        """Return the order of square matrices; raise `TypeProblem` for others."""
        if m != n:
            raise self.problem(types, f"it takes square matrices, these are {m} by {n}")
        return n

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Leave the new leading axis alone."""
        return Node.make(self, inputs, node.attrs)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return `tangent` where the matrices have one."""
        return None if tangents[0] is None else self.tangent(node, tangents[0])

    @abstractmethod
    def tangent(self, node: Node, da: Node) -> Node:
        """Return the tangent for the tangent of the matrices."""


@register
class slogdet_op(MatrixFunction):
    """The sign of the determinant and the logarithm of its size, beside each other."""

    name = "slogdet"
    summary = "(sign, log|det|) of the last two axes, as an axis of two"

    def result_shape(self, types: Sequence[Type], m: Extent, n: Extent) -> tuple[Extent, ...]:
        """Return one axis of two."""
        self.order(types, m, n)
        return (2,)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.linalg.slogdet."""
        return np.stack(np.linalg.slogdet(arrays[0]), axis=-1)

    def tangent(self, node: Node, da: Node) -> Node:
        """Return (0, tr(inv(A) dA))."""
        change = as_column(_relative_change(node.inputs[0], da))
        rest = (0,) * (change.rank - 1)
        return pad(change, (*rest, 1), (*rest, 0))


def _relative_change(a: Node, da: Node) -> Node:
    """Return tr(inv(A) dA)."""
    return sum_(mul(_inverse_transposed(a), da), (-2, -1))


def slogdet(a: Node) -> tuple[Node, Node]:
    """Return the signs of the determinants and the logarithms of their sizes."""
    result = Node.make(slogdet_op, (square_matrix(a, "slogdet"),), {})
    return index(result, 0, -1), index(result, 1, -1)
