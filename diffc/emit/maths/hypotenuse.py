"""The distance of a point from the origin.

An f64 is scaled by a power of two, so that its squares neither overflow nor underflow; those of an f32 do not
in f64, where they are exact.
"""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import fast_two_sum, two_product
from diffc.emit.maths.polynomial import literal

_EXPONENT = 0x7FF << 52
_LEAST, _MOST = 1 << 52, 2045 << 52
"""The bits of the powers of two whose reciprocals are normal numbers, too."""


def hypot(e: Emitter, x: Value, y: Value) -> Value:
    """Return sqrt(x^2 + y^2): inf where either is infinite, even if the other is NaN."""
    a, b = e.fabs(x), e.fabs(y)
    result = _scaled_hypot(e, a, b) if x.kind == "f64" else _short_hypot(e, a, b)
    infinity = literal(e, x, float("inf"))
    infinite = e.bor(e.fcmp("oeq", a, infinity), e.fcmp("oeq", b, infinity))
    return e.select(infinite, infinity, result)


def _short_hypot(e: Emitter, a: Value, b: Value) -> Value:
    a, b = e.fpext(a, "f64"), e.fpext(b, "f64")
    return e.fptrunc(e.sqrt(e.fma(a, a, e.fmul(b, b))), "f32")


def _scaled_hypot(e: Emitter, a: Value, b: Value) -> Value:
    def integer(value: int) -> Value:
        return e.constant("i64", value, a.lanes)

    swapped = e.fcmp("olt", a, b)
    larger, smaller = e.select(swapped, b, a), e.select(swapped, a, b)
    exponent = e.iand(e.bitcast(larger, "i64"), integer(_EXPONENT))
    exponent = e.imin(e.imax(exponent, integer(_LEAST)), integer(_MOST))
    scale = e.bitcast(e.isub(integer(_LEAST + _MOST), exponent), "f64")
    larger, smaller = e.fmul(larger, scale), e.fmul(smaller, scale)

    square, lost = two_product(e, larger, larger)
    more, lost_too = two_product(e, smaller, smaller)
    total, error = fast_two_sum(e, square, more)
    error = e.fadd(error, e.fadd(lost, lost_too))
    root = e.sqrt(total)
    # One step of Newton's method from the exact residual; the root of 0 stays.
    residual = e.fadd(e.fma(e.fneg(root), root, total), error)
    step = e.fdiv(residual, e.fadd(root, root))
    root = e.select(e.fcmp("oeq", root, literal(e, a, 0.0)), root, e.fadd(root, step))
    return e.fmul(root, e.bitcast(exponent, "f64"))
