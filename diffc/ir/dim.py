"""Dimensions: integer polynomials in named symbols, in canonical form.

An extent is a Python `int` when it is constant and a `Dim` otherwise, so that static shapes cost
nothing. `Dim` arithmetic returns an `int` again whenever the symbols cancel. Two extents are
equal exactly when their canonical forms are; a symbol stands for any value >= 0 and is never
taken to be 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from diffc.errors import DiffcError, TypeProblem

__all__ = [
    "Dim",
    "Extent",
    "dim_symbols",
    "evaluate_extent",
    "fold_extent",
    "linear_form",
    "may_be_negative",
    "parse_extent",
    "signed_terms",
    "size_of",
]

Folded = TypeVar("Folded")

Monomial: TypeAlias = tuple[tuple[str, int], ...]
"""Symbols with their powers, sorted by name; `()` is the constant."""

_MAX_TERMS = 64
_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TOKEN = re.compile(r"\s*([0-9]+|[A-Za-z_][A-Za-z0-9_]*|\*\*|[-+*])")
_POWERS = [str(power) for power in range(1, 9)]


class Dim:
    """A polynomial with at least one symbol, for example `N-1` or `2*N*M`. Immutable."""

    __slots__ = ("_hash", "terms")

    terms: tuple[tuple[Monomial, int], ...]

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
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
        return len(self.terms) == 1 and self.terms[0][1] == 1 and [p for _, p in self.terms[0][0]] == [1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __add__(self, other: Extent) -> Extent:
        total = dict(self.terms)
        for monomial, coefficient in _terms(other):
            total[monomial] = total.get(monomial, 0) + coefficient
        return _canonical(total)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return Dim(tuple((monomial, -coefficient) for monomial, coefficient in self.terms))

    def __sub__(self, other: Extent) -> Extent:
        return self + (-other)

    def __rsub__(self, other: int) -> Extent:
        return (-self) + other

    def __mul__(self, other: Extent) -> Extent:
        product: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in _terms(other):
                powers = dict(left)
                for name, power in right:
                    powers[name] = powers.get(name, 0) + power
                monomial = tuple(sorted(powers.items()))
                product[monomial] = product.get(monomial, 0) + a * b
        return _canonical(product)

    __rmul__ = __mul__

    def divide(self, other: Extent) -> Extent | None:
        """Return the exact quotient by a single term, or None when there is none."""
        divisor = _terms(other)
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
        return _canonical(quotient)

    def __repr__(self) -> str:
        text = "".join(f"{'-' if negative else '+'}{part}" for negative, part in signed_terms(self))
        return text.removeprefix("+")

    def __reduce__(self) -> tuple[Any, ...]:
        return (parse_extent, (repr(self),))


Extent: TypeAlias = int | Dim


def _terms(extent: Extent) -> tuple[tuple[Monomial, int], ...]:
    return extent.terms if isinstance(extent, Dim) else ((((), extent),) if extent else ())


def _order(item: tuple[Monomial, int]) -> tuple[int, Monomial]:
    return (-sum(power for _, power in item[0]), item[0])


def _canonical(terms: Mapping[Monomial, int]) -> Extent:
    kept = sorted(((m, c) for m, c in terms.items() if c), key=_order)
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    if len(kept) > _MAX_TERMS:
        raise TypeProblem(f"a dimension has more than {_MAX_TERMS} terms")
    return Dim(tuple(kept))


def size_of(shape: tuple[Extent, ...]) -> Extent:
    """Return the number of elements of an array of this shape."""
    total: Extent = 1
    for extent in shape:
        total = total * extent
    return total


def dim_symbols(extent: Extent) -> tuple[str, ...]:
    """Return the symbols of an extent, sorted."""
    return tuple(sorted({name for monomial, _ in _terms(extent) for name, _ in monomial}))


def linear_form(extent: Extent) -> tuple[str, int, int] | None:
    """Return (symbol, factor, offset) of an extent `factor*symbol + offset` with a factor > 0, else None.

    These are the extents from which a symbol's value can be read.
    """
    terms = dict(_terms(extent))
    offset = terms.pop((), 0)
    if len(terms) != 1:
        return None
    ((monomial, factor),) = terms.items()
    return (monomial[0][0], factor, offset) if [p for _, p in monomial] == [1] and factor > 0 else None


def fold_extent(
    extent: Extent,
    constant: Callable[[int], Folded],
    symbol: Callable[[str], Folded],
    multiply: Callable[[Folded, Folded], Folded],
    add: Callable[[Folded, Folded], Folded],
) -> Folded:
    """Return a polynomial's value where its parts have the given meanings: numbers, code, extents.

    The sum starts with 0 and each term with its coefficient; a power is multiplied out.
    """
    if isinstance(extent, int):
        return constant(extent)
    total = constant(0)
    for monomial, coefficient in extent.terms:
        term = constant(coefficient)
        for name, power in monomial:
            for _ in range(power):
                term = multiply(term, symbol(name))
        total = add(total, term)
    return total


def signed_terms(extent: Extent, names: Mapping[str, str] | None = None) -> list[tuple[bool, str]]:
    """Return the terms as text, each as whether it is subtracted and its absolute value; symbols renamed."""
    parts: list[tuple[bool, str]] = []
    for monomial, coefficient in _terms(extent):
        named = ((names[name] if names is not None else name, power) for name, power in monomial)
        factors = [name if power == 1 else f"{name}**{power}" for name, power in named]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, str(abs(coefficient)))
        parts.append((coefficient < 0, "*".join(factors)))
    return parts


def evaluate_extent(extent: Extent, values: Mapping[str, int]) -> int:
    """Return the extent's value where each symbol has the given value."""
    if isinstance(extent, int):
        return extent
    # The fold over numbers, written out: calls of kernels wait for it.
    total = 0
    for monomial, coefficient in extent.terms:
        term = coefficient
        for name, power in monomial:
            term *= values[name] ** power
        total += term
    return total


def substitute_extent(extent: Extent, values: Mapping[str, Extent]) -> Extent:
    """Return the extent with some symbols replaced by other extents."""
    if isinstance(extent, int):
        return extent

    def symbol(name: str) -> Extent:
        return values[name] if name in values else Dim.symbol(name)

    return fold_extent(extent, int, symbol, lambda a, b: a * b, lambda a, b: a + b)


def parse_extent(text: str) -> Extent:
    """Read a polynomial such as `2*N*M-1`: sums of products of integers and symbols.

    Raises:
        DiffcError: for a text that is none, or one that is too long.
    """
    tokens = _extent_tokens(text)
    total: Extent = 0
    sign = 1
    position = 0
    if tokens and tokens[0] in ("+", "-"):
        sign, position = -1 if tokens[0] == "-" else 1, 1
    while True:
        term, position = _read_term(text, tokens, position)
        total = total + sign * term
        if position == len(tokens):
            return total
        sign, position = -1 if tokens[position] == "-" else 1, position + 1


def _extent_tokens(text: str) -> list[str]:
    stripped = text.strip()
    if len(stripped) > 1000:
        raise DiffcError("a dimension is longer than 1000 characters")
    tokens: list[str] = []
    position = 0
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise _unreadable(text, "integers, names, + - * and ** only")
        tokens.append(match.group(1))
        position = match.end()
    return tokens


def _read_term(text: str, tokens: list[str], position: int) -> tuple[Extent, int]:
    """Return the product of factors that starts here, and where the sign after it stands."""
    term: Extent = 1
    while True:
        factor, position = _read_factor(text, tokens, position)
        term = term * factor
        if position == len(tokens) or tokens[position] in ("+", "-"):
            return term, position
        if tokens[position] != "*":
            raise _unreadable(text, "an operator is missing")
        position += 1


def _read_factor(text: str, tokens: list[str], position: int) -> tuple[Extent, int]:
    """Return the integer, symbol or power that starts here, and what follows it."""
    if position == len(tokens):
        raise _unreadable(text, "it ends too early")
    token = tokens[position]
    if not (token[0].isalnum() or token[0] == "_"):
        raise _unreadable(text, f"a factor is missing before {token!r}")
    if token[0].isdigit() and len(token) > 18:
        raise DiffcError(f"the dimension {text!r} is too large")
    base: Extent = int(token) if token[0].isdigit() else Dim.symbol(token)
    if tokens[position + 1 : position + 2] != ["**"]:
        return base, position + 1
    power = tokens[position + 2] if position + 2 < len(tokens) else ""
    if power not in _POWERS:
        raise _unreadable(text, f"a power is an integer from 1 to {_POWERS[-1]}")
    factor = base
    for _ in range(int(power) - 1):
        factor = factor * base
    return factor, position + 3


def _unreadable(text: str, reason: str) -> DiffcError:
    return DiffcError(f"cannot read the dimension {text!r}: {reason}")


def may_be_negative(extent: Extent) -> bool:
    """Tell whether an extent can fall below 0 for symbols that do not, as N-1 does for N = 0."""
    if isinstance(extent, int):
        return extent < 0
    return any(coefficient < 0 for _, coefficient in extent.terms)
