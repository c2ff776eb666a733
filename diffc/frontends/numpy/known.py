"""Elements that are known while tracing, because nothing but arrays outside decides about them.

Where the program needs them (a mask, a count, a test), they are computed, and decide about the program from
then on: it holds for as long as these arrays have the elements that they have now.
"""

from __future__ import annotations

from typing import Any

from diffc.frontends.numpy.tracing import active
from diffc.ir import Node, topological
from diffc.ops.captured import captured_op
from diffc.ops.interpreter import evaluate_nodes

__all__ = ["known_elements"]

_MOST_NODES = 10_000


def known_elements(node: Node) -> Any:
    """Return the elements of a node, as an array; None where they depend on an argument."""
    trace = active.get()
    if trace is None or node.is_op("input"):
        return None
    nodes = topological((node,))
    if len(nodes) > _MOST_NODES or any(each.is_op("input") for each in nodes):
        return None
    values: dict[Node, Any] = {}
    for each in nodes:
        if each.op is captured_op:
            values[each] = trace.captures.elements(each)
        elif each.is_op("dim"):
            return None
    return evaluate_nodes(nodes, (node,), values, {})[0]
