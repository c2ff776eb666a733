"""Powers: x**y, and the simpler operations that some exponents make of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.ir import Node
from diffc.ops.arithmetic import div, mul, square, sub
from diffc.ops.base import register
from diffc.ops.constant import constant_like, scalar_value
from diffc.ops.elementary import MathsFunction, log, sqrt
from diffc.ops.elementwise import Operand, Partial, lift
from diffc.ops.exact import folded_or_itself
from diffc.ops.logic import eq, ge, logical_and, where

__all__ = ["pow_", "power"]


@register
class pow_(MathsFunction):
    """x**y; with a constant integer y exact at 0."""

    name, source, summary, arity, cost = "pow", "{0} ** {1}", "x**y", 2, 60

    def numpy(self, *arrays: Any) -> Any:
        return np.power(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        x, y = inputs
        exponent = scalar_value(y)
        if exponent is not None or (y.is_constant and y.rank == 0):
            n = y if exponent is None else constant_like(exponent, y.dtype)
            by_x = None if exponent == 0 else mul(n, power(x, folded_or_itself(sub(n, 1))))
        else:
            by_x = where(eq(y, 0), constant_like(0, out.dtype), mul(y, pow_(x, sub(y, 1))))
        at_zero = logical_and(eq(x, 0), ge(y, 0))
        return by_x, where(at_zero, constant_like(0, out.dtype), mul(out, log(x)))

    def sympy(self, S: Any, *args: Any) -> Any:
        return args[0] ** args[1]


def power(x: Operand, y: Operand) -> Node:
    """Return x**y in its simplest form: x**2 as a square, x**0.5 as a root, x**1 as x, x**-1 as 1/x."""
    exponent = scalar_value(y) if isinstance(y, Node) else y
    if not isinstance(x, Node) and isinstance(y, Node):
        return pow_(x, y)
    x = lift(x)
    if exponent is None or isinstance(exponent, bool) or (isinstance(y, Node) and y.rank > x.rank):
        return pow_(x, y)
    if x.dtype in ("i64", "bool") and isinstance(exponent, int) and 0 <= exponent <= 64:
        return _integer_power(x, exponent)
    if not x.type.is_float:
        x = lift(x, "f64")
    if isinstance(y, Node) and y.dtype == "f64" and x.dtype == "f32":
        return pow_(x, y)
    if exponent == 1:
        return x
    if exponent == 2:
        return square(x)
    if exponent == 0.5:
        return sqrt(x)
    if exponent == -1:
        return div(1, x)
    return pow_(x, exponent)


def _integer_power(x: Node, exponent: int) -> Node:
    result = lift(1, "i64")
    for _ in range(exponent):
        result = mul(result, x)
    return result
