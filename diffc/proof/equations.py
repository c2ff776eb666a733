"""Derivative graphs checked equation by equation, in time linear in the graph.

Reverse mode claims an adjoint for every node u. It is right exactly when, for each u on its own,

    adjoint(u) = sum over consumers v of u, and places k of u in v, of adjoint(v) * d op_v / d argument k

plus the cotangent where u is an output. Forward mode claims tangent(v) = sum over k of
d op_v / d argument k * tangent(argument k). Every adjoint, tangent and primal value on the right is
a free symbol, so that an equation is as large as a node's neighbourhood and not as the graph.

For elementwise operations the factor is `sympy.diff` of the operation's SymPy form: a derivation of its
own, not the partials that the compiler used. For structural ones it is the operation's transpose or JVP,
applied here anew and proved in `op_proofs`. `local` decides the equations, each distinct one once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from diffc.autodiff.reverse import pullback
from diffc.ir import Graph, Node, topological
from diffc.ir.node import users_of
from diffc.ops import Composite, Elementwise, Linear
from diffc.ops.broadcasting import zeros
from diffc.proof.certificate import Check
from diffc.proof.frontier import LocalEquation, Product
from diffc.proof.local import decide
from diffc.proof.points import Points

__all__ = ["Label", "check_forward", "check_reverse", "labels"]

Label = Callable[[Node], str]


def labels(graph: Graph) -> Label:
    """Return a function that names nodes as the IR's text does; nodes of other graphs by their operation."""
    computed = [node for node in graph.nodes if not node.is_op("input", "const")]
    numbers = {node: f"%{k}" for k, node in enumerate(computed)}
    return lambda node: (
        f"%{node.attrs['name']}" if node.is_op("input") else numbers.get(node, f"<{node.op.name}>")
    )


def check_reverse(
    outputs: Sequence[Node],
    cotangents: Sequence[Node],
    wrt: Sequence[Node],
    adjoints: Mapping[Node, Node],
    *,
    kind: str = "equation, reverse",
    label: Label = repr,
) -> list[Check]:
    """Return a check for each node between `wrt` and the outputs: is its adjoint right?

    Args:
        outputs: the values that were differentiated.
        cotangents: one for each output, of its type.
        wrt: the nodes that were differentiated by.
        adjoints: what reverse mode gave, see `diffc.autodiff.reverse.pullback`; none stands for zero.
        kind: the checks' kind.
        label: names nodes in the checks.
    """
    order = topological(outputs, stop=set(wrt))
    active = _active(order, wrt)
    users = users_of(order)
    seeds: dict[Node, list[Node]] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        seeds.setdefault(output, []).append(cotangent)
    checks: list[Check] = []
    pulled: dict[Node, Mapping[Node, Node]] = {}
    points = Points([*outputs, *cotangents, *adjoints.values()])
    for node in reversed(order):
        if node in active:
            equation = LocalEquation(f"adjoint of {label(node)} = {node!r}", node, adjoints.get(node))
            equation.terms += seeds.get(node, [])
            for user in dict.fromkeys(reversed(users.get(node, ()))):
                if user in wrt or user not in adjoints or not user.op.differentiable:
                    continue
                equation.terms += _contributions(node, user, adjoints[user], active, pulled)
            checks.append(decide(equation, kind, label, points))
    return checks


def _contributions(
    node: Node, user: Node, adjoint: Node, active: set[Node], pulled: dict[Node, Mapping[Node, Node]]
) -> Sequence[Product | Node]:
    """Return what one user adds to a node's adjoint, in the order of its places."""
    op = user.op
    places = [place for place, each in enumerate(user.inputs) if each is node]
    if isinstance(op, Elementwise):
        return [Product(adjoint, user, place) for place in places]
    if isinstance(op, Linear):
        linear = set(op.linear_in(user))
        return [op.transpose(user, place, adjoint) for place in places if place in linear]
    if user not in pulled:
        wanted = list(dict.fromkeys(each for each in user.inputs if each in active))
        shares, _ = pullback([user], [adjoint], wanted, stop=user.inputs)
        pulled[user] = {each: share for each, share in zip(wanted, shares, strict=True) if share is not None}
    return [pulled[user][node]] if node in pulled[user] else []


def _active(order: Sequence[Node], wrt: Sequence[Node]) -> set[Node]:
    """Return what depends on `wrt` through differentiable operations on floats."""
    active = set(wrt)
    for node in order:
        if node.op.differentiable and any(each in active for each in node.inputs) and node.type.is_float:
            active.add(node)
    return active


def check_forward(
    outputs: Sequence[Node],
    seeds: Mapping[Node, Node],
    tangents: Mapping[Node, Node],
    *,
    kind: str = "equation, forward",
    label: Label = repr,
) -> list[Check]:
    """Return a check for each node that depends on the seeds: is its tangent right?

    Args:
        outputs: the values that were differentiated.
        seeds: the tangents of the nodes that were differentiated by.
        tangents: what forward mode gave for every node; none stands for zero.
        kind: the checks' kind.
        label: names nodes in the checks.
    """
    order = topological(outputs, stop=set(seeds))
    active = _active(order, list(seeds))
    checks: list[Check] = []
    points = Points([*outputs, *seeds.values(), *tangents.values()])
    for node in order:
        if node not in active:
            continue
        equation = LocalEquation(f"tangent of {label(node)} = {node!r}", node, tangents.get(node))
        if node in seeds:
            equation.terms.append(seeds[node])
        else:
            _pushed(equation, node, [tangents.get(each) for each in node.inputs])
        checks.append(decide(equation, kind, label, points))
    return checks


def _pushed(equation: LocalEquation, node: Node, incoming: Sequence[Node | None]) -> None:
    """Add what a node's inputs contribute to its tangent."""
    op = node.op
    present = [(k, each) for k, each in enumerate(incoming) if each is not None]
    if isinstance(op, Elementwise):
        equation.terms += [Product(tangent, node, k) for k, tangent in present]
    elif isinstance(op, Linear):
        linear = set(op.linear_in(node))
        present = [(k, each) for k, each in present if k in linear]
        groups = [[pair] for pair in present] if op.multilinear else [present] if present else []
        for group in groups:
            moving = dict(group)
            fixed = [
                zeros(e.type) if k in linear and not op.multilinear else e for k, e in enumerate(node.inputs)
            ]
            equation.terms.append(node.replace([moving.get(k, each) for k, each in enumerate(fixed)]))
    elif isinstance(op, Composite) and present:
        image = op.jvp(node, incoming)
        equation.terms += [] if image is None else [image]
