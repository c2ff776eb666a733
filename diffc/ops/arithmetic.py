"""Arithmetic and the piecewise-linear functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from diffc.ir import Node
from diffc.ops.attained import attaining
from diffc.ops.base import register
from diffc.ops.constant import constant_like
from diffc.ops.elementwise import Elementwise, Partial
from diffc.ops.emitter import Arithmetic, Value
from diffc.ops.logic import eq, gt, lt, where

__all__ = [
    "abs_", "add", "copysign", "div", "maximum", "minimum", "mul", "neg", "relu", "sign", "square",
    "stop_gradient", "sub",
]  # fmt: skip


class _Number(Elementwise):
    """Arithmetic that integers take part in."""

    domain = "number"
    instruction: ClassVar[tuple[str, str]]

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return getattr(e, self.instruction[args[0].kind == "i64"])(*args)


@register
class add(_Number):
    """x + y."""

    name, source, summary, arity, commutative = "add", "{0} + {1}", "x + y", 2, True
    keeps_sign = "nonnegative"
    instruction = ("fadd", "iadd")

    def numpy(self, *arrays: Any) -> Any:
        return np.add(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return 1.0, 1.0

    def sympy(self, S: Any, *args: Any) -> Any:
        return args[0] + args[1]


@register
class sub(_Number):
    """x - y."""

    name, source, summary, arity = "sub", "{0} - {1}", "x - y", 2
    instruction = ("fsub", "isub")

    def numpy(self, *arrays: Any) -> Any:
        return np.subtract(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return 1.0, -1.0

    def sympy(self, S: Any, *args: Any) -> Any:
        return args[0] - args[1]


@register
class mul(_Number):
    """x * y."""

    name, source, summary, arity, commutative = "mul", "{0} * {1}", "x * y", 2, True
    keeps_sign = "nonnegative"
    instruction = ("fmul", "imul")

    def numpy(self, *arrays: Any) -> Any:
        return np.multiply(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        x, y = inputs
        return y, x

    def sympy(self, S: Any, *args: Any) -> Any:
        return args[0] * args[1]


@register
class neg(_Number):
    """-x."""

    name, source, summary = "neg", "-{0}", "-x"
    exact = True

    def numpy(self, *arrays: Any) -> Any:
        return np.negative(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (-1.0,)

    def ranked(self, node: Node, sign: int) -> Sequence[tuple[int, int]]:
        return [(0, -sign)]

    def attained(self, node: Node, sign: int, counts: Sequence[Node | None]) -> Node | None:
        return counts[0]

    def sympy(self, S: Any, *args: Any) -> Any:
        return -args[0]

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        (x,) = args
        return e.isub(e.constant("i64", 0, x.lanes), x) if x.kind == "i64" else e.fneg(x)


@register
class div(Elementwise):
    """x / y."""

    name, source, summary, arity, cost = "div", "{0} / {1}", "x / y", 2, 4
    keeps_sign = "nonnegative"

    def numpy(self, *arrays: Any) -> Any:
        return np.divide(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        _, y = inputs
        return div(1, y), neg(div(out, y))

    def sympy(self, S: Any, *args: Any) -> Any:
        return args[0] / args[1]

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return e.fdiv(*args)


@register
class square(_Number):
    """x**2."""

    name, source, summary = "square", "{0} * {0}", "x**2"
    sign = "nonnegative"
    instruction = ("fmul", "imul")

    def numpy(self, *arrays: Any) -> Any:
        return np.square(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (mul(2, inputs[0]),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return args[0] ** 2

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return getattr(e, self.instruction[args[0].kind == "i64"])(args[0], args[0])


@register
class abs_(_Number):
    """|x|, with derivative 0 at 0."""

    name, source, summary = "abs", "abs({0})", "the absolute value; derivative 0 at 0"
    exact = True
    sign = "nonnegative"
    keeps_sign = "positive"

    def numpy(self, *arrays: Any) -> Any:
        return np.abs(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (sign(inputs[0]),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.Abs(args[0])

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        (x,) = args
        if x.kind != "i64":
            return e.fabs(x)
        zero = e.constant("i64", 0, x.lanes)
        return e.select(e.icmp("slt", x, zero), e.isub(zero, x), x)


@register
class sign(_Number):
    """-1, 0 or 1 (NaN for NaN)."""

    name, source, summary, differentiable = "sign", "np.sign({0})", "-1, 0 or 1", False
    exact = True
    jumps = True

    def numpy(self, *arrays: Any) -> Any:
        return np.sign(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (None,)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.sign(args[0])

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        (x,) = args
        if x.kind != "i64":
            return e.maths("sign", x)
        zero, one = e.constant("i64", 0, x.lanes), e.constant("i64", 1, x.lanes)
        negative = e.select(e.icmp("slt", x, zero), e.constant("i64", -1, x.lanes), zero)
        return e.select(e.icmp("sgt", x, zero), one, negative)


@register
class copysign(Elementwise):
    """|x| with the sign of y, which may be that of a zero."""

    name, source, summary, arity = "copysign", "np.copysign({0}, {1})", "|x| with the sign of y", 2
    exact = True
    jumps = True

    def numpy(self, *arrays: Any) -> Any:
        return np.copysign(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        x, y = inputs
        return mul(sign(x), copysign(1, y)), None

    def sympy(self, S: Any, *args: Any) -> Any:
        x, y = args
        return S.Piecewise((S.Abs(x), S.Ge(y, 0)), (-S.Abs(x), True))

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return e.copysign(*args)


class _Extremum(_Number):
    """The larger or smaller of two, or of more where they are nested: ties share the derivative equally."""

    arity = 2
    commutative = True
    predicate: ClassVar[str]
    order: ClassVar[int]
    """1 for the larger, -1 for the smaller."""

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        x, y = args
        if x.kind != "i64":
            return e.maths(self.name, x, y)
        return e.select(e.icmp(self.predicate, x, y), x, y)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        """Return both shares: at a tie in proportion to how many values attain each side."""
        x, y = inputs
        one, half, nothing = (constant_like(number, out.dtype) for number in (1.0, 0.5, 0.0))
        left, right = attaining(x, self.order), attaining(y, self.order)
        if left is None and right is None:
            of_x, of_y = half, half
        else:
            left, right = left or one, right or one
            of_x, of_y = div(left, add(left, right)), div(right, add(left, right))
        tie = eq(x, y)
        return (
            where(self.wins(x, y), one, where(tie, of_x, nothing)),
            where(self.wins(y, x), one, where(tie, of_y, nothing)),
        )

    def wins(self, x: Node, y: Node) -> Node:
        """Return whether the result is x and not y."""
        return gt(x, y) if self.order > 0 else lt(x, y)

    def ranked(self, node: Node, sign: int) -> Sequence[tuple[int, int]]:
        return [(0, sign), (1, sign)] if sign == self.order else ()

    def attained(self, node: Node, sign: int, counts: Sequence[Node | None]) -> Node | None:
        (x, y), one = node.inputs, constant_like(1.0, node.dtype)
        left, right = (one if each is None else each for each in counts)
        both = where(eq(x, y), add(left, right), right)
        return both if left is one and right is one else where(self.wins(x, y), left, both)


@register
class maximum(_Extremum):
    """The larger of x and y; NaN if either is."""

    name, source, predicate, summary = "maximum", "np.maximum({0}, {1})", "sgt", "the larger of two"
    moves = True
    order = 1

    def numpy(self, *arrays: Any) -> Any:
        return np.maximum(*arrays)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.Max(*args)


@register
class minimum(_Extremum):
    """The smaller of x and y; NaN if either is."""

    name, source, predicate, summary = "minimum", "np.minimum({0}, {1})", "slt", "the smaller of two"
    moves = True
    order = -1

    def numpy(self, *arrays: Any) -> Any:
        return np.minimum(*arrays)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.Min(*args)


@register
class relu(_Number):
    """max(x, 0), with derivative 0 at 0."""

    name, source, summary = "relu", "np.maximum({0}, 0)", "max(x, 0); derivative 0 at 0"
    moves = True

    def numpy(self, *arrays: Any) -> Any:
        return np.maximum(arrays[0], arrays[0].dtype.type(0))

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        (x,) = inputs
        return (where(gt(x, 0), constant_like(1.0, x.dtype), constant_like(0.0, x.dtype)),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.Max(args[0], 0)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        (x,) = args
        return maximum.emit(e, x, e.constant(x.kind, 0, x.lanes))


@register
class stop_gradient(_Number):
    """x, taken as a constant by every derivative."""

    name, source, summary = "stop_gradient", "{0}", "x, taken as a constant by every derivative"
    domain, differentiable, cost = "any", False, 0
    moves = True
    keeps_sign = "positive"

    def numpy(self, *arrays: Any) -> Any:
        return arrays[0]

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (None,)

    def sympy(self, S: Any, *args: Any) -> Any:
        return args[0]

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return args[0]
