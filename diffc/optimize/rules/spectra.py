"""Functions of symmetric matrices, written by eigenvalues and eigenvectors.

V diag(f(w)) V^T and sums of f(w) do not depend on which eigenvectors are taken where eigenvalues are equal,
and have derivatives there, which V alone has not. So these run before differentiation.
"""

from __future__ import annotations

from diffc.ir import Node
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.matrix_functions import spectral, spectral_sum
from diffc.ops.products import matmul
from diffc.optimize.eigenvalues import Reading, as_columns, as_rows, find_eigenvalues
from diffc.optimize.rewrite import FunctionRewrite, function_rewrite

__all__ = ["SPECTRA"]


@function_rewrite("matmul", stage="before")
def matrix_function(node: Node) -> Node | None:
    """(v*exp(w)) @ v.T => spectral(exp, a), for w and v of eigh(a), all of them or neighbouring ones."""
    left, right = node.inputs
    columns = as_columns(left)
    rows = columns and as_rows(right)
    if columns is None or rows is None:
        return None
    if (columns.matrix, columns.start, columns.count) != (rows.matrix, rows.start, rows.count):
        return None
    reading = Reading(columns.matrix, columns.start, columns.count)
    value = reading.product((*columns.factors, *rows.factors))
    if value is None:
        return None
    function = reading.function(value)
    result = spectral(function, columns.matrix, *reading.parameters)
    if columns.outer is not None:
        result = matmul(columns.outer, result)
    if rows.outer is not None:
        result = matmul(result, rows.outer)
    return result if result.shape == node.shape else None


@function_rewrite("solve", operands=("slice",), stage="before")
def inverse_of_eigenvectors(node: Node) -> Node | None:
    """solve(v, r) => r @ v, for all eigenvectors v of eigh(a), whose inverse is their transpose."""
    vectors, right = node.inputs
    found = as_columns(vectors)
    return matmul(right, vectors) if found and found.count == found.matrix.shape[-1] else None


@function_rewrite("sum", stage="before")
def sum_over_eigenvalues(node: Node) -> Node | None:
    """sum(log(eigvalsh(a))) => spectral_sum(log, a)."""
    value, axes = node.inputs[0], node.attrs["axes"]
    found = find_eigenvalues(value) if value.rank - 1 in axes else None
    if found is None:
        return None
    matrix, start = found
    reading = Reading(matrix, start, value.shape[-1])
    function = reading.of(value)
    if function is None or value.rank != matrix.rank - 1:
        return None
    result = spectral_sum(reading.function(function), matrix, *reading.parameters)
    return sum_(broadcast(result, value.shape[:-1]), [axis for axis in axes if axis != value.rank - 1])


SPECTRA: tuple[FunctionRewrite, ...] = (inverse_of_eigenvectors, matrix_function, sum_over_eigenvalues)
