"""High derivatives by one scalar, all orders at once: a value costs the square of the order.

To differentiate a quotient n times by the rule for one derivative doubles it each time. Here every value
carries its derivatives v, v', v'', ..., and those of a result follow from its operands' by Leibniz' rule:

    w = u v           w(k) = sum of C(k, i) u(i) v(k-i)
    w = u / v         w(k) = (u(k) - sum over i >= 1 of C(k, i) v(i) w(k-i)) / v
    any other w(u)    w(k) = sum over i >= 1 of C(k-1, i-1) u(i) p(k-i)

where p is the operation's own partial dw/du. A partial is a graph like any other, often one of w itself, and
is needed to one order less; so the conventions at edges are those of the partials. Source: Griewank and
Walther, "Evaluating Derivatives", chapter 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import comb

from diffc.autodiff.forward import pushforward
from diffc.autodiff.products import accumulate, scaled, split_mask
from diffc.errors import DiffcError
from diffc.ir import Node, topological
from diffc.ops import Composite, Elementwise, Linear
from diffc.ops.arithmetic import div, mul, neg, square
from diffc.ops.broadcasting import broadcast, zeros
from diffc.ops.constant import constant_like
from diffc.ops.elementwise import Partial
from diffc.ops.logic import where

__all__ = ["derivatives_by_scalar", "runs"]

_AT_ONCE = 4
"""From which order on all orders are derived at once; below, one after the other is as short."""
_MAX_NODES = 300_000
"""How many operations a derivative may have that is derived one order after the other."""


def runs(order: Sequence[str]) -> list[tuple[str, int]]:
    """Return each name with how often in a row it is derived by: all of it at once where that is often."""
    if order and max(map(order.count, set(order))) >= _AT_ONCE:
        return [(name, order.count(name)) for name in dict.fromkeys(order)]
    return [(name, len(list(group))) for name, group in groupby(order)]


def derivatives_by_scalar(outputs: Sequence[Node], by: Node, order: int) -> list[Node]:
    """Return the derivative of an order of each output by a scalar.

    Raises:
        DiffcError: where it is too long, because an operation has no rule for many orders at once.
    """
    if order >= _AT_ONCE:
        found = _Derivatives(by)
        if found.collect(outputs, order):
            found.derive(order)
            return _filled(outputs, [found.of(each, order) for each in outputs])
    results = list(outputs)
    for _ in range(order):
        results = _filled(results, pushforward(results, {by: constant_like(1, by.dtype)}))
        if order >= _AT_ONCE and len(topological(results)) > _MAX_NODES:
            names = {each.op.name for each in topological(outputs) if isinstance(each.op, Composite)}
            raise DiffcError(
                f"the derivative of order {order} by {by.attrs['name']} has more than {_MAX_NODES:,} "
                f"operations: {', '.join(sorted(names)) or 'a product'} is derived one order after the other"
            )
    return results


def _filled(outputs: Sequence[Node], tangents: Sequence[Node | None]) -> list[Node]:
    return [zeros(o.type) if t is None else t for o, t in zip(outputs, tangents, strict=True)]


class _Derivatives:
    """The derivatives by one scalar of every value that depends on it, from order 1 on."""

    def __init__(self, by: Node) -> None:
        self._by = by
        self._needed: dict[Node, int] = {}
        """How many derivatives of each value are asked for; operands come before what is made of them."""
        self._partials: dict[Node, Sequence[Partial]] = {}
        self._terms: dict[Node, list[Node | None]] = {}

    def of(self, node: Node, order: int) -> Node | None:
        """Return a derivative that is there already; None for zero."""
        if not order:
            return node
        terms = self._terms.get(node)
        return None if terms is None else terms[order - 1]

    def collect(self, outputs: Sequence[Node], order: int) -> bool:
        """Find the values and partials that are needed, and to which order; tell whether all have a rule."""
        known: set[Node] = set()
        roots = list(outputs)
        for level in range(order, 0, -1):
            partials: list[Node] = []
            for node in topological(roots, stop=known):
                if node in known:
                    continue
                known.add(node)
                if not self._varies(node):
                    continue
                self._needed[node] = level
                if isinstance(node.op, Composite) or not self._has_rule(node):
                    return False
                partials += self._own_partials(node)
            roots = partials
        return True

    def _varies(self, node: Node) -> bool:
        if node is self._by:
            return True
        if not node.op.differentiable or not node.type.is_float:
            return False
        return any(each in self._needed for each in node.inputs)

    def _has_rule(self, node: Node) -> bool:
        if not isinstance(node.op, Linear) or not node.op.multilinear:
            return True
        return sum(node.inputs[k] in self._needed for k in node.op.linear_in(node)) <= 2

    def _own_partials(self, node: Node) -> list[Node]:
        op = node.op
        if node is self._by or not isinstance(op, Elementwise) or op in (mul, square, div, where):
            return []
        partials = self._partials[node] = op.partials(node, *node.inputs)
        pairs = zip(partials, node.inputs, strict=True)
        return [each for each, operand in pairs if isinstance(each, Node) and operand in self._needed]

    def derive(self, order: int) -> None:
        """Build all derivatives, order by order: those of a partial are then there when they are used."""
        for k in range(1, order + 1):
            for node, needed in self._needed.items():
                if needed >= k:
                    self._terms.setdefault(node, []).append(self._term(node, k))

    def _term(self, node: Node, k: int) -> Node | None:
        op = node.op
        if node is self._by:
            return constant_like(1, node.dtype) if k == 1 else None
        if op is where:
            return self._chosen(node, k)
        if op is mul or op is square:
            x, y = node.inputs[0], node.inputs[-1]
            return self._product(node, x, y, k, range(k + 1))
        if op is div:
            return self._quotient(node, k)
        if isinstance(op, Linear):
            return self._linear(node, op, k)
        total: Node | None = None
        for partial, operand in zip(self._partials[node], node.inputs, strict=True):
            for i in range(1, k + 1):
                tangent = self.of(operand, i)
                factor = partial if i == k else self.of(partial, k - i) if isinstance(partial, Node) else None
                if tangent is not None and factor is not None:
                    term = broadcast(scaled(tangent, factor, node), node.shape)
                    total = accumulate(total, _times(comb(k - 1, i - 1), term))
        return total

    def _chosen(self, node: Node, k: int) -> Node | None:
        condition, x, y = node.inputs
        dx, dy = self.of(x, k), self.of(y, k)
        if dx is None and dy is None:
            return None
        zero = constant_like(0, node.dtype)
        chosen = where(condition, zero if dx is None else dx, zero if dy is None else dy)
        return broadcast(chosen, node.shape)

    def _product(self, node: Node, x: Node, y: Node, k: int, orders: range) -> Node | None:
        """Return the sum of C(k, i) x(i) y(k-i) over some i; of a square equal terms are one."""
        total: Node | None = None
        for i in orders:
            if x is y and 2 * i > k:
                break
            a, b = self.of(x, i), self.of(y, k - i)
            if a is None or b is None:
                continue
            # A mask on either derivative is kept outside the product.
            swap = not i or (i < k and split_mask(a) is None and split_mask(b) is not None)
            term = broadcast(scaled(b, a, node) if swap else scaled(a, b, node), node.shape)
            total = accumulate(total, _times(comb(k, i) * (1 + (x is y and 2 * i < k)), term))
        return total

    def _quotient(self, node: Node, k: int) -> Node | None:
        x, y = node.inputs
        rest = self._product(node, y, node, k, range(1, k + 1))
        top = self.of(x, k)
        if rest is not None:
            top = accumulate(None if top is None else broadcast(top, node.shape), neg(rest))
        return None if top is None else broadcast(scaled(top, div(1, y), node), node.shape)

    def _linear(self, node: Node, op: Linear, k: int) -> Node | None:
        positions = op.linear_in(node)
        varying = [each for each in positions if node.inputs[each] in self._needed]
        if op.multilinear and len(varying) == 2:
            return self._bilinear(node, varying, k)
        tangents = {each: self.of(node.inputs[each], k) for each in varying}
        if all(each is None for each in tangents.values()):
            return None
        if op.multilinear:
            return node.replace([tangents.get(j) or each for j, each in enumerate(node.inputs)])
        whole = set(positions)
        return node.replace(
            [
                (tangents.get(j) or zeros(each.type)) if j in whole else each
                for j, each in enumerate(node.inputs)
            ]
        )

    def _bilinear(self, node: Node, varying: Sequence[int], k: int) -> Node | None:
        total: Node | None = None
        first, second = varying
        for i in range(k + 1):
            a, b = self.of(node.inputs[first], i), self.of(node.inputs[second], k - i)
            if a is not None and b is not None:
                inputs = list(node.inputs)
                inputs[first], inputs[second] = a, b
                total = accumulate(total, _times(comb(k, i), node.replace(inputs)))
        return total


def _times(count: int, term: Node) -> Node:
    return term if count == 1 else mul(float(count), term)
