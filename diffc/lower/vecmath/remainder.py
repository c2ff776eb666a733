"""mod and floor_divide by NumPy's rules, from the exact truncated remainder: LLVM's `frem`, a call a lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.lower.vecmath.polynomial import literal

if TYPE_CHECKING:
    from diffc.lower.emitter import FunctionEmitter, Value


def mod(e: FunctionEmitter, x: Value, y: Value) -> Value:
    """Return the floored remainder x - floor(x / y) y as `numpy.mod`: the sign of y, NaN for y = 0.

    The sum that moves the truncated remainder to y's sign rounds once, as NumPy's does.
    """
    zero = literal(e, x, 0.0)
    remainder = e.frem(x, y)
    moved = e.select(_opposite(e, remainder, y), e.fadd(remainder, y), remainder)
    return e.select(e.fcmp("oeq", remainder, zero), e.copysign(zero, y), moved)


def floor_divide(e: FunctionEmitter, x: Value, y: Value) -> Value:
    """Return the floor of the exact quotient as `numpy.floor_divide`: x / y for y = 0, NaN for infinite x."""
    zero, one = literal(e, x, 0.0), literal(e, x, 1.0)
    remainder, ratio = e.frem(x, y), e.fdiv(x, y)
    quotient = e.fdiv(e.fsub(x, remainder), y)
    below = e.band(_opposite(e, remainder, y), e.fcmp("one", remainder, zero))
    quotient = e.select(below, e.fsub(quotient, one), quotient)
    # The quotient is an integer up to its rounding.
    whole = e.floor(quotient)
    short = e.fcmp("ogt", e.fsub(quotient, whole), literal(e, x, 0.5))
    whole = e.select(short, e.fadd(whole, one), whole)
    whole = e.select(e.fcmp("oeq", quotient, zero), e.copysign(zero, ratio), whole)
    return e.select(e.fcmp("oeq", y, zero), ratio, whole)


def _opposite(e: FunctionEmitter, remainder: Value, y: Value) -> Value:
    """Return whether exactly one of the two is negative."""
    zero = literal(e, y, 0.0)
    return e.bxor(e.fcmp("olt", y, zero), e.fcmp("olt", remainder, zero))
