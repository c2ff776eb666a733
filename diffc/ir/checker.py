"""The checker: what must hold of every graph between any two passes.

Graphs are checked between all passes where the environment has `DIFFC_CHECK=1`, as in the tests, and so are
programs of loops (`diffc.loops.checker`). That finds faults of the compiler, not of its users.
"""

from __future__ import annotations

import os

from diffc.errors import DiffcError
from diffc.ir.graph import Graph, tree_leaves

__all__ = ["are_checked", "check", "checked"]


def are_checked() -> bool:
    """Tell whether the compiler checks its own steps: where the environment has `DIFFC_CHECK=1`."""
    return os.environ.get("DIFFC_CHECK") == "1"


def checked(graph: Graph) -> Graph:
    """Return a graph, checked where checks are on."""
    return check(graph) if are_checked() else graph


def check(graph: Graph) -> Graph:
    """Return the graph; raise `DiffcError` naming the first thing that is wrong with it.

    Checked: input names are unique, every input that is used is declared, every node's type is
    the one that its operation infers, and the output structure names every output once.
    """
    declared = set(graph.inputs)
    if len(set(graph.input_names)) != len(graph.inputs):
        raise DiffcError(f"{graph.name}: two inputs have one name: {', '.join(graph.input_names)}")
    for node in graph.nodes:
        if node.op.name == "input":
            if node not in declared:
                raise DiffcError(f"{graph.name}: the input {node.attrs['name']!r} is used but not declared")
        elif node.op.infer([each.anytype for each in node.inputs], node.attrs) != node.anytype:
            raise DiffcError(f"{graph.name}: {node!r} does not have the type that its operation infers")
    if sorted(tree_leaves(graph.tree)) != list(range(len(graph.outputs))):
        raise DiffcError(f"{graph.name}: the output structure {graph.tree} does not name each output once")
    return graph
