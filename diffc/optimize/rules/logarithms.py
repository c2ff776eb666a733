"""The logarithm of a sum of exponentials that is written out, term by term."""

from __future__ import annotations

from diffc.ir import Node
from diffc.ops.broadcasting import broadcast
from diffc.ops.slicing import stack
from diffc.ops.softmax import logsumexp
from diffc.optimize.rewrite import FunctionRewrite, function_rewrite

__all__ = ["STRUCTURAL"]

_MAX_TERMS = 64


@function_rewrite("log", operands=("add",), stage="before")
def log_of_exponentials(node: Node) -> Node | None:
    """log(exp(x) + exp(y) + ...) => logsumexp(stack([x, y, ...]), axis=0)."""
    terms: list[Node] = []
    waiting = [node.inputs[0]]
    while waiting:
        item = waiting.pop()
        if item.is_constant:
            return None
        if item.is_op("add"):
            waiting.extend(reversed(item.inputs))
        elif item.is_op("exp"):
            terms.append(broadcast(item.inputs[0], node.shape))
        else:
            return None
        if len(terms) > _MAX_TERMS:
            return None
    return logsumexp(stack(terms), 0)


STRUCTURAL: tuple[FunctionRewrite, ...] = (log_of_exponentials,)
