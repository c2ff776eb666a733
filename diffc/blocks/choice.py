"""The choice of the axis along which a program is cut into blocks."""

from __future__ import annotations

from diffc.blocks.axes import AxisClasses, Place
from diffc.blocks.plan import Choice, plan_of, separated
from diffc.ir import Extent, Graph, Node, dim_symbols, evaluate_extent, size_of
from diffc.ir.plan import BlockPlan

__all__ = ["plan_blocks"]

NOMINAL = 1000
"""What a symbolic extent counts when axes are compared."""

PART_COST = 20
"""The cost of an element that is kept between steps, in multiplications: memory, written and read."""

MAX_CANDIDATES = 8
"""This many axes, those with most work, are compared by their plans."""


def plan_blocks(graph: Graph) -> BlockPlan | None:
    """Return the plan along the axis that takes most work into blocks, less what it costs to cut there.

    None where there is no axis along which it pays.
    """
    graph = separated(graph)
    classes = AxisClasses(graph)
    roots = dict.fromkeys(
        classes.find((node, axis))
        for node in graph.inputs
        for axis, extent in enumerate(node.shape)
        if extent not in (0, 1) and classes.whole((node, axis))
    )
    choices = sorted((_choice(graph, classes, root) for root in roots), key=_work, reverse=True)
    plans = [plan_of(graph, choice) for choice in choices[:MAX_CANDIDATES]]
    best = max((each for each in plans if each is not None), key=_gain, default=None)
    return best if best is not None and _gain(best) > 0 else None


def _choice(graph: Graph, classes: AxisClasses, root: Place) -> Choice:
    axes = {
        node: axis for node in graph.nodes for axis in range(node.rank) if classes.find((node, axis)) == root
    }
    cost: Extent = 0
    for node, axis in axes.items():
        cost = cost + size_of(node.shape[:axis] + node.shape[axis + 1 :]) * _cost(node)
    for node in graph.nodes:
        if node.is_op("matmul") and node not in axes and node.inputs[0] in axes:
            cost = cost + node.type.size
    return Choice(axes.get, root[0].shape[root[1]], cost)


def _cost(node: Node) -> Extent:
    """Return the cost of an element of a value."""
    return node.inputs[0].shape[-1] if node.is_op("matmul") else node.op.cost


def _work(choice: Choice | BlockPlan) -> int:
    return _nominal(choice.cost * choice.extent)


def _gain(plan: BlockPlan) -> int:
    """Return the work that is done in blocks, less what it costs to keep values between the steps."""
    kept: Extent = 0
    for step in plan.steps:
        for each in step.writes:
            if each.name not in plan.outputs or each.combine:
                kept = kept + each.type.size
    return _work(plan) - PART_COST * _nominal(kept)


def _nominal(extent: Extent) -> int:
    return evaluate_extent(extent, dict.fromkeys(dim_symbols(extent), NOMINAL))
