"""Calls of LAPACK, and the copies between our rows and its columns.

LAPACK is column-major, takes every argument by its address, has integers of 32 bits and destroys its
matrices. Most routines here give it a transposed copy, so that it computes what NumPy has it compute.
"""

from __future__ import annotations

import math

from diffc import tuning
from diffc.emit.interface import Emitter, Formal, Value

__all__ = ["Lapack", "all_finite", "copy", "fill", "fill_nan", "transpose"]

_PREFIX = {"f64": "d", "f32": "s"}


class Lapack:
    """The calls of one function; arguments are made in its entry block, for they lie on the stack."""

    def __init__(self, emitter: Emitter, kind: str) -> None:
        """Begin with the failure that `succeeded` reports if nothing is called."""
        self.e = emitter
        self.kind = kind
        self.info = self.integer(emitter.constant("i64", 1))

    def integer(self, value: Value) -> Value:
        """Return the address of an i64 as an integer of 32 bits."""
        slot = self.e.alloca("i32")
        self.e.store(self.e.trunc(value, "i32"), slot)
        return slot

    def leading(self, value: Value) -> Value:
        """Return the address of a leading extent, which is at least 1."""
        return self.integer(self.e.imax(value, self.e.constant("i64", 1)))

    def letter(self, letter: str) -> Value:
        """Return the address of a letter."""
        slot = self.e.alloca("i8")
        self.e.store(self.e.constant("i8", ord(letter)), slot)
        return slot

    def call(self, stem: str, *arguments: Value) -> None:
        """Call a routine, `getrf` for `dgetrf` or `sgetrf`; its last argument is `info`."""
        name = f"{_PREFIX[self.kind]}{stem}_"
        self.e.module.declare(name, None, *(("ptr", 1),) * (len(arguments) + 1))
        self.e.call(name, None, 1, *arguments, self.info)

    def succeeded(self) -> Value:
        """Return whether the last call did what was asked."""
        return self.e.icmp("eq", self.e.load(self.info, "i32"), self.e.constant("i32", 0))


def copy(e: Emitter, kind: str, to: Value, source: Value, size: Value, to_kind: str | None = None) -> None:
    """Copy some elements, into another kind of float if `to_kind` says so."""
    to_kind = to_kind or kind

    def each(k: Value) -> None:
        e.store(_as(e, e.load(e.gep(source, kind, k), kind), to_kind), e.gep(to, to_kind, k))

    e.count(e.constant("i64", 0), size, each)


def _as(e: Emitter, x: Value, kind: str) -> Value:
    if x.kind == kind:
        return x
    return e.fpext(x) if kind == "f64" else e.fptrunc(x)


def fill(e: Emitter, to: Value, value: Value, size: Value) -> None:
    """Set some elements to a value."""

    def each(k: Value) -> None:
        e.store(value, e.gep(to, value.kind, k))

    e.count(e.constant("i64", 0), size, each)


def fill_nan(e: Emitter, kind: str, to: Value, size: Value) -> None:
    """Set some elements to NaN: the result of a routine that failed."""
    fill(e, to, e.constant(kind, math.nan), size)


def all_finite(e: Emitter, kind: str, a: Value, size: Value) -> Value:
    """Return whether some elements are all finite; it stops at the first that is not."""
    infinite = e.constant(kind, math.inf)

    def going_on(k: Value, good: Value) -> Value:
        return e.band(good, e.icmp("slt", k, size))

    def each(k: Value, _: Value) -> list[Value]:
        element = e.load(e.gep(a, kind, k), kind)
        return [e.iadd(k, e.constant("i64", 1)), e.fcmp("olt", e.fabs(element), infinite)]

    return e.loop_while([e.constant("i64", 0), e.constant("bool", 1)], going_on, each)[1]


def transpose(
    e: Emitter,
    kind: str,
    to: Value,
    source: Value,
    rows: Value,
    columns: Value,
    to_kind: str | None = None,
) -> None:
    """Copy a row-major matrix of so many rows and columns to its transpose, in kind `to_kind` if given."""
    to_kind = to_kind or kind
    parameters = [Formal(p, "ptr", attributes="noalias") for p in ("to", "source")]
    parameters += [Formal(p, "i64") for p in ("rows", "columns")]
    symbol = e.module.internal_function(
        f"transpose_{kind}_{to_kind}", parameters, lambda inner: _transpose_tiles(inner, kind, to_kind)
    )
    e.call(symbol, None, 1, to, source, rows, columns)


def _transpose_tiles(e: Emitter, kind: str, to_kind: str) -> None:
    to, source, rows, columns = e.arguments
    zero, tile = e.constant("i64", 0), e.constant("i64", tuning.TRANSPOSE_TILE)

    def tiles(row: Value) -> None:
        last_row = e.imin(e.iadd(row, tile), rows)

        def one_tile(column: Value) -> None:
            last_column = e.imin(e.iadd(column, tile), columns)

            def one_row(i: Value) -> None:
                start = e.gep(source, kind, e.imul(i, columns))
                target = e.gep(to, to_kind, i)

                def one(j: Value) -> None:
                    element = _as(e, e.load(e.gep(start, kind, j), kind), to_kind)
                    e.store(element, e.gep(target, to_kind, e.imul(j, rows)))

                e.count(column, last_column, one)

            e.count(row, last_row, one_row)

        e.count(zero, columns, one_tile, step=tuning.TRANSPOSE_TILE)

    e.count(zero, rows, tiles, step=tuning.TRANSPOSE_TILE)
