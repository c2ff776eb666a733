"""The error function.

erf(x) = 2/sqrt(pi) (x - x^3/3 + ...) up to 1 in x^2, and 1 - exp(-x^2) g(x) beyond, where g = erfc(x)
exp(x^2) is a polynomial in (x - 5/2) / (x + 5/2); from 6 on it rounds to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.lower.vecmath.double_double import fast_two_sum, two_product
from diffc.lower.vecmath.exponential import exp
from diffc.lower.vecmath.polynomial import estrin, horner, literal
from diffc.lower.vecmath.precision import through_f64

if TYPE_CHECKING:
    from diffc.lower.emitter import FunctionEmitter, Value

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


@through_f64
def erf(e: FunctionEmitter, x: Value) -> Value:
    """Return the error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    magnitude = e.fabs(x)
    six = literal(e, x, 6.0)
    magnitude = e.select(e.fcmp("olt", six, magnitude), six, magnitude)
    square, square_error = two_product(e, magnitude, magnitude)

    # 2/sqrt(pi) + x^2 (cubic + x^2 ...): near 1 the terms cancel, so both sums and the product keep their
    # errors.
    inner, inner_error = fast_two_sum(e, literal(e, x, _CUBIC), e.fmul(square, estrin(e, square, _SMALL)))
    product, error = two_product(e, square, inner)
    error = e.fma(square, inner_error, e.fma(square_error, inner, error))
    slope, slope_error = fast_two_sum(e, literal(e, x, _TWO_OVER_ROOT_PI[0]), product)
    slope_error = e.fadd(slope_error, e.fadd(error, literal(e, x, _TWO_OVER_ROOT_PI[1])))
    near = e.fma(x, slope, e.fmul(x, slope_error))

    centre, one = literal(e, x, 2.5), literal(e, x, 1.0)
    t = e.fdiv(e.fsub(magnitude, centre), e.fadd(magnitude, centre))
    decay = exp(e, e.fneg(square))
    decay = e.fma(e.fneg(decay), square_error, decay)
    far = e.fma(e.fneg(decay), horner(e, t, _LARGE), one)
    return e.select(e.fcmp("olt", magnitude, one), near, e.copysign(far, x))
