"""Accumulations as code: what each begins with, and how totals are combined."""

from __future__ import annotations

from functools import partial

from diffc.emit.interface import Emitter, Value
from diffc.ops.monoid import ACCUMULATIONS, MONOIDS

__all__ = ["combine", "horizontal", "identity"]


def identity(e: Emitter, how: str, dtype: str, lanes: int) -> Value:
    """Return what an accumulation begins with."""
    return e.constant(dtype, ACCUMULATIONS[how].identity(dtype), lanes)


def combine(e: Emitter, how: str, total: Value, *operands: Value) -> Value:
    """Return the next total; one operand may be another total."""
    return ACCUMULATIONS[how].emit(e, total, *operands)


def horizontal(e: Emitter, how: str, totals: Value) -> Value:
    """Return the total of all lanes."""
    return e.horizontal(partial(MONOIDS[how].emit, e), totals)
