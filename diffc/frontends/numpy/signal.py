"""Convolution, correlation and interpolation of sampled functions, weighted counts."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import as_integers, as_scalar, known_array, known_integer
from diffc.frontends.numpy.operands import as_array, as_number, floating
from diffc.frontends.numpy.products import matrix_product
from diffc.frontends.numpy.registry import implements
from diffc.ir import Extent, Node, require
from diffc.ops import cast, constant, dim, lift, reshaping, slicing
from diffc.ops.arithmetic import abs_, add, div, maximum, minimum, mul, sub
from diffc.ops.broadcasting import broadcast, zeros
from diffc.ops.indexing import gather, scatter_add
from diffc.ops.logic import eq, gt, lt, where
from diffc.ops.remainders import mod
from diffc.ops.sorting import argsort, searchsorted
from diffc.syntax.contraction import counted

__all__ = ["convolution"]

_UNROLLED = 16
"""Up to this length of the shorter vector a convolution is a fused sum; beyond it a matrix product."""


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Node:
    """numpy.convolve."""
    return counted(lambda x, y: convolution(x, y, mode, "convolve"), as_array(a), as_array(v))


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Node:
    """numpy.correlate."""
    return counted(lambda x, y: _correlation(x, y, mode), as_array(a), as_array(v))


def _correlation(a: Node, v: Node, mode: str) -> Node:
    first, second = _vector(a, "correlate"), _vector(v, "correlate")
    n, m = first.shape[0], second.shape[0]
    if not _longer(m, n):
        return convolution(first, reshaping.flip(second, (0,)), mode, "correlate")
    # NumPy slides the shorter one: from the other end, which shows in the middle part of an even length.
    if mode == "same":
        problem = f"numpy.correlate: in mode 'same' {first.type} must be shorter than {second.type}"
        require(m - n - 1, f"{problem}; trace it with the number of elements where it is not")
    return reshaping.flip(convolution(second, reshaping.flip(first, (0,)), mode, "correlate"), (0,))


def _vector(x: Node, what: str) -> Node:
    if x.rank > 1:
        raise TypeProblem(f"numpy.{what}: it takes vectors, not {x.type}")
    require(x.size - 1, f"numpy.{what}: the vector {x.type} is empty")
    return reshaping.reshape(x, (x.size,))


def convolution(a: Node, v: Node, mode: str, what: str) -> Node:
    """Return the sums of a[i]*v[k-i] for each k: all of them, the middle ones, or those without an end.

    All but the first need to know which vector is longer: a symbolic extent must be at least an integer one,
    and the first of two symbolic ones at least the second, unless their difference is known.
    """
    a, v = _vector(a, what), _vector(v, what)
    n, m = a.shape[0], v.shape[0]
    if _longer(m, n):
        # NumPy's order of the operands decides only which of two middle parts "same" takes.
        a, v, n, m = v, a, m, n
    if mode not in ("full", "same", "valid"):
        raise TypeProblem(f"numpy.{what}: the mode is 'full', 'same' or 'valid', not {mode!r}")
    if mode != "full":
        advice = "trace it with the number of elements where it is shorter"
        require(n - m, f"numpy.{what}: in mode {mode!r} {a.type} must not be shorter than {v.type}; {advice}")
    if mode == "full":
        before, after = m - 1, m - 1
    elif mode == "valid":
        before, after = 0, 0
    else:
        taps = known_integer(m, "the extent of the shorter vector, for 'same',")
        before, after = taps // 2, taps - 1 - taps // 2
    return _valid(slicing.pad(a, (before,), (after,)), reshaping.flip(v, (0,)))


def _longer(m: Extent, n: Extent) -> bool:
    more = m - n
    return more > 0 if isinstance(more, int) else isinstance(n, int)


def _valid(a: Node, weights: Node) -> Node:
    """Return the sums of a[k+i]*weights[i] for each k at which all of these exist."""
    m = weights.shape[0]
    count = a.shape[0] - m + 1
    if isinstance(m, int) and m <= _UNROLLED:
        taps = [mul(slicing.slice_(a, (k,), (count,)), slicing.slice_(weights, (k,), (1,))) for k in range(m)]
        return reduce(add, taps)
    return matrix_product(weights, _windows(a, m, count))


def _windows(a: Node, m: Extent, count: Extent) -> Node:
    """Return the matrix of m rows of which row i is a[i : i+count]."""
    # Rows of one element more than they have are read: each starts one place later than the one before.
    extent = a.shape[0]
    rows = reshaping.reshape(broadcast(a, (m, extent)), (m * extent,))
    skewed = reshaping.reshape(slicing.pad(rows, (0,), (m,)), (m, extent + 1))
    return slicing.slice_(skewed, (0, 0), (m, count))


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Node:
    """numpy.interp: linear between the points; at a point the slope is that to its right."""
    at, points, values = (floating(as_array(each)) for each in (x, xp, fp))
    if points.rank != 1 or points.shape != values.shape:
        raise TypeProblem(
            f"numpy.interp: xp and fp are vectors of one length, not {points.type} and {values.type}"
        )
    if period is not None:
        at, points, values = _periodic(at, points, values, as_scalar(period, "period"))
        left = right = None
    extent = points.shape[0]
    if extent == 0:
        raise TypeProblem("numpy.interp: there are no points")
    last = extent - 1
    first_value, last_value = slicing.index(values, 0), slicing.index(values, last)
    low = first_value if left is None else lift(as_number(left), values.dtype)
    high = last_value if right is None else lift(as_number(right), values.dtype)
    inside = first_value if extent == 1 else _between(at, points, values)
    above = gt(at, slicing.index(points, last))
    ended = where(eq(at, slicing.index(points, last)), last_value, inside)
    return where(lt(at, slicing.index(points, 0)), low, where(above, high, ended))


def _between(at: Node, points: Node, values: Node) -> Node:
    left = sub(searchsorted(points, at, "right"), 1)
    left = minimum(maximum(left, 0), dim(points.shape[0] - 2))
    right = add(left, 1)
    x0, x1, y0, y1 = (gather(each, k) for each in (points, values) for k in (left, right))
    return add(y0, mul(sub(at, x0), div(sub(y1, y0), sub(x1, x0))))


def _periodic(at: Node, points: Node, values: Node, period: Any) -> tuple[Node, Node, Node]:
    period = abs_(lift(period, at.dtype))
    at, points = mod(at, period), mod(points, period)
    order = argsort(points)
    points, values = gather(points, order), gather(values, order)
    last = points.shape[0] - 1
    ends = [slicing.slice_(points, (k,), (1,)) for k in (0, last)]
    points = slicing.concatenate([sub(ends[1], period), points, add(ends[0], period)])
    ends = [slicing.slice_(values, (k,), (1,)) for k in (0, last)]
    return at, points, slicing.concatenate([ends[1], values, ends[0]])


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Node:
    """numpy.bincount of integers that are known when tracing."""
    places = known_array(x, "the integers that numpy.bincount counts")
    if places.dtype.kind not in "iu" or places.min(initial=0) < 0:
        raise TypeProblem("numpy.bincount counts integers that are not negative")
    size = max(known_integer(minlength, "minlength"), int(places.max(initial=-1)) + 1)
    if weights is None:
        return constant(np.bincount(places, minlength=size))
    rows = cast(as_array(weights), "f64")
    if rows.shape != places.shape:
        raise TypeProblem(f"numpy.bincount: {rows.type} weights for {places.size} integers")
    return scatter_add(zeros(rows.type.with_shape((size,))), as_integers(places, "x"), rows)
