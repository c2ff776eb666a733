"""New arrays: like others, between bounds, on grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import as_scalar, known_integer
from diffc.frontends.numpy.operands import as_array, as_axis, as_dtype, as_number, as_shape
from diffc.frontends.numpy.registry import implements
from diffc.frontends.numpy.shapes import broadcast_together
from diffc.ir import Node, Type
from diffc.ops import cast, iota, lift, reshaping
from diffc.ops.arithmetic import add, div, mul, sub
from diffc.ops.broadcasting import broadcast, full
from diffc.ops.elementary import exp
from diffc.ops.logic import eq, where
from diffc.ops.powers import power


def _type_like(a: Any, dtype: Any, shape: Any) -> Type:
    x = as_array(a)
    return Type(x.dtype if dtype is None else as_dtype(dtype), x.shape if shape is None else as_shape(shape))


@implements(np.zeros_like, np.empty_like)
def zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Node:
    """numpy.zeros_like; numpy.empty_like has zeros, too."""
    return full(0, _type_like(a, dtype, shape))


@implements(np.ones_like)
def ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Node:
    """numpy.ones_like."""
    return full(1, _type_like(a, dtype, shape))


@implements(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None,
    *, device: Any = None,
) -> Node:  # fmt: skip
    """numpy.full_like."""
    type_ = _type_like(a, dtype, shape)
    return broadcast(cast(as_array(fill_value), type_.dtype), type_.shape)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Node:
    """numpy.copy: the array itself, which never changes."""
    return as_array(a)


@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Node:
    """numpy.astype."""
    return cast(as_array(x), as_dtype(dtype))


@implements(np.real, np.real_if_close)
def real(val: Any, tol: Any = 100) -> Node:
    """numpy.real: the array itself."""
    return as_array(val)


@implements(np.imag)
def imag(val: Any) -> Node:
    """numpy.imag: zeros."""
    return full(0, as_array(val).type)


def _bounds(start: Any, stop: Any) -> tuple[Node, Node]:
    """Return both bounds as floats of one dtype and shape."""
    numbers = [as_number(each) for each in (start, stop)]
    dtype = exp.common_dtype(numbers)
    low, high = broadcast_together([lift(each, dtype) for each in numbers], "linspace")
    return low, high


def _fractions(count: int, endpoint: bool, like: Node) -> tuple[Node, Node, int]:
    """Return the places 0, 1, ... along a new first axis, which is the end, and the number of steps."""
    steps = max(count - 1 if endpoint else count, 0)
    places = reshaping.reshape(iota(count), (count, *(1,) * like.rank))
    at_end = eq(places, steps if endpoint and count > 1 else -1)
    return cast(places, like.dtype), at_end, steps


@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: Any = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    """numpy.linspace."""
    low, high = _bounds(start, stop)
    count = _count(num, "linspace")
    places, at_end, steps = _fractions(count, bool(endpoint), low)
    width = div(sub(high, low), float(steps)) if steps else full(np.nan, low.type)
    points = add(low, mul(places, width)) if steps else broadcast(low, (count, *low.shape))
    points = _finished(where(at_end, high, points), dtype, axis)
    return (points, width) if retstep else points


def _count(num: Any, what: str) -> int:
    count = known_integer(num, "num")
    if count < 0:
        raise TypeProblem(f"numpy.{what}: num is not negative: {count}")
    return count


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
    count = _count(num, "geomspace")
    places, at_end, steps = _fractions(count, bool(endpoint), low)
    fractions = div(places, float(max(steps, 1)))
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
