"""Formulas in the making: a value's text, how tightly it binds, and the terms and factors that it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "AND", "ATOM", "COMPARISON", "NOT", "OR", "POWER", "PRODUCT", "SUM", "Factor", "Piece", "add", "atom",
    "call", "multiply", "negate", "other", "power", "product",
]  # fmt: skip

OR, AND, NOT, COMPARISON, SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4, 5, 6, 8, 9
"""How tightly a text's outermost operator binds."""


class Factor(NamedTuple):
    """A factor: its text, how tightly that binds, and its exponent."""

    text: str
    level: int
    exponent: int = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """A value's text, how tightly its outermost operator binds, and its terms and factors if it has any.

    A product is its sign, numbers and factors; a sum has products for terms.
    """

    text: str
    level: int
    negative: bool = False
    numbers: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()
    terms: tuple[Piece, ...] = ()

    def at(self, level: int) -> str:
        """Return the text for a place that needs this level at least."""
        return self.text if self.level >= level else f"({self.text})"


def other(text: str, level: int) -> Piece:
    """Return the piece of what is neither a sum nor a product."""
    return Piece(text, level, factors=(Factor(text, level),))


def atom(text: str) -> Piece:
    """Return the piece of a name."""
    return other(text, ATOM)


def call(name: str, arguments: Sequence[str]) -> Piece:
    """Return the piece of a function's value."""
    return atom(f"{name}({', '.join(arguments)})")


def product(negative: bool, numbers: tuple[str, ...], factors: tuple[Factor, ...]) -> Piece:
    """Return the product of a sign, numbers and powers."""
    texts = list(numbers)
    level = ATOM
    for text, bound, exponent in factors:
        if exponent > 1:
            texts.append(f"{text if bound >= ATOM else f'({text})'}**{exponent}")
            level = POWER
        else:
            # A quotient may stand first, and needs brackets behind a *.
            alone = len(factors) == 1 and not negative and not numbers
            keep = alone or bound > PRODUCT or (bound == PRODUCT and not texts)
            texts.append(text if keep else f"({text})")
            level = bound if keep else ATOM
    level = PRODUCT if len(texts) > 1 or negative else level
    return Piece(("-" if negative else "") + "*".join(texts), level, negative, numbers, factors)


def negate(x: Piece) -> Piece:
    """Return -x."""
    return product(not x.negative, x.numbers, x.factors)


def multiply(x: Piece, y: Piece) -> Piece:
    """Return x*y, equal factors gathered into powers."""
    merged = {each.text: each for each in x.factors}
    for each in y.factors:
        exponent = merged[each.text].exponent if each.text in merged else 0
        merged[each.text] = each._replace(exponent=each.exponent + exponent)
    return product(x.negative != y.negative, (*x.numbers, *y.numbers), tuple(merged.values()))


def power(x: Piece, exponent: int) -> Piece:
    """Return x**exponent for an integer above 1."""
    alone = x.factors[0] if len(x.factors) == 1 and not x.negative and not x.numbers else None
    base = alone or Factor(x.text, x.level)
    return product(False, (), (base._replace(exponent=base.exponent * exponent),))


def add(x: Piece, y: Piece) -> Piece:
    """Return x + y, equal terms gathered into multiples; nothing is cancelled."""
    terms = list(x.terms or [x])
    for term in y.terms or [y]:
        same = next((k for k, each in enumerate(terms) if _is_multiple(each, term)), None)
        if same is None:
            terms.append(term)
        else:
            count = _coefficient(terms[same]) + _coefficient(term)
            terms[same] = product(term.negative, (str(count),), term.factors)
    if len(terms) == 1:
        return terms[0]
    first = next((k for k, term in enumerate(terms) if not term.negative), 0)
    terms.insert(0, terms.pop(first))
    text = terms[0].at(SUM + 1)
    for term in terms[1:]:
        shown = term.text[1:] if term.negative else term.at(SUM + 1)
        text += f" {'-' if term.negative else '+'} {shown}"
    return Piece(text, SUM, factors=(Factor(text, SUM),), terms=tuple(terms))


def _is_multiple(one: Piece, another: Piece) -> bool:
    """Tell whether two terms of one sign differ in a small whole coefficient at most."""
    alike = one.negative == another.negative and set(one.factors) == set(another.factors)
    return alike and bool(one.factors and _coefficient(one) and _coefficient(another))


def _coefficient(term: Piece) -> int:
    """Return the whole number before a term's factors, 0 where there is none."""
    if not term.numbers:
        return 1
    text = term.numbers[0]
    return int(text) if len(term.numbers) == 1 and text.isdecimal() and len(text) < 6 else 0
