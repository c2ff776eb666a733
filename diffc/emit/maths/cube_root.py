"""cbrt, without a division.

The bits of a float, read as an integer, are nearly its logarithm, so that a constant less a third of them
gives z within 3.5 % of |x|^(-1/3). With h = 1 - |x| z^3 the true one is z (1 - h)^(-1/3), whose series, or in
f64 once more its first terms, leaves z an error of 2^-18.5 or 2^-36. Then y = |x| z^2 is corrected by its
exact residual (|x| - y^3) / (3 y^2), where 1 / y^2 is near enough z^2.
"""

from __future__ import annotations

from typing import NamedTuple

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import two_product
from diffc.emit.maths.polynomial import horner, literal


class _Format(NamedTuple):
    """The constants of the start in one floating-point format."""

    integer: str
    dropped_bits: int  # so many low bits are left out, that the rest fits in a mantissa
    shifter_bits: int  # of a power of two: or-ed with the rest, the float power + rest
    shifter: float
    centre: float  # the constant that makes |h| smallest, 0.102
    small: float  # below it x is scaled, so that no residual is subnormal
    up: float
    down: float  # the cube root of 1 / up


_FORMATS = {
    "f64": _Format("i64", 12, 0x433 << 52, 2.0**52, 1499659075170582.0, 2.0**-800, 2.0**324, 2.0**-108),
    "f32": _Format("i32", 9, 0x96 << 23, 2.0**23, 2773243.0, 2.0**-60, 2.0**96, 2.0**-32),
}
# Remez fit (45 digits) of ((1 - h)^(-1/3) - 1) / h, |h| <= 0.1022; the error of z is 2^-18.5.
_SERIES = (0.33332759141921997, 0.22347840666770935, 0.17470479011535645)


def cbrt(e: Emitter, x: Value) -> Value:
    """Return the real cube root, of negative numbers too."""
    form = _FORMATS[x.kind]
    one, third = literal(e, x, 1.0), literal(e, x, 1 / 3)
    magnitude = e.fabs(x)
    small = e.fcmp("olt", magnitude, literal(e, x, form.small))
    v = e.select(small, e.fmul(magnitude, literal(e, x, form.up)), magnitude)

    z = _start(e, v)
    h = e.fma(e.fneg(e.fmul(v, z)), e.fmul(z, z), one)
    z = e.fma(e.fmul(z, h), horner(e, h, _SERIES), z)
    if x.kind == "f64":
        h = e.fma(e.fneg(e.fmul(v, z)), e.fmul(z, z), one)
        z = e.fma(e.fmul(z, third), h, z)

    zz = e.fmul(z, z)
    y = e.fmul(v, zz)
    square, error = two_product(e, y, y)
    residual = e.fma(e.fneg(error), y, e.fma(e.fneg(square), y, v))
    y = e.fma(e.fmul(residual, third), zz, y)
    result = e.copysign(e.select(small, e.fmul(y, literal(e, x, form.down)), y), x)
    return e.select(e.fcmp("oeq", magnitude, literal(e, x, float("inf"))), x, result)


def _start(e: Emitter, v: Value) -> Value:
    """Return v^(-1/3) to 3.5 %, for a positive normal v; of anything else, nonsense but no trap."""
    form = _FORMATS[v.kind]
    dropped = e.constant(form.integer, form.dropped_bits, v.lanes)
    bits = e.lshr(e.bitcast(v, form.integer), dropped)
    rest = e.bitcast(e.ior(bits, e.constant(form.integer, form.shifter_bits, v.lanes)), v.kind)
    # shifter + (centre - bits / 3), whose low bits are what is wanted.
    offset = literal(e, v, form.centre + form.shifter + form.shifter / 3)
    moved = e.fma(rest, literal(e, v, -1 / 3), offset)
    return e.bitcast(e.shl(e.bitcast(moved, form.integer), dropped), v.kind)
