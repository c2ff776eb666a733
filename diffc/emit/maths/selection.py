"""Functions that choose rather than approximate, each exact: sqrt, sign, minimum, maximum."""

from __future__ import annotations

from diffc.emit.interface import Emitter, Value
from diffc.emit.maths.polynomial import literal


def sqrt(e: Emitter, x: Value) -> Value:
    """Return the correctly rounded square root; NaN below 0."""
    return e.sqrt(x)


def sign(e: Emitter, x: Value) -> Value:
    """Return -1, 0 or 1, or NaN of NaN; either zero gives +0."""
    zero = literal(e, x, 0.0)
    rest = e.select(e.fcmp("oeq", x, zero), zero, x)
    rest = e.select(e.fcmp("olt", x, zero), literal(e, x, -1.0), rest)
    return e.select(e.fcmp("ogt", x, zero), literal(e, x, 1.0), rest)


def minimum(e: Emitter, a: Value, b: Value) -> Value:
    """Return the smaller, or NaN if either is NaN."""
    return e.fmin(a, b)


def maximum(e: Emitter, a: Value, b: Value) -> Value:
    """Return the larger, or NaN if either is NaN."""
    return e.fmax(a, b)
