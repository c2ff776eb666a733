"""Dimensions: integer polynomials in named symbols and their quotients, in canonical form.

An extent is a Python `int` when it is constant and a `Dim` otherwise, so that static shapes cost
nothing. `Dim` arithmetic returns an `int` again whenever the symbols cancel. Two extents are
equal exactly when their canonical forms are; a symbol stands for any value >= 0 and is never
taken to be 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import product
from math import lcm
from typing import Any, TypeAlias, TypeVar

from diffc.errors import DiffcError
from diffc.ir.terms import Monomial, Quotient, Terms, canonical, divided, signed_terms, times

__all__ = [
    "Dim",
    "Extent",
    "dim_symbols",
    "evaluate_extent",
    "extent_terms",
    "fold_extent",
    "linear_form",
    "may_be_negative",
    "size_of",
]

Folded = TypeVar("Folded")

_MOST_REMAINDERS = 64
_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Dim:
    """A polynomial with at least one symbol, for example `N-1` or `2*N*M`. Immutable.

    In a term a quotient, `floor((N+1)/2)`, may take the place of a symbol.
    """

    __slots__ = ("_hash", "terms")

    terms: Terms

    def __init__(self, terms: Terms) -> None:
        """Take terms that are already canonical; use `Dim.symbol` and arithmetic otherwise."""
        self.terms = terms
        self._hash = hash(terms)

    @staticmethod
    def symbol(name: str) -> Dim:
        """Return the polynomial that is the symbol `name` alone."""
        if not _SYMBOL.match(name):
            raise DiffcError(f"a dimension's name is letters, digits and '_': got {name!r}")
        return Dim(((((name, 1),), 1),))

    @property
    def is_symbol(self) -> bool:
        """Whether the polynomial is one symbol alone, so that an array's shape gives its value."""
        return linear_form(self) == (repr(self), 1, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __add__(self, other: Extent) -> Extent:
        return self._plus(other, 1)

    __radd__ = __add__

    def __neg__(self) -> Extent:
        return _extent({monomial: -coefficient for monomial, coefficient in self.terms})

    def __sub__(self, other: Extent) -> Extent:
        return self._plus(other, -1)

    def _plus(self, other: Extent, times: int) -> Extent:
        total = dict(self.terms)
        for monomial, coefficient in extent_terms(other):
            total[monomial] = total.get(monomial, 0) + times * coefficient
        return _extent(total)

    def __rsub__(self, other: int) -> Extent:
        return (-self) + other

    def __mul__(self, other: Extent) -> Extent:
        total: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in extent_terms(other):
                monomial = times(left, right)
                total[monomial] = total.get(monomial, 0) + a * b
        return _extent(total)

    __rmul__ = __mul__

    def divide(self, other: Extent) -> Extent | None:
        """Return the exact quotient by a single term, or None when there is none."""
        divisor = extent_terms(other)
        if len(divisor) != 1 or divisor[0][1] == 0:
            return 1 if isinstance(other, Dim) and other == self else None
        (monomial, coefficient) = divisor[0]
        quotient: dict[Monomial, int] = {}
        for left, a in self.terms:
            powers = dict(left)
            for name, power in monomial:
                powers[name] = powers.get(name, 0) - power
            if a % coefficient or any(power < 0 for power in powers.values()):
                return None
            quotient[tuple(sorted((n, p) for n, p in powers.items() if p))] = a // coefficient
        return _extent(quotient)

    def __floordiv__(self, divisor: int) -> Extent:
        """Return the quotient by a positive integer, rounded down."""
        if divisor < 1:
            raise DiffcError(f"an extent is divided by a positive integer, not by {divisor}")
        return _extent(divided(self.terms, divisor))

    def __mod__(self, divisor: int) -> Extent:
        """Return the remainder of the division by a positive integer."""
        return self - divisor * (self // divisor)

    def __repr__(self) -> str:
        text = "".join(f"{'-' if negative else '+'}{part}" for negative, part in signed_terms(self.terms))
        return text.removeprefix("+")

    def __reduce__(self) -> tuple[Any, ...]:
        return Dim, (self.terms,)


Extent: TypeAlias = int | Dim


def extent_terms(extent: Extent) -> Terms:
    """Return the terms whose sum an extent is."""
    return extent.terms if isinstance(extent, Dim) else ((((), extent),) if extent else ())


def _extent(terms: Mapping[Monomial, int]) -> Extent:
    kept = canonical(terms)
    if not kept:
        return 0
    return kept[0][1] if len(kept) == 1 and not kept[0][0] else Dim(kept)


def size_of(shape: tuple[Extent, ...]) -> Extent:
    """Return the number of elements of an array of this shape."""
    total: Extent = 1
    for extent in shape:
        total = total * extent
    return total


def dim_symbols(extent: Extent) -> tuple[str, ...]:
    """Return the symbols of an extent, those of its quotients included, sorted."""
    found: set[str] = set()
    for monomial, _ in extent_terms(extent):
        for name, _ in monomial:
            if isinstance(name, Quotient):
                found.update(dim_symbols(Dim(name.dividend)))
            else:
                found.add(name)
    return tuple(sorted(found))


def linear_form(extent: Extent) -> tuple[str, int, int] | None:
    """Return (symbol, factor, offset) of an extent `factor*symbol + offset` with a factor > 0, else None.

    These are the extents from which a symbol's value can be read.
    """
    terms = dict(extent_terms(extent))
    offset = terms.pop((), 0)
    if len(terms) != 1:
        return None
    ((monomial, factor),) = terms.items()
    name, power = monomial[0]
    alone = len(monomial) == power == 1 and not isinstance(name, Quotient)
    return (name, factor, offset) if alone and factor > 0 else None


def fold_extent(
    extent: Extent,
    constant: Callable[[int], Folded],
    symbol: Callable[[str], Folded],
    multiply: Callable[[Folded, Folded], Folded],
    add: Callable[[Folded, Folded], Folded],
    divide: Callable[[Folded, int], Folded],
) -> Folded:
    """Return an extent's value where its parts have the given meanings: numbers, code, extents.

    The sum starts with 0 and each term with its coefficient; a power is multiplied out. `divide` rounds down
    what is not negative.
    """

    def value(terms: Terms) -> Folded:
        total = constant(0)
        for monomial, coefficient in terms:
            term = constant(coefficient)
            for name, power in monomial:
                quotient = isinstance(name, Quotient)
                factor = divide(value(name.dividend), name.divisor) if quotient else symbol(name)
                for _ in range(power):
                    term = multiply(term, factor)
            total = add(total, term)
        return total

    return constant(extent) if isinstance(extent, int) else value(extent.terms)


def evaluate_extent(extent: Extent, values: Mapping[str, int]) -> int:
    """Return the extent's value where each symbol has the given value."""
    if isinstance(extent, int):
        return extent
    # The fold over numbers, written out: calls of kernels wait for it.
    total = 0
    for monomial, coefficient in extent.terms:
        term = coefficient
        for name, power in monomial:
            factor = values[name] if type(name) is str else _quotient_value(name, values)
            term *= factor**power
        total += term
    return total


def _quotient_value(name: str, values: Mapping[str, int]) -> int:
    assert isinstance(name, Quotient)
    return evaluate_extent(Dim(name.dividend), values) // name.divisor


def substitute_extent(extent: Extent, values: Mapping[str, Extent]) -> Extent:
    """Return the extent with some symbols replaced by other extents."""
    if isinstance(extent, int):
        return extent

    def symbol(name: str) -> Extent:
        return values[name] if name in values else Dim.symbol(name)

    return fold_extent(
        extent, int, symbol, lambda a, b: a * b, lambda a, b: a + b, lambda a, divisor: a // divisor
    )


@lru_cache(maxsize=4096)
def may_be_negative(extent: Extent) -> bool:
    """Tell whether an extent can fall below 0 for symbols that do not, as N-1 does for N = 0.

    A quotient is a polynomial for each remainder of its symbols. True, too, where that is too much to try.
    """
    if isinstance(extent, int):
        return extent < 0
    if all(coefficient >= 0 for _, coefficient in extent.terms):
        return False
    quotients = {name for monomial, _ in extent.terms for name, _ in monomial if isinstance(name, Quotient)}
    symbols = sorted({name for each in quotients for name in dim_symbols(Dim(each.dividend))})
    period = lcm(*(each.divisor for each in quotients))
    if not quotients or period ** len(symbols) > _MOST_REMAINDERS:
        return True
    for remainders in product(range(period), repeat=len(symbols)):
        values = {s: period * Dim.symbol(s) + r for s, r in zip(symbols, remainders, strict=True)}
        if any(coefficient < 0 for _, coefficient in extent_terms(substitute_extent(extent, values))):
            return True
    return False
