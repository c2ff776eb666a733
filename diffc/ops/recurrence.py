"""First-order linear recurrences, and the cumulative products and sums that they make.

y[0] = b[0], y[i] = a[i] * y[i-1] + b[i]. Its tangent is the same recurrence driven by
da[i] * y[i-1] + db[i], and its transpose is one that runs backwards, so that everything built on
it can be differentiated to any order, exactly, with zeros among the factors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.ir import Node, Type
from diffc.ops.arithmetic import add, mul
from diffc.ops.base import Array, Composite, register
from diffc.ops.broadcasting import broadcast, full, with_leading_axis, zeros
from diffc.ops.constant import iota
from diffc.ops.elementwise import lift
from diffc.ops.logic import eq, where
from diffc.ops.reshaping import flip, moveaxis, reshape
from diffc.ops.slicing import pad

__all__ = ["exclusive_products", "linear_recurrence", "shift"]


@register
class recurrence_op(Composite):
    """y[i] = a[i] * y[i-1] + b[i] along the first axis."""

    name = "recurrence"
    summary = "y[i] = a[i]*y[i-1] + b[i] along the first axis"
    cost = 4
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the common type of a and b, which has an axis."""
        a, b = types
        if a != b or a.rank == 0 or a.dtype == "bool":
            raise self.problem(types, "it takes two arrays of numbers of one type with an axis")
        return a

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Run the recurrence."""
        a, b = arrays
        result = np.array(b)
        for i in range(1, len(b)):
            result[i] = a[i] * result[i - 1] + b[i]
        return result

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Drive the same recurrence by da * shift(y) + db."""
        a, _ = node.inputs
        da, db = tangents
        drive = db
        if da is not None:
            product = mul(da, shift(node, 1))
            drive = product if db is None else add(product, db)
        return None if drive is None else Node.make(recurrence_op, (a, drive), {})

    def linear_in(self, node: Node) -> Sequence[int]:
        """Linear in what drives it."""
        return (1,)

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Return the cotangent of b: the recurrence backwards, with each factor one place earlier."""
        factors = flip(shift(node.inputs[0], -1), (0,))
        return flip(Node.make(recurrence_op, (factors, flip(cotangent, (0,))), {}), (0,))

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Put the new axis behind the first."""
        whole = with_leading_axis(inputs, batched)
        return moveaxis(Node.make(recurrence_op, [moveaxis(each, 0, 1) for each in whole], {}), 1, 0)


def linear_recurrence(a: Node, b: Node) -> Node:
    """Return y with y[0] = b[0] and y[i] = a[i] * y[i-1] + b[i] along the first axis."""
    return Node.make(recurrence_op, (a, b), {})


def shift(x: Node, places: int) -> Node:
    """Return `x` moved along its first axis, zeros moving in."""
    rest = [0] * (x.rank - 1)
    return pad(x, [places, *rest], [-places, *rest])


def exclusive_products(x: Node) -> Node:
    """Return, at each place of the first axis, the product of the elements before it."""
    first = eq(iota(x.shape[0]), lift(0))
    first = reshape(first, (x.shape[0], *(1,) * (x.rank - 1)))
    start = where(broadcast(first, x.shape), full(1, x.type), zeros(x.type))
    return linear_recurrence(shift(x, 1), start)
