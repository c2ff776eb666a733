"""Numbers between bounds, and the grids that they span.

A count or a bound may be an extent such as x.shape[0].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import as_scalar, folded, known_extent
from diffc.frontends.numpy.creation import not_negative
from diffc.frontends.numpy.operands import as_array, as_axis, as_dtype, as_number, as_shape, dtype_name
from diffc.frontends.numpy.registry import implements
from diffc.frontends.numpy.shapes import broadcast_together
from diffc.frontends.numpy.tracer import traced, untraced
from diffc.ir import Extent, Node, promote
from diffc.ops import cast, dim, iota, lift, reshaping
from diffc.ops.arithmetic import add, div, maximum, mul, sub
from diffc.ops.broadcasting import broadcast, full
from diffc.ops.constant import constant
from diffc.ops.elementary import exp
from diffc.ops.logic import eq, gt, where
from diffc.ops.powers import power
from diffc.ops.slicing import stack

__all__ = ["between"]


@implements(np.arange)
def arange(
    start: Any = None, stop: Any = None, step: Any = None, dtype: Any = None, *, device: Any = None
) -> Node:
    """numpy.arange: of numbers, or of extents and a step that is known."""
    if stop is None:
        start, stop = None, start
    low, high, by = (0 if start is None else start), stop, (1 if step is None else step)
    name = None if dtype is None else as_dtype(dtype)
    bounds = [_whole_bound(each) for each in (low, high, by)]
    if not any(isinstance(each, Node) for each in bounds):
        numbers = np.arange(*bounds)
        return constant(numbers, name or dtype_name(numbers.dtype))
    first, last, width = (_extent(each) for each in bounds)
    if not isinstance(width, int) or width == 0:
        raise TypeProblem("numpy.arange: beside a symbolic bound the step is a known integer other than 0")
    count = (last - first + width - 1) // width if width > 0 else (first - last - width - 1) // -width
    numbers = add(mul(iota(not_negative(count, "numpy.arange")), width), dim(first))
    kinds = ["f64" if isinstance(each, float | np.floating) else "i64" for each in (low, high, by)]
    return cast(numbers, name or promote(*kinds))


def _whole_bound(value: Any) -> Any:
    """Return a number that is known when tracing as itself, an extent as a node."""
    if value is None:
        raise TypeProblem("numpy.arange needs a bound where the numbers stop")
    if not isinstance(value, Node):
        return value
    known = folded(value)
    return value if known is None or known.ndim else known[()]


def _extent(value: Any) -> Extent:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return known_extent(value, "numpy.arange: a bound")


def _bounds(start: Any, stop: Any) -> tuple[Node, Node]:
    """Return both bounds as floats of one dtype and shape."""
    numbers = [as_number(each) for each in (start, stop)]
    dtype = exp.common_dtype(numbers)
    low, high = broadcast_together([lift(each, dtype) for each in numbers], "linspace")
    return low, high


def _fractions(count: Extent, endpoint: bool, like: Node) -> tuple[Node, Node, Node | int]:
    """Return the places 0, 1, ... along a new first axis, which is the end, and the number of steps."""
    places = reshaping.reshape(iota(count), (count, *(1,) * like.rank))
    if isinstance(count, int):
        steps: Node | int = max(count - 1 if endpoint else count, 0)
        end: Node | int = steps if endpoint and count > 1 else -1
    else:
        steps = dim(count - 1 if endpoint else count)
        # The only element is the start.
        end = where(gt(steps, 0), steps, -1) if endpoint else lift(-1)
        steps = maximum(steps, 0)
    return cast(places, like.dtype), eq(places, end), steps


@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: Any = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    """numpy.linspace."""
    low, high = _bounds(start, stop)
    count = _count(num, "linspace")
    places, at_end, steps = _fractions(count, bool(endpoint), low)
    if isinstance(steps, Node):
        number = cast(steps, low.dtype)
        points = add(low, mul(places, div(sub(high, low), maximum(number, 1.0))))
        width = where(gt(steps, 0), div(sub(high, low), number), np.nan)
    elif steps:
        width = div(sub(high, low), float(steps))
        points = add(low, mul(places, width))
    else:
        width, points = full(np.nan, low.type), broadcast(low, (count, *low.shape))
    points = _finished(where(at_end, high, points), dtype, axis)
    return (points, width) if retstep else points


def _count(num: Any, what: str) -> Extent:
    return not_negative(known_extent(num, "num"), f"numpy.{what}: num")


def _finished(points: Node, dtype: Any, axis: Any) -> Node:
    points = reshaping.moveaxis(points, 0, as_axis(axis, points.rank, "linspace"))
    return points if dtype is None else cast(points, as_dtype(dtype))


@implements(np.logspace)
def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None,
    axis: Any = 0,
) -> Node:  # fmt: skip
    """numpy.logspace: powers of the base with exponents at equal distances."""
    exponents = linspace(start, stop, num, endpoint)
    return _finished(power(as_scalar(base, "base"), exponents), dtype, axis)


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: Any = 0
) -> Node:
    """numpy.geomspace: numbers with equal quotients; the bounds have one sign."""
    low, high = _bounds(start, stop)
    for each in (low, high):
        known = folded(each)
        if known is not None and not known.all():
            raise TypeProblem("numpy.geomspace: a bound is zero, from which no quotient leads on")
    count = _count(num, "geomspace")
    places, at_end, steps = _fractions(count, bool(endpoint), low)
    number = maximum(cast(steps, low.dtype), 1.0) if isinstance(steps, Node) else float(max(steps, 1))
    fractions = div(places, number)
    points = mul(low, power(div(high, low), fractions))
    return _finished(where(at_end, high, points), dtype, axis)


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Node, ...]:
    """numpy.meshgrid."""
    if indexing not in ("xy", "ij"):
        raise TypeProblem(f"numpy.meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    nodes = [as_array(each) for each in xi]
    rank = len(nodes)
    axes = list(range(rank))
    if indexing == "xy" and rank > 1:
        axes[:2] = [1, 0]
    grids = [
        reshaping.reshape(x, tuple(x.size if k == axis else 1 for k in range(rank)))
        for x, axis in zip(nodes, axes, strict=True)
    ]
    return tuple(grids if sparse or not grids else broadcast_together(grids, "meshgrid"))


def between(part: slice) -> Node:
    """Return the numbers of a slice: `0:n` as numpy.arange, `0:1:5j` as numpy.linspace gives them."""
    start, step = (0 if part.start is None else part.start), part.step
    if isinstance(step, complex | np.complexfloating):
        return linspace(start, part.stop, int(abs(step)))
    return arange(start, part.stop, step)


def _spanned(key: Any, sparse: bool) -> Any:
    """Return the grid of some slices, which have one dtype; of a single slice its numbers."""
    if isinstance(key, slice):
        return between(key)
    if not isinstance(key, tuple) or not all(isinstance(each, slice) for each in key):
        raise TypeProblem("np.mgrid and np.ogrid take slices, as in np.mgrid[0:n, 0:1:5j]")
    axes = [between(each) for each in key]
    dtype = promote(*(each.dtype for each in axes))
    grids = meshgrid(*(cast(each, dtype) for each in axes), sparse=sparse, indexing="ij")
    return grids if sparse else stack(grids)


@implements(np.mgrid)
def mgrid(key: Any) -> Any:
    """numpy.mgrid[key]: the grid's coordinates, stacked."""
    return _spanned(key, sparse=False)


@implements(np.ogrid)
def ogrid(key: Any) -> Any:
    """numpy.ogrid[key]: the coordinates along each axis alone."""
    return _spanned(key, sparse=True)


@implements(np.indices)
def indices(dimensions: Any, dtype: Any = int, sparse: bool = False) -> Any:
    """numpy.indices."""
    name = as_dtype(dtype)
    extents = [not_negative(each, "numpy.indices") for each in as_shape(dimensions)]
    grids = meshgrid(*(cast(iota(each), name) for each in extents), sparse=sparse, indexing="ij")
    if sparse or grids:
        return grids if sparse else stack(grids)
    return full(0, lift(0, name).type.with_shape((0,)))


@implements(np.fromfunction)
def fromfunction(function: Callable[..., Any], shape: Any, *, dtype: Any = float, **kwargs: Any) -> Any:
    """numpy.fromfunction: what a function gives for the numbers of rows, columns, and so on."""
    grids = meshgrid(*(cast(iota(each), as_dtype(dtype)) for each in as_shape(shape)), indexing="ij")
    return untraced(function(*map(traced, grids), **kwargs), "numpy.fromfunction")
