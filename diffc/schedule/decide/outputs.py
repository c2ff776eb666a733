"""Outputs: which computation writes into an output's memory, and which outputs are copied at the end."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from diffc.ir import Graph, Node
from diffc.ops.reshaping import reshape_op
from diffc.schedule.views import Bases, is_identity

__all__ = ["OutputPlan", "output_plan"]


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """How the outputs are filled."""

    written: Mapping[Node, int]
    """The position of the output that a computation writes, perhaps in another shape."""
    late: tuple[int, ...]
    """The positions of outputs that are copied at the end: inputs, views, and values given twice."""


def output_plan(graph: Graph, bases: Bases, computed: AbstractSet[Node]) -> OutputPlan:
    """Return how the outputs of a graph are filled."""
    written: dict[Node, int] = {}
    late: list[int] = []
    for position, output in enumerate(graph.outputs):
        source = output
        while source.op is reshape_op and source not in bases.copied:
            source = source.inputs[0]
        base, index = bases.whole(source)
        whole = base.shape == source.shape and is_identity(index, base.shape)
        if whole and base in computed and base not in written:
            written[base] = position
        else:
            late.append(position)
    return OutputPlan(written, tuple(late))
