"""Matrix products through BLAS, which is column-major: the transposed product of row-major matrices."""

from __future__ import annotations

from diffc.emit.interface import Emitter, Formal, Module

__all__ = ["PRODUCT", "product_by_blas"]

_ROUTINES = {"f64": "dgemm_", "f32": "sgemm_"}

PRODUCT = (
    *(Formal(p, "ptr") for p in ("c", "a", "b")),
    *(Formal(p, "i64") for p in ("rows", "columns", "inner", "ldc", "lda", "ldb")),
    *(Formal(p, "bool") for p in ("ta", "tb")),
)
"""What a function takes that computes c = a @ b.

Pointers to c, a and b; rows, columns and the inner extent; the distances of the rows of c, a and b; and
whether a and b are read transposed.
"""


def product_by_blas(module: Module, kind: str) -> str:
    """Return the symbol of a function that has BLAS compute a product, emitted on first use."""
    return module.internal_function(f"product_by_blas_{kind}", PRODUCT, lambda e: _body(e, kind))


def _body(e: Emitter, kind: str) -> None:
    c, a, b, rows, columns, inner, ldc, lda, ldb, ta, tb = e.arguments
    routine = _ROUTINES[kind]
    e.module.declare(routine, None, *(("ptr", 1),) * 13)
    zero, one = e.constant("i64", 0), e.constant("i64", 1)
    empty = e.bor(e.icmp("eq", rows, zero), e.icmp("eq", columns, zero))
    slots = {name: e.alloca("i32") for name in ("m", "n", "k", "lda", "ldb", "ldc")}
    letters = {name: e.alloca("i8") for name in ("ta", "tb")}
    factors = {name: e.alloca(kind) for name in ("alpha", "beta")}

    def call() -> None:
        # Row-major c = a b is column-major c' = b' a', so the factors change places.
        values = {"m": columns, "n": rows, "k": inner, "lda": ldb, "ldb": lda, "ldc": ldc}
        for name, slot in slots.items():
            # BLAS refuses a leading extent of 0, which an empty inner axis gives.
            value = e.imax(values[name], one) if name.startswith("ld") else values[name]
            e.store(e.trunc(value, "i32"), slot)
        plain, transposed = e.constant("i8", ord("N")), e.constant("i8", ord("T"))
        e.store(e.select(tb, transposed, plain), letters["ta"])
        e.store(e.select(ta, transposed, plain), letters["tb"])
        e.store(e.constant(kind, 1.0), factors["alpha"])
        e.store(e.constant(kind, 0.0), factors["beta"])
        e.call(
            routine, None, 1,
            letters["ta"], letters["tb"], slots["m"], slots["n"], slots["k"], factors["alpha"],
            b, slots["lda"], a, slots["ldb"], factors["beta"], c, slots["ldc"],
        )  # fmt: skip

    e.unless(empty, call)
