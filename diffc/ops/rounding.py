"""Rounding to integers; each derivative is 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from diffc.ir import Node
from diffc.ops.base import register
from diffc.ops.elementwise import Elementwise, Partial
from diffc.ops.emitter import Arithmetic, Value

__all__ = ["ceil", "floor", "rint", "trunc"]


class _Rounding(Elementwise):
    """A function whose values are integers, of the operand's dtype; an i64 stays as it is."""

    exact = True
    jumps = True
    domain, integer_source, differentiable = "number", "{0}", False
    instruction: ClassVar[str]

    def numpy(self, *arrays: Any) -> Any:
        return getattr(np, self.name)(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (None,)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return args[0] if args[0].kind == "i64" else getattr(e, self.instruction)(*args)


@register
class floor(_Rounding):
    """The largest integer not above x."""

    name, instruction, source, summary = "floor", "floor", "np.floor({0})", "the largest integer not above x"

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.floor(args[0])


@register
class ceil(_Rounding):
    """The smallest integer not below x."""

    name, instruction, source, summary = "ceil", "ceil", "np.ceil({0})", "the smallest integer not below x"

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.ceiling(args[0])


@register
class trunc(_Rounding):
    """The integer part, towards zero."""

    name, instruction, source = "trunc", "truncate", "np.trunc({0})"
    summary = "the integer part, towards zero"

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.sign(args[0]) * S.floor(S.Abs(args[0]))


@register
class rint(_Rounding):
    """The nearest integer, of two equally near ones the even one; integers become f64, as in NumPy."""

    domain = "float"
    name, instruction, source, summary = "rint", "rint", "np.rint({0})", "the nearest integer, ties to even"

    def sympy(self, S: Any, *args: Any) -> Any:
        # floor(x + 1/2) rounds ties up; the rest is -1 where that is a tie rounded to an odd integer, else 0.
        (x,) = args
        tie = (2 * x - 1) / 4
        return S.floor(x + S.Rational(1, 2)) + S.ceiling(tie) - S.floor(tie) - 1
