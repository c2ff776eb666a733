"""The products of all elements but one, which overflow and underflow only where the true ones do.

[1e200, 1e200, 1e-200, 1e-200] has the product 1, and 1e200 without its last element, but the product of the
first two is no double. So each factor is multiplied by a power of two such that the products of the first few
stay near 1, and what that does to the product of all but one is taken back at the end. Powers of two are
exact: where nothing overflows, every bit is that of the plain products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.ir import Node, Type
from diffc.ops.arithmetic import abs_, add, minimum, mul, sub
from diffc.ops.base import Array, Composite, register
from diffc.ops.broadcasting import full, sum_
from diffc.ops.constant import constant_like
from diffc.ops.elementary import exp2, log2
from diffc.ops.logic import gt, logical_and, lt, where
from diffc.ops.recurrence import exclusive_products, linear_recurrence, shift
from diffc.ops.reshaping import flip, moveaxis
from diffc.ops.rounding import rint

__all__ = ["products_of_others"]

_LARGEST = {"f64": 1023, "f32": 127}
"""The largest exponent of a power of two."""


@register
class half_exponents_op(Composite):
    """Half the binary exponent of the product up to each place of the first axis, rounded to an integer.

    Zeros, infinities and NaN are passed over. What is made with it holds for any integers in its place:
    nothing is differentiated by it, and exact arithmetic takes zeros.
    """

    name = "half_exponents"
    summary = "half the binary exponent of the product up to each place of the first axis, rounded"
    cost = 40
    differentiable = False
    jumps = True
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the operand's type: floats with an axis."""
        return _checked(self, types)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Sum the logarithms."""
        size = np.abs(arrays[0])
        regular = (size > 0) & (size < np.inf)
        sums = np.cumsum(np.where(regular, np.log2(np.where(regular, size, 1)), 0), axis=0)
        return np.rint(sums / 2).astype(size.dtype)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return None: an integer has no tangent."""
        return None

    def expand(self, node: Node) -> Node:
        """Sum the logarithms."""
        (x,) = node.inputs
        size = abs_(x)
        regular = logical_and(gt(size, 0), lt(size, np.inf))
        logarithms = where(regular, log2(size), constant_like(0, x.dtype))
        return rint(mul(0.5, linear_recurrence(full(1, x.type), logarithms)))

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Put the new axis behind the first."""
        return moveaxis(Node.make(half_exponents_op, (moveaxis(inputs[0], 0, 1),), {}), 1, 0)


@register
class prod_of_others_op(Composite):
    """The product of all other elements along the first axis."""

    name = "prod_of_others"
    summary = "the product of all other elements along the first axis"
    cost = 60
    across_elements = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the operand's type: floats with an axis."""
        return _checked(self, types)

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Multiply mantissas and add exponents, where the numbers are floats."""
        (x,) = arrays
        mantissas, exponents = (x, np.zeros(x.shape, int)) if x.dtype == object else np.frexp(x)
        results: list[Array] = []
        for k in range(len(x)):
            product, exponent = np.ones_like(x[k])[()], 0
            for j in range(len(x)):
                if j != k:
                    product, exponent = product * mantissas[j], exponent + exponents[j]
                    if x.dtype != object:
                        product, more = np.frexp(product)
                        exponent = exponent + more
            results.append(product if x.dtype == object else np.ldexp(product, exponent))
        return np.array(results, x.dtype).reshape(x.shape)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return the tangents of both products, each times the other."""
        (x,), (dx,) = node.inputs, tangents
        if dx is None:
            return None
        factor, moderate, before, after, last = _moderated(x)
        drive = mul(mul(dx, factor), factor)
        d_before = _tangent(moderate, before, drive)
        d_after = _backwards(_tangent(*map(_backwards, (moderate, after, drive))))
        return mul(mul(add(mul(d_before, after), mul(before, d_after)), last), last)

    def linear_in(self, node: Node) -> Sequence[int]:
        """Return the operand: the Jacobian is symmetric, so that the JVP is its own transpose."""
        return (0,)

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Return the JVP along the cotangent, whose products are scaled before they are multiplied."""
        found = self.jvp(node, [cotangent])
        assert found is not None
        return found

    def expand(self, node: Node) -> Node:
        """Multiply the products from both sides."""
        _, _, before, after, last = _moderated(node.inputs[0])
        return mul(mul(mul(before, after), last), last)

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Put the new axis behind the first."""
        return moveaxis(Node.make(prod_of_others_op, (moveaxis(inputs[0], 0, 1),), {}), 1, 0)


def products_of_others(x: Node) -> Node:
    """Return, at each place of the first axis, the product of all other elements."""
    return Node.make(prod_of_others_op, (x,), {})


def _checked(op: Composite, types: Sequence[Type]) -> Type:
    if not types[0].is_float or types[0].rank == 0:
        raise op.problem(types, "it takes f64 or f32 with an axis")
    return types[0]


def _moderated(x: Node) -> tuple[Node, Node, Node, Node, Node]:
    """Return what x is multiplied by twice, that product, its products from both sides, and what these lack.

    The products of all but one element are before*after*last*last.
    """
    halves = Node.make(half_exponents_op, (x,), {})
    exponents = sub(shift(halves, 1), halves)
    factor = exp2(exponents)
    moderate = mul(mul(x, factor), factor)
    before, after = exclusive_products(moderate), _backwards(exclusive_products(_backwards(moderate)))
    # A product of 0 stays 0: an infinite factor would make it NaN.
    last = exp2(minimum(sub(exponents, sum_(exponents, 0)), _LARGEST[x.dtype]))
    return factor, moderate, before, after, last


def _tangent(x: Node, products: Node, dx: Node) -> Node:
    """Return the tangent of the exclusive products of x."""
    return linear_recurrence(shift(x, 1), mul(shift(dx, 1), shift(products, 1)))


def _backwards(x: Node) -> Node:
    return flip(x, (0,))
