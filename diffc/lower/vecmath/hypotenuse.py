"""The distance of a point from the origin, scaled by a power of two so that its squares neither overflow nor
underflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.lower.vecmath.double_double import fast_two_sum, two_product
from diffc.lower.vecmath.polynomial import literal
from diffc.lower.vecmath.precision import through_f64

if TYPE_CHECKING:
    from diffc.lower.emitter import FunctionEmitter, Value

_EXPONENT = 0x7FF << 52
_LEAST, _MOST = 1 << 52, 2045 << 52
"""The bits of the powers of two whose reciprocals are normal numbers, too."""


@through_f64
def hypot(e: FunctionEmitter, x: Value, y: Value) -> Value:
    """Return sqrt(x^2 + y^2): inf where either is infinite, even if the other is NaN."""

    def integer(value: int) -> Value:
        return e.constant("i64", value, x.lanes)

    a, b = e.fabs(x), e.fabs(y)
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
    root = e.select(e.fcmp("oeq", root, literal(e, x, 0.0)), root, e.fadd(root, step))
    result = e.fmul(root, e.bitcast(exponent, "f64"))

    infinity = literal(e, x, float("inf"))
    infinite = e.bor(e.fcmp("oeq", a, infinity), e.fcmp("oeq", b, infinity))
    return e.select(infinite, infinity, result)
