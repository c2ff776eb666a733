"""Cotangents of roots at 0 that a smooth function of the root's square needs there.

The norm, the absolute value and `hypot` have derivative 0 at 0 by convention, and a root has an infinite one.
But cos(norm(x)) is smooth: its gradient g*x/r, with g = -sin(r), tends to g'(0)*x, and that has a derivative.
So where the cotangent g of a root vanishes with it, its quotient by the root is at 0 the slope of g by it.

Whether it does is asked of the elementwise chain between the two, with numbers. What else the cotangent is
made of is independent of the root, or contributes nothing where the chain is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import numpy as np

from diffc.autodiff.products import accumulate, scaled
from diffc.ir import Node, topological
from diffc.ops import Elementwise, constant_like, scalar_value
from diffc.ops.arithmetic import abs_, mul
from diffc.ops.base import DTYPES
from diffc.ops.broadcasting import broadcast, broadcast_op
from diffc.ops.elementary import hypot, sqrt
from diffc.ops.exact import estimate
from diffc.ops.logic import eq, logical_and, where
from diffc.ops.reshaping import flip_op, reshape_op, transpose_op
from diffc.ops.slicing import pad_op, slice_op

__all__ = ["has_roots", "limits", "with_limits"]

_MAX_CHAIN = 128
"""How many elementwise operations between a root and its cotangent are looked at."""

_REARRANGEMENTS = (broadcast_op, reshape_op, transpose_op, flip_op, slice_op, pad_op)
"""What may lie between them as well: every element is the root's, or 0."""

_TOLERANCE = 1e-12
"""What counts as 0 where operands are about 1: cotangents may vanish by cancellation."""


def has_roots(nodes: Sequence[Node]) -> bool:
    """Tell whether any of the nodes is a root or an absolute value."""
    return any(node.op in (abs_, hypot, sqrt) for node in nodes)


def with_limits(node: Node, cotangent: Node, shares: Sequence[Node | None]) -> Sequence[Node | None]:
    """Return the shares of a root's operands with their limits at 0, where the cotangent vanishes there."""
    if node.op not in (abs_, hypot, sqrt) or _guarded(node.inputs[0]):
        return shares
    found = _slope(cotangent, [node], dict.fromkeys(node.inputs, 0.0))
    if found is None:
        return shares
    slope, condition = found
    zero = eq(node, 0) if condition is None else logical_and(eq(node, 0), condition)
    ends = [mul(0.5, slope) if node.op is sqrt else mul(slope, each) for each in node.inputs]
    return [
        None if share is None else where(zero, end, share) for share, end in zip(shares, ends, strict=True)
    ]


def limits(node: Node, cotangent: Node) -> tuple[Node, Node] | None:
    """Return the operand of a root with derivative 0 at 0 and its share there, where the limit is another."""
    if node.op is not where or node.inputs[2].op is not sqrt or not _guarded(node.inputs[2].inputs[0]):
        return None
    zero, nothing, root = node.inputs
    safe, one, x = root.inputs[0].inputs
    if zero.op is not eq or safe is not zero or x.shape != node.shape:
        return None
    if scalar_value(nothing) != 0 or scalar_value(one) != 1 or scalar_value(zero.inputs[1]) != 0:
        return None
    found = _slope(cotangent, [node, root], {x: 0.0, zero: False})
    if found is None:
        return None
    slope, condition = found
    zero = zero if condition is None else logical_and(zero, condition)
    return x, where(zero, mul(0.5, slope), constant_like(0, x.dtype))


def _guarded(x: Node) -> bool:
    """Tell whether x is where(c, 1, y), of which the root of y with derivative 0 at 0 is taken."""
    return x.op is where and scalar_value(x.inputs[1]) == 1


def _slope(
    value: Node, roots: Sequence[Node], known: Mapping[Node, float]
) -> tuple[Node, Node | None] | None:
    """Return the derivative of a value by a root that is 0, if the value vanishes there, and its condition.

    The second is None where the chain has no other places than its own.

    Args:
        value: of the root's shape.
        roots: the nodes that stand for the variable.
        known: what else has a value where the root tends to 0.
    """
    chain = _chain(value, [*roots, *known])
    if not chain or value.shape != roots[0].shape:
        return None
    tangents: dict[Node, Node] = {each: constant_like(1, each.dtype) for each in roots}
    for node in chain:
        tangent = _tangent(node, [tangents.get(each) for each in node.inputs])
        if tangent is not None:
            tangents[node] = tangent
    if value not in tangents:
        return None
    values = {**known, **dict.fromkeys(roots, 0.0)}
    slope = _replaced(tangents[value], chain, values)
    for seed in (1, 2):
        sample = _Sample(Random(seed), values)
        if not (abs(sample.value(value)) < _TOLERANCE and np.isfinite(sample.value(slope))):
            return None
    moves = any(node.op in _REARRANGEMENTS for node in chain)
    return slope, eq(value, 0) if moves else None


def _replaced(value: Node, chain: Sequence[Node], values: Mapping[Node, float]) -> Node:
    """Return a value made of a chain's operations with numbers in the places of some nodes."""
    made = {node: broadcast(constant_like(x, node.dtype), node.shape) for node, x in values.items()}
    leaves = {each for node in chain for each in node.inputs} - set(chain)
    for node in topological([value], stop=leaves | set(made)):
        if node not in made:
            made[node] = node.replace([made.get(each, each) for each in node.inputs])
    return made[value]


def _passes(node: Node) -> bool:
    return isinstance(node.op, Elementwise) or node.op in _REARRANGEMENTS


def _chain(value: Node, given: Sequence[Node]) -> list[Node]:
    """Return the operations by which a value depends on some, element by element; none if they are many."""
    order: list[Node] = []
    done: set[Node] = set(given)
    stack = [value]
    while stack:
        node = stack[-1]
        inputs = node.inputs if _passes(node) and node not in done else ()
        waiting = [each for each in inputs if each not in done]
        if waiting:
            stack.extend(waiting)
            continue
        if stack.pop() not in done:
            done.add(node)
            order.append(node)
            if len(done) > _MAX_CHAIN:
                return []
    depends = set(given)
    for node in order:
        if _passes(node) and any(each in depends for each in node.inputs):
            depends.add(node)
    return [node for node in order if node in depends]


def _tangent(node: Node, tangents: Sequence[Node | None]) -> Node | None:
    """Return the tangent of an operation of a chain, None for zero."""
    if node.op in _REARRANGEMENTS:
        return None if tangents[0] is None else node.replace([broadcast(tangents[0], node.inputs[0].shape)])
    if node.op is where:
        zero = constant_like(0, node.dtype)
        chosen, other = tangents[1] or zero, tangents[2] or zero
        return None if chosen is other else where(node.inputs[0], chosen, other)
    total: Node | None = None
    if isinstance(node.op, Elementwise) and node.op.differentiable:
        partials = node.op.partials(node, *node.inputs)
        for partial, tangent in zip(partials, tangents, strict=True):
            if tangent is not None and partial is not None:
                total = accumulate(total, scaled(tangent, partial, node))
    return total


class _Sample:
    """Numbers for what a chain is made of, at a root that is 0."""

    def __init__(self, draw: Random, known: Mapping[Node, float]) -> None:
        self._draw = draw
        self._known: dict[Node, Any] = {node: np.array(x, DTYPES[node.dtype]) for node, x in known.items()}

    def value(self, node: Node) -> float:
        """Return the value of a node made of elementwise operations; others have some number."""
        stack = [node]
        while stack:
            top = stack[-1]
            inner = _passes(top) and not top.is_constant
            waiting = [each for each in top.inputs if each not in self._known] if inner else []
            if top in self._known or not waiting:
                stack.pop()
                if top not in self._known:
                    self._known[top] = self._computed(top) if inner else self._chosen(top)
            else:
                stack.extend(waiting)
        return float(self._known[node])

    def _computed(self, node: Node) -> Any:
        if not isinstance(node.op, Elementwise):
            return self._known[node.inputs[0]]
        with np.errstate(all="ignore"):
            found = node.op.numpy(*(self._known[each] for each in node.inputs))
        return np.asarray(found, DTYPES[node.dtype])

    def _chosen(self, node: Node) -> Any:
        number = scalar_value(node)
        if number is None and node.is_constant:
            number = estimate(node)
        if number is None:
            number = self._draw.random() < 0.5 if node.dtype == "bool" else self._draw.uniform(0.5, 1.5)
        return np.asarray(number, DTYPES[node.dtype])
