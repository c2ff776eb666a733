"""Broadcast and sum, each the other's transpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node, Type, broadcast_shapes, size_of
from diffc.ops.arithmetic import div
from diffc.ops.base import Array, Linear, Op, register
from diffc.ops.constant import constant_like, dim
from diffc.ops.elementwise import cast
from diffc.ops.reshaping import expand_dims, normal_axis, reshape

__all__ = [
    "broadcast", "checked_axes", "full", "mean", "normal_axes", "sum_", "sum_to", "with_leading_axis",
    "zeros",
]  # fmt: skip


@register
class broadcast_op(Linear):
    """Repeat along new axes and axes of extent 1."""

    name = "broadcast"
    summary = "repeat along new axes and axes of extent 1"
    cost = 0
    moves = True
    rearranges = True
    keeps_sign = "positive"

    def is_constant(self, node: Node) -> bool:
        """Tell that it is none: a broadcast moves towards the result, away from the constant."""
        return False

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type of the target shape, to which the operand must broadcast."""
        if broadcast_shapes(types[0].shape, attrs["shape"]) != attrs["shape"]:
            raise self.problem(types, f"it does not broadcast to {list(attrs['shape'])}")
        return types[0].with_shape(attrs["shape"])

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.broadcast_to."""
        return np.broadcast_to(arrays[0], attrs["shape"])

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Sum over what was repeated."""
        return sum_to(cotangent, node.inputs[0].shape)

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Broadcast behind the new axis."""
        (x,) = inputs
        missing = node.rank - node.inputs[0].rank
        aligned = reshape(x, (x.shape[0], *(1,) * missing, *node.inputs[0].shape))
        return broadcast(aligned, (x.shape[0], *node.shape))


def broadcast(x: Node, shape: Sequence[Extent]) -> Node:
    """Return `x` broadcast to a shape."""
    shape = tuple(shape)
    return x if x.shape == shape else Node.make(broadcast_op, (x,), {"shape": shape})


def full(value: float | bool, type_: Type) -> Node:
    """Return an array of one number: a scalar constant, broadcast."""
    return broadcast(constant_like(value, type_.dtype), type_.shape)


def zeros(type_: Type) -> Node:
    """Return zeros of a type."""
    return full(0, type_)


def with_leading_axis(inputs: Sequence[Node], batched: Sequence[bool]) -> list[Node]:
    """Return the inputs of a batched operation, those without the new leading axis repeated along it."""
    size = next(each.shape[0] for each, has_axis in zip(inputs, batched, strict=True) if has_axis)
    return [
        each if has_axis else broadcast(each, (size, *each.shape))
        for each, has_axis in zip(inputs, batched, strict=True)
    ]


def normal_axes(x: Node, axis: int | Sequence[int] | None, operation: str) -> tuple[int, ...]:
    """Return axes counted from 0, sorted; all of them for None."""
    if axis is None:
        return tuple(range(x.rank))
    axes = [axis] if isinstance(axis, int) else list(axis)
    normal = [normal_axis(each, x.rank, operation) for each in axes]
    if len(set(normal)) != len(normal):
        raise TypeProblem(f"{operation}: an axis is named twice in {list(axes)}")
    return tuple(sorted(normal))


def checked_axes(op: Op, types: Sequence[Type], attrs: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the axes that an operation works over; raise `TypeProblem` for others than its operand's."""
    axes = attrs["axes"]
    if not isinstance(axes, tuple) or axes != tuple(k for k in range(types[0].rank) if k in axes):
        raise op.problem(types, f"its axes are not {axes!r:.40}")
    return axes


@register
class sum_op(Linear):
    """The sum over axes."""

    name = "sum"
    keeps_sign = "nonnegative"
    summary = "the sum over axes"
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Drop the axes; truth values are counted as integers by the builder's cast."""
        axes = checked_axes(self, types, attrs)
        if types[0].dtype == "bool":
            raise self.problem(types, "truth values are not summed; cast them first")
        return types[0].with_shape(tuple(e for k, e in enumerate(types[0].shape) if k not in axes))

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.sum."""
        return np.sum(arrays[0], axis=attrs["axes"])

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Repeat along the axes that were summed."""
        return broadcast(expand_dims(cotangent, node.attrs["axes"]), node.inputs[0].shape)

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Sum the same axes, one further right."""
        return Node.make(sum_op, inputs, {"axes": tuple(axis + 1 for axis in node.attrs["axes"])})


def sum_(x: Node, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Node:
    """Return the sum over some axes, over all for None; no axes give `x` itself."""
    axes = normal_axes(x, axis, "sum")
    if x.dtype == "bool":
        x = cast(x, "i64")
    result = Node.make(sum_op, (x,), {"axes": axes}) if axes else x
    return expand_dims(result, axes) if keepdims else result


def mean(x: Node, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Node:
    """Return the sum over some axes divided by the number of elements."""
    axes = normal_axes(x, axis, "mean")
    if not x.type.is_float:
        x = cast(x, "f64")
    count = cast(dim(size_of(tuple(x.shape[axis] for axis in axes))), x.dtype)
    return div(sum_(x, axes, keepdims), count)


def sum_to(x: Node, shape: tuple[Extent, ...]) -> Node:
    """Return `x` summed to a shape from which it may have been broadcast."""
    if x.shape == shape:
        return x
    new = x.rank - len(shape)
    axes = [k for k, extent in enumerate(x.shape) if k < new or (shape[k - new] == 1 and extent != 1)]
    return reshape(sum_(x, axes), shape)
