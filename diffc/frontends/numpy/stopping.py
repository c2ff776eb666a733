"""stop_gradient: a value as it is, with a derivative of zero."""

from __future__ import annotations

from typing import Any

from diffc.frontends.numpy.structure import map_leaves
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.value import traced, untraced
from diffc.ir import Node
from diffc.ops.arithmetic import stop_gradient as stopped

__all__ = ["stop_gradient"]


def stop_gradient(x: Any) -> Any:
    """Return a value, or each in nested tuples, lists and dicts, with a derivative of zero.

    It acts on traced values and on nodes; arrays and numbers have no derivative and are returned as they are.
    """
    return map_leaves(_stopped, x)


def _stopped(x: Any) -> Any:
    if isinstance(x, Traced):
        return traced(_node(untraced(x, "dc.stop_gradient")), x.weak)
    return _node(x) if isinstance(x, Node) else x


def _node(x: Node) -> Node:
    return stopped(x) if x.type.is_float else x
