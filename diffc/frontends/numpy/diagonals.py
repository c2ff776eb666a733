"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import known_extent, known_integer, unsupported
from diffc.frontends.numpy.creation import not_negative
from diffc.frontends.numpy.operands import as_array, as_axis, as_dtype, as_number_dtype
from diffc.frontends.numpy.registry import implements
from diffc.ir import Dim, Extent, Node
from diffc.ops import cast, constant_like, dim, iota
from diffc.ops.arithmetic import add
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.logic import eq, ge, lt, where
from diffc.ops.reshaping import expand_dims, reshape, transpose
from diffc.ops.slicing import pad
from diffc.syntax.arrays import diagonal_of

__all__ = ["diagonal_of", "on_diagonal"]


def on_diagonal(v: Node, offset: int) -> Node:
    """Return square matrices with the last axis of `v` on a diagonal, zeros elsewhere."""
    *leading, length = v.shape
    size = length + abs(offset)
    low, high = (max(-offset, 0), max(offset, 0))
    zeros = [0] * len(leading)
    column = pad(v, [*zeros, low], [*zeros, high])
    on = eq(add(_rows(size), dim(offset)), iota(size))
    return where(on, expand_dims(column, (v.rank,)), constant_like(0, v.dtype))


def _rows(extent: Extent) -> Node:
    return reshape(iota(extent), (extent, 1))


@implements(np.eye)
def eye(
    N: Any, M: Any = None, k: Any = 0, dtype: Any = float, order: str = "C", *, device: Any = None
) -> Node:
    """numpy.eye: ones on a diagonal."""
    rows, columns = _places(N, M, "eye")
    return cast(eq(add(rows, _offset(k)), columns), as_dtype(dtype))


@implements(np.identity)
def identity(n: Any, dtype: Any = None) -> Node:
    """numpy.identity."""
    return eye(n, dtype=dtype)


@implements(np.tri)
def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = float) -> Node:
    """numpy.tri: ones on a diagonal and below."""
    rows, columns = _places(N, M, "tri")
    return cast(ge(add(rows, _offset(k)), columns), as_dtype(dtype))


def _places(N: Any, M: Any, what: str) -> tuple[Node, Node]:
    """Return the numbers of the rows, as a column, and of the columns of a new matrix."""
    extents = [known_extent(each, f"numpy.{what}: an extent") for each in (N, N if M is None else M)]
    rows, columns = (not_negative(each, f"numpy.{what}") for each in extents)
    return _rows(rows), iota(columns)


def _offset(k: Any) -> Node:
    return dim(known_extent(k, "k"))


@implements(np.diag)
def diag(v: Any, k: Any = 0) -> Node:
    """numpy.diag: the diagonal of a matrix, or the matrix of a diagonal."""
    x, offset = as_array(v), known_integer(k, "k")
    if x.rank not in (1, 2):
        raise TypeProblem(f"numpy.diag: it takes a vector or a matrix, not {x.type}")
    return on_diagonal(x, offset) if x.rank == 1 else diagonal_of(x, offset)


@implements(np.diagflat)
def diagflat(v: Any, k: Any = 0) -> Node:
    """numpy.diagflat: the matrix with all elements on a diagonal."""
    x = as_array(v)
    return on_diagonal(reshape(x, (x.size,)), known_integer(k, "k"))


@implements(np.diagonal)
def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Node:
    """numpy.diagonal: the diagonal of two axes, as the last axis."""
    return diagonal_of(
        _with_axes_last(as_array(a), axis1, axis2, "diagonal"), known_integer(offset, "offset")
    )


@implements(np.trace)
def trace(
    a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None, out: Any = None
) -> Node:
    """numpy.trace: the sum of a diagonal."""
    unsupported("trace", out=out)
    x = _with_axes_last(as_array(a), axis1, axis2, "trace")
    x = x if dtype is None else cast(x, as_number_dtype(dtype))
    return sum_(diagonal_of(x, known_integer(offset, "offset")), -1)


def _with_axes_last(x: Node, axis1: Any, axis2: Any, what: str) -> Node:
    first, second = as_axis(axis1, x.rank, what), as_axis(axis2, x.rank, what)
    if first == second:
        raise TypeProblem(f"numpy.{what}: axis1 and axis2 are the same")
    return transpose(x, [*(k for k in range(x.rank) if k not in (first, second)), first, second])


@implements(np.tril)
def tril(m: Any, k: Any = 0) -> Node:
    """numpy.tril: zeros above a diagonal."""
    x, rows, columns = _grid(m)
    below = ge(add(rows, known_integer(k, "k")), columns)
    return where(below, x, constant_like(0, x.dtype))


@implements(np.triu)
def triu(m: Any, k: Any = 0) -> Node:
    """numpy.triu: zeros below a diagonal."""
    x, rows, columns = _grid(m)
    below = lt(columns, add(rows, known_integer(k, "k")))
    return where(below, constant_like(0, x.dtype), x)


def _grid(m: Any) -> tuple[Node, Node, Node]:
    """Return an array, and the numbers of its rows and columns."""
    x = as_array(m)
    if x.rank == 1:
        x = broadcast(x, (x.size, x.size))
    if x.rank == 0:
        raise TypeProblem(f"a triangle is taken of a matrix, not of {x.type}")
    return x, _rows(x.shape[-2]), iota(x.shape[-1])


@implements(np.tril_indices_from)
def tril_indices_from(arr: Any, k: Any = 0) -> Any:
    """numpy.tril_indices_from; the extents must be known."""
    rows, columns = _known_matrix(arr, "tril_indices_from")
    return np.tril_indices(rows, known_integer(k, "k"), columns)


@implements(np.triu_indices_from)
def triu_indices_from(arr: Any, k: Any = 0) -> Any:
    """numpy.triu_indices_from; the extents must be known."""
    rows, columns = _known_matrix(arr, "triu_indices_from")
    return np.triu_indices(rows, known_integer(k, "k"), columns)


@implements(np.diag_indices_from)
def diag_indices_from(arr: Any) -> Any:
    """numpy.diag_indices_from; the extents must be known."""
    x = as_array(arr)
    if x.rank < 2 or len(set(x.shape)) != 1 or isinstance(x.shape[0], Dim):
        raise TypeProblem(f"numpy.diag_indices_from: it takes an array of equal, known extents, not {x.type}")
    return np.diag_indices(x.shape[0], x.rank)


def _known_matrix(arr: Any, what: str) -> tuple[int, int]:
    x = as_array(arr)
    extents = [extent for extent in x.shape if isinstance(extent, int)]
    if x.rank != 2 or len(extents) != 2:
        raise TypeProblem(f"numpy.{what}: it takes a matrix of known extents, not {x.type}")
    return extents[0], extents[1]
