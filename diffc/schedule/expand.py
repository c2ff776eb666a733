"""Expansion: derived operations become the simpler ones that the scheduler places."""

from __future__ import annotations

from collections.abc import Sequence

from diffc.ir import Graph, Node, topological
from diffc.ops import Composite, constant
from diffc.ops.constant import pi_op
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import pad_op
from diffc.schedule.padding import simpler_pad

__all__ = ["expand"]


def expand(graph: Graph) -> Graph:
    """Return the graph with every derived operation that has an expansion replaced by it.

    logsumexp(x) => log(sum(exp(x - max(x)))) + max(x), softmax(x) => exp(x - max(x)) / its sum, reductions
    over axes of extent 1 become reshapes, and pi its double.
    """

    def change(node: Node, inputs: Sequence[Node]) -> Node:
        new = node.replace(inputs)
        if new.op is pi_op:  # in a program that the optimiser, which rounds constants last, has not seen
            return constant(pi_op.reference({}))
        if isinstance(new.op, Composite):
            expanded = new.op.expand(new)
            if expanded is not None:
                return _expanded_within(expanded, new.inputs)
        return simpler_pad(new) if new.op is pad_op else _without_unit_axes(new)

    return graph.map_nodes(change)


def _expanded_within(expansion: Node, inputs: Sequence[Node]) -> Node:
    """Return an expansion with the derived operations that it consists of replaced by theirs."""
    simpler: dict[Node, Node] = {}
    for node in topological([expansion], stop=set(inputs)):
        new = node.replace([simpler.get(each, each) for each in node.inputs])
        expanded = new.op.expand(new) if isinstance(new.op, Composite) else None
        simpler[node] = new if expanded is None else expanded
    return simpler[expansion]


def _without_unit_axes(node: Node) -> Node:
    """sum(x: [N, 1], axis=1) => reshape(x, [N]), and likewise for max, prod and any."""
    if not node.is_op("sum", "max", "prod", "any"):
        return node
    (x,) = node.inputs
    axes = node.attrs["axes"]
    unit = [axis for axis in axes if x.shape[axis] == 1]
    if not unit:
        return node
    rest = [axis for axis in axes if axis not in unit]
    if not rest:
        return reshape(x, node.shape)
    kept = [axis for axis in range(x.rank) if axis not in unit]
    squeezed = reshape(x, tuple(x.shape[axis] for axis in kept))
    return Node.make(node.op, (squeezed,), {"axes": tuple(kept.index(axis) for axis in rest)})
