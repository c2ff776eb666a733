"""Products of tangents and cotangents with partial derivatives, and their sums.

The branch that a `where` does not take must contribute nothing, not even NaN. A cotangent that was
selected, `where(c, g, 0)`, is therefore multiplied inside: `where(c, g*p, 0)`. The mask moves outward
in this way through every elementwise chain, and through broadcasts, sums and rearrangements on it.
"""

from __future__ import annotations

import math

from diffc.ir import Extent, Node
from diffc.ops.arithmetic import add, div, mul, neg
from diffc.ops.broadcasting import broadcast, broadcast_op, sum_, sum_op, sum_to
from diffc.ops.constant import constant_like, scalar_value
from diffc.ops.elementwise import Partial
from diffc.ops.logic import logical_and, logical_not, logical_or, where
from diffc.ops.reductions import any_
from diffc.ops.reshaping import flip_op, reshape_op, transpose_op
from diffc.ops.slicing import pad_op, slice_op

__all__ = ["accumulate", "masked", "scaled", "split_mask", "unbroadcast"]

_STRUCTURE = (reshape_op, transpose_op, broadcast_op, sum_op, slice_op, pad_op, flip_op)
_MAX_STRUCTURE = 8
"""How many rearrangements deep a mask is looked for."""


def scaled(tangent: Node, partial: Partial, node: Node) -> Node:
    """Return tangent * partial of `node`, with a mask on the tangent kept outside the product."""
    if partial is None:
        raise ValueError("a zero partial is dropped by the caller")
    if not isinstance(partial, Node) and partial == 1:
        return tangent
    mask = split_mask(tangent)
    if mask is not None:
        condition, inner = mask
        return masked(condition, _product(inner, partial, node))
    return _product(tangent, partial, node)


def _product(tangent: Node, partial: Node | float, node: Node) -> Node:
    if not isinstance(partial, Node):
        return neg(tangent) if partial == -1 else mul(tangent, partial)
    if scalar_value(tangent) == 1 and tangent.rank <= partial.rank:
        return partial
    mask = split_mask(partial)
    if mask is not None and scalar_value(mask[1]) == 1:
        return masked(mask[0], tangent)
    if tangent.op is div and tangent.inputs[1] is node and tangent.shape == partial.shape:
        found = _quotient(tangent.inputs[0], partial, node)
        if found is not None:
            return found
    is_factor = partial.is_constant and partial in node.inputs  # 1/3 as a number, not the partial of x/3
    if partial.op is div and scalar_value(partial.inputs[0]) == 1 and not is_factor:
        return div(tangent, partial.inputs[1])
    return mul(tangent, partial)


def _quotient(a: Node, partial: Node, u: Node) -> Node | None:
    """Return (a/u)*u' as a*(u'/u), and as a/v where u is a number times v; None where that costs more.

    1/u alone, as in the derivative of log(u), has a derivative that overflows where u is tiny.
    """
    if len(u.inputs) == 1:
        share = div(partial, u)
        return share if scalar_value(a) == 1 else mul(a, share)
    v, number = u.inputs if scalar_value(u.inputs[1]) is not None else reversed(u.inputs)
    value = scalar_value(number)
    scales = u.op is mul or (u.op is div and number is u.inputs[1])
    is_nonzero = value is not None and value != 0 and math.isfinite(value)
    return div(a, v) if scales and is_nonzero and not v.is_constant else None


def masked(condition: Node, value: Node) -> Node:
    """Return the value where the condition holds and 0 elsewhere; masks of masks become one."""
    inner = split_mask(value, _MAX_STRUCTURE)
    if inner is not None:
        condition, value = logical_and(condition, inner[0]), inner[1]
    return where(condition, value, constant_like(0, value.dtype))


def split_mask(node: Node, depth: int = 0) -> tuple[Node, Node] | None:
    """Return (condition, value) of a node that is `where(condition, value, 0)`, or None.

    The node may be a broadcast, sum, part or rearrangement of one, up to a few deep. The condition has
    the node's shape or is a scalar.
    """
    if node.op is where:
        condition, x, y = node.inputs
        if _is_zero(y):
            return condition, x
        return (logical_not(condition), y) if _is_zero(x) else None
    if depth >= _MAX_STRUCTURE or node.op not in _STRUCTURE:
        return None
    inner = split_mask(node.inputs[0], depth + 1)
    if inner is None:
        return None
    condition, value = inner
    value = broadcast(value, node.inputs[0].shape)
    if condition.rank == 0:
        # One condition for all elements is one for whatever is made of them.
        return condition, node.replace([value])
    condition = broadcast(condition, value.shape)
    if node.op is sum_op:
        axes = node.attrs["axes"]
        return any_(condition, axes), sum_(where(condition, value, constant_like(0, value.dtype)), axes)
    return node.replace([condition]), node.replace([value])


def _is_zero(node: Node) -> bool:
    value = scalar_value(node.inputs[0] if node.op is broadcast_op else node)
    return value is not None and value == 0


def accumulate(total: Node | None, term: Node) -> Node:
    """Return total + term; where both are masked so is the sum, by either mask."""
    if total is None:
        return term
    left, right = split_mask(total, _MAX_STRUCTURE), split_mask(term, _MAX_STRUCTURE)
    if left is None or right is None:
        return add(total, term)
    if left[0] is right[0]:
        return masked(left[0], add(left[1], right[1]))
    either = logical_or(left[0], right[0])
    return where(either, add(total, term), constant_like(0, total.dtype))


def unbroadcast(cotangent: Node, shape: tuple[Extent, ...], full_shape: tuple[Extent, ...]) -> Node:
    """Return the cotangent of an operand of this shape that was broadcast to `full_shape`."""
    return (
        sum_to(broadcast(cotangent, full_shape), shape)
        if shape != full_shape
        else broadcast(cotangent, shape)
    )
