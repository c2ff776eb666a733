"""sinh, cosh and tanh, from exp(|x|) - 1 or exp(|x|) kept as an unevaluated sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.lower.vecmath.double_double import fast_two_sum, quotient, rounded_quotient, two_sum
from diffc.lower.vecmath.exponential import (
    at_most,
    exp_significand,
    hyperbolic_highest,
    is_tiny,
    power_of_two,
    reduce_exponent,
    scaled_expm1,
)
from diffc.lower.vecmath.polynomial import literal

if TYPE_CHECKING:
    from diffc.lower.emitter import FunctionEmitter, Value


def tanh(e: FunctionEmitter, x: Value) -> Value:
    """Return the hyperbolic tangent E / (E + 2), E = exp(2|x|) - 1; it rounds to 1 from 20 on."""
    magnitude = at_most(e, e.fabs(x), 20.0)
    hi, lo = scaled_expm1(e, e.fadd(magnitude, magnitude), 0)
    # Where E is large the result hangs on the 2 between the two terms, so the sum is exact.
    below, beneath = two_sum(e, literal(e, x, 2.0), hi)
    result = rounded_quotient(e, (hi, lo), (below, e.fadd(beneath, lo)))
    return e.select(is_tiny(e, x), x, e.copysign(result, x))


def sinh(e: FunctionEmitter, x: Value) -> Value:
    """Return the hyperbolic sine H + H / (2 H + 1), H = (exp(|x|) - 1) / 2."""
    magnitude = at_most(e, e.fabs(x), hyperbolic_highest(x.kind))
    two = literal(e, x, 2.0)
    hi, lo = fast_two_sum(e, *scaled_expm1(e, magnitude, 2))
    hi, lo = e.fmul(hi, two), e.fmul(lo, two)
    large = e.fcmp("ogt", magnitude, literal(e, x, 40.0))
    below, beneath = two_sum(e, e.fadd(hi, hi), literal(e, x, 1.0))
    q, rest = quotient(e, (hi, lo), (below, e.fma(two, lo, beneath)))
    total, error = fast_two_sum(e, hi, q)
    result = e.fadd(total, e.fadd(error, e.fadd(lo, rest)))
    # From 40 on the quotient is below half an ulp, and inf must not meet the error terms.
    result = e.copysign(e.select(large, hi, result), x)
    return e.select(is_tiny(e, x), x, result)


def cosh(e: FunctionEmitter, x: Value) -> Value:
    """Return the hyperbolic cosine A + 1 / (4 A), A = exp(|x|) / 2."""
    reduced = reduce_exponent(e, at_most(e, e.fabs(x), hyperbolic_highest(x.kind)))
    hi, lo = exp_significand(e, reduced)
    two = literal(e, x, 2.0)
    quarter = power_of_two(e, e.fsub(reduced.shifted, two))
    hi, lo = e.fmul(e.fmul(hi, quarter), two), e.fmul(e.fmul(lo, quarter), two)
    return e.fadd(hi, e.fadd(e.fdiv(literal(e, x, 0.25), hi), lo))
