"""The inverses of the error function and of its complement.

Both are (1 - y) P(w) with w = -log(y (2 - y)), where y is erfc of the result; P hardly bends. It is a
polynomial in w up to 25/4; beyond, P / s is one in (s - a) / (s + a), s = sqrt(w). Source: Giles,
"Approximating the erfinv function", GPU Computing Gems, Jade Edition (2011).
"""

from __future__ import annotations

from collections.abc import Sequence

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import Pair, fast_two_sum, polynomial_pair, two_product
from diffc.emit.maths.logarithm import log
from diffc.emit.maths.polynomial import horner, literal
from diffc.emit.maths.precision import through_f64
from diffc.emit.maths.rare import repaired

# Chebyshev fits (45 digits) of P in w - 25/8, w <= 25/4, and of P / s in (s - a) / (s + a), a as below, for s
# from 5/2 to 3.9, from there to 6.15, which no x below 1 exceeds, and on to 27.4, where erfc underflows.
# Relative errors 2^-58.5, 2^-59.2, 2^-59.7 and 2^-59.8.
_NEAR = (
    1.6536545626831027,
    0.2401581824255883,
    -0.006033670871426909,
    -0.0007407025341544301,
    0.0001867342080200925,
    -1.3882523394637344e-05,
    -1.3654691764135042e-06,
    4.234788178266526e-07,
    -2.907039074871087e-08,
    -4.112661266924503e-09,
    1.051223070748762e-09,
    -5.4142609576164565e-11,
    -1.2978692479994892e-11,
    2.6303859148085384e-12,
    -8.074665167507013e-14,
    -3.998852309540432e-14,
    6.525767922399858e-15,
    -4.417003393665373e-17,
    -1.226305743260548e-16,
    1.5992591736199305e-17,
    6.396664855709971e-19,
    -3.7848217521105335e-19,
    1.8739434875095462e-20,
    4.357475280244854e-21,
    -3.3795536525485224e-22,
    -1.9123778045391186e-23,
)
_FAR = (
    0.9466446145802418,
    0.11412059327593907,
    -0.02585522910410961,
    -0.3009211821423324,
    1.4161217795343481,
    -4.704923415187429,
    7.513704374563624,
    13.269995277647642,
    -82.72012879086797,
    34.196533310942016,
    562.6779075043007,
    -851.2960824530695,
    -2921.126194033487,
    7146.342442802967,
    12467.01162563278,
    -40584.614679013306,
    -43685.765712333916,
    143161.56394294597,
    109684.88687983066,
)
_FARTHER = (
    0.9690298210731263,
    0.08258713011735029,
    -0.08372067562339609,
    0.03432740630795072,
    0.032675706106361044,
    -0.10564918727968999,
    0.18039279241039877,
    -0.3222413024280393,
    1.0451573569234451,
    -5.213662518770311,
    24.444166811077242,
    -87.67265248717207,
    195.14512361644105,
    6.004499832859774,
    -1968.6152162672543,
    6974.987674463521,
    -3922.845064657349,
    -41970.43238154211,
    97132.02718901103,
)
_FARTHEST = (
    0.9926905619596847,
    0.02328362853400825,
    -0.034684014442830285,
    0.038207314903858196,
    -0.03783927242372889,
    0.03440681584108402,
    -0.02877354095715648,
    0.021378289953913773,
    -0.012685331652002292,
    0.0030258413671643346,
    0.007256821348757302,
    -0.017881812402059633,
    0.028563020513297812,
    -0.03907592749480705,
    0.04930301350566176,
    -0.0588287312078919,
    0.06619423011007126,
    -0.07407156401695231,
    0.0923514349738617,
    -0.0981880338043049,
    0.044267650773866,
    -0.047930419264180193,
    0.22387917517196007,
    -0.2247119373896959,
)
_NEAR_LOW = (-2.1639339883896223e-17, 1.02993646597476e-17, -1.6988040410455445e-19)
_NEAR_END, _NEAR_CENTRE = 6.25, 3.125
_FAR_END, _FAR_CENTRE = 3.9, 3.1240234375
_FARTHER_END, _FARTHER_CENTRE = 6.12, 4.884765625
_FARTHEST_CENTRE = 12.927734375


@through_f64
def erfinv(e: Emitter, x: Value) -> Value:
    """Return the inverse of erf: an infinity at -1 and 1, NaN beyond."""
    one = literal(e, x, 1.0)
    value = _inverse(e, x, e.fmul(e.fsub(one, x), e.fadd(one, x)), complement=False)
    return _infinite(e, e.fcmp("oeq", e.fabs(x), one), x, value)


@through_f64
def erfcinv(e: Emitter, y: Value) -> Value:
    """Return the inverse of erfc: inf at 0, -inf at 2, NaN beyond."""
    two = literal(e, y, 2.0)
    x, rest = e.fsub(literal(e, y, 1.0), y), e.fsub(two, y)
    product = e.fmul(y, rest)
    value = _inverse(e, x, product, complement=True)
    return _infinite(e, e.fcmp("oeq", product, literal(e, y, 0.0)), x, value)


def _infinite(e: Emitter, where: Value, x: Value, value: Value) -> Value:
    return e.select(where, e.copysign(literal(e, x, float("inf")), x), value)


def _inverse(e: Emitter, x: Value, product: Value, *, complement: bool) -> Value:
    """Return the z with erf(z) = x, given (1 - x) (1 + x)."""
    w = e.fneg(log(e, product))
    centred = e.fsub(w, literal(e, w, _NEAR_CENTRE))
    hi, lo = polynomial_pair(e, (centred, literal(e, w, 0.0)), _NEAR, _NEAR_LOW)
    near = e.copysign(e.fma(x, hi, e.fmul(x, lo)), x)
    beyond = e.fcmp("ogt", w, literal(e, w, _NEAR_END))
    return repaired(e, beyond, near, lambda: _tail(e, x, w, complement=complement))


def _tail(e: Emitter, x: Value, w: Value, *, complement: bool) -> Value:
    root = e.sqrt(w)
    hi, lo = _slope(e, root, _FAR, _FAR_CENTRE)
    pieces: list[tuple[float, Sequence[float], float]] = [(_FAR_END, _FARTHER, _FARTHER_CENTRE)]
    if complement:
        pieces.append((_FARTHER_END, _FARTHEST, _FARTHEST_CENTRE))
    for start, coefficients, centre in pieces:
        inside = e.fcmp("olt", root, literal(e, w, start))
        other_hi, other_lo = _slope(e, root, coefficients, centre)
        hi, lo = e.select(inside, hi, other_hi), e.select(inside, lo, other_lo)
    # What rounding took from the root is the residual of its square over twice the root.
    half = e.fdiv(literal(e, w, 0.5), root)
    lost = e.fmul(e.fma(e.fneg(root), root, w), half)
    scaled, error = two_product(e, x, root)
    error = e.fma(x, lost, error)
    return e.fma(scaled, hi, e.fma(scaled, lo, e.fmul(error, hi)))


def _slope(e: Emitter, root: Value, coefficients: Sequence[float], centre: float) -> Pair:
    """Return P / s at s = root as a pair."""
    a = literal(e, root, centre)
    t = e.fdiv(e.fsub(root, a), e.fadd(root, a))
    return fast_two_sum(e, literal(e, root, coefficients[0]), e.fmul(t, horner(e, t, coefficients[1:])))
