"""Order: sorting, searching, and where the extremes are.

A place is locally constant, so that `argsort`, `searchsorted`, `argmax` and `argmin` have zero derivative.
`sort` gathers by the permutation: its derivative goes where the elements came from. NaN is above all numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Node, Type, broadcast_shapes, promote, size_of
from diffc.ops.arithmetic import maximum, neg, sub
from diffc.ops.base import Array, Composite, register
from diffc.ops.broadcasting import broadcast, with_leading_axis
from diffc.ops.constant import dim, iota
from diffc.ops.elementwise import cast
from diffc.ops.indexing import gather, joined_indices, joined_rows
from diffc.ops.logic import eq, logical_or, ne, where
from diffc.ops.reductions import amax
from diffc.ops.reshaping import moveaxis, normal_axis, reshape

__all__ = ["argmax", "argmin", "argsort", "searchsorted", "sort", "take_along_axis"]

SORT_COST = 100
"""The cost of an element of a sort: worth storing rather than computing again."""


@register
class argsort_op(Composite):
    """The places of the elements in ascending order of the last axis; equal ones as they come, NaN last."""

    name = "argsort"
    summary = "the permutation that sorts the last axis; stable, NaN last"
    differentiable = False
    cost = SORT_COST
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return i64 in the same shape."""
        (x,) = types
        if x.rank == 0:
            raise self.problem(types, "it takes an array with an axis")
        return Type("i64", x.shape)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.argsort, the stable one."""
        return np.argsort(arrays[0], axis=-1, kind="stable").astype(np.int64)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return None: a place has no tangent."""
        return None

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Leave the new leading axis alone."""
        return Node.make(self, inputs, {})


def argsort(x: Node, axis: int | None = -1) -> Node:
    """Return the permutation that sorts along an axis, or all elements for None; stable, NaN last."""
    x, axis = _along(x, axis, "argsort")
    return moveaxis(Node.make(argsort_op, (moveaxis(x, axis, x.rank - 1),), {}), x.rank - 1, axis)


def sort(x: Node, axis: int | None = -1) -> Node:
    """Return the elements in ascending order along an axis, or all of them for None; NaN last."""
    x, axis = _along(x, axis, "sort")
    last = moveaxis(x, axis, x.rank - 1)
    ordered = _picked(last, Node.make(argsort_op, (last,), {}), inside=True)
    return moveaxis(ordered, x.rank - 1, axis)


def take_along_axis(x: Node, indices: Node, axis: int | None = -1) -> Node:
    """Return `x` at indices of an axis, each row at its own; negative ones count from the end.

    Raises:
        TypeProblem: for indices that are not i64, or whose other axes do not broadcast with those of `x`.
    """
    if indices.dtype != "i64":
        raise TypeProblem(f"take_along_axis: indices are i64, not {indices.dtype}")
    x, axis = _along(x, axis, "take_along_axis")
    if x.rank != indices.rank:
        raise TypeProblem(
            f"take_along_axis: {x.type} and the indices {indices.type} differ in their number of axes"
        )
    x, indices = moveaxis(x, axis, x.rank - 1), moveaxis(indices, axis, x.rank - 1)
    leading = broadcast_shapes(x.shape[:-1], indices.shape[:-1])
    if leading is None:
        raise TypeProblem(
            f"take_along_axis: beside the axis, {x.type} and the indices {indices.type} do not broadcast"
        )
    x, indices = broadcast(x, (*leading, x.shape[-1])), broadcast(indices, (*leading, indices.shape[-1]))
    return moveaxis(_picked(x, indices), x.rank - 1, axis)


def _along(x: Node, axis: int | None, what: str) -> tuple[Node, int]:
    """Return the array and the axis, counted from the front; all elements in one axis for None."""
    if axis is None:
        return reshape(x, (size_of(x.shape),)), 0
    if x.rank == 0:
        raise TypeProblem(f"{what}: a scalar has no axis")
    return x, normal_axis(axis, x.rank, what)


def _picked(x: Node, indices: Node, *, inside: bool = False) -> Node:
    """Return rows [..., n] at indices [..., k] of each; `inside` tells that these lie in range(n)."""
    if x.rank == 1:
        return gather(x, indices)
    *leading, n = x.shape
    count = size_of(tuple(leading))
    places = joined_indices(reshape(indices, (count, indices.shape[-1])), n, inside=inside)
    return reshape(gather(joined_rows(reshape(x, (count, n))), places), indices.shape)


@register
class searchsorted_op(Composite):
    """Where elements belong in ascending arrays; leading axes of the arrays are those of the elements."""

    name = "searchsorted"
    summary = "the place, from the left or the right, of elements in an ascending array"
    differentiable = False
    cost = SORT_COST
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return i64 in the shape of the elements."""
        a, v = types
        if a.rank == 0 or a.dtype != v.dtype or v.shape[: a.rank - 1] != a.shape[:-1]:
            raise self.problem(
                types, "it takes an array with an axis and elements, of one dtype and with equal leading axes"
            )
        return Type("i64", v.shape)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.searchsorted of each array."""
        a, v = arrays
        result = np.empty(v.shape, np.int64)
        for place in np.ndindex(a.shape[:-1]):
            result[place] = np.searchsorted(a[place], v[place], side=attrs["side"])
        return result

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return None: a place has no tangent."""
        return None

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Search one array for all elements of a batch, or each for its own."""
        common = not batched[0] and inputs[0].rank == 1
        whole = inputs if common else with_leading_axis(inputs, batched)
        return Node.make(self, whole, node.attrs)


def searchsorted(a: Node, v: Node, side: str = "left") -> Node:
    """Return where elements belong in an ascending vector: before equal ones, or behind them for "right"."""
    if side not in ("left", "right"):
        raise TypeProblem(f'searchsorted: side is "left" or "right", not {side!r}')
    if a.rank != 1:
        raise TypeProblem(f"searchsorted: it searches a vector, not {a.type}")
    dtype = promote(a.dtype, v.dtype)
    return Node.make(searchsorted_op, (cast(a, dtype), cast(v, dtype)), {"side": side})


def argmax(x: Node, axis: int | None = None, keepdims: bool = False) -> Node:
    """Return the first place of the largest element along an axis, or among all for None; NaN is largest.

    0 where a symbolic extent turns out to be 0.

    Raises:
        TypeProblem: for an axis without elements.
    """
    flat, along = _along(x, axis, "argmax")
    n = flat.shape[along]
    if n == 0:
        raise TypeProblem(f"argmax({x.type}): there are no elements")
    if flat.dtype == "bool":
        flat = cast(flat, "i64")
    attained = eq(flat, amax(flat, along, keepdims=True))
    if flat.type.is_float:
        attained = logical_or(attained, ne(flat, flat))
    places = reshape(iota(n), (n, *(1,) * (flat.rank - along - 1)))
    none = neg(dim(n))
    latest = amax(where(attained, neg(places), none), along)
    first = neg(latest if isinstance(n, int) else maximum(latest, none))
    if not keepdims:
        return first
    kept = (1,) * x.rank if axis is None else (*x.shape[:along], 1, *x.shape[along + 1 :])
    return reshape(first, kept)


def argmin(x: Node, axis: int | None = None, keepdims: bool = False) -> Node:
    """Return the first place of the smallest element, as `argmax` does; NaN is smallest, too."""
    if x.type.is_float:
        return argmax(neg(x), axis, keepdims)
    # -1 - x reverses the order of all integers, where -x would overflow.
    return argmax(sub(-1, cast(x, "i64")), axis, keepdims)
