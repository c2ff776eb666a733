"""Copies: views, and index vectors, that get memory of their own after all."""

from __future__ import annotations

from diffc.ir import Graph, Node
from diffc.ops.constant import dim_op, iota_op
from diffc.ops.indexing import gather_op
from diffc.ops.products import matmul_op
from diffc.schedule.decide.gathers import gathers_in_place
from diffc.schedule.decide.products import copied_factors, is_inlined
from diffc.schedule.decide.routines import is_routine, reads_in_place
from diffc.schedule.views import VIEWS, Bases

__all__ = ["copied_nodes"]


def copied_nodes(graph: Graph) -> frozenset[Node]:
    """Return the nodes that must be copied so that all who read them find what they need in memory."""
    copied: set[Node] = set()
    bases = Bases(copied)
    before = -1
    while before < len(copied):  # A copy ends what is read through it, which others relied on.
        before = len(copied)
        for node in graph.nodes:
            copied.update(_copies_for(node, bases))
    return frozenset(copied)


def _copies_for(node: Node, bases: Bases) -> list[Node]:
    """Return those operands of a node that it cannot read where they lie."""
    found: list[Node] = []
    if bases.is_alias(node) and not reads_in_place(node.inputs[0], bases):
        found.append(node.inputs[0])
    if node.op is gather_op and not gathers_in_place(node, bases):
        found.append(node.inputs[0])
    if node.op is matmul_op and not is_inlined(node):
        found += copied_factors(node, bases)
    if is_routine(node):
        found += [each for each in node.inputs if not reads_in_place(each, bases)]
    for each in found:
        if each.op not in VIEWS and each.op not in (iota_op, dim_op):
            # Its copy would be read in its place, by the very loop that fills it.
            raise TypeError(f"{each.op.name} lies in memory and is no view: it must not be copied")
    return found
