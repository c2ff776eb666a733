"""Polynomials with literal coefficients, evaluated by fused multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence

from diffc.emit.interface import Emitter, Value


def literal(e: Emitter, like: Value, value: float) -> Value:
    """Return `value` as a constant of the kind and lanes of `like`."""
    return e.constant(like.kind, value, like.lanes)


def horner(e: Emitter, x: Value, coefficients: Sequence[float]) -> Value:
    """Return c[0] + c[1] x + c[2] x^2 + ..., the most accurate order of evaluation."""
    total = literal(e, x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = e.fma(total, x, literal(e, x, coefficient))
    return total


def paired(e: Emitter, x: Value, square: Value, coefficients: Sequence[float]) -> Value:
    """Return the same polynomial as c[0] + c[1] x + x^2 (c[2] + c[3] x + x^2 (...)).

    The chain is half of Horner's, and nothing but the square is multiplied in addition. Source: Knuth, "The
    Art of Computer Programming", volume 2, section 4.6.4.
    """
    terms = [horner(e, x, coefficients[i : i + 2]) for i in range(0, len(coefficients), 2)]
    total = terms[-1]
    for term in terms[-2::-1]:
        total = e.fma(total, square, term)
    return total


def estrin(e: Emitter, x: Value, coefficients: Sequence[float]) -> Value:
    """Return the same polynomial by pairing neighbours, so that the chain is logarithmic in the degree.

    Rounding is a little worse than Horner's: for tails that are small beside what they are added to.
    """
    terms = [literal(e, x, coefficient) for coefficient in coefficients]
    power = x
    while len(terms) > 1:
        odd = len(terms) % 2
        paired = [e.fma(terms[i + 1], power, terms[i]) for i in range(0, len(terms) - 1, 2)]
        terms = paired + terms[-1:] * odd
        if len(terms) > 1:
            power = e.fmul(power, power)
    return terms[0]
