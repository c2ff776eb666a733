"""log, log2, log10 and log1p, and the series that softplus shares.

u = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2). With s = f / (2 + f) and z = s^2,
log(1 + f) = 2 atanh(s) = f - (f^2/2 - s (f^2/2 + z P(z))), where P(z) = (2 atanh(s) - 2 s) / (s z).
The exact f, and k log 2 in two parts, are summed without error before the small terms: the rearrangement is
that of W. Kahan and of Tang, "Table-driven implementation of the logarithm function", ACM TOMS 16 (1990).
"""

from __future__ import annotations

from typing import NamedTuple

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import fast_two_sum, two_sum
from diffc.emit.maths.polynomial import estrin, literal


class _Format(NamedTuple):
    """The constants of the decomposition in one floating-point format."""

    integer: str
    mantissa_bits: int
    bias: int
    one_bits: int
    sqrt_half_bits: int
    shifter_bits: int  # of 2^mantissa_bits: or-ed with a small integer, the float 2^mantissa_bits + integer
    smallest_normal: float
    ln2_hi: float  # so many trailing zeros that k ln2_hi is exact
    ln2_lo: float
    series: tuple[float, ...]  # P


_FORMATS = {
    "f64": _Format(
        integer="i64",
        mantissa_bits=52,
        bias=1023,
        one_bits=0x3FF0000000000000,
        sqrt_half_bits=0x3FE6A09E667F3BCD,
        shifter_bits=0x4330000000000000,
        smallest_normal=2.0**-1022,
        ln2_hi=0.6931471805598903,
        ln2_lo=5.497923018708371e-14,
        # Remez fit (45 digits) on 0 <= z <= ((sqrt(2) - 1) / (sqrt(2) + 1))^2; log's relative error is
        # 2^-59.5.
        series=(
            0.6666666666666735,
            0.39999999999412866,
            0.2857142874283423,
            0.22222198523475073,
            0.18183567093293462,
            0.1531397535835312,
            0.14796743783032992,
        ),
    ),
    "f32": _Format(
        integer="i32",
        mantissa_bits=23,
        bias=127,
        one_bits=0x3F800000,
        sqrt_half_bits=0x3F3504F3,
        shifter_bits=0x4B000000,
        smallest_normal=2.0**-126,
        ln2_hi=0.693145751953125,
        ln2_lo=1.428606765330187e-06,
        # The same fit with three coefficients; log's relative error is 2^-30.2.
        series=(0.666667764752365, 0.3997752566180675, 0.29872238586808975),
    ),
}


class _Base(NamedTuple):
    """The constants of the logarithm to another base."""

    of_two_hi: float  # the logarithm of 2, with so many trailing zeros that k times it is exact
    of_two_lo: float
    of_e_hi: float  # the logarithm of e
    of_e_lo: float


_BASE_TWO = {
    "f64": _Base(1.0, 0.0, 1.4426950408889634, 2.0355273740931033e-17),
    "f32": _Base(1.0, 0.0, 1.4426950216293335, 1.925963033500011e-08),
}
_BASE_TEN = {
    "f64": _Base(0.30102999566383914, 1.42050232272661e-13, 0.4342944819032518, 1.098319650216765e-17),
    "f32": _Base(0.301025390625, 4.605038981195214e-06, 0.4342944920063019, -1.0103049952192578e-08),
}


class Decomposed(NamedTuple):
    """u = 2^k m, m = 1 + f."""

    k: Value
    m: Value
    f: Value
    exponent: Value  # k + bias, an integer


def decompose(e: Emitter, u: Value) -> Decomposed:
    """Return the decomposition of a positive, normal, finite u; of anything else, nonsense but no trap."""
    form = _FORMATS[u.kind]

    def integer(value: int) -> Value:
        return e.constant(form.integer, value, u.lanes)

    bits = e.bitcast(u, form.integer)
    shifted = e.iadd(bits, integer(form.one_bits - form.sqrt_half_bits))
    exponent = e.lshr(shifted, integer(form.mantissa_bits))
    biased = e.bitcast(e.ior(exponent, integer(form.shifter_bits)), u.kind)
    k = e.fsub(biased, literal(e, u, 2.0**form.mantissa_bits + form.bias))
    mantissa = e.iand(shifted, integer((1 << form.mantissa_bits) - 1))
    m = e.bitcast(e.iadd(mantissa, integer(form.sqrt_half_bits)), u.kind)
    return Decomposed(k, m, e.fsub(m, literal(e, u, 1.0)), exponent)


def twice_inverse_power(e: Emitter, parts: Decomposed) -> Value:
    """Return 2^(1 - k): twice, because k may be one beyond the largest exponent of a float."""
    form = _FORMATS[parts.f.kind]
    inverse = e.isub(e.constant(form.integer, 2 * form.bias + 1, parts.f.lanes), parts.exponent)
    return e.bitcast(
        e.shl(inverse, e.constant(form.integer, form.mantissa_bits, inverse.lanes)), parts.f.kind
    )


def normalise(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Return x scaled out of the subnormal range, and the exponent to subtract again."""
    form = _FORMATS[x.kind]
    places = form.mantissa_bits + 2
    subnormal = e.fcmp("olt", x, literal(e, x, form.smallest_normal))
    scaled = e.select(subnormal, e.fmul(x, literal(e, x, 2.0**places)), x)
    return scaled, e.select(subnormal, literal(e, x, float(places)), literal(e, x, 0.0))


def log_series(e: Emitter, f: Value, s: Value) -> tuple[Value, Value]:
    """Return h and p with log(1 + f) = f - (h - s p), given s = f / (2 + f)."""
    z = e.fmul(s, s)
    half_square = e.fmul(e.fmul(literal(e, f, 0.5), f), f)
    return half_square, e.fma(z, estrin(e, z, _FORMATS[f.kind].series), half_square)


def log_of_two(kind: str) -> tuple[float, float]:
    """Return log 2 in two parts."""
    form = _FORMATS[kind]
    return form.ln2_hi, form.ln2_lo


def log_terms(e: Emitter, k: Value, f: Value, s: Value) -> tuple[Value, Value]:
    """Return k log 2 + log(1 + f), given s = f / (2 + f), as a sum of two whose second is the smaller."""
    form = _FORMATS[f.kind]
    half_square, series = log_series(e, f, s)
    small = e.fma(s, series, e.fmul(k, literal(e, f, form.ln2_lo)))
    hi, lo = fast_two_sum(e, e.fmul(k, literal(e, f, form.ln2_hi)), f)
    return hi, e.fsub(lo, e.fsub(half_square, small))


def log_pair(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Return the natural logarithm of a positive finite x as a pair, right to about 2^-60."""
    scaled, places = normalise(e, x)
    parts = decompose(e, scaled)
    s = e.fdiv(parts.f, e.fadd(literal(e, x, 2.0), parts.f))
    return fast_two_sum(e, *log_terms(e, e.fsub(parts.k, places), parts.f, s))


def log(e: Emitter, x: Value) -> Value:
    """Return the natural logarithm: -inf at 0, NaN below."""
    zero, infinity = literal(e, x, 0.0), literal(e, x, float("inf"))
    scaled, places = normalise(e, x)
    parts = decompose(e, scaled)
    s = e.fdiv(parts.f, e.fadd(literal(e, x, 2.0), parts.f))
    hi, lo = log_terms(e, e.fsub(parts.k, places), parts.f, s)
    regular = e.band(e.fcmp("ogt", x, zero), e.fcmp("olt", x, infinity))
    return e.select(regular, e.fadd(hi, lo), _at_the_edges(e, x))


def log2(e: Emitter, x: Value) -> Value:
    """Return the logarithm to the base 2, exact at powers of 2: -inf at 0, NaN below."""
    return _log_to_base(e, x, _BASE_TWO[x.kind])


def log10(e: Emitter, x: Value) -> Value:
    """Return the logarithm to the base 10, exact at powers of 10: -inf at 0, NaN below."""
    return _log_to_base(e, x, _BASE_TEN[x.kind])


def _log_to_base(e: Emitter, x: Value, base: _Base) -> Value:
    """Return k log_b(2) + log(1 + f) log_b(e), summed as a pair and rounded nearly once."""
    zero, infinity = literal(e, x, 0.0), literal(e, x, float("inf"))
    scaled, places = normalise(e, x)
    parts = decompose(e, scaled)
    k, f = e.fsub(parts.k, places), parts.f
    s = e.fdiv(f, e.fadd(literal(e, x, 2.0), f))
    half_square, series = log_series(e, f, s)
    scale = literal(e, x, base.of_e_hi)
    large = e.fmul(f, scale)
    small = e.fma(f, literal(e, x, base.of_e_lo), e.fma(f, scale, e.fneg(large)))
    small = e.fma(e.fma(s, series, e.fneg(half_square)), scale, small)
    hi, lo = fast_two_sum(e, e.fmul(k, literal(e, x, base.of_two_hi)), large)
    result = e.fadd(hi, e.fadd(lo, e.fma(k, literal(e, x, base.of_two_lo), small)))
    regular = e.band(e.fcmp("ogt", x, zero), e.fcmp("olt", x, infinity))
    return e.select(regular, result, _at_the_edges(e, x))


def _at_the_edges(e: Emitter, x: Value) -> Value:
    """Return log(x) for x = 0, inf, negative or NaN."""
    zero = literal(e, x, 0.0)
    beyond = e.select(e.fcmp("ogt", x, zero), x, literal(e, x, float("nan")))
    return e.select(e.fcmp("oeq", x, zero), literal(e, x, float("-inf")), beyond)


def log1p(e: Emitter, x: Value) -> Value:
    """Return log(1 + x), accurate near 0.

    With 1 + x = u + c, c the rounding error of u, it is log(u) + c / u to within c^2. With u = 1 and
    log(u) = 0 that is c, whatever its size.
    """
    zero, infinity, minus_half = literal(e, x, 0.0), literal(e, x, float("inf")), literal(e, x, -0.5)
    u, c = two_sum(e, literal(e, x, 1.0), x)
    parts = decompose(e, u)
    f = parts.f
    hi, lo = log_terms(e, parts.k, f, e.fdiv(f, e.fadd(literal(e, x, 2.0), f)))
    # Half of 1 / (1 + f) is near enough (1 - f + f^2) / 2.
    inverse = twice_inverse_power(e, parts)
    half = e.fma(f, e.fma(f, e.fneg(minus_half), minus_half), e.fneg(minus_half))
    result = e.copysign(e.fadd(hi, e.fma(e.fmul(c, inverse), half, lo)), x)
    below = e.select(e.fcmp("oeq", u, zero), e.fneg(infinity), literal(e, x, float("nan")))
    result = e.select(e.fcmp("ogt", u, zero), result, below)
    return e.select(e.fcmp("oeq", x, infinity), x, result)
