"""The elementary functions.

Each states its derivative in terms of the output where that reuses work: sigma' = s(1-s). Sources
of the formulas: Abramowitz and Stegun, Handbook of Mathematical Functions, chapters 4 and 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.ir import Node
from diffc.ops.arithmetic import add, div, mul, neg, square, sub
from diffc.ops.base import register
from diffc.ops.constant import constant_like, scalar_value
from diffc.ops.elementwise import Elementwise, Operand, Partial, lift
from diffc.ops.logic import eq, ge, logical_and, where

__all__ = [
    "acos", "asin", "atan", "atan2", "cos", "cosh", "erf", "exp", "expm1", "log", "log1p", "pow_", "power",
    "sigmoid", "sin", "sinh", "softplus", "sqrt", "tan", "tanh",
]  # fmt: skip


class _Function(Elementwise):
    """A function of real numbers with its code in `diffc.lower.vecmath` under the same name."""

    cost = 20

    def numpy(self, *arrays: Any) -> Any:
        return getattr(np, self.name)(*arrays)

    def sympy(self, S: Any, *args: Any) -> Any:
        return getattr(S, self.name)(*args)

    def emit(self, e: Any, *args: Any) -> Any:
        return e.maths(self.name, *args)


@register
class exp(_Function):
    """e**x."""

    name, source, summary = "exp", "np.exp({0})", "e**x"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (out,)


@register
class expm1(_Function):
    """e**x - 1, accurate near 0."""

    name, source, summary = "expm1", "np.expm1({0})", "e**x - 1, accurate near 0"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (exp(inputs[0]),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.exp(args[0]) - 1


@register
class log(_Function):
    """The natural logarithm."""

    name, source, summary = "log", "np.log({0})", "the natural logarithm"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, inputs[0]),)


@register
class log1p(_Function):
    """log(1 + x), accurate near 0."""

    name, source, summary = "log1p", "np.log1p({0})", "log(1 + x), accurate near 0"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, add(1, inputs[0])),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.log(1 + args[0])


@register
class sqrt(_Function):
    """The square root; its derivative at 0 is inf."""

    name, source, summary, cost = "sqrt", "np.sqrt({0})", "the square root; derivative inf at 0", 6

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(0.5, out),)

    def emit(self, e: Any, *args: Any) -> Any:
        return e.sqrt(*args)


@register
class sin(_Function):
    """The sine."""

    name, source, summary = "sin", "np.sin({0})", "the sine"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (cos(inputs[0]),)


@register
class cos(_Function):
    """The cosine."""

    name, source, summary = "cos", "np.cos({0})", "the cosine"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (neg(sin(inputs[0])),)


@register
class tan(_Function):
    """The tangent."""

    name, source, summary = "tan", "np.tan({0})", "the tangent"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (add(1, square(out)),)


@register
class asin(_Function):
    """The inverse sine."""

    name, source, summary = "asin", "np.arcsin({0})", "the inverse sine"

    def numpy(self, *arrays: Any) -> Any:
        return np.arcsin(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, sqrt(_one_minus_square(inputs[0]))),)


@register
class acos(_Function):
    """The inverse cosine."""

    name, source, summary = "acos", "np.arccos({0})", "the inverse cosine"

    def numpy(self, *arrays: Any) -> Any:
        return np.arccos(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(-1, sqrt(_one_minus_square(inputs[0]))),)


def _one_minus_square(x: Node) -> Node:
    """Return 1 - x**2 as a product, which does not cancel near +-1."""
    return mul(sub(1, x), add(1, x))


@register
class atan(_Function):
    """The inverse tangent."""

    name, source, summary = "atan", "np.arctan({0})", "the inverse tangent"

    def numpy(self, *arrays: Any) -> Any:
        return np.arctan(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, add(1, square(inputs[0]))),)


@register
class atan2(_Function):
    """The angle of the point (x, y), given as atan2(y, x); both derivatives at the origin are 0."""

    name, source, summary = "atan2", "np.arctan2({0}, {1})", "the angle of the point (x, y), as atan2(y, x)"
    arity = 2

    def numpy(self, *arrays: Any) -> Any:
        return np.arctan2(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        y, x = inputs
        norm = add(square(x), square(y))
        origin = eq(norm, 0)
        safe = where(origin, constant_like(1, norm.dtype), norm)
        return div(x, safe), neg(div(y, safe))


@register
class sinh(_Function):
    """The hyperbolic sine."""

    name, source, summary = "sinh", "np.sinh({0})", "the hyperbolic sine"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (cosh(inputs[0]),)


@register
class cosh(_Function):
    """The hyperbolic cosine."""

    name, source, summary = "cosh", "np.cosh({0})", "the hyperbolic cosine"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (sinh(inputs[0]),)


@register
class tanh(_Function):
    """The hyperbolic tangent."""

    name, source, summary = "tanh", "np.tanh({0})", "the hyperbolic tangent"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (sub(1, square(out)),)


@register
class sigmoid(_Function):
    """1 / (1 + e**-x), the logistic function."""

    name, source, summary = "sigmoid", "1.0 / (1.0 + np.exp(-{0}))", "1 / (1 + e**-x)"

    def numpy(self, *arrays: Any) -> Any:
        (x,) = arrays
        return 1 / (1 + np.exp(-x))

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (mul(out, sub(1, out)),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return 1 / (1 + S.exp(-args[0]))


@register
class softplus(_Function):
    """log(1 + e**x), finite for every finite x."""

    name, source, summary = "softplus", "np.logaddexp({0}, 0.0)", "log(1 + e**x), finite for every finite x"

    def numpy(self, *arrays: Any) -> Any:
        return np.logaddexp(arrays[0], arrays[0].dtype.type(0))

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (sigmoid(inputs[0]),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.log(1 + S.exp(args[0]))


@register
class erf(_Function):
    """The error function."""

    name, source, summary = "erf", "math.erf({0})", "the error function"

    def numpy(self, *arrays: Any) -> Any:
        (x,) = arrays
        return np.asarray(_vectorized_erf(x), x.dtype)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (mul(2 / math.sqrt(math.pi), exp(neg(square(inputs[0])))),)


_vectorized_erf = np.vectorize(math.erf, otypes=[np.float64])


@register
class pow_(_Function):
    """x**y; with a constant integer y exact at 0."""

    name, source, summary, arity, cost = "pow", "{0} ** {1}", "x**y", 2, 60

    def numpy(self, *arrays: Any) -> Any:
        return np.power(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        x, y = inputs
        exponent = scalar_value(y)
        if exponent is not None:
            by_x = None if exponent == 0 else mul(exponent, power(x, exponent - 1))
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
