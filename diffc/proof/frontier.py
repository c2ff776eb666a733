"""Local equations, and how far down their claimed side is read: the frontier of free symbols.

The natural frontier is the adjoints or tangents on the right, the shares of structural operations, and the
operands of the elementwise operations in question. Where that is too coarse (the compiler moved a mask out
of a product, or one of the symbols is computed from another) the caller asks for a deeper one. Any frontier
is sound, since what holds for free symbols holds for what they stand for, with one care: a comparison may
be decided "off its tie" only where a tie is a convention, that is in the operations' own partials. Any other
comparison stands for both truth values, however its operands are related (some elements of x always equal
max(x)).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from diffc.ir import Node, topological
from diffc.ops import Elementwise
from diffc.proof.matrices import MATRIX_OPERATIONS

__all__ = [
    "TURNS", "LocalEquation", "Product", "frontier_at", "names_places", "nodes_of",
]  # fmt: skip

MAX_REACH, MAX_LOGIC = 12, 48
"""How many operations below the equation's nodes numbers and truth values are read."""

TURNS = ("lt", "le", "gt", "ge", "eq", "ne", "sign")
"""Operations that jump between two values, off their switching surface: read case by case."""

_MOVES = ("broadcast", "reshape", "transpose", "sum", "any", "slice", "pad", "concatenate")
_PLACED = ("slice", "pad", "concatenate", "gather", "scatter_add")


class Product(NamedTuple):
    """factor * d consumer / d its argument at `place`, for an elementwise consumer."""

    factor: Node
    consumer: Node
    place: int


@dataclass
class LocalEquation:
    """claimed == the sum of the terms, each brought to the shape of `node`; None claims zero.

    `whole` is the equation of which this one is a part, if it is.
    """

    subject: str
    node: Node
    claimed: Node | None
    terms: list[Product | Node] = field(default_factory=list[Product | Node])
    whole: LocalEquation | None = None

    def part(self, claimed: Node | None, terms: list[Product | Node]) -> LocalEquation:
        """Return an equation between parts of this one."""
        return LocalEquation(self.subject, self.node, claimed, terms, self.whole or self)

    @property
    def shares(self) -> list[Node]:
        """The shares of structural operations in the whole equation."""
        return [each for each in (self.whole or self).terms if isinstance(each, Node)]

    @property
    def consumers(self) -> list[Node]:
        """The elementwise nodes whose derivatives stand on the right."""
        return list(dict.fromkeys(each.consumer for each in self.terms if isinstance(each, Product)))

    @property
    def factors(self) -> list[Node]:
        """The adjoints, tangents and shares on the right."""
        return [each.factor if isinstance(each, Product) else each for each in self.terms]

    @property
    def roots(self) -> list[Node]:
        """Everything that the equation speaks of."""
        return [*self.factors, *self.consumers, *([] if self.claimed is None else [self.claimed])]


def is_switch(node: Node) -> bool:
    """Tell whether an operation jumps, and is constant off its switching surface."""
    return node.op.jumps and not node.op.differentiable


def frontier_at(equation: LocalEquation, depth: int) -> frozenset[Node]:
    """Return the nodes that stand as symbols, `depth` operations below the natural ones."""
    consumers = set(equation.consumers)
    own = _own_switches(equation)
    frontier = {*equation.factors, *(each for consumer in consumers for each in consumer.inputs)}
    frontier -= consumers
    for _ in range(depth):
        opened = [node for node in frontier if _opens(node, own)]
        frontier = (frontier - set(opened)) | {each for node in opened for each in node.inputs}
        frontier -= consumers
    return _closed(equation, {node for node in frontier if not _is_constant(node)}, own)


def _opens(node: Node, own: set[Node]) -> bool:
    """Tell whether a node may be read through to its operands."""
    if is_switch(node):
        return node in own
    return isinstance(node.op, Elementwise) or node.is_op(*_MOVES)


def _own_switches(equation: LocalEquation) -> set[Node]:
    """Return the jumps in the partials of the equation's operations.

    One that compares two values and is part of a structural share too is left out: x == max(x) is no tie.
    """
    found: set[Node] = set()
    for consumer in equation.consumers:
        if not isinstance(consumer.op, Elementwise):
            continue
        partials = [p for p in consumer.op.partials(consumer, *consumer.inputs) if isinstance(p, Node)]
        stop = {consumer, *consumer.inputs}
        found.update(n for n in topological(partials, stop=stop) if n not in stop and is_switch(n))
    pairs = {node for node in found if sum(not _is_constant(each) for each in node.inputs) > 1}
    return found - pairs.intersection(_within_reach(equation.shares)) if pairs else found


def _within_reach(nodes: Iterable[Node]) -> list[Node]:
    level = list(nodes)
    seen = set(level)
    for _ in range(MAX_REACH):
        level = [each for each in dict.fromkeys(e for node in level for e in node.inputs) if each not in seen]
        seen.update(level)
    return list(seen)


def _is_constant(node: Node) -> bool:
    while node.is_op("broadcast", "reshape"):
        node = node.inputs[0]
    # What a factorization of constants gives has no exact form: it stands for any value.
    return node.is_constant and not any(each.is_op(*MATRIX_OPERATIONS) for each in topological((node,)))


def _closed(equation: LocalEquation, frontier: set[Node], own: set[Node]) -> frozenset[Node]:
    """Return the frontier with what lies beside it: inputs, jumps, and what is out of reach."""
    level = [node for node in equation.roots if node not in frontier]
    seen = set(level)
    consumers = set(equation.consumers)
    for reach in range(MAX_LOGIC + 1):
        below: list[Node] = []
        for node in level:
            limit = MAX_LOGIC if node.dtype == "bool" else MAX_REACH
            far = reach >= limit and not _is_constant(node)
            jumps = is_switch(node) and node not in own and node not in consumers
            if far or jumps or node.is_op("input"):
                frontier.add(node)
            else:
                below += [each for each in node.inputs if each not in frontier and each not in seen]
                seen.update(below)
        level = below
    return frozenset(frontier)


def nodes_of(equation: LocalEquation, frontier: frozenset[Node]) -> list[Node]:
    """Return what has to be computed and what it is computed from, operands first."""
    return topological(equation.roots, stop=frontier)


def names_places(nodes: Iterable[Node], frontier: frozenset[Node]) -> bool:
    """Tell whether an operation that names places is read: it means something at the true extents alone."""
    return any(node.is_op(*_PLACED) for node in nodes if node not in frontier)
