"""Conditions and selections."""

from __future__ import annotations

from diffc.ir import Node
from diffc.ops.broadcasting import broadcast
from diffc.optimize.facts import number_of
from diffc.optimize.rewrite import FunctionRewrite, function_rewrite
from diffc.optimize.rule import Rule

__all__ = ["RULES", "STRUCTURAL"]

RULES = (
    Rule("where_same", "where(c, x, x) => x", "boolean(c)", exact=True),
    Rule("where_not", "where(not c, x, y) => where(c, y, x)", "boolean(c)", exact=True),
    Rule("where_where_left", "where(c, where(c, x, y), z) => where(c, x, z)", "boolean(c)", exact=True),
    Rule("where_where_right", "where(c, x, where(c, y, z)) => where(c, x, z)", "boolean(c)", exact=True),
    Rule("not_not", "not (not c) => c", "boolean(c)", exact=True),
    Rule("and_self", "c and c => c", "boolean(c)", exact=True),
    Rule("or_self", "c or c => c", "boolean(c)", exact=True),
    Rule("and_true", "c and True => c", "boolean(c)", exact=True),
    Rule("or_false", "c or False => c", "boolean(c)", exact=True),
    Rule("and_false", "c and False => False", "boolean(c)", exact=True),
    Rule("or_true", "c or True => True", "boolean(c)", exact=True),
)


@function_rewrite("where", operands=("const", "broadcast"))
def where_constant(node: Node) -> Node | None:
    """where(True, x, y) => x; where(False, x, y) => y."""
    condition, x, y = node.inputs
    number = number_of(condition)
    return None if number is None else broadcast(x if number else y, node.shape)


STRUCTURAL: tuple[FunctionRewrite, ...] = (where_constant,)
