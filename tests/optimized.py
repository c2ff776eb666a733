"""Graphs as they are compiled."""

from __future__ import annotations

from diffc.compiler import Options, Stages
from diffc.ir import Graph


def optimized(graph: Graph, *, derived: bool = False) -> Graph:
    """Return a graph behind the optimiser's passes; `derived` says that it is a derivative."""
    return Stages(graph, Options(derived=derived)).optimized()
