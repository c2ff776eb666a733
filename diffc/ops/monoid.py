"""How partial results are combined: what each kind of accumulation begins with, and how it goes on.

Loops name an accumulation (`Accumulate.how`, `Store.accumulate`, `Loop.accumulators`); whoever executes,
prints or emits one looks it up here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from diffc.ops.emitter import Arithmetic, Value

__all__ = ["ACCUMULATIONS", "MONOIDS", "Accumulation", "Monoid"]

_FLOATS = ("f64", "f32")


@dataclass(frozen=True, eq=False)
class Accumulation:
    """A total, what it begins with, and the next one from it and an operand (or two)."""

    name: str
    start: float
    source: str
    """The next total in Python, as a template of the total and the operands."""
    emit: Callable[..., Value]
    """Returns the code of the next total: `emit(e, total, *operands)`."""

    def identity(self, dtype: str) -> float:
        """Return the number with which it begins: a float, an integer, or a truth value."""
        if dtype in _FLOATS:
            return self.start
        if dtype == "bool":
            return self.start > 0
        return int(max(self.start, -(2**63)))


@dataclass(frozen=True, eq=False)
class Monoid(Accumulation):
    """An accumulation of single operands, associative and commutative: totals are combined alike."""

    numpy: np.ufunc
    """Combines two arrays of totals."""


def _sum(e: Arithmetic, total: Value, operand: Value) -> Value:
    return e.fadd(total, operand) if total.kind in _FLOATS else e.iadd(total, operand)


def _product(e: Arithmetic, total: Value, operand: Value) -> Value:
    return e.fmul(total, operand) if total.kind in _FLOATS else e.imul(total, operand)


def _larger(e: Arithmetic, total: Value, operand: Value) -> Value:
    return e.fmax(total, operand) if total.kind in _FLOATS else e.imax(total, operand)


def _either(e: Arithmetic, total: Value, operand: Value) -> Value:
    return e.bor(total, operand)


def _affine(e: Arithmetic, total: Value, factor: Value, drive: Value) -> Value:
    if total.kind in _FLOATS:
        return e.fma(factor, total, drive)
    return e.iadd(e.imul(factor, total), drive)


MONOIDS: Mapping[str, Monoid] = {
    each.name: each
    for each in (
        Monoid("add", 0.0, "{0} + {1}", _sum, np.add),
        Monoid("mul", 1.0, "{0} * {1}", _product, np.multiply),
        Monoid("max", -math.inf, "np.maximum({0}, {1})", _larger, np.maximum),
        Monoid("or", 0.0, "{0} or {1}", _either, np.logical_or),
    )
}
"""Those whose operands may come in any order."""

ACCUMULATIONS: Mapping[str, Accumulation] = {
    **MONOIDS,
    # a * -0.0 + b is b, also where that is -0.0.
    "recurrence": Accumulation("recurrence", -0.0, "{1} * {0} + {2}", _affine),
}
"""Every one, by its name in Loops."""
