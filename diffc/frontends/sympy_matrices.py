"""What each SymPy matrix expression is in diffc's operations, by the name of its SymPy class.

A matrix stays one value: a product is `matmul`, an inverse beside a factor a solution of a system. Nothing
is written out by its elements. Like `sympy_functions.py`, this table needs no SymPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

from diffc.errors import DiffcError
from diffc.frontends.sympy_text import shown
from diffc.ir import Node, Type
from diffc.ops import constant_like, scalar_value
from diffc.ops.arithmetic import add, mul, sub
from diffc.ops.broadcasting import full, sum_
from diffc.ops.determinants import det
from diffc.ops.linalg import inv, solve
from diffc.ops.logic import eq, where
from diffc.ops.matrices import as_column, diagonal, eye
from diffc.ops.powers import power
from diffc.ops.products import matmul, swap_last
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import concatenate, pad, slice_, stack

__all__ = ["LEAVES", "MATRICES", "matrix_children", "matrix_extents"]

MAX_SOLVES = 16
"""A negative power up to this one is as many systems; a higher one is a power of the inverse."""


def matrix_extents(expr: Any) -> tuple[int, int]:
    """Return a matrix's shape; raise `DiffcError` where it is symbolic."""
    try:
        rows, columns = (int(each) for each in expr.shape)
    except TypeError:
        symbols = dict.fromkeys(each for each in expr.shape if not each.is_number)
        numbers = ", ".join(f"{each}: 3" for each in symbols)
        raise DiffcError(
            f"the matrix {shown(expr)} cannot be written out: its shape {expr.shape} is symbolic; use "
            f"numbers, as with .subs({{{numbers}}})"
        ) from None
    return rows, columns


def matrix_children(expr: Any, head: str) -> Iterator[Any]:
    """Return what must be translated before a matrix expression is."""
    match head:
        case "MatMul":
            for each in expr.args:
                yield each.args[0] if type(each).__name__ in ("Inverse", "MatPow") else each
        case "ImmutableDenseMatrix" | "ImmutableSparseMatrix":
            yield from expr.flat()
        case "BlockMatrix":
            yield from expr.args[0].flat()
        case "Inverse" | "MatPow" | "MatrixSlice" | "MatrixElement":
            yield expr.args[0]
        case _:
            yield from expr.args


# Products: each factor is a matrix, or one whose inverse is meant.


def _product(expr: Any, operands: Sequence[Node]) -> Node:
    scalars = [node for node in operands if not node.rank]
    factors: list[tuple[Node, bool]] = []
    for each, node in zip(expr.args, operands, strict=True):
        factors += _factors(each, node) if node.rank else []
    return reduce(lambda x, c: mul(c, x), scalars, _multiplied(factors))


def _factors(expr: Any, node: Node) -> list[tuple[Node, bool]]:
    """Return an expression as factors, from the node of its base if it is an inverse or a power."""
    if type(expr).__name__ not in ("Inverse", "MatPow"):
        return [(node, False)]
    exponent = expr.args[1]
    if node.shape == (1, 1) and exponent.is_Number:
        return [(power(node, float(exponent)), False)]
    if not exponent.is_Integer:
        raise DiffcError(f"{shown(expr)}: a power of a matrix that is no whole number is not supported")
    count = int(exponent)
    if -MAX_SOLVES <= count < 0:
        return [(node, True)] * -count
    return [(_raised(node if count >= 0 else inv(node), abs(count)), False)]


def _raised(x: Node, count: int) -> Node:
    """Return a power by squaring."""
    result: Node | None = None
    while count:
        if count % 2:
            result = x if result is None else matmul(result, x)
        count //= 2
        x = matmul(x, x) if count else x
    return eye(x.shape[-1], x.dtype) if result is None else result


def _multiplied(factors: Sequence[tuple[Node, bool]]) -> Node:
    """Return the product, from the side on which it has fewer numbers."""
    rows, columns = factors[0][0].shape[0], factors[-1][0].shape[1]
    if isinstance(rows, int) and isinstance(columns, int) and rows < columns:
        return _value(reduce(_pair, factors))
    return _value(reduce(lambda right, left: _pair(left, right), reversed(factors)))


def _pair(left: tuple[Node, bool], right: tuple[Node, bool]) -> tuple[Node, bool]:
    if left[1]:
        return solve(left[0], _value(right)), False
    if right[1]:
        return swap_last(solve(swap_last(right[0]), swap_last(left[0]))), False
    return matmul(left[0], right[0]), False


def _value(factor: tuple[Node, bool]) -> Node:
    return inv(factor[0]) if factor[1] else factor[0]


def _power(expr: Any, operands: Sequence[Node]) -> Node:
    return _multiplied(_factors(expr, operands[0]))


# Everything else.


def _sum(expr: Any, operands: Sequence[Node]) -> Node:
    first, *others = operands
    for term, node in zip(expr.args[1:], others, strict=True):
        negative = type(term).__name__ == "MatMul" and scalar_value(node.inputs[0]) == -1
        first = sub(first, node.inputs[1]) if negative else add(first, node)
    return first


def _hadamard(expr: Any, operands: Sequence[Node]) -> Node:
    return reduce(mul, operands)


def _hadamard_power(expr: Any, operands: Sequence[Node]) -> Node:
    base, exponent = operands
    return power(base, float(expr.args[1]) if getattr(expr.args[1], "is_Number", False) else exponent)


def _transpose(expr: Any, operands: Sequence[Node]) -> Node:
    return swap_last(operands[0])


def _trace(expr: Any, operands: Sequence[Node]) -> Node:
    return sum_(diagonal(operands[0]))


def _determinant(expr: Any, operands: Sequence[Node]) -> Node:
    return det(operands[0])


def _dot(expr: Any, operands: Sequence[Node]) -> Node:
    a, b = (reshape(each, (each.size,)) for each in operands)
    return sum_(mul(a, b))


def _element(expr: Any, operands: Sequence[Node]) -> Node:
    (x,) = operands
    try:
        i, j = (int(each) for each in expr.args[1:])
    except TypeError:
        raise DiffcError(f"{shown(expr)}: an element is at numbers, not at symbols") from None
    return reshape(slice_(x, (i, j), (1, 1)), ())


def _slice(expr: Any, operands: Sequence[Node]) -> Node:
    starts, steps = ([int(part[k]) for part in expr.args[1:]] for k in (0, 2))
    if min(steps) < 1:
        raise DiffcError(f"{shown(expr)}: a slice with a negative step is not supported")
    return slice_(operands[0], starts, matrix_extents(expr), steps)


def _explicit(expr: Any, operands: Sequence[Node]) -> Node:
    return reshape(stack(operands), matrix_extents(expr))


def _blocks(expr: Any, operands: Sequence[Node]) -> Node:
    count = int(expr.args[0].shape[1])
    rows = [concatenate(operands[k : k + count], 1) for k in range(0, len(operands), count)]
    return concatenate(rows, 0)


def _block_diagonal(expr: Any, operands: Sequence[Node]) -> Node:
    columns, before, rows = matrix_extents(expr)[1], 0, list[Node]()
    for block in operands:
        width = int(str(block.shape[1]))
        rows.append(pad(block, (0, before), (0, columns - before - width)))
        before += width
    return concatenate(rows, 0)


def _kronecker(expr: Any, operands: Sequence[Node]) -> Node:
    def pair(a: Node, b: Node) -> Node:
        wide = mul(reshape(a, (a.shape[0], 1, a.shape[1], 1)), reshape(b, (1, b.shape[0], 1, b.shape[1])))
        return reshape(wide, (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]))

    return reduce(pair, operands)


def _diagonal_matrix(expr: Any, operands: Sequence[Node]) -> Node:
    """Return a vector on the diagonal, or the diagonal of a matrix, with zeros beside it."""
    (x,) = operands
    n = matrix_extents(expr)[0]
    if 1 in x.shape:
        x = reshape(x, (1, n))
    on_diagonal = eq(eye(n, x.dtype), 1)
    return where(on_diagonal, x, constant_like(0, x.dtype))


def _diagonal_of(expr: Any, operands: Sequence[Node]) -> Node:
    return as_column(diagonal(operands[0]))


MATRICES: dict[str, Callable[[Any, Sequence[Node]], Node]] = {
    "MatMul": _product,
    "MatPow": _power,
    "Inverse": _power,
    "MatAdd": _sum,
    "HadamardProduct": _hadamard,
    "HadamardPower": _hadamard_power,
    "KroneckerProduct": _kronecker,
    "Transpose": _transpose,
    "Adjoint": _transpose,
    "Trace": _trace,
    "Determinant": _determinant,
    "DotProduct": _dot,
    "MatrixElement": _element,
    "MatrixSlice": _slice,
    "ImmutableDenseMatrix": _explicit,
    "ImmutableSparseMatrix": _explicit,
    "BlockMatrix": _blocks,
    "BlockDiagMatrix": _block_diagonal,
    "DiagMatrix": _diagonal_matrix,
    "DiagonalMatrix": _diagonal_matrix,
    "DiagonalOf": _diagonal_of,
}
"""How each matrix expression is built from the nodes of `matrix_children`; all values are real."""

LEAVES: dict[str, Callable[[Any, str], Node]] = {
    "Identity": lambda expr, dtype: eye(matrix_extents(expr)[0], dtype),
    "ZeroMatrix": lambda expr, dtype: full(0, Type(dtype, matrix_extents(expr))),
    "OneMatrix": lambda expr, dtype: full(1, Type(dtype, matrix_extents(expr))),
}
"""The matrices that are known."""
