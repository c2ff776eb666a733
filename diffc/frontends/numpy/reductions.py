"""Reductions: sums, products, extrema, truth values, and the forms that skip NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import as_mask, as_where, unsupported
from diffc.frontends.numpy.operands import (
    as_array,
    as_axes,
    as_float_dtype,
    as_number,
    as_number_dtype,
    floating,
)
from diffc.frontends.numpy.registry import implements
from diffc.ir import Node, require, size_of
from diffc.ops import cast, constant_like, dim, lift
from diffc.ops.arithmetic import add, div, maximum, minimum, mul, sub
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.elementwise import Operand
from diffc.ops.logic import logical_and, logical_not
from diffc.ops.logic import where as choose
from diffc.ops.reductions import amax, amin, any_, prod
from diffc.ops.reshaping import reshape
from diffc.syntax.compositions import all_
from diffc.syntax.pointwise import isnan

__all__ = ["count_of", "extremum", "mean_of", "not_nan", "squeezed", "without_nan"]

Axes = tuple[int, ...]


def count_of(x: Node, axes: Axes, where_: Node | None = None) -> Node:
    """Return how many elements there are over axes, of those chosen by `where_`; an i64."""
    if where_ is None:
        return dim(size_of(tuple(x.shape[axis] for axis in axes)))
    return sum_(cast(broadcast(where_, x.shape), "i64"), axes, keepdims=True)


def mean_of(x: Node, axes: Axes, where_: Node | None = None, ddof: Operand = 0) -> Node:
    """Return the mean over axes, which stay as axes of extent 1; `ddof` is taken from the count."""
    count = cast(count_of(x, axes, where_), x.dtype)
    if ddof != 0:
        # NumPy's: where the degrees of freedom are not positive, the result is infinite or NaN.
        count = maximum(sub(count, ddof), 0)
    return div(sum_(_chosen(x, where_, 0), axes, keepdims=True), count)


def without_nan(x: Node, value: float) -> Node:
    """Return `x` with another number where it is NaN; integers as they are."""
    return choose(isnan(x), constant_like(value, x.dtype), x) if x.type.is_float else x


def squeezed(x: Node, axes: Axes, keepdims: bool) -> Node:
    """Return `x` without these axes of extent 1, or as it is for `keepdims`."""
    return x if keepdims else reshape(x, tuple(e for k, e in enumerate(x.shape) if k not in axes))


def _chosen(x: Node, where_: Node | None, other: float | bool) -> Node:
    """Return `x` with the identity of a reduction where it does not take part."""
    return x if where_ is None else choose(where_, x, constant_like(other, x.dtype))


@implements(np.sum)
def sum_of(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = 0, where: Any = True,
) -> Node:  # fmt: skip
    """numpy.sum."""
    unsupported("sum", out=out)
    x = as_array(a)
    x = x if dtype is None else cast(x, as_number_dtype(dtype))
    total = sum_(_chosen(_number(x), as_where(where, "sum"), 0), as_axes(axis, x.rank, "sum"), bool(keepdims))
    return _started(add, total, initial, 0)


@implements(np.prod)
def prod_of(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = 1, where: Any = True,
) -> Node:  # fmt: skip
    """numpy.prod."""
    unsupported("prod", out=out)
    x = as_array(a)
    x = x if dtype is None else cast(x, as_number_dtype(dtype))
    chosen = _chosen(_number(x), as_where(where, "prod"), 1)
    total = prod(chosen, as_axes(axis, x.rank, "prod"), bool(keepdims))
    return _started(mul, total, initial, 1)


def _number(x: Node) -> Node:
    return cast(x, "i64") if x.dtype == "bool" else x


def _started(combine: Callable[..., Node], total: Node, initial: Any, identity: float) -> Node:
    start = as_number(initial)
    if not isinstance(start, Node) and start == identity:
        return total
    return combine(total, _first(start, total.dtype))


def _first(initial: Any, dtype: str) -> Node:
    """Return where a reduction starts, in the dtype of its result as in NumPy."""
    return cast(lift(initial), dtype)


@implements(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
) -> Node:
    """numpy.mean."""
    unsupported("mean", out=out)
    x = floating(as_array(a)) if dtype is None else cast(as_array(a), as_float_dtype(dtype))
    axes = as_axes(axis, x.rank, "mean")
    return squeezed(mean_of(x, axes, as_where(where, "mean")), axes, bool(keepdims))


def extremum(
    name: str, x: Node, axes: Axes, keepdims: bool, initial: Any = None, where_: Node | None = None
) -> Node:
    """Return the largest or smallest element over axes; ties share the derivative equally.

    Raises:
        TypeProblem: without elements and without `initial`.
    """
    if initial is None:
        if where_ is not None:
            raise TypeProblem(
                f"numpy.{name}: the argument 'where' needs 'initial' for when nothing is chosen"
            )
        _require_elements(x, axes, f"numpy.{name}", "; give 'initial'")
    largest = name == "max"
    if x.dtype == "bool":
        return any_(x, axes, keepdims) if largest else all_(x, axes, keepdims)
    found = (amax if largest else amin)(_chosen(x, where_, _worst(x, largest)), axes, keepdims)
    if initial is None:
        return found
    return (maximum if largest else minimum)(found, _first(as_number(initial), found.dtype))


def _require_elements(x: Node, axes: Axes, what: str, advice: str = "") -> None:
    """Demand that there are elements over axes."""
    count = size_of(tuple(x.shape[axis] for axis in axes))
    require(count - 1, f"{what}: {x.type} has no elements{advice}")


def _worst(x: Node, largest: bool) -> float:
    if x.type.is_float:
        return -np.inf if largest else np.inf
    return np.iinfo(np.int64).min if largest else np.iinfo(np.int64).max


@implements(np.max, np.amax)
def max_of(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Node:
    """numpy.max."""
    unsupported("max", out=out)
    x = as_array(a)
    return extremum("max", x, as_axes(axis, x.rank, "max"), bool(keepdims), initial, as_where(where, "max"))


@implements(np.min, np.amin)
def min_of(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Node:
    """numpy.min."""
    unsupported("min", out=out)
    x = as_array(a)
    return extremum("min", x, as_axes(axis, x.rank, "min"), bool(keepdims), initial, as_where(where, "min"))


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Node:
    """numpy.ptp: the largest less the smallest element."""
    unsupported("ptp", out=out)
    x = as_array(a)
    axes = as_axes(axis, x.rank, "ptp")
    return sub(*(extremum(name, x, axes, bool(keepdims)) for name in ("max", "min")))


@implements(np.any)
def any_of(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True) -> Node:
    """numpy.any."""
    unsupported("any", out=out)
    x = as_mask(a)
    return any_(_chosen(x, as_where(where, "any"), False), as_axes(axis, x.rank, "any"), bool(keepdims))


@implements(np.all)
def all_of(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True) -> Node:
    """numpy.all."""
    unsupported("all", out=out)
    x = as_mask(a)
    return all_(_chosen(x, as_where(where, "all"), True), as_axes(axis, x.rank, "all"), bool(keepdims))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Node:
    """numpy.count_nonzero."""
    x = as_mask(a)
    return sum_(cast(x, "i64"), as_axes(axis, x.rank, "count_nonzero"), bool(keepdims))


@implements(np.nansum)
def nansum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = 0, where: Any = True,
) -> Node:  # fmt: skip
    """numpy.nansum: NaN counts as 0."""
    return sum_of(without_nan(as_array(a), 0), axis, dtype, out, keepdims, initial, where)


@implements(np.nanprod)
def nanprod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = 1, where: Any = True,
) -> Node:  # fmt: skip
    """numpy.nanprod: NaN counts as 1."""
    return prod_of(without_nan(as_array(a), 1), axis, dtype, out, keepdims, initial, where)


@implements(np.nanmean)
def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
) -> Node:
    """numpy.nanmean: the mean of the elements that are not NaN; NaN for none."""
    x = floating(as_array(a))
    return mean(x, axis, dtype, out, keepdims, where=not_nan(x, where))


def not_nan(x: Node, where_: Any = True) -> Node:
    """Return which elements take part: those chosen that are not NaN."""
    valid = logical_not(isnan(x))
    chosen = as_where(where_, "nanmean and its kin")
    return valid if chosen is None else logical_and(chosen, valid)


def _nan_extremum(name: str, a: Any, axis: Any, out: Any, keepdims: bool, initial: Any, where_: Any) -> Node:
    unsupported(f"nan{name}", out=out)
    x = as_array(a)
    axes, mask = as_axes(axis, x.rank, f"nan{name}"), as_where(where_, f"nan{name}")
    if not x.type.is_float:
        return extremum(name, x, axes, keepdims, initial, mask)
    worst = -np.inf if name == "max" else np.inf
    found = extremum(name, without_nan(x, worst), axes, keepdims, initial, mask)
    if initial is not None:
        return found
    return choose(all_(isnan(x), axes, keepdims), constant_like(np.nan, x.dtype), found)


@implements(np.nanmax)
def nanmax(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Node:
    """numpy.nanmax: NaN where every element is."""
    return _nan_extremum("max", a, axis, out, bool(keepdims), initial, where)


@implements(np.nanmin)
def nanmin(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Node:
    """numpy.nanmin: NaN where every element is."""
    return _nan_extremum("min", a, axis, out, bool(keepdims), initial, where)
