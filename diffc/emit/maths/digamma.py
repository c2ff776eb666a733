"""The digamma function, the derivative of log(gamma(x)).

psi(x) = (x - x0) D(s) from 1 to 8, where x0 = 1.46... is the zero, known to twice the precision, and D is
smooth in s = (x - 3) / (x + 3); psi(x) = psi(1 + x) - 1/x below; the asymptotic series from 8 on; and the
reflection psi(-z) = psi(z) + 1/z + pi cot(pi z). Formulas: Abramowitz and Stegun, Handbook of Mathematical
Functions, section 6.3.
"""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import Pair, fast_two_sum, polynomial_pair, quotient, two_product, two_sum
from diffc.emit.maths.logarithm import log_pair
from diffc.emit.maths.polynomial import estrin, literal
from diffc.emit.maths.precision import through_f64
from diffc.emit.maths.reflection import PI, from_nearest_integer, where_negative

_ROOT = (1.4616321449683622, 9.549995429965697e-17)
# Chebyshev interpolation (60 digits) of psi(x) / (x - x0) in (x - 3) / (x + 3), 1 <= x <= 8; relative error
# 2^-57.5 with what the first three lack.
_MIDDLE = (
    0.5998463449949618,
    -0.7992065518394021,
    0.5146474725281659,
    -0.5124897379513359,
    0.46657141861130735,
    -0.47175005126530845,
    0.45664698601231035,
    -0.4616560007118336,
    0.45485953252344075,
    -0.45865055717428943,
    0.45482488676504557,
    -0.4575752537487051,
    0.4550690768273633,
    -0.4570971691776965,
    0.45544192710929227,
    -0.4568297674595626,
    0.4536473137950732,
    -0.4568306864177849,
    0.4739599169477887,
    -0.45431199492269764,
    0.32309642631235175,
    -0.4775516050850223,
    1.1446907781911406,
    -0.3255725679242831,
    -2.060550038949673,
    -0.9854932957074595,
    6.627998096246867,
    0.8511921492943573,
    -8.795843865561404,
    -2.1140967383201166,
    7.152067718158719,
)
_MIDDLE_LOW = (
    1.1331196984883502e-17,
    5.419378647604135e-17,
    5.2408198361789686e-17,
)
# The same for (log(x) - 1/(2 x) - psi(x)) x^2 in 1/x^2, x >= 8; relative error 2^-54.
_TAIL = (
    0.08333333333333333,
    -0.008333333333333273,
    0.003968253968150779,
    -0.0041666665982644955,
    0.007575734736252119,
    -0.021088476563015532,
    0.08284662584146768,
    -0.4103919397123186,
    1.7723438848038762,
)
_LARGE = 8.0


@through_f64
def digamma(e: Emitter, x: Value) -> Value:
    """Return the derivative of log(gamma(x)): NaN at the negative integers and -inf, -inf at 0, inf at -0."""
    zero, one, infinity = literal(e, x, 0.0), literal(e, x, 1.0), literal(e, x, float("inf"))
    z = e.fabs(x)
    small = e.fcmp("olt", z, one)
    middle, middle_lo = _middle(e, z, small)
    inverse, inverse_lo = quotient(e, (one, zero), (z, zero))
    large = e.fcmp("oge", z, literal(e, x, _LARGE))
    # psi(z), but psi(1 + z) where z is small.
    smooth = e.select(large, _asymptotic(e, z, inverse), e.fadd(middle, middle_lo))
    hi, lo = two_sum(e, e.fneg(inverse), middle)
    positive = e.select(small, e.fadd(hi, e.fadd(lo, e.fsub(middle_lo, inverse_lo))), smooth)

    def reflected() -> Value:
        offset, angle = from_nearest_integer(e, z)
        cotangent = e.fdiv(literal(e, x, PI), e.maths("tan", angle))
        total = e.fadd(e.fadd(smooth, e.select(small, zero, inverse)), cotangent)
        return e.select(e.fcmp("oeq", offset, zero), literal(e, x, float("nan")), total)

    result = where_negative(e, x, positive, reflected)
    # 1/x overflows before x is 0, and its error with it.
    overflows = e.fcmp("oeq", inverse, infinity)
    result = e.select(overflows, e.copysign(infinity, e.fneg(x)), result)
    return e.select(e.fcmp("oeq", x, infinity), infinity, result)


def _middle(e: Emitter, z: Value, small: Value) -> Pair:
    """Return psi(y) as a pair, y = z or, where z is small, 1 + z; y is at most 8."""
    zero, one, three = literal(e, z, 0.0), literal(e, z, 1.0), literal(e, z, 3.0)
    y, y_lo = fast_two_sum(e, one, z)
    y, y_lo = e.select(small, y, z), e.select(small, y_lo, zero)
    above, above_lo = two_sum(e, y, three)
    s = quotient(e, (e.fsub(y, three), y_lo), (above, e.fadd(above_lo, y_lo)))

    ratio, ratio_lo = polynomial_pair(e, s, _MIDDLE, _MIDDLE_LOW)

    distance, error = two_sum(e, y, literal(e, z, -_ROOT[0]))
    error = e.fadd(error, e.fsub(y_lo, literal(e, z, _ROOT[1])))
    distance, error = fast_two_sum(e, distance, error)
    value, value_lo = two_product(e, distance, ratio)
    return value, e.fadd(value_lo, e.fma(distance, ratio_lo, e.fmul(error, ratio)))


def _asymptotic(e: Emitter, z: Value, inverse: Value) -> Value:
    """Return psi(z), z at least 8: log(z) - 1/(2 z) - 1/(12 z^2) + ..."""
    hi, lo = log_pair(e, z)
    square = e.fmul(inverse, inverse)
    rest = e.fma(square, estrin(e, square, _TAIL), e.fmul(literal(e, z, 0.5), inverse))
    return e.fadd(hi, e.fsub(lo, rest))
