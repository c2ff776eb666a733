"""Forward mode: tangents pushed through the graph in topological order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from diffc.autodiff.products import accumulate, scaled
from diffc.ir import Node, topological
from diffc.ops import Composite, Elementwise, Linear
from diffc.ops.broadcasting import broadcast, zeros
from diffc.ops.constant import constant_like
from diffc.ops.logic import where

__all__ = ["pushforward"]


def pushforward(outputs: Sequence[Node], seeds: Mapping[Node, Node]) -> list[Node | None]:
    """Return the outputs' tangents; None stands for zero.

    Args:
        outputs: the values to differentiate.
        seeds: the tangent of each node that is differentiated by, of that node's type.
    """
    tangents: dict[Node, Node] = dict(seeds)
    for node in topological(outputs, stop=set(seeds)):
        if node in tangents or not node.op.differentiable:
            continue
        incoming = [tangents.get(each) for each in node.inputs]
        if any(each is not None for each in incoming) and node.type.is_float:
            tangent = _tangent(node, incoming)
            if tangent is not None:
                tangents[node] = tangent
    return [tangents.get(each) for each in outputs]


def _tangent(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    op = node.op
    if op is where:
        condition, x, y = node.inputs
        dx, dy = tangents[1], tangents[2]
        zero = constant_like(0, node.dtype)
        chosen = where(condition, zero if dx is None else dx, zero if dy is None else dy)
        return broadcast(chosen, node.shape) if x.rank or y.rank or condition.rank else chosen
    if isinstance(op, Elementwise):
        total: Node | None = None
        for partial, tangent in zip(op.partials(node, *node.inputs), tangents, strict=True):
            if tangent is not None and partial is not None:
                total = accumulate(total, broadcast(scaled(tangent, partial, node), node.shape))
        return total
    if isinstance(op, Linear):
        return _linear_tangent(node, op, tangents)
    return cast(Composite, op).jvp(node, tangents)


def _linear_tangent(node: Node, op: Linear, tangents: Sequence[Node | None]) -> Node | None:
    linear = [k for k in op.linear_in(node) if tangents[k] is not None]
    if not linear:
        return None
    if not op.multilinear:
        whole = set(op.linear_in(node))
        return node.replace(
            [(tangents[k] or zeros(each.type)) if k in whole else each for k, each in enumerate(node.inputs)]
        )
    total: Node | None = None
    for k in linear:
        inputs = list(node.inputs)
        inputs[k] = tangents[k] or inputs[k]
        total = accumulate(total, node.replace(inputs))
    return total
