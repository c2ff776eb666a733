"""asinh and atanh.

atanh(x) = k log(2)/2 + atanh(s) with s = (1 + x - 2^k (1 - x)) / (1 + x + 2^k (1 - x)), the addition theorem;
k is chosen before the one division, from the bits of 1 + x and 1 - x. asinh(x) is an odd polynomial up to
sinh(1/2), and log(x + sqrt(1 + x^2)) beyond, the sum with its error. Source: Abramowitz and Stegun, Handbook
of Mathematical Functions, sections 4.6.20, 4.6.22 and 4.6.26.
"""

from __future__ import annotations

from typing import NamedTuple

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import fast_two_sum
from diffc.emit.maths.exponential import at_most
from diffc.emit.maths.logarithm import decompose, log_terms, twice_inverse_power
from diffc.emit.maths.polynomial import estrin, literal, paired

_SINH_OF_HALF = 0.5211
_HALF_LN2 = 0.34657359027997264


class _Format(NamedTuple):
    """The constants in one floating-point format."""

    integer: str
    mantissa_bits: int
    one_bits: int
    shifter_bits: int  # of 2^mantissa_bits: or-ed with a small integer, the float 2^mantissa_bits + integer
    half_ln2: tuple[float, float]
    large: float  # 1/4 + large^2 rounds to large^2, which does not overflow
    atanh: tuple[float, ...]  # (atanh s - s) / s^3 in s^2
    asinh: tuple[float, ...]  # (asinh x - x) / x^3 in x^2


_FORMATS = {
    "f64": _Format(
        integer="i64",
        mantissa_bits=52,
        one_bits=0x3FF0000000000000,
        shifter_bits=0x4330000000000000,
        half_ln2=(0.34657359027997264, 1.1595234069231498e-17),
        large=2.0**300,
        # Remez fit (45 digits), |s| <= 0.252; atanh's relative error is 2^-56.5.
        atanh=(
            0.3333333333333173,
            0.200000000008088,
            0.14285714146124023,
            0.11111122744843323,
            0.09090374109038189,
            0.07706574509889197,
            0.06448140281211197,
            0.0763723671010813,
        ),
        # Remez fit (45 digits), |x| <= 0.5214; asinh's relative error is 2^-58.9.
        asinh=(
            -0.1666666666666653,
            0.07499999999965128,
            -0.04464285711185166,
            0.030381943059345273,
            -0.02237212272535272,
            0.017352153886689467,
            -0.013957962715339061,
            0.011498325203352295,
            -0.009471878263787648,
            0.007298463878235283,
            -0.004490512692855275,
            0.001545596760894599,
        ),
    ),
    "f32": _Format(
        integer="i32",
        mantissa_bits=23,
        one_bits=0x3F800000,
        shifter_bits=0x4B000000,
        half_ln2=(0.3465735912322998, -9.523271060629668e-10),
        large=2.0**50,
        # The same two fits with four and five coefficients: 2^-31.8 and 2^-28.9.
        atanh=(
            0.33333322405815125,
            0.20001736283302307,
            0.14202597737312317,
            0.1264084428548813,
        ),
        asinh=(
            -0.16666634380817413,
            0.07498235255479813,
            -0.044328004121780396,
            0.02787424623966217,
            -0.01271582581102848,
        ),
    ),
}


def atanh(e: Emitter, x: Value) -> Value:
    """Return the inverse hyperbolic tangent; an infinity at -1 and 1, NaN beyond."""
    form = _FORMATS[x.kind]
    one = literal(e, x, 1.0)
    magnitude = e.fabs(x)
    k, power = _halvings(e, magnitude)
    # 1 + x - 2^k (1 - x), rounded once: 1 - 2^k is exact, and so is what the product leaves of it.
    down = e.fsub(one, power)
    numerator = e.fadd(e.fma(magnitude, power, down), magnitude)
    s = e.fdiv(numerator, e.fma(magnitude, down, e.fadd(one, power)))
    square = e.fmul(s, s)
    half_ln2 = literal(e, x, form.half_ln2[0])
    tail = e.fmul(k, literal(e, x, form.half_ln2[1]))
    tail = e.fma(e.fmul(s, square), paired(e, square, e.fmul(square, square), form.atanh), tail)
    hi = e.fma(k, half_ln2, s)
    lo = e.fadd(e.fma(k, half_ln2, e.fneg(hi)), s)
    result = e.fadd(hi, e.fadd(lo, tail))
    # For the last number below 1 the sum 1 + 2^k needs a bit more than there is.
    last = literal(e, x, 1.0 - 2.0 ** -(form.mantissa_bits + 1))
    at_last = literal(e, x, (form.mantissa_bits + 2) * _HALF_LN2)
    at_one = e.select(e.fcmp("oeq", magnitude, one), literal(e, x, float("inf")), literal(e, x, float("nan")))
    edge = e.select(e.fcmp("oeq", magnitude, last), at_last, at_one)
    return e.copysign(e.select(e.fcmp("olt", magnitude, last), result, edge), x)


def _halvings(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Return k, near log2((1 + x) / (1 - x)) - 1/4, and 2^k, for 0 <= x < 1; else nonsense but no trap.

    The bits of a float, read as an integer, are nearly its logarithm. k is 1 from x = 1/4 on, so that s is
    small where the unit in the last place of atanh(x) has just doubled, and 2 from 0.54 on; |s| < 0.252.
    """
    form = _FORMATS[x.kind]

    def integer(value: int) -> Value:
        return e.constant(form.integer, value, x.lanes)

    one, places = literal(e, x, 1.0), integer(form.mantissa_bits)
    above = e.bitcast(e.fma(x, literal(e, x, 1.1875), one), form.integer)
    below = e.bitcast(e.fsub(one, x), form.integer)
    offset = integer(13 << (form.mantissa_bits - 6))
    k = e.lshr(e.iadd(e.isub(above, below), offset), places)
    power = e.bitcast(e.iadd(e.shl(k, places), integer(form.one_bits)), x.kind)
    shifted = e.bitcast(e.ior(k, integer(form.shifter_bits)), x.kind)
    return e.fsub(shifted, literal(e, x, 2.0**form.mantissa_bits)), power


def asinh(e: Emitter, x: Value) -> Value:
    """Return the inverse hyperbolic sine."""
    form = _FORMATS[x.kind]
    magnitude = e.fabs(x)
    square = e.fmul(magnitude, magnitude)
    near = e.fma(e.fmul(magnitude, square), estrin(e, square, form.asinh), magnitude)
    far = _log_of_sum(e, magnitude)
    far = e.select(e.fcmp("olt", magnitude, literal(e, x, float("inf"))), far, magnitude)
    return e.copysign(e.select(e.fcmp("olt", magnitude, literal(e, x, _SINH_OF_HALF)), near, far), x)


def _log_of_sum(e: Emitter, x: Value) -> Value:
    """Return log(x + sqrt(1 + x^2)) for a finite x from 1/2 on, as log 2 + log(x/2 + sqrt(1/4 + (x/2)^2))."""
    quarter, one = literal(e, x, 0.25), literal(e, x, 1.0)
    half = e.fmul(x, literal(e, x, 0.5))
    bounded = at_most(e, half, _FORMATS[x.kind].large)
    root = e.sqrt(e.fma(bounded, bounded, quarter))
    remainder = e.fma(bounded, bounded, e.fma(e.fneg(root), root, quarter))
    root_lo = e.fdiv(remainder, e.fadd(root, root))
    u, lost = fast_two_sum(e, e.select(e.fcmp("ogt", half, root), half, root), half)
    c = e.fadd(lost, root_lo)
    parts = decompose(e, u)
    f = parts.f
    s = e.fdiv(f, e.fadd(literal(e, x, 2.0), f))
    hi, lo = log_terms(e, e.fadd(parts.k, one), f, s)
    # c / u, where half of 1 / (1 + f) is near enough the line: c is below two ulps.
    inverse = e.fma(f, literal(e, x, -0.47), literal(e, x, 0.528))
    return e.fadd(hi, e.fma(e.fmul(c, twice_inverse_power(e, parts)), inverse, lo))
