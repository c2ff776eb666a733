"""Reductions that are not linear: max, prod and `any`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.ir import Node, Type, size_of
from diffc.ops.arithmetic import div, mul, neg, sub
from diffc.ops.attained import attaining
from diffc.ops.base import Array, Composite, register
from diffc.ops.broadcasting import checked_axes, normal_axes, sum_
from diffc.ops.constant import constant_like
from diffc.ops.elementwise import cast
from diffc.ops.logic import eq, where
from diffc.ops.products_of_others import products_of_others
from diffc.ops.reshaping import expand_dims, moveaxis, reshape, transpose

__all__ = ["Reduction", "amax", "amin", "any_", "prod"]


class Reduction(Composite):
    """A reduction over the axes in the attribute `axes`."""

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Drop the axes."""
        axes = checked_axes(self, types, attrs)
        return types[0].with_shape(tuple(e for k, e in enumerate(types[0].shape) if k not in axes))

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Reduce the same axes, one further right."""
        return Node.make(self, inputs, {"axes": tuple(axis + 1 for axis in node.attrs["axes"])})

    def __call__(self, x: Node, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Node:
        """Return the reduction over some axes, over all for None; no axes give `x` itself."""
        axes = normal_axes(x, axis, self.name)
        result = Node.make(self, (x,), {"axes": axes}) if axes else x
        return expand_dims(result, axes) if keepdims else result


@register
class amax(Reduction):
    """The largest element; -inf for none. Elements that tie share the derivative equally."""

    name = "max"
    summary = "the largest element over axes; ties share the derivative equally"
    moves = True
    across_elements = True

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.max, and the smallest number there is for no elements."""
        (x,) = arrays
        return np.max(x, axis=attrs["axes"], initial=lowest(x.dtype))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return the mean of the tangents of the elements that attain the maximum."""
        (x,), (dx,), axes = node.inputs, tangents, node.attrs["axes"]
        if dx is None:
            return None
        attained, count = eq(x, expand_dims(node, axes)), attaining(x, 1)
        weighted = dx if count is None else mul(count, dx)
        total = sum_(where(attained, weighted, constant_like(0, x.dtype)), axes)
        return div(total, self.attained(node, 1, [count]))

    def ranked(self, node: Node, sign: int) -> Sequence[tuple[int, int]]:
        """Return the operand, for the largest."""
        return [(0, sign)] if sign > 0 else ()

    def attained(self, node: Node, sign: int, counts: Sequence[Node | None]) -> Node:
        """Return how many elements attain the maximum, or how many values in them."""
        (x,), (count,), axes = node.inputs, counts, node.attrs["axes"]
        attained = eq(x, expand_dims(node, axes))
        each = cast(attained, x.dtype) if count is None else where(attained, count, constant_like(0, x.dtype))
        return sum_(each, axes)


def lowest(dtype: Any) -> Any:
    """Return the identity of the maximum: -inf, or the smallest integer."""
    return (
        -np.inf
        if np.dtype(dtype).kind == "f"
        else np.iinfo(dtype).min
        if np.dtype(dtype).kind == "i"
        else False
    )


def amin(x: Node, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Node:
    """Return the smallest element, as the negative of the largest of the negatives; of none the largest."""
    if x.dtype == "i64":  # -1 - x has no overflow
        return sub(-1, amax(sub(-1, x), axis, keepdims))
    return neg(amax(neg(x), axis, keepdims))


@register
class any_(Reduction):
    """Whether any element is true."""

    name = "any"
    summary = "whether any element over axes is true"
    across_elements = True
    differentiable = False

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Drop the axes; truth values only."""
        if types[0].dtype != "bool":
            raise self.problem(types, "it takes bool")
        return super().infer(types, attrs)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.any."""
        return np.asarray(np.any(arrays[0], axis=attrs["axes"]))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return None: a truth value has no tangent."""
        return None


@register
class prod_op(Reduction):
    """The product over one axis; exact derivatives with zeros among the factors."""

    name = "prod"
    summary = "the product over axes; derivatives are exact with zeros among the factors"
    across_elements = True

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.prod."""
        return np.prod(arrays[0], axis=attrs["axes"])

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return the sum of tangent times product of the other factors, which divides by nothing."""
        (x,), (dx,), (axis,) = node.inputs, tangents, node.attrs["axes"]
        if dx is None:
            return None
        return sum_(mul(moveaxis(dx, axis, 0), products_of_others(moveaxis(x, axis, 0))), 0)


def prod(x: Node, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Node:
    """Return the product over some axes, which become one."""
    axes = normal_axes(x, axis, "prod")
    result = cast(x, "i64") if x.dtype == "bool" else x
    if len(axes) > 1:
        rest = [each for each in range(x.rank) if each not in axes]
        result = transpose(result, (*rest, *axes))
        result = reshape(
            result, (*(x.shape[each] for each in rest), size_of(tuple(x.shape[each] for each in axes)))
        )
    if axes:
        result = Node.make(prod_op, (result,), {"axes": axes if len(axes) == 1 else (result.rank - 1,)})
    return expand_dims(result, axes) if keepdims else result
