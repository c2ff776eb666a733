"""Functions of SciPy's `special` that are compositions of operations, as builders on nodes.

The arguments and the values at the edges are SciPy's. Where a branch is not taken its operands are replaced,
so that nothing in it is infinite.
"""

from __future__ import annotations

import math

from diffc.ir import Node
from diffc.ops.arithmetic import abs_, add, div, mul, neg, sub
from diffc.ops.constant import constant_like, scalar_value
from diffc.ops.elementary import cos, erfc, exp, exp2, expm1, hypot, log, log1p
from diffc.ops.elementwise import Operand, lift
from diffc.ops.gamma import gammaln
from diffc.ops.inverse_hyperbolic import atanh
from diffc.ops.logic import eq, ge, gt, le, logical_and, logical_or, lt, ne, where
from diffc.ops.remainders import fmod, mod
from diffc.ops.rounding import floor

__all__ = [
    "beta", "betaln", "binom", "entr", "factorial2", "gamma", "huber", "kl_div", "log1mexp", "log_ndtr",
    "loggamma", "logit", "ndtr", "poch", "pseudo_huber", "rel_entr",
]  # fmt: skip


# Functions of gamma. Formulas: Abramowitz and Stegun, Handbook of Mathematical Functions, chapter 6.

_STIRLING = 20.0
"""Beyond it the series is exact to the last bit."""
_MAX_PRODUCT = 33
"""A binomial coefficient of a whole number below it is written as a product."""


def gamma(x: Operand) -> Node:
    """Return the gamma function; NaN at the negative integers, inf at 0."""
    (x,) = _floats(x)
    pole = logical_or(eq(x, -math.inf), logical_and(lt(x, 0), eq(floor(x), x)))
    return where(pole, constant_like(math.nan, x.dtype), _signed(exp(gammaln(x)), x))


def factorial2(x: Operand) -> Node:
    """Return x!! = x (x - 2) (x - 4) ..., between the integers by a cosine, as mpmath has it."""
    (x,) = _floats(x)
    half, wave = mul(0.5, x), mul(0.25, sub(cos(mul(math.pi, fmod(x, 2.0))), 1.0))
    scale = mul(exp2(half), exp(mul(math.log(math.pi / 2), wave)))
    return mul(scale, gamma(add(half, 1.0)))


def _signed(value: Node, *arguments: Node) -> Node:
    """Return a value with the sign of the product of gamma at some arguments."""
    for x in arguments:
        # Between -1 and 0, between -3 and -2, ... it is negative.
        below = logical_and(lt(x, 0), ne(x, -math.inf))
        odd = eq(mod(floor(where(below, x, 0.0)), 2.0), 1)
        value = where(logical_and(below, odd), neg(value), value)
    return value


def loggamma(x: Operand) -> Node:
    """Return the logarithm of the gamma function where it is real: NaN below 0."""
    (x,) = _floats(x)
    return where(lt(x, 0), constant_like(math.nan, x.dtype), gammaln(x))


def betaln(x: Operand, y: Operand) -> Node:
    """Return the logarithm of |beta(x, y)|."""
    x, y = _floats(x, y)
    above = lt(x, y)
    large, small = where(above, y, x), where(above, x, y)
    return sub(gammaln(small), _rise(large, small))


def beta(x: Operand, y: Operand) -> Node:
    """Return gamma(x) gamma(y) / gamma(x + y); NaN where two of them are infinite."""
    x, y = _floats(x, y)
    return _signed(exp(betaln(x, y)), x, y, add(x, y))


def poch(x: Operand, n: Operand) -> Node:
    """Return gamma(x + n) / gamma(x), the rising factorial; NaN where both are infinite."""
    x, n = _floats(x, n)
    return _signed(exp(_rise(x, n)), x, add(x, n))


def binom(n: Operand, k: Operand) -> Node:
    """Return gamma(n + 1) / (gamma(k + 1) gamma(n - k + 1)); a polynomial in n for a whole number k."""
    n, k = _floats(n, k)
    count = scalar_value(k)
    if count is not None and count in range(_MAX_PRODUCT):
        return _choices(n, int(count))
    rest = sub(n, k)
    above = lt(k, rest)
    large, small = where(above, rest, k), where(above, k, rest)
    size = exp(sub(_rise(add(large, 1), small), gammaln(add(small, 1))))
    return _signed(size, add(n, 1), add(k, 1), add(rest, 1))


def _choices(n: Node, count: int) -> Node:
    value: Node = constant_like(1, n.dtype) if not count else n
    for k in range(1, count):
        value = div(mul(value, sub(n, k)), k + 1)
    return value


def _rise(x: Node, y: Node) -> Node:
    """Return log |gamma(x + y) / gamma(x)|, by Stirling's series where the two logarithms would cancel."""
    total = add(x, y)
    large = logical_and(gt(x, _STIRLING), gt(total, _STIRLING))
    a, b = (where(large, each, _STIRLING) for each in (x, total))
    step = where(large, y, 0.0)
    quotient = div(step, a)
    near = gt(quotient, -0.5)
    # Near -1 the sum of 1 and a quotient has lost what the sum of x and y has kept.
    ratio = where(near, log1p(where(near, quotient, 0.0)), log(div(b, a)))
    powers = add(mul(sub(a, 0.5), ratio), mul(step, sub(log(b), 1)))
    series = add(powers, sub(_stirling(b), _stirling(a)))
    return where(large, series, sub(gammaln(total), gammaln(x)))


def _stirling(x: Node) -> Node:
    """Return what log(gamma(x)) has beyond (x - 1/2) log(x) - x + log(2 pi)/2."""
    inverse = div(1, x)
    squared, total = mul(inverse, inverse), constant_like(1 / 1188, x.dtype)
    for coefficient in (-1 / 1680, 1 / 1260, -1 / 360, 1 / 12):
        total = add(coefficient, mul(squared, total))
    return mul(inverse, total)


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


# The normal distribution. Formulas: Abramowitz and Stegun, chapters 7 and 26.

_FAR, _DEPTH = -5.0, 26
"""Below it the continued fraction (26.2.14) of this depth is exact to the last bit."""


def ndtr(x: Operand) -> Node:
    """Return the probability that a standard normal variable is less."""
    (x,) = _floats(x)
    return mul(erfc(mul(x, -math.sqrt(0.5))), 0.5)


def log_ndtr(x: Operand) -> Node:
    """Return log(ndtr(x)), finite for every finite x whose square is."""
    (x,) = _floats(x)
    near, far = gt(x, -1), lt(x, _FAR)
    above = log1p(mul(erfc(mul(where(near, x, 0.0), math.sqrt(0.5))), -0.5))
    middle = log(ndtr(where(logical_or(near, far), -1.0, x)))
    # NaN goes this way, too. Nothing cancels here, in no derivative.
    z = neg(where(ge(x, _FAR), _FAR, x))
    fraction = z
    for k in range(_DEPTH, 0, -1):
        fraction = add(z, div(float(k), fraction))
    tail = sub(mul(mul(z, z), -0.5), add(log(fraction), 0.5 * math.log(2 * math.pi)))
    return where(near, above, where(ge(x, _FAR), middle, tail))


def log1mexp(x: Operand) -> Node:
    """Return log(1 - exp(-x)) for x >= 0, accurate for small and for large x."""
    (x,) = _floats(x)
    small = lt(x, math.log(2))
    below = log(neg(expm1(neg(where(small, x, 1.0)))))
    return where(small, below, log1p(neg(exp(neg(where(small, 1.0, x))))))
