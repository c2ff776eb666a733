"""How f32 functions that have no polynomials of their own borrow those of f64."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from diffc.emit.interface import Emitter, Value


def through_f64(function: Callable[..., Value]) -> Callable[..., Value]:
    """Return `function` extended to f32 by computing in f64: correct to little more than half an ulp."""

    @wraps(function)
    def either(e: Emitter, *args: Value) -> Value:
        if args[0].kind == "f64":
            return function(e, *args)
        return e.fptrunc(function(e, *[e.fpext(arg, "f64") for arg in args]), args[0].kind)

    return either
