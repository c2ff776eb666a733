"""Functions with poles at 0, -1, -2, ...: their values below 0, from those above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffc.lower.vecmath.polynomial import literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from diffc.lower.emitter import FunctionEmitter, Value

PI = 3.141592653589793


def where_negative(e: FunctionEmitter, x: Value, positive: Value, reflected: Callable[[], Value]) -> Value:
    """Return `positive`, but in lanes below 0 what `reflected` emits: on a branch, taken if there is one."""
    negative = e.fcmp("olt", x, literal(e, x, 0.0))
    before, rare, done = e.current_block, e.new_label("negative"), e.new_label("done")
    e.cbr(e.any(negative), rare, done)
    e.block(rare)
    repaired = e.select(negative, reflected(), positive)
    e.br(done)
    e.block(done)
    result = e.phi(x.kind, x.lanes)
    e.add_incoming(result, positive, before)
    e.add_incoming(result, repaired, rare)
    return result


def from_nearest_integer(e: FunctionEmitter, z: Value) -> tuple[Value, Value]:
    """Return the offset of z from the nearest integer, exactly, and pi times it."""
    offset = e.fsub(z, e.rint(z))
    return offset, e.fmul(literal(e, z, PI), offset)
