"""Functions of SciPy's `special` that are compositions of operations, as builders on nodes.

The arguments and the values at the edges are SciPy's. Where a branch is not taken its operands are replaced,
so that nothing in it is infinite.
"""

from __future__ import annotations

import math

from diffc.ir import Node
from diffc.ops.arithmetic import abs_, add, div, mul, neg, sub
from diffc.ops.constant import constant_like
from diffc.ops.elementary import exp, hypot, log, log1p
from diffc.ops.elementwise import Operand, lift
from diffc.ops.gamma import gammaln
from diffc.ops.inverse_hyperbolic import atanh
from diffc.ops.logic import eq, ge, gt, le, logical_and, logical_or, lt, ne, where
from diffc.ops.remainders import mod
from diffc.ops.rounding import floor

__all__ = [
    "betaln", "entr", "gamma", "huber", "kl_div", "loggamma", "logit", "pseudo_huber", "rel_entr",
]  # fmt: skip


# Functions of gamma.


def gamma(x: Operand) -> Node:
    """Return the gamma function; NaN at the negative integers, inf at 0."""
    (x,) = _floats(x)
    size = exp(gammaln(x))
    # Between -1 and 0, between -3 and -2, ... it is negative.
    below = logical_and(lt(x, 0), ne(x, -math.inf))
    whole = floor(where(below, x, 0.0))
    value = where(logical_and(below, eq(mod(whole, 2.0), 1)), neg(size), size)
    pole = logical_or(eq(x, -math.inf), logical_and(below, eq(whole, x)))
    return where(pole, constant_like(math.nan, x.dtype), value)


def loggamma(x: Operand) -> Node:
    """Return the logarithm of the gamma function where it is real: NaN below 0."""
    (x,) = _floats(x)
    return where(lt(x, 0), constant_like(math.nan, x.dtype), gammaln(x))


def betaln(x: Operand, y: Operand) -> Node:
    """Return the logarithm of |beta(x, y)|."""
    x, y = _floats(x, y)
    return add(gammaln(x), sub(gammaln(y), gammaln(add(x, y))))


# Logarithms of probabilities.


def logit(x: Operand) -> Node:
    """Return log(x / (1 - x)), accurate where that is near 0."""
    (x,) = _floats(x)
    offset = sub(x, 0.5)
    near = lt(abs_(offset), 0.2)
    return where(near, mul(2.0, atanh(mul(2.0, offset))), sub(log(x), log1p(neg(x))))


def entr(x: Operand) -> Node:
    """Return -x log(x): 0 at 0 and -inf below."""
    (x,) = _floats(x)
    inside = where(gt(x, 0), x, 1.0)
    # 0 * x is in the dtype of x; it is not a number where x is not.
    outside = where(lt(x, 0), constant_like(-math.inf, x.dtype), mul(0.0, x))
    return where(gt(x, 0), neg(mul(inside, log(inside))), outside)


def rel_entr(x: Operand, y: Operand) -> Node:
    """Return x log(x / y): 0 where x is 0 and y not negative, inf outside of x >= 0, y > 0."""
    x, y = _floats(x, y)
    inside = logical_and(gt(x, 0), gt(y, 0))
    a, b = where(inside, x, 1.0), where(inside, y, 1.0)
    ratio = div(a, b)
    extreme = logical_or(eq(ratio, 0), eq(ratio, math.inf))
    apart = where(extreme, sub(log(a), log(b)), log(where(extreme, 1.0, ratio)))
    near = le(abs_(sub(a, b)), mul(0.5, b))
    value = mul(a, where(near, log1p(div(sub(a, b), b)), apart))
    return where(inside, value, _outside(x, y))


def kl_div(x: Operand, y: Operand) -> Node:
    """Return x log(x / y) - x + y, with the values of `rel_entr` at the edges."""
    x, y = _floats(x, y)
    relative = rel_entr(x, y)
    infinite = eq(relative, math.inf)
    return where(infinite, relative, add(relative, sub(y, x)))


def _outside(x: Node, y: Node) -> Node:
    """Return 0 where x is 0 and y not negative, NaN where either is, inf elsewhere."""
    unknown = logical_or(ne(x, x), ne(y, y))
    zero, infinity = (constant_like(number, x.dtype) for number in (0.0, math.inf))
    value = where(logical_and(eq(x, 0), ge(y, 0)), zero, infinity)
    return where(unknown, constant_like(math.nan, x.dtype), value)


# Losses.


def huber(delta: Operand, r: Operand) -> Node:
    """Return r**2/2 up to |r| = delta and delta (|r| - delta/2) beyond; inf for a negative delta."""
    delta, r = _floats(delta, r)
    size = abs_(r)
    linear = mul(delta, sub(size, mul(0.5, delta)))
    value = where(le(size, delta), mul(0.5, mul(r, r)), linear)
    return where(lt(delta, 0), constant_like(math.inf, r.dtype), value)


def pseudo_huber(delta: Operand, r: Operand) -> Node:
    """Return delta**2 (sqrt(1 + (r/delta)**2) - 1); inf for a negative delta."""
    delta, r = _floats(delta, r)
    nothing = eq(delta, 0)
    slope = div(r, where(nothing, 1.0, delta))
    root = hypot(1.0, slope)
    # The difference cancels near 0, the quotient is none of infinities.
    value = where(gt(root, 2.0), mul(delta, mul(delta, sub(root, 1.0))), div(mul(r, r), add(1.0, root)))
    value = where(nothing, constant_like(0.0, r.dtype), value)
    return where(lt(delta, 0), constant_like(math.inf, r.dtype), value)


def _floats(*operands: Operand) -> list[Node]:
    """Return the operands in their common floating-point dtype."""
    dtype = exp.common_dtype(operands)
    return [lift(each, dtype) for each in operands]
