"""Derivatives of a graph, order by order, each checked by its equations, and what the transforms hand out.

The gradient is pulled back here as `diffc.autodiff.grad` does it, its equations are checked, and the graph
that `grad` returns must consist of the very same nodes. The next orders pull that gradient back again,
and push it forward, with free cotangents and tangents: a derivative of a derivative is just another graph.
The Hessian by scalars is compared node by node as well; by arrays, where it is mapped over a basis, it is
multiplied with drawn vectors and compared with the second order that was checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from diffc.autodiff.components import components_of
from diffc.autodiff.forward import pushforward
from diffc.autodiff.reverse import pullback
from diffc.autodiff.transforms import grad, hessian
from diffc.ir import Graph, Node, evaluate_extent, size_of, topological
from diffc.ops import constant_like, evaluate, input_node
from diffc.ops.broadcasting import zeros
from diffc.proof.budget import ask, attempt
from diffc.proof.certificate import Check
from diffc.proof.equations import check_forward, check_reverse, labels
from diffc.proof.numeric import Array, draw

__all__ = ["check_orders"]

MAX_HESSIAN = 40_000
"""The largest number of elements of a Hessian that is multiplied with vectors."""

_EXTENT, _POINTS, _TRIES = 3, 2, 12
_TOLERANCE, _TOLERANCE_IN_F32 = 1e-8, 1e-3


def check_orders(
    graph: Graph, wrt: Sequence[Node], order: int, seed: int = 0, fixed: Mapping[str, Array] | None = None
) -> tuple[list[Check], set[Node]]:
    """Return the checks of all orders up to `order`, and every node that took part.

    `fixed` has the values of inputs that are not drawn, where derivatives are compared on numbers.
    """
    outputs = [output for output in graph.outputs if output.type.is_float]
    scalar = len(graph.outputs) == len(outputs) == 1 and outputs[0].rank == 0
    checks: list[Check] = []
    used: set[Node] = set(topological(outputs))
    gradient: Sequence[Node] = ()
    for k in range(1, order + 1):
        if not outputs:
            break
        checks += _forward(outputs, wrt, k)
        if k == 1 and scalar:
            found, shares = _gradient(graph, outputs[0], wrt)
            gradient = shares
        else:
            free = [input_node(f"cotangent {j} of order {k}", o.type) for j, o in enumerate(outputs)]
            found, shares = _reverse(outputs, free, wrt, k)
            if k == 2 and scalar:
                cotangents = dict(zip(outputs, free, strict=True))
                run = partial(_hessian, (graph, fixed), wrt, gradient, cotangents, shares, seed)
                found.append(attempt("hessian", graph.name, run))
        checks += found
        used |= set(topological(shares))
        outputs = [each for each in dict.fromkeys(shares) if _varies(each)]
    return checks, used


def _varies(node: Node) -> bool:
    return any(each.is_op("input") for each in topological([node]))


def _label_graph(outputs: Sequence[Node]) -> Graph:
    inputs = tuple(node for node in topological(outputs) if node.is_op("input"))
    return Graph("derivative", inputs, tuple(outputs))


def _forward(outputs: Sequence[Node], wrt: Sequence[Node], order: int) -> list[Check]:
    seeds = {node: input_node(f"tangent of {node.attrs['name']}, order {order}", node.type) for node in wrt}
    nodes = topological(outputs)
    tangents = pushforward(nodes, seeds)
    found = {node: each for node, each in zip(nodes, tangents, strict=True) if each is not None}
    label = labels(_label_graph(outputs))
    return check_forward(outputs, seeds, found, kind=f"forward equation, order {order}", label=label)


def _reverse(
    outputs: Sequence[Node], cotangents: Sequence[Node], wrt: Sequence[Node], order: int
) -> tuple[list[Check], list[Node]]:
    """Return the checks of a pullback, and its results with zeros where nothing depends."""
    shares, adjoints = pullback(outputs, cotangents, wrt)
    label = labels(_label_graph(outputs))
    kind = f"reverse equation, order {order}"
    checks = check_reverse(outputs, cotangents, wrt, adjoints, kind=kind, label=label)
    return checks, [zeros(n.type) if s is None else s for n, s in zip(wrt, shares, strict=True)]


def _gradient(graph: Graph, output: Node, wrt: Sequence[Node]) -> tuple[list[Check], list[Node]]:
    """Return the checks of the gradient, components taken apart as `grad` does, and its nodes."""
    one = constant_like(1, output.dtype)
    checks: list[Check] = []
    found: dict[Node, Node] = {}
    whole: list[Node] = []
    for node in wrt:
        parts = components_of([output], node)
        if parts is None:
            whole.append(node)
            continue
        (split,) = parts.split([output])
        more, shares = _reverse([split], [one], parts.parts, 1)
        checks += more
        found[node] = parts.stacked(parts.join(shares))
    if whole:
        more, shares = _reverse([output], [one], whole, 1)
        checks += more
        found.update(zip(whole, shares, strict=True))
    gradient = [found[node] for node in wrt]
    given = grad(graph, [node.attrs["name"] for node in wrt]).outputs
    checks.append(_same("gradient", graph, gradient, given))
    return checks, gradient


def _same(kind: str, graph: Graph, checked: Sequence[Node], given: Sequence[Node]) -> Check:
    wrong = [k for k, (a, b) in enumerate(zip(checked, given, strict=True)) if a is not b]
    if not wrong:
        return Check(kind, graph.name, "proved", "its nodes are those whose equations were checked")
    detail = "\n".join(f"output {k}: {given[k]!r}, checked was {checked[k]!r}" for k in wrong[:8])
    return Check(kind, graph.name, "failed", "compared node by node", detail)


def _hessian(
    what: tuple[Graph, Mapping[str, Array] | None],
    wrt: Sequence[Node],
    gradient: Sequence[Node],
    cotangents: Mapping[Node, Node],
    shares: Sequence[Node],
    seed: int,
) -> Check:
    """Check the Hessian against the gradient whose pullback, by these cotangents, gave the shares."""
    graph, fixed = what
    given = hessian(graph, [node.attrs["name"] for node in wrt])
    if all(node.rank == 0 for node in wrt):
        rows: dict[tuple[Node, Node], Node] = {}
        for k, by in enumerate(wrt):
            tangents = pushforward(gradient[k:], {by: constant_like(1, by.dtype)})
            for other, tangent in zip(wrt[k:], tangents, strict=True):
                value = constant_like(0, by.dtype) if tangent is None else tangent
                rows[by, other] = rows[other, by] = value
        return _same("hessian", graph, [rows[a, b] for a in wrt for b in wrt], given.outputs)
    symbols = dict.fromkeys(graph.symbols, _EXTENT)
    size = sum(evaluate_extent(size_of(output.shape), symbols) for output in given.outputs)
    if size > MAX_HESSIAN:
        return Check("hessian", graph.name, "skipped", f"{size} elements: only its equations are checked")
    applied = Graph("applied", (*graph.inputs, *cotangents.values()), tuple(shares))
    in_f32 = any(getattr(node.anytype, "dtype", "") == "f32" for node in (*given.nodes, *applied.nodes))
    tolerance = _TOLERANCE_IN_F32 if in_f32 else _TOLERANCE
    rows_of = [gradient.index(node) for node in cotangents]
    done = 0
    for draws in range(_TRIES):
        ask()
        rng = np.random.default_rng([seed, draws])
        arguments = draw(graph, symbols, rng, draws, fixed)
        shapes = [[evaluate_extent(e, symbols) for e in each.shape] for each in cotangents.values()]
        vectors = [rng.normal(size=shape) for shape in shapes]
        blocks, expected = evaluate(given, *arguments), evaluate(applied, *arguments, *vectors)
        if not all(np.all(np.isfinite(each)) for each in (*blocks, *expected)):
            continue
        for k, node in enumerate(wrt):
            column = [blocks[row * len(wrt) + k] for row in rows_of]
            text = _off(vectors, column, expected[k], tolerance)
            if text:
                text = f"by {node.attrs['name']}: {text}"
                return Check("hessian", graph.name, "failed", "vectors times the Hessian, on numbers", text)
        done += 1
        if done == _POINTS:
            break
    if not done:
        return Check("hessian", graph.name, "skipped", "no point with finite second derivatives was drawn")
    return Check("hessian", graph.name, "measured", "times vectors, against the checked second order")


def _off(vectors: Sequence[Array], blocks: Sequence[Array], expected: Array, tolerance: float) -> str:
    """Return how far vectors times blocks are from what is expected, or nothing."""
    total = np.zeros_like(expected, np.float64)
    for vector, block in zip(vectors, blocks, strict=True):
        total = total + np.tensordot(vector, block, axes=vector.ndim)
    gap = float(np.max(np.abs(total - expected), initial=0.0))
    scale = 1.0 + max((float(np.max(np.abs(block), initial=0.0)) for block in blocks), default=0.0)
    return "" if gap <= tolerance * scale else f"off by {gap:.3g}, with elements up to {scale:.3g}"
