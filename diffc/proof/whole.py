"""The cross-check on whole expressions: `sympy.diff` of the program as one formula, where it is small.

It looks at the graphs as they are handed out, optimised, and at nothing in between.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from diffc.ir import Graph, Node
from diffc.proof.certificate import Check
from diffc.proof.symbolic import symbol_array, symbolic
from diffc.proof.zero import equal

__all__ = ["check_whole", "is_small"]

MAX_NODES, MAX_TREE = 60, 400


def is_small(graph: Graph) -> bool:
    """Tell whether a graph is scalar throughout, short, and not too large when written out as a tree."""
    sizes: dict[Node, int] = {}
    for node in graph.nodes:
        if (
            len(sizes) > MAX_NODES
            or getattr(node.anytype, "shape", ((),)) != ()
            or node.is_op("stop_gradient")
        ):
            return False
        sizes[node] = 1 + sum(sizes[each] for each in node.inputs)
    return all(sizes[output] <= MAX_TREE for output in graph.outputs)


def check_whole(
    graph: Graph,
    derivatives: Sequence[tuple[str, Graph]],
    wrt: Sequence[Node],
    *,
    kind: str = "whole expression",
) -> list[Check]:
    """Return a check for each output of the derivative graphs.

    Args:
        graph: the function, with one scalar output.
        derivatives: ("gradient", its graph) or ("hessian", its graph), by the inputs `wrt`, in that order.
        wrt: scalar inputs.
        kind: the checks' kind.
    """
    values = {node: symbol_array(node.attrs["name"], (), node.dtype) for node in graph.inputs}
    (value,) = symbolic(graph.outputs, values)
    symbols = [values[node].item() for node in wrt]
    checks: list[Check] = []
    for name, derived in derivatives:
        given = [each.item() for each in symbolic(derived.outputs, values)]
        if name == "gradient":
            wanted = [((s,), sympy.diff(value.item(), s)) for s in symbols]
        else:
            wanted = [((s, t), sympy.diff(value.item(), s, t)) for s in symbols for t in symbols]
        for (by, expected), got in zip(wanted, given, strict=True):
            below = " ".join(f"d{s}" for s in by)
            subject = f"d{len(by) if len(by) > 1 else ''} {graph.name} / {below}"
            found = equal(got, expected)
            if found.verdict == "zero":
                basis = found.basis.split(";")[0].split(" over ")[0]
                checks.append(Check(kind, subject, "proved", f"sympy.diff, {basis}", str(expected)))
            elif found.verdict == "nonzero":
                text = f"the graph has  {got}\nit should be   {expected}"
                checks.append(Check(kind, subject, "failed", found.basis, text))
            else:
                checks.append(Check(kind, subject, "skipped", f"left open; {found.basis}"))
    return checks
