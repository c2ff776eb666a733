"""The cross-check on whole expressions: `sympy.diff` of the program as one formula, where it is small.

It looks at the graphs as they are handed out, optimised, and at nothing in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import sympy

from diffc.ir import Graph, Node
from diffc.proof.budget import ODD_INPUT, attempt
from diffc.proof.certificate import Check
from diffc.proof.symbolic import shown, symbol_array, symbolic
from diffc.proof.zero import equal

__all__ = ["check_whole", "is_small"]

MAX_NODES, MAX_TREE = 60, 400
MAX_EXPRESSION, MAX_DERIVATIVES = 1500, 64
"""How many terms a derivative, written out, may have, and how many derivatives of one order are looked at:
this is a cross-check, which grows with their square, beside equations that grow with the graph alone."""


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
    symbols = [values[node].item() for node in wrt]

    @cache
    def expressions(of: Graph) -> list[Any]:
        return [each.item() for each in symbolic(of.outputs, values)]

    @cache
    def expected(*by: Any) -> Any:
        # One order after the other: SymPy takes common factors out of what it differentiates twice.
        return sympy.diff(expected(*by[:-1]), by[-1]) if by else expressions(graph)[0]

    def compared(derived: Graph, place: int, by: tuple[Any, ...], subject: str) -> Check:
        try:
            wanted, got = expected(*by), expressions(derived)[place]
        except ODD_INPUT as error:  # a cross-check: what it cannot read is left to the others
            return Check(kind, subject, "skipped", f"left open; {type(error).__name__}: {error}")
        if not _is_short(wanted) or not _is_short(got):
            return Check(kind, subject, "skipped", "too large to be written out")
        return _compare(got, wanted, kind, subject)

    checks: list[Check] = []
    for name, derived in derivatives:
        pairs = [(s,) for s in symbols] if name == "gradient" else [(s, t) for s in symbols for t in symbols]
        known: dict[object, Check] = {}
        for place, (by, node) in enumerate(zip(pairs, derived.outputs, strict=True)):
            below = " ".join(f"d{s}" for s in by)
            subject = f"d{len(by) if len(by) > 1 else ''} {graph.name} / {below}"
            key = (node, frozenset(by))  # d2 f / dx dy and d2 f / dy dx are mostly one node
            if key not in known and len(known) >= MAX_DERIVATIVES:
                checks.append(Check(kind, subject, "skipped", f"{MAX_DERIVATIVES} others were looked at"))
                continue
            if key not in known:
                known[key] = attempt(kind, subject, partial(compared, derived, place, by, subject))
            checks.append(replace(known[key], subject=subject))
    return checks


def _is_short(expression: Any) -> bool:
    return all(k < MAX_EXPRESSION for k, _ in enumerate(sympy.preorder_traversal(expression)))


def _compare(got: Any, expected: Any, kind: str, subject: str) -> Check:
    found = equal(got, expected)
    if found.verdict == "zero":
        basis = found.basis.split(";")[0].split(" over ")[0]
        return Check(kind, subject, "proved", f"sympy.diff, {basis}", shown(sympy.factor_terms(expected)))
    if found.verdict == "nonzero":
        text = f"the graph has  {shown(got)}\nit should be   {shown(expected)}"
        return Check(kind, subject, "failed", found.basis, text)
    return Check(kind, subject, "skipped", f"left open; {found.basis}")
