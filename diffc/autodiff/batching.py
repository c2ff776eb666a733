"""Batching: a graph mapped over a new leading axis of some of its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diffc.ir import Node, topological
from diffc.ops import AxisAware, Elementwise
from diffc.ops.reshaping import reshape

__all__ = ["batch", "batch_node"]


def batch(outputs: Sequence[Node], batched: Mapping[Node, Node]) -> list[tuple[Node, bool]]:
    """Return each output mapped over the new axis, and whether it has that axis.

    Args:
        outputs: the values to map.
        batched: for each node that varies along the new axis, the node that replaces it, which
            has that axis in front.
    """
    new: dict[Node, Node] = dict(batched)
    for node in topological(outputs, stop=set(batched)):
        if node in new:
            continue
        flags = [each in new for each in node.inputs]
        if any(flags):
            new[node] = batch_node(node, [new.get(each, each) for each in node.inputs], flags)
    return [(new.get(each, each), each in new) for each in outputs]


def batch_node(node: Node, inputs: Sequence[Node], flags: Sequence[bool]) -> Node:
    """Return a node's operation over inputs of which some (those flagged) have the new axis."""
    op = node.op
    if isinstance(op, Elementwise):
        aligned: list[Node] = []
        for old, value, has_axis in zip(node.inputs, inputs, flags, strict=True):
            missing = node.rank - old.rank
            if has_axis and missing:
                # NumPy aligns shapes on the right: the new axis must stay in front of all others.
                aligned.append(reshape(value, (value.shape[0], *(1,) * missing, *old.shape)))
            else:
                aligned.append(value)
        return Node.make(op, aligned, node.attrs)
    if isinstance(op, AxisAware):
        return op.batch(node, inputs, flags)
    raise TypeError(f"{op.name} has no batching rule")
