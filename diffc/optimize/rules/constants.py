"""Folding of constants, where that is exact: what rounds stays an expression until the last pass."""

from __future__ import annotations

from diffc.ir import Node
from diffc.ops import constant, scalar_value
from diffc.ops.broadcasting import broadcast
from diffc.ops.exact import folded
from diffc.optimize.rewrite import FunctionRewrite, function_rewrite

__all__ = ["STRUCTURAL", "fold"]


@function_rewrite("const")
def fold(node: Node) -> Node | None:
    """0.5*3.0 => 1.5, where that is a number of the dtype, of few elements; equal ones become one scalar."""
    return folded(node)


@function_rewrite("const")
def uniform_constant(node: Node) -> Node | None:
    """[2.0, 2.0, 2.0] => broadcast(2.0)."""
    number = scalar_value(node) if node.rank else None
    return None if number is None else broadcast(constant(number, node.dtype), node.shape)


STRUCTURAL: tuple[FunctionRewrite, ...] = (fold, uniform_constant)
