"""Names in generated source: the user's own where code may use them, numbered ones everywhere else."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping

from diffc.ir import Node
from diffc.loops.form import Loops
from diffc.loops.places import Buffer, Scalar

__all__ = ["Names", "comment"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
_GENERATED = re.compile(r"[vti]\d+_*\Z")
_RESERVED = {
    *("np", "math", "work", "kernel", "inf", "nan"),
    *keyword.kwlist,
    *keyword.softkwlist,
    *dir(builtins),
}
_STEMS = {"input": "x", "output": "out", "constant": "const"}
_LONGEST = 60


class Names:
    """The names of one program's buffers, symbols and values; no two are equal."""

    def __init__(self, loops: Loops) -> None:
        """Name the buffers and the symbols; values are named where they are defined."""
        self._taken = set(_RESERVED)
        self._numbers: Mapping[Node, int] = loops.numbers
        self._values: dict[int, str] = {}
        arrays = (*loops.inputs, *loops.constants, *loops.outputs, *loops.work, *loops.aliases)
        self.buffers = {buffer: self._buffer(buffer) for buffer in arrays}
        self.symbols = {symbol: self._symbol(symbol) for symbol in loops.graph.symbols}

    def define(self, value: Scalar) -> str:
        """Return a new name for a value: `v3` for node 3 of the dump, a `t` for what has no number there."""
        number = self._numbers.get(value.node) if value.node is not None else None
        name = f"v{number}" if number is not None else f"t{value.number}"
        if name in self._taken:
            name = f"t{value.number}"
        self._taken.add(name)
        self._values[value.number] = name
        return name

    def rename(self, value: Scalar, name: str) -> None:
        """Let a value have the name of something that is there already."""
        self._values[value.number] = name

    def __getitem__(self, value: Scalar) -> str:
        return self._values[value.number]

    def _buffer(self, buffer: Buffer) -> str:
        name = buffer.name
        if not _PLAIN.match(name) or name in self._taken or _GENERATED.match(name) or len(name) > _LONGEST:
            name = f"{_STEMS.get(buffer.role, 'w')}_{buffer.position}"
        return self._fresh(name)

    def _symbol(self, symbol: str) -> str:
        usable = symbol not in self._taken and not _GENERATED.match(symbol) and len(symbol) <= _LONGEST
        return self._fresh(symbol if usable and _PLAIN.match(symbol) else f"n_{symbol[:_LONGEST]}")

    def _fresh(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def comment(text: str) -> str:
    """Return a text that stays inside one line of comment."""
    return text.encode("unicode_escape").decode("ascii")[:120]
