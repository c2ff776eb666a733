"""Values and types on the command line: `a=1`, `x=[1, 2.5, -inf]`, `x:f64[N, 3]`. Nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from diffc.errors import DiffcError, InputError, SyntaxProblem
from diffc.syntax.lexer import range_problem

__all__ = ["Value", "names_of", "read_assignments", "read_types", "read_value"]

Value: TypeAlias = "float | int | bool | list[Value]"

_MAX_DEPTH = 32
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<float>[+-]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|inf|nan))(?![\w.])"
    r"|(?P<int>[+-]?[0-9]{1,4000})(?![\w.])"
    r"|(?P<bool>true|false)(?!\w)"
    r"|(?P<mark>[\[\],])"
)


def read_assignments(texts: Sequence[str], option: str) -> dict[str, Value]:
    """Return the values of `NAME=VALUE` texts, in order; `option` is for messages."""
    values: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InputError(f"{option}: {text[:80]!r} is not NAME=VALUE, such as a=1 or x=[1,2]")
        if name in values:
            raise InputError(f"{option}: {name!r} is given twice")
        try:
            values[name] = read_value(value)
        except SyntaxProblem as problem:
            raise InputError(f"{option}: the value of {name!r}: {problem}") from None
    return values


def read_value(text: str) -> Value:
    """Return a number, true or false, or a (nested) list of them; raise `SyntaxProblem` with a caret."""
    open_: list[list[Value]] = [[]]
    position, previous = 0, "["
    while match := _TOKEN.match(text, position):
        kind, token = str(match.lastgroup), match.group()
        if kind != "space":
            if token not in _behind(previous, len(open_)) and (kind == "mark" or previous not in ("[", ",")):
                raise SyntaxProblem(f"'{token[:20]}' cannot stand here", text, position)
            if token == "[":
                if len(open_) > _MAX_DEPTH:
                    raise SyntaxProblem(f"lists are nested more than {_MAX_DEPTH} deep", text, position)
                open_.append([])
            elif token == "]":
                closed = open_.pop()
                open_[-1].append(closed)
            elif kind != "mark":
                problem = range_problem(token.lstrip("+-")) if kind == "float" else None
                if problem is not None:
                    raise SyntaxProblem(problem, text, position)
                open_[-1].append(_number(kind, token))
            previous = token
        position = match.end()
    if position < len(text):
        raise SyntaxProblem("a number or a list of numbers is expected, such as [1, 2.5]", text, position)
    if len(open_) > 1 or not open_[0]:
        raise SyntaxProblem("a ']' is missing" if len(open_) > 1 else "a value is missing", text, position)
    return open_[0][0]


def _behind(previous: str, depth: int) -> tuple[str, ...]:
    """Return the marks that may stand behind a token; `depth` is 1 outside of any list."""
    if previous in ("[", ","):
        return ("[", "]") if depth > 1 else ("[",)
    return (",", "]") if depth > 1 else ()


def _number(kind: str, token: str) -> Value:
    if kind == "bool":
        return token == "true"
    return float(token) if kind == "float" else int(token)


def read_types(texts: Sequence[str] | None) -> dict[str, str] | None:
    """Return the types of `NAME:TYPE` texts; None where there are none."""
    if texts is None:
        return None
    types: dict[str, str] = {}
    for text in texts:
        name, colon, type_ = text.partition(":")
        if not colon or not name.strip() or not type_.strip():
            raise DiffcError(f"--inputs: {text[:80]!r} is not NAME:TYPE, such as x:f64[N]")
        if name.strip() in types:
            raise DiffcError(f"--inputs: {name.strip()!r} is given twice")
        types[name.strip()] = type_.strip()
    return types


def names_of(texts: Sequence[str] | None) -> list[str]:
    """Return the names in `a b` or `a,b`."""
    return [name.strip() for text in texts or () for name in text.split(",") if name.strip()]
