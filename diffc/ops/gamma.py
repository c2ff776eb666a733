"""The logarithm of the gamma function and its derivatives.

Their numbers come from the scalar functions here, which NumPy lacks; generated source carries the text of the
same functions. Formulas: Abramowitz and Stegun, Handbook of Mathematical Functions, chapter 6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.errors import DiffcError, TypeProblem
from diffc.ir import Node
from diffc.ops.arithmetic import add
from diffc.ops.base import register
from diffc.ops.constant import scalar_value
from diffc.ops.elementary import MathsFunction
from diffc.ops.elementwise import Operand, Partial, lift
from diffc.ops.emitter import Arithmetic, Value

__all__ = ["MAX_ORDER", "ScalarFunction", "digamma", "gammaln", "polygamma", "polygamma_of"]

MAX_ORDER = 20
"""The largest order of a polygamma function for which there is compiled code."""


def _gammaln(x: float) -> float:
    """Return log(|gamma(x)|): inf at the poles."""
    if np.isinf(x) or (x <= 0 and x == np.floor(x)):
        return np.float64(np.inf)
    if x > 1e17:  # the rest of Stirling's series is nothing beside it
        return np.float64(x) * (np.log(np.float64(x)) - 1.0)
    return np.float64(math.lgamma(x))


def _digamma(x: float) -> float:
    """Return the derivative of log(gamma(x)): NaN at the poles, an infinity at either zero."""
    y = np.float64(x)
    if y == 0:
        return np.copysign(np.float64(np.inf), -y)
    if y < 0 and y == np.floor(y):
        return np.float64(np.nan)
    total = np.float64(0.0)
    if y < 0:
        total = -np.pi / np.tan(np.pi * (y - np.rint(y)))
        y = 1.0 - y
    while y < 12.0:
        total -= 1.0 / y
        y += 1.0
    w = 1.0 / (y * y)
    series = 0.0
    for c in (-691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12):
        series = w * (c + series)
    return total + (np.log(y) - 0.5 / y - series)


def _polygamma(order: float, x: float) -> float:
    """Return the derivative of order n >= 1 of the digamma function; an infinity at the poles."""
    y, n = np.float64(x), int(order)
    sign = 1.0 if n % 2 else -1.0
    if y <= 0 and y == np.floor(y):
        return np.float64(sign * np.inf)
    below = y < 0
    bend = np.float64(0.0)
    if below:  # the derivative of pi cot(pi y), up to its sign a polynomial in the cotangent
        cotangent = 1.0 / np.tan(np.pi * (y - np.rint(y)))
        powers = np.zeros(n + 2)
        powers[1] = np.pi
        for _ in range(n):
            slope = np.pi * powers[1:] * np.arange(1.0, n + 2.0)
            powers[:-1] = slope
            powers[-1] = 0.0
            powers[2:] += slope[:-1]
        for k in range(n + 1, -1, -1):
            bend = bend * cotangent + powers[k]
        y = 1.0 - y
    factorial = 1.0
    for k in range(2, n + 1):
        factorial *= k
    total = np.float64(0.0)
    while y < 12.0 + n:
        total += factorial / y ** (n + 1)
        y += 1.0
    term = factorial / y**n
    total += term / n + 0.5 * term / y
    w = 1.0 / (y * y)
    term *= 0.5 * w * (n + 1)
    k = 2.0
    for number in (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798):
        total += number * term
        term *= w * (n + k) * (n + k + 1) / ((k + 1) * (k + 2))
        k += 2.0
    return sign * bend - total if below else sign * total


class ScalarFunction(MathsFunction):
    """A function that NumPy lacks: `library` computes it."""

    cost = 60

    def numpy(self, *arrays: Any) -> Any:
        assert self.library is not None
        values = np.broadcast_arrays(*arrays)
        results = [self.library(*each) for each in zip(*(each.flat for each in values), strict=True)]
        return np.array(results, arrays[-1].dtype).reshape(values[0].shape)


@register
class gammaln(ScalarFunction):
    """log(|gamma(x)|), inf at 0 and at the negative integers."""

    name, source, summary = "gammaln", "_gammaln({0})", "log(abs(gamma(x))), inf at 0, -1, -2, ..."
    library = staticmethod(_gammaln)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (digamma(inputs[0]),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.loggamma(args[0])


@register
class digamma(ScalarFunction):
    """The derivative of gammaln, NaN at the negative integers."""

    name, source, summary = "digamma", "_digamma({0})", "the derivative of gammaln"
    library = staticmethod(_digamma)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (polygamma(1, inputs[0]),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.polygamma(0, args[0])


@register
class polygamma(ScalarFunction):
    """The derivative of order n of digamma, for a number n from 1 on; nothing is differentiated by n."""

    name, source, arity = "polygamma", "_polygamma({0}, {1})", 2
    summary = "the derivative of order n of digamma(x), for a number n from 1 on"
    library = staticmethod(_polygamma)
    parameters = (0,)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        order, x = inputs
        number = scalar_value(order)
        return None, polygamma(add(order, 1) if number is None else number + 1, x)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.polygamma(*args)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        order, x = args
        for n in range(1, MAX_ORDER + 1):
            if order == e.constant(x.kind, n, x.lanes):
                return e.maths(f"polygamma_{n}", x)
        raise DiffcError(f"polygamma(n, x): there is code for the numbers n from 1 to {MAX_ORDER} only")


def polygamma_of(n: Operand, x: Operand) -> Node:
    """Return the derivative of order n of digamma at x: digamma itself for n = 0.

    Raises:
        TypeProblem: for an order that is no integer from 0 on.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        shown = n.type if isinstance(n, Node) else repr(n)
        raise TypeProblem(f"polygamma(n, x): n is an integer that is known when compiling, not {shown}")
    x = lift(x)
    x = x if x.type.is_float else lift(x, "f64")
    return polygamma(n, x) if n else digamma(x)
