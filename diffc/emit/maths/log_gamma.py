"""The logarithm of the gamma function's magnitude.

lgamma(x) = (x - 1) (x - 2) R(s) from 1/2 to 8, where R is smooth in s = (x - 2) / (x + 2), so that the zeros
at 1 and 2 keep their relative accuracy; lgamma(x) = lgamma(1 + x) - log(x) below; Stirling's series from 8
on; and the reflection lgamma(-z) = log(pi / |z sin(pi z)|) - lgamma(z). Formulas: Abramowitz and Stegun,
Handbook of Mathematical Functions, section 6.1.
"""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import Pair, fast_two_sum, polynomial_pair, quotient, two_product, two_sum
from diffc.emit.maths.logarithm import log_pair
from diffc.emit.maths.polynomial import estrin, literal
from diffc.emit.maths.precision import through_f64
from diffc.emit.maths.reflection import from_nearest_integer, where_negative

# Chebyshev interpolation (60 digits) of lgamma(x) / ((x - 1) (x - 2)) in (x - 2) / (x + 2), 1/2 <= x <= 8;
# relative error 2^-56.6 with what the first three lack.
_MIDDLE = (
    0.42278433509846713,
    -0.4012692066974157,
    0.12617080324107754,
    -0.1389774871961761,
    0.08293806015327126,
    -0.08715639052120484,
    0.0623232245576369,
    -0.06410725833278587,
    0.04993339357749306,
    -0.05083384779425185,
    0.04164055322665868,
    -0.04215550924072062,
    0.035703425371350135,
    -0.03603069379895268,
    0.03125049757081706,
    -0.031393168520445186,
    0.027711974411143002,
    -0.028598983579271726,
    0.025642035129224725,
    -0.020151775714129468,
    0.017992039631656964,
    -0.050071455491293784,
    0.0468735192336554,
    0.09077167716363543,
    -0.08742049914483714,
    -0.35633576677506446,
    0.3397292355603084,
    0.7136037887491368,
    -0.6817672543770918,
    -1.1054595536081704,
    1.0549334001277983,
    0.9946514950086781,
    -0.9493766393115413,
    -0.4737615612079445,
    0.451636736246156,
)
_MIDDLE_LOW = (
    4.942901958880396e-18,
    1.4654698511341054e-17,
    1.2134464465103475e-17,
)
# The same for (lgamma(x) - (x - 1/2) log(x) + x - log(2 pi)/2) x in 1/x^2, x >= 8; relative error 2^-54.
_STIRLING = (
    0.08333333333333333,
    -0.0027777777777777744,
    0.0007936507936450394,
    -0.0005952380914267929,
    0.000841749570829054,
    -0.001917287055870562,
    0.006383322059276921,
    -0.027742741357277903,
    0.11001554697563673,
)
_HALF_LOG_TWO_PI = 0.9189385332046728
_LOG_PI = 1.1447298858494002
_LARGE = 8.0


@through_f64
def gammaln(e: Emitter, x: Value) -> Value:
    """Return log(|gamma(x)|): inf at 0, at the negative integers and at both infinities."""
    zero, infinity = literal(e, x, 0.0), literal(e, x, float("inf"))
    z = e.fabs(x)
    small = e.fcmp("olt", z, literal(e, x, 0.5))
    log_hi, log_lo = log_pair(e, z)
    middle, middle_lo = _middle(e, z, small)
    large = e.fcmp("oge", z, literal(e, x, _LARGE))
    stirling = _stirling(e, z, (log_hi, log_lo))
    # lgamma(z), but lgamma(1 + z) where z is small.
    smooth = e.select(large, stirling, e.fadd(middle, middle_lo))
    hi, lo = two_sum(e, e.fneg(log_hi), middle)
    near = e.fadd(hi, e.fadd(lo, e.fsub(middle_lo, log_lo)))
    positive = e.select(small, near, smooth)

    def reflected() -> Value:
        _, angle = from_nearest_integer(e, z)
        sine = e.fabs(e.maths("sin", angle))
        sine = e.fmul(sine, e.select(small, literal(e, x, 1.0), z))
        return e.fsub(e.fsub(literal(e, x, _LOG_PI), e.maths("log", sine)), smooth)

    result = where_negative(e, x, positive, reflected)
    pole = e.bor(e.fcmp("oeq", z, zero), e.fcmp("oeq", z, infinity))
    return e.select(pole, infinity, result)


def _middle(e: Emitter, z: Value, small: Value) -> Pair:
    """Return lgamma(y) as a pair, y = z or, where z is small, 1 + z; y is at most 8."""
    one = literal(e, z, 1.0)
    a = e.select(small, z, e.fsub(z, one))  # y - 1, exactly
    b, b_lo = two_sum(e, a, e.fneg(one))
    s = quotient(e, (b, b_lo), two_sum(e, a, literal(e, z, 3.0)))

    ratio, ratio_lo = polynomial_pair(e, s, _MIDDLE, _MIDDLE_LOW)

    zeros, zeros_lo = two_product(e, a, b)
    zeros_lo = e.fma(a, b_lo, zeros_lo)
    value, value_lo = two_product(e, zeros, ratio)
    return value, e.fadd(value_lo, e.fma(zeros, ratio_lo, e.fmul(zeros_lo, ratio)))


def _stirling(e: Emitter, z: Value, logarithm: Pair) -> Value:
    """Return lgamma(z) from log(z), z at least 8: z (log(z) - 1) - log(z)/2 + log(2 pi)/2 + 1/(12 z) - ..."""
    hi, lo = fast_two_sum(e, logarithm[0], literal(e, z, -1.0))
    lo = e.fadd(lo, logarithm[1])
    inverse = e.fdiv(literal(e, z, 1.0), z)
    series = estrin(e, e.fmul(inverse, inverse), _STIRLING)
    rest = e.fma(literal(e, z, -0.5), logarithm[0], literal(e, z, _HALF_LOG_TWO_PI))
    rest = e.fma(inverse, series, rest)
    product, error = two_product(e, z, hi)
    total, lost = two_sum(e, product, rest)
    corrected = e.fadd(total, e.fadd(lost, e.fma(z, lo, error)))
    # Where the product overflows its error is no number.
    return e.select(e.fcmp("oeq", product, literal(e, z, float("inf"))), product, corrected)
