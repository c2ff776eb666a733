"""Comparisons, the logical operations and `where`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from diffc.ir import Node, Type, promote
from diffc.ops.base import register
from diffc.ops.elementwise import Elementwise, Operand, Partial, lift
from diffc.ops.emitter import Arithmetic, Value

__all__ = ["eq", "ge", "gt", "le", "logical_and", "logical_not", "logical_or", "lt", "ne", "where"]


class _Comparison(Elementwise):
    """A comparison of two numbers: a bool, with nothing to differentiate."""

    arity = 2
    domain = "any"
    result = "bool"
    jumps = True
    differentiable = False
    predicate: ClassVar[str]
    head: ClassVar[str]

    def numpy(self, *arrays: Any) -> Any:
        return getattr(np, _NUMPY[self.name])(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return None, None

    def sympy(self, S: Any, *args: Any) -> Any:
        return getattr(S, self.head)(*args)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        if args[0].kind in ("f64", "f32"):
            return e.fcmp(("u" if self.name == "ne" else "o") + self.predicate, *args)
        signed = "s" if args[0].kind == "i64" and self.name not in ("eq", "ne") else ""
        unsigned = "u" if args[0].kind == "bool" and self.name not in ("eq", "ne") else ""
        return e.icmp(signed + unsigned + self.predicate, *args)


_NUMPY = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}


@register
class lt(_Comparison):
    """x < y."""

    name, predicate, head, source, summary = "lt", "lt", "Lt", "{0} < {1}", "x < y"


@register
class le(_Comparison):
    """x <= y."""

    name, predicate, head, source, summary = "le", "le", "Le", "{0} <= {1}", "x <= y"


@register
class gt(_Comparison):
    """x > y."""

    name, predicate, head, source, summary = "gt", "gt", "Gt", "{0} > {1}", "x > y"


@register
class ge(_Comparison):
    """x >= y."""

    name, predicate, head, source, summary = "ge", "ge", "Ge", "{0} >= {1}", "x >= y"


@register
class eq(_Comparison):
    """x == y."""

    name, predicate, head, source, summary = "eq", "eq", "Eq", "{0} == {1}", "x == y"
    commutative = True


@register
class ne(_Comparison):
    """x != y."""

    name, predicate, head, source, summary = "ne", "ne", "Ne", "{0} != {1}", "x != y"
    commutative = True


class _Logical(Elementwise):
    """An operation on truth values."""

    arity = 2
    domain = "bool"
    differentiable = False
    commutative = True

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (None,) * self.arity


@register
class logical_and(_Logical):
    """Both."""

    name, source, summary = "and", "({0} and {1})", "both are true"

    def numpy(self, *arrays: Any) -> Any:
        return np.logical_and(*arrays)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.And(*args)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return e.band(*args)


@register
class logical_or(_Logical):
    """At least one."""

    name, source, summary = "or", "({0} or {1})", "at least one is true"

    def numpy(self, *arrays: Any) -> Any:
        return np.logical_or(*arrays)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.Or(*args)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return e.bor(*args)


@register
class logical_not(_Logical):
    """Negation."""

    name, source, summary, arity, commutative = "not", "(not {0})", "the opposite", 1, False

    def numpy(self, *arrays: Any) -> Any:
        return np.logical_not(*arrays)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.Not(*args)

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return e.bnot(*args)


@register
class where(Elementwise):
    """Choose by a condition; the branch not taken never contributes, not even NaN.

    Its partials are never multiplied: `diffc.autodiff` selects tangents and cotangents instead.
    """

    name, source, summary, arity = "where", "({1} if {0} else {2})", "x where the condition holds, else y", 3
    moves = True
    domain = "any"

    def ranked(self, node: Node, sign: int) -> Sequence[tuple[int, int]]:
        return [(1, sign), (2, sign)]

    def numpy(self, *arrays: Any) -> Any:
        return np.where(*arrays)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        condition = inputs[0]
        return None, where(condition, lift(1, out.dtype), 0), where(condition, lift(0, out.dtype), 1)

    def sympy(self, S: Any, *args: Any) -> Any:
        condition, x, y = args
        return S.Piecewise((x, condition), (y, True))

    def emit(self, e: Arithmetic, *args: Value) -> Value:
        return e.select(*args)

    def infer_dtype(self, types: Sequence[Type]) -> str:
        """Return the branches' dtype; the condition is a bool."""
        if types[0].dtype != "bool":
            raise self.problem(types, "the condition must be bool")
        if types[1].dtype != types[2].dtype:
            raise self.problem(types, "the branches' dtypes differ; insert a cast")
        return types[1].dtype

    def __call__(self, *operands: Operand) -> Node:
        """Return the node; a condition that is a number is compared with 0."""
        condition, x, y = operands
        dtype = self.common_dtype((x, y))
        if not any(isinstance(each, Node) for each in (x, y)):
            dtype = promote(lift(x).dtype, lift(y).dtype)
        mask = lift(condition)
        if mask.dtype != "bool":
            mask = ne(mask, 0)
        return Node.make(self, (mask, lift(x, dtype), lift(y, dtype)))
