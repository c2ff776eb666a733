"""Captured arrays at a fast call: read where they lie, or copied just before into arrays that can be.

An entry reads an array's address, dtype and shape from the object itself in each call. What is no
C-contiguous array of the very dtype has a buffer, which is filled before each call; like the array itself it
is shared by all calls, so that two threads may call at once as long as nobody writes to the array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffc.abi.signature import NamedType
from diffc.ops.captured import read_captured
from diffc.runtime.store.program import DTYPES, CompiledProgram

__all__ = ["captured_values", "prepared_entry", "readable"]


def captured_values(program: CompiledProgram) -> list[Any]:
    """Return what the program captures, as it is, in the order in which its code takes it."""
    captured = program.captured
    return [] if captured is None else [captured[each.name] for each in program.signature.captured]


def readable(program: CompiledProgram) -> list[Any]:
    """Return the objects that the entries read: the captured arrays themselves, or buffers for them."""
    pairs = zip(program.signature.captured, captured_values(program), strict=False)
    return [value if _is_direct(each, value) else _buffer(each) for each, value in pairs]


def _buffer(parameter: NamedType) -> Any:
    shape: Any = parameter.type.shape  # integers: nothing outside has a symbolic extent
    return np.empty(shape, DTYPES[parameter.type.dtype])


def _is_direct(parameter: NamedType, value: Any) -> bool:
    if type(value) is not np.ndarray or value.dtype is not DTYPES[parameter.type.dtype]:
        return False
    return value.flags.c_contiguous and value.flags.aligned


def prepared_entry(
    program: CompiledProgram, objects: list[Any], entry: Callable[..., Any]
) -> Callable[..., Any]:
    """Return an entry that fills the buffers first, while the program's decisions hold.

    Raises, when called:
        OutdatedError: where they do not, or an array is of another type now.
    """
    if program.captured is None:
        return entry
    decisions = program.captured.decisions
    triples = zip(program.signature.captured, captured_values(program), objects, strict=True)
    fills = [_filling(each, value, buffer) for each, value, buffer in triples if buffer is not value]
    if not decisions and not fills:
        return entry

    def call(*args: Any) -> Any:
        for each in decisions:
            each.check()
        for fill in fills:
            fill()
        return entry(*args)

    return call


def _filling(parameter: NamedType, value: Any, buffer: Any) -> Callable[[], None]:
    """Return what copies a value's elements, as they are now, into a buffer."""
    name, type_, copy = parameter.name, parameter.type, np.copyto
    kind, dtype, shape = type(value), getattr(value, "dtype", None), getattr(value, "shape", None)
    plain = kind is np.ndarray and dtype != np.uint64  # others are looked at each time

    def fill() -> None:
        if plain and value.dtype is dtype and value.shape == shape:
            copy(buffer, value, casting="unsafe")  # u8 to i64, for example: found safe when it was traced
        else:
            copy(buffer, read_captured(name, type_, value))

    return fill
