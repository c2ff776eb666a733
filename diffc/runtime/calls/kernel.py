"""Kernel: a compiled program that is called like a function.

A call tries the object's own entry first (`fastcall`), which serves arrays and numbers that fit as
they are; whatever it does not serve is checked and cast in Python (`inputs`). Any number of threads may call
a kernel at once: it holds no state that a call changes, but for code that is made when it is first needed.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from diffc.abi.signature import Signature
from diffc.errors import DiffcError, InputError
from diffc.ir import Tree
from diffc.ir.lazy import lazy
from diffc.runtime.calls.captured import captured_values, prepared_entry, readable
from diffc.runtime.calls.fastcall import address_of, fast_call
from diffc.runtime.calls.inputs import (
    arrange,
    check_outputs,
    convert,
    extent_value,
    make_outputs,
    read_symbols,
)
from diffc.runtime.calls.memory import workspace
from diffc.runtime.code.machine import load_object
from diffc.runtime.store.program import CompiledProgram

__all__ = ["Kernel", "Launch", "no_entry"]

Launch = Callable[[Sequence[NDArray[Any]], Sequence[int], NDArray[np.uint8]], int]
"""What runs a kernel on checked arrays (inputs, constants, outputs), symbols and workspace: its status."""


class Kernel:
    """A compiled function from NumPy arrays and numbers to NumPy arrays and numbers.

    Scalar outputs come as Python numbers, the others as new arrays, arranged as the traced function or the
    transform arranges them. `out=` gives the buffers: one array, or a tuple in the order of
    `signature.outputs`; the call then returns those very arrays. Raises `InputError` where a value does
    not fit. An input that is named `out` can be given by position only.
    """

    def __init__(self, program: CompiledProgram, launch: Launch | None = None) -> None:
        """Load the program's object code; or use `launch`, for a program that is not object code."""
        self._program = program
        _ = program.signature.bindings  # an unbound symbol is an error now, not at the first call
        self._names = tuple(each.name for each in program.signature.inputs)
        self.address = 0
        """Where the machine code is; 0 without any."""
        self._entry: Callable[..., Any] = no_entry
        self._entry_out: Callable[..., Any] = no_entry
        if launch is None:
            # A kernel outlives what it points to by no means: both are its attributes.
            self._code = load_object(program.object_code)
            self._objects = readable(program)
            self._entry, self._entry_out = map(self._fast, ("diffc_entry", "diffc_entry_out"))
            self.address = self._code.address("diffc_kernel")
            launch = _launcher(self.address)
        self._launch = launch

    def __call__(self, /, *args: Any, out: Any = None, **named: Any) -> Any:
        """Return the outputs for these inputs, given by position or by name."""
        if named:
            args = _by_position(self._names, args, named) or tuple(arrange(self.signature, args, named))
        if out is None:
            result = self._entry(*args)
        elif len(args) == len(
            self._names
        ):  # or else a missing input and a surplus buffer would make up a call
            result = self._entry_out(*args, *out) if type(out) is tuple else self._entry_out(*args, out)
        else:
            result = NotImplemented
        return self._checked_call(args, out) if result is NotImplemented else result

    def _fast(self, name: str) -> Callable[..., Any]:
        entry = fast_call(self._code, name, self._program.constants, self._objects)
        return no_entry if entry is None else prepared_entry(self._program, self._objects, entry)

    def _checked_call(self, args: Sequence[Any], out: Any) -> Any:
        signature = self._program.signature
        values = arrange(signature, args, {})
        arrays = [
            convert(parameter, value) for parameter, value in zip(signature.inputs, values, strict=True)
        ]
        symbols = read_symbols(signature, arrays)
        outputs = (
            make_outputs(signature, symbols)
            if out is None
            else check_outputs(signature, out, symbols, values, captured_values(self._program))
        )
        self._run_checked([*arrays, *self._program.captured_now()], symbols, outputs, is_new=out is None)
        if out is None:
            return _arranged(signature.tree, [each if each.ndim else each.item() for each in outputs])
        return _arranged(signature.tree, outputs)

    def run(self, inputs: Sequence[NDArray[Any]], outputs: Sequence[NDArray[Any]]) -> None:
        """Run on contiguous arrays of the right dtypes and shapes, which nothing checks, without the GIL."""
        symbols = {
            each.symbol: (inputs[each.input].shape[each.axis] - each.offset) // each.factor
            for each in self.signature.bindings
        }
        self._run([*inputs, *self._program.captured_now()], symbols, outputs)

    def check_status(self, status: int) -> None:
        """Raise `InputError` for what a check at run time found."""
        if status:
            checks = self.signature.checks
            known = 0 < status <= len(checks)
            raise InputError(checks[status - 1] if known else f"{self.name}: run-time check {status} failed")

    def _run_checked(
        self,
        inputs: Sequence[NDArray[Any]],
        symbols: Mapping[str, int],
        outputs: Sequence[NDArray[Any]],
        *,
        is_new: bool,
    ) -> None:
        """Run on inputs, captured arrays behind them, and outputs that fit.

        The outputs lie in new memory or in the caller's; here that is the same.
        """
        self._run(inputs, symbols, outputs)

    def _run(
        self, inputs: Sequence[NDArray[Any]], symbols: Mapping[str, int], outputs: Sequence[NDArray[Any]]
    ) -> None:
        count = len(self._names)
        arrays = [*inputs[:count], *self._program.constants, *inputs[count:], *outputs]
        values = [symbols[name] for name in self.signature.symbols]
        work = workspace(extent_value(self.signature.workspace, symbols, "the workspace"))
        self.check_status(self._launch(arrays, values, work))

    @property
    def program(self) -> CompiledProgram:
        """What the kernel is made from, with its object code."""
        return self._program

    @property
    def name(self) -> str:
        """The function's name."""
        return self._program.signature.name

    @property
    def signature(self) -> Signature:
        """The inputs, outputs and symbols."""
        return self._program.signature

    @property
    def stages(self) -> Mapping[str, str]:
        """The text of every stage of the compilation, by name."""
        return self._program.stages

    @property
    def source(self) -> str:
        """The kernel as Numba source; empty if none was kept."""
        return self._program.stages.get("source", "")

    @property
    def stats(self) -> Mapping[str, Any]:
        """What the compiler counted and measured."""
        return self._program.stats

    def workspace_bytes(self, **symbols: int) -> int:
        """Return the size of the workspace for these values of the symbols."""
        missing = set(self.signature.symbols) ^ set(symbols)
        if missing:
            raise InputError(f"{self.name} has the symbols {', '.join(self.signature.symbols) or '(none)'}")
        return extent_value(self.signature.workspace, symbols, "the workspace")

    @lazy
    def jitted(self) -> Any:
        """A Numba-jitted function on the same code, to be called from other jitted code.

        It takes the inputs (scalars by value), one array for each output, and a workspace (a one-dimensional
        `uint8` array of `workspace_bytes(...) + 63` bytes); see `diffc.runtime.code.jitted`.
        """
        from diffc.runtime.code.jitted import jitted

        program = self.program
        if self.signature.captured:
            raise DiffcError(
                f"{self.name} refers to arrays outside itself, which jitted code would not read anew: make "
                "them arguments of the function"
            )
        text = program.stages.get("llvm")
        if text is None:
            raise DiffcError(f"{self.name} was kept without its LLVM text; compile it again to use .jitted")
        return jitted(text, program.signature, program.constants)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the kernel into a new folder that `diffc.load` reads; raise `ArtefactError` if that fails."""
        from diffc.runtime.store.artefact import save

        save(self.program, folder)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{each.name}: {each.type}" for each in self.signature.inputs)
        outputs = ", ".join(str(each.type) for each in self.signature.outputs)
        return f"<Kernel {self.name}({inputs}) -> {_shown(self.signature.tree, outputs)}>"

    def __copy__(self) -> Kernel:
        return self

    def __deepcopy__(self, memo: Any) -> Kernel:
        return self  # nothing of it changes

    def __reduce__(self) -> NoReturn:
        raise DiffcError(
            f"a kernel is machine code and cannot be pickled: save {self.name!r} with .save(folder) and "
            "load it with diffc.load, or pickle the function and compile it there"
        )


def _by_position(
    names: Sequence[str], args: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    """Return the values in order where exactly the remaining inputs are named, else None."""
    rest = names[len(args) :]
    if len(rest) != len(named):
        return None
    try:
        return (*args, *[named[name] for name in rest])
    except KeyError:
        return None


def no_entry(*_: Any) -> Any:
    """Serve no call: the entry of a kernel without one."""
    return NotImplemented


def _shown(tree: Tree, outputs: str) -> str:
    return outputs if isinstance(tree, int) else f"({outputs})"


def _arranged(tree: Tree, items: Sequence[Any]) -> Any:
    if isinstance(tree, int):
        return items[tree]
    return tuple(_arranged(each, items) for each in tree)


def _launcher(address: int) -> Launch:
    """Return the launch of machine code: ctypes gives up the GIL for its duration."""
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(address)

    def launch(arrays: Sequence[NDArray[Any]], symbols: Sequence[int], work: NDArray[np.uint8]) -> int:
        pointers = (ctypes.c_void_p * max(1, len(arrays)))(*[address_of(each) for each in arrays])
        dims = (ctypes.c_int64 * max(1, len(symbols)))(*symbols)
        return int(function(pointers, dims, address_of(work)))

    return launch
