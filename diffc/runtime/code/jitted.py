"""A kernel as a Numba-jitted function, so that jitted code may call it.

An intrinsic links the very module that the kernel was compiled from into the caller's library, under a name
of its own, and calls it. Numba is imported here and nowhere else in the runtime.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.abi.signature import Signature
from diffc.errors import DiffcError
from diffc.ir import Extent, Type
from diffc.ir.dim import fold_extent
from diffc.ir.dtype import FORMATS, ITEM_SIZE
from diffc.runtime.code.externals import private_names, provide

__all__ = ["jitted"]

_KERNEL = re.compile(r"@diffc_kernel\b")
_MAX_CONSTANTS = 64 << 20
_BAD_SHAPE, _BAD_WORKSPACE = -1, -2


def jitted(program_text: str, signature: Signature, constants: Sequence[NDArray[Any]] = ()) -> Any:
    """Return a Numba dispatcher `f(*inputs, *outputs, work)` that runs the kernel and returns nothing.

    Scalar inputs are passed by value; each output is an array (of rank 0 or one element for a scalar);
    `work` is a `uint8` array with the workspace's bytes and 63 to spare. Arrays must be C-contiguous and
    of the very dtypes. `ValueError` is raised for shapes that do not fit and for a failed run-time check.
    Outputs must not overlap inputs: that is not checked here.
    """
    import numba

    if sum(each.nbytes for each in constants) > _MAX_CONSTANTS:
        raise DiffcError(f"{signature.name}: its constants are too large to be put into jitted code")
    call = _intrinsic(program_text, signature, constants)
    messages = tuple(signature.checks)
    name = signature.name

    if not messages:

        @numba.njit(error_model="numpy")
        def run(*args):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
            status = call(args)
            if status == _BAD_WORKSPACE:
                raise ValueError("the workspace is too small: see Kernel.workspace_bytes, and add 63")
            if status != 0:
                raise ValueError("the shapes do not fit the kernel's signature")
    else:

        @numba.njit(error_model="numpy")
        def run(*args):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
            status = call(args)
            if status == _BAD_WORKSPACE:
                raise ValueError("the workspace is too small: see Kernel.workspace_bytes, and add 63")
            if status < 0:
                raise ValueError("the shapes do not fit the kernel's signature")
            if status > 0:
                raise ValueError(messages[status - 1])

    run.__doc__ = f"The kernel {name!r} for jitted code: f(*inputs, *outputs, work)."
    return run


def _intrinsic(program_text: str, signature: Signature, constants: Sequence[NDArray[Any]]) -> Any:
    """Return the Numba intrinsic that takes the tuple of arguments and returns the status as i64."""
    from llvmlite import ir
    from numba.core import types
    from numba.core.errors import TypingError
    from numba.extending import intrinsic

    digest = blake2b(program_text.encode(), digest_size=12).hexdigest()
    symbol = f"diffc_kernel_{digest}"
    text = private_names(_KERNEL.sub(f"@{symbol}", program_text))
    provide(signature.externals)
    inputs = [each.type for each in signature.inputs]
    expected = [(each.name, each.type, False) for each in signature.inputs]
    expected += [(each.name, each.type, True) for each in signature.outputs]

    def codegen(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
        _link(context, text, symbol)
        (given,) = arguments
        kinds = list(kind.args[0])
        emit = _Caller(context, builder, ir)
        values = [builder.extract_value(given, position) for position in range(len(kinds))]
        return emit.call(symbol, signature, inputs, constants, kinds, values)

    def typer(_: Any, args: Any) -> Any:
        problem = _problem(list(args), expected, types)
        if problem:
            raise TypingError(f"{signature.name}: {problem}")
        return types.int64(args), codegen

    return intrinsic(typer)


def _scalar_type(kind: Type) -> Any:
    """Return Numba's type of one element."""
    from numba.core import types

    return getattr(types, FORMATS[kind.dtype].numpy)


def _problem(args: list[Any], expected: list[tuple[str, Type, bool]], types: Any) -> str:
    """Return what is wrong with the argument types, or ""."""
    if len(args) != len(expected) + 1:
        return f"expected {len(expected)} inputs and outputs and a workspace, got {len(args)} arguments"
    for arg, (name, kind, is_output) in zip(args, expected, strict=False):
        if kind.shape or is_output:
            fits = isinstance(arg, types.Array) and arg.dtype == _scalar_type(kind) and arg.layout == "C"
            fits = fits and (arg.ndim == len(kind.shape) or not kind.shape) and (arg.mutable or not is_output)
            if not fits:
                return f"{name} must be a C-contiguous {'writable ' * is_output}array {kind}, got {arg}"
        elif not isinstance(arg, (types.Number, types.Boolean)) or (
            kind.dtype in ("i64", "bool") and arg not in (types.int64, types.boolean, types.intp)
        ):
            return f"{name} must be a number for {kind.dtype}, got {arg}"
    work = args[-1]
    if not (
        isinstance(work, types.Array) and work.dtype == types.uint8 and work.ndim == 1 and work.layout == "C"
    ):
        return f"the workspace must be a one-dimensional contiguous uint8 array, got {work}"
    return ""


def _link(context: Any, text: str, symbol: str) -> None:
    """Link the kernel's module into the library that is being compiled, once for each."""
    import llvmlite.binding as llvm

    library = context.codegen().create_library(symbol)
    module = llvm.parse_assembly(text)
    module.verify()
    library.add_llvm_module(module)
    library.finalize()
    context.active_code_library.add_linking_library(library)


class _Caller:
    """Emits the checks of shapes and the call, in Numba's builder."""

    def __init__(self, context: Any, builder: Any, ir: Any) -> None:
        self.context, self.builder, self.ir = context, builder, ir
        self.i64 = ir.IntType(64)
        self.symbols: dict[str, Any] = {}

    def call(
        self,
        symbol: str,
        signature: Signature,
        inputs: list[Type],
        constants: Sequence[NDArray[Any]],
        kinds: list[Any],
        values: list[Any],
    ) -> Any:
        """Return the status of the call."""
        builder, ir = self.builder, self.ir
        pointer = ir.IntType(8).as_pointer()
        arrays: list[Any] = []
        pointers: list[Any] = []
        every = [*inputs, *[each.type for each in signature.outputs]]
        for position, (kind, value) in enumerate(zip(every, values, strict=False)):
            if kind.shape or position >= len(inputs):
                array = self.context.make_array(kinds[position])(self.context, builder, value)
                arrays.append(array)
                pointers.append(builder.bitcast(array.data, pointer))
            else:
                arrays.append(None)
                pointers.append(self.scalar(kind, kinds[position], value, pointer))
        fixed = [self.constant(each, pointer) for each in constants]
        pointers[len(inputs) : len(inputs)] = fixed
        fits = self.shapes(signature, every, arrays, len(inputs))
        work = self.context.make_array(kinds[-1])(self.context, builder, values[-1])
        need = self.extent(signature.workspace)
        slack = self.i64(63 if signature.workspace != 0 else 0)
        roomy = builder.icmp_signed(">=", work.nitems, builder.add(need, slack))
        argv = self.array_of(pointer, pointers)
        dims = self.array_of(self.i64, [self.symbols[name] for name in signature.symbols])
        address = builder.add(builder.ptrtoint(work.data, self.i64), self.i64(63))
        aligned = builder.inttoptr(builder.and_(address, self.i64(-64)), pointer)
        function = self.declare(symbol, pointer)
        status = builder.alloca(self.i64)
        builder.store(builder.select(fits, self.i64(_BAD_WORKSPACE), self.i64(_BAD_SHAPE)), status)
        with builder.if_then(builder.and_(fits, roomy)):
            builder.store(builder.call(function, [argv, dims, aligned]), status)
        return builder.load(status)

    def declare(self, symbol: str, pointer: Any) -> Any:
        kind = self.ir.FunctionType(self.i64, [pointer] * 3)
        module = self.builder.module
        return module.globals.get(symbol) or self.ir.Function(module, kind, name=symbol)

    def array_of(self, kind: Any, values: list[Any]) -> Any:
        """Return a pointer to the values on the stack; the alloca stands in the entry block."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(self.ir.ArrayType(kind, max(1, len(values))))
        zero = self.ir.IntType(32)(0)
        for position, value in enumerate(values):
            self.builder.store(value, self.builder.gep(place, [zero, self.ir.IntType(32)(position)]))
        return self.builder.bitcast(place, self.ir.IntType(8).as_pointer())

    def scalar(self, kind: Type, given: Any, value: Any, pointer: Any) -> Any:
        cast = self.context.cast(self.builder, value, given, _scalar_type(kind))
        if kind.dtype == "bool":
            cast = self.builder.zext(cast, self.ir.IntType(8)) if cast.type.width == 1 else cast
        with self.builder.goto_entry_block():
            place = self.builder.alloca(cast.type)
        self.builder.store(cast, place)
        return self.builder.bitcast(place, pointer)

    def constant(self, array: NDArray[Any], pointer: Any) -> Any:
        """Return a pointer to a copy of the array in the module's own data."""
        ir = self.ir
        data = bytearray(np.ascontiguousarray(array).tobytes())
        kind = ir.ArrayType(ir.IntType(8), len(data))
        module = self.builder.module
        place = ir.GlobalVariable(module, kind, module.get_unique_name("diffc_constant"))
        place.global_constant = True
        place.linkage = "internal"
        place.align = ITEM_SIZE["f64"]
        place.initializer = ir.Constant(kind, data)
        return self.builder.bitcast(place, pointer)

    def shapes(self, signature: Signature, every: list[Type], arrays: list[Any], inputs: int) -> Any:
        """Bind the symbols and return whether every extent fits."""
        builder = self.builder
        fits = self.ir.IntType(1)(1)
        for symbol, source, axis, factor, offset in signature.bindings:
            length = builder.extract_value(arrays[source].shape, axis)
            shifted = builder.sub(length, self.i64(offset))
            value = shifted if factor == 1 else builder.sdiv(shifted, self.i64(factor))
            self.symbols[symbol] = value
            fits = builder.and_(fits, builder.icmp_signed(">=", value, self.i64(0)))
        for position, (kind, array) in enumerate(zip(every, arrays, strict=True)):
            if position >= inputs and not kind.shape:
                fits = builder.and_(fits, builder.icmp_signed("==", array.nitems, self.i64(1)))
            for axis, extent in enumerate(kind.shape):
                length = builder.extract_value(array.shape, axis)
                fits = builder.and_(fits, builder.icmp_signed("==", length, self.extent(extent)))
        return fits

    def extent(self, extent: Extent) -> Any:
        """Return the polynomial's value."""
        builder = self.builder

        def divide(value: Any, divisor: int) -> Any:
            return builder.sdiv(value, self.i64(divisor))

        return fold_extent(extent, self.i64, self.symbols.__getitem__, builder.mul, builder.add, divide)
