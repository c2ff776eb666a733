"""The terms of extents: products of symbols and of quotients that are rounded down, such as floor((N+1)/2).

Every second of N elements are floor((N+1)/2), which is no polynomial: in a term a quotient takes the place
of a symbol. Its dividend is a polynomial with coefficients from 0 up to the divisor, so that it is never
negative. What the places of a period have together is known, floor(N/2) + floor((N+1)/2) = N: of the sums
that are equal by this the one with the fewest quotients is canonical.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import TypeAlias

from diffc.errors import TypeProblem

__all__ = ["Monomial", "Quotient", "Terms", "canonical", "divided", "signed_terms", "times"]

Monomial: TypeAlias = tuple[tuple[str, int], ...]
"""Symbols and quotients with their powers, sorted by name; `()` is the constant."""

Terms: TypeAlias = tuple[tuple[Monomial, int], ...]

_MAX_TERMS = 64
_MAX_DIVISOR = 2**31


class Quotient(str):
    """The largest integer that is no more than a polynomial over an integer; equal by its text. Immutable."""

    dividend: Terms
    divisor: int

    def __new__(cls, dividend: Terms, divisor: int) -> Quotient:
        """Return the quotient of what `divided` gives.

        Raises:
            TypeProblem: for one of too large a divisor, or of other quotients.
        """
        quotient = super().__new__(cls, f"floor({_over(dividend, divisor, None)})")
        if divisor > _MAX_DIVISOR or any(isinstance(name, Quotient) for m, _ in dividend for name, _ in m):
            raise TypeProblem(
                f"the extent {quotient} is a quotient of others, or by more than {_MAX_DIVISOR}: "
                "use known extents"
            )
        quotient.dividend, quotient.divisor = dividend, divisor
        return quotient

    def __getnewargs__(self) -> tuple[Terms, int]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return what makes it again."""
        return self.dividend, self.divisor


def _over(dividend: Terms, divisor: int, names: Mapping[str, str] | None, sign: str = "/") -> str:
    parts = signed_terms(dividend, names)
    text = ("+" if names is None else " + ").join(part for _, part in parts)
    return f"{text if len(parts) == 1 and '*' not in text else f'({text})'}{sign}{divisor}"


def signed_terms(terms: Terms, names: Mapping[str, str] | None = None) -> list[tuple[bool, str]]:
    """Return the terms as text, each as whether it is subtracted and its absolute value.

    With `names` the symbols bear these, and quotients are written as in Python.
    """
    parts: list[tuple[bool, str]] = []
    for monomial, coefficient in terms:
        named = [(_named(name, names), power) for name, power in monomial]
        factors = [name if power == 1 else f"{name}**{power}" for name, power in named]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, str(abs(coefficient)))
        parts.append((coefficient < 0, "*".join(factors)))
    return parts


def _named(name: str, names: Mapping[str, str] | None) -> str:
    if names is None:
        return name
    if isinstance(name, Quotient):
        return f"({_over(name.dividend, name.divisor, names, ' // ')})"
    return names[name]


def canonical(terms: Mapping[Monomial, int]) -> Terms:
    """Return the terms in canonical form; raise `TypeProblem` for too many."""
    kept = sorted(((m, c) for m, c in _collected(terms).items() if c), key=_order)
    if len(kept) > _MAX_TERMS:
        raise TypeProblem(f"a dimension has more than {_MAX_TERMS} terms")
    return tuple(kept)


def _order(item: tuple[Monomial, int]) -> tuple[int, bool, Monomial]:
    degree = sum(power for _, power in item[0])
    return -degree, any(isinstance(name, Quotient) for name, _ in item[0]), item[0]


def divided(terms: Terms, divisor: int) -> dict[Monomial, int]:
    """Return the terms of the quotient of these by an integer, rounded down."""
    whole: dict[Monomial, int] = {}
    while True:
        for monomial, c in terms:
            whole[monomial] = whole.get(monomial, 0) + c // divisor
        rest = {monomial: c % divisor for monomial, c in terms if c % divisor}
        constant = rest.pop((), 0)
        common = gcd(divisor, *rest.values())
        rest, constant = {monomial: c // common for monomial, c in rest.items()}, constant // common
        divisor //= common
        found = next((monomial for monomial, c in rest.items() if c == 1 and _is_quotient(monomial)), None)
        if found is None:
            break
        # floor((floor(p/a) + q)/b) = floor((p + a*q)/(a*b))
        ((inner, _),) = found
        assert isinstance(inner, Quotient)
        dividend = {monomial: c * inner.divisor for monomial, c in rest.items() if monomial != found}
        for monomial, c in (*inner.dividend, ((), constant * inner.divisor)):
            dividend[monomial] = dividend.get(monomial, 0) + c
        terms, divisor = tuple(dividend.items()), divisor * inner.divisor
    if rest:
        quotient = Quotient(canonical({**rest, (): constant}), divisor)
        whole[((quotient, 1),)] = whole.get(((quotient, 1),), 0) + 1
    return whole


def _is_quotient(monomial: Monomial) -> bool:
    return len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], Quotient)


def _collected(terms: Mapping[Monomial, int]) -> Mapping[Monomial, int]:
    """Return terms in which the quotients of each period have their canonical counts."""
    groups: dict[tuple[Monomial, Terms, int], dict[int, Monomial]] = {}
    for monomial in terms:
        quotients = [(name, power) for name, power in monomial if isinstance(name, Quotient)]
        if len(quotients) == 1 and quotients[0][1] == 1:
            name = quotients[0][0]
            others = tuple(each for each in monomial if each[0] != name)
            period = tuple(term for term in name.dividend if term[0])
            place = next((c for inner, c in name.dividend if not inner), 0)
            groups.setdefault((others, period, name.divisor), {})[place] = monomial
    result = dict(terms)
    for (others, period, divisor), places in groups.items():
        shift = _shift([terms[monomial] for monomial in places.values()], divisor)
        for place in range(divisor if shift else 0):
            dividend = (*period, ((), place)) if place else period
            monomial = places.get(place) or times(others, ((Quotient(dividend, divisor), 1),))
            result[monomial] = result.get(monomial, 0) - shift
        for monomial, factor in period if shift else ():
            product = times(others, monomial)
            result[product] = result.get(product, 0) + shift * factor
    return result


def _shift(counts: list[int], divisor: int) -> int:
    """Return the most frequent count in a period, the least of several; places that are absent have 0."""
    frequencies = {0: divisor - len(counts)}
    for each in counts:
        frequencies[each] = frequencies.get(each, 0) + 1
    most = max(frequencies.values())
    return min(count for count, frequency in frequencies.items() if frequency == most)


def times(left: Monomial, right: Monomial) -> Monomial:
    """Return the product of two monomials."""
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + power
    return tuple(sorted(powers.items()))
