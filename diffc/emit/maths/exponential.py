"""exp, exp2 and expm1, and the pieces of exp that other functions take.

exp(x) = 2^k exp(r) with k the integer nearest x / log 2 and |r| <= log(2)/2. The reduction subtracts k log 2
in two parts, whose first is exact by FMA (Cody and Waite, "Software Manual for the Elementary Functions",
1980); exp(r) = 1 + r + r^2 (1/2 + r q(r)) is kept as an unevaluated sum so that its users lose nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import fast_two_sum
from diffc.emit.maths.polynomial import estrin, literal, paired


class _Format(NamedTuple):
    """The constants of the reduction in one floating-point format."""

    integer: str
    mantissa_bits: int
    one_bits: int
    ln2_hi: float
    ln2_lo: float
    shifter: float  # 1.5 * 2^mantissa_bits: adding it rounds to an integer and leaves that in the low bits
    lowest: float  # exp rounds to 0 from here down
    highest: float  # exp rounds to inf from here up
    lowest_exponent: float  # exp2 rounds to 0 from here down
    highest_exponent: float  # exp2 rounds to inf from here up
    hyperbolic_highest: float  # exp(x) / 2 rounds to inf from here up, exp(x) / 4 does not yet
    series: tuple[float, ...]  # q


_LOG2_E = 1.4426950408889634

_FORMATS = {
    "f64": _Format(
        integer="i64",
        mantissa_bits=52,
        one_bits=0x3FF0000000000000,
        ln2_hi=0.6931471805599453,
        ln2_lo=2.3190468138462996e-17,
        shifter=6755399441055744.0,
        lowest=-746.0,
        highest=710.0,
        lowest_exponent=-1080.0,
        highest_exponent=1024.0,
        hyperbolic_highest=710.5,
        # Remez fit (45 digits) of ((exp(r) - 1 - r) / r^2 - 1/2) / r on |r| <= log(2)/2; exp's relative error
        # is 2^-57.4.
        series=(
            0.16666666666666433,
            0.04166666666660375,
            0.008333333333500394,
            0.0013888888926889787,
            0.00019841269465712503,
            2.4801508553649196e-05,
            2.755764101082133e-06,
            2.762524241176684e-07,
            2.4978444359370552e-08,
        ),
    ),
    "f32": _Format(
        integer="i32",
        mantissa_bits=23,
        one_bits=0x3F800000,
        ln2_hi=0.6931471824645996,
        ln2_lo=-1.9046542121259336e-09,
        shifter=12582912.0,
        lowest=-105.0,
        highest=89.0,
        lowest_exponent=-155.0,
        highest_exponent=128.0,
        hyperbolic_highest=89.5,
        # The same fit with five coefficients; exp's relative error is 2^-33.3.
        series=(
            0.1666666567325592,
            0.041666459292173386,
            0.00833358708769083,
            0.0013935267925262451,
            0.00019733172666747123,
        ),
    ),
}


# Remez fit (45 digits) of 2^r on |r| <= 1/2 for results that become f32; the relative error is 2^-29.0.
_SHORT_EXP2 = (
    1.0000000005542162,
    0.6931472057365695,
    0.24022646890409013,
    0.05550328777288058,
    0.009618488971825462,
    0.0013399931242872567,
    0.00015345809675748783,
)


class Reduced(NamedTuple):
    """exp(x) = 2^k (1 + r + tail), where r is exact and the tail holds the rest of the reduction."""

    shifted: Value  # k + shifter, whose low bits are the integer k
    r: Value
    tail: Value
    half_square: Value  # tail = half_square + rest, more accurately
    rest: Value


class ReducedPair(NamedTuple):
    """x = k unit log 2 + r + lost, where k is an integer and `lost` the rounding error of r."""

    shifted: Value  # k + shifter, whose low bits are the integer k
    minus_k: Value
    exact: Value  # x less k times the unit's log 2 rounded
    r: Value
    lost: Value


def at_most(e: Emitter, x: Value, high: float) -> Value:
    """Return x, or `high` where x is above it; NaN stays (the order of operands is that of x86's min)."""
    upper = literal(e, x, high)
    return e.select(e.fcmp("olt", upper, x), upper, x)


def at_least(e: Emitter, x: Value, low: float) -> Value:
    """Return x, or `low` where x is below it; NaN stays."""
    lower = literal(e, x, low)
    return e.select(e.fcmp("ogt", lower, x), lower, x)


def reduce_exponent(e: Emitter, x: Value, more: Value | None = None) -> Reduced:
    """Return the reduction of x, or of x + more for a tiny `more`; |x| is below 2^11 (f64) or 2^8 (f32)."""
    form = _FORMATS[x.kind]
    shifter = literal(e, x, form.shifter)
    shifted = e.fma(x, literal(e, x, _LOG2_E), shifter)
    minus_k = e.fsub(shifter, shifted)
    r = e.fma(minus_k, literal(e, x, form.ln2_hi), x)
    ln2_lo = literal(e, x, form.ln2_lo)
    rounded = e.fma(minus_k, ln2_lo, r if more is None else e.fadd(r, more))
    square = e.fmul(rounded, rounded)
    series = paired(e, rounded, square, form.series)
    half = literal(e, x, 0.5)
    beyond = e.fma(rounded, series, half)
    lost = e.fmul(minus_k, ln2_lo) if more is None else e.fma(minus_k, ln2_lo, more)
    tail = e.fma(square, beyond, lost)
    # What a caller does not use of this costs nothing once optimised.
    square_error = e.fma(rounded, rounded, e.fneg(square))
    rest = e.fma(half, square_error, e.fmul(minus_k, ln2_lo))
    rest = e.fma(e.fmul(square, rounded), series, rest)
    return Reduced(shifted, r, tail, e.fmul(half, square), rest)


def reduce_to_pair(e: Emitter, x: Value, unit: float = 1.0, guide: Value | None = None) -> ReducedPair:
    """Return the reduction of x by a power of two times log 2; |x| is below 2^11 (f64) or 2^8 (f32) units.

    k is the integer nearest to the quotient of `guide`, a number near x, where one is given.
    """
    form = _FORMATS[x.kind]
    shifter = literal(e, x, form.shifter)
    shifted = e.fma(x if guide is None else guide, literal(e, x, _LOG2_E / unit), shifter)
    minus_k = e.fsub(shifter, shifted)
    exact = e.fma(minus_k, literal(e, x, form.ln2_hi * unit), x)
    ln2_lo = literal(e, x, form.ln2_lo * unit)
    r = e.fma(minus_k, ln2_lo, exact)
    return ReducedPair(shifted, minus_k, exact, r, e.fma(minus_k, ln2_lo, e.fsub(exact, r)))


def exp_significand(e: Emitter, reduced: Reduced) -> tuple[Value, Value]:
    """Return 1 + r + tail as a normalised pair."""
    hi, lo = fast_two_sum(e, literal(e, reduced.r, 1.0), reduced.r)
    return fast_two_sum(e, hi, e.fadd(lo, reduced.tail))


def power_of_two(e: Emitter, shifted: Value) -> Value:
    """Return 2^k from k + shifter, for k in the normal range."""
    form = _FORMATS[shifted.kind]
    return _exponent_to_float(e, e.bitcast(shifted, form.integer), shifted.kind)


def scaled_powers_of_two(e: Emitter, shifted: Value, places: int) -> tuple[Value, Value]:
    """Return 2^(k - places) and 2^(-k - places), the latter 0 below the normal range, from k + shifter."""
    form = _FORMATS[shifted.kind]
    moved = e.shl(
        e.bitcast(shifted, form.integer), e.constant(form.integer, form.mantissa_bits, shifted.lanes)
    )
    centre = e.constant(form.integer, form.one_bits - (places << form.mantissa_bits), shifted.lanes)
    inverse = e.imax(e.isub(centre, moved), e.constant(form.integer, 0, shifted.lanes))
    return e.bitcast(e.iadd(centre, moved), shifted.kind), e.bitcast(inverse, shifted.kind)


def power_of_two_halves(e: Emitter, shifted: Value) -> tuple[Value, Value]:
    """Return two powers of two whose product is 2^k, from k + shifter: k may lie beyond the range.

    A number near 1 multiplied by the one and then the other overflows to inf and underflows gradually,
    rounding once.
    """
    form = _FORMATS[shifted.kind]
    bits = e.bitcast(shifted, form.integer)
    # The bits of the shifter are a multiple of any power of two that matters, also once halved.
    half = e.lshr(bits, e.constant(form.integer, 1, shifted.lanes))
    return _exponent_to_float(e, half, shifted.kind), _exponent_to_float(e, e.isub(bits, half), shifted.kind)


def _exponent_to_float(e: Emitter, exponent: Value, kind: str) -> Value:
    """Return 2^n for the integer n in the low bits; the bits above fall off the shift."""
    form = _FORMATS[kind]
    moved = e.shl(exponent, e.constant(form.integer, form.mantissa_bits, exponent.lanes))
    return e.bitcast(e.iadd(moved, e.constant(form.integer, form.one_bits, exponent.lanes)), kind)


def exp(e: Emitter, x: Value) -> Value:
    """Return e to the power x."""
    form = _FORMATS[x.kind]
    reduced = reduce_exponent(e, at_least(e, at_most(e, x, form.highest), form.lowest))
    first, second = power_of_two_halves(e, reduced.shifted)
    return e.fmul(e.fma(first, e.fadd(reduced.r, reduced.tail), first), second)


def exp2(e: Emitter, x: Value) -> Value:
    """Return 2 to the power x, exact where x is an integer: exp(r log 2) 2^k, k the integer nearest x."""
    form = _FORMATS[x.kind]
    clamped = at_least(e, at_most(e, x, form.highest_exponent), form.lowest_exponent)
    shifter = literal(e, x, form.shifter)
    shifted = e.fadd(clamped, shifter)
    fraction = e.fsub(clamped, e.fsub(shifted, shifter))  # exact
    ln2 = literal(e, x, form.ln2_hi)
    r = e.fmul(fraction, ln2)
    lost = e.fma(fraction, literal(e, x, form.ln2_lo), e.fma(fraction, ln2, e.fneg(r)))
    square = e.fmul(r, r)
    beyond = e.fma(r, paired(e, r, square, form.series), literal(e, x, 0.5))
    first, second = power_of_two_halves(e, shifted)
    return e.fmul(e.fma(first, e.fadd(r, e.fma(square, beyond, lost)), first), second)


def short_exp2(e: Emitter, x: Value) -> Value:
    """Return 2 to the power x to about 2^-29, for an f64 x and a result in its normal range."""
    shifter = literal(e, x, _FORMATS[x.kind].shifter)
    shifted = e.fadd(x, shifter)
    r = e.fsub(x, e.fsub(shifted, shifter))
    return e.fmul(estrin(e, r, _SHORT_EXP2), power_of_two(e, shifted))


def short_exp(e: Emitter, x: Value) -> Value:
    """Return e to the power x to about 2^-29, for an f64 x and a result in its normal range."""
    return short_exp2(e, e.fmul(x, literal(e, x, _LOG2_E)))


def expm1(e: Emitter, x: Value) -> Value:
    """Return exp(x) - 1, accurate near 0.

    Half of it is (2^k - 1) / 2 + 2^(k-1) (r + tail), which does not overflow too soon, summed without error:
    the first term is 0 or the larger. Tiny x would lose bits or its sign.
    """
    reduced = reduce_exponent(e, at_least(e, at_most(e, x, _FORMATS[x.kind].highest), -40.0))
    scale = power_of_two(e, e.fsub(reduced.shifted, literal(e, x, 1.0)))
    hi, lo = fast_two_sum(e, reduced.r, reduced.half_square)
    hi, lo = fast_two_sum(e, hi, e.fadd(lo, reduced.rest))
    offset, lost = fast_two_sum(e, scale, literal(e, x, -0.5))
    total, error = fast_two_sum(e, offset, e.fmul(scale, hi))
    half = e.fadd(total, e.fma(scale, lo, e.fadd(error, lost)))
    return e.select(is_tiny(e, x), x, e.fadd(half, half))


def exponent_shifter(kind: str) -> float:
    """Return what added to a number leaves the nearest integer in the low bits."""
    return _FORMATS[kind].shifter


def exp_lowest(kind: str) -> float:
    """Return an argument at and below which exp rounds to 0."""
    return _FORMATS[kind].lowest


def hyperbolic_highest(kind: str) -> float:
    """Return an argument from which exp(x) / 2 overflows, though exp(x) / 4 does not."""
    return _FORMATS[kind].hyperbolic_highest


def is_tiny(e: Emitter, x: Value) -> Value:
    """Return whether |x| is so small that x + x^2 rounds to x."""
    limit = 2.0 ** -(_FORMATS[x.kind].mantissa_bits + 2)
    return e.fcmp("olt", e.fabs(x), literal(e, x, limit))
