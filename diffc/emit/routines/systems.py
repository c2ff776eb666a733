"""Linear systems, determinants and the Cholesky factor, by LAPACK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffc.emit.interface import Emitter, Value
from diffc.emit.routines.lapack import Lapack, copy, fill, fill_nan, transpose

__all__ = ["cholesky", "det", "slogdet", "solve", "triangular_solve"]


def solve(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out [k, n]: row j solves a @ x = row j of r, by LU with row exchanges (getrf, getrs)."""
    out, a, r, factors, pivots, k, n = e.arguments
    lapack = Lapack(e, kind)
    order, leading, sides, plain = lapack.integer(n), lapack.leading(n), lapack.integer(k), lapack.letter("N")
    transpose(e, kind, factors, a, n, n)
    lapack.call("getrf", order, order, factors, leading, pivots)

    def substitute() -> None:
        # Rows of ours are columns of LAPACK's.
        copy(e, kind, out, r, e.imul(k, n))
        lapack.call("getrs", plain, order, sides, factors, leading, pivots, out, leading)

    e.either(lapack.succeeded(), substitute, lambda: fill_nan(e, kind, out, e.imul(k, n)))


def triangular_solve(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out [k, n]: row j solves a @ x = row j of r, reading one triangle of a (trtrs)."""
    out, a, r, k, n = e.arguments
    lapack = Lapack(e, kind)
    order, leading, sides = lapack.integer(n), lapack.leading(n), lapack.integer(k)
    # Row-major a is column-major a.T, whose triangles have changed places.
    letters = [lapack.letter(each) for each in ("U" if attrs["lower"] else "L", "T", "N")]
    copy(e, kind, out, r, e.imul(k, n))
    lapack.call("trtrs", *letters, order, sides, a, leading, out, leading)
    e.either(lapack.succeeded(), lambda: None, lambda: fill_nan(e, kind, out, e.imul(k, n)))


def cholesky(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out [n, n]: the lower factor, from the lower triangle of a, zeros above (potrf)."""
    out, a, n = e.arguments
    lapack = Lapack(e, kind)
    order, leading, triangle = lapack.integer(n), lapack.leading(n), lapack.letter("U")
    zero = e.constant("i64", 0)

    def row(i: Value) -> None:
        start, known = e.imul(i, n), e.iadd(i, e.constant("i64", 1))
        target = e.gep(out, kind, start)
        copy(e, kind, target, e.gep(a, kind, start), known)
        fill(e, e.gep(target, kind, known), e.constant(kind, 0.0), e.isub(n, known))

    e.count(zero, n, row)
    # The lower triangle by rows is the upper one by columns, and likewise of the factor.
    lapack.call("potrf", triangle, order, out, leading)
    e.either(lapack.succeeded(), lambda: None, lambda: fill_nan(e, kind, out, e.imul(n, n)))


def det(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out: the product of the pivots of the LU factorization; 0 where one is exactly 0 (getrf)."""
    out, a, factors, pivots, n = e.arguments
    lapack = _factorized(e, kind, a, factors, pivots, n)

    def factor(i: Value, product: Value) -> list[Value]:
        pivot = _diagonal(e, kind, factors, i, n)
        signed = e.select(_exchanged(e, pivots, i), e.fneg(pivot), pivot)
        return [e.fmul(product, signed)]

    (product,) = e.count(e.constant("i64", 0), n, factor, [e.constant(kind, 1.0)])
    e.store(e.select(lapack.succeeded(), product, e.constant(kind, 0.0)), out)


def slogdet(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out: (sign, log|det|) from the LU factorization; (0, -inf) where a pivot is exactly 0 (getrf)."""
    out, a, factors, pivots, n = e.arguments
    lapack = _factorized(e, kind, a, factors, pivots, n)
    nothing, one = e.constant(kind, 0.0), e.constant("i64", 1)

    def factor(i: Value, sign: Value, logarithm: Value) -> list[Value]:
        pivot = _diagonal(e, kind, factors, i, n)
        turned = e.bxor(_exchanged(e, pivots, i), e.fcmp("olt", pivot, nothing))
        larger = e.fadd(logarithm, e.maths("log", e.fabs(pivot)))
        return [e.select(turned, e.fneg(sign), sign), larger]

    start = [e.constant(kind, 1.0), nothing]
    sign, logarithm = e.count(e.constant("i64", 0), n, factor, start)
    regular = lapack.succeeded()
    e.store(e.select(regular, sign, nothing), out)
    e.store(e.select(regular, logarithm, e.constant(kind, float("-inf"))), e.gep(out, kind, one))


def _factorized(e: Emitter, kind: str, a: Value, factors: Value, pivots: Value, n: Value) -> Lapack:
    lapack = Lapack(e, kind)
    order, leading = lapack.integer(n), lapack.leading(n)
    transpose(e, kind, factors, a, n, n)
    lapack.call("getrf", order, order, factors, leading, pivots)
    return lapack


def _diagonal(e: Emitter, kind: str, matrix: Value, i: Value, n: Value) -> Value:
    return e.load(e.gep(matrix, kind, e.imul(i, e.iadd(n, e.constant("i64", 1)))), kind)


def _exchanged(e: Emitter, pivots: Value, i: Value) -> Value:
    """Return whether row i, counted from 0, changed places with another, counted from 1."""
    row = e.load(e.gep(pivots, "i32", i), "i32")
    return e.icmp("ne", row, e.trunc(e.iadd(i, e.constant("i64", 1)), "i32"))
