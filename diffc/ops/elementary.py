"""The elementary functions.

Each states its derivative in terms of the output where that reuses work: sigma' = s(1-s). Sources
of the formulas: Abramowitz and Stegun, Handbook of Mathematical Functions, chapters 4 and 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from diffc.ir import Node
from diffc.ir.dtype import FORMATS
from diffc.ops.arithmetic import abs_, add, div, maximum, minimum, mul, neg, square, stop_gradient, sub
from diffc.ops.base import register
from diffc.ops.constant import constant_like, pi
from diffc.ops.elementwise import Elementwise, Partial, cast
from diffc.ops.emitter import Arithmetic, Value
from diffc.ops.logic import eq, gt, logical_and, where

__all__ = [
    "MathsFunction", "acos", "asin", "atan", "atan2", "cbrt", "cos", "cosh", "erf", "erfc", "exp", "exp2",
    "expm1", "hypot", "log", "log1p", "log2", "log10", "logaddexp", "sigmoid", "sin", "sinh", "softplus",
    "sqrt", "tan", "tanh",
]  # fmt: skip


class MathsFunction(Elementwise):
    """A function of real numbers with its code in `diffc.emit.maths` under the same name."""

    cost = 20

    def numpy(self, *arrays: Any) -> Any:
        return getattr(np, self.name)(*arrays)

    def sympy(self, S: Any, *args: Any) -> Any:
        return getattr(S, self.name)(*args)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return e.maths(self.name, *args)


@register
class exp(MathsFunction):
    """e**x."""

    name, source, summary = "exp", "np.exp({0})", "e**x"
    sign = "nonnegative"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (out,)


@register
class exp2(MathsFunction):
    """2**x, exact where x is an integer."""

    name, source, summary = "exp2", "np.exp2({0})", "2**x, exact at integers"
    sign = "nonnegative"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (mul(log(constant_like(2, out.dtype)), out),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.exp(args[0] * S.log(2))


@register
class expm1(MathsFunction):
    """e**x - 1, accurate near 0."""

    name, source, summary = "expm1", "np.expm1({0})", "e**x - 1, accurate near 0"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (exp(inputs[0]),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.exp(args[0]) - 1


@register
class log(MathsFunction):
    """The natural logarithm."""

    name, source, summary = "log", "np.log({0})", "the natural logarithm"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, inputs[0]),)


class _LogarithmToBase(MathsFunction):
    """The logarithm to a base that is a number."""

    base: ClassVar[int]

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, mul(log(constant_like(self.base, out.dtype)), inputs[0])),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.log(args[0]) / S.log(self.base)


@register
class log2(_LogarithmToBase):
    """The logarithm to the base 2, exact at powers of 2."""

    name, source, summary, base = "log2", "np.log2({0})", "the logarithm to the base 2", 2


@register
class log10(_LogarithmToBase):
    """The logarithm to the base 10, exact at powers of 10."""

    name, source, summary, base = "log10", "np.log10({0})", "the logarithm to the base 10", 10


@register
class log1p(MathsFunction):
    """log(1 + x), accurate near 0."""

    name, source, summary = "log1p", "np.log1p({0})", "log(1 + x), accurate near 0"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, add(1, inputs[0])),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.log(1 + args[0])


@register
class sqrt(MathsFunction):
    """The square root; its derivative at 0 is inf."""

    name, source, summary, cost = "sqrt", "np.sqrt({0})", "the square root; derivative inf at 0", 6
    keeps_sign = "positive"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(0.5, out),)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return e.sqrt(*args)


@register
class hypot(MathsFunction):
    """sqrt(x**2 + y**2), which overflows or underflows only where the result does; slopes 0 at the origin."""

    name, source, arity, commutative = "hypot", "np.hypot({0}, {1})", 2, True
    summary = "sqrt(x**2 + y**2); derivatives 0 at the origin"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        safe = where(eq(out, 0), constant_like(1, out.dtype), out)
        return tuple(div(each, safe) for each in inputs)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.sqrt(args[0] ** 2 + args[1] ** 2)


@register
class cbrt(MathsFunction):
    """The real cube root, of negative numbers too; its derivative at 0 is inf."""

    name, source, summary = "cbrt", "np.cbrt({0})", "the real cube root; derivative inf at 0"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, mul(3, square(out))),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.sign(args[0]) * S.Abs(args[0]) ** S.Rational(1, 3)


@register
class sin(MathsFunction):
    """The sine."""

    name, source, summary = "sin", "np.sin({0})", "the sine"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (cos(inputs[0]),)


@register
class cos(MathsFunction):
    """The cosine."""

    name, source, summary = "cos", "np.cos({0})", "the cosine"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (neg(sin(inputs[0])),)


@register
class tan(MathsFunction):
    """The tangent."""

    name, source, summary = "tan", "np.tan({0})", "the tangent"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (add(1, square(out)),)


@register
class asin(MathsFunction):
    """The inverse sine."""

    name, source, summary = "asin", "np.arcsin({0})", "the inverse sine"

    def numpy(self, *arrays: Any) -> Any:
        return np.arcsin(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, sqrt(_one_minus_square(inputs[0]))),)


@register
class acos(MathsFunction):
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
class atan(MathsFunction):
    """The inverse tangent."""

    name, source, summary = "atan", "np.arctan({0})", "the inverse tangent"

    def numpy(self, *arrays: Any) -> Any:
        return np.arctan(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (div(1, add(1, square(inputs[0]))),)


@register
class atan2(MathsFunction):
    """The angle of the point (x, y), given as atan2(y, x); both derivatives at the origin are 0."""

    name, source, summary = "atan2", "np.arctan2({0}, {1})", "the angle of the point (x, y), as atan2(y, x)"
    arity = 2

    def numpy(self, *arrays: Any) -> Any:
        return np.arctan2(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        y, x = inputs
        one, largest = (constant_like(number, out.dtype) for number in (1, FORMATS[out.dtype].largest))
        # Squares of quotients by the larger neither overflow nor underflow; nothing depends on what it is.
        size = stop_gradient(minimum(maximum(abs_(y), abs_(x)), largest))
        origin = eq(size, 0)
        scale = where(origin, one, size)
        a, b = div(x, scale), div(y, scale)
        square_over_scale = where(origin, one, mul(add(square(a), square(b)), scale))
        return div(a, square_over_scale), neg(div(b, square_over_scale))


@register
class sinh(MathsFunction):
    """The hyperbolic sine."""

    name, source, summary = "sinh", "np.sinh({0})", "the hyperbolic sine"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (cosh(inputs[0]),)


@register
class cosh(MathsFunction):
    """The hyperbolic cosine."""

    name, source, summary = "cosh", "np.cosh({0})", "the hyperbolic cosine"
    sign = "positive"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (sinh(inputs[0]),)


@register
class tanh(MathsFunction):
    """The hyperbolic tangent."""

    name, source, summary = "tanh", "np.tanh({0})", "the hyperbolic tangent"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (sub(1, square(out)),)


@register
class sigmoid(MathsFunction):
    """1 / (1 + e**-x), the logistic function."""

    name, source, summary = "sigmoid", "1.0 / (1.0 + np.exp(-{0}))", "1 / (1 + e**-x)"
    sign = "nonnegative"

    def numpy(self, *arrays: Any) -> Any:
        (x,) = arrays
        return 1 / (1 + np.exp(-x))

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (mul(out, sub(1, out)),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return 1 / (1 + S.exp(-args[0]))


@register
class softplus(MathsFunction):
    """log(1 + e**x), finite for every finite x."""

    name, source, summary = "softplus", "np.logaddexp({0}, 0.0)", "log(1 + e**x), finite for every finite x"
    sign = "nonnegative"

    def numpy(self, *arrays: Any) -> Any:
        return np.logaddexp(arrays[0], arrays[0].dtype.type(0))

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (sigmoid(inputs[0]),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.log(1 + S.exp(args[0]))


@register
class logaddexp(MathsFunction):
    """log(e**x + e**y), finite for finite x and y.

    Where both are infinite with one sign, the derivatives are the halves of a tie for inf and 0 for -inf.
    """

    name, source, arity, cost = "logaddexp", "np.logaddexp({0}, {1})", 2, 40
    commutative = True
    summary = "log(e**x + e**y), finite for finite x and y"

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        x, y = inputs
        both = logical_and(eq(x, y), eq(abs_(out), math.inf))
        at_infinity = where(gt(out, 0), constant_like(0.5, out.dtype), constant_like(0, out.dtype))
        return where(both, at_infinity, sigmoid(sub(x, y))), where(both, at_infinity, sigmoid(sub(y, x)))

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.log(S.exp(args[0]) + S.exp(args[1]))


def _normal_peak(numerator: int, dtype: str) -> Node:
    """Return numerator / sqrt(pi)."""
    return div(numerator, sqrt(cast(pi(), dtype)))


@register
class erf(MathsFunction):
    """The error function."""

    name, source, summary = "erf", "math.erf({0})", "the error function"

    def numpy(self, *arrays: Any) -> Any:
        (x,) = arrays
        return np.asarray(_vectorized_erf(x), x.dtype)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (mul(_normal_peak(2, out.dtype), exp(neg(square(inputs[0])))),)


@register
class erfc(MathsFunction):
    """1 - erf(x), accurate where that is small."""

    name, source, summary = "erfc", "math.erfc({0})", "1 - erf(x), accurate where that is small"
    sign = "nonnegative"

    def numpy(self, *arrays: Any) -> Any:
        (x,) = arrays
        return np.asarray(_vectorized_erfc(x), x.dtype)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (mul(_normal_peak(-2, out.dtype), exp(neg(square(inputs[0])))),)


_vectorized_erf = np.vectorize(math.erf, otypes=[np.float64])
_vectorized_erfc = np.vectorize(math.erfc, otypes=[np.float64])
