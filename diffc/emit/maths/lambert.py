"""The principal branch of Lambert's W, the inverse of w e^w from -1 on.

Up to 0.3 it is x S(p), p = sqrt(2 (e x + 1)): in p the branch point at -1/e is smooth. Beyond, a start within
2^-12 is made exact by one step of fourth order: Fritsch, Shafer and Crowley, "Solution of the transcendental
equation w e^w = x", Communications of the ACM 16 (1973).
"""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import Pair, fast_two_sum, polynomial_pair, two_product, two_sum
from diffc.emit.maths.logarithm import log, log1p
from diffc.emit.maths.polynomial import horner, literal
from diffc.emit.maths.precision import through_f64
from diffc.emit.maths.rare import repaired
from diffc.emit.maths.selection import maximum

# Chebyshev fits (45 digits) of W / x in p - 1, 0 <= p <= 1.92, relative error 2^-58.5, and of W / u in
# (u - 8) / (u + 8), u = log(1 + x) from 0.25 to 710, relative error 2^-12.6.
_RATIO = (
    1.261070486830679,
    -0.7617297923742375,
    0.37878214175481695,
    -0.17602001183713598,
    0.07912722217478346,
    -0.034891340696389855,
    0.015195323837938311,
    -0.006560925076764103,
    0.002815126393197692,
    -0.0012021798123559929,
    0.0005114841605249133,
    -0.00021697449294890442,
    9.181913171953351e-05,
    -3.8777061883646114e-05,
    1.63504875659408e-05,
    -6.8873686736188945e-06,
    2.8923414966513734e-06,
    -1.207177784831988e-06,
    5.142245313648366e-07,
    -2.2714887635334664e-07,
    8.418631169247299e-08,
    -2.350193777906109e-08,
    2.071514830178574e-08,
    -1.64366496187081e-08,
    -1.9329765580247455e-10,
    3.0943573790624027e-09,
    1.4128815975798191e-09,
    -1.1094667640790356e-09,
)
_START = (
    0.7723279234318516,
    0.17702433869412984,
    0.08560874146921844,
    -0.10706872191808177,
    0.08644654238631043,
    -0.055478496764806755,
    0.026030334452448647,
    0.08319425079099887,
    -0.06556772271996278,
    -0.0952059441754139,
    0.09110486370865076,
)
_RATIO_LOW = (-1.1065211902297094e-16, 1.840862561368593e-17, -4.253634247185293e-18)
_END = 0.3
_BRANCH = (0.36787944117144233, -1.2428753672788363e-17)
"""1/e as a pair."""
_TWICE_E = (5.43656365691809, 2.8912937834585004e-16)
_START_CENTRE = 8.0


@through_f64
def lambertw(e: Emitter, x: Value) -> Value:
    """Return the w >= -1 with w e^w = x; NaN below -1/e, -1 at the number nearest to it."""
    distance, lost = two_sum(e, x, literal(e, x, _BRANCH[0]))
    lost = e.fadd(lost, literal(e, x, _BRANCH[1]))
    lowest = e.fcmp("oeq", x, literal(e, x, -_BRANCH[0]))
    lost = e.select(lowest, literal(e, x, 0.0), lost)
    hi, lo = _ratio(e, distance, lost)
    near = e.copysign(e.fma(x, hi, e.fmul(x, lo)), x)
    return repaired(e, e.fcmp("ogt", x, literal(e, x, _END)), near, lambda: _beyond(e, x))


def _ratio(e: Emitter, distance: Value, lost: Value) -> Pair:
    """Return W / x as a pair from x + 1/e as one."""
    scale, scale_lo = (literal(e, distance, each) for each in _TWICE_E)
    square, square_lo = two_product(e, distance, scale)
    square_lo = e.fadd(square_lo, e.fma(distance, scale_lo, e.fmul(lost, scale)))
    square, square_lo = fast_two_sum(e, square, square_lo)
    p = e.sqrt(square)
    residual = e.fadd(e.fma(e.fneg(p), p, square), square_lo)
    # At the branch point itself there is none, and no quotient.
    twice = maximum(e, e.fadd(p, p), literal(e, p, 1e-300))
    offset, offset_lo = two_sum(e, p, literal(e, p, -1.0))
    rest = e.fadd(offset_lo, e.fdiv(residual, twice))
    return polynomial_pair(e, (offset, rest), _RATIO, _RATIO_LOW)


def _beyond(e: Emitter, x: Value) -> Value:
    one, two = literal(e, x, 1.0), literal(e, x, 2.0)
    centre = literal(e, x, _START_CENTRE)
    u = log1p(e, x)
    w = e.fmul(u, horner(e, e.fdiv(e.fsub(u, centre), e.fadd(u, centre)), _START))
    z = e.fsub(log(e, e.fdiv(x, w)), w)
    after = e.fadd(w, one)
    q = e.fmul(e.fmul(two, after), e.fma(z, literal(e, x, 2 / 3), after))
    step = e.fdiv(e.fmul(z, e.fsub(q, z)), e.fmul(after, e.fsub(q, e.fmul(two, z))))
    value = e.fma(w, step, w)
    return e.select(e.fcmp("oeq", x, literal(e, x, float("inf"))), x, value)
