"""Accumulations as LLVM code: what each begins with, and how it goes on."""

from __future__ import annotations

from diffc.emit.llvm.emitter import FunctionEmitter, Value

__all__ = ["combine", "identity"]

_IDENTITY = {"add": 0.0, "mul": 1.0, "max": float("-inf"), "or": 0, "recurrence": -0.0}
_FLOAT = {"add": "fadd", "mul": "fmul", "max": "fmax"}
_INTEGER = {"add": "iadd", "mul": "imul", "max": "imax", "or": "bor"}


def identity(e: FunctionEmitter, how: str, dtype: str, lanes: int) -> Value:
    """Return what an accumulation begins with."""
    number = -(2**63) if how == "max" and dtype == "i64" else _IDENTITY[how]
    return e.constant(dtype, number, lanes)


def combine(e: FunctionEmitter, how: str, total: Value, operand: Value) -> Value:
    """Return an accumulator and an operand, or two accumulators, combined."""
    methods = _FLOAT if total.kind in ("f64", "f32") else _INTEGER
    return getattr(e, methods[how])(total, operand)
