"""What kernels, routines and maths functions are written against: a module of functions under construction.

A new back end implements `Module` and `Emitter`, in a folder beside `llvm/`: the arithmetic of
`diffc.ops.emitter`, lanes, memory, calls and the structured flow below. What has a body here is built of the
rest, and may be replaced by what the back end has for it. Nothing outside the back end's folder knows its
blocks, its spelling or its attributes; `diffc.emit.lowering` is where a program meets it.

Memory holds booleans as bytes (0 or 1), registers as `bool`: `load` and `store` convert. A function's code
goes on behind every structured form; it ends with `ret`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from diffc.loops.target import Target
from diffc.ops.emitter import Arithmetic, Value

__all__ = ["Emitter", "Formal", "MathsTable", "Module", "Value"]

MathsTable: TypeAlias = Mapping[str, Callable[..., Value]]
"""Maths functions by name: each emits its body, `(e: Emitter, *args: Value) -> Value`."""


class Formal(NamedTuple):
    """A function's parameter; `attributes` are words about a pointer: noalias, nocapture, readonly."""

    name: str
    kind: str
    lanes: int = 1
    attributes: str = ""


class Module(ABC):
    """The functions of one kernel, with what they declare and the maths functions that they call."""

    target: Target
    """The machine that code is made for."""

    @abstractmethod
    def function(
        self,
        name: str,
        parameters: Sequence[Formal],
        result: tuple[str, int] | None = None,
        *,
        exported: bool = True,
    ) -> Emitter:
        """Return the emitter of a new function; `result` is (kind, lanes), or None.

        One that is not exported is called from this module alone, and never inlined.
        """

    @abstractmethod
    def internal_function(
        self, symbol: str, parameters: Sequence[Formal], body: Callable[[Emitter], None]
    ) -> str:
        """Return `symbol`, emitting `body(emitter)` as that function without result on first use."""

    @abstractmethod
    def rare_function(
        self, symbol: str, body: Callable[..., Value], operand: tuple[str, int], arity: int
    ) -> str:
        """Return `symbol`, emitting `body(emitter, *operands)` as that pure function on first use.

        The operands and the result all have the kind and lanes of `operand`. It is hardly ever called.
        """

    @abstractmethod
    def maths_function(self, name: str, kind: str, lanes: int, arity: int) -> str:
        """Return the symbol of the maths function `name` in this kind and width, emitted on first use."""

    @abstractmethod
    def declare(self, name: str, result: tuple[str, int] | None, *arguments: tuple[str, int]) -> None:
        """Declare the external function `name`, once."""

    @abstractmethod
    def table(self, name: str, kind: str, values: Sequence[float]) -> Value:
        """Return a pointer to the constant array `name`, defined once."""

    @abstractmethod
    def text(self) -> str:
        """Return the code of the module."""


class Emitter(Arithmetic):
    """The body of one function under construction."""

    module: Module
    arguments: Sequence[Value]
    """The values of the parameters."""

    # -- lanes ----------------------------------------------------------------------------------------------

    @abstractmethod
    def splat(self, v: Value, lanes: int) -> Value:
        """Return a scalar repeated over the lanes."""

    @abstractmethod
    def extract(self, v: Value, i: int | Value) -> Value:
        """Return lane i of a vector (or the scalar itself)."""

    @abstractmethod
    def insert(self, v: Value, scalar: Value, i: int | Value) -> Value:
        """Return the vector with lane i replaced (or the scalar, where there is one lane)."""

    @abstractmethod
    def iota(self, kind: str, lanes: int) -> Value:
        """Return the integers 0, 1, ... of the lanes as a literal."""

    @abstractmethod
    def shuffle(self, v: Value, indices: Sequence[int], other: Value | None = None) -> Value:
        """Return a vector of the lanes named by `indices`, whose number is a power of two above one.

        The lanes of another vector of the same type count on behind those of the first.
        """

    @abstractmethod
    def any(self, v: Value) -> Value:
        """Return whether any lane of bools holds, as a scalar bool."""

    def horizontal(self, combine: Callable[[Value, Value], Value], v: Value) -> Value:
        """Return the lanes of a vector combined, halves with halves."""
        while v.lanes > 2:
            half = v.lanes // 2
            v = combine(self.shuffle(v, range(half)), self.shuffle(v, range(half, 2 * half)))
        return v if v.lanes == 1 else combine(self.extract(v, 0), self.extract(v, 1))

    # -- memory ---------------------------------------------------------------------------------------------

    @abstractmethod
    def load(self, ptr: Value, kind: str, lanes: int = 1, align: int = 0) -> Value:
        """Return consecutive elements from memory; the alignment is the element's unless given."""

    @abstractmethod
    def store(self, v: Value, ptr: Value, align: int = 0) -> None:
        """Write the lanes to consecutive elements; the alignment is the element's unless given."""

    @abstractmethod
    def store_non_temporal(self, v: Value, ptr: Value) -> None:
        """Write whole vectors by non-temporal stores, to an address that is a multiple of their width."""

    @abstractmethod
    def fence(self) -> None:
        """Let what was written be seen before anything that follows: also by non-temporal stores."""

    @abstractmethod
    def alloca(self, kind: str) -> Value:
        """Return the address of one element on the stack; only before any flow."""

    @abstractmethod
    def gep(self, ptr: Value, kind: str, index: Value) -> Value:
        """Return the address of element `index` (an integer scalar) of an array of `kind`."""

    # -- calls ----------------------------------------------------------------------------------------------

    @abstractmethod
    def call(self, function_name: str, result_kind: str | None, lanes: int, *args: Value) -> Value:
        """Return the result of a call; the function is defined in the module or was declared.

        With `result_kind` None the call has no result, and the value returned must not be used.
        """

    @abstractmethod
    def ret(self, v: Value | None = None) -> None:
        """Return from the function."""

    def maths(self, name: str, *args: Value) -> Value:
        _, kind, lanes = args[0]
        symbol = self.module.maths_function(name, kind, lanes, len(args))
        return self.call(symbol, kind, lanes, *args)

    # -- structured flow: each condition is a scalar ---------------------------------------------------------

    @abstractmethod
    def loop_while(
        self,
        carried: Sequence[Value],
        condition: Callable[..., Value],
        body: Callable[..., Sequence[Value]],
    ) -> list[Value]:
        """Emit `while condition(*carried): carried = body(*carried)`; return what is carried out of it."""

    @abstractmethod
    def repeat_while(
        self, carried: Sequence[Value], body: Callable[..., tuple[Sequence[Value], Value]]
    ) -> list[Value]:
        """Emit `do: carried, condition = body(*carried) while condition`; return what is carried out."""

    @abstractmethod
    def either(
        self, condition: Value, then: Callable[[], None], otherwise: Callable[[], None] | None = None
    ) -> None:
        """Emit `if condition: then() else: otherwise()`."""

    @abstractmethod
    def replaced_if(
        self, condition: Value, usual: Sequence[Value], replacements: Callable[[], Sequence[Value]]
    ) -> list[Value]:
        """Return the usual values, or those that `replacements` emits where the condition holds."""

    @abstractmethod
    def return_if(self, condition: Value, v: Value) -> None:
        """Return a value from the function where the condition holds."""

    def unless(self, condition: Value, body: Callable[[], None]) -> None:
        """Emit `if not condition: body()`."""
        self.either(condition, lambda: None, body)

    def count(
        self,
        start: Value,
        stop: Value,
        body: Callable[..., Sequence[Value] | None],
        carried: Sequence[Value] = (),
        step: int = 1,
    ) -> list[Value]:
        """Emit `for i in range(start, stop, step): carried = body(i, *carried)`; return what is carried."""

        def inside(index: Value, *values: Value) -> list[Value]:
            later = body(index, *values) or ()
            return [self.iadd(index, self.constant("i64", step)), *later]

        def goes_on(index: Value, *_: Value) -> Value:
            return self.icmp("slt", index, stop)

        return self.loop_while([start, *carried], goes_on, inside)[1:]

    def program_loop(
        self,
        start: Value,
        stop: Value,
        body: Callable[..., Sequence[Value]],
        carried: Sequence[Value] = (),
        step: int = 1,
    ) -> list[Value]:
        """Emit the same as `count`, for a loop of the program: in the form that optimisers know best."""
        return self.count(start, stop, body, carried, step)
