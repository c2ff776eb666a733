"""Elements that are known while tracing: arrays outside and integers among the arguments decide about them.

Where the program needs them (a mask, a count, a test), they are computed, and decide about the program from
then on: it holds for as long as these arrays and integers are what they are now.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from diffc.frontends.numpy.tracing import Trace, active
from diffc.ir import Node, topological
from diffc.ops.captured import captured_op
from diffc.ops.interpreter import evaluate_nodes

__all__ = ["known_elements"]

_MOST_NODES = 10_000


def known_elements(node: Node) -> Any:
    """Return the elements of a node, as an array; None where they depend on another argument."""
    trace = active.get()
    return None if trace is None else _elements(node, trace)


def _elements(node: Node, trace: Trace) -> Any:
    nodes = _order(node, trace)
    if nodes is None:
        return None
    values: dict[Node, Any] = {}
    for each in nodes:
        if each.op is captured_op:
            values[each] = trace.captures.elements(each)
        elif each.is_op("input"):
            outer = _outer(each, trace)
            if outer is None:
                trace.decided.add(each)
                values[each] = np.array(trace.counts[each])
            else:
                assert trace.parent is not None
                values[each] = _elements(outer, trace.parent)
    return evaluate_nodes(nodes, (node,), values, {})[0]


def _order(node: Node, trace: Trace) -> list[Node] | None:
    """Return what a node is computed of, in order; None where that is not known."""
    nodes = topological((node,))
    if len(nodes) > _MOST_NODES:
        return None
    for each in nodes:
        if each.is_op("dim"):
            return None
        if each.is_op("input"):
            outer = _outer(each, trace)
            if outer is None and each not in trace.counts:
                return None
            if outer is not None and (trace.parent is None or _order(outer, trace.parent) is None):
                return None
    return nodes


def _outer(node: Node, trace: Trace) -> Node | None:
    """Return the value of the enclosing trace for which an input stands, if it stands for one."""
    given = trace.counts.get(node)
    if isinstance(given, tuple) and trace.parent is not None:
        value, owner = cast(tuple[Node, Trace], given)
        return trace.parent.own(value, owner, trace.name)
    return trace.replaced.get(node)
