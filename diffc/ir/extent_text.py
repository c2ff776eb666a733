"""Extents as text: `2*N*M-1`, `floor((N+1)/2)`; what `str` of an extent gives is read again."""

from __future__ import annotations

import re

from diffc.errors import DiffcError
from diffc.ir.dim import Dim, Extent

__all__ = ["parse_extent"]

_TOKEN = re.compile(r"\s*([0-9]+|[A-Za-z_][A-Za-z0-9_]*|\*\*|[-+*/()])")
_POWERS = [str(power) for power in range(1, 9)]
_MAX_LENGTH, _MAX_DIGITS = 1000, 18


def parse_extent(text: str) -> Extent:
    """Read sums of products of integers, symbols and quotients such as `floor(N/2)`.

    Raises:
        DiffcError: for a text that is none, or one that is too long.
    """
    reader = _Reader(text)
    extent = reader.sum()
    if reader.token:
        raise reader.problem("an operator is missing")
    return extent


class _Reader:
    """The tokens of one text, and how far they are read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split(text.strip())
        self.position = 0

    def _split(self, text: str) -> list[str]:
        if len(text) > _MAX_LENGTH:
            raise DiffcError(f"a dimension is longer than {_MAX_LENGTH} characters")
        tokens: list[str] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.problem("integers, names, + - * ** and floor(N/2) only")
            tokens.append(match.group(1))
            position = match.end()
        return tokens

    def problem(self, reason: str) -> DiffcError:
        return DiffcError(f"cannot read the dimension {self.text!r}: {reason}")

    @property
    def token(self) -> str:
        """The next token; nothing at the end."""
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, *choices: str) -> str:
        """Return the next token if it is one of these and go on; return nothing otherwise."""
        found = self.token
        if found not in choices:
            return ""
        self.position += 1
        return found

    def sum(self, *, inside: bool = False) -> Extent:
        """Return the sum that starts here, inside of a quotient or not."""
        negative = self.take("+", "-") == "-"
        total: Extent = 0
        while True:
            term = self.product(inside)
            total = total - term if negative else total + term
            sign = self.take("+", "-")
            if not sign:
                return total
            negative = sign == "-"

    def product(self, inside: bool) -> Extent:
        term = self.factor(inside)
        while self.take("*"):
            term = term * self.factor(inside)
        return term

    def factor(self, inside: bool) -> Extent:
        """Return the integer, symbol, quotient or power that starts here."""
        token = self.token
        self.position += 1
        if not token:
            raise self.problem("it ends too early")
        if not (token[0].isalnum() or token[0] == "_"):
            raise self.problem(f"a factor is missing before {token!r}")
        if token == "floor" and self.take("("):
            if inside:
                raise self.problem("a quotient is one of a polynomial")
            base = self.quotient()
        else:
            base = self.integer(token) if token[0].isdigit() else Dim.symbol(token)
        if not self.take("**"):
            return base
        power = self.take(*_POWERS)
        if not power:
            raise self.problem(f"a power is an integer from 1 to {_POWERS[-1]}")
        factor = base
        for _ in range(int(power) - 1):
            factor = factor * base
        return factor

    def quotient(self) -> Extent:
        """Return the rest of floor((sum)/integer), whose parentheses a single factor may lack."""
        if self.take("("):
            dividend = self.sum(inside=True)
            self.expect(")")
        else:
            dividend = self.factor(True)
        self.expect("/")
        divisor = self.integer(self.token) if self.token.isdigit() else 0
        self.position += 1
        self.expect(")")
        if divisor < 1:
            raise self.problem("a quotient is one by a positive integer")
        return dividend // divisor

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise self.problem(f"{token!r} is missing, as in floor((N+1)/2)")

    def integer(self, token: str) -> int:
        if len(token) > _MAX_DIGITS:
            raise DiffcError(f"the dimension {self.text!r} is too large")
        return int(token)
