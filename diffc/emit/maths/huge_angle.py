"""sin, cos and tan of huge arguments, one scalar at a time, by the reduction of Payne and Hanek.

x = m 2^e with an integer m of 53 bits. Of 2/pi only the 192 bits matter that neither make a multiple of 4
nor fall below the precision; their product with m gives the quadrant and the fraction in fixed point.
Source: Payne and Hanek, "Radian reduction for trigonometric functions", ACM SIGNUM Newsletter 18 (1983);
Muller, "Elementary Functions", 11.4.
"""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.double_double import Pair, fast_two_sum

# The first 1344 bits of 2/pi after the binary point, computed with mpmath; the zero word stands before the
# point.
_TWO_OVER_PI = (
    0,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
    0xF0CFBC209AF4361D,
    0xA9E391615EE61B08,
)

_HALF_PI_HI, _HALF_PI_LO = 1.5707963267948966, 6.123233995736766e-17


def reduce_huge(e: Emitter, x: Value) -> tuple[Pair, Value]:
    """Return (r, quadrant) with x = quadrant pi/2 + r modulo 2 pi, for a scalar f64 x, |x| >= 2^10.

    r is accurate to about 2^-62 of itself even where 62 bits cancel. An infinity or NaN gives nonsense but
    no trap.
    """

    def integer(value: int) -> Value:
        return e.constant("i64", value)

    bits = e.bitcast(x, "i64")
    exponent = e.iand(e.lshr(bits, integer(52)), integer(0x7FF))
    m = e.ior(e.iand(bits, integer((1 << 52) - 1)), integer(1 << 52))
    # The first bit kept, counted from the zero word on: x = m 2^(exponent - 1075), and bit i of 2/pi weighs
    # 2^-i. Clamped, so that infinities, whose result is discarded, read inside the table.
    first = e.imin(e.isub(exponent, integer(1075 - 62)), integer(1033))
    high, middle, low = _window(e, first)

    # The product modulo 2^192; the low 64 bits only send their carry. i128 holds each sum: m has 53 bits.
    wide = e.zext(m, "i128")
    places = e.constant("i128", 64)
    carried = e.lshr(e.imul(wide, e.zext(low, "i128")), places)
    product = e.iadd(e.imul(wide, e.zext(middle, "i128")), carried)
    top = e.iadd(e.imul(m, high), e.trunc(e.lshr(product, places), "i64"))
    bottom = e.trunc(product, "i64")

    # top:bottom counts quadrants in units of 2^-126; what is left of the nearest whole one is a signed
    # fraction.
    quadrant = e.lshr(e.iadd(top, integer(1 << 61)), integer(62))
    fraction = e.ior(e.shl(top, integer(2)), e.lshr(bottom, integer(62)))
    rest = e.lshr(e.shl(bottom, integer(2)), integer(11))
    coarse = e.sitofp(e.iand(fraction, integer(~0x7FF)), "f64")
    fine = e.sitofp(e.iand(fraction, integer(0x7FF)), "f64")
    fine = e.fma(e.sitofp(rest, "f64"), e.constant("f64", 2.0**-53), fine)
    hi, lo = fast_two_sum(e, coarse, fine)

    # fraction 2^-64 pi/2, as a pair.
    factor_hi = e.constant("f64", _HALF_PI_HI * 2.0**-64)
    factor_lo = e.constant("f64", _HALF_PI_LO * 2.0**-64)
    r = e.fmul(hi, factor_hi)
    error = e.fma(hi, factor_hi, e.fneg(r))
    r, error = fast_two_sum(e, r, e.fadd(error, e.fma(hi, factor_lo, e.fmul(lo, factor_hi))))

    negative = e.icmp("slt", bits, integer(0))
    r, error = e.select(negative, e.fneg(r), r), e.select(negative, e.fneg(error), error)
    return (r, error), e.select(negative, e.isub(integer(0), quadrant), quadrant)


def _window(e: Emitter, first: Value) -> tuple[Value, Value, Value]:
    """Return the 192 bits of the table from bit `first` on, as three words."""
    table = e.module.table("vm_two_over_pi", "i64", _TWO_OVER_PI)
    word = e.lshr(first, e.constant("i64", 6))
    shift = e.iand(first, e.constant("i64", 63))
    words = [e.load(e.gep(table, "i64", e.iadd(word, e.constant("i64", i))), "i64") for i in range(4)]
    unshift = e.isub(e.constant("i64", 63), shift)

    def joined(left: Value, right: Value) -> Value:
        # In two shifts, because a shift by 64 is undefined.
        return e.ior(e.shl(left, shift), e.lshr(e.lshr(right, e.constant("i64", 1)), unshift))

    return joined(words[0], words[1]), joined(words[1], words[2]), joined(words[2], words[3])
