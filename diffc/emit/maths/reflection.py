"""Functions with poles at 0, -1, -2, ...: their values below 0, from those above."""

from __future__ import annotations

from collections.abc import Callable

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.polynomial import literal
from diffc.emit.maths.rare import repaired

PI = 3.141592653589793


def where_negative(e: Emitter, x: Value, positive: Value, reflected: Callable[[], Value]) -> Value:
    """Return `positive`, but in lanes below 0 what `reflected` emits: on a branch, taken if there is one."""
    negative = e.fcmp("olt", x, literal(e, x, 0.0))
    return repaired(e, negative, positive, reflected)


def from_nearest_integer(e: Emitter, z: Value) -> tuple[Value, Value]:
    """Return the offset of z from the nearest integer, exactly, and pi times it."""
    offset = e.fsub(z, e.rint(z))
    return offset, e.fmul(literal(e, z, PI), offset)
