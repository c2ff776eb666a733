"""Rearranging elements: reshape, transpose and flip. Each is undone by its own kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node, Type, size_of
from diffc.ops.base import Array, Linear, register
from diffc.ops.constant import const, constant

__all__ = ["expand_dims", "flip", "moveaxis", "normal_axis", "reshape", "transpose"]


def normal_axis(axis: int, rank: int, operation: str) -> int:
    """Return an axis counted from 0; raise `TypeProblem` when there is no such axis."""
    if not -rank <= axis < rank:
        raise TypeProblem(f"{operation}: there is no axis {axis} in an array with {rank} axes")
    return axis % rank


@register
class reshape_op(Linear):
    """The same elements, row-major, in another shape."""

    name = "reshape"
    summary = "the same elements, row-major, in another shape"
    cost = 0
    moves = True
    rearranges = True
    keeps_sign = "positive"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type of the new shape; the number of elements must agree."""
        if types[0].size != size_of(attrs["shape"]):
            raise self.problem(types, f"{types[0].size} elements do not fit the shape {list(attrs['shape'])}")
        return types[0].with_shape(attrs["shape"])

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.reshape."""
        return np.reshape(arrays[0], attrs["shape"])

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Reshape back."""
        return reshape(cotangent, node.inputs[0].shape)

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Keep the new axis."""
        return reshape(inputs[0], (inputs[0].shape[0], *node.shape))


def reshape(x: Node, shape: Sequence[Extent]) -> Node:
    """Return the elements of `x` in another shape; one extent may be -1 and is worked out."""
    shape = tuple(shape)
    if -1 in shape:
        known: Extent = 1
        for extent in shape:
            known = known if extent == -1 else known * extent
        total = x.size
        if isinstance(total, int):
            missing = total // known if isinstance(known, int) and known and total % known == 0 else None
        else:
            missing = total.divide(known)
        if missing is None or shape.count(-1) > 1:
            raise TypeProblem(f"reshape({x.type}): the extent -1 cannot be worked out in {list(shape)}")
        shape = tuple(missing if extent == -1 else extent for extent in shape)
    if shape == x.shape:
        return x
    if x.op is reshape_op:
        return reshape(x.inputs[0], shape)
    if x.op is const and x.type.size == size_of(shape):
        return constant(const.reference(x.attrs).reshape([int(str(e)) for e in shape]), x.dtype)
    return Node.make(reshape_op, (x,), {"shape": shape})


def expand_dims(x: Node, axes: Sequence[int]) -> Node:
    """Return `x` with new axes of extent 1 at these positions of the result."""
    shape = list(x.shape)
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return reshape(x, shape)


@register
class transpose_op(Linear):
    """Axes in another order."""

    name = "transpose"
    summary = "the axes in another order"
    cost = 0
    moves = True
    rearranges = True
    keeps_sign = "positive"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type with its extents permuted."""
        axes = attrs["axes"]
        if sorted(axes) != list(range(types[0].rank)):
            raise self.problem(types, f"the axes {list(axes)} are no permutation")
        return types[0].with_shape(tuple(types[0].shape[axis] for axis in axes))

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.transpose."""
        return np.transpose(arrays[0], attrs["axes"])

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Permute back."""
        axes = node.attrs["axes"]
        return transpose(cotangent, [axes.index(k) for k in range(len(axes))])

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Leave the new axis in front."""
        return transpose(inputs[0], (0, *(axis + 1 for axis in node.attrs["axes"])))


def transpose(x: Node, axes: Sequence[int] | None = None) -> Node:
    """Return `x` with its axes in another order; reversed when no order is given."""
    axes = (
        tuple(reversed(range(x.rank)))
        if axes is None
        else tuple(normal_axis(a, x.rank, "transpose") for a in axes)
    )
    if x.op is transpose_op:
        inner = x.attrs["axes"]
        return transpose(x.inputs[0], [inner[axis] for axis in axes])
    return x if axes == tuple(range(x.rank)) else Node.make(transpose_op, (x,), {"axes": axes})


def moveaxis(x: Node, source: int, destination: int) -> Node:
    """Return `x` with one axis moved to another position."""
    axes = list(range(x.rank))
    axes.insert(destination, axes.pop(source))
    return transpose(x, axes)


@register
class flip_op(Linear):
    """Elements in the opposite order along some axes."""

    name = "flip"
    summary = "the opposite order along some axes"
    cost = 0
    moves = True
    rearranges = True
    keeps_sign = "positive"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the operand's type."""
        return types[0]

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.flip."""
        return np.flip(arrays[0], attrs["axes"])

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Flip back."""
        return flip(cotangent, node.attrs["axes"])

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Flip the same axes, one further right."""
        return flip(inputs[0], [axis + 1 for axis in node.attrs["axes"]])


def flip(x: Node, axes: Sequence[int]) -> Node:
    """Return `x` in the opposite order along these axes."""
    normal = tuple(sorted({normal_axis(axis, x.rank, "flip") for axis in axes}))
    return Node.make(flip_op, (x,), {"axes": normal}) if normal else x
