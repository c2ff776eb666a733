"""What matrices are made of: the identity, triangles, diagonals, vectors as rows and columns.

Everything works on the last two axes, whatever axes stand before them.
"""

from __future__ import annotations

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node
from diffc.ops.broadcasting import sum_
from diffc.ops.constant import constant_like, iota
from diffc.ops.elementwise import cast
from diffc.ops.logic import eq, ge, gt, where
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import slice_

__all__ = ["as_column", "as_row", "diagonal", "eye", "rows", "square_matrix", "triangle"]


def as_row(v: Node) -> Node:
    """Return vectors [..., n] as matrices [..., 1, n]."""
    return reshape(v, (*v.shape[:-1], 1, v.shape[-1]))


def as_column(v: Node) -> Node:
    """Return vectors [..., n] as matrices [..., n, 1]."""
    return reshape(v, (*v.shape, 1))


def rows(x: Node, start: Extent, count: Extent) -> Node:
    """Return `count` rows of matrices, from one on."""
    zeros = (0,) * (x.rank - 2)
    return slice_(x, (*zeros, start, 0), (*x.shape[:-2], count, x.shape[-1]))


def eye(n: Extent, dtype: str) -> Node:
    """Return the identity matrix."""
    return cast(eq(as_column(iota(n)), as_row(iota(n))), dtype)


def triangle(x: Node, lower: bool = True, strict: bool = False) -> Node:
    """Return matrices with zeros outside the lower or upper triangle; `strict` leaves the diagonal out."""
    down, across = as_column(iota(x.shape[-2])), as_row(iota(x.shape[-1]))
    beyond = gt if strict else ge
    kept = beyond(down, across) if lower else beyond(across, down)
    return where(kept, x, constant_like(0, x.dtype))


def diagonal(x: Node) -> Node:
    """Return the diagonals [..., n] of square matrices; nothing beside them contributes, not even NaN."""
    down, across = as_column(iota(x.shape[-2])), as_row(iota(x.shape[-1]))
    return sum_(where(eq(down, across), x, constant_like(0, x.dtype)), -1)


def square_matrix(x: Node, what: str) -> Node:
    """Return `x` if it holds square matrices in its last two axes, integers as f64; raise `TypeProblem`."""
    if x.rank < 2 or x.shape[-1] != x.shape[-2]:
        raise TypeProblem(f"{what}({x.type}): it takes square matrices in the last two axes")
    return x if x.type.is_float else cast(x, "f64")
