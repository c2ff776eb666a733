"""Layout: in a batch of matrices with few columns, the columns change places with the rows.

    z = (x[1, N, 3] - m[25, 1, 3]) @ w[25, 3, 3]; sum(square(z), axis=2)
    => z' = transpose(w) @ (transpose(x) - transpose(m)); sum(square(z'), axis=1)

A vector along an axis of 3 is half empty, and a sum over it must add its lanes. Only products, and what is
computed with their factors and results element by element, are laid out anew; whoever reads them otherwise
reads them as views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diffc import tuning
from diffc.ir import Graph, Node, carried, size_of
from diffc.ops import Elementwise
from diffc.ops.broadcasting import sum_op
from diffc.ops.elementwise import cast_op
from diffc.ops.products import matmul_op
from diffc.ops.reductions import amax, prod_op
from diffc.ops.reshaping import reshape, transpose, transpose_op
from diffc.schedule.narrow import narrow_product

__all__ = ["long_axes_last"]


def long_axes_last(graph: Graph) -> Graph:
    """Return a graph of the same values in which the matrices with few columns are stored by columns.

    A transposed matrix that a whole batch reads is copied, so that it is not read across its rows each time.
    """
    tall = _tall_nodes(graph)
    new: dict[Node, Node] = {}
    turned: dict[Node, Node] = {}

    def change(node: Node, inputs: Sequence[Node]) -> Node:
        if node.op is transpose_op:
            return transpose(inputs[0], node.attrs["axes"])
        if node not in tall and isinstance(node.op, Elementwise):
            return node.replace([_copied(each, node) for each in inputs])
        if node not in tall:
            found = _reduced(node, inputs) or node.replace(inputs)
            return (narrow_product(found) if found.op is matmul_op else None) or found
        if node.op is matmul_op:
            a, b = inputs
            turned[node] = Node.make(matmul_op, (_swapped(b), _swapped(a)), node.attrs)
        else:
            turned[node] = Node.make(node.op, [_operand(each, node) for each in inputs], node.attrs)
        return _swapped(turned[node])

    for node in graph.nodes:
        new[node] = change(node, [new[each] for each in node.inputs])
    outputs = [new[node] for node in graph.outputs]
    return graph.with_outputs(outputs, provenance=carried(graph.provenance, new, turned))


def _tall_nodes(graph: Graph) -> set[Node]:
    """Return the tall matrices among products, and what is computed with them element by element.

    What is connected is laid out together, or not at all where it reads or gives whole rows to the outside.
    """
    products = [node for node in graph.nodes if node.op is matmul_op]
    seeds = {node for node in products if _is_tall(node) and _is_short(node)}
    seeds.update(each for node in products for each in map(_untransposed, node.inputs) if _is_computed(each))
    outputs = set(graph.outputs)
    found: set[Node] = set()
    seen: set[Node] = set()
    for seed in seeds:
        if seed not in seen:
            connected = _connected(seed, graph.users, seeds)
            seen |= connected
            if not any(_is_at_the_edge(node, connected, outputs) for node in connected):
                found |= connected
    return found


def _connected(seed: Node, users: Mapping[Node, Sequence[Node]], seeds: set[Node]) -> set[Node]:
    """Return a node with all that is connected to it: of its shape, or by a product with a small matrix."""
    found = {seed}
    waiting = [seed]
    while waiting:
        node = waiting.pop()
        near = {n for n in (*users.get(node, ()), *map(_untransposed, node.inputs)) if n.shape == node.shape}
        near.update(
            n for n in users.get(node, ()) if n in seeds and n.op is matmul_op and n.inputs[0] is node
        )
        near.update(node.inputs[:1] if node.op is matmul_op else ())
        new = [n for n in near if n not in found and (_is_computed(n) or n in seeds)]
        found.update(new)
        waiting.extend(new)
    return found


def _is_at_the_edge(node: Node, connected: set[Node], outputs: set[Node]) -> bool:
    """Tell whether a node is an output, or reads a whole tall matrix that is not laid out anew."""
    read = node.inputs[:1] if node.op is matmul_op else node.inputs
    whole = [
        each for each in map(_untransposed, read) if _is_tall(each) and each.shape[:-1] == node.shape[:-1]
    ]
    return node in outputs or any(each not in connected for each in whole)


def _is_computed(node: Node) -> bool:
    return (isinstance(node.op, Elementwise) or node.op is cast_op) and _is_tall(node)


def _is_tall(node: Node) -> bool:
    """Tell whether a node is a batch of matrices whose last axis is short and the one before it long."""
    if node.rank < 3:
        return False
    rows, columns = node.shape[-2:]
    short = isinstance(columns, int) and 1 < columns <= tuning.SHORT_AXIS
    return short and not (isinstance(rows, int) and rows < tuning.LONG_AXIS) and _are_many(node)


def _are_many(node: Node) -> bool:
    """Tell whether a batch has so many matrices that a copy of what they share pays."""
    number = size_of(node.shape[:-2])
    return isinstance(number, int) and number >= tuning.BATCH_WORTH_A_COPY


def _is_short(product: Node) -> bool:
    inner = product.inputs[0].shape[-1]
    return isinstance(inner, int) and inner <= tuning.SHORT_AXIS


def _untransposed(node: Node) -> Node:
    """Return what a factor is the transpose of, if it is one."""
    is_swap = node.op is transpose_op and node.attrs["axes"] == _swap(node.rank)
    return node.inputs[0] if is_swap else node


def _swap(rank: int) -> tuple[int, ...]:
    return (*range(rank - 2), rank - 1, rank - 2)


def _swapped(x: Node) -> Node:
    return transpose(x, _swap(x.rank))


def _operand(x: Node, node: Node) -> Node:
    """Return an operand of a tall computation as the swapped one reads it."""
    if x.rank == 0:
        return x
    if x.rank == 1:
        return reshape(x, (*x.shape, 1))
    return _copied(_swapped(x), node)


def _copied(x: Node, node: Node) -> Node:
    """Return a copy of a transposed matrix that every matrix of a batch reads, else the operand as it is."""
    alone = all(extent == 1 for extent in x.shape[:-2])
    often = alone and 1 not in x.shape[-2:] and _are_many(node)
    across = x.op is transpose_op and x.attrs["axes"][-1] != x.rank - 1
    return Node.make(cast_op, (x,), {"dtype": x.dtype}) if often and across else x


def _reduced(node: Node, inputs: Sequence[Node]) -> Node | None:
    """Return a reduction of what was laid out anew, along its present axes."""
    if node.op not in (sum_op, prod_op, amax) or inputs[0].op is not transpose_op:
        return None
    (x,) = inputs
    swap = _swap(x.rank)
    if x.attrs["axes"] != swap or not _is_tall(x):
        return None
    axes = tuple(sorted(swap[axis] for axis in node.attrs["axes"]))
    reduced = Node.make(node.op, (x.inputs[0],), {**node.attrs, "axes": axes})
    return reduced if set(axes) & set(swap[-2:]) else _swapped(reduced)
