"""Indexing by arrays: gather and its transpose scatter-add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import InputError, TypeProblem
from diffc.ir import Extent, Node, Type
from diffc.ops.arithmetic import add, mul, neg
from diffc.ops.base import Array, Linear, register
from diffc.ops.broadcasting import broadcast, zeros
from diffc.ops.constant import dim, iota
from diffc.ops.logic import ge, logical_and, lt, where
from diffc.ops.reshaping import moveaxis, normal_axis, reshape

__all__ = ["gather", "joined_indices", "joined_rows", "scatter_add"]


@register
class gather_op(Linear):
    """Rows of the first axis by an integer array; negative indices count from the end."""

    name = "gather"
    summary = "rows of the first axis by an integer array of indices"
    cost = 2
    moves = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the shape of the indices followed by that of a row."""
        x, indices = types
        if indices.dtype != "i64" or x.rank == 0:
            raise self.problem(types, "it takes an array with an axis and i64 indices")
        return x.with_shape((*indices.shape, *x.shape[1:]))

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.take along the first axis; raise `InputError` for an index outside."""
        x, indices = arrays
        _check_indices(indices, x.shape[0])
        return np.take(x, indices, axis=0)

    def linear_in(self, node: Node) -> Sequence[int]:
        """Linear in the array, not in the indices."""
        return (0,)

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Add each row of the cotangent where it was taken."""
        x, indices = node.inputs
        return scatter_add(zeros(x.type), indices, cotangent)

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Gather with batched indices directly; a batched array becomes one row axis further right.

        Where both are batched, the elements' rows stand one after another in one array.
        """
        x, indices = inputs
        if not batched[0]:
            return Node.make(gather_op, (x, indices), {})
        if batched[1]:
            rows, places = joined_rows(x), joined_indices(indices, x.shape[1])
            return Node.make(gather_op, (rows, places), {})
        result = Node.make(gather_op, (moveaxis(x, 0, 1), indices), {})
        return moveaxis(result, indices.rank, 0)


def gather(x: Node, indices: Node, axis: int = 0) -> Node:
    """Return `x` at integer indices along an axis: the index array's axes take that axis's place."""
    if x.rank == 0:
        raise TypeProblem("a scalar has no axis to index")
    if indices.dtype != "i64":
        raise TypeProblem(f"indices are i64, not {indices.dtype}")
    axis = normal_axis(axis, x.rank, "gather")
    result = Node.make(gather_op, (moveaxis(x, axis, 0), indices), {})
    for _ in range(indices.rank if axis else 0):
        result = moveaxis(result, 0, axis + indices.rank - 1)
    return result


@register
class scatter_add_op(Linear):
    """Add rows to the rows of an array that an integer array names; repeated ones add up."""

    name = "scatter_add"
    summary = "add rows at an integer array of indices; repeated indices add up"
    cost = 2
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type of the array that is added to."""
        base, indices, rows = types
        if indices.dtype != "i64" or rows != base.with_shape((*indices.shape, *base.shape[1:])):
            raise self.problem(types, "the rows must have the shape of the indices followed by that of a row")
        return base

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.add.at on a copy; raise `InputError` for an index outside."""
        base, indices, rows = arrays
        _check_indices(indices, base.shape[0])
        result = np.array(base)
        np.add.at(result, indices, rows)
        return result

    def linear_in(self, node: Node) -> Sequence[int]:
        """Jointly linear in the array and the rows."""
        return (0, 2)

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Pass to the array; gather for the rows."""
        return cotangent if position == 0 else gather(cotangent, node.inputs[1])

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Put the new axis behind the row axis; with batched indices add to the rows one after another."""
        base, indices, rows = inputs
        size = next(each.shape[0] for each, has_axis in zip(inputs, batched, strict=True) if has_axis)
        base = base if batched[0] else broadcast(base, (size, *base.shape))
        rows = rows if batched[2] else broadcast(rows, (size, *rows.shape))
        if batched[1]:
            total = scatter_add(joined_rows(base), joined_indices(indices, base.shape[1]), rows)
            return reshape(total, base.shape)
        return moveaxis(scatter_add(moveaxis(base, 0, 1), indices, moveaxis(rows, 0, indices.rank)), 1, 0)


def scatter_add(base: Node, indices: Node, rows: Node) -> Node:
    """Return `base` with rows added at integer indices of its first axis."""
    return Node.make(scatter_add_op, (base, indices, rows), {})


def joined_rows(x: Node) -> Node:
    """Return the rows of every element of a batch, one element after another."""
    size, extent, *rest = x.shape
    return reshape(x, (size * extent, *rest))


def joined_indices(indices: Node, extent: Extent, *, inside: bool = False) -> Node:
    """Return the places among joined rows; an index outside its element is outside the whole, too.

    With `inside` every index is known to lie in range(extent).
    """
    size = indices.shape[0]
    starts = mul(reshape(iota(size), (size, *(1,) * (indices.rank - 1))), dim(extent))
    if inside:
        return add(indices, starts)
    valid = logical_and(ge(indices, neg(dim(extent))), lt(indices, dim(extent)))
    from_start = where(lt(indices, 0), add(indices, dim(extent)), indices)
    return where(valid, add(from_start, starts), dim(size * extent))


def _check_indices(indices: Array, extent: int) -> None:
    outside = (indices < -extent) | (indices >= extent)
    if np.any(outside):
        raise InputError(f"the index {int(indices[outside].flat[0])} is outside an axis of extent {extent}")
