"""The logistic function and its integral: sigmoid(x) = 1 / (1 + exp(-x)), softplus(x) = log(1 + exp(x)).

Both take exp(-|x|) <= 1 as an unevaluated sum, so that neither overflows and each rounds nearly once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.lower.vecmath.double_double import fast_two_sum, rounded_quotient, two_sum
from diffc.lower.vecmath.exponential import (
    at_least,
    exp_lowest,
    exp_significand,
    power_of_two_halves,
    reduce_exponent,
)
from diffc.lower.vecmath.logarithm import log_sum
from diffc.lower.vecmath.polynomial import literal

if TYPE_CHECKING:
    from diffc.lower.emitter import FunctionEmitter, Value

# Below these t^3/3 is lost beside t.
_SMALL = {"f64": 2.0**-27, "f32": 2.0**-12}


def _exp_minus_abs(e: FunctionEmitter, x: Value) -> tuple[Value, Value, Value, Value]:
    """Return hi, lo, first, second: exp(-|x|) = (hi + lo) * first * second, the last two powers of two."""
    argument = at_least(e, e.fneg(e.fabs(x)), exp_lowest(x.kind))
    reduced = reduce_exponent(e, argument)
    return *exp_significand(e, reduced), *power_of_two_halves(e, reduced.k, reduced.shifted)


def sigmoid(e: FunctionEmitter, x: Value) -> Value:
    """Return 1 / (1 + exp(-x)): t / (1 + t) for x < 0 and 1 / (1 + t) above, t = exp(-|x|).

    The numerator's power of two is applied after the division, so that a subnormal result rounds once.
    """
    one, zero = literal(e, x, 1.0), literal(e, x, 0.0)
    hi, lo, first, second = _exp_minus_abs(e, x)
    t = e.fmul(e.fmul(hi, first), second)
    below, beneath = fast_two_sum(e, one, t)
    beneath = e.fadd(beneath, e.fmul(e.fmul(lo, first), second))
    negative = e.fcmp("olt", x, zero)
    numerator = e.select(negative, hi, e.select(e.fcmp("uno", x, x), x, one)), e.select(negative, lo, zero)
    result = rounded_quotient(e, numerator, (below, beneath))
    scaled = e.fmul(result, e.select(negative, first, one))
    return e.fmul(scaled, e.select(negative, second, one))


def softplus(e: FunctionEmitter, x: Value) -> Value:
    """Return log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))."""
    hi, lo, first, second = _exp_minus_abs(e, x)
    t = e.fmul(e.fmul(hi, first), second)
    u, c = fast_two_sum(e, literal(e, x, 1.0), t)
    t_lo = e.fmul(e.fmul(lo, first), second)
    log_hi, log_lo = log_sum(e, u, e.fadd(c, t_lo))
    # For small t the sum 1 + t leaves too much to c: there log(1 + t) is t - t^2/2.
    small = e.fcmp("olt", t, literal(e, x, _SMALL[x.kind]))
    log_hi = e.select(small, t, log_hi)
    log_lo = e.select(small, e.fma(e.fmul(literal(e, x, -0.5), t), t, t_lo), log_lo)
    zero = literal(e, x, 0.0)
    total, error = two_sum(e, e.select(e.fcmp("ogt", x, zero), x, zero), log_hi)
    # Beyond 40 the logarithm is below half an ulp of x, and inf must not meet the error term.
    return e.select(e.fcmp("ogt", x, literal(e, x, 40.0)), x, e.fadd(total, e.fadd(error, log_lo)))
