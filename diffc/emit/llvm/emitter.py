"""LLVM IR as text: the thin builder that every lowering emits through.

Stands at the end of the pipeline. A `Module` collects functions, intrinsic declarations, constants and
the vector-maths library functions that were called; `Module.text()` is what `llvmlite.binding.parse_assembly`
reads. A `FunctionEmitter` accumulates the lines of one function; each method appends one instruction (a few,
where said) and returns its `Value`.

The contract:

- operands of one instruction have equal kind and lanes (`select` also takes a scalar condition). Nothing is
  checked here: LLVM's parser and `verify()` report a mismatch, and callers must run both before any pass;
- `lanes == 1` is scalar code, more is a fixed-width vector; the maths library is written once for all widths;
- no fast-math flag is ever emitted, and a multiply-add is fused only where `fma` says so;
- memory holds booleans as bytes (0 or 1), registers hold them as `i1`: `load` and `store` convert;
- a function starts in the block "entry"; every block ends with `br`, `cbr`, `ret` or `unreachable`;
- library functions are `alwaysinline` by default, so the optimisation pipeline must run at least the
  always-inliner; with `inline_maths=False` they stay out of line, for long straight-line programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.emit.llvm.instructions import Instructions
from diffc.emit.llvm.values import (
    BYTES,
    TYPES,
    Formal,
    Value,
    literal,
    parameter_text,
    result_type,
)
from diffc.emit.maths import FUNCTIONS
from diffc.loops.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from diffc.loops.places import Buffer

__all__ = ["FunctionEmitter", "Module", "Formal", "Value"]


class Module:
    """Functions, declarations and the library functions they need, printed as one LLVM module."""

    def __init__(
        self,
        name: str = "diffc",
        *,
        inline_maths: bool = True,
        target: Target | None = None,
        streamed: Collection[Buffer] = (),
    ) -> None:
        """Start an empty module; `inline_maths=False` keeps the maths functions out of line.

        What is written to a `streamed` buffer is written by non-temporal stores.
        """
        self.name = name
        self.target = target or Target()
        self.streamed = streamed
        self.inline_maths = inline_maths
        self.functions: list[FunctionEmitter] = []
        self.declarations: dict[str, str] = {}
        self.globals: dict[str, str] = {}
        self.constants: dict[tuple[str, float, int], Value] = {}
        self.intrinsics: dict[tuple[str, str, int], str] = {}
        self._private: set[str] = set()

    def function(
        self,
        name: str,
        parameters: Sequence[Formal],
        result: tuple[str, int] | None = None,
        *,
        attributes: str = "nounwind",
        linkage: str = "",
    ) -> FunctionEmitter:
        """Return the emitter of a new function; `result` is (kind, lanes), or None for void."""
        emitter = FunctionEmitter(self, name, parameters, result, attributes=attributes, linkage=linkage)
        self.functions.append(emitter)
        return emitter

    def declare(self, name: str, result: tuple[str, int] | None, *arguments: tuple[str, int]) -> None:
        """Declare the external function or intrinsic `name`, once."""
        if name not in self.declarations:
            types = ", ".join(TYPES[argument] for argument in arguments)
            self.declarations[name] = f"declare {result_type(result)} @{name}({types})"

    def table(self, name: str, kind: str, values: Sequence[float]) -> Value:
        """Return a pointer to the constant array `name`, defined once as private data."""
        if name not in self.globals:
            scalar = TYPES[kind, 1]
            items = ", ".join(f"{scalar} {literal(kind, value)}" for value in values)
            self.globals[name] = (
                f"@{name} = private unnamed_addr constant [{len(values)} x {scalar}] [{items}]"
            )
        return Value(f"@{name}", "ptr", 1)

    def library_function(self, name: str, kind: str, lanes: int, arity: int) -> str:
        """Return the symbol of the maths function `name` in this kind and width, emitted on first use."""
        attributes = "alwaysinline" if self.inline_maths else "noinline"
        return self.private_function(
            f"vm_{name}_{kind}x{lanes}", FUNCTIONS[name], (kind, lanes), arity, attributes
        )

    def private_function(
        self, symbol: str, body: Callable[..., Value], operand: tuple[str, int], arity: int, inlining: str
    ) -> str:
        """Return `symbol`, emitting `body(emitter, *operands)` as that internal pure function on first use.

        The operands and the result all have the kind and lanes of `operand`.
        """
        if symbol not in self._private:
            self._private.add(symbol)
            parameters = [Formal(f"x{i}", *operand) for i in range(arity)]
            attributes = f"nounwind willreturn memory(none) {inlining}"
            emitter = self.function(symbol, parameters, operand, attributes=attributes, linkage="internal")
            emitter.ret(body(emitter, *emitter.arguments))
        return symbol

    def internal_function(
        self, symbol: str, parameters: Sequence[Formal], body: Callable[[FunctionEmitter], None]
    ) -> str:
        """Return `symbol`, emitting `body(emitter)` as that internal function without result on first use."""
        if symbol not in self._private:
            self._private.add(symbol)
            emitter = self.function(symbol, parameters, attributes="nounwind noinline", linkage="internal")
            body(emitter)
            emitter.ret()
        return symbol

    def text(self) -> str:
        """Return the module as LLVM assembly."""
        parts = [f'source_filename = "{self.name}"', *self.globals.values(), *self.declarations.values()]
        parts.extend(function.text() for function in self.functions)
        if self.streamed:
            parts.append("!0 = !{i32 1}")
        return "\n\n".join(parts) + "\n"

    __str__ = text


class FunctionEmitter(Instructions):
    """The body of one function under construction; instructions go to the block opened last."""

    def __init__(
        self,
        module: Module,
        name: str,
        parameters: Sequence[Formal],
        result: tuple[str, int] | None,
        *,
        attributes: str = "",
        linkage: str = "",
    ) -> None:
        """Open the block "entry" of a function of `module`; prefer `Module.function`, which registers it."""
        super().__init__(module)
        self.name = name
        self.result = result
        self.arguments = [Value(f"%{p.name}", p.kind, p.lanes) for p in parameters]
        self.current_block = "entry"
        self._parameters = parameters
        self.attributes = attributes
        self._linkage = linkage
        self._labels = 0
        self._phis: dict[str, tuple[int, list[str]]] = {}

    def text(self) -> str:
        """Return the function as LLVM assembly; phis carry the incoming values added so far."""
        lines = self._lines.copy()
        for position, incoming in self._phis.values():
            lines[position] += ", ".join(incoming)
        parameters = ", ".join(parameter_text(p) for p in self._parameters)
        linkage = f"{self._linkage} " if self._linkage else ""
        attributes = f" {self.attributes}" if self.attributes else ""
        head = f"define {linkage}{result_type(self.result)} @{self.name}({parameters}){attributes} {{"
        return "\n".join((head, *lines, "}"))

    def comment(self, text: str) -> None:
        """Write one line of comment."""
        self._line(f"  ; {text}")

    # -- lanes ----------------------------------------------------------------------------------------------

    def splat(self, v: Value, lanes: int) -> Value:
        """Return a scalar repeated over the lanes."""
        if lanes == 1:
            return v
        typed = TYPES[v.kind, lanes]
        first = self._emit(f"insertelement {typed} poison, {TYPES[v.kind, 1]} {v.ref}, i64 0", v.kind, lanes)
        mask = f"<{lanes} x i32> zeroinitializer"
        return self._emit(f"shufflevector {typed} {first.ref}, {typed} poison, {mask}", v.kind, lanes)

    def extract(self, v: Value, i: int | Value) -> Value:
        """Return lane i of a vector (or the scalar itself)."""
        if v.lanes == 1:
            return v
        index = i.ref if isinstance(i, Value) else i
        return self._emit(f"extractelement {TYPES[v.kind, v.lanes]} {v.ref}, i64 {index}", v.kind, 1)

    def insert(self, v: Value, scalar: Value, i: int | Value) -> Value:
        """Return the vector with lane i replaced (or the scalar, where there is one lane)."""
        if v.lanes == 1:
            return scalar
        index = i.ref if isinstance(i, Value) else i
        operands = f"{TYPES[v.kind, v.lanes]} {v.ref}, {TYPES[v.kind, 1]} {scalar.ref}"
        return self._emit(f"insertelement {operands}, i64 {index}", v.kind, v.lanes)

    def iota(self, kind: str, lanes: int) -> Value:
        """Return the integers 0, 1, ... of the lanes as a literal."""
        if lanes == 1:
            return self.constant(kind, 0)
        scalar = TYPES[kind, 1]
        return Value(f"<{', '.join(f'{scalar} {i}' for i in range(lanes))}>", kind, lanes)

    def shuffle(self, v: Value, indices: Sequence[int], other: Value | None = None) -> Value:
        """Return a vector of the lanes named by `indices`, whose number is a power of two above one.

        The lanes of another vector of the same type count on behind those of the first.
        """
        typed = TYPES[v.kind, v.lanes]
        mask = ", ".join(f"i32 {i}" for i in indices)
        width = len(indices)
        second = "poison" if other is None else other.ref
        return self._emit(
            f"shufflevector {typed} {v.ref}, {typed} {second}, <{width} x i32> <{mask}>", v.kind, width
        )

    def horizontal(self, operation: str, v: Value) -> Value:
        """Return the lanes reduced, halves against halves: add mul max min, for integers also and or."""
        combine = self._combiner(operation, v.kind)
        while v.lanes > 2:
            half = v.lanes // 2
            v = combine(self.shuffle(v, range(half)), self.shuffle(v, range(half, 2 * half)))
        return v if v.lanes == 1 else combine(self.extract(v, 0), self.extract(v, 1))

    def any(self, v: Value) -> Value:
        """Return whether any lane of bools holds, as a scalar bool."""
        return v if v.lanes == 1 else self._reduction("or", v)

    def all(self, v: Value) -> Value:
        """Return whether every lane of bools holds, as a scalar bool."""
        return v if v.lanes == 1 else self._reduction("and", v)

    def _reduction(self, operation: str, v: Value) -> Value:
        symbol = f"llvm.vector.reduce.{operation}.v{v.lanes}i1"
        self.module.declare(symbol, ("bool", 1), ("bool", v.lanes))
        return self.call(symbol, "bool", 1, v)

    def _combiner(self, operation: str, kind: str) -> Callable[[Value, Value], Value]:
        if kind in ("f64", "f32"):
            return {"add": self.fadd, "mul": self.fmul, "max": self.fmax, "min": self.fmin}[operation]
        return {
            "add": self.iadd,
            "mul": self.imul,
            "max": self.imax,
            "min": self.imin,
            "and": self.iand,
            "or": self.ior,
        }[operation]

    # -- memory ----------------------------------------------------------------------------------------------

    def load(self, ptr: Value, kind: str, lanes: int = 1, align: int = 0) -> Value:
        """Return consecutive elements from memory; the alignment is the element's unless given."""
        if kind == "bool":
            stored = self.load(ptr, "i8", lanes, align)
            return self.icmp("ne", stored, self.constant("i8", 0, lanes))
        return self._emit(
            f"load {TYPES[kind, lanes]}, ptr {ptr.ref}, align {align or BYTES[kind]}", kind, lanes
        )

    def store(self, v: Value, ptr: Value, align: int = 0) -> None:
        """Write the lanes to consecutive elements; the alignment is the element's unless given."""
        if v.kind == "bool":
            v = self.zext(v, "i8")
        self._line(f"  store {TYPES[v.kind, v.lanes]} {v.ref}, ptr {ptr.ref}, align {align or BYTES[v.kind]}")

    def stream(self, v: Value, ptr: Value) -> None:
        """Write whole vectors past the caches, to an address that is a multiple of their width."""
        kind = TYPES[v.kind, v.lanes]
        self._line(
            f"  store {kind} {v.ref}, ptr {ptr.ref}, align {self.module.target.vector_bytes}, !nontemporal !0"
        )

    def fence(self) -> None:
        """Let what was written be seen before anything that follows: also what went past the caches."""
        self._line("  fence seq_cst")

    def alloca(self, kind: str) -> Value:
        """Return the address of one element on the stack; only for the entry block."""
        return self._emit(f"alloca {TYPES[kind, 1]}", "ptr", 1)

    def gep(self, ptr: Value, kind: str, index: Value) -> Value:
        """Return the address of element `index` (an integer scalar) of an array of `kind`."""
        element = "i8" if kind == "bool" else TYPES[kind, 1]
        return self._emit(
            f"getelementptr inbounds {element}, ptr {ptr.ref}, {TYPES[index.kind, 1]} {index.ref}", "ptr", 1
        )

    # -- control flow ----------------------------------------------------------------------------------------

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

    def unreachable(self) -> None:
        """End a block that control cannot reach the end of."""
        self._line("  unreachable")

    # -- calls -----------------------------------------------------------------------------------------------

    def call(self, function_name: str, result_kind: str | None, lanes: int, *args: Value) -> Value:
        """Return the result of a call; the function is defined in the module or was declared.

        With `result_kind` None the call is void, and the value returned must not be used.
        """
        operands = ", ".join([f"{TYPES[a[1], a[2]]} {a[0]}" for a in args])
        if result_kind is None:
            self._line(f"  call void @{function_name}({operands})")
            return Value("poison", "ptr", 1)
        return self._emit(
            f"call {TYPES[result_kind, lanes]} @{function_name}({operands})", result_kind, lanes
        )

    def maths(self, name: str, *args: Value) -> Value:
        """Return the maths function `name` (see `vecmath.FUNCTIONS`) of arguments of equal kind and lanes."""
        _, kind, lanes = args[0]
        symbol = self.module.library_function(name, kind, lanes, len(args))
        return self.call(symbol, kind, lanes, *args)
