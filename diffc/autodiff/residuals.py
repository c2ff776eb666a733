"""Forward and backward as graphs of their own, and what passes between them.

The backward graph is cut at values of the forward pass: its residuals. Inputs are passed on as they
are. A value that is expensive to compute and that the forward pass needs anyway is stored; one that
is cheap, or that only the backward pass needs, is computed there from what is stored. Symbols of extents are
read from shapes: those that no residual and no cotangent shows are the shape of one residual more, which has
no elements.
"""

from __future__ import annotations

from diffc.autodiff.reverse import pullback
from diffc.autodiff.selection import Wrt, distinct_names, fresh_name, nest, select_inputs
from diffc.ir import Dim, Graph, Node, Tree, Type, linear_form, substitute, topological
from diffc.ops import input_node
from diffc.ops.broadcasting import zeros

__all__ = ["fwd_and_bwd"]

STORE_FROM_COST = 4
"""An operation of at least this cost an element is stored rather than repeated: a division and up."""


def fwd_and_bwd(graph: Graph, wrt: Wrt = 0) -> tuple[Graph, Graph]:
    """Return (forward, backward).

    forward: (*inputs) -> (value, residuals); backward: (*residuals, *cotangents) -> gradients.
    """
    chosen, several = select_inputs(graph, wrt)
    cotangents: list[Node] = []
    taken = list(graph.input_names)
    for name, output in zip(graph.output_names, graph.outputs, strict=True):
        taken.append(fresh_name(f"ct_{name}", taken))
        cotangents.append(input_node(taken[-1], output.type))
    shares, _ = pullback(graph.outputs, cotangents, chosen)
    gradients = [zeros(n.type) if s is None else s for n, s in zip(chosen, shares, strict=True)]
    residuals = _residuals(graph, gradients, set(cotangents))
    residuals += _shapes(gradients, (*residuals, *cotangents))
    passed = [input_node(_residual_name(node, k, graph), node.type) for k, node in enumerate(residuals)]
    backward_outputs = substitute(gradients, dict(zip(residuals, passed, strict=True)))
    count = len(graph.outputs)
    names = distinct_names([*graph.output_names, *(f"res_{k}" for k in range(len(residuals)))])
    tree: Tree = (graph.tree, tuple(range(count, count + len(residuals))))
    forward = graph.related(f"{graph.name}_fwd", (*graph.outputs, *residuals), names, tree)
    # What was assumed of the symbols holds where the forward pass has run.
    backward = Graph(
        f"{graph.name}_bwd",
        (*passed, *cotangents),
        tuple(backward_outputs),
        tuple(f"d_{node.attrs['name']}" for node in chosen),
        nest(len(chosen), several),
    )
    return forward, backward


def _residuals(graph: Graph, gradients: list[Node], cotangents: set[Node]) -> list[Node]:
    """Return the nodes of the forward pass at which the backward graph is cut."""
    forward = set(graph.nodes)
    late: set[Node] = set(cotangents)
    order = topological(gradients)
    for node in order:
        if any(each in late for each in node.inputs):
            late.add(node)
    needed = list(dict.fromkeys(gradients))
    seen: set[Node] = set()
    residuals: list[Node] = []
    while needed:
        node = needed.pop()
        if node in seen or node in cotangents:
            continue
        seen.add(node)
        stored = node in forward and node not in late and _worth_storing(node)
        if stored:
            residuals.append(node)
        else:
            needed.extend(node.inputs)
    rank = {node: k for k, node in enumerate(order)}
    return sorted(residuals, key=rank.__getitem__)


def _shapes(outputs: list[Node], inputs: tuple[Node, ...]) -> list[Node]:
    """Return, where some symbol is in no input's shape, an array without elements that shows all of these."""
    forms = [linear_form(extent) for node in inputs for extent in node.shape]
    used = {symbol for node in topological(outputs, stop=set(inputs)) for symbol in node.symbols()}
    missing = sorted(used - {form[0] for form in forms if form is not None})
    return [zeros(Type("f64", (*map(Dim.symbol, missing), 0)))] if missing else []


def _worth_storing(node: Node) -> bool:
    if node.is_op("input"):
        return True
    if node.is_constant:
        return False
    return bool(node.inputs) and (node.op.across_elements or node.op.cost >= STORE_FROM_COST)


def _residual_name(node: Node, position: int, graph: Graph) -> str:
    if node.is_op("input"):
        return node.attrs["name"]
    return fresh_name(f"res_{position}", graph.input_names)
