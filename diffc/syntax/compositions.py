"""Functions that are compositions of operations, as builders on nodes.

Their derivatives are those of what they are made of; where a derivative at an edge was chosen (the
table in the user guide), the comment says how the composition comes by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffc.errors import TypeProblem
from diffc.ir import Node
from diffc.ops.arithmetic import mul, square, sub
from diffc.ops.broadcasting import full, mean, sum_
from diffc.ops.constant import constant_like
from diffc.ops.elementary import sqrt
from diffc.ops.elementwise import cast
from diffc.ops.logic import eq, logical_not, where
from diffc.ops.products import matmul
from diffc.ops.recurrence import exclusive_products, linear_recurrence
from diffc.ops.reductions import any_
from diffc.ops.reshaping import expand_dims, moveaxis, normal_axis
from diffc.ops.softmax import logsumexp

__all__ = [
    "all_", "cumprod", "cumsum", "dot", "log_softmax", "norm", "outer", "safe_sqrt", "std", "var",
]  # fmt: skip

Axis = int | Sequence[int] | None


def log_softmax(x: Node, axis: Axis = -1) -> Node:
    """Return log(softmax(x)) over some axes, finite for every finite x."""
    x = _floating(x)
    return sub(x, logsumexp(x, axis, keepdims=True))


def norm(x: Node, axis: Axis = None, keepdims: bool = False) -> Node:
    """Return the Euclidean norm over some axes; its gradient at 0 is 0."""
    return safe_sqrt(sum_(square(_floating(x)), axis, keepdims))


def var(x: Node, axis: Axis = None, keepdims: bool = False) -> Node:
    """Return the variance over some axes, divided by the number of elements."""
    x = _floating(x)
    return mean(square(sub(x, mean(x, axis, keepdims=True))), axis, keepdims)


def std(x: Node, axis: Axis = None, keepdims: bool = False) -> Node:
    """Return the standard deviation over some axes; its gradient at 0 is 0."""
    return safe_sqrt(var(x, axis, keepdims))


def safe_sqrt(x: Node) -> Node:
    """Return the square root, with derivative 0 at 0."""
    # The root is taken of 1 where x is 0, so that the branch not taken has a finite derivative.
    zero = eq(x, 0)
    one, nothing = constant_like(1, x.dtype), constant_like(0, x.dtype)
    return where(zero, nothing, sqrt(where(zero, one, x)))


def dot(a: Node, b: Node) -> Node:
    """Return the product of vectors or matrices; a scalar multiplies each element."""
    if a.rank == 0 or b.rank == 0:
        return mul(a, b)
    if b.rank > 2:
        raise TypeProblem(f"dot({a.type}, {b.type}): it takes vectors and matrices; use matmul")
    return matmul(a, b)


def outer(a: Node, b: Node) -> Node:
    """Return the products of every element of one vector with every element of another."""
    if a.rank != 1 or b.rank != 1:
        raise TypeProblem(f"outer({a.type}, {b.type}): it takes two vectors")
    return mul(expand_dims(a, (1,)), expand_dims(b, (0,)))


def cumsum(x: Node, axis: int = 0) -> Node:
    """Return the sums of the elements up to each place of an axis; of integers exact, modulo 2**64."""
    front = moveaxis(_number(x), normal_axis(axis, x.rank, "cumsum"), 0)
    return moveaxis(linear_recurrence(full(1, front.type), front), 0, axis % x.rank)


def cumprod(x: Node, axis: int = 0) -> Node:
    """Return the products of the elements up to each place of an axis; exact with zeros among them."""
    front = moveaxis(_number(x), normal_axis(axis, x.rank, "cumprod"), 0)
    return moveaxis(mul(exclusive_products(front), front), 0, axis % x.rank)


def all_(x: Node, axis: Axis = None, keepdims: bool = False) -> Node:
    """Return whether every element over some axes is true."""
    return logical_not(any_(logical_not(x), axis, keepdims))


def _number(x: Node) -> Node:
    return cast(x, "i64") if x.dtype == "bool" else x


def _floating(x: Node) -> Node:
    return x if x.type.is_float else cast(x, "f64")
