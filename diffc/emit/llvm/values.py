"""How LLVM spells types, parameters and literals."""

from __future__ import annotations

import ctypes
import struct

from diffc.emit.interface import Formal
from diffc.ir.dtype import ITEM_SIZE

__all__ = [
    "BYTES",
    "SUFFIX",
    "TYPES",
    "literal",
    "parameter_text",
    "result_type",
]

_SCALARS = {
    "f64": "double",
    "f32": "float",
    "i128": "i128",
    "i64": "i64",
    "i32": "i32",
    "i8": "i8",
    "bool": "i1",
    "ptr": "ptr",
}
SUFFIX = {**{kind: kind for kind in _SCALARS}, "bool": "i1"}
BYTES = {**ITEM_SIZE, "i32": 4, "i8": 1, "ptr": 8, "i128": 16}
_LANES = (1, 2, 4, 8, 16, 32, 64)

TYPES: dict[tuple[str, int], str] = {
    (kind, lanes): name if lanes == 1 else f"<{lanes} x {name}>"
    for kind, name in _SCALARS.items()
    for lanes in _LANES
}
"""The LLVM spelling of (kind, lanes)."""


def result_type(result: tuple[str, int] | None) -> str:
    """Return the LLVM spelling of a result: (kind, lanes), or None for void."""
    return "void" if result is None else TYPES[result]


def parameter_text(p: Formal) -> str:
    """Return a parameter as a function's head declares it."""
    attributes = f" {p.attributes}" if p.attributes else ""
    return f"{TYPES[p.kind, p.lanes]}{attributes} %{p.name}"


def literal(kind: str, value: float) -> str:
    """Return a number as LLVM reads it: floats by their exact bits."""
    if kind == "f32":
        # LLVM writes a float as the double of equal value; c_float rounds, and overflows to infinity.
        value = ctypes.c_float(value).value
    if kind in ("f64", "f32"):
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    if kind == "bool":
        return "true" if value else "false"
    return str(int(value))
