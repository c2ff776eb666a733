"""asin, acos, atan and atan2.

atan's argument, a quotient n/d, is brought to |t| <= tan(pi/8) by atan(n/d) = pi/4 + atan((n - d)/(n + d)) or
pi/2 - atan(d/n), chosen before the one division, whose remainder is kept. asin takes its argument beyond
1/2 as pi/2 - 2 asin(sqrt((1 - x)/2)), the root with its remainder. Source: Cody and Waite, chapters 10 and
11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diffc.lower.vecmath.double_double import fast_two_sum, quotient, two_sum
from diffc.lower.vecmath.polynomial import estrin, literal

if TYPE_CHECKING:
    from diffc.lower.emitter import FunctionEmitter, Value
    from diffc.lower.vecmath.double_double import Pair

_TAN_PI_8 = 0.41421356237309503


class _Format(NamedTuple):
    """The constants in one floating-point format; angles are pairs."""

    quarter_pi: tuple[float, float]
    half_pi: tuple[float, float]
    pi: tuple[float, float]
    tiny: float  # atan(x) rounds to x below it
    down: tuple[float, float]  # points farther out than the first are scaled by the second
    up: tuple[float, float]  # points nearer than the first are scaled by the second
    atan: tuple[float, ...]  # (atan t - t) / t^3 in t^2, |t| <= tan(pi/8)
    asin: tuple[float, ...]  # (asin s - s) / s^3 in s^2, |s| <= 1/2


_FORMATS = {
    "f64": _Format(
        quarter_pi=(0.7853981633974483, 3.061616997868383e-17),
        half_pi=(1.5707963267948966, 6.123233995736766e-17),
        pi=(3.141592653589793, 1.2246467991473532e-16),
        tiny=2.0**-30,
        down=(2.0**1000, 2.0**-100),
        up=(2.0**-500, 2.0**540),
        # Remez fit (45 digits); atan's relative error is 2^-59.5.
        atan=(
            -0.333333333333332,
            0.19999999999953874,
            -0.14285714280226172,
            0.11111110784965497,
            -0.09090897801392517,
            0.0769206099250515,
            -0.06663112841143094,
            0.05847952597257479,
            -0.050395857513772936,
            0.03807157889074234,
            -0.017914749386070218,
        ),
        # Remez fit (45 digits); asin's relative error is 2^-59.8.
        asin=(
            0.16666666666666763,
            0.0749999999997025,
            0.04464285717513385,
            0.030381942682944134,
            0.02237221568035682,
            0.017351599714392603,
            0.01398096616569293,
            0.011397735951922297,
            0.010786761324548517,
            0.0036821358017704443,
            0.021765772390833108,
            -0.02108060402048666,
            0.03267901907314862,
        ),
    ),
    "f32": _Format(
        quarter_pi=(0.7853981852531433, -2.1855694143368964e-08),
        half_pi=(1.5707963705062866, -4.371138828673793e-08),
        pi=(3.1415927410125732, -8.742277657347586e-08),
        tiny=2.0**-13,
        down=(2.0**100, 2.0**-30),
        up=(2.0**-60, 2.0**70),
        # The same two fits with five coefficients each: 2^-30.5 and 2^-27.6.
        atan=(
            -0.33333316445350647,
            0.19998489320278168,
            -0.14243848621845245,
            0.10596001893281937,
            -0.06083453819155693,
        ),
        asin=(
            0.16666753590106964,
            0.07495241612195969,
            0.04547709971666336,
            0.024147599935531616,
            0.04221856966614723,
        ),
    ),
}


def _atan_of_quotient(e: FunctionEmitter, n: Value, d: Value) -> Pair:
    """Return atan(n / d) as a pair, for n, d >= 0 not both 0, finite, their sum neither huge nor tiny."""
    form = _FORMATS[n.kind]
    zero = literal(e, n, 0.0)
    limit = literal(e, n, _TAN_PI_8)
    small = e.fcmp("ole", n, e.fmul(d, limit))
    large = e.fcmp("olt", d, e.fmul(n, limit))
    difference, total = two_sum(e, n, e.fneg(d)), two_sum(e, n, d)

    def choose(if_small: Value, if_middle: Value, if_large: Value) -> Value:
        return e.select(small, if_small, e.select(large, if_large, if_middle))

    numerator = choose(n, difference[0], e.fneg(d)), choose(zero, difference[1], zero)
    denominator = choose(d, total[0], n), choose(zero, total[1], zero)
    base = tuple(
        choose(zero, literal(e, n, quarter), literal(e, n, half))
        for quarter, half in zip(form.quarter_pi, form.half_pi, strict=True)
    )
    t, rest = quotient(e, numerator, denominator)
    square = e.fmul(t, t)
    tail = e.fma(e.fmul(t, square), estrin(e, square, form.atan), e.fadd(rest, base[1]))
    hi, lo = fast_two_sum(e, base[0], t)
    return fast_two_sum(e, hi, e.fadd(lo, tail))


def atan(e: FunctionEmitter, x: Value) -> Value:
    """Return the angle in [-pi/2, pi/2] whose tangent is x."""
    # Beyond 2^60 the result is pi/2 to the last bit.
    magnitude = e.fabs(x)
    limit = literal(e, x, 2.0**60)
    magnitude = e.select(e.fcmp("olt", limit, magnitude), limit, magnitude)
    angle, _ = _atan_of_quotient(e, magnitude, literal(e, x, 1.0))
    tiny = e.fcmp("olt", magnitude, literal(e, x, _FORMATS[x.kind].tiny))
    return e.select(tiny, x, e.copysign(angle, x))


def atan2(e: FunctionEmitter, y: Value, x: Value) -> Value:
    """Return the angle of the point (x, y), in [-pi, pi]; signed zeros choose the quadrant as in C."""
    form = _FORMATS[x.kind]
    zero, one = literal(e, x, 0.0), literal(e, x, 1.0)
    rise, run = e.fabs(y), e.fabs(x)
    infinity = literal(e, x, float("inf"))
    rise_infinite, run_infinite = e.fcmp("oeq", rise, infinity), e.fcmp("oeq", run, infinity)
    either = e.bor(rise_infinite, run_infinite)
    n = e.select(either, e.select(rise_infinite, one, zero), rise)
    d = e.select(either, e.select(run_infinite, one, zero), run)
    # Away from both ends of the range: neither the sum nor the reciprocal may overflow, nor the remainder
    # underflow.
    larger = e.select(e.fcmp("ogt", n, d), n, d)
    down = e.fcmp("ogt", larger, literal(e, x, form.down[0]))
    up = e.fcmp("olt", larger, literal(e, x, form.up[0]))
    scale = e.select(down, literal(e, x, form.down[1]), e.select(up, literal(e, x, form.up[1]), one))
    n, d = e.fmul(n, scale), e.fmul(d, scale)
    d = e.select(e.fcmp("oeq", larger, zero), one, d)
    hi, lo = _atan_of_quotient(e, n, d)
    behind, behind_lo = fast_two_sum(e, literal(e, x, form.pi[0]), e.fneg(hi))
    behind = e.fadd(behind, e.fadd(behind_lo, e.fsub(literal(e, x, form.pi[1]), lo)))
    leftwards = e.fcmp("olt", e.copysign(one, x), zero)
    angle = e.copysign(e.select(leftwards, behind, hi), y)
    return e.select(e.fcmp("uno", x, y), e.fadd(x, y), angle)


def _asin_terms(e: FunctionEmitter, magnitude: Value) -> tuple[Value, Value, Value]:
    """Return beyond, s, tail for 0 <= magnitude <= 1.

    s + tail is asin(magnitude) up to 1/2, and beyond it asin(sqrt((1 - magnitude) / 2)).
    """
    half = literal(e, magnitude, 0.5)
    zero = literal(e, magnitude, 0.0)
    beyond = e.fcmp("ogt", magnitude, half)
    complement = e.fma(e.fneg(half), magnitude, half)  # exact beyond 1/2
    root = e.sqrt(complement)
    remainder = e.fdiv(e.fma(e.fneg(root), root, complement), e.fadd(root, root))
    s = e.select(beyond, root, magnitude)
    # The root of 0 has the remainder 0/0.
    known = e.band(beyond, e.fcmp("ogt", root, zero))
    square = e.select(beyond, complement, e.fmul(magnitude, magnitude))
    tail = e.fma(
        e.fmul(s, square), estrin(e, square, _FORMATS[magnitude.kind].asin), e.select(known, remainder, zero)
    )
    return beyond, s, tail


def asin(e: FunctionEmitter, x: Value) -> Value:
    """Return the angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1]."""
    beyond, s, tail = _asin_terms(e, e.fabs(x))
    minus_two = literal(e, x, -2.0)
    hi, lo = fast_two_sum(e, literal(e, x, _FORMATS[x.kind].half_pi[0]), e.fmul(minus_two, s))
    complement = e.fadd(hi, e.fadd(lo, e.fma(minus_two, tail, literal(e, x, _FORMATS[x.kind].half_pi[1]))))
    return e.copysign(e.select(beyond, complement, e.fadd(s, tail)), x)


def acos(e: FunctionEmitter, x: Value) -> Value:
    """Return the angle in [0, pi] whose cosine is x; NaN outside [-1, 1].

    pi/2 - asin(x) in the middle, 2 asin(sqrt((1 - x)/2)) above it and pi minus that of -x below.
    """
    form = _FORMATS[x.kind]
    beyond, s, tail = _asin_terms(e, e.fabs(x))
    zero = literal(e, x, 0.0)
    negative = e.fcmp("olt", x, zero)
    # base + factor (s + tail): the signs and the multiple differ by range.
    factor = e.select(
        beyond,
        e.select(negative, literal(e, x, -2.0), literal(e, x, 2.0)),
        e.select(negative, literal(e, x, 1.0), literal(e, x, -1.0)),
    )

    def base(part: int) -> Value:
        far = e.select(negative, literal(e, x, form.pi[part]), zero)
        return e.select(beyond, far, literal(e, x, form.half_pi[part]))

    hi, lo = fast_two_sum(e, base(0), e.fmul(factor, s))
    return e.fadd(hi, e.fadd(lo, e.fma(factor, tail, base(1))))
