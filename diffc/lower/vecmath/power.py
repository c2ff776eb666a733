"""Powers: pow for real exponents, ipow for small literal integers.

x^y = 2^k exp(r) with k log 2 + r = y log|x|. An error of the logarithm is magnified by up to 745, so that
log|x| is computed as a pair with a relative error near 2^-65: the scheme of logarithm.py, with s, s^3 and
the leading coefficient in double-double arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.lower.vecmath.double_double import fast_two_sum, quotient, two_product
from diffc.lower.vecmath.exponential import exp_significand, power_of_two_halves, reduce_exponent
from diffc.lower.vecmath.logarithm import decompose, normalise
from diffc.lower.vecmath.polynomial import estrin, literal
from diffc.lower.vecmath.precision import through_f64

if TYPE_CHECKING:
    from diffc.lower.emitter import FunctionEmitter, Value
    from diffc.lower.vecmath.double_double import Pair

_LN2 = (0.6931471805598903, 5.497923018708371e-14)  # k times the first part is exact
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)

# Remez fit (45 digits) of (2 atanh(s) - 2 s - 2/3 s^3) / s^5 in s^2, |s| <= (sqrt(2) - 1) / (sqrt(2) + 1);
# the logarithm's relative error is 2^-66.
_ATANH = (
    0.4000000000000226,
    0.28571428570096125,
    0.22222222520564527,
    0.18181784308896876,
    0.15386760101690425,
    0.13256751330616168,
    0.13196961611807687,
)


def _log_pair(e: FunctionEmitter, x: Value) -> Pair:
    """Return log(x) as a normalised pair, for positive finite x."""
    scaled, places = normalise(e, x)
    parts = decompose(e, scaled)
    k, f = e.fsub(parts.k, places), parts.f
    zero, two = literal(e, x, 0.0), literal(e, x, 2.0)
    s, s_lo = fast_two_sum(e, *quotient(e, (f, zero), fast_two_sum(e, two, f)))
    square, square_lo = two_product(e, s, s)
    square_lo = e.fma(e.fadd(s, s), s_lo, square_lo)
    cube, cube_lo = two_product(e, s, square)
    cube_lo = e.fadd(cube_lo, e.fma(s, square_lo, e.fmul(s_lo, square)))
    # 2/3 + s^2 (2/5 + ...), then times s^3.
    factor, factor_lo = fast_two_sum(
        e, literal(e, x, _TWO_THIRDS[0]), e.fmul(square, estrin(e, square, _ATANH))
    )
    factor_lo = e.fadd(factor_lo, literal(e, x, _TWO_THIRDS[1]))
    term, term_lo = two_product(e, cube, factor)
    term_lo = e.fadd(term_lo, e.fma(cube, factor_lo, e.fmul(cube_lo, factor)))
    hi, lo = fast_two_sum(e, e.fadd(s, s), term)
    lo = e.fadd(lo, e.fma(two, s_lo, term_lo))
    total, error = fast_two_sum(e, e.fmul(k, literal(e, x, _LN2[0])), hi)
    return fast_two_sum(e, total, e.fadd(error, e.fma(k, literal(e, x, _LN2[1]), lo)))


def _exp_of_product(e: FunctionEmitter, y: Value, logarithm: Pair) -> Value:
    """Return exp(y * logarithm), rounded nearly once."""
    limit = literal(e, y, 1000.0)
    product, rest = two_product(e, y, logarithm[0])
    rest = e.fma(y, logarithm[1], rest)
    outside = e.fcmp("ogt", e.fabs(product), limit)
    product = e.select(outside, e.copysign(limit, product), product)
    rest = e.select(outside, literal(e, y, 0.0), rest)
    reduced = reduce_exponent(e, product)
    hi, lo = exp_significand(e, reduced)
    first, second = power_of_two_halves(e, reduced.k, reduced.shifted)
    return e.fmul(e.fmul(e.fadd(hi, e.fma(rest, hi, lo)), first), second)


@through_f64
def power(e: FunctionEmitter, x: Value, y: Value) -> Value:
    """Return x^y with the special cases of IEEE 754 (and NumPy): pow(x, 0) = pow(1, y) = 1 even for NaN."""
    zero, one, half = literal(e, x, 0.0), literal(e, x, 1.0), literal(e, x, 0.5)
    infinity, nan = literal(e, x, float("inf")), literal(e, x, float("nan"))
    magnitude = e.fabs(x)
    result = _exp_of_product(e, y, _log_pair(e, magnitude))

    rising = e.fcmp("ogt", y, zero)
    result = e.select(e.fcmp("oeq", magnitude, zero), e.select(rising, zero, infinity), result)
    infinite = e.fcmp("oeq", magnitude, infinity)
    result = e.select(infinite, e.select(rising, infinity, zero), result)
    result = e.select(e.fcmp("oeq", magnitude, one), one, result)

    whole = e.fcmp("oeq", e.floor(y), y)
    halved = e.fmul(y, half)
    odd = e.band(whole, e.fcmp("one", e.floor(halved), halved))
    result = e.select(e.band(odd, e.fcmp("olt", e.copysign(one, x), zero)), e.fneg(result), result)
    finite = e.band(e.fcmp("olt", x, zero), e.fcmp("olt", magnitude, infinity))
    result = e.select(e.band(finite, e.bnot(whole)), nan, result)

    result = e.select(e.fcmp("uno", x, y), nan, result)
    return e.select(e.bor(e.fcmp("oeq", y, zero), e.fcmp("oeq", x, one)), one, result)


def ipow(e: FunctionEmitter, x: Value, n: int) -> Value:
    """Return x^n by repeated squaring, for a literal n: few instructions, about log2|n| to |n| half ulps."""
    if n == 0:
        return literal(e, x, 1.0)
    remaining, square, result = abs(n), x, None
    while True:
        if remaining & 1:
            result = square if result is None else e.fmul(result, square)
        remaining >>= 1
        if not remaining:
            break
        square = e.fmul(square, square)
    assert result is not None
    return result if n > 0 else e.fdiv(literal(e, x, 1.0), result)
