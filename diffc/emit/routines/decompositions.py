"""Eigenvalues, QR and singular values, by LAPACK, each packed into one array.

Vectors are determined up to their signs. So that these are NumPy's, `eigh` and `svd` compute in f64 for
f32, too, as NumPy does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffc.emit.interface import Emitter, Value
from diffc.emit.routines.lapack import Lapack, all_finite, copy, fill, fill_nan, transpose

__all__ = ["eigh", "qr", "svd"]


def eigh(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out [n + 1, n]: eigenvalues over eigenvectors as columns, from the lower triangle of a (syevd)."""
    out, a, vectors, values, work, integers, n, work_size, integers_size = e.arguments
    lapack = Lapack(e, "f64")
    order, leading = lapack.integer(n), lapack.leading(n)
    sizes = lapack.leading(work_size), lapack.leading(integers_size)
    job, triangle = lapack.letter("V"), lapack.letter("L")

    def decompose() -> None:
        transpose(e, kind, vectors, a, n, n, "f64")
        lapack.call(
            "syevd", job, triangle, order, vectors, leading, values, work, sizes[0], integers, sizes[1]
        )

    def give() -> None:
        copy(e, "f64", out, values, n, kind)
        transpose(e, "f64", e.gep(out, kind, n), vectors, n, n, kind)

    # Numbers that are not finite can keep LAPACK's iterations from ever ending.
    e.either(_lower_is_finite(e, kind, a, n), decompose)
    size = e.imul(n, e.iadd(n, e.constant("i64", 1)))
    e.either(lapack.succeeded(), give, lambda: fill_nan(e, kind, out, size))


def _lower_is_finite(e: Emitter, kind: str, a: Value, n: Value) -> Value:
    one = e.constant("i64", 1)

    def going_on(i: Value, good: Value) -> Value:
        return e.band(good, e.icmp("slt", i, n))

    def row(i: Value, _: Value) -> list[Value]:
        following = e.iadd(i, one)
        return [following, all_finite(e, kind, e.gep(a, kind, e.imul(i, n)), following)]

    return e.loop_while([e.constant("i64", 0), e.constant("bool", 1)], going_on, row)[1]


def qr(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out [m + n, n]: Q over R, zeros below its diagonal, of a [m, n] with m >= n (geqrf, orgqr)."""
    out, a, factors, scales, work, m, n, work_size = e.arguments
    lapack = Lapack(e, kind)
    rows, columns = lapack.integer(m), lapack.integer(n)
    leading, size = lapack.leading(m), lapack.leading(work_size)
    transpose(e, kind, factors, a, m, n)
    lapack.call("geqrf", rows, columns, factors, leading, scales, work, size)
    r = e.gep(out, kind, e.imul(m, n))

    def row(i: Value) -> None:
        target = e.gep(r, kind, e.imul(i, n))
        fill(e, target, e.constant(kind, 0.0), i)

        def element(j: Value) -> None:
            place = e.iadd(e.imul(j, m), i)
            e.store(e.load(e.gep(factors, kind, place), kind), e.gep(target, kind, j))

        e.count(i, n, element)

    e.count(e.constant("i64", 0), n, row)
    lapack.call("orgqr", rows, columns, columns, factors, leading, scales, work, size)
    transpose(e, kind, out, factors, n, m)


def svd(e: Emitter, kind: str, attrs: Mapping[str, Any]) -> None:
    """Fill out [m + 1 + n, k]: U over the singular values over V, of a [m, n], k = min(m, n) (gesdd)."""
    out, a, matrix, u, values, v, work, integers, m, n, k, work_size = e.arguments
    lapack = Lapack(e, "f64")
    rows, columns, size = lapack.integer(m), lapack.integer(n), lapack.leading(work_size)
    tall, short, job = lapack.leading(m), lapack.leading(k), lapack.letter("S")

    def decompose() -> None:
        transpose(e, kind, matrix, a, m, n, "f64")
        lapack.call(
            "gesdd", job, rows, columns, matrix, tall, values, u, tall, v, short, work, size, integers
        )

    def give() -> None:
        transpose(e, "f64", out, u, k, m, kind)
        row = e.gep(out, kind, e.imul(m, k))
        copy(e, "f64", row, values, k, kind)
        # The transpose of V by columns, as LAPACK gives it, is V by rows.
        copy(e, "f64", e.gep(row, kind, k), v, e.imul(n, k), kind)

    e.either(all_finite(e, kind, a, e.imul(m, n)), decompose)
    whole = e.imul(k, e.iadd(e.iadd(m, n), e.constant("i64", 1)))
    e.either(lapack.succeeded(), give, lambda: fill_nan(e, kind, out, whole))
