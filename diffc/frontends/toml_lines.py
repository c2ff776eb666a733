"""Where the keys of a TOML file stand, which `tomllib` does not say.

The scan reads only as much of TOML as it takes to find keys: headers, keys, and values that it skips.
It never fails; what it cannot read it leaves, `tomllib` having the last word on what is TOML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["MAX_PARTS", "Key", "TableLines", "find_lines"]

MAX_PARTS = 16
"""A key of a model file has at most as many parts; `tomllib` takes time quadratic in their number."""

Key = tuple[str | int, ...]
"""The path of a table or key: `("inputs", "x")`; an array's tables are counted: `("layer", 0, "units")`."""

TableLines = Mapping[Key, int]
"""The line of each table and key."""

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_EMPTY = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_HEADER = re.compile(rf"(\[{{1,2}})[ \t]*({_KEY})[ \t]*\]{{1,2}}")
_ASSIGNMENT = re.compile(rf"({_KEY})[ \t]*=")
_PARTS = re.compile(_PART)
# Also in comments and texts, for simplicity. The start of a word alone is tried: time stays linear.
_CROWDED = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}[ \t]*\.[ \t]*){{{MAX_PARTS}}}")
_VALUE = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[^\n\[\]{}\"'#]+"
    r"|.",
    re.DOTALL,
)


def find_lines(text: str) -> tuple[dict[Key, int], int | None]:
    """Return the line of each table and key, and the first line whose key has too many parts."""
    crowded = _CROWDED.search(text)
    if crowded is not None:
        return {}, text.count("\n", 0, crowded.start()) + 1
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    position, line, counted = 0, 1, 0
    while True:
        position = _EMPTY.match(text, position).end()  # pyright: ignore[reportOptionalMemberAccess]
        line, counted = line + text.count("\n", counted, position), position
        header = _HEADER.match(text, position)
        match = header or _ASSIGNMENT.match(text, position)
        if match is None:
            return lines, None
        parts = [each.strip("\"'") for each in _PARTS.findall(match.group(match.re.groups))]
        key = _header_key(parts, header.group(1) == "[[", counts) if header else (*table, *parts)
        lines.setdefault(key, line)
        for size in range(1, len(key)):
            lines.setdefault(key[:size], line)
        if header:
            table, position = key, match.end()
        else:
            position = _skip_value(text, match.end())


def _header_key(parts: list[str], appends: bool, counts: dict[Key, int]) -> Key:
    """Return the path of a header's table; `counts` has the length of each array of tables so far."""
    key: Key = ()
    for position, part in enumerate(parts):
        key = (*key, part)
        if appends and position == len(parts) - 1:
            counts[key] = counts.get(key, 0) + 1
        if key in counts:
            key = (*key, counts[key] - 1)
    return key


def _skip_value(text: str, position: int) -> int:
    """Return where the line ends on which the value ends."""
    depth = 0
    while position < len(text):
        token = _VALUE.match(text, position)
        if token is None or (text[position] == "\n" and depth == 0):
            break
        depth += token.group() in ("[", "{")
        depth -= token.group() in ("]", "}")
        position = token.end()
    return position
