"""Functions that are compositions of operations, as builders on nodes.

Their derivatives are those of what they are made of; where a derivative at an edge was chosen (the
table in the user guide), the comment says how the composition comes by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from diffc.errors import TypeProblem
from diffc.ir import Node
from diffc.ops.arithmetic import add, div, floor, mul, neg, square, sub
from diffc.ops.broadcasting import full, mean, sum_
from diffc.ops.constant import constant_like
from diffc.ops.elementary import exp, log, sqrt
from diffc.ops.elementwise import Operand, cast, lift
from diffc.ops.logic import eq, gt, logical_not, lt, where
from diffc.ops.products import matmul
from diffc.ops.recurrence import exclusive_products, linear_recurrence
from diffc.ops.reductions import any_
from diffc.ops.reshaping import expand_dims, moveaxis, normal_axis
from diffc.ops.softmax import logsumexp

__all__ = [
    "all_", "ceil", "clip", "cumprod", "cumsum", "dot", "exp2", "hypot", "log2", "log10", "log_softmax",
    "norm", "outer", "std", "var",
]  # fmt: skip

Axis = int | Sequence[int] | None


def log_softmax(x: Node, axis: Axis = -1) -> Node:
    """Return log(softmax(x)) over some axes, finite for every finite x."""
    x = _floating(x)
    return sub(x, logsumexp(x, axis, keepdims=True))


def clip(x: Operand, low: Operand, high: Operand) -> Node:
    """Return x held between two bounds; derivative 1 inside and at the bounds, 0 outside."""
    # Strict comparisons leave x itself at a bound, and with it its derivative.
    raised = where(lt(x, low), low, x)
    return where(gt(raised, high), high, raised)


def norm(x: Node, axis: Axis = None, keepdims: bool = False) -> Node:
    """Return the Euclidean norm over some axes; its gradient at 0 is 0."""
    return _safe_sqrt(sum_(square(_floating(x)), axis, keepdims))


def var(x: Node, axis: Axis = None, keepdims: bool = False) -> Node:
    """Return the variance over some axes, divided by the number of elements."""
    x = _floating(x)
    return mean(square(sub(x, mean(x, axis, keepdims=True))), axis, keepdims)


def std(x: Node, axis: Axis = None, keepdims: bool = False) -> Node:
    """Return the standard deviation over some axes; its gradient at 0 is 0."""
    return _safe_sqrt(var(x, axis, keepdims))


def _safe_sqrt(x: Node) -> Node:
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
    """Return the sums of the elements up to each place of an axis."""
    front = moveaxis(_floating(x), normal_axis(axis, x.rank, "cumsum"), 0)
    return moveaxis(linear_recurrence(full(1, front.type), front), 0, axis % x.rank)


def cumprod(x: Node, axis: int = 0) -> Node:
    """Return the products of the elements up to each place of an axis; exact with zeros among them."""
    front = moveaxis(_floating(x), normal_axis(axis, x.rank, "cumprod"), 0)
    return moveaxis(mul(exclusive_products(front), front), 0, axis % x.rank)


def all_(x: Node, axis: Axis = None, keepdims: bool = False) -> Node:
    """Return whether every element over some axes is true."""
    return logical_not(any_(logical_not(x), axis, keepdims))


def hypot(x: Operand, y: Operand) -> Node:
    """Return the distance of the point (x, y) from the origin; both derivatives there are 0."""
    # Brought to one dtype first: a Python number on its own would be squared as an integer.
    dtype = sqrt.common_dtype((x, y))
    return _safe_sqrt(add(square(lift(x, dtype)), square(lift(y, dtype))))


def ceil(x: Operand) -> Node:
    """Return the smallest integer not below x."""
    return neg(floor(neg(x)))


def log2(x: Operand) -> Node:
    """Return the logarithm to the base 2."""
    return div(log(x), math.log(2))


def log10(x: Operand) -> Node:
    """Return the logarithm to the base 10."""
    return div(log(x), math.log(10))


def exp2(x: Operand) -> Node:
    """Return 2**x."""
    return exp(mul(x, math.log(2)))


def _floating(x: Node) -> Node:
    return x if x.type.is_float else cast(x, "f64")
