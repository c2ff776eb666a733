"""asin, acos, atan and atan2.

atan's argument, a quotient n/d, is brought to |t| <= tan(pi/8) by atan(n/d) = pi/2 - atan(d/n) and then
atan(n/d) = pi/4 + atan((n - d)/(n + d)), chosen before the one division, whose remainder is kept. asin takes
its argument beyond 1/2 as pi/2 - 2 asin(sqrt((1 - x)/2)), the root with its remainder. Source: Cody and
Waite, chapters 10 and 11.
"""

from __future__ import annotations

from typing import NamedTuple

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import fast_two_sum, quotient
from diffc.emit.maths.exponential import at_most
from diffc.emit.maths.polynomial import estrin, literal
from diffc.emit.maths.rare import repaired

_TAN_PI_8 = 0.41421356237309503


class _Format(NamedTuple):
    """The constants in one floating-point format; angles are pairs."""

    quarter_pi: tuple[float, float]  # the first has two bits less, so that three times it is exact
    half_pi: tuple[float, float]
    pi: tuple[float, float]
    down: tuple[float, float]  # points farther out than the first are scaled by the second
    up: tuple[float, float]  # points nearer than the first are scaled by the second
    atan: tuple[float, ...]  # (atan t - t) / t^3 in t^2, |t| <= tan(pi/8)
    asin: tuple[float, ...]  # (asin s - s) / s^3 in s^2, |s| <= 1/2


_FORMATS = {
    "f64": _Format(
        quarter_pi=(0.7853981633974483, 3.061616997868383e-17),
        half_pi=(1.5707963267948966, 6.123233995736766e-17),
        pi=(3.141592653589793, 1.2246467991473532e-16),
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
        quarter_pi=(0.785398006439209, 1.5695823663008923e-07),
        half_pi=(1.5707963705062866, -4.371138828673793e-08),
        pi=(3.1415927410125732, -8.742277657347586e-08),
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


def _angle(e: Emitter, n: Value, d: Value, left: Value | None = None) -> Value:
    """Return the angle in [0, pi] of the point (d, n), or of (-d, n) in the lanes of the mask `left`.

    n, d >= 0 are finite and not both 0; the larger is neither huge nor tiny. The angle is m pi/4 + atan(t).
    """
    form = _FORMATS[n.kind]
    zero, one, two, four = (literal(e, n, value) for value in (0.0, 1.0, 2.0, 4.0))
    steep = e.fcmp("ogt", n, d)
    larger, smaller = e.select(steep, n, d), e.select(steep, d, n)
    middle = e.fcmp("ogt", smaller, e.fmul(larger, literal(e, n, _TAN_PI_8)))
    total, total_lo = fast_two_sum(e, larger, smaller)
    difference, difference_lo = fast_two_sum(e, larger, e.fneg(smaller))
    turns, eighth = e.select(steep, two, zero), e.select(middle, one, zero)
    backwards = steep
    if left is not None:
        turns = e.select(steep, two, e.select(left, four, zero))
        backwards = e.select(left, e.bnot(steep), steep)

    def directed(value: Value) -> Value:
        return e.select(backwards, e.fneg(value), value)

    m = e.fadd(turns, directed(eighth))
    numerator = (
        directed(e.select(middle, e.fneg(difference), smaller)),
        directed(e.select(middle, e.fneg(difference_lo), zero)),
    )
    t, rest = quotient(e, numerator, (e.select(middle, total, larger), e.select(middle, total_lo, zero)))
    square = e.fmul(t, t)
    tail = e.fma(m, literal(e, n, form.quarter_pi[1]), rest)
    tail = e.fma(e.fmul(t, square), estrin(e, square, form.atan), tail)
    base = e.fmul(m, literal(e, n, form.quarter_pi[0]))
    hi, lo = fast_two_sum(e, base, t)
    return e.fadd(hi, e.fadd(lo, tail))


def atan(e: Emitter, x: Value) -> Value:
    """Return the angle in [-pi/2, pi/2] whose tangent is x."""
    # Beyond 2^60 the result is pi/2 to the last bit.
    return e.copysign(_angle(e, at_most(e, e.fabs(x), 2.0**60), literal(e, x, 1.0)), x)


def atan2(e: Emitter, y: Value, x: Value) -> Value:
    """Return the angle of the point (x, y), in [-pi, pi]; signed zeros choose the quadrant as in C."""
    form = _FORMATS[x.kind]
    n, d = e.fabs(y), e.fabs(x)
    larger = e.select(e.fcmp("ogt", n, d), n, d)
    huge = e.fcmp("ogt", larger, literal(e, x, form.down[0]))
    rare = e.bor(huge, e.fcmp("olt", larger, literal(e, x, form.up[0])))
    symbol = e.module.rare_function(f"vm_atan2_any_{x.kind}x{x.lanes}", _atan2_of_any, (x.kind, x.lanes), 2)
    quick = e.copysign(_angle(e, n, d, _is_left(e, x)), y)
    return repaired(e, rare, quick, lambda: e.call(symbol, x.kind, x.lanes, y, x))


def _is_left(e: Emitter, x: Value) -> Value:
    """Return whether the sign bit of x is set."""
    return e.fcmp("olt", e.copysign(literal(e, x, 1.0), x), literal(e, x, 0.0))


def _atan2_of_any(e: Emitter, y: Value, x: Value) -> Value:
    """Return the same for infinite, zero, huge and tiny coordinates."""
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
    angle = e.copysign(_angle(e, n, d, _is_left(e, x)), y)
    return e.select(e.fcmp("uno", x, y), e.fadd(x, y), angle)


def _asin_terms(e: Emitter, magnitude: Value) -> tuple[Value, Value, Value]:
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


def asin(e: Emitter, x: Value) -> Value:
    """Return the angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1]."""
    beyond, s, tail = _asin_terms(e, e.fabs(x))
    minus_two = literal(e, x, -2.0)
    hi, lo = fast_two_sum(e, literal(e, x, _FORMATS[x.kind].half_pi[0]), e.fmul(minus_two, s))
    complement = e.fadd(hi, e.fadd(lo, e.fma(minus_two, tail, literal(e, x, _FORMATS[x.kind].half_pi[1]))))
    return e.copysign(e.select(beyond, complement, e.fadd(s, tail)), x)


def acos(e: Emitter, x: Value) -> Value:
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
