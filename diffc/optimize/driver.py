"""The driver: rewrites applied bottom-up, once over the graph, each node to its normal form.

A node is looked at when its operands are in normal form; what replaces it is brought to normal form in
turn, down to nodes that are already known. Nothing recurses.

Why it ends: the rewrites descend in an order, whose keys are compared from left to right:

1. functions that lose accuracy or overflow (exp, log, pow, ... below a sum, a quotient or a logarithm)
   give way to their stable forms, and powers to products;
2. the number of operations that compute something falls;
3. the number of elements that are computed falls (broadcasts move towards the result);
4. negations and then reshapes move towards the result, and constants to the front.

A constant expression is a constant to every rule: none but `fold` looks into it.

A rule that breaks the order cannot hang the compiler: no more than `MAX_REWRITES` follow from one node,
and a node that comes back to itself is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffc.ir import Graph, Node, carried
from diffc.optimize.facts import is_constant
from diffc.optimize.rewrite import Rewrite

__all__ = ["MAX_REWRITES", "Log", "rewrite"]

MAX_REWRITES = 256
"""How many rewrites may follow from one node of the graph."""

Log = list[tuple[str, Node, Node]]
"""What was done, for the certificate: (the rewrite's name, the node before, the node after)."""


def rewrite(graph: Graph, rules: Sequence[Rewrite], log: Log | None = None) -> Graph:
    """Return the graph with every node in normal form under the rules; inputs stay, used or not."""
    return _Rewriter(graph, rules, log).run()


def _kind(node: Node) -> str:
    return "const" if node.is_constant else node.op.name


_CONSTANT_FIRST = ("add", "mul")
"""Where a formula puts its constant factors and terms; x == 0 and max(x, 0) read better as they are."""


class _Rewriter:
    """One run. `normal` maps each node seen to its normal form, and each normal form to itself."""

    def __init__(self, graph: Graph, rules: Sequence[Rewrite], log: Log | None) -> None:
        self._graph = graph
        self._rules = rules
        self._log = log
        self._normal: dict[Node, Node] = {}
        self._orders: dict[tuple[str, Node, Node], Node] = {}
        self._candidates: dict[tuple[str, ...], tuple[Rewrite, ...]] = {}

    def run(self) -> Graph:
        normal = self._normal
        for node in self._graph.nodes:
            normal[node] = self._visit(node)
        outputs = [normal[node] for node in self._graph.outputs]
        return self._graph.with_outputs(outputs, provenance=carried(self._graph.provenance, normal))

    def _visit(self, node: Node) -> Node:
        normal = self._normal
        new = node.replace([normal[each] for each in node.inputs]) if node.inputs else node
        found = normal.get(new)
        if found is not None:
            return found
        if self._rules_for(new):
            return self._reduce(new)
        normal[new] = result = self._ordered(new)
        return result

    def _rules_for(self, node: Node) -> tuple[Rewrite, ...]:
        # A constant expression, whatever its operation, is tried as what it stands for.
        key = ("const",) if node.is_constant else (node.op.name, *map(_kind, node.inputs[:3]))
        found = self._candidates.get(key)
        if found is None:
            found = tuple(rule for rule in self._rules if rule.wants(key[0], key[1:]))
            self._candidates[key] = found
        return found

    def _reduce(self, start: Node) -> Node:
        """Return the normal form of a node whose operands are in normal form."""
        normal = self._normal
        became: dict[Node, Node] = {}
        stack = [start]
        while stack:
            node = stack[-1]
            if node in normal:
                stack.pop()
                continue
            waiting = [each for each in node.inputs if each not in normal]
            if waiting:
                for each in waiting:
                    if each in became:  # it contains itself: leave it as it is
                        normal[each] = each
                    else:
                        stack.append(each)
                continue
            target = became.get(node)
            if target is None:
                target = self._step(node, len(became) < MAX_REWRITES)
                if target is None or target in became:
                    normal[node] = self._ordered(node)
                    continue
                became[node] = target
            if target in normal:
                normal[node] = normal[target]
            else:
                stack.append(target)
        return normal[start]

    def _step(self, node: Node, rewriting: bool) -> Node | None:
        """Return the node over its operands' normal forms, or else what the first rule makes of it."""
        new = node.replace([self._normal[each] for each in node.inputs])
        if new is not node:
            return new
        if rewriting:
            for rule in self._rules_for(node):
                result = rule.apply(node)
                if result is not None:
                    if self._log is not None:
                        self._log.append((rule.name, node, result))
                    return result
        return None

    def _ordered(self, node: Node) -> Node:
        """Return the node with its operands in canonical order, if its operation is commutative.

        Constants stand first; otherwise the order in which the graph first has the two stays, so that
        the printed program reads like its source, and a later b + a becomes that a + b.
        """
        if len(node.inputs) != 2 or not getattr(node.op, "commutative", False):
            return node
        a, b = node.inputs
        name = node.op.name
        if name in _CONSTANT_FIRST and is_constant(b) and not is_constant(a):
            a, b = b, a
            node = self._swapped(node)
        earlier = self._orders.get((name, b, a))
        if earlier is not None:
            return earlier
        self._orders[name, a, b] = node
        return node

    def _swapped(self, node: Node) -> Node:
        swapped = node.replace(node.inputs[::-1])
        self._normal[swapped] = swapped
        return swapped
