"""Elementwise functions that are compositions of operations, as builders on nodes.

Each keeps its relative accuracy and has its true derivatives, of every order, also at points where a textbook
form has none (`sinc` and `exprel` at 0). Where a derivative at an edge was chosen (the table in the user
guide), the comment says how the composition comes by it. Formulas: Abramowitz and Stegun, Handbook of
Mathematical Functions, sections 4.3 to 4.6.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from diffc.ir import Node
from diffc.ops.arithmetic import abs_, add, copysign, div, maximum, minimum, mul, neg, sign, square, sub
from diffc.ops.constant import constant, constant_like, pi
from diffc.ops.elementary import exp, expm1, log, log1p, logaddexp, sin, softplus, sqrt
from diffc.ops.elementwise import Elementwise, Operand, lift
from diffc.ops.exact import weak
from diffc.ops.logic import eq, gt, le, logical_and, logical_or, lt, ne, where

__all__ = [
    "acosh", "acosh_of_one_plus", "clip", "deg2rad", "exprel", "fmax", "fmin",
    "heaviside", "isfinite", "isinf", "isnan", "log_sigmoid", "logaddexp2", "logical_xor", "odd",
    "positive", "rad2deg", "reciprocal", "signbit", "sinc", "sinc_of_angle", "xlog1py", "xlogy",
]  # fmt: skip

_DEGREE, _RADIAN = weak(div(pi(), 180)), weak(div(180, pi()))
_LOG_2 = weak(log(constant(2.0)))
_LARGE = 2.0**28
"""Beyond it sqrt(x**2 - 1) is x to the last bit, and x**2 is best not formed."""


# Piecewise.


def clip(x: Operand, low: Operand, high: Operand) -> Node:
    """Return x held between two bounds; derivative 1 inside and at the bounds, 0 outside."""
    # Strict comparisons leave x itself at a bound, and with it its derivative.
    raised = where(lt(x, low), low, x)
    return where(gt(raised, high), high, raised)


def fmax(x: Operand, y: Operand) -> Node:
    """Return the larger of two, or the other where one is NaN; at a tie each gets half of the derivative."""
    return _ignoring_nan(maximum, x, y)


def fmin(x: Operand, y: Operand) -> Node:
    """Return the smaller of two, or the other where one is NaN; at a tie each gets half of the derivative."""
    return _ignoring_nan(minimum, x, y)


def _ignoring_nan(choose: Elementwise, x: Operand, y: Operand) -> Node:
    dtype = choose.common_dtype((x, y))
    x, y = lift(x, dtype), lift(y, dtype)
    if dtype == "i64":
        return choose(x, y)
    return where(ne(x, x), y, where(ne(y, y), x, choose(x, y)))


def heaviside(x: Operand, at_zero: Operand) -> Node:
    """Return 0 below 0, 1 above it and `at_zero` at 0; its derivative by x is 0 everywhere."""
    dtype = exp.common_dtype((x, at_zero))
    x, at_zero = lift(x, dtype), lift(at_zero, dtype)
    return where(eq(x, 0), at_zero, mul(0.5, add(1, sign(x))))


def positive(x: Operand) -> Node:
    """Return x itself."""
    return lift(x)


def signbit(x: Operand) -> Node:
    """Return whether the sign is negative, that of -0.0 too."""
    return lt(copysign(1, x), 0)


def isnan(x: Operand) -> Node:
    """Return whether x is not a number."""
    x = _float(x)
    return ne(x, x)


def isinf(x: Operand) -> Node:
    """Return whether x is infinite."""
    return eq(abs_(_float(x)), math.inf)


def isfinite(x: Operand) -> Node:
    """Return whether x is neither infinite nor NaN."""
    return lt(abs_(_float(x)), math.inf)


def logical_xor(x: Operand, y: Operand) -> Node:
    """Return whether exactly one of two is true; a number is true unless it is 0."""
    return ne(lift(x, "bool"), lift(y, "bool"))


# Arithmetic.


def reciprocal(x: Operand) -> Node:
    """Return 1/x."""
    return div(1, x)


def deg2rad(x: Operand) -> Node:
    """Return an angle in degrees as radians."""
    return mul(_float(x), _DEGREE)


def rad2deg(x: Operand) -> Node:
    """Return an angle in radians as degrees."""
    return mul(_float(x), _RADIAN)


# Exponentials and logarithms.


def log_sigmoid(x: Operand) -> Node:
    """Return log(sigmoid(x)), finite for every finite x."""
    return neg(softplus(neg(_float(x))))


def logaddexp2(x: Operand, y: Operand) -> Node:
    """Return log2(2**x + 2**y)."""
    dtype = exp.common_dtype((x, y))
    scaled = [mul(lift(each, dtype), _LOG_2) for each in (x, y)]
    return div(logaddexp(*scaled), _LOG_2)


def xlogy(x: Operand, y: Operand) -> Node:
    """Return x log(y), and 0 where x is 0 and y no positive number; both derivatives are 0 there."""
    dtype = exp.common_dtype((x, y))
    x, y = lift(x, dtype), lift(y, dtype)
    return _zero_times_log(x, y, le(y, 0), log)


def xlog1py(x: Operand, y: Operand) -> Node:
    """Return x log(1 + y), and 0 where x is 0 and the logarithm not finite; both derivatives are 0 there."""
    dtype = exp.common_dtype((x, y))
    x, y = lift(x, dtype), lift(y, dtype)
    return _zero_times_log(x, y, le(y, -1), log1p)


def _zero_times_log(x: Node, y: Node, outside: Node, logarithm: Callable[[Node], Node]) -> Node:
    # Elsewhere it is the product itself, whose derivative by x is the logarithm also where x is 0.
    edge = logical_and(eq(x, 0), logical_or(outside, eq(y, math.inf)))
    return where(edge, constant_like(0, x.dtype), mul(x, logarithm(y)))


def acosh(x: Operand) -> Node:
    """Return the inverse hyperbolic cosine; NaN below 1."""
    return acosh_of_one_plus(sub(_float(x), 1))


def acosh_of_one_plus(t: Node) -> Node:
    """Return acosh(1 + t); it is NaN below t = 0."""
    # Two roots: below 1 the first is NaN, and at 1 its slope, inf, is not multiplied by 0.
    small = add(t, mul(sqrt(t), sqrt(add(t, 2))))
    large = gt(t, _LARGE)
    value = log1p(where(large, t, small))
    return add(value, where(large, constant_like(_LOG_2, t.dtype), 0))


def odd(function: Callable[[Node], Node], x: Node) -> Node:
    """Return an odd function from its values on x >= 0; one-sided forms keep the slope at 0."""
    negative = lt(x, 0)
    value = function(where(negative, neg(x), x))
    return where(negative, neg(value), value)


# Quotients that are smooth where both sides vanish.

_SINC = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(13))
_EXPREL = tuple(1 / math.factorial(k + 1) for k in range(19))


def sinc(x: Operand) -> Node:
    """Return sin(pi x) / (pi x), 1 at 0."""
    return sinc_of_angle(mul(_float(x), weak(pi())))


def sinc_of_angle(x: Node) -> Node:
    """Return sin(x) / x, by its Taylor series inside (-1, 1), where derivatives of the quotient cancel."""
    return where(lt(abs_(x), 1), _series(square(x), _SINC), div(sin(x), x))


def exprel(x: Operand) -> Node:
    """Return (exp(x) - 1) / x, 1 at 0, by its Taylor series inside (-1, 1)."""
    x = _float(x)
    quotient = where(eq(x, math.inf), x, div(expm1(x), x))
    return where(lt(abs_(x), 1), _series(x, _EXPREL), quotient)


def _series(x: Node, coefficients: tuple[float, ...]) -> Node:
    total: Node = constant_like(coefficients[-1], x.dtype)
    for coefficient in reversed(coefficients[:-1]):
        total = add(coefficient, mul(x, total))
    return total


def _float(x: Operand) -> Node:
    return lift(x, exp.common_dtype((x,)))
