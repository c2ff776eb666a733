"""What the functions of an LLVM module share: declarations, constant arrays, and how literals are spelled."""

from __future__ import annotations

from collections.abc import Sequence

from diffc.emit.llvm.values import SUFFIX, TYPES, literal, result_type
from diffc.ops.emitter import Value

__all__ = ["Globals"]


class Globals:
    """The text at the head of a module, collected while its functions are emitted."""

    def __init__(self) -> None:
        """Start with nothing declared."""
        self.declarations: dict[str, str] = {}
        self.tables: dict[str, str] = {}
        self.constants: dict[tuple[str, float, int], Value] = {}
        """Literals that were spelled before."""
        self.has_non_temporal = False
        """Whether a non-temporal store was emitted, which refers to metadata."""
        self._intrinsics: dict[tuple[str, str, int], str] = {}

    def declare(self, name: str, result: tuple[str, int] | None, *arguments: tuple[str, int]) -> None:
        """Declare the external function or intrinsic `name`, once."""
        if name not in self.declarations:
            types = ", ".join(TYPES[argument] for argument in arguments)
            self.declarations[name] = f"declare {result_type(result)} @{name}({types})"

    def intrinsic(self, name: str, kind: str, lanes: int, arity: int) -> str:
        """Return how a call of an intrinsic begins, whose operands and result are of one type."""
        key = (name, kind, lanes)
        head = self._intrinsics.get(key)
        if head is None:
            symbol = f"llvm.{name}.{'' if lanes == 1 else f'v{lanes}'}{SUFFIX[kind]}"
            self.declare(symbol, (kind, lanes), *((kind, lanes),) * arity)
            head = self._intrinsics[key] = f"call {TYPES[kind, lanes]} @{symbol}"
        return head

    def table(self, name: str, kind: str, values: Sequence[float]) -> Value:
        """Return a pointer to the constant array `name`, defined once as private data."""
        if name not in self.tables:
            scalar = TYPES[kind, 1]
            items = ", ".join(f"{scalar} {literal(kind, value)}" for value in values)
            self.tables[name] = (
                f"@{name} = private unnamed_addr constant [{len(values)} x {scalar}] [{items}]"
            )
        return Value(f"@{name}", "ptr", 1)
