"""Basic blocks: labels, branches and phis; every block ends with `br`, `cbr` or `ret`."""

from __future__ import annotations

from diffc.emit.llvm.globals import Globals
from diffc.emit.llvm.instructions import Instructions
from diffc.emit.llvm.values import TYPES
from diffc.ops.emitter import Value

__all__ = ["Blocks"]


class Blocks(Instructions):
    """The blocks of one function; instructions go to the block opened last, the first being "entry"."""

    def __init__(self, shared: Globals) -> None:
        """Open the block "entry"."""
        super().__init__(shared)
        self.current_block = "entry"
        self._labels = 0
        self._phis: dict[str, tuple[int, list[str]]] = {}

    def lines(self) -> list[str]:
        """Return the lines so far; phis carry the incoming values added so far."""
        lines = self._lines.copy()
        for position, incoming in self._phis.values():
            lines[position] += ", ".join(incoming)
        return lines

    def new_label(self, stem: str = "block") -> str:
        """Return a label not used before in this function."""
        self._labels += 1
        return f"{stem}.{self._labels}"

    def block(self, label: str) -> None:
        """Open the block `label`."""
        self._line(f"{label}:")
        self.current_block = label

    def br(self, label: str) -> None:
        """Go to `label`."""
        self._line(f"  br label %{label}")

    def cbr(self, condition: Value, if_true: str, if_false: str) -> None:
        """Go to one of two labels."""
        self._line(f"  br i1 {condition.ref}, label %{if_true}, label %{if_false}")

    def phi(self, kind: str, lanes: int = 1) -> Value:
        """Return a phi of the current block, whose incoming values `add_incoming` gives."""
        value = self._emit(f"phi {TYPES[kind, lanes]} ", kind, lanes)
        self._phis[value.ref] = (len(self._lines) - 1, [])
        return value

    def add_incoming(self, phi: Value, value: Value, label: str) -> None:
        """Let `phi` be `value` when control comes from the block `label`."""
        self._phis[phi.ref][1].append(f"[ {value.ref}, %{label} ]")

    def ret(self, v: Value | None = None) -> None:
        """Return from the function."""
        self._line("  ret void" if v is None else f"  ret {TYPES[v.kind, v.lanes]} {v.ref}")
