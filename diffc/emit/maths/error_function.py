"""The error function and its complement.

erf(x) = 2/sqrt(pi) (x - x^3/3 + ...) up to 1 in x^2, and 1 - exp(-x^2) g(x) beyond, where g = erfc(x)
exp(x^2) is a polynomial in (x - 5/2) / (x + 5/2); from 6 on it rounds to 1.
erfc(x) = 1 - erf(x) up to 0.85, and exp(-x^2) q(t) / (1 + 2 x) beyond, where q is nearly constant in
t = (x - 4) / (x + 4): Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x",
Mathematics of Computation 36 (1981).
For f32, erf(x) is 1 - 2^(x p(x)) beyond 1, and erfc(x) is exp(-x^2) g(x) from 0 on, in f64, where x^2 is
exact.
"""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import Pair, fast_two_sum, quotient, two_product
from diffc.emit.maths.exponential import (
    at_most,
    exp,
    exp_significand,
    exponent_shifter,
    power_of_two,
    power_of_two_halves,
    reduce_exponent,
    short_exp,
)
from diffc.emit.maths.polynomial import estrin, horner, literal

_TWO_OVER_ROOT_PI = (1.1283791670955126, 1.533545961316588e-17)
# -1/3 of that, rounded; the fit of what follows makes up for the rounding.
_CUBIC = -0.37612638903183754
# Remez fit (45 digits) of erf(x)/x less those two terms, over x^4, in x^2, 0 <= x <= 1; erf's relative
# error is 2^-62.
_SMALL = (
    0.11283791670955132,
    -0.026866170645120206,
    0.005223977625206274,
    -0.0008548327001560669,
    0.00012055331819852224,
    -1.492561131979667e-05,
    1.6461244732515092e-06,
    -1.6352779723657446e-07,
    1.4675642988647989e-08,
    -1.143168056670145e-09,
    6.05288348326133e-11,
)
# Remez fit (45 digits) of erfc(x) exp(x^2) in (x - 5/2) / (x + 5/2), 1 <= x <= 6, weight exp(-x^2) / erf(x);
# erf's relative error is 2^-56.3.
_LARGE = (
    0.2108063640611422,
    -0.37173673394927337,
    0.2517131932118508,
    -0.12503305234920756,
    0.03992254052201402,
    -0.003993689429034731,
    -0.002642357033972388,
    0.0008755021616118776,
    0.00022541667104981664,
    -0.00013898083085053865,
    -5.3457765373911974e-05,
    -1.0392275798581061e-06,
)
# The same for f32: fits of erf(x)/x - 1 up to 1, of log2(erfc(x)) / x from 1 to 3.95, where erf rounds to 1,
# and of (2^r - 1) / r, |r| <= 1/2; erf's relative errors are 2^-29.4, 2^-28.6 and 2^-30.
_SMALL_SHORT = (
    0.12837916612625122,
    -0.3761262595653534,
    0.11283578723669052,
    -0.026853347197175026,
    0.005187162198126316,
    -0.0007997853099368513,
    7.806903886375949e-05,
)
_LARGE_SHORT = (
    -1.6280525922775269,
    -0.9173107743263245,
    -0.15165075659751892,
    0.032891396433115005,
    -0.0045978534035384655,
    0.00030390272149816155,
)
_EXP2_SHORT = (
    1.0,
    0.6931472420692444,
    0.24022655189037323,
    0.05550272390246391,
    0.009617063216865063,
    0.0013418203452602029,
    0.00015820504631847143,
)
# Remez fit (45 digits) for f32 of erfc(x) exp(x^2) in (x - 3) / (x + 3), 0 <= x <= 10.2; relative error
# 2^-29.4.
_COMPLEMENT_SHORT = (
    0.17900115126418903,
    -0.32623356383294233,
    0.2456037975917497,
    -0.15011578170941411,
    0.07166586397975741,
    -0.02439423229747194,
    0.004268876492072741,
    0.000715733116746444,
    -0.0005945690306266327,
    2.8878194722417732e-05,
    5.591455967554655e-05,
)
# Remez fit (45 digits) of (1 + 2 x) exp(x^2) erfc(x) in (x - 4) / (x + 4), 0.49 <= x <= 27.5; relative error
# 2^-60.5.
_COMPLEMENT = (
    1.2329951186255526,
    -0.1396211168405625,
    0.015379652102619842,
    0.06809705425468879,
    -0.10103906603631005,
    0.09373283499852024,
    -0.06633036581208912,
    0.0371675155340595,
    -0.016197734059296615,
    0.005031970015838706,
    -0.0007577732784244597,
    -0.00019925694872265635,
    0.00015062163459575364,
    -2.4398122185369935e-05,
    -1.1221935072560407e-05,
    5.70665221000692e-06,
    2.9370953779161165e-07,
    -8.19742397396969e-07,
    7.46265114342206e-08,
    1.0345060297237882e-07,
    -1.781452427662173e-08,
    -9.720974399629848e-09,
    1.7772284240002306e-09,
)


def _small_slope(e: Emitter, square: Value, square_error: Value) -> Pair:
    """Return erf(x) / x from x^2 <= 1 as a pair."""
    # 2/sqrt(pi) + x^2 (cubic + x^2 ...): near 1 the terms cancel, so both sums and the product keep their
    # errors.
    inner, inner_error = fast_two_sum(
        e, literal(e, square, _CUBIC), e.fmul(square, estrin(e, square, _SMALL))
    )
    product, error = two_product(e, square, inner)
    error = e.fma(square, inner_error, e.fma(square_error, inner, error))
    slope, slope_error = fast_two_sum(e, literal(e, square, _TWO_OVER_ROOT_PI[0]), product)
    return slope, e.fadd(slope_error, e.fadd(error, literal(e, square, _TWO_OVER_ROOT_PI[1])))


def erf(e: Emitter, x: Value) -> Value:
    """Return the error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return _erf_short(e, x) if x.kind == "f32" else _erf_double(e, x)


def _erf_short(e: Emitter, x: Value) -> Value:
    one = literal(e, x, 1.0)
    magnitude = at_most(e, e.fabs(x), 3.95)
    square = e.fmul(magnitude, magnitude)
    near = e.fma(x, horner(e, square, _SMALL_SHORT), x)
    # The product with x is not rounded before the nearest integer is taken from it.
    slope = horner(e, magnitude, _LARGE_SHORT)
    shifter = literal(e, x, exponent_shifter(x.kind))
    shifted = e.fma(slope, magnitude, shifter)
    r = e.fma(slope, magnitude, e.fsub(shifter, shifted))
    far = e.fma(e.fneg(horner(e, r, _EXP2_SHORT)), power_of_two(e, shifted), one)
    return e.select(e.fcmp("olt", magnitude, one), near, e.copysign(far, x))


def _erf_double(e: Emitter, x: Value) -> Value:
    magnitude = e.fabs(x)
    six = literal(e, x, 6.0)
    magnitude = e.select(e.fcmp("olt", six, magnitude), six, magnitude)
    square, square_error = two_product(e, magnitude, magnitude)

    slope, slope_error = _small_slope(e, square, square_error)
    near = e.fma(x, slope, e.fmul(x, slope_error))

    centre, one = literal(e, x, 2.5), literal(e, x, 1.0)
    t = e.fdiv(e.fsub(magnitude, centre), e.fadd(magnitude, centre))
    decay = exp(e, e.fneg(square))
    decay = e.fma(e.fneg(decay), square_error, decay)
    far = e.fma(e.fneg(decay), horner(e, t, _LARGE), one)
    return e.select(e.fcmp("olt", magnitude, one), near, e.copysign(far, x))


def erfc(e: Emitter, x: Value) -> Value:
    """Return 1 - erf(x), accurate where that is small."""
    return _erfc_short(e, x) if x.kind == "f32" else _erfc_double(e, x)


def _erfc_short(e: Emitter, x: Value) -> Value:
    # From 10.2 on it rounds to 0.
    magnitude = e.fpext(at_most(e, e.fabs(x), 10.2), "f64")
    two, three = literal(e, magnitude, 2.0), literal(e, magnitude, 3.0)
    decay = short_exp(e, e.fneg(e.fmul(magnitude, magnitude)))
    t = e.fdiv(e.fsub(magnitude, three), e.fadd(magnitude, three))
    value = e.fmul(decay, estrin(e, t, _COMPLEMENT_SHORT))
    negative = e.fcmp("olt", x, literal(e, x, 0.0))
    return e.fptrunc(e.select(negative, e.fsub(two, value), value), "f32")


def _erfc_double(e: Emitter, x: Value) -> Value:
    # From 27.3 on it rounds to 0.
    zero, one, four = literal(e, x, 0.0), literal(e, x, 1.0), literal(e, x, 4.0)
    magnitude = at_most(e, e.fabs(x), 27.3)
    square, square_error = two_product(e, magnitude, magnitude)
    slope, slope_error = _small_slope(e, square, square_error)
    product, error = two_product(e, x, slope)
    near, near_lo = fast_two_sum(e, one, e.fneg(product))
    near = e.fadd(near, e.fsub(near_lo, e.fma(x, slope_error, error)))

    t = e.fdiv(e.fsub(magnitude, four), e.fadd(magnitude, four))
    rest = e.fmul(t, horner(e, t, _COMPLEMENT[1:]))
    numerator = fast_two_sum(e, literal(e, x, _COMPLEMENT[0]), rest)
    g, g_lo = quotient(e, numerator, fast_two_sum(e, e.fadd(magnitude, magnitude), one))
    reduced = reduce_exponent(e, e.fneg(square))
    hi, lo = exp_significand(e, reduced)
    lo = e.fma(e.fneg(hi), square_error, lo)
    first, second = power_of_two_halves(e, reduced.shifted)
    tail = e.fma(hi, g, e.fma(hi, g_lo, e.fmul(lo, g)))
    tail = e.fmul(e.fmul(tail, first), second)
    far = e.select(e.fcmp("olt", x, zero), e.fsub(literal(e, x, 2.0), tail), tail)
    return e.select(e.fcmp("olt", magnitude, literal(e, x, 0.85)), near, far)
