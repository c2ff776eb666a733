"""Divided differences f[x0, .., xk] of functions that are graphs, at points that may be equal or near.

Far points take the quotient (f[x1, ..] - f[x0, ..]) / (xk - x0). Near ones, at which it cancels, take the
formula of Hermite and Genocchi, the mean of the k-th derivative over the simplex of the points:

    f[x0, .., xk] = integral of f^(k)(x0 + t1 (x1 - x0) + .. + tk (xk - x[k-1])) over 1 >= t1 >= .. >= tk >= 0

by Gauss's rule, where the last coefficients of f^(k) in Legendre's polynomials between the outermost points
say that it converges: the rule's error is about their square. De Boor, "Divided differences" (2005).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from diffc.ir import Graph, Node, broadcast_shapes, substitute, topological
from diffc.ir.dtype import FORMATS
from diffc.ops.arithmetic import abs_, add, div, mul, sub
from diffc.ops.base import Array
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.constant import constant, constant_like
from diffc.ops.elementwise import Elementwise
from diffc.ops.logic import eq, le, logical_and, logical_or, where
from diffc.ops.reshaping import expand_dims

__all__ = ["Point", "apply", "divided_difference", "slope"]

_NODES = 8
"""Gauss's rule has this many nodes an axis."""

Point = Sequence[Node]
"""The values of a function's inputs: x, and the parameters that go with it."""


def apply(function: Graph, point: Point) -> Node:
    """Return the function of arrays, element by element."""
    (value,) = substitute(function.outputs, dict(zip(function.inputs, point, strict=True)))
    shape = broadcast_shapes(point[0].shape, value.shape)
    return value if shape is None else broadcast(value, shape)


@cache
def slope(function: Graph, position: int = 0) -> Graph | None:
    """Return the partial derivative by an input, None where it is zero."""
    wrt = function.inputs[position]
    slopes: dict[Node, Node] = {wrt: constant_like(1, wrt.dtype)}
    for node in topological(function.outputs):
        if node in slopes or not node.type.is_float or not node.op.differentiable:
            continue
        found = _change(node, slopes)
        if found is not None:
            slopes[node] = found
    (value,) = function.outputs
    return function.with_outputs((slopes[value],)) if value in slopes else None


def _change(node: Node, slopes: Mapping[Node, Node]) -> Node | None:
    changes = [slopes.get(each) for each in node.inputs]
    if all(each is None for each in changes):
        return None
    if node.op is where:
        zero = constant_like(0, node.dtype)
        return where(node.inputs[0], changes[1] or zero, changes[2] or zero)
    assert isinstance(node.op, Elementwise)
    total: Node | None = None
    for partial, change in zip(node.op.partials(node, *node.inputs), changes, strict=True):
        if change is not None and partial is not None:
            term = mul(partial, change)
            total = term if total is None else add(total, term)
    return total


def divided_difference(function: Graph, points: Sequence[Point]) -> Node:
    """Return f[x0, .., xk] of arrays that broadcast, whose points come in ascending order of x.

    Between points with other parameters only the quotient stands: NaN where their x are equal.
    """
    order = len(points) - 1
    if not order:
        return apply(function, points[0])
    derivative: Graph | None = function
    for _ in range(order):
        derivative = derivative and slope(derivative)
    gap = sub(points[-1][0], points[0][0])
    near = same = eq(gap, 0)
    if derivative is None:  # constant between jumps
        mean = constant_like(0, gap.dtype)
    else:
        mean, close = _mean(derivative, points)
        near = logical_or(same, close)
    alike = _alike(points)
    if alike is not None:
        near = logical_and(near, alike)
    change = sub(divided_difference(function, points[1:]), divided_difference(function, points[:-1]))
    return where(near, mean, where(same, constant_like(np.nan, gap.dtype), div(change, gap)))


def _alike(points: Sequence[Point]) -> Node | None:
    """Return where the parameters that vary are those of all points; None where none varies."""
    found: Node | None = None
    for a, b in pairwise(points):
        for p, q in zip(a[1:], b[1:], strict=True):
            if p is not q:
                equal = eq(p, q)
                found = equal if found is None else logical_and(found, equal)
    return found


def _mean(derivative: Graph, points: Sequence[Point]) -> tuple[Node, Node]:
    """Return the k-th derivative's mean over the simplex, and where Gauss's rule gives it to rounding."""
    dtype = points[0][0].dtype
    xs = [_with_axis(point[0]) for point in points]
    parameters = [_with_axis(each) for each in points[0][1:]]
    places, weights, last = _rule(len(points) - 1)
    x = xs[0]
    for (a, b), place in zip(pairwise(xs), places, strict=True):
        x = add(x, mul(constant(place, dtype), sub(b, a)))
    mean = sum_(mul(constant(weights, dtype), apply(derivative, [x, *parameters])), -1)
    # One coefficient a degree, along the line between the outermost points.
    line = add(xs[0], mul(constant(_rule(1)[0][0], dtype), sub(xs[-1], xs[0])))
    values = apply(derivative, [line, *parameters])
    size = sum_(mul(constant(_rule(1)[1], dtype), abs_(values)), -1)
    rest = [abs_(sum_(mul(constant(each, dtype), values), -1)) for each in last]
    tolerance = FORMATS[dtype].epsilon ** 0.5
    return mean, le(add(*rest), mul(constant_like(tolerance, dtype), size))


def _with_axis(x: Node) -> Node:
    return expand_dims(x, (x.rank,))


@cache
def _rule(order: int) -> tuple[tuple[Array, ...], Array, tuple[Array, Array]]:
    """Return each node's t1 >= .. >= tk and weight, and what gives the last two coefficients on a line."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    s, w = (x + 1) / 2, w / 2
    last = tuple(w * np.polynomial.legendre.legval(x, np.eye(_NODES)[k]) for k in (_NODES - 2, _NODES - 1))
    grids = np.meshgrid(*[s] * order, indexing="ij")
    factors = np.meshgrid(*[w] * order, indexing="ij")
    # Duffy's map of the cube: t1 = s1, t2 = s1 s2, .., whose volume element is s1^(k-1) s2^(k-2) ..
    places = np.cumprod(grids, axis=0)
    volume = np.prod([g ** (order - 1 - k) for k, g in enumerate(grids)], axis=0)
    weights = np.prod(factors, axis=0) * volume
    return tuple(each.ravel() for each in places), weights.ravel(), (last[0], last[1])
