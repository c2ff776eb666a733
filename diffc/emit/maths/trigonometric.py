"""sin, cos and tan.

x = n pi/2 + r with |r| <= pi/4. Below 2^30, pi/2 is subtracted in three parts of 53 bits with FMA (Cody and
Waite); the few lanes beyond go, on a branch that is nearly never taken, to the scalar reduction of Payne
and Hanek. r is an unevaluated sum, and the two polynomials and the signs that the quadrant n chooses are
those of Cody and Waite.
"""

from __future__ import annotations

from collections.abc import Callable

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import Pair, fast_two_sum, rounded_quotient, two_sum
from diffc.emit.maths.huge_angle import reduce_huge
from diffc.emit.maths.polynomial import estrin, literal
from diffc.emit.maths.rare import repaired

_HUGE = 2.0**30
_TINY = 2.0**-27  # below it sin(x) and tan(x) round to x
_TWO_OVER_PI = 0.6366197723675814
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
_SHIFTER = 6755399441055744.0  # 1.5 * 2^52 rounds to an integer and leaves it in the low bits

# Remez fit (45 digits) of (sin r - r) / r^3 in r^2, |r| <= pi/4; sin's relative error is 2^-58.
_SIN = (
    -0.16666666666666632,
    0.0083333333333224,
    -0.000198412698297955,
    2.7557313687412817e-06,
    -2.5050757378381343e-08,
    1.5896751288843389e-10,
)
# Remez fit (45 digits) of (cos r - 1 + r^2/2) / r^4 in r^2, |r| <= pi/4; cos's error is 2^-64.
_COS = (
    0.0416666666666666,
    -0.0013888888888874105,
    2.4801587289469845e-05,
    -2.755731434857859e-07,
    2.0875722739018747e-09,
    -1.135961898238947e-11,
)
# The same two fits with fewer coefficients, for f32 results: relative error 2^-37.6 and 2^-33.3.
_SIN_SHORT = (-0.16666666641574138, 0.008333329379968245, -0.0001983933294573579, 2.7182934978199816e-06)
_COS_SHORT = (0.04166664683879341, -0.0013887366112108753, 2.4438285771936065e-05)


def _reduce(e: Emitter, x: Value) -> tuple[Pair, Value]:
    """Return (r, quadrant) with x = quadrant pi/2 + r, for |x| < 2^30; the quadrant is modulo 2^51.

    The second part of r is at most 2^-17 of the first, and below half an ulp of it but where r is tiny.
    """
    shifter = literal(e, x, _SHIFTER)
    shifted = e.fma(x, literal(e, x, _TWO_OVER_PI), shifter)
    minus_n = e.fsub(shifter, shifted)
    first = e.fma(minus_n, literal(e, x, _HALF_PI[0]), x)  # exact: the difference fits in 53 bits
    second = literal(e, x, _HALF_PI[1])
    product = e.fmul(minus_n, second)
    rest = e.fma(minus_n, literal(e, x, _HALF_PI[2]), e.fma(minus_n, second, e.fneg(product)))
    hi, lo = two_sum(e, first, product)
    return (hi, e.fadd(lo, rest)), e.bitcast(shifted, "i64")


def _sin_terms(e: Emitter, r: Pair) -> Pair:
    """Return sin(r) as a sum whose first part is the larger."""
    hi, lo = r
    square = e.fmul(hi, hi)
    correction = e.fmul(lo, e.fma(square, literal(e, hi, -0.5), literal(e, hi, 1.0)))
    return hi, e.fma(e.fmul(hi, square), estrin(e, square, _SIN), correction)


def _cos_terms(e: Emitter, r: Pair) -> Pair:
    """Return cos(r) as a sum whose first part is the larger."""
    hi, lo = r
    one, minus_half = literal(e, hi, 1.0), literal(e, hi, -0.5)
    square = e.fmul(hi, hi)
    square_error = e.fma(hi, hi, e.fneg(square))
    large = e.fma(minus_half, square, one)
    lost = e.fma(minus_half, square, e.fsub(one, large))
    correction = e.fma(minus_half, square_error, e.fma(e.fneg(hi), lo, lost))
    return large, e.fma(e.fmul(square, square), estrin(e, square, _COS), correction)


def _sin_of(e: Emitter, r: Pair, quadrant: Value) -> Value:
    """Return sin(r + quadrant pi/2)."""
    sine, cosine = e.fadd(*_sin_terms(e, r)), e.fadd(*_cos_terms(e, r))
    return _with_sign_of(e, e.select(_is_odd(e, quadrant), cosine, sine), quadrant)


def _cos_of(e: Emitter, r: Pair, quadrant: Value) -> Value:
    """Return cos(r + quadrant pi/2)."""
    return _sin_of(e, r, e.iadd(quadrant, e.constant("i64", 1, quadrant.lanes)))


def _tan_of(e: Emitter, r: Pair, quadrant: Value) -> Value:
    """Return tan(r + quadrant pi/2): sin / cos in even quadrants, -cos / sin in odd ones."""
    sine = fast_two_sum(e, *_sin_terms(e, r))
    cosine = fast_two_sum(e, *_cos_terms(e, r))
    odd = _is_odd(e, quadrant)
    numerator = e.select(odd, cosine[0], sine[0]), e.select(odd, cosine[1], sine[1])
    denominator = (
        e.select(odd, e.fneg(sine[0]), cosine[0]),
        e.select(odd, e.fneg(sine[1]), cosine[1]),
    )
    return rounded_quotient(e, numerator, denominator)


def _reduce_short(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Return (r, quadrant) as `_reduce`, r rounded to 53 bits: enough where the result is f32."""
    shifter = literal(e, x, _SHIFTER)
    shifted = e.fma(x, literal(e, x, _TWO_OVER_PI), shifter)
    minus_n = e.fsub(shifter, shifted)
    r = e.fma(minus_n, literal(e, x, _HALF_PI[0]), x)
    return e.fma(minus_n, literal(e, x, _HALF_PI[1]), r), e.bitcast(shifted, "i64")


def _sin_of_short(e: Emitter, r: Value, quadrant: Value) -> Value:
    """Return sin(r + quadrant pi/2) to about 2^-33."""
    sine, cosine = _short_pair(e, r)
    return _with_sign_of(e, e.select(_is_odd(e, quadrant), cosine, sine), quadrant)


def _cos_of_short(e: Emitter, r: Value, quadrant: Value) -> Value:
    """Return cos(r + quadrant pi/2) to about 2^-33."""
    return _sin_of_short(e, r, e.iadd(quadrant, e.constant("i64", 1, quadrant.lanes)))


def _tan_of_short(e: Emitter, r: Value, quadrant: Value) -> Value:
    """Return tan(r + quadrant pi/2) to about 2^-32."""
    sine, cosine = _short_pair(e, r)
    odd = _is_odd(e, quadrant)
    return e.fdiv(e.select(odd, cosine, sine), e.select(odd, e.fneg(sine), cosine))


def _short_pair(e: Emitter, r: Value) -> tuple[Value, Value]:
    """Return sin(r) and cos(r) to about 2^-33, for |r| <= pi/4."""
    one, minus_half = literal(e, r, 1.0), literal(e, r, -0.5)
    square = e.fmul(r, r)
    sine = e.fma(e.fmul(r, square), estrin(e, square, _SIN_SHORT), r)
    cosine = e.fma(e.fmul(square, square), estrin(e, square, _COS_SHORT), e.fma(minus_half, square, one))
    return sine, cosine


_SHORT = {"tan": _tan_of_short, "sin": _sin_of_short, "cos": _cos_of_short}


def _with_sign_of(e: Emitter, value: Value, quadrant: Value) -> Value:
    """Return the value, negated in quadrants 2 and 3."""
    two, sign_place = e.constant("i64", 2, quadrant.lanes), e.constant("i64", 62, quadrant.lanes)
    sign = e.shl(e.iand(quadrant, two), sign_place)
    return e.bitcast(e.ixor(e.bitcast(value, "i64"), sign), "f64")


def _is_odd(e: Emitter, n: Value) -> Value:
    one = e.constant("i64", 1, n.lanes)
    return e.icmp("ne", e.iand(n, one), e.constant("i64", 0, n.lanes))


def _with_huge_lanes(
    e: Emitter, x: Value, usual: Value, name: str, of: Callable[[Emitter, Pair, Value], Value]
) -> Value:
    """Return `usual`, but the function of the huge lanes of x computed one by one, on a branch."""

    def scalar(inner: Emitter, y: Value) -> Value:
        return of(inner, *reduce_huge(inner, y))

    magnitude = e.fabs(x)
    huge = e.band(
        e.fcmp("oge", magnitude, literal(e, x, _HUGE)), e.fcmp("olt", magnitude, literal(e, x, float("inf")))
    )
    symbol = e.module.rare_function(f"vm_{name}_huge", scalar, ("f64", 1), 1)

    def lane_by_lane() -> Value:
        safe, exact = e.select(huge, x, literal(e, x, _HUGE)), usual
        for lane in range(x.lanes):
            exact = e.insert(exact, e.call(symbol, "f64", 1, e.extract(safe, lane)), lane)
        return exact

    return repaired(e, huge, usual, lane_by_lane)


def sin(e: Emitter, x: Value) -> Value:
    """Return the sine; NaN at infinity."""
    # The reduction loses the sign of -0, and below 2^-27 sin(x) and tan(x) round to x.
    return e.select(_is_tiny(e, x), x, _reduced(e, x, "sin", _sin_of))


def cos(e: Emitter, x: Value) -> Value:
    """Return the cosine; NaN at infinity."""
    return _reduced(e, x, "cos", _cos_of)


def tan(e: Emitter, x: Value) -> Value:
    """Return the tangent; NaN at infinity."""
    return e.select(_is_tiny(e, x), x, _reduced(e, x, "tan", _tan_of))


def _reduced(e: Emitter, x: Value, name: str, of: Callable[[Emitter, Pair, Value], Value]) -> Value:
    """Return the function of x reduced; of an f32 in f64, where a short reduction and polynomials suffice."""
    if x.kind == "f64":
        return _with_huge_lanes(e, x, of(e, *_reduce(e, x)), name, of)
    wide = e.fpext(x, "f64")
    short = _SHORT[name](e, *_reduce_short(e, wide))
    return e.fptrunc(_with_huge_lanes(e, wide, short, name, of), "f32")


def _is_tiny(e: Emitter, x: Value) -> Value:
    return e.fcmp("olt", e.fabs(x), literal(e, x, _TINY))
