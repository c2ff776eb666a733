"""Medians and quantiles, by the methods of Hyndman and Fan, Sample Quantiles in Statistical Packages (1996).

Everything rests on the sorted elements: a quantile lies at a place among them, between two of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import folded, unsupported
from diffc.frontends.numpy.joining import part
from diffc.frontends.numpy.operands import as_array, as_axes, floating
from diffc.frontends.numpy.places import take_places
from diffc.frontends.numpy.registry import implements
from diffc.ir import Node, size_of
from diffc.ops import cast, constant, constant_like, dim, reshaping
from diffc.ops.arithmetic import add, div, maximum, minimum, mul, sub
from diffc.ops.broadcasting import broadcast, full, sum_
from diffc.ops.constant import const
from diffc.ops.logic import eq, ge, gt, le, logical_and, logical_not, where
from diffc.ops.rounding import floor
from diffc.ops.sorting import sort, take_along_axis
from diffc.syntax.pointwise import isnan

_CONTINUOUS: Mapping[str, tuple[float, float]] = {
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (0.5, 0.5),
    "weibull": (0, 0),
    "linear": (1, 1),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
"""alpha and beta of each method: the place is q*(n + 1 - alpha - beta) + alpha - 1, counted from 0."""

_SNAPPED = ("lower", "higher", "nearest", "midpoint")
_METHODS = (*_CONTINUOUS, *_SNAPPED)


@implements(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Node:  # fmt: skip
    """numpy.quantile, by a method that interpolates; NaN where an element is."""
    unsupported("quantile", out=out, weights=weights)
    return _quantiles(as_array(a), _share(q, 1, "quantile"), axis, method, keepdims, False)


@implements(np.percentile)
def percentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Node:  # fmt: skip
    """numpy.percentile."""
    unsupported("percentile", out=out, weights=weights)
    return _quantiles(as_array(a), _share(q, 100, "percentile"), axis, method, keepdims, False)


@implements(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Node:
    """numpy.median: of an even number of elements the mean of the two in the middle."""
    unsupported("median", out=out)
    return _quantiles(as_array(a), constant_like(0.5, "f64"), axis, "linear", keepdims, False)


@implements(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Node:  # fmt: skip
    """numpy.nanquantile: of the elements that are not NaN; NaN where there are none."""
    unsupported("nanquantile", out=out, weights=weights)
    return _quantiles(as_array(a), _share(q, 1, "nanquantile"), axis, method, keepdims, True)


@implements(np.nanpercentile)
def nanpercentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Node:  # fmt: skip
    """numpy.nanpercentile."""
    unsupported("nanpercentile", out=out, weights=weights)
    return _quantiles(as_array(a), _share(q, 100, "nanpercentile"), axis, method, keepdims, True)


@implements(np.nanmedian)
def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Node:
    """numpy.nanmedian."""
    unsupported("nanmedian", out=out)
    return _quantiles(as_array(a), constant_like(0.5, "f64"), axis, "linear", keepdims, True)


def _share(q: Any, top: int, what: str) -> Node:
    """Return q / top; where what is read later lies outside of [0, top], there is no quantile: NaN."""
    if not isinstance(q, Node) or q.op is const:
        known = np.asarray(q) if not isinstance(q, Node) else const.reference(q.attrs)
        if known.dtype.kind not in "iuf" or not np.all((known >= 0) & (known <= top)):
            raise TypeProblem(f"numpy.{what}: q lies in [0, {top}], not {q!r:.60}")
    return as_array(q) if top == 1 else div(as_array(q), top)


def _quantiles(x: Node, q: Node, axis: Any, method: str, keepdims: bool, skip_nan: bool) -> Node:
    """Return the quantiles, of shape q + what is left of x; NaN where q is no share after all."""
    if q.is_constant:
        return _found(x, q, axis, method, keepdims, skip_nan)
    is_share = logical_and(ge(q, 0), le(q, 1))
    found = _found(x, where(is_share, q, constant_like(0, q.dtype)), axis, method, keepdims, skip_nan)
    is_share = reshaping.reshape(is_share, (*q.shape, *(1,) * (found.rank - q.rank)))
    return where(is_share, found, constant_like(np.nan, found.dtype))


def _found(x: Node, q: Node, axis: Any, method: str, keepdims: bool, skip_nan: bool) -> Node:
    if method not in _METHODS:
        raise TypeProblem(
            f"the quantile's method {method!r} is not supported; use one of {', '.join(_METHODS)}"
        )
    x = floating(x)
    axes = as_axes(axis, x.rank, "quantile")
    rest = [k for k in range(x.rank) if k not in axes]
    count = size_of(tuple(x.shape[k] for k in axes))
    if count == 0:
        kept = [1 if k in axes else extent for k, extent in enumerate(x.shape) if keepdims or k in rest]
        return full(np.nan, x.type.with_shape((*q.shape, *kept)))
    rows = reshaping.reshape(reshaping.transpose(x, [*rest, *axes]), (*(x.shape[k] for k in rest), count))
    ordered = sort(rows, -1)
    if skip_nan:
        valid = sum_(cast(logical_not(isnan(ordered)), "i64"), -1, keepdims=True)
        spoilt = eq(valid, 0)
        found = _at_places(ordered, q, maximum(valid, 1), method)
    else:
        spoilt = isnan(part(ordered, count - 1, count, ordered.rank - 1))  # NaN comes last
        found = _at_places(ordered, q, dim(count), method)
    found = where(spoilt, constant_like(np.nan, x.dtype), found)
    # The quantiles stand in the last axis: they come first, in the shape of q.
    found = reshaping.moveaxis(found, found.rank - 1, 0)
    kept = [1 if k in axes else extent for k, extent in enumerate(x.shape)] if keepdims else found.shape[1:]
    return reshaping.reshape(found, (*q.shape, *kept))


def _at_places(ordered: Node, q: Node, count: Node, method: str) -> Node:
    """Return the values at the quantiles' places of the last axis, of `count` elements."""
    q = reshaping.reshape(cast(q, "f64"), (q.size,))
    total = cast(count, "f64")
    alpha, beta = _CONTINUOUS.get(method, (1, 1))
    place = add(mul(q, add(total, 1 - alpha - beta)), alpha - 1)
    last = sub(total, 1)
    place = minimum(maximum(place, 0.0), last)
    below = floor(place)
    between = cast(_snapped(sub(place, below), below, method), ordered.dtype)
    first = _picked(ordered, below)
    second = _picked(ordered, minimum(add(below, 1.0), last))
    return _mixed(first, second, between)


def _mixed(first: Node, second: Node, between: Node) -> Node:
    """Return first + between*(second - first); a neighbour without a part in it may be infinite."""
    known = folded(between)
    if known is not None:
        between = constant(known)
        for number, whole in ((0, first), (1, second)):
            if np.all(known == number):
                return whole
    mixed = add(first, mul(sub(second, first), between))
    if known is not None and not np.any((known == 0) | (known == 1)):
        return mixed
    return where(eq(between, 0), first, where(eq(between, 1), second, mixed))


def _picked(ordered: Node, places: Node) -> Node:
    """Return the elements at places of the last axis: a slice where they are known when tracing."""
    known = folded(places)
    if known is not None:
        return take_places(ordered, known.reshape(known.shape[-1:]).astype(np.int64), ordered.rank - 1)
    shape = (*ordered.shape[:-1], places.shape[-1])
    return take_along_axis(ordered, broadcast(cast(places, "i64"), shape), -1)


def _snapped(between: Node, below: Node, method: str) -> Node:
    """Return how far the value lies from the lower neighbour to the upper one."""
    dtype = between.dtype
    zero, half, one = (constant_like(number, dtype) for number in (0, 0.5, 1))
    if method == "lower":
        return broadcast(zero, between.shape)
    if method == "higher":
        return where(gt(between, 0), one, zero)
    if method == "midpoint":
        return where(gt(between, 0), half, zero)
    if method == "nearest":
        even = eq(sub(below, mul(floor(mul(below, 0.5)), 2.0)), 0)
        tie = logical_and(eq(between, 0.5), logical_not(even))
        return where(gt(between, 0.5), one, where(tie, one, zero))
    return between
