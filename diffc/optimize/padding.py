"""Sums of pads with disjoint supports become concatenations.

The gradient by a vector of which single components are read is a sum of pads, each as large as the
vector: n components would cost n**2 additions of zeros. The zeros are no numbers of the program but
contributions that are absent; adding none of them is what the derivative means.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

from diffc.ir import Graph, Node, Type, carried
from diffc.ops.arithmetic import add, sub
from diffc.ops.broadcasting import zeros
from diffc.ops.slicing import concatenate, pad
from diffc.optimize.driver import Log

__all__ = ["join_pads"]


@dataclass(frozen=True)
class _Block:
    """A value and where it stands in the sum: its first position along each axis."""

    value: Node
    lows: tuple[int, ...]

    def end(self, axis: int) -> int:
        """Return the position behind the block along an axis."""
        extent = self.value.shape[axis]
        assert isinstance(extent, int)
        return self.lows[axis] + extent

    def place(self, without: int) -> tuple[object, ...]:
        """Return what blocks must share to be joined along the axis `without`."""
        return tuple((self.lows[k], e) for k, e in enumerate(self.value.shape) if k != without)


def join_pads(graph: Graph, stage: str = "after", math: str = "precise", log: Log | None = None) -> Graph:
    """Return the graph with pad(x, 0, 1) + pad(y, 1, 0) => concatenate([x, y]), for any number of pads."""
    if not any(node.is_op("pad") for node in graph.nodes):
        return graph
    inner = _inner_additions(graph)
    new: dict[Node, Node] = {}
    for node in graph.nodes:
        changed = node.replace([new[each] for each in node.inputs])
        if node.is_op("add", "sub") and node not in inner:
            terms = [(new[each], negative) for each, negative in _terms(node, inner)]
            joined = _joined(terms, node.type)
            if joined is not None:
                changed = joined
                if log is not None:
                    log.append(("join_pads", node, changed))
        new[node] = changed
    outputs = [new[node] for node in graph.outputs]
    return graph.with_outputs(outputs, provenance=carried(graph.provenance, new))


def _inner_additions(graph: Graph) -> set[Node]:
    """Return the sums and differences that only one other of the same type uses."""
    outputs = set(graph.outputs)
    return {
        node
        for node, using in graph.users.items()
        if len(using) == 1
        and node.is_op("add", "sub")
        and using[0].is_op("add", "sub")
        and using[0].type == node.type
        and node not in outputs
    }


def _terms(root: Node, inner: set[Node]) -> list[tuple[Node, bool]]:
    """Return the terms of a sum, left to right, and whether each is subtracted."""
    terms: list[tuple[Node, bool]] = []
    waiting = [(root, False)]
    while waiting:
        node, negative = waiting.pop()
        if node is root or node in inner:
            left, right = node.inputs
            waiting += [(right, negative != node.is_op("sub")), (left, negative)]
        else:
            terms.append((node, negative))
    return terms


def _joined(terms: Sequence[tuple[Node, bool]], type_: Type) -> Node | None:
    """Return the sum of the terms, of the given type, with its pads joined; None where fewer than two can be.

    A pad that is broadcast by the addition has no place in the sum: it is repeated, and stays a term.
    """
    blocks: dict[tuple[object, ...], _Block] = {}
    rest: list[tuple[Node, bool]] = []
    count = 0
    for term, negative in terms:
        block = None if negative or term.type != type_ else _block(term)
        if block is None:
            rest.append((term, negative))
            continue
        count += 1
        key = (block.lows, block.value.shape)
        known = blocks.get(key)
        blocks[key] = block if known is None else _Block(add(known.value, block.value), block.lows)
    if count < 2:
        return None
    parts = list(blocks.values())
    for axis in reversed(range(type_.rank)):
        parts = _along(axis, parts, type_)
    if len(parts) == count:
        return None
    whole = [_filled(part, type_) for part in parts]
    result = whole[0]
    for term, negative in (*((part, False) for part in whole[1:]), *rest):
        result = sub(result, term) if negative else add(result, term)
    return result


def _block(node: Node) -> _Block | None:
    """Return what a pad pads, where all amounts are known and nothing is cut or spread."""
    if not node.is_op("pad") or any(node.attrs["gaps"]):
        return None
    amounts = (*node.attrs["lows"], *node.attrs["highs"], *node.shape)
    if not all(isinstance(each, int) and each >= 0 for each in amounts):
        return None
    return _Block(node.inputs[0], node.attrs["lows"])


def _along(axis: int, blocks: Sequence[_Block], type_: Type) -> list[_Block]:
    """Return the blocks with those that stand side by side along an axis joined."""
    rows: dict[tuple[object, ...], list[_Block]] = {}
    for block in blocks:
        rows.setdefault(block.place(axis), []).append(block)
    joined = [each for row in rows.values() for each in _row(axis, sorted(row, key=lambda b: b.lows[axis]))]
    if axis == 0 or len(joined) == 1:
        return joined
    # Blocks as wide as the whole along this axis can be joined along the axes before it.
    return [_widened(each, axis, type_) for each in joined]


def _row(axis: int, row: Sequence[_Block]) -> list[_Block]:
    """Return blocks, given in order, as few as there can be that do not overlap."""
    chains: list[list[_Block]] = []
    ends: list[tuple[int, int]] = []  # where each chain ends, in order
    for block in row:
        before = bisect_right(ends, (block.lows[axis], len(row))) - 1
        if before >= 0:
            number = ends.pop(before)[1]
        else:
            number = len(chains)
            chains.append([])
        chains[number].append(block)
        insort(ends, (block.end(axis), number))
    return [_chained(axis, chain) for chain in chains]


def _chained(axis: int, chain: Sequence[_Block]) -> _Block:
    """Return blocks that follow each other as one, with zeros between them."""
    parts: list[Node] = []
    position = chain[0].lows[axis]
    for block in chain:
        if block.lows[axis] > position:
            shape = list(block.value.shape)
            shape[axis] = block.lows[axis] - position
            parts.append(zeros(block.value.type.with_shape(tuple(shape))))
        parts.append(block.value)
        position = block.end(axis)
    return _Block(concatenate(parts, axis), chain[0].lows)


def _widened(block: _Block, axis: int, type_: Type) -> _Block:
    lows, highs = [0] * type_.rank, [0] * type_.rank
    extent = type_.shape[axis]
    assert isinstance(extent, int)
    lows[axis], highs[axis] = block.lows[axis], extent - block.end(axis)
    start = tuple(0 if k == axis else low for k, low in enumerate(block.lows))
    return _Block(pad(block.value, lows, highs), start)


def _filled(block: _Block, type_: Type) -> Node:
    highs = [extent - block.end(k) for k, extent in enumerate(type_.shape) if isinstance(extent, int)]
    return pad(block.value, block.lows, highs)
