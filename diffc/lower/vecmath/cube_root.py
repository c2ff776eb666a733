"""cbrt, without a division.

|x| = 8^q v with v = 2^s m, s one of -1, 0, 1 and sqrt(1/2) <= m < sqrt(2). A polynomial gives z near
v^(-1/3); with h = 1 - v z^3 the true one is z (1 - h)^(-1/3) = z (1 + h/3 + 2/9 h^2 + 14/81 h^3 + ...). Then
y = v z^2 is corrected by its exact residual (v - y^3) / (3 y^2), where 1 / y^2 is near enough z^2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.lower.vecmath.double_double import two_product
from diffc.lower.vecmath.exponential import nearest_power_of_two
from diffc.lower.vecmath.logarithm import decompose, normalise
from diffc.lower.vecmath.polynomial import horner, literal

if TYPE_CHECKING:
    from diffc.lower.emitter import FunctionEmitter, Value

# Remez fit (45 digits) of m^(-1/3), sqrt(1/2) <= m <= sqrt(2), for the relative error, which is 2^-14.7.
_START = (1.8745192641874668, -1.861831618899949, 1.561306238698688, -0.7023867421275115, 0.12836944373671344)
_SERIES = (1 / 3, 2 / 9, 14 / 81)
_ROOT_OF_HALF, _ROOT_OF_TWO = 0.7937005259840998, 1.2599210498948732


def cbrt(e: FunctionEmitter, x: Value) -> Value:
    """Return the real cube root, of negative numbers too."""
    zero, one, third = literal(e, x, 0.0), literal(e, x, 1.0), literal(e, x, 1 / 3)
    magnitude = e.fabs(x)
    scaled, places = normalise(e, magnitude)
    parts = decompose(e, scaled)
    k, m = e.fsub(parts.k, places), e.fadd(parts.f, one)
    q = e.rint(e.fmul(k, third))
    s = e.fma(q, literal(e, x, -3.0), k)
    up, down = e.fcmp("ogt", s, zero), e.fcmp("olt", s, zero)

    def by_s(below: float, above: float) -> Value:
        return e.select(up, literal(e, x, above), e.select(down, literal(e, x, below), one))

    v = e.fmul(m, by_s(0.5, 2.0))
    z = e.fmul(horner(e, m, _START), by_s(_ROOT_OF_TWO, _ROOT_OF_HALF))
    h = e.fma(e.fneg(e.fmul(v, z)), e.fmul(z, z), one)
    z = e.fma(e.fmul(z, h), horner(e, h, _SERIES), z)
    zz = e.fmul(z, z)
    y = e.fmul(v, zz)
    square, error = two_product(e, y, y)
    residual = e.fma(e.fneg(error), y, e.fma(e.fneg(square), y, v))
    y = e.fma(e.fmul(residual, third), zz, y)
    result = e.copysign(e.fmul(y, nearest_power_of_two(e, q)), x)
    regular = e.band(e.fcmp("ogt", magnitude, zero), e.fcmp("olt", magnitude, literal(e, x, float("inf"))))
    return e.select(regular, result, x)
