"""Views: values that are other values read at other indices, so that they need no memory.

Transposes, broadcasts, slices, flips and most reshapes are followed down to the value that is really
computed, the base, while the index is rewritten on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

from diffc.ir import Extent, Node
from diffc.ops.broadcasting import broadcast_op
from diffc.ops.reshaping import flip_op, reshape_op, transpose_op
from diffc.ops.slicing import slice_op

__all__ = [
    "VIEWS", "Bases", "DimIndex", "Index", "Read", "aligned", "identity_index", "is_identity", "resolve",
]  # fmt: skip

VIEWS = (reshape_op, transpose_op, broadcast_op, slice_op, flip_op)
"""Operations that compute nothing."""


@dataclass(frozen=True, slots=True)
class DimIndex:
    """constant + factor * (the reader's dimension `dim`); without a dimension, a constant."""

    constant: Extent = 0
    dim: int | None = None
    factor: Extent = 1

    def shifted(self, by: Extent) -> DimIndex:
        """Return the index moved by a constant."""
        return DimIndex(self.constant + by, self.dim, self.factor)

    def scaled(self, by: Extent) -> DimIndex:
        """Return the index multiplied by a constant."""
        return DimIndex(self.constant * by, self.dim, self.factor * by)

    def is_dim(self, dim: int) -> bool:
        """Tell whether the index is exactly the reader's dimension `dim`."""
        return self.dim == dim and self.constant == 0 and self.factor == 1


Index: TypeAlias = tuple[DimIndex, ...]

Read: TypeAlias = tuple[Node, Index]
"""A base and the index at which it is read, in the reader's dimensions."""


def identity_index(shape: Sequence[Extent]) -> Index:
    """Return the index that reads every element at its own place; extents of 1 are read at 0."""
    return tuple(DimIndex() if extent == 1 else DimIndex(0, k) for k, extent in enumerate(shape))


def is_identity(index: Index, shape: Sequence[Extent]) -> bool:
    """Tell whether the index reads every element of this shape at its own place."""
    return index == identity_index(shape)


def aligned(operand: Node, shape: Sequence[Extent]) -> Index:
    """Return the index at which an operand is read when it is broadcast to a shape."""
    missing = len(shape) - operand.rank
    return tuple(DimIndex() if e == 1 else DimIndex(0, k + missing) for k, e in enumerate(operand.shape))


@dataclass(frozen=True, slots=True)
class Bases:
    """Where reads end: at what is no view, and at those views that are copied."""

    copied: AbstractSet[Node]

    def is_base(self, node: Node) -> bool:
        """Tell whether reads end at this node."""
        return node.op not in VIEWS or node in self.copied

    def resolve(self, node: Node, index: Index) -> Read:
        """Return what a read of a node at an index reads."""
        return resolve(node, index, self.is_base)

    def whole(self, node: Node) -> Read:
        """Return what a read of the whole node reads."""
        return resolve(node, identity_index(node.shape), self.is_base)

    def is_alias(self, node: Node) -> bool:
        """Tell whether a node is a reshape that mixes axes: the same memory under another shape."""
        return node.op is reshape_op and node not in self.copied and self.whole(node)[0] is node


def resolve(node: Node, index: Index, is_base: Callable[[Node], bool]) -> Read:
    """Return the base that a read of `node` at `index` reads, and the index there.

    `is_base` tells of a view that has memory of its own after all.
    """
    while not is_base(node):
        op = node.op
        if op is transpose_op:
            axes = node.attrs["axes"]
            index = tuple(index[axes.index(k)] for k in range(len(axes)))
        elif op is broadcast_op:
            shape = node.inputs[0].shape
            kept = index[len(index) - len(shape) :]
            index = tuple(DimIndex() if extent == 1 else at for extent, at in zip(shape, kept, strict=True))
        elif op is slice_op:
            a = node.attrs
            index = tuple(
                at.scaled(step).shifted(start)
                for at, start, step in zip(index, a["starts"], a["steps"], strict=True)
            )
        elif op is flip_op:
            index = tuple(
                at.scaled(-1).shifted(extent - 1) if k in node.attrs["axes"] else at
                for k, (at, extent) in enumerate(zip(index, node.shape, strict=True))
            )
        elif op is reshape_op:
            passed = _through_reshape(node, index)
            if passed is None:
                source, _ = resolve(node.inputs[0], identity_index(node.inputs[0].shape), is_base)
                return (source, ()) if source.rank == 0 else (node, index)
            index = passed
        else:
            return node, index
        node = node.inputs[0]
    return node, index


def _through_reshape(node: Node, index: Index) -> Index | None:
    """Return the index before a reshape that only adds or drops extents of 1; None for any other."""
    before, after = node.inputs[0].shape, node.shape
    if [e for e in before if e != 1] != [e for e in after if e != 1]:
        return None
    kept = iter([at for at, extent in zip(index, after, strict=True) if extent != 1])
    return tuple(DimIndex() if extent == 1 else next(kept) for extent in before)
