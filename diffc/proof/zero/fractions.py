"""Quotients of polynomials that are never brought to lowest terms: whether one vanishes needs no divisors.

A denominator is kept as a product of powers of polynomials, so that sums of fractions over the same
bases do not grow; no greatest common divisor is computed, which takes unforeseeable time in many variables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diffc.proof.budget import ask

__all__ = ["Quotient", "TooLargeError", "reduced"]

MAX_TERMS, MAX_WORK, MAX_DEGREE = 1000, 20_000, 256


class TooLargeError(Exception):
    """The exact form outgrows its limits."""


@dataclass(frozen=True)
class Quotient:
    """`top` divided by the product of polynomials to the powers in `below`."""

    top: Any
    below: Mapping[Any, int]

    def __add__(self, other: Quotient) -> Quotient:
        """Return the sum, over the powers that both need."""
        below = {b: max(self.below.get(b, 0), other.below.get(b, 0)) for b in {**self.below, **other.below}}
        return Quotient(_bounded(self._over(below) + other._over(below)), below)

    def _over(self, below: Mapping[Any, int]) -> Any:
        """Return the top over a larger denominator."""
        return _raised(self.top, {b: k - self.below.get(b, 0) for b, k in below.items()})

    def __mul__(self, other: Quotient) -> Quotient:
        """Return the product."""
        below = {b: self.below.get(b, 0) + other.below.get(b, 0) for b in {**self.below, **other.below}}
        return Quotient(_product(self.top, other.top), below)

    def __pow__(self, k: int) -> Quotient:
        """Return an integer power; the base of a negative one is not zero."""
        below = {b: abs(k) * n for b, n in self.below.items()}
        if k >= 0:
            return Quotient(_power(self.top, k), below)
        top = _raised(self.top.ring.one, below)
        if self.top.is_ground:
            return Quotient(top * (1 / self.top.LC) ** -k, {})
        return Quotient(top, {self.top: -k})


def reduced(top: Any, position: int, q: int, base: Quotient) -> Any:
    """Return a polynomial, times what is no zero, with the q-th power of one variable replaced by `base`."""
    rows: dict[int, dict[Any, Any]] = {}
    for exponents, c in top.terms():
        times, left = divmod(exponents[position], q)
        rows.setdefault(times, {})[(*exponents[:position], left, *exponents[position + 1 :])] = c
    total = Quotient(top.ring.zero, {})
    for times, row in rows.items():
        total = total + Quotient(top.ring.from_dict(row), {}) * base**times
    return total.top


def _raised(top: Any, factors: Mapping[Any, int]) -> Any:
    for base, k in factors.items():
        if k:
            top = _product(top, _power(base, k))
    return top


def _power(base: Any, k: int) -> Any:
    terms = len(base)
    degree = max((sum(e) for e in base.itermonoms()), default=0)
    if degree * k > MAX_DEGREE or (terms > 1 and math.comb(k + terms - 1, terms - 1) > MAX_WORK):
        raise TooLargeError
    return base**k


def _product(a: Any, b: Any) -> Any:
    ask()
    if len(a) * len(b) > MAX_WORK:
        raise TooLargeError
    return _bounded(a * b)


def _bounded(a: Any) -> Any:
    if len(a) > MAX_TERMS:
        raise TooLargeError
    return a
