"""Even powers of roots: smooth functions whose inner derivative is a convention.

The norm, the standard deviation and the absolute value have derivative 0 at 0 by convention, and a root has
an infinite one. Their squares are smooth there: as sums of squares they have the right derivatives of every
order. So these run before differentiation.
"""

from __future__ import annotations

from diffc.ir import Node
from diffc.ops.arithmetic import add, div, mul, square
from diffc.ops.broadcasting import broadcast
from diffc.ops.constant import scalar_value
from diffc.ops.powers import power
from diffc.optimize.facts import nonnegative, number_of
from diffc.optimize.rewrite import FunctionRewrite, function_rewrite

__all__ = ["STRUCTURAL"]


@function_rewrite("square", operands=("where", "sqrt", "hypot", "mul", "div"), stage="before")
def square_of_root(node: Node) -> Node | None:
    """square(c*norm(x)) => (sum(square(x))*c)*c; square(hypot(x, y)) => square(x) + square(y)."""
    root = node.inputs[0]
    result = _squared(root)
    if result is None and root.is_op("mul", "div"):
        a, b = root.inputs
        inner = _squared(a)
        if inner is None and root.is_op("mul"):
            a, b = b, a
            inner = _squared(a)
        if inner is None:
            return None
        # One factor after the other: neither the product between nor the result leaves the range first.
        by = mul if root.is_op("mul") else div
        result = by(by(inner, b), b)
    return None if result is None else broadcast(result, node.shape)


@function_rewrite("pow", operands=("where", "sqrt", "hypot", "abs"), stage="before")
def even_power_of_root(node: Node) -> Node | None:
    """norm(x)**4 => sum(square(x))**2; abs(x)**4 => x**4."""
    root, exponent = node.inputs[0], scalar_value(node.inputs[1])
    if exponent is None or exponent < 2 or exponent % 2:
        return None
    if root.is_op("abs"):
        return power(root.inputs[0], exponent)
    result = _squared(root)
    return None if result is None else power(result, exponent / 2)


@function_rewrite("pow", operands=("cbrt",), stage="before")
def cube_of_root(node: Node) -> Node | None:
    """cbrt(x)**3 => x; cbrt(x)**6 => x**2."""
    exponent = scalar_value(node.inputs[1])
    if exponent is None or exponent < 3 or exponent % 3:
        return None
    return power(node.inputs[0].inputs[0], exponent / 3)


def _squared(root: Node) -> Node | None:
    """Return the square of a root without the root, or None for what is none."""
    if root.is_op("hypot"):
        return add(*map(square, root.inputs))
    if root.is_op("sqrt"):
        return root.inputs[0] if nonnegative(root.inputs[0]) else None
    if not root.is_op("where"):
        return None
    # The root with derivative 0 at 0: where(x == 0, 0, sqrt(where(x == 0, 1, x))).
    zero, nothing, inner = root.inputs
    if number_of(nothing) != 0 or not (zero.is_op("eq") and inner.is_op("sqrt")):
        return None
    x, safe = zero.inputs[0], inner.inputs[0]
    if number_of(zero.inputs[1]) != 0 or not safe.is_op("where") or not nonnegative(x):
        return None
    value = safe.inputs[2]
    if value.is_op("reshape") and value.shape == (*(1,) * (value.rank - x.rank), *x.shape):
        x = value if value.inputs[0] is x else x  # the condition has lost axes that broadcasting puts back
    return x if safe.inputs[0] is zero and value is x else None


STRUCTURAL: tuple[FunctionRewrite, ...] = (square_of_root, even_power_of_root, cube_of_root)
