"""Unevaluated sums hi + lo of two floats: the error-free transformations of Dekker, Knuth and Ogita-Rump.

With |lo| <= ulp(hi)/2 a pair carries about twice the precision. Source: Muller et al., "Handbook of
Floating-Point Arithmetic", chapters 4 and 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.polynomial import estrin, horner, literal

Pair: TypeAlias = tuple[Value, Value]


def fast_two_sum(e: Emitter, a: Value, b: Value) -> Pair:
    """Return a + b exactly, given |a| >= |b| or a == 0."""
    hi = e.fadd(a, b)
    return hi, e.fsub(b, e.fsub(hi, a))


def two_sum(e: Emitter, a: Value, b: Value) -> Pair:
    """Return a + b exactly, for any order of magnitudes."""
    hi = e.fadd(a, b)
    b_seen = e.fsub(hi, a)
    a_seen = e.fsub(hi, b_seen)
    return hi, e.fadd(e.fsub(a, a_seen), e.fsub(b, b_seen))


def two_product(e: Emitter, a: Value, b: Value) -> Pair:
    """Return a * b exactly."""
    hi = e.fmul(a, b)
    return hi, e.fma(a, b, e.fneg(hi))


def quotient(e: Emitter, numerator: Pair, denominator: Pair) -> Pair:
    """Return numerator / denominator to about twice the precision; the parts are not renormalised.

    One division only: the residual of the first quotient is divided through the same reciprocal.
    """
    first, residual, reciprocal = _division(e, numerator, denominator)
    return first, e.fmul(residual, reciprocal)


def rounded_quotient(e: Emitter, numerator: Pair, denominator: Pair) -> Value:
    """Return numerator / denominator rounded nearly once."""
    first, residual, reciprocal = _division(e, numerator, denominator)
    return e.fma(residual, reciprocal, first)


def _division(e: Emitter, numerator: Pair, denominator: Pair) -> tuple[Value, Value, Value]:
    reciprocal = e.fdiv(literal(e, denominator[0], 1.0), denominator[0])
    first = e.fmul(numerator[0], reciprocal)
    residual = e.fma(e.fneg(first), denominator[0], numerator[0])
    residual = e.fadd(residual, e.fma(e.fneg(first), denominator[1], numerator[1]))
    return first, residual, reciprocal


def polynomial_pair(e: Emitter, s: Pair, coefficients: Sequence[float], low: Sequence[float]) -> Pair:
    """Return c[0] + c[1] s + c[2] s^2 + ... of a pair s as a pair.

    `low` continues the first coefficients beyond their rounding. The last steps of Horner's rule keep their
    errors, for terms that cancel.
    """
    high, small = s
    third = estrin(e, high, coefficients[3:])
    second = e.fma(high, third, literal(e, high, coefficients[2]))
    product, lost = two_product(e, high, second)
    first, first_lo = two_sum(e, literal(e, high, coefficients[1]), product)
    first_lo = e.fadd(first_lo, e.fadd(lost, horner(e, high, low[1:])))
    product, lost = two_product(e, high, first)
    slope = e.fma(high, e.fma(high, third, second), first)
    lost = e.fadd(lost, e.fma(high, first_lo, e.fmul(small, slope)))
    total, total_lo = two_sum(e, literal(e, high, coefficients[0]), product)
    return total, e.fadd(total_lo, e.fadd(lost, literal(e, high, low[0])))
