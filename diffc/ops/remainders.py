"""Division with remainder as NumPy does it: `mod` and `floor_divide` by flooring, `fmod` by truncation.

The remainder of floats is exact, not computed from the rounded quotient. Dividing an integer by zero gives 0,
a float NaN or an infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.ir import Node
from diffc.ops.arithmetic import abs_, mul, neg, sign
from diffc.ops.base import register
from diffc.ops.elementwise import Elementwise, Partial
from diffc.ops.emitter import Arithmetic, Value

__all__ = ["floor_divide", "fmod", "mod"]


class _Division(Elementwise):
    """A function of a dividend and a divisor, integers too."""

    arity, domain, cost = 2, "number", 30

    def numpy(self, *arrays: Any) -> Any:
        return getattr(np, self.name)(*arrays)


@register
class floor_divide(_Division):
    """floor(x / y) for the exact quotient."""

    name, source, differentiable = "floor_divide", "{0} // {1}", False
    integer_source = "(-{0} if {1} == -1 else {0} // {1})"  # the least integer negated is itself
    summary = "floor(x / y) of the exact quotient, as x // y in NumPy"
    exact = True
    jumps = True

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return None, None

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.floor(args[0] / args[1])

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        x, y = args
        if x.kind != "i64":
            return e.maths("floor_divide", x, y)
        zero, one = e.constant("i64", 0, x.lanes), e.constant("i64", 1, x.lanes)
        safe, negated = _safe_divisor(e, y)
        quotient = e.sdiv(x, safe)
        remainder = e.isub(x, e.imul(quotient, safe))
        quotient = e.select(_points_away(e, remainder, y), e.isub(quotient, one), quotient)
        quotient = e.select(negated, e.isub(zero, x), quotient)
        return e.select(e.icmp("eq", y, zero), zero, quotient)


@register
class mod(_Division):
    """x - floor(x / y) y: the remainder that has the divisor's sign."""

    name, source, summary = "mod", "{0} % {1}", "the remainder with the divisor's sign, as x % y in NumPy"
    jumps = True

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return 1.0, neg(floor_divide(*inputs))

    def sympy(self, S: Any, *args: Any) -> Any:
        x, y = args
        return x - y * S.floor(x / y)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        x, y = args
        if x.kind != "i64":
            return e.maths("mod", x, y)
        remainder = _integer_remainder(e, x, y)
        return e.select(_points_away(e, remainder, y), e.iadd(remainder, y), remainder)


@register
class fmod(_Division):
    """x - trunc(x / y) y: the remainder that has the dividend's sign."""

    name, source = "fmod", "np.sign({0}) * (abs({0}) % abs({1}))"
    integer_source = "({0} % {1} - {1} * ({0} % {1} != 0 and ({0} < 0) != ({1} < 0)))"
    summary = "the remainder with the dividend's sign, as C's fmod"
    jumps = True

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        # The quotient of the branch taken, as for `mod`: x / y itself may round up to the next integer.
        x, y = inputs
        quotient = floor_divide(abs_(x), abs_(y))
        return 1.0, neg(mul(mul(sign(x), sign(y)), quotient))

    def sympy(self, S: Any, *args: Any) -> Any:
        x, y = args
        return x - y * S.sign(x / y) * S.floor(S.Abs(x / y))

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        x, y = args
        return e.maths("fmod", x, y) if x.kind != "i64" else _integer_remainder(e, x, y)


def _safe_divisor(e: Arithmetic, y: Value) -> tuple[Value, Value]:
    """Return a divisor that traps with no dividend, 1 for 0 and -1, and whether y is -1."""
    one = e.constant("i64", 1, y.lanes)
    negated = e.icmp("eq", y, e.constant("i64", -1, y.lanes))
    unsafe = e.bor(negated, e.icmp("eq", y, e.constant("i64", 0, y.lanes)))
    return e.select(unsafe, one, y), negated


def _integer_remainder(e: Arithmetic, x: Value, y: Value) -> Value:
    """Return the remainder with the sign of x; 0 for the divisor 0."""
    return e.srem(x, _safe_divisor(e, y)[0])


def _points_away(e: Arithmetic, remainder: Value, y: Value) -> Value:
    """Return whether a remainder has the sign opposite to the divisor's."""
    zero = e.constant("i64", 0, y.lanes)
    opposite = e.icmp("slt", e.ixor(remainder, y), zero)
    return e.band(opposite, e.icmp("ne", remainder, zero))
