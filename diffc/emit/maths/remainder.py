"""fmod, mod and floor_divide by NumPy's rules, to the last bit.

With a = |x|, b = |y| and q the integer part of the rounded a / b, a - q b is a float: one FMA gives it
exactly. While a / b is below the largest integer up to which all are floats, q is the true quotient or one
more, which the sign tells. For larger quotients, whose vectors leave the straight path, the same step with
the rounded quotient itself shortens a by all the bits of a mantissa, and is repeated: that remainder is a
float, too (Boldo and Daumas, "Representable correcting terms for possibly underflowing floating point
operations", ARITH 2003).
"""

from __future__ import annotations

from typing import NamedTuple

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.polynomial import literal
from diffc.emit.maths.rare import repaired


class _Format(NamedTuple):
    """The constants of one floating-point format."""

    integer: str
    whole: float  # from here on every float is an integer
    few: float  # quotients below hold NumPy's roundings in floor_divide to less than a half
    stretch: float  # twice at most it brings the divisor to a finite quotient, still above `whole`


_FORMATS = {
    "f64": _Format("i64", 2.0**53, 2.0**50, 2.0**540),
    "f32": _Format("i32", 2.0**24, 2.0**21, 2.0**80),
}


class _Division(NamedTuple):
    """a = quotient b + remainder for finite a and b other than 0; the remainder of others is right, too."""

    quotient: Value
    remainder: Value


def fmod(e: Emitter, x: Value, y: Value) -> Value:
    """Return the exact remainder of the truncated quotient as `numpy.fmod`: the sign of x, NaN for y = 0."""
    return e.copysign(_remainder(e, e.fabs(x), e.fabs(y)), x)


def mod(e: Emitter, x: Value, y: Value) -> Value:
    """Return the floored remainder x - floor(x / y) y as `numpy.mod`: the sign of y, NaN for y = 0.

    The sum that moves the truncated remainder to y's sign rounds once, as NumPy's does.
    """
    magnitude = e.fabs(y)
    remainder = _remainder(e, e.fabs(x), magnitude)
    moved = e.band(_opposite(e, x, y), e.fcmp("one", remainder, literal(e, x, 0.0)))
    return e.copysign(e.select(moved, e.fsub(magnitude, remainder), remainder), y)


def floor_divide(e: Emitter, x: Value, y: Value) -> Value:
    """Return the floor of the exact quotient as `numpy.floor_divide`: x / y for y = 0, NaN for infinite x."""
    a, b = e.fabs(x), e.fabs(y)
    ratio = e.fdiv(a, b)
    division = _divided(e, a, b, ratio)
    opposite = _opposite(e, x, y)
    zero, one = literal(e, x, 0.0), literal(e, x, 1.0)
    below = e.band(opposite, e.fcmp("one", division.remainder, zero))
    quotient = e.select(below, e.fadd(division.quotient, one), division.quotient)
    quick = e.copysign(quotient, e.select(opposite, literal(e, x, -1.0), one))

    many = e.fcmp("oge", ratio, literal(e, x, _FORMATS[x.kind].few))
    symbol = e.module.rare_function(
        f"vm_floor_divide_any_{x.kind}x{x.lanes}", _floor_divide_of_any, (x.kind, x.lanes), 2
    )
    return repaired(e, many, quick, lambda: e.call(symbol, x.kind, x.lanes, x, y))


def _floor_divide_of_any(e: Emitter, x: Value, y: Value) -> Value:
    """Return the same in NumPy's own steps, whose roundings show where the quotient is large."""
    zero, one = literal(e, x, 0.0), literal(e, x, 1.0)
    remainder = fmod(e, x, y)
    quotient = e.fdiv(e.fsub(x, remainder), y)
    below = e.band(_opposite(e, x, y), e.fcmp("one", remainder, zero))
    quotient = e.select(below, e.fsub(quotient, one), quotient)
    # The quotient is an integer up to its rounding.
    whole = e.floor(quotient)
    short = e.fcmp("ogt", e.fsub(quotient, whole), literal(e, x, 0.5))
    whole = e.select(short, e.fadd(whole, one), whole)
    return e.select(e.fcmp("oeq", y, zero), e.fdiv(x, y), whole)


def _remainder(e: Emitter, a: Value, b: Value) -> Value:
    """Return the remainder of a >= 0 and b >= 0."""
    ratio = e.fdiv(a, b)
    symbol = e.module.rare_function(
        f"vm_remainder_shortened_{a.kind}x{a.lanes}", _shortened, (a.kind, a.lanes), 2
    )

    def shortened() -> list[Value]:
        shorter = e.call(symbol, a.kind, a.lanes, a, b)
        return [shorter, e.fdiv(shorter, b)]

    many = e.any(e.fcmp("oge", ratio, literal(e, a, _FORMATS[a.kind].whole)))
    dividend, quotient = e.replaced_if(many, [a, ratio], shortened)
    return _divided(e, dividend, b, quotient).remainder


def _divided(e: Emitter, a: Value, b: Value, ratio: Value) -> _Division:
    """Return quotient and remainder of a, which may be negative, and b >= 0, given a / b rounded.

    They are right where that is below `whole`.
    """
    zero = literal(e, a, 0.0)
    quotient = e.truncate(ratio)
    remainder = e.fma(e.fneg(quotient), b, a)
    beyond = e.fcmp("olt", remainder, zero)
    remainder = e.select(beyond, e.fadd(remainder, b), remainder)
    quotient = e.select(beyond, e.fsub(quotient, literal(e, a, 1.0)), quotient)
    # 0 times an infinite b would be NaN.
    smaller = e.band(e.fcmp("olt", a, b), e.fcmp("oge", a, zero))
    return _Division(quotient, e.select(smaller, a, remainder))


def _shortened(e: Emitter, a: Value, b: Value) -> Value:
    """Return a number congruent to a modulo b, of either sign, whose quotient is below `whole`."""
    form = _FORMATS[a.kind]
    whole, infinity = literal(e, a, form.whole), literal(e, a, float("inf"))
    # NaN stays; infinity is left as it is, and so is all with a divisor 0.
    regular = e.band(e.fcmp("olt", a, infinity), e.fcmp("ogt", b, literal(e, a, 0.0)))

    def shorten(rest: Value) -> tuple[list[Value], Value]:
        ratio = e.fdiv(rest, b)
        large = e.band(regular, e.fcmp("oge", e.fabs(ratio), whole))
        divisor = b
        for _ in range(2):
            unbounded = e.fcmp("oeq", e.fabs(ratio), infinity)
            divisor = e.select(unbounded, e.fmul(divisor, literal(e, a, form.stretch)), divisor)
            ratio = e.fdiv(rest, divisor)
        shorter = e.select(large, e.fma(e.fneg(ratio), divisor, rest), rest)
        return [shorter], e.any(large)

    (shorter,) = e.repeat_while([a], shorten)
    return shorter


def _opposite(e: Emitter, x: Value, y: Value) -> Value:
    """Return whether exactly one of the two has its sign bit set."""
    integer = _FORMATS[x.kind].integer
    signs = e.ixor(e.bitcast(x, integer), e.bitcast(y, integer))
    return e.icmp("slt", signs, e.constant(integer, 0, x.lanes))
