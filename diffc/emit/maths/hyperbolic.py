"""sinh, cosh and tanh.

|x| is a multiple of log 2 (of log(2)/2 for tanh) and a small r. sinh and tanh join by their addition theorems
what is simple of the multiple, as powers of two are, with a short series in r; in the first interval the
series remains alone. cosh takes exp(|x|) as an unevaluated sum.
"""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.exponential import (
    at_least,
    at_most,
    exp_significand,
    hyperbolic_highest,
    is_tiny,
    power_of_two,
    reduce_exponent,
    reduce_to_pair,
    scaled_powers_of_two,
)
from diffc.emit.maths.polynomial import estrin, horner, literal

# Remez fits (45 digits) of (tanh r - r) / r^3 in r^2, |r| <= 0.2558; the relative errors of tanh are 2^-57.2
# and 2^-28.1.
_TANH = {
    "f64": (
        -0.33333333333332604,
        0.13333333333048394,
        -0.05396825359136043,
        0.02186946487325138,
        -0.008862439310930809,
        0.003577342375357263,
        -0.0013120400283996563,
    ),
    "f32": (-0.33333227038383484, 0.13323402404785156, -0.051316920667886734),
}
# Remez fits (45 digits) of (sinh r - r) / r^3 and (cosh r - 1 - r^2/2) / r^4 in r^2, |r| <= log(2)/2; the
# relative errors of sinh are 2^-61.7 and 2^-34.3, the errors of cosh 2^-57.3 and 2^-33.2.
_SINH = {
    "f64": (
        0.16666666666666677,
        0.008333333333321376,
        0.000198412698868672,
        2.7557243376406278e-06,
        2.510935507986939e-08,
    ),
    "f32": (0.1666666716337204, 0.00833317544311285, 0.0001997408689931035),
}
_COSH = {
    "f64": (0.04166666666660284, 0.0013888888927247412, 2.48015081211291e-05, 2.762540704796133e-07),
    "f32": (0.041666459292173386, 0.0013935426250100136),
}


def tanh(e: Emitter, x: Value) -> Value:
    """Return the hyperbolic tangent (S - 1 + (S + 1) T) / (S + 1 + (S - 1) T); it rounds to 1 from 20 on.

    S = 2^k and T = tanh(r), where |x| = k log(2)/2 + r. To round little more than once, a short number near
    by, c = min(3 k/8, 7/8), is taken out before the division and added behind it. The intervals lean to the
    right: the second begins where tanh(x) passes 1/4 and the unit in its last place doubles.
    """
    magnitude = at_most(e, e.fabs(x), 20.0)
    reduced = reduce_to_pair(e, magnitude, 0.5, e.fsub(magnitude, literal(e, x, 0.0823)))
    # What rounding log 2 lost is less than rounding r would lose: k is small where the slope is not.
    r = reduced.exact
    square = e.fmul(r, r)
    small = e.fma(e.fmul(r, square), horner(e, square, _TANH[x.kind]), r)
    power = power_of_two(e, reduced.shifted)
    one = literal(e, x, 1.0)
    minus_c = at_least(e, e.fmul(reduced.minus_k, literal(e, x, 3 / 8)), -0.875)
    left, opposite = e.fadd(one, minus_c), e.fsub(one, minus_c)
    numerator = e.fma(e.fma(left, power, opposite), small, e.fma(left, power, e.fneg(opposite)))
    denominator = e.fma(e.fsub(power, one), small, e.fadd(power, one))
    return e.copysign(e.fsub(e.fdiv(numerator, denominator), minus_c), x)


def sinh(e: Emitter, x: Value) -> Value:
    """Return the hyperbolic sine, by the addition theorem.

    For |x| = k log 2 + r it is B cosh(r) + A sinh(r), where A = (2^k + 2^-k) / 2 and B = (2^k - 2^-k) / 2 are
    halved twice more: they overflow before the sum does.
    """
    reduced = reduce_to_pair(e, at_most(e, e.fabs(x), hyperbolic_highest(x.kind)))
    up, down = scaled_powers_of_two(e, reduced.shifted, 3)
    a, b, r = e.fadd(up, down), e.fsub(up, down), reduced.r
    square = e.fmul(r, r)
    beyond_r = e.fma(e.fmul(r, square), estrin(e, square, _SINH[x.kind]), reduced.lost)
    beyond_one = e.fmul(square, e.fma(square, estrin(e, square, _COSH[x.kind]), literal(e, x, 0.5)))
    # B + A r without error: B is 0 or the larger. Of B itself 2^-k may be lost.
    hi = e.fma(a, r, b)
    lo = e.fma(a, beyond_r, e.fma(a, r, e.fsub(b, hi)))
    lost = e.fsub(e.fsub(up, b), down)
    result = e.fmul(e.fadd(hi, e.fma(b, beyond_one, e.fadd(lo, lost))), literal(e, x, 4.0))
    return e.select(is_tiny(e, x), x, e.copysign(result, x))


def cosh(e: Emitter, x: Value) -> Value:
    """Return the hyperbolic cosine A + 1 / (4 A), A = exp(|x|) / 2."""
    reduced = reduce_exponent(e, at_most(e, e.fabs(x), hyperbolic_highest(x.kind)))
    hi, lo = exp_significand(e, reduced)
    two = literal(e, x, 2.0)
    quarter = power_of_two(e, e.fsub(reduced.shifted, two))
    hi, lo = e.fmul(e.fmul(hi, quarter), two), e.fmul(e.fmul(lo, quarter), two)
    return e.fadd(hi, e.fadd(e.fdiv(literal(e, x, 0.25), hi), lo))
