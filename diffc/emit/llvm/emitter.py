"""LLVM IR as text: the emitter of one function.

Each method appends one instruction, or a few, and returns its `Value`. Nothing is checked here: LLVM's parser
and `verify()` report a mismatch, and callers must run both before any pass.

- no fast-math flag is ever emitted, and a multiply-add is fused only where `fma` says so;
- memory holds booleans as bytes (0 or 1), registers hold them as `i1`: `load` and `store` convert.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffc.emit.interface import Emitter, Formal, Module, Value
from diffc.emit.llvm.flow import Flow
from diffc.emit.llvm.globals import Globals
from diffc.emit.llvm.values import BYTES, TYPES, parameter_text, result_type

__all__ = ["FunctionEmitter"]


class FunctionEmitter(Flow, Emitter):
    """The body of one function under construction; instructions go to the block opened last."""

    def __init__(
        self,
        module: Module,
        shared: Globals,
        name: str,
        parameters: Sequence[Formal],
        result: tuple[str, int] | None,
        attributes: str,
        linkage: str,
    ) -> None:
        """Open the block "entry"; `LlvmModule.function` makes one and registers it."""
        super().__init__(shared)
        self.module = module
        self.name = name
        self.result = result
        self.arguments = [Value(f"%{p.name}", p.kind, p.lanes) for p in parameters]
        self._parameters = parameters
        self._attributes = attributes
        self._linkage = linkage

    def text(self) -> str:
        """Return the function as LLVM assembly."""
        parameters = ", ".join(parameter_text(p) for p in self._parameters)
        linkage = f"{self._linkage} " if self._linkage else ""
        attributes = f" {self._attributes}" if self._attributes else ""
        head = f"define {linkage}{result_type(self.result)} @{self.name}({parameters}){attributes} {{"
        return "\n".join((head, *self.lines(), "}"))

    def comment(self, text: str) -> None:
        """Write one line of comment."""
        self._line(f"  ; {text}")

    # -- lanes ----------------------------------------------------------------------------------------------

    def splat(self, v: Value, lanes: int) -> Value:
        if lanes == 1:
            return v
        typed = TYPES[v.kind, lanes]
        first = self._emit(f"insertelement {typed} poison, {TYPES[v.kind, 1]} {v.ref}, i64 0", v.kind, lanes)
        mask = f"<{lanes} x i32> zeroinitializer"
        return self._emit(f"shufflevector {typed} {first.ref}, {typed} poison, {mask}", v.kind, lanes)

    def extract(self, v: Value, i: int | Value) -> Value:
        if v.lanes == 1:
            return v
        index = i.ref if isinstance(i, Value) else i
        return self._emit(f"extractelement {TYPES[v.kind, v.lanes]} {v.ref}, i64 {index}", v.kind, 1)

    def insert(self, v: Value, scalar: Value, i: int | Value) -> Value:
        if v.lanes == 1:
            return scalar
        index = i.ref if isinstance(i, Value) else i
        operands = f"{TYPES[v.kind, v.lanes]} {v.ref}, {TYPES[v.kind, 1]} {scalar.ref}"
        return self._emit(f"insertelement {operands}, i64 {index}", v.kind, v.lanes)

    def iota(self, kind: str, lanes: int) -> Value:
        if lanes == 1:
            return self.constant(kind, 0)
        scalar = TYPES[kind, 1]
        return Value(f"<{', '.join(f'{scalar} {i}' for i in range(lanes))}>", kind, lanes)

    def shuffle(self, v: Value, indices: Sequence[int], other: Value | None = None) -> Value:
        typed = TYPES[v.kind, v.lanes]
        mask = ", ".join(f"i32 {i}" for i in indices)
        width = len(indices)
        second = "poison" if other is None else other.ref
        return self._emit(
            f"shufflevector {typed} {v.ref}, {typed} {second}, <{width} x i32> <{mask}>", v.kind, width
        )

    def any(self, v: Value) -> Value:
        return v if v.lanes == 1 else self._reduction("or", v)

    def all(self, v: Value) -> Value:
        """Return whether every lane of bools holds, as a scalar bool."""
        return v if v.lanes == 1 else self._reduction("and", v)

    def _reduction(self, operation: str, v: Value) -> Value:
        symbol = f"llvm.vector.reduce.{operation}.v{v.lanes}i1"
        self._shared.declare(symbol, ("bool", 1), ("bool", v.lanes))
        return self.call(symbol, "bool", 1, v)

    # -- memory ----------------------------------------------------------------------------------------------

    def load(self, ptr: Value, kind: str, lanes: int = 1, align: int = 0) -> Value:
        if kind == "bool":
            stored = self.load(ptr, "i8", lanes, align)
            return self.icmp("ne", stored, self.constant("i8", 0, lanes))
        return self._emit(
            f"load {TYPES[kind, lanes]}, ptr {ptr.ref}, align {align or BYTES[kind]}", kind, lanes
        )

    def store(self, v: Value, ptr: Value, align: int = 0) -> None:
        if v.kind == "bool":
            v = self.zext(v, "i8")
        self._line(f"  store {TYPES[v.kind, v.lanes]} {v.ref}, ptr {ptr.ref}, align {align or BYTES[v.kind]}")

    def store_non_temporal(self, v: Value, ptr: Value) -> None:
        self._shared.has_non_temporal = True
        kind = TYPES[v.kind, v.lanes]
        self._line(
            f"  store {kind} {v.ref}, ptr {ptr.ref}, align {self.module.target.vector_bytes}, !nontemporal !0"
        )

    def fence(self) -> None:
        self._line("  fence seq_cst")

    def alloca(self, kind: str) -> Value:
        return self._emit(f"alloca {TYPES[kind, 1]}", "ptr", 1)

    def gep(self, ptr: Value, kind: str, index: Value) -> Value:
        element = "i8" if kind == "bool" else TYPES[kind, 1]
        return self._emit(
            f"getelementptr inbounds {element}, ptr {ptr.ref}, {TYPES[index.kind, 1]} {index.ref}", "ptr", 1
        )

    # -- calls -----------------------------------------------------------------------------------------------

    def call(self, function_name: str, result_kind: str | None, lanes: int, *args: Value) -> Value:
        operands = ", ".join([f"{TYPES[a[1], a[2]]} {a[0]}" for a in args])
        if result_kind is None:
            self._line(f"  call void @{function_name}({operands})")
            return Value("poison", "ptr", 1)
        return self._emit(
            f"call {TYPES[result_kind, lanes]} @{function_name}({operands})", result_kind, lanes
        )
