"""Medians and quantiles, by the methods of Hyndman and Fan, Sample Quantiles in Statistical Packages (1996).

Everything rests on the sorted elements: a quantile lies at a place among them, between two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import folded, unsupported
from diffc.frontends.numpy.joining import part
from diffc.frontends.numpy.known import known_elements
from diffc.frontends.numpy.operands import as_array, as_axes, floating
from diffc.frontends.numpy.places import take_places
from diffc.frontends.numpy.registry import implements
from diffc.ir import Extent, Node, size_of
from diffc.ops import cast, constant, constant_like, dim, reshaping
from diffc.ops.arithmetic import add, div, maximum, minimum, mul, sub
from diffc.ops.broadcasting import broadcast, full, sum_
from diffc.ops.constant import const
from diffc.ops.logic import eq, ge, gt, le, logical_and, logical_not, lt, where
from diffc.ops.rounding import ceil, floor, rint
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

_NEIGHBOURS: Mapping[str, Callable[[Node], Node]] = {"lower": floor, "higher": ceil, "nearest": rint}
"""Methods that take one element, at the rounded place."""

_METHODS = (*_CONTINUOUS, *_NEIGHBOURS, "midpoint")


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
    return _quantiles(as_array(a), None, axis, "linear", keepdims, False)


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
    return _quantiles(as_array(a), None, axis, "linear", keepdims, True)


def _share(q: Any, top: int, what: str) -> Node:
    """Return q / top; where what is read later lies outside of [0, top], there is no quantile: NaN."""
    if not isinstance(q, Node) or q.op is const:
        known = np.asarray(q) if not isinstance(q, Node) else const.reference(q.attrs)
        if known.dtype.kind not in "iuf" or not np.all((known >= 0) & (known <= top)):
            raise TypeProblem(f"numpy.{what}: q lies in [0, {top}], not {q!r:.60}")
    return as_array(q) if top == 1 else div(as_array(q), top)


def _quantiles(x: Node, q: Node | None, axis: Any, method: str, keepdims: bool, skip_nan: bool) -> Node:
    """Return the quantiles, of shape q + what is left of x, for no q the medians; NaN where q is no share."""
    if q is not None and method in _NEIGHBOURS and not x.type.is_float:
        # An element, which has no NaN: what shares are asked for must be known.
        known = known_elements(q)
        q = q if known is None else constant(known)
    if q is None or q.is_constant:
        return _found(x, q, axis, method, keepdims, skip_nan)
    is_share = logical_and(ge(q, 0), le(q, 1))
    found = _found(x, where(is_share, q, constant_like(0, q.dtype)), axis, method, keepdims, skip_nan)
    found = floating(found)
    is_share = reshaping.reshape(is_share, (*q.shape, *(1,) * (found.rank - q.rank)))
    return where(is_share, found, constant_like(np.nan, found.dtype))


def _found(x: Node, q: Node | None, axis: Any, method: str, keepdims: bool, skip_nan: bool) -> Node:
    if method not in _METHODS:
        raise TypeProblem(
            f"the quantile's method {method!r} is not supported; use one of {', '.join(_METHODS)}"
        )
    # What takes one element keeps the dtype.
    x, shape = x if method in _NEIGHBOURS else floating(x), () if q is None else q.shape
    axes = as_axes(axis, x.rank, "quantile")
    rest = [k for k in range(x.rank) if k not in axes]
    count = size_of(tuple(x.shape[k] for k in axes))
    if count == 0:
        kept = [1 if k in axes else extent for k, extent in enumerate(x.shape) if keepdims or k in rest]
        return full(np.nan, floating(x).type.with_shape((*shape, *kept)))
    rows = reshaping.reshape(reshaping.transpose(x, [*rest, *axes]), (*(x.shape[k] for k in rest), count))
    ordered = sort(rows, -1)
    if not x.type.is_float:
        return _arranged(_at_places(ordered, q, dim(count), method), shape, x, axes, keepdims)
    if skip_nan:
        valid = sum_(cast(logical_not(isnan(ordered)), "i64"), -1, keepdims=True)
        spoilt = eq(valid, 0)
        found = _at_places(ordered, q, maximum(valid, 1), method)
    else:
        spoilt = isnan(part(ordered, count - 1, count, ordered.rank - 1))  # NaN comes last
        found = _at_places(ordered, q, dim(count), method)
    return _arranged(where(spoilt, constant_like(np.nan, x.dtype), found), shape, x, axes, keepdims)


def _arranged(found: Node, shape: Sequence[Extent], x: Node, axes: Sequence[int], keepdims: bool) -> Node:
    """Return the quantiles, which stand in the last axis, in front, in the shape of q."""
    found = reshaping.moveaxis(found, found.rank - 1, 0)
    kept = [1 if k in axes else extent for k, extent in enumerate(x.shape)] if keepdims else found.shape[1:]
    return reshaping.reshape(found, (*shape, *kept))


def _at_places(ordered: Node, q: Node | None, count: Node, method: str) -> Node:
    """Return the values at the quantiles' places of the last axis, of `count` elements."""
    if q is None:
        return _middle(ordered, count)
    is_whole = method == "linear" and q.dtype == "i64"
    q = reshaping.reshape(cast(q, "f64"), (q.size,))
    last = sub(cast(count, "f64"), 1)
    place = _place(q, count, method)
    if method in _NEIGHBOURS or is_whole:
        return _picked(ordered, _NEIGHBOURS.get(method, floor)(place))
    before = lt(place, 0)
    place = minimum(maximum(place, 0.0), last)
    below = floor(place)
    between = sub(place, below)
    if method == "midpoint":
        between = where(gt(between, 0), constant_like(0.5, "f64"), constant_like(0, "f64"))
    second = where(before, constant_like(0.0, "f64"), minimum(add(below, 1.0), last))
    return _mixed(_picked(ordered, below), _picked(ordered, second), cast(between, ordered.dtype))


def _middle(ordered: Node, count: Node) -> Node:
    """Return the element in the middle, or the mean of the two there."""
    half = mul(sub(cast(count, "f64"), 1), 0.5)
    below, above = (each(reshaping.reshape(half, (*half.shape[:-1], 1))) for each in (floor, ceil))
    first, second = _picked(ordered, below), _picked(ordered, above)
    is_one, known = eq(below, above), folded(half)
    mean = first if known is not None and known.item() % 1 == 0 else mul(0.5, add(first, second))
    return mean if known is not None else where(is_one, first, mean)


def _place(q: Node, count: Node, method: str) -> Node:
    """Return where the quantiles lie among `count` elements, counted from 0, rounded as NumPy does."""
    total = cast(count, "f64")
    if method not in _CONTINUOUS or method == "linear":
        return mul(q, sub(total, 1))
    alpha, beta = _CONTINUOUS[method]
    return sub(add(mul(total, q), add(mul(q, 1 - alpha - beta), alpha)), 1)


def _mixed(first: Node, second: Node, between: Node) -> Node:
    """Return first + between*(second - first), from the nearer end as NumPy does: so with infinities, too."""
    gap = sub(second, first)
    from_first = add(first, mul(gap, between))
    from_second = sub(second, mul(gap, sub(1, between)))
    known = folded(between)
    if known is not None and np.all(known >= 0.5):
        return from_second
    if known is not None and np.all(known < 0.5):
        return from_first
    return where(ge(between, 0.5), from_second, from_first)


def _picked(ordered: Node, places: Node) -> Node:
    """Return the elements at places of the last axis: a slice where they are known when tracing."""
    known = folded(places)
    if known is not None:
        return take_places(ordered, known.reshape(known.shape[-1:]).astype(np.int64), ordered.rank - 1)
    shape = (*ordered.shape[:-1], places.shape[-1])
    return take_along_axis(ordered, broadcast(cast(places, "i64"), shape), -1)
