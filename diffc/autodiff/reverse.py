"""Reverse mode: cotangents pulled back through the graph against topological order.

Elementwise operations multiply by their partials, linear ones apply their transposes; any other
operation's JVP is written down for placeholder tangents, and that graph, linear in them, is pulled
back in turn. Nothing else is needed, and the result is ordinary IR.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffc.autodiff.products import accumulate, masked, scaled, split_mask, unbroadcast
from diffc.ir import Node, topological
from diffc.ops import Composite, Elementwise, Linear, input_node
from diffc.ops.broadcasting import broadcast
from diffc.ops.logic import logical_not, where

__all__ = ["pullback"]


def pullback(
    outputs: Sequence[Node],
    cotangents: Sequence[Node],
    wrt: Sequence[Node],
    stop: Sequence[Node] = (),
) -> tuple[list[Node | None], dict[Node, Node]]:
    """Return the cotangents of `wrt` (None for zero) and the adjoint of every node on the way.

    Args:
        outputs: the values that are differentiated.
        cotangents: one for each output, of its type.
        wrt: the nodes that are differentiated by; the walk does not go beyond them.
        stop: further nodes beyond which nothing depends on `wrt`.
    """
    targets = set(wrt)
    order = topological(outputs, stop=targets | set(stop))
    active: set[Node] = set()
    for node in order:
        depends = any(each in active for each in node.inputs) and node.op.differentiable
        if node in targets or (depends and node.type.is_float):
            active.add(node)
    adjoints: dict[Node, Node] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output in active:
            adjoints[output] = accumulate(adjoints.get(output), cotangent)
    for node in reversed(order):
        if node not in adjoints or node in targets:
            continue
        wanted = [each in active for each in node.inputs]
        for input_, contribution in zip(node.inputs, _pull(node, adjoints[node], wanted), strict=True):
            if contribution is not None:
                adjoints[input_] = accumulate(adjoints.get(input_), contribution)
    return [adjoints.get(each) for each in wrt], adjoints


def _pull(node: Node, cotangent: Node, wanted: Sequence[bool]) -> Sequence[Node | None]:
    """Return each wanted input's share of the node's cotangent.

    Where one condition masks all of the cotangent it masks all of the shares: it is kept outside.
    """
    op = node.op
    if op is where:
        condition, x, y = node.inputs
        chosen = masked(condition, cotangent) if wanted[1] else None
        other = masked(logical_not(condition), cotangent) if wanted[2] else None
        return (
            None,
            None if chosen is None else unbroadcast(chosen, x.shape, node.shape),
            None if other is None else unbroadcast(other, y.shape, node.shape),
        )
    if isinstance(op, Elementwise):
        shares: list[Node | None] = []
        for each, partial, want in zip(node.inputs, op.partials(node, *node.inputs), wanted, strict=True):
            share = scaled(cotangent, partial, node) if want and partial is not None else None
            shares.append(None if share is None else unbroadcast(share, each.shape, node.shape))
        return shares
    mask = split_mask(cotangent)
    if mask is not None and mask[0].rank == 0:
        condition, value = mask
        pulled = _pull_whole(node, broadcast(value, node.shape), wanted)
        return [None if each is None else masked(condition, each) for each in pulled]
    return _pull_whole(node, cotangent, wanted)


def _pull_whole(node: Node, cotangent: Node, wanted: Sequence[bool]) -> Sequence[Node | None]:
    """Return the shares of the inputs of an operation that is not elementwise."""
    op = node.op
    if isinstance(op, Linear | Composite):
        linear = set(op.linear_in(node))
        if isinstance(op, Linear) or all(k in linear for k, want in enumerate(wanted) if want):
            return [
                op.transpose(node, k, cotangent) if want and k in linear else None
                for k, want in enumerate(wanted)
            ]
        return _transposed_jvp(node, op, cotangent, wanted)
    raise TypeError(f"{op.name} has no derivative rule")


def _transposed_jvp(
    node: Node, op: Composite, cotangent: Node, wanted: Sequence[bool]
) -> Sequence[Node | None]:
    """Pull the cotangent back through the operation's JVP, which is linear in its tangents."""
    tangents = [
        input_node(f"tangent {k} of {node.digest.hex()}", each.type) if want else None
        for k, (each, want) in enumerate(zip(node.inputs, wanted, strict=True))
    ]
    image = op.jvp(node, tangents)
    if image is None:
        return [None] * len(node.inputs)
    placeholders = [each for each in tangents if each is not None]
    shares, _ = pullback([image], [cotangent], placeholders, stop=[node, *node.inputs])
    found = iter(shares)
    return [next(found) if each is not None else None for each in tangents]
