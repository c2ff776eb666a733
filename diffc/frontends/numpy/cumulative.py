"""Running sums and products, differences, derivatives and integrals of sampled functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import known_integer, unsupported
from diffc.frontends.numpy.joining import part
from diffc.frontends.numpy.operands import as_array, as_axes, as_axis, as_number, as_number_dtype, floating
from diffc.frontends.numpy.reductions import without_nan
from diffc.frontends.numpy.registry import implements, present
from diffc.frontends.numpy.shapes import ravel
from diffc.ir import Extent, Node, require
from diffc.ops import cast, constant_like, lift, reshaping, slicing
from diffc.ops.arithmetic import abs_, add, div, maximum, mul, sub
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.elementwise import Operand
from diffc.ops.logic import eq, gt, logical_and, lt, ne, where
from diffc.ops.remainders import mod
from diffc.syntax import compositions


def _along(a: Any, axis: Any, dtype: Any, what: str) -> tuple[Node, int]:
    x = ravel(a) if axis is None else as_array(a)
    x = x if dtype is None else cast(x, as_number_dtype(dtype))
    return x, 0 if axis is None else as_axis(axis, x.rank, what)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Node:
    """numpy.cumsum."""
    unsupported("cumsum", out=out)
    return compositions.cumsum(*_along(a, axis, dtype, "cumsum"))


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Node:
    """numpy.cumprod; exact with zeros among the factors."""
    unsupported("cumprod", out=out)
    return compositions.cumprod(*_along(a, axis, dtype, "cumprod"))


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Node:
    """numpy.nancumsum: NaN counts as 0."""
    return cumsum(without_nan(as_array(a), 0), axis, dtype, out)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Node:
    """numpy.nancumprod: NaN counts as 1."""
    return cumprod(without_nan(as_array(a), 1), axis, dtype, out)


def _with_initial(x: Node, axis: Any, dtype: Any, include_initial: bool, name: str) -> Node:
    if axis is None and x.rank != 1:
        raise TypeProblem(f"numpy.{name}: {x.type} needs 'axis'")
    x, along = _along(x, 0 if axis is None else axis, dtype, name)
    total = cumsum(x, along) if name == "cumulative_sum" else cumprod(x, along)
    if not include_initial:
        return total
    shape = (*total.shape[:along], 1, *total.shape[along + 1 :])
    first = broadcast(constant_like(0 if name == "cumulative_sum" else 1, total.dtype), shape)
    return slicing.concatenate([first, total], along)


@implements(*present("cumulative_sum"))
def cumulative_sum(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Node:
    """numpy.cumulative_sum."""
    unsupported("cumulative_sum", out=out)
    return _with_initial(as_array(x), axis, dtype, include_initial, "cumulative_sum")


@implements(*present("cumulative_prod"))
def cumulative_prod(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Node:
    """numpy.cumulative_prod."""
    unsupported("cumulative_prod", out=out)
    return _with_initial(as_array(x), axis, dtype, include_initial, "cumulative_prod")


def _steps(x: Node, axis: int) -> Node:
    """Return the differences of neighbours along an axis; whether they differ, for truth values."""
    extent = x.shape[axis]
    if extent == 0:
        return x
    later, earlier = part(x, 1, extent, axis), part(x, 0, extent - 1, axis)
    return ne(later, earlier) if x.dtype == "bool" else sub(later, earlier)


@implements(np.diff)
def diff(a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Node:
    """numpy.diff: the n-th differences along an axis."""
    x = as_array(a)
    order = known_integer(n, "n")
    if order < 0:
        raise TypeProblem(f"numpy.diff: the order is not negative: {order}")
    along = as_axis(axis, x.rank, "diff")
    ends = [_end(x, each, along) for each in (prepend, append)]
    if order == 0:
        return x
    x = slicing.concatenate([*ends[0], x, *ends[1]], along)
    for _ in range(order):
        x = _steps(x, along)
    return x


def _end(x: Node, value: Any, axis: int) -> list[Node]:
    if value is None or value is np._NoValue:  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
        return []
    node = as_array(value)
    return [broadcast(node, (*x.shape[:axis], 1, *x.shape[axis + 1 :])) if node.rank == 0 else node]


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Node:
    """numpy.ediff1d."""
    steps = _steps(ravel(ary), 0)
    ends = [[] if each is None else [cast(ravel(each), steps.dtype)] for each in (to_begin, to_end)]
    return slicing.concatenate([*ends[0], steps, *ends[1]])


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """numpy.gradient: central differences inside, one-sided ones at the ends, along each axis."""
    x = floating(as_array(f))
    axes = as_axes(axis, x.rank, "gradient")
    order = known_integer(edge_order, "edge_order")
    if order not in (1, 2):
        raise TypeProblem(f"numpy.gradient: edge_order is 1 or 2, not {order}")
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeProblem(f"numpy.gradient: {len(varargs)} spacings for {len(axes)} axes")
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    results = [_slopes(x, each, along, order) for each, along in zip(spacings, axes, strict=True)]
    return results[0] if len(axes) == 1 else tuple(results)


def _slopes(x: Node, spacing: Any, axis: int, order: int) -> Node:
    extent = x.shape[axis]
    require(
        extent - order - 1, f"numpy.gradient: axis {axis} of {x.type} needs at least {order + 1} elements"
    )
    step = as_number(spacing)
    if isinstance(step, Node) and step.rank and step.shape != (extent,):
        raise TypeProblem(f"numpy.gradient: the coordinates {step.type} do not fit axis {axis} of {x.type}")
    widths = _widths(floating(step), x.rank - axis) if isinstance(step, Node) and step.rank else step
    last = extent - 1
    slopes = div(_steps(x, axis), widths)
    inside = _between(x, widths, slopes, axis)
    start = _at_end(slopes, widths, axis, [0, 1][:order])
    end = _at_end(slopes, widths, axis, [last - 1, last - 2][:order])
    return slicing.concatenate([start, inside, end], axis)


def _widths(points: Node, rank: int) -> Node:
    """Return the distances of neighbours, along the first of `rank` axes."""
    steps = _steps(points, 0)
    return reshaping.reshape(steps, (*steps.shape, *(1,) * (rank - 1)))


def _one(widths: Operand, place: Extent) -> Operand:
    return part(widths, place, place + 1, 0) if isinstance(widths, Node) and widths.rank else widths


def _between(x: Node, widths: Operand, slopes: Node, axis: int) -> Node:
    """Return the derivative at the inner points of the parabola through three neighbours."""
    last = slopes.shape[axis]
    if not (isinstance(widths, Node) and widths.rank):
        return div(
            sub(part(x, 2, last + 1, axis), part(x, 0, last - 1, axis)), mul(widths, lift(2.0, x.dtype))
        )
    left, right = part(widths, 0, last - 1, 0), part(widths, 1, last, 0)
    before, after = part(slopes, 0, last - 1, axis), part(slopes, 1, last, axis)
    return div(add(mul(right, before), mul(left, after)), add(left, right))


def _at_end(slopes: Node, widths: Operand, axis: int, places: Sequence[Extent]) -> Node:
    """Return the derivative at an end, of the line or the parabola through the nearest points."""
    near, *next_ = (part(slopes, place, place + 1, axis) for place in places)
    if not next_:
        return near
    first, second = (lift(_one(widths, place), slopes.dtype) for place in places)
    return sub(near, div(mul(first, sub(next_[0], near)), add(first, second)))


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Node:
    """numpy.trapezoid: the integral by the trapezoidal rule."""
    given = as_array(y)
    if given.dtype == "bool":
        raise TypeProblem("numpy.trapezoid adds truth values as 'or': convert them with .astype(float)")
    values = floating(given)
    along = as_axis(axis, values.rank, "trapezoid")
    extent = values.shape[along]
    if extent == 0:
        return sum_(values, along)
    pairs = add(part(values, 1, extent, along), part(values, 0, extent - 1, along))
    if x is None:
        return mul(mul(sum_(pairs, along), 0.5), as_number(dx))
    points = as_array(x)
    if points.rank == 1:
        widths = reshaping.reshape(_steps(points, 0), (-1, *(1,) * (values.rank - 1 - along)))
    else:
        widths = _steps(points, as_axis(axis, points.rank, "trapezoid"))
    return sum_(div(mul(widths, pairs), 2.0), along)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: Any = -1, *, period: Any = 2 * np.pi) -> Node:
    """numpy.unwrap: multiples of the period added so that neighbours differ by less than half of it.

    The multiples are constants between the jumps, so that the derivative is that of `p`.
    """
    x = floating(as_array(p))
    along = as_axis(axis, x.rank, "unwrap")
    if x.shape[along] == 0:
        return x
    whole = as_number(period)
    half = div(lift(whole, x.dtype), 2)
    steps = _steps(x, along)
    wrapped = sub(mod(add(steps, half), whole), half)
    wrapped = where(logical_and(eq(wrapped, mul(half, -1)), gt(steps, 0)), half, wrapped)
    limit = half if discont is None else maximum(lift(as_number(discont), x.dtype), half)
    correction = where(lt(abs_(steps), limit), constant_like(0, x.dtype), sub(wrapped, steps))
    moved = add(part(x, 1, x.shape[along], along), compositions.cumsum(correction, along))
    return slicing.concatenate([part(x, 0, 1, along), moved], along)
