"""A module of LLVM IR: functions, declarations, constants and the maths functions that were called.

`text` is what `llvmlite.binding.parse_assembly` reads. Maths functions are `alwaysinline` by default, so the
optimisation pipeline must run at least the always-inliner; with `inline_maths=False` they stay out of line,
for long straight-line programs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from diffc.emit.interface import Emitter, Formal, MathsTable, Module, Value
from diffc.emit.llvm.emitter import FunctionEmitter
from diffc.emit.llvm.globals import Globals
from diffc.loops.target import Target

__all__ = ["LlvmModule"]


class LlvmModule(Module):
    """Functions, declarations and the maths functions they need, printed as one LLVM module."""

    def __init__(
        self, maths: MathsTable | None = None, *, inline_maths: bool = True, target: Target | None = None
    ) -> None:
        """Start an empty module; `maths` are the functions that its code may call by name.

        With a target its functions prefer vectors of that machine's width.
        """
        self.target = target or Target()
        self.shared = Globals()
        self.functions: list[FunctionEmitter] = []
        bits = self.target.vector_bytes * 8
        width = f' "min-legal-vector-width"="{bits}" "prefer-vector-width"="{bits}"'
        self._attributes = "nounwind" + (width if target else "")
        self._maths = maths or {}
        self._maths_inlining = "alwaysinline" if inline_maths else "noinline"
        self._emitted: set[str] = set()

    def function(
        self,
        name: str,
        parameters: Sequence[Formal],
        result: tuple[str, int] | None = None,
        *,
        exported: bool = True,
    ) -> FunctionEmitter:
        attributes, linkage = (
            (self._attributes, "") if exported else (f"{self._attributes} noinline", "internal")
        )
        return self._function(name, parameters, result, attributes, linkage)

    def internal_function(
        self, symbol: str, parameters: Sequence[Formal], body: Callable[[Emitter], None]
    ) -> str:
        if symbol not in self._emitted:
            self._emitted.add(symbol)
            emitter = self._function(symbol, parameters, None, "nounwind noinline", "internal")
            body(emitter)
            emitter.ret()
        return symbol

    def rare_function(
        self, symbol: str, body: Callable[..., Value], operand: tuple[str, int], arity: int
    ) -> str:
        return self._pure_function(symbol, body, operand, arity, "noinline cold")

    def maths_function(self, name: str, kind: str, lanes: int, arity: int) -> str:
        symbol = f"vm_{name}_{kind}x{lanes}"
        return self._pure_function(symbol, self._maths[name], (kind, lanes), arity, self._maths_inlining)

    def declare(self, name: str, result: tuple[str, int] | None, *arguments: tuple[str, int]) -> None:
        self.shared.declare(name, result, *arguments)

    def table(self, name: str, kind: str, values: Sequence[float]) -> Value:
        return self.shared.table(name, kind, values)

    def text(self) -> str:
        shared = self.shared
        parts = ['source_filename = "diffc"', *shared.tables.values(), *shared.declarations.values()]
        parts.extend(function.text() for function in self.functions)
        if shared.has_non_temporal:
            parts.append("!0 = !{i32 1}")
        return "\n\n".join(parts) + "\n"

    def _pure_function(
        self, symbol: str, body: Callable[..., Value], operand: tuple[str, int], arity: int, inlining: str
    ) -> str:
        if symbol not in self._emitted:
            self._emitted.add(symbol)
            parameters = [Formal(f"x{i}", *operand) for i in range(arity)]
            attributes = f"nounwind willreturn memory(none) {inlining}"
            emitter = self._function(symbol, parameters, operand, attributes, "internal")
            emitter.ret(body(emitter, *emitter.arguments))
        return symbol

    def _function(
        self,
        name: str,
        parameters: Sequence[Formal],
        result: tuple[str, int] | None,
        attributes: str,
        linkage: str,
    ) -> FunctionEmitter:
        emitter = FunctionEmitter(self, self.shared, name, parameters, result, attributes, linkage)
        self.functions.append(emitter)
        return emitter
