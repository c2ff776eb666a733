"""Arrays that a formula makes, diagonals and orders, as builders on nodes."""

from __future__ import annotations

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node
from diffc.ops import cast, constant_like, dim, iota
from diffc.ops.arithmetic import add, div, mul, sub
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.elementary import exp
from diffc.ops.elementwise import Operand, lift
from diffc.ops.indexing import gather
from diffc.ops.logic import eq, where
from diffc.ops.matrices import diagonal
from diffc.ops.matrices import eye as identity
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import slice_

__all__ = ["diag", "diagonal_of", "eye", "linspace", "trace"]


def eye(n: Extent) -> Node:
    """Return the identity matrix, in f64."""
    return identity(n, "f64")


def diag(x: Node) -> Node:
    """Return the matrix with a vector on its diagonal, or the diagonal of a square matrix.

    Raises:
        TypeProblem: for anything but a vector or a square matrix.
    """
    if x.rank == 1:
        on_diagonal = eq(identity(x.shape[0], "i64"), 1)
        return where(on_diagonal, x, constant_like(0, x.dtype))
    if x.rank != 2 or x.shape[0] != x.shape[1]:
        raise TypeProblem(f"diag({x.type}): it takes a vector or a square matrix")
    return diagonal(x)


def diagonal_of(x: Node, offset: int) -> Node:
    """Return a diagonal of the last two axes, as the last axis.

    Raises:
        TypeProblem: for a matrix of symbolic extents that is not square, whose diagonal has no known length.
    """
    *leading, rows, columns = x.shape
    length = _diagonal_length(x, rows, columns, offset)
    if isinstance(length, int) and length == 0:
        return slice_(reshape(x, (*leading, rows * columns)), (0,) * (x.rank - 1), (*leading, 0))
    # The elements of a diagonal stand at equal distances among all of the matrix.
    start = offset if offset >= 0 else -offset * columns
    flat = reshape(x, (*leading, rows * columns))
    if isinstance(columns, int):
        zeros = (0,) * len(leading)
        return slice_(flat, (*zeros, start), (*leading, length), (1,) * len(leading) + (columns + 1,))
    places = add(mul(iota(length), dim(columns + 1)), dim(start))
    return gather(flat, places, -1)


def _diagonal_length(x: Node, rows: Extent, columns: Extent, offset: int) -> Extent:
    if isinstance(rows, int) and isinstance(columns, int):
        return max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    if rows != columns:
        raise TypeProblem(f"the length of the diagonal of {x.type} is no polynomial of its extents")
    return rows - abs(offset)


def trace(x: Node) -> Node:
    """Return the sum of the diagonal of a square matrix."""
    if x.rank != 2 or x.shape[0] != x.shape[1]:
        raise TypeProblem(f"trace({x.type}): it takes a square matrix")
    return sum_(diagonal(x))


def linspace(start: Operand, stop: Operand, n: Extent) -> Node:
    """Return n numbers at equal distances, the last of which is the stop itself.

    Raises:
        TypeProblem: for bounds that are no scalars.
    """
    dtype = exp.common_dtype((start, stop))
    low, high = lift(start, dtype), lift(stop, dtype)
    if low.rank or high.rank:
        raise TypeProblem(f"linspace({low.type}, {high.type}, n): it takes scalars")
    places, last = iota(n), sub(dim(n), 1)
    # Of one number the step is not used: it is the start.
    steps = cast(where(eq(last, 0), 1, last), dtype)
    width = div(sub(high, low), steps)
    points = add(low, mul(cast(places, dtype), width))
    at_end = eq(where(eq(last, 0), -1, last), places)
    return broadcast(where(at_end, high, points), (n,))
