"""Where a derivative is not determined: NaN, never a convention.

Vectors of equal eigenvalues can be chosen in many ways, so that what depends on the choice has no derivative.
What does not depend on them asks nothing of them: a cotangent of 0 stays 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.ir import Node, Type
from diffc.ops.base import Array, Composite, register
from diffc.ops.broadcasting import broadcast, with_leading_axis
from diffc.ops.constant import constant_like
from diffc.ops.logic import eq, logical_or, where

__all__ = ["determined"]


@register
class determined_op(Composite):
    """x where a condition holds, else NaN; with `zeros` a zero of x is kept everywhere."""

    name = "determined"
    summary = "x where a condition holds, else NaN; with zeros, a zero of x is kept everywhere"
    cost = 1

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type of x; the condition has its shape."""
        x, condition = types
        if not x.is_float or condition != Type("bool", x.shape):
            raise self.problem(types, "it takes floats and truth values of one shape")
        return x

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return x where the condition holds."""
        x, condition = arrays
        kept = condition | (x == 0) if attrs["zeros"] else condition
        return np.where(kept, x, x.dtype.type(np.nan))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return the tangent of x under the same condition."""
        dx = tangents[0]
        return None if dx is None else node.replace((dx, node.inputs[1]))

    def linear_in(self, node: Node) -> Sequence[int]:
        """Linear in x."""
        return (0,)

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Return the cotangent, in which nothing is asked of what is not determined where it is 0."""
        return Node.make(self, (cotangent, node.inputs[1]), {"zeros": True})

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Leave the new leading axis alone."""
        return Node.make(self, with_leading_axis(inputs, batched), node.attrs)

    def expand(self, node: Node) -> Node:
        """where(condition, x, NaN), or where(condition or x == 0, x, NaN)."""
        x, condition = node.inputs
        nan = constant_like(np.nan, x.dtype)
        if node.attrs["zeros"]:
            condition = logical_or(condition, eq(x, 0))
        return where(condition, x, nan)


def determined(x: Node, condition: Node) -> Node:
    """Return x where the condition, broadcast to its shape, holds; NaN elsewhere.

    The cotangent of x is NaN where the condition fails, but for places where nothing is asked: 0 stays 0.
    """
    return Node.make(determined_op, (x, broadcast(condition, x.shape)), {"zeros": False})
