"""The derivatives of the digamma function, of a literal order n >= 1.

psi_n(x) = (-1)^(n+1) n! (x^-s + (x+1)^-s + ...), s = n + 1: a few terms one by one, with their errors, and
the rest by the Euler-Maclaurin formula. Below 0 it is psi_n(-z) = (-1)^n psi_n(1+z) + Q(cot(pi z)), Q being
the polynomial that the n-th derivative of pi cot(pi z) is, up to its sign. Formulas: Abramowitz and Stegun,
Handbook of Mathematical Functions, sections 6.4 and 23.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache, reduce

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import Pair, fast_two_sum, quotient, two_product, two_sum
from diffc.emit.maths.polynomial import estrin, horner, literal
from diffc.emit.maths.precision import through_f64
from diffc.emit.maths.reflection import PI, from_nearest_integer, where_negative

_SERIES = 16
"""How many terms with Bernoulli numbers; what they leave out is below 2^-58 from `_far` on."""


def polygamma(n: int) -> Callable[[Emitter, Value], Value]:
    """Return the emitter of the derivative of order n of the digamma function, 1 <= n <= MAX_ORDER."""

    @through_f64
    def of_order(e: Emitter, x: Value) -> Value:
        zero, one, infinity = literal(e, x, 0.0), literal(e, x, 1.0), literal(e, x, float("inf"))
        z = e.fabs(x)
        mirrored = e.select(e.fcmp("olt", x, zero), e.fadd(z, one), z)
        sums = _magnitude(e, mirrored, n)

        def reflected() -> Value:
            _, angle = from_nearest_integer(e, z)
            cotangent = e.fdiv(one, e.maths("tan", angle))
            bend = _cotangent_derivative(e, cotangent, n)
            return e.fsub(bend, sums) if n % 2 else e.fsub(sums, bend)

        result = where_negative(e, x, sums, reflected)
        pole = e.band(e.fcmp("ole", x, zero), e.fcmp("oeq", e.fsub(x, e.rint(x)), zero))
        pole = e.bor(pole, e.fcmp("oeq", x, e.fneg(infinity)))
        result = e.select(pole, infinity, e.select(e.fcmp("oeq", x, infinity), zero, result))
        return result if n % 2 else e.fneg(result)

    return of_order


def _far(n: int) -> int:
    """Return from where on the series alone serves."""
    return 8 + 5 * n // 8


def _magnitude(e: Emitter, z: Value, n: int) -> Value:
    """Return n! (z^-s + (z+1)^-s + ...) for z >= 0."""
    zero, one, far = literal(e, z, 0.0), literal(e, z, 1.0), literal(e, z, float(_far(n)))
    total, error, steps = zero, zero, zero
    factorial = literal(e, z, float(math.factorial(n)))
    for k in range(_far(n)):
        at = two_sum(e, z, literal(e, z, float(k)))
        near = e.fcmp("olt", at[0], far)
        term, lost = (e.select(near, part, zero) for part in _inverse_power(e, at, n + 1))
        total, rounding = two_sum(e, total, term)
        error = e.fadd(error, e.fadd(lost, rounding))
        steps = e.fadd(steps, e.select(near, one, zero))
    tail, tail_lo = _tail(e, two_sum(e, z, steps), n)
    product, lost = two_product(e, total, factorial)
    hi, lo = two_sum(e, product, tail)
    value = e.fadd(hi, e.fadd(lo, e.fadd(tail_lo, e.fma(error, factorial, lost))))
    # Where a power overflows its error is no number.
    infinity = literal(e, z, float("inf"))
    return e.select(e.fcmp("oeq", product, infinity), infinity, value)


def _inverse(e: Emitter, x: Pair) -> Pair:
    return quotient(e, (literal(e, x[0], 1.0), literal(e, x[0], 0.0)), x)


def _inverse_power(e: Emitter, x: Pair, exponent: int) -> Pair:
    """Return x^-exponent by repeated squaring of pairs."""
    square, result = _inverse(e, x), None
    while True:
        if exponent & 1:
            result = square if result is None else _pair_product(e, result, square)
        exponent >>= 1
        if not exponent:
            break
        square = _pair_product(e, square, square)
    assert result is not None
    return result


def _pair_product(e: Emitter, a: Pair, b: Pair) -> Pair:
    hi, error = two_product(e, a[0], b[0])
    return hi, e.fma(a[0], b[1], e.fma(a[1], b[0], error))


def _tail(e: Emitter, z: Pair, n: int) -> Pair:
    """Return n! times the sum from z >= `_far` on: (n-1)! z^-n (1 + n/(2 z) + ...)."""
    inverse = _inverse(e, z)
    # The factorial first: a power alone may underflow.
    scale = literal(e, z[0], float(math.factorial(n - 1))), literal(e, z[0], 0.0)
    power = fast_two_sum(e, *reduce(lambda p, _: _pair_product(e, p, inverse), range(n), scale))
    square = e.fmul(inverse[0], inverse[0])
    series = e.fmul(square, estrin(e, square, _bernoulli_terms(n)))
    half = literal(e, z[0], n / 2)
    product, lost = two_product(e, half, inverse[0])
    rest, error = two_sum(e, product, series)
    error = e.fadd(error, e.fma(half, inverse[1], lost))
    more, lost = two_product(e, power[0], rest)
    hi, lo = fast_two_sum(e, power[0], more)
    return hi, e.fadd(lo, e.fadd(lost, e.fma(power[0], error, power[1])))


@cache
def _bernoulli_terms(n: int) -> tuple[float, ...]:
    """Return B_2j (n + 2j - 1)! / ((2j)! (n - 1)!) for j = 1, 2, ..."""
    numbers = _bernoulli(2 * _SERIES)
    return tuple(
        float(
            numbers[2 * j]
            * Fraction(math.factorial(n + 2 * j - 1), math.factorial(2 * j) * math.factorial(n - 1))
        )
        for j in range(1, _SERIES + 1)
    )


@cache
def _bernoulli(count: int) -> tuple[Fraction, ...]:
    numbers = [Fraction(1)]
    for m in range(1, count + 1):
        total = sum((math.comb(m + 1, k) * numbers[k] for k in range(m)), Fraction(0))
        numbers.append(-total / (m + 1))
    return tuple(numbers)


def _cotangent_derivative(e: Emitter, cotangent: Value, n: int) -> Value:
    """Return the derivative of order n of pi cot(pi z) times (-1)^n: every coefficient is positive."""
    coefficients = [0.0, PI]
    for _ in range(n):  # c' = -pi (1 + c^2)
        slope = [k * each for k, each in enumerate(coefficients)][1:]
        lengthened = [*slope, 0.0, 0.0]
        for k, each in enumerate(slope):
            lengthened[k + 2] += each
        coefficients = [PI * each for each in lengthened]
    odd = (n + 1) % 2
    square = e.fmul(cotangent, cotangent)
    value = horner(e, square, coefficients[odd::2])
    return e.fmul(value, cotangent) if odd else value
