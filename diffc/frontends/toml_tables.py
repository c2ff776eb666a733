"""A model file's tables: the file is read and its TOML taken apart; every problem is told with its line."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn, cast

from diffc.errors import ModelError
from diffc.frontends.toml_lines import MAX_PARTS, Key, find_lines
from diffc.syntax.suggestions import nearest

__all__ = ["Tables", "read_tables"]

_MAX_BYTES = 10_000_000
_MAX_MESSAGE = 500
_MATHS = ("precise", "fast")
_MODEL_KEYS = ("name", "math")
_KNOWN = (
    "model", "inputs", "definitions", "outputs", "derive", "layer", "loss", "train", "name", "math",
    "gradient", "hessian", "jacobian", "partials", "kind", "units", "activation", "target",
)  # fmt: skip
_BARE_KEY = re.compile(r"\s*\[{0,2}\s*([\w-]+)\s*(?:=|\])")
_LINE = re.compile(r" ?\(at line (\d+), column \d+\)")


def read_tables(path: str | os.PathLike[str]) -> Tables:
    """Return the tables of a file; raise `ModelError` where it cannot be read or is not TOML."""
    path = Path(path)
    try:
        if path.is_dir():
            raise ModelError(f"{path}: this is a directory, not a model file")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise ModelError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise ModelError(f"{path}: the file cannot be read: {reason}") from None
    if len(data) > _MAX_BYTES:
        raise ModelError(f"{path}: the file is larger than {_MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise ModelError(f"{path}:{line}: the file is not UTF-8 text") from None
    return Tables(text, path)


def _parse_toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ModelError(f"{path}: values are nested too deeply") from None
    except ValueError as problem:
        message = str(problem)
        found = _LINE.search(message)
        line = int(found.group(1)) if found else text.rstrip().count("\n") + 1
        message = _LINE.sub("", message).replace(" (at end of document)", "; the file ends too early")
        if "overwrite" in message or "twice" in message:
            raise ModelError(f"{path}:{line}: a key or table is given twice ({message})") from None
        hint = _unquoted_key(text.splitlines()[line - 1]) if text.strip() else ""
        raise ModelError(f"{path}:{line}: this is not TOML: {message}{hint}") from None


def _unquoted_key(line: str) -> str:
    """Return what to write for a key with other letters than ASCII's, nothing where the line has none."""
    found = _BARE_KEY.match(line)
    if found is None or found.group(1).isascii():
        return ""
    hint = nearest(found.group(1), _KNOWN)
    return hint or f'; a key with letters beyond ASCII stands in quotes: "{found.group(1)}"'


class Tables:
    """The tables of one file, checked as far as every kind of model file has them in common."""

    def __init__(self, text: str, path: Path) -> None:
        """Read a text; `path` is for messages. Raise `ModelError`."""
        self.path = path
        self._lines, crowded = find_lines(text)
        if crowded is not None:
            raise ModelError(f"{path}:{crowded}: a key has more than {MAX_PARTS} parts")
        self.all = _parse_toml(text, path)

    def line(self, key: Key) -> int:
        """Return the line of a key, or of the innermost table around it that has one."""
        return next((self._lines[key[:k]] for k in range(len(key), 0, -1) if key[:k] in self._lines), 1)

    def fail(self, key: Key, problem: str) -> NoReturn:
        """Raise `ModelError` with the line of a key."""
        first, newline, rest = problem.partition("\n")
        shown = first if len(first) <= _MAX_MESSAGE else first[:_MAX_MESSAGE] + "..."
        raise ModelError(f"{self.path}:{self.line(key)}: {shown}{newline}{rest}")

    def table(self, name: str) -> dict[str, Any]:
        """Return a table, empty where it is not there."""
        table = self.all.get(name, {})
        if not isinstance(table, dict):
            self.fail((name,), f"{name} is a table: write [{name}] and its keys below")
        return cast(dict[str, Any], table)

    def check_names(self, at: tuple[str, ...], table: Iterable[str], known: tuple[str, ...]) -> None:
        """Refuse a key, or at () a table, that is not known."""
        for key in table:
            if key not in known:
                kind = "key" if at else "table"
                where = f" in [{at[0]}]" if at else ""
                listed = f"(there are {', '.join(known)})"
                self.fail((*at, key), f"unknown {kind} {key!r}{where}{nearest(key, known)} {listed}")

    def text(self, key: tuple[str, ...], value: object) -> str:
        """Return a value that must be a text."""
        if not isinstance(value, str):
            self.fail(key, f"{'.'.join(key)} must be a text in quotes, not {value!r:.60}")
        return value

    def heading(self) -> tuple[str, str]:
        """Return what [model] says: the model's name, by default the file's, and its `math`."""
        model = self.table("model")
        self.check_names(("model",), model, _MODEL_KEYS)
        name = self.text(("model", "name"), model.get("name", self.path.stem))
        math = self.text(("model", "math"), model.get("math", "precise"))
        if math not in _MATHS:
            self.fail(("model", "math"), f"math is 'precise' or 'fast', not {math!r}")
        return name, math
