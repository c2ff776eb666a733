"""Everything that is decided about a graph; placing reads it and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from diffc.ir import Graph, Node
from diffc.ops.indexing import gather_op
from diffc.ops.products import matmul_op
from diffc.schedule.decide.copies import copied_nodes
from diffc.schedule.decide.gathers import gathered
from diffc.schedule.decide.outputs import OutputPlan, output_plan
from diffc.schedule.decide.products import BlasProduct, LoopProduct, product_plan
from diffc.schedule.decide.recompute import recomputed_nodes
from diffc.schedule.decide.routines import RoutinePlan, is_routine, routine_plan
from diffc.schedule.views import VIEWS, Bases, Read

__all__ = ["Decisions", "decide"]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What becomes of each node of a graph."""

    bases: Bases
    """Where reads end, and thereby which nodes are copied."""
    aliases: AbstractSet[Node]
    """Reshapes that mix axes: the memory of what they reshape, under another shape."""
    recomputed: AbstractSet[Node]
    """Values that their readers compute."""
    computed: AbstractSet[Node]
    """What has a place of its own: all but leaves, views and what readers compute."""
    products: Mapping[Node, BlasProduct | LoopProduct]
    """How each matrix product is computed."""
    gathers: Mapping[Node, Read]
    """What each gather reads, and where; the computed row is a dimension of its own."""
    routines: Mapping[Node, RoutinePlan]
    """What each operation takes that a routine computes."""
    outputs: OutputPlan
    """Which computation writes which output."""


def decide(graph: Graph) -> Decisions:
    """Return what is decided about a graph whose derived operations are expanded."""
    nodes = graph.nodes
    bases = Bases(copied_nodes(graph))
    aliases = frozenset(node for node in nodes if bases.is_alias(node))
    recomputed = recomputed_nodes(graph, bases, aliases)
    own = (node for node in nodes if node.inputs and node.op not in VIEWS and node not in recomputed)
    computed = bases.copied | frozenset(own)
    return Decisions(
        bases,
        aliases,
        recomputed,
        computed,
        products={node: product_plan(node, bases) for node in nodes if node.op is matmul_op},
        gathers={node: gathered(node, bases) for node in nodes if node.op is gather_op},
        routines={node: routine_plan(node) for node in nodes if is_routine(node)},
        outputs=output_plan(graph, bases, computed),
    )
