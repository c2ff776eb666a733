"""The expression language's tokens."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from keyword import iskeyword
from typing import NamedTuple

from diffc.errors import SyntaxProblem

__all__ = ["MAX_TEXT", "Token", "is_name", "number_value", "range_problem", "tokenize"]

MAX_TEXT = 10_000_000
_MAX_DIGITS = 300
_MAX_NAME = 1000
_WORDS = frozenset(("and", "or", "not", "True", "False", "None"))

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<string>\"[^\"\n]*\"|'[^'\n]*')"
    r"|(?P<symbol>\.\.\.|\*\*|//|<=|>=|==|!=|<>|&&|\|\||[-+*/%@<>=()\[\],:.])"
)
_SPACE = re.compile(r"\s*")

_HINTS = {
    "^": "powers are written with **",
    "&": "write 'and'",
    "&&": "write 'and'",
    "|": "write 'or', and abs(x) for the absolute value",
    "||": "write 'or', and norm(x) for the norm",
    "!": "write 'not', != for 'is not equal', and gamma(x + 1) for a factorial",
    "∞": "write inf",
    "<>": "write !=",
    "~": "write 'not'",
    "{": "lists are written with [ ]",
    "}": "lists are written with [ ]",
    '"': "a text ends on its line with the quote that it begins with",
    "'": "a text ends on its line with the quote that it begins with; the derivative is dc.grad",
    "#": "a formula has no comments",
    ";": "one formula has no statements",
    "×": "write *",
    "·": "write *",
    "÷": "write /",
    "−": "write the plain minus sign -",
    "√": "write sqrt(x)",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
}


_CHOICE = "a choice is written where(condition, x, y)"
_LOOP = "a formula has no loops: write sum, prod or another function of a whole array"
_KEYWORDS = {
    "if": _CHOICE, "else": _CHOICE, "elif": _CHOICE, "for": _LOOP, "while": _LOOP,
    "is": "write ==", "in": "write or between comparisons",
}  # fmt: skip


class Token(NamedTuple):
    """A token: `kind` is number, name, string (in its quotes), symbol or end."""

    kind: str
    text: str
    position: int


def is_name(text: str) -> bool:
    """Tell whether a formula can use this text as a name."""
    return text.isidentifier() and not iskeyword(text)


def number_value(text: str) -> int | float:
    """Return the value of a number token; an integer keeps every digit."""
    return float(text) if any(mark in text for mark in ".eE") else int(text)


def range_problem(text: str) -> str | None:
    """Return what is wrong with a number token that f64 does not have: one beyond it, or that would be 0."""
    if not any(mark in text for mark in ".eE"):
        return None
    value = float(text)
    if math.isinf(value):
        return f"the number {text[:40]} is too large for f64, whose largest is 1.8e308; infinity is inf"
    if value == 0 and any(digit in "123456789" for digit in re.split("[eE]", text)[0]):
        return f"the number {text[:40]} is too small for f64, whose smallest is 4.9e-324; zero is 0"
    return None


def tokenize(text: str) -> Iterator[Token]:
    """Yield the tokens of a text one by one and last an `end`.

    Raises:
        SyntaxProblem: for a text that is too long and for what is no token.
    """
    if len(text) > MAX_TEXT:
        raise SyntaxProblem(
            f"the formula is too long: {len(text):,} characters, at most {MAX_TEXT:,}", text, MAX_TEXT
        )
    position, end = _SPACE.match(text).end(), len(text)  # pyright: ignore[reportOptionalMemberAccess]
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unexpected(text, position, text[position])
        kind, found = match.lastgroup or "", match.group()
        if kind == "name":
            if len(found) > _MAX_NAME:
                raise SyntaxProblem(f"a name has at most {_MAX_NAME:,} characters", text, position)
            if not is_name(found) and found not in _WORDS:
                raise _no_name(text, position, found)
        elif kind == "symbol":
            if found in _HINTS:
                raise _unexpected(text, position, found)
        elif kind == "number":
            _check_number(text, match)
        yield Token(kind, found, position)
        position = _SPACE.match(text, match.end()).end()  # pyright: ignore[reportOptionalMemberAccess]
    yield Token("end", "", end)


def _unexpected(text: str, position: int, found: str) -> SyntaxProblem:
    hint = _HINTS.get(found)
    shown = f"'{found}'" if found.isprintable() else f"U+{ord(found[0]):04X}"
    return SyntaxProblem(f"unexpected character {shown}" + (f": {hint}" if hint else ""), text, position)


def _no_name(text: str, position: int, found: str) -> SyntaxProblem:
    if found in _KEYWORDS:
        hint = f"'{found}' is a word of Python: {_KEYWORDS[found]}"
    elif iskeyword(found):
        hint = f"'{found}' is a word of Python and cannot be a name here: write {found}_"
    else:
        hint = f"{found!r} is not a name: letters, digits and '_'; powers are written with **"
    return SyntaxProblem(hint, text, position)


def _check_number(text: str, match: re.Match[str]) -> None:
    number, after = match.group(), match.end()
    if len(number) > _MAX_DIGITS:
        raise SyntaxProblem(f"a number has at most {_MAX_DIGITS} digits", text, match.start())
    if after < len(text) and (text[after].isalnum() or text[after] == "_"):
        if text[after] in "jJ" and not text[after + 1 : after + 2].isalnum():
            raise SyntaxProblem("complex numbers are not supported", text, after)
        raise SyntaxProblem(f"an operator is missing after {number}: write {number}*...", text, after)
    problem = range_problem(number)
    if problem is not None:
        raise SyntaxProblem(problem, text, match.start())
