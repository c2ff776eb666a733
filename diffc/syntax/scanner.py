"""A place in a text of the IR, and the tokens that may come next."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from diffc.errors import DiffcError, SyntaxProblem

__all__ = ["Scanner"]

_Value = TypeVar("_Value")

_MAX_DEPTH = 100
_MAX_MESSAGE = 500

_SPACE = re.compile(r"[ \t\r]*")
_EMPTY = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t\r]*(?:#[^\n]*\Z)?")


class Scanner:
    """Reads a text from left to right; spaces before a token are skipped, ends of lines are not."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def problem(self, problem: str, position: int | None = None) -> SyntaxProblem:
        """Return the error that points at a place, by default the current one."""
        if len(problem) > _MAX_MESSAGE:
            problem = problem[:_MAX_MESSAGE] + "..."
        return SyntaxProblem(problem, self.text, self.position if position is None else position)

    def skip(self) -> int:
        """Skip spaces and return the position of what comes next."""
        self.position = _SPACE.match(self.text, self.position).end()  # pyright: ignore[reportOptionalMemberAccess]
        return self.position

    def skip_lines(self) -> None:
        """Skip empty lines and lines that hold a comment alone."""
        self.position = _EMPTY.match(self.text, self.position).end()  # pyright: ignore[reportOptionalMemberAccess]

    def at(self, text: str) -> bool:
        """Tell whether this text comes next."""
        return self.text.startswith(text, self.skip())

    def take(self, text: str) -> bool:
        """Read this text if it comes next."""
        found = self.at(text)
        if found:
            self.position += len(text)
        return found

    def expect(self, text: str) -> None:
        """Read this text; raise `SyntaxProblem` if something else comes next."""
        if not self.take(text):
            raise self.problem(f"'{text}' is expected here")

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Read what matches the pattern, or return None and stay."""
        match = pattern.match(self.text, self.skip())
        if match is None:
            return None
        self.position = match.end()
        return match.group()

    def read(self, pattern: re.Pattern[str], what: str) -> str:
        """Read what matches the pattern; raise `SyntaxProblem` naming what was expected."""
        found = self.match(pattern)
        if found is None:
            raise self.problem(f"{what} is expected here")
        return found

    def convert(self, read: Callable[[str], _Value], text: str, position: int) -> _Value:
        """Return what `read` makes of a text that stood at `position`; its `DiffcError` points there."""
        try:
            return read(text)
        except DiffcError as problem:
            raise self.problem(str(problem), position) from None

    def end_line(self) -> None:
        """Read the end of a line."""
        if self.skip() < len(self.text):
            if self.text[self.position] != "\n":
                raise self.problem("the line should end here")
            self.position += 1

    def nested(self, item: Callable[[], Any]) -> Any:
        """Read one item, or a bracket of items and brackets as a (nested) tuple. Iterative."""
        open_: list[list[Any]] = [[]]
        while not open_[0]:
            if self.take("("):
                if len(open_) > _MAX_DEPTH:
                    raise self.problem(f"brackets are nested more than {_MAX_DEPTH} deep")
                open_.append([])
            else:
                self._add(open_, item())
            while len(open_) > 1 and self.take(")"):
                self._add(open_, tuple(open_.pop()))
        return open_[0][0]

    def _add(self, open_: list[list[Any]], value: Any) -> None:
        open_[-1].append(value)
        if len(open_) > 1 and not self.take(",") and not self.at(")"):
            raise self.problem("',' or ')' is expected here")
