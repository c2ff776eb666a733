"""The logistic function, its integral, and the logarithm of a sum of exponentials.

sigmoid(x) = 1 / (1 + exp(-x)), softplus(x) = log(1 + exp(x)), logaddexp(x, y) = log(exp(x) + exp(y)): all
take the exponential of a number below 0 as an unevaluated sum, so that none overflows and each rounds nearly
once.
"""

from __future__ import annotations

from typing import NamedTuple

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import fast_two_sum, rounded_quotient, two_sum
from diffc.emit.maths.exponential import (
    at_least,
    at_most,
    exp_lowest,
    exp_significand,
    power_of_two_halves,
    reduce_exponent,
    short_exp,
)
from diffc.emit.maths.logarithm import log_of_two, log_series
from diffc.emit.maths.polynomial import literal

_ROOT_OF_TWO_LESS_ONE = 0.41421356237309503


def _exp_minus_abs(e: Emitter, x: Value) -> tuple[Value, Value, Value, Value]:
    """Return hi, lo, first, second: exp(-|x|) = (hi + lo) * first * second, the last two powers of two."""
    argument = at_least(e, e.fneg(e.fabs(x)), exp_lowest(x.kind))
    reduced = reduce_exponent(e, argument)
    return *exp_significand(e, reduced), *power_of_two_halves(e, reduced.shifted)


def sigmoid(e: Emitter, x: Value) -> Value:
    """Return 1 / (1 + exp(-x))."""
    return _sigmoid_short(e, x) if x.kind == "f32" else _sigmoid_double(e, x)


def _sigmoid_short(e: Emitter, x: Value) -> Value:
    # In f64 neither the exponential overflows nor the result underflows.
    wide = e.fpext(at_least(e, at_most(e, x, 110.0), -110.0), "f64")
    one = literal(e, wide, 1.0)
    t = short_exp(e, e.fneg(wide))
    return e.fptrunc(e.fdiv(one, e.fadd(one, t)), "f32")


def _sigmoid_double(e: Emitter, x: Value) -> Value:
    """Return t / (1 + t) for x < 0 and 1 / (1 + t) above, t = exp(-|x|).

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


def softplus(e: Emitter, x: Value) -> Value:
    """Return log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))."""
    zero = literal(e, x, 0.0)
    terms = _log_one_plus_exp(e, x, None)
    # log 2 is added to x only where both are below 1, f to what is larger or 0.
    base, base_lo = fast_two_sum(e, terms.log_two, e.select(e.fcmp("ogt", x, zero), x, zero))
    total, error = fast_two_sum(e, base, terms.f)
    result = e.fadd(total, e.fadd(error, e.fadd(base_lo, terms.rest)))
    # Beyond 40 the logarithm is below half an ulp of x, and inf must not meet the error term.
    return e.select(e.fcmp("ogt", x, literal(e, x, 40.0)), x, result)


def logaddexp(e: Emitter, x: Value, y: Value) -> Value:
    """Return log(exp(x) + exp(y)) = max(x, y) + log(1 + exp(-|x - y|)), the difference with its error."""
    greater = e.fcmp("ogt", x, y)
    larger, smaller = e.fmax(x, y), e.select(greater, y, x)
    distance, lost = two_sum(e, larger, e.fneg(smaller))
    limit = literal(e, x, -exp_lowest(x.kind))
    # Where the smaller term is nothing, or a number is infinite or NaN.
    alone = e.bor(e.fcmp("uno", distance, distance), e.fcmp("oge", distance, limit))
    terms = _log_one_plus_exp(e, distance, lost)
    base, base_lo = two_sum(e, larger, terms.log_two)
    total, error = two_sum(e, base, terms.f)
    result = e.fadd(total, e.fadd(error, e.fadd(base_lo, terms.rest)))
    # The sum makes -0.0 positive, as NumPy has it.
    return e.select(alone, e.fadd(larger, literal(e, x, 0.0)), result)


class _Terms(NamedTuple):
    """log_two + f + rest, where log_two is that of the format or 0, and |f| < 0.42."""

    log_two: Value
    f: Value
    rest: Value


def _log_one_plus_exp(e: Emitter, x: Value, more: Value | None) -> _Terms:
    """Return log(1 + t), t = exp(-|x|); `more` is added to |x|, x being positive.

    With 1 + f = 1 + t, or half of that beyond sqrt(2), it is f - (h - s p) and perhaps log 2: logarithm.py.
    """
    half = literal(e, x, 0.5)
    hi, lo, first, second = _exp_minus_abs(e, x)
    t, t_lo = (e.fmul(e.fmul(part, first), second) for part in (hi, lo))
    if more is not None:
        t_lo = e.fma(e.fneg(more), t, t_lo)
    folded = e.fcmp("ogt", t, literal(e, x, _ROOT_OF_TWO_LESS_ONE))
    f, f_lo = fast_two_sum(e, literal(e, x, -0.5), e.fmul(t, half))
    f_lo = e.select(folded, e.fma(half, t_lo, f_lo), t_lo)
    f = e.select(folded, f, t)
    s = e.fdiv(f, e.fadd(literal(e, x, 2.0), f))
    h, p = log_series(e, f, s)
    log_two, log_two_lo = (
        e.select(folded, literal(e, x, part), literal(e, x, 0.0)) for part in log_of_two(x.kind)
    )
    # f_lo adds f_lo / (1 + f), near enough f_lo (1 - f + f^2).
    small = e.fma(f_lo, e.fsub(e.fmul(f, f), f), e.fadd(f_lo, log_two_lo))
    return _Terms(log_two, f, e.fadd(e.fma(s, p, e.fneg(h)), small))
