"""Kernels against the programs that they are made of: the very ones that users' calls run.

Each is measured beside the derivative of the user's own graph, with nothing optimised. Arrays that a Function
captures are inputs of a proof, so that what holds holds for any elements; a kernel reads the Function's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from diffc.autodiff.selection import fresh_name
from diffc.errors import DiffcError
from diffc.ir import Graph, Node, evaluate_extent, size_of, substitute
from diffc.ops import input_node
from diffc.ops.captured import captured_arrays
from diffc.proof.budget import attempt
from diffc.proof.certificate import Check
from diffc.proof.numeric import Array, check_kernel

__all__ = ["Free", "Measured", "check_kernels", "free"]

MAX_ELEMENTS = 40_000
"""The largest number of elements in a derivative for which a kernel is made."""


@dataclass(frozen=True)
class Measured:
    """A kernel that a certificate measures.

    Attributes:
        name: "value", "gradient", "hessian" or "jacobian", or that of another derivative.
        plain: the program, or its derivative, before any optimisation.
        made: what the kernel is compiled from.
        run: compiles the kernel, and returns what runs it on the graph's inputs.
        proved: the derivative of the certificate that it is made from, if it is one.
    """

    name: str
    plain: Graph
    made: Graph
    run: Callable[[], Callable[..., Any]]
    proved: str = ""


@dataclass(frozen=True)
class Free:
    """A graph whose captured arrays are inputs behind its own, and their elements by those inputs' names."""

    graph: Graph
    elements: Mapping[str, Array]


def free(graph: Graph, captured: Mapping[str, Any] | None = None) -> Free:
    """Return a graph with its captured arrays as inputs; `captured` has their elements."""
    names = list(graph.input_names)
    nodes: dict[Node, Node] = {}
    elements: dict[str, Array] = {}
    for name, node in sorted(captured_arrays(graph).items()):
        names.append(fresh_name(name, names))
        nodes[node] = input_node(names[-1], node.type)
        if captured is not None and name in captured:
            elements[names[-1]] = captured[name]
    if not nodes:
        return Free(graph, elements)
    outputs = tuple(substitute(graph.outputs, nodes))
    inputs = (*graph.inputs, *nodes.values())
    return Free(graph.related(graph.name, outputs, graph.output_names, graph.tree, inputs=inputs), elements)


def check_kernels(
    kernels: Sequence[Measured],
    captured: Mapping[str, Any],
    proved: Mapping[str, Graph],
    samples: int,
    seed: int,
) -> list[Check]:
    """Return the checks of kernels.

    Args:
        kernels: what is measured.
        captured: the arrays that their graphs refer to.
        proved: the derivatives of the certificate by name, with captured arrays as inputs.
        samples: the number of points for each.
        seed: of the points.
    """

    def checked(each: Measured, kind: str) -> Check:
        plain, name = free(each.plain, captured), each.plain.name
        symbols = dict.fromkeys(each.plain.symbols, 3)
        total = sum(evaluate_extent(size_of(output.shape), symbols) for output in each.plain.outputs)
        if total > MAX_ELEMENTS:
            return Check(kind, name, "skipped", f"it has {total} elements")
        if each.proved and free(each.made).graph.outputs != proved[each.proved].outputs:
            text = "it is compiled from another graph than the one that was proved"
            return Check(kind, name, "failed", text)
        try:
            run, count = each.run(), len(each.plain.inputs)

            def own(*arguments: Any) -> Any:
                return run(*arguments[:count])

            drawn: Any = {"samples": samples, "seed": seed, "fixed": plain.elements}
            (check,) = check_kernel(plain.graph, own, kind=kind, **drawn)
            return check
        except DiffcError as error:
            return Check(kind, name, "failed", "it could not be compiled and run", str(error))

    checks: list[Check] = []
    for each in kernels:
        kind = f"kernel, {each.name}"
        checks.append(attempt(kind, each.plain.name, partial(checked, each, kind)))
    return checks
