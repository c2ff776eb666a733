"""Powers: pow for real exponents, ipow for small literal integers.

x^y = exp(y log|x|). An error of the logarithm is magnified by up to 745, so that it is computed as a pair
with a relative error near 2^-65. x = 2^k m with sqrt(1/2) <= m < sqrt(2), and one of five numbers c near the
powers of 2^(1/4) brings m c = 1 + f to |f| < 0.0912, without a division:
log x = (k log 2 - log c) + f - f^2/2 + f^3/3 + f^4 Q(f), whose terms up to the cube are pairs.

Nearly all lanes have x > 0 and a result in the normal range. If one has not, a call out of line computes its
vector with every special case. An f32 is raised in f64, where one float carries enough digits.
"""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import Pair, fast_two_sum, two_product
from diffc.emit.maths.exponential import power_of_two, power_of_two_halves, reduce_exponent, short_exp2
from diffc.emit.maths.logarithm import decompose, normalise
from diffc.emit.maths.polynomial import estrin, literal
from diffc.emit.maths.precision import through_f64
from diffc.emit.maths.rare import repaired

_LN2 = (0.6931471805598903, 5.497923018708371e-14)  # the first part is a multiple of 2^-42
_THIRD = (0.3333333333333333, 1.850371707708594e-17)
# For m from each bound on: c, and -log c as a multiple of 2^-42 and a rest.
_FIRST = (1.4140625, -0.3464667673461008, -1.077574303757264e-13)
_INTERVALS = (
    (0.7711054127039704, (1.189453125, -0.17349364267033707, -5.217182669884592e-14)),
    (0.9170040432046712, (1.0, 0.0, 0.0)),
    (1.0905077326652577, (0.841796875, 0.172216534935842, -8.199467511461324e-14)),
    (1.2955, (0.70703125, 0.3466804132137895, -5.277820018864269e-14)),
)
# Remez fit (45 digits) of (log(1 + f) - f + f^2/2 - f^3/3) / f^4, |f| <= 0.0912; the logarithm's relative
# error is 2^-69.4.
_QUARTIC = (
    -0.24999999999999967,
    0.19999999999999904,
    -0.16666666666728594,
    0.142857142858503,
    -0.1249999995784672,
    0.111111110382234,
    -0.10000013675035578,
    0.09090928606750893,
    -0.08331041082778468,
    0.076895192377385,
    -0.07334277864858367,
    0.06869806314207307,
)
# Remez fit (45 digits) for f32 of log2(1 + f) / s in s^2, s = f / (2 + f); the relative error is 2^-45.1.
_LOG2 = (
    2.88539008177785,
    0.9617966941133053,
    0.5770779423770301,
    0.41220925104196576,
    0.31990575525048204,
    0.2828992827037053,
)


def power(e: Emitter, x: Value, y: Value) -> Value:
    """Return x^y with the special cases of IEEE 754 (and NumPy): pow(x, 0) = pow(1, y) = 1 even for NaN."""
    quick, usual = _quick(e, x, y) if x.kind == "f64" else _quick_short(e, x, y)
    name = f"vm_pow_any_{x.kind}x{x.lanes}"
    symbol = e.module.rare_function(name, _power_of_any, (x.kind, x.lanes), 2)
    return repaired(e, e.bnot(usual), quick, lambda: e.call(symbol, x.kind, x.lanes, x, y))


def _quick(e: Emitter, x: Value, y: Value) -> tuple[Value, Value]:
    """Return x^y, and whether that holds: x is normal and positive, and so is the result."""
    product, rest = _times(e, y, _log_pair(e, x, literal(e, x, 0.0)))
    reduced = reduce_exponent(e, product, rest)
    hi, lo = fast_two_sum(e, literal(e, x, 1.0), reduced.r)
    result = e.fmul(e.fadd(hi, e.fadd(lo, reduced.tail)), power_of_two(e, reduced.shifted))
    normal = e.band(
        e.fcmp("oge", x, literal(e, x, 2.0**-1022)), e.fcmp("olt", x, literal(e, x, float("inf")))
    )
    return result, e.band(normal, e.fcmp("olt", e.fabs(product), literal(e, x, 700.0)))


def _quick_short(e: Emitter, x: Value, y: Value) -> tuple[Value, Value]:
    """Return the same of f32: 2^(y log2(x)), in f64 and rounded once."""
    wide, exponent = e.fpext(x, "f64"), e.fpext(y, "f64")
    parts = decompose(e, wide)
    s = e.fdiv(parts.f, e.fadd(literal(e, wide, 2.0), parts.f))
    product = e.fmul(exponent, e.fma(s, estrin(e, e.fmul(s, s), _LOG2), parts.k))
    result = e.fptrunc(short_exp2(e, product), "f32")
    positive = e.band(e.fcmp("ogt", x, literal(e, x, 0.0)), e.fcmp("olt", x, literal(e, x, float("inf"))))
    return result, e.band(positive, e.fcmp("olt", e.fabs(product), literal(e, wide, 1000.0)))


def _times(e: Emitter, y: Value, logarithm: Pair) -> Pair:
    """Return y times the logarithm as a pair."""
    product, rest = two_product(e, y, logarithm[0])
    return product, e.fma(y, logarithm[1], rest)


def _log_pair(e: Emitter, x: Value, places: Value) -> Pair:
    """Return log(x) - places log(2) as a normalised pair, for positive, normal, finite x."""
    parts = decompose(e, x)
    k, m = e.fsub(parts.k, places), parts.m
    c, minus_log, minus_log_lo = (literal(e, x, value) for value in _FIRST)
    for bound, constants in _INTERVALS:
        from_here = e.fcmp("oge", m, literal(e, x, bound))
        c, minus_log, minus_log_lo = (
            e.select(from_here, literal(e, x, value), before)
            for value, before in zip(constants, (c, minus_log, minus_log_lo), strict=True)
        )
    product, f_lo = two_product(e, m, c)
    f = e.fsub(product, literal(e, x, 1.0))
    base = e.fma(k, literal(e, x, _LN2[0]), minus_log)  # exact
    base_lo = e.fma(k, literal(e, x, _LN2[1]), minus_log_lo)

    square, square_lo = two_product(e, f, f)
    cube, cube_lo = two_product(e, f, square)
    cube_lo = e.fma(f, square_lo, cube_lo)
    third = literal(e, x, _THIRD[0])
    cubic, cubic_lo = two_product(e, cube, third)
    cubic_lo = e.fma(cube, literal(e, x, _THIRD[1]), e.fma(cube_lo, third, cubic_lo))

    minus_half = literal(e, x, -0.5)
    hi, lost = fast_two_sum(e, base, f)
    hi, lost_too = fast_two_sum(e, hi, e.fmul(minus_half, square))
    hi, lo = fast_two_sum(e, hi, cubic)
    # f_lo adds f_lo / (1 + f), near enough f_lo (1 - f + f^2 - f^3).
    small = e.fma(f_lo, e.fsub(e.fsub(square, cube), f), e.fadd(f_lo, base_lo))
    small = e.fadd(e.fma(minus_half, square_lo, cubic_lo), small)
    quartic = e.fma(e.fmul(square, square), estrin(e, f, _QUARTIC), small)
    return fast_two_sum(e, hi, e.fadd(e.fadd(lost, lost_too), e.fadd(lo, quartic)))


@through_f64
def _power_of_any(e: Emitter, x: Value, y: Value) -> Value:
    """Return x^y for all numbers."""
    zero, one, half = literal(e, x, 0.0), literal(e, x, 1.0), literal(e, x, 0.5)
    infinity, nan = literal(e, x, float("inf")), literal(e, x, float("nan"))
    magnitude = e.fabs(x)
    result = _exp_of_product(e, y, _log_pair(e, *normalise(e, magnitude)))

    rising = e.fcmp("ogt", y, zero)
    result = e.select(e.fcmp("oeq", magnitude, zero), e.select(rising, zero, infinity), result)
    infinite = e.fcmp("oeq", magnitude, infinity)
    result = e.select(infinite, e.select(rising, infinity, zero), result)
    result = e.select(e.fcmp("oeq", magnitude, one), one, result)

    whole = e.fcmp("oeq", e.floor(y), y)
    halved = e.fmul(y, half)
    odd = e.band(whole, e.fcmp("one", e.floor(halved), halved))
    result = e.select(e.band(odd, e.fcmp("olt", e.copysign(one, x), zero)), e.fneg(result), result)
    finite = e.band(e.fcmp("olt", x, zero), e.fcmp("olt", magnitude, infinity))
    result = e.select(e.band(finite, e.bnot(whole)), nan, result)

    result = e.select(e.fcmp("uno", x, y), nan, result)
    return e.select(e.bor(e.fcmp("oeq", y, zero), e.fcmp("oeq", x, one)), one, result)


def _exp_of_product(e: Emitter, y: Value, logarithm: Pair) -> Value:
    """Return exp(y * logarithm), rounded nearly once also where it overflows or is subnormal."""
    limit = literal(e, y, 1000.0)
    product, rest = _times(e, y, logarithm)
    outside = e.fcmp("ogt", e.fabs(product), limit)
    product = e.select(outside, e.copysign(limit, product), product)
    rest = e.select(outside, literal(e, y, 0.0), rest)
    reduced = reduce_exponent(e, product, rest)
    hi, lo = fast_two_sum(e, literal(e, y, 1.0), reduced.r)
    first, second = power_of_two_halves(e, reduced.shifted)
    return e.fmul(e.fmul(e.fadd(hi, e.fadd(lo, reduced.tail)), first), second)


def ipow(e: Emitter, x: Value, n: int) -> Value:
    """Return x^n by repeated squaring, for a literal n: few instructions, about log2|n| to |n| half ulps."""
    if n == 0:
        return literal(e, x, 1.0)
    remaining, square, result = abs(n), x, None
    while True:
        if remaining & 1:
            result = square if result is None else e.fmul(result, square)
        remaining >>= 1
        if not remaining:
            break
        square = e.fmul(square, square)
    assert result is not None
    return result if n > 0 else e.fdiv(literal(e, x, 1.0), result)
