"""logsumexp and softmax, its gradient: the pair behind every cross-entropy.

Both shift by the largest element, so that they are finite for every finite input and exact where the
unshifted formulas are; scheduled together they share the exponentials and their sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.ir import Node, Type
from diffc.ops.arithmetic import add, div, mul, sub
from diffc.ops.base import Array, Composite, register
from diffc.ops.broadcasting import checked_axes, normal_axes, sum_
from diffc.ops.constant import constant_like
from diffc.ops.elementary import exp, log
from diffc.ops.elementwise import cast
from diffc.ops.logic import eq, logical_and, lt, where
from diffc.ops.reductions import Reduction, amax
from diffc.ops.reshaping import expand_dims

__all__ = ["logsumexp", "softmax"]


def _shifted(x: Node, axes: tuple[int, ...]) -> tuple[Node, Node, Node]:
    """Return exp(x - shift), its sum, and the shift: the largest element, or 0 where that is not finite."""
    largest = amax(x, axes)
    finite = logical_and(lt(largest, np.inf), lt(-np.inf, largest))
    shift = where(finite, largest, constant_like(0, x.dtype))
    exponentials = exp(sub(x, expand_dims(shift, axes)))
    return exponentials, sum_(exponentials, axes), shift


def _reference(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array, Array]:
    largest = np.max(x, axis=axes, initial=-np.inf, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, x.dtype.type(0))
    exponentials = np.exp(x - shift)
    return exponentials, np.sum(exponentials, axis=axes, keepdims=True), shift


@register
class logsumexp_op(Reduction):
    """log(sum(exp(x))), finite for every finite x; -inf with zero gradient for -inf alone."""

    name = "logsumexp"
    summary = "log(sum(exp(x))) over axes, finite for every finite x"
    cost = 20
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Drop the axes; floats only."""
        if not types[0].is_float:
            raise self.problem(types, "it takes f64 or f32")
        return super().infer(types, attrs)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Shift by the largest element where that is finite."""
        (x,), axes = arrays, attrs["axes"]
        _, total, shift = _reference(x, axes)
        return np.asarray(np.squeeze(np.log(total) + shift, axes), x.dtype)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return the tangents weighted by softmax(x)."""
        (x,), (dx,), axes = node.inputs, tangents, node.attrs["axes"]
        return None if dx is None else sum_(mul(softmax(x, axes), dx), axes)

    def expand(self, node: Node) -> Node:
        """log(sum(exp(x - shift))) + shift."""
        _, total, shift = _shifted(node.inputs[0], node.attrs["axes"])
        return add(log(total), shift)


def logsumexp(x: Node, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Node:
    """Return log(sum(exp(x))) over some axes; integers enter as f64."""
    return logsumexp_op(x if x.type.is_float else cast(x, "f64"), axis, keepdims)


@register
class softmax_op(Composite):
    """exp(x) / sum(exp(x)) over axes, finite for every finite x; 0 where all elements are -inf."""

    name = "softmax"
    summary = "exp(x) / sum(exp(x)) over axes, finite for every finite x"
    cost = 24
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the operand's type; floats only."""
        if not types[0].is_float:
            raise self.problem(types, "it takes f64 or f32")
        checked_axes(self, types, attrs)
        return types[0]

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Divide the shifted exponentials by their sum, which is 0 only where all are."""
        (x,) = arrays
        exponentials, total, _ = _reference(x, attrs["axes"])
        return np.asarray(exponentials / np.where(total == 0, x.dtype.type(1), total), x.dtype)

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Normalise the same axes, one further right."""
        return Node.make(self, inputs, {"axes": tuple(axis + 1 for axis in node.attrs["axes"])})

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return p * (dx - sum(p * dx))."""
        (dx,), axes = tangents, node.attrs["axes"]
        return None if dx is None else mul(node, sub(dx, sum_(mul(node, dx), axes, keepdims=True)))

    def expand(self, node: Node) -> Node:
        """exp(x - shift) / sum(exp(x - shift))."""
        axes = node.attrs["axes"]
        exponentials, total, _ = _shifted(node.inputs[0], axes)
        one = constant_like(1, node.dtype)
        return div(exponentials, expand_dims(where(eq(total, 0), one, total), axes))


def softmax(x: Node, axis: int | Sequence[int] | None = -1) -> Node:
    """Return exp(x) / sum(exp(x)) over some axes, all for None; integers enter as f64."""
    x = x if x.type.is_float else cast(x, "f64")
    return Node.make(softmax_op, (x,), {"axes": normal_axes(x, axis, "softmax")})
