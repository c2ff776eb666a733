"""Scalar replacement: tiny arrays that a program puts together and takes apart again become their elements.

A program of a few unknowns, such as a step of a differential equation's solver, writes `u, v = state` and
`np.stack([du, dv])` in every step. Between the two stand operations on arrays of two elements: each would be
a loop of its own, through memory. As scalars they stay in registers, and the slices and concatenations are
gone. That is done where the program does not grow by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diffc.ir import Graph, Node, carried
from diffc.ops import Elementwise, constant
from diffc.ops.constant import const
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import concatenate, slice_
from diffc.optimize.driver import Log

__all__ = ["scalar_replacement"]

MAX_ELEMENTS = 8
"""A longer array fills vectors: it stays one."""


def scalar_replacement(
    graph: Graph, stage: str = "before", math: str = "precise", log: Log | None = None
) -> Graph:
    """Return the graph with f(stack([x, y]), z) => stack([f(x, z[0]), f(y, z[1])]), where it grows not."""
    chosen = _chosen(graph)
    if not chosen:
        return graph
    done: Log = []
    new = _Elements(graph, chosen, None if log is None else done).run()
    if len(new.nodes) > len(graph.nodes):  # what was counted on was shared with something else
        return graph
    if log is not None:
        log += done
    return new


def _chosen(graph: Graph) -> set[Node]:
    """Return the nodes that become elements: whole groups of them, for which the program does not grow."""
    members = [node for node in graph.nodes if _is_stack(node) or _is_small(node)]
    groups = _Groups(members)
    for node in members:
        for each in node.inputs if _is_small(node) else ():
            groups.join(node, each)
    growth: dict[Node, int] = {}
    for node, amount in _growth(graph, groups):
        root = groups.root(node)
        growth[root] = growth.get(root, 0) + amount
    computes = {groups.root(node) for node in members if _is_small(node)}
    return {node for node in members if groups.root(node) in computes and growth[groups.root(node)] <= 0}


def _growth(graph: Graph, groups: _Groups) -> Iterator[tuple[Node, int]]:
    """Yield by how many nodes the program grows if a node's group is taken apart, in parts."""
    kept: set[Node] = {node for node in graph.outputs if node in groups}
    taken: set[tuple[Node, Node]] = set()
    for node in graph.nodes:
        if node in groups:
            count = _extent(node)
            yield node, count - 1 if _is_small(node) else -1 - count
            for each in node.inputs:
                if _is_small(node) and each not in groups and each.rank and not each.is_op("const"):
                    taken.add((groups.root(node), each))
        elif _is_read(node):
            if node.inputs[0] in groups:
                yield node.inputs[0], -2
        else:
            kept.update(each for each in node.inputs if each in groups)
    yield from ((node, _extent(node) + 1) for node in kept)
    yield from ((root, 2 * _extent(each)) for root, each in taken)


class _Groups:
    """Nodes that are taken apart together, or not at all."""

    def __init__(self, members: Sequence[Node]) -> None:
        self._above = {node: node for node in members}

    def __contains__(self, node: Node) -> bool:
        return node in self._above

    def root(self, node: Node) -> Node:
        """Return the node that stands for a member's group."""
        above = self._above
        while above[node] is not node:
            above[node] = node = above[above[node]]
        return node

    def join(self, node: Node, other: Node) -> None:
        """Make one group of two, where the other node is a member."""
        if other in self._above:
            self._above[self.root(other)] = self.root(node)


class _Elements:
    """One run: `_parts` has the elements of what is taken apart, `_new` what replaces the other nodes."""

    def __init__(self, graph: Graph, chosen: set[Node], log: Log | None) -> None:
        self._graph = graph
        self._chosen = chosen
        self._log = log
        self._new: dict[Node, Node] = {}
        self._parts: dict[Node, list[Node]] = {}
        self._wholes: dict[Node, Node] = {}

    def run(self) -> Graph:
        for node in self._graph.nodes:
            if node in self._chosen:
                self._parts[node] = self._taken_apart(node)
            else:
                self._new[node] = self._kept(node)
        outputs = list(map(self._whole, self._graph.outputs))
        new = {**{node: self._whole(node) for node in self._chosen}, **self._new}
        return self._graph.with_outputs(outputs, provenance=carried(self._graph.provenance, new))

    def _kept(self, node: Node) -> Node:
        source = node.inputs[0] if node.inputs else node
        if _is_read(node) and source in self._chosen:
            result = reshape(self._parts[source][node.attrs["starts"][0]], (1,))
        elif (
            node.is_op("reshape") and not node.rank and _is_read(source) and source.inputs[0] in self._chosen
        ):
            result = self._parts[source.inputs[0]][source.attrs["starts"][0]]
        else:
            return node.replace(list(map(self._whole, node.inputs)))
        if self._log is not None:
            before = node.replace(list(map(self._whole, node.inputs)))
            self._log.append((scalar_replacement.__name__, before, result))
        return result

    def _taken_apart(self, node: Node) -> list[Node]:
        if not _is_small(node):
            return [reshape(self._new[each], ()) for each in node.inputs]
        inputs = [self._elements(each, _extent(node)) for each in node.inputs]
        parts = [Node.make(node.op, each, node.attrs) for each in zip(*inputs, strict=True)]
        if self._log is not None:
            before = node.replace(list(map(self._whole, node.inputs)))
            self._log.append((scalar_replacement.__name__, before, _stacked(parts)))
        return parts

    def _elements(self, node: Node, count: int) -> Sequence[Node]:
        """Return the elements of an operand, each as a scalar."""
        if node in self._parts:
            return self._parts[node]
        new = self._new[node]
        if node.shape in ((), (1,)):
            return [reshape(new, ())] * count
        if node.is_op("const"):
            return [constant(each, node.dtype) for each in const.reference(node.attrs)]
        return [reshape(slice_(new, [k], [1]), ()) for k in range(count)]

    def _whole(self, node: Node) -> Node:
        """Return what replaces a node; its elements together, where it is taken apart."""
        parts = self._parts.get(node)
        if parts is None:
            return self._new[node]
        if node not in self._wholes:
            self._wholes[node] = _stacked(parts)
        return self._wholes[node]


def _stacked(parts: Sequence[Node]) -> Node:
    return concatenate([reshape(each, (1,)) for each in parts], 0)


def _is_tiny(node: Node) -> bool:
    return node.rank == 1 and isinstance(node.shape[0], int) and 1 < node.shape[0] <= MAX_ELEMENTS


def _is_stack(node: Node) -> bool:
    """Tell whether a node is a tiny array that is put together of single elements."""
    return node.is_op("concatenate") and _is_tiny(node) and len(node.inputs) == node.shape[0]


def _is_small(node: Node) -> bool:
    """Tell whether a node computes a tiny array element by element."""
    if not (isinstance(node.op, Elementwise) or node.is_op("cast")) or not _is_tiny(node):
        return False
    return all(each.shape in ((), (1,), node.shape) for each in node.inputs)


def _is_read(node: Node) -> bool:
    """Tell whether a node is one element of a vector, as a vector."""
    if not node.is_op("slice") or node.shape != (1,):
        return False
    return node.attrs["steps"] == (1,) and isinstance(node.attrs["starts"][0], int)


def _extent(node: Node) -> int:
    (extent,) = node.shape
    assert isinstance(extent, int)
    return extent
