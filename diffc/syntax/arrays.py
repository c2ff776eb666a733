"""Arrays that a formula makes, diagonals and orders, as builders on nodes."""

from __future__ import annotations

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node
from diffc.ops import cast, constant_like, dim, iota
from diffc.ops.arithmetic import add, div, mul, sub
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.elementary import exp
from diffc.ops.elementwise import Operand, lift
from diffc.ops.logic import eq, where
from diffc.ops.matrices import diagonal
from diffc.ops.matrices import eye as identity

__all__ = ["diag", "eye", "linspace", "trace"]


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
