"""Statistics: variance, weighted averages, covariances."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import as_scalar, as_where, is_one, unsupported
from diffc.frontends.numpy.diagonals import diagonal_of
from diffc.frontends.numpy.operands import as_array, as_axes, as_dtype, as_float_dtype, floating
from diffc.frontends.numpy.reductions import count_of, mean_of, not_nan, squeezed, without_nan
from diffc.frontends.numpy.registry import implements
from diffc.ir import Extent, Node, promote, require, size_of
from diffc.ops import cast
from diffc.ops.arithmetic import div, maximum, mul, square, sub
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.elementary import sqrt
from diffc.ops.products import matmul
from diffc.ops.reshaping import expand_dims, reshape, transpose
from diffc.ops.slicing import concatenate
from diffc.syntax.compositions import safe_sqrt
from diffc.syntax.pointwise import clip


def _variance(
    x: Node, axes: tuple[int, ...], ddof: Any, where_: Node | None, keepdims: bool, mean: Any = None
) -> Node:
    center = mean_of(x, axes, where_) if mean is None else as_array(mean)
    deviation = square(sub(x, center))
    return squeezed(mean_of(deviation, axes, where_, as_scalar(ddof, "ddof")), axes, keepdims)


def _freedom(name: str, ddof: Any, correction: Any) -> Any:
    if correction is None or correction is np._NoValue:  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
        return ddof
    if not isinstance(ddof, Node) and ddof == 0:
        return correction
    raise TypeProblem(f"numpy.{name}: 'ddof' and 'correction' mean the same; give one of them")


@implements(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False,
    *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Node:  # fmt: skip
    """numpy.var."""
    unsupported("var", out=out)
    x = floating(as_array(a)) if dtype is None else cast(as_array(a), as_float_dtype(dtype))
    mask = as_where(where, "var")
    freedom = _freedom("var", ddof, correction)
    return _variance(x, as_axes(axis, x.rank, "var"), freedom, mask, bool(keepdims), mean)


@implements(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False,
    *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Node:  # fmt: skip
    """numpy.std; its gradient at 0 is 0."""
    freedom = _freedom("std", ddof, correction)
    return safe_sqrt(var(a, axis, dtype, out, freedom, keepdims, where=where, mean=mean))


@implements(np.nanvar)
def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False,
    *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Node:  # fmt: skip
    """numpy.nanvar: the variance of the elements that are not NaN; NaN where there are too few."""
    x = floating(as_array(a))
    return var(
        without_nan(x, 0), axis, dtype, out, _freedom("nanvar", ddof, correction), keepdims,
        where=not_nan(x, where), mean=mean,
    )  # fmt: skip


@implements(np.nanstd)
def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False,
    *, where: Any = True, mean: Any = None, correction: Any = None,
) -> Node:  # fmt: skip
    """numpy.nanstd."""
    freedom = _freedom("nanstd", ddof, correction)
    return safe_sqrt(nanvar(a, axis, dtype, out, freedom, keepdims, where=where, mean=mean))


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """numpy.average: the mean weighted along one axis, or by an array of the same shape."""
    x = floating(as_array(a))
    axes = as_axes(axis, x.rank, "average")
    factors = broadcast(cast(as_array(1), x.dtype), x.shape) if weights is None else as_array(weights)
    if weights is None:
        # NumPy divides by the number of results.
        require(_results(x, axes) - 1, f"numpy.average: of {x.type} along the axes {axes} there is none")
    else:
        # Weights of one axis are summed even where there is no result.
        some = _results(x, axes) if factors.shape == x.shape else 1
        count = size_of(tuple(x.shape[each] for each in axes))
        require(some * (count - 1), f"numpy.average: the weights {factors.type} are none, their sum is zero")
    factors = _aligned_weights(x, factors, axis, axes)
    total = cast(sum_(factors, axes, bool(keepdims)), promote(x.dtype, factors.dtype))
    result = div(sum_(mul(x, factors), axes, bool(keepdims)), total)
    return (result, broadcast(total, result.shape)) if returned else result


def _results(x: Node, axes: tuple[int, ...]) -> Extent:
    return size_of(tuple(extent for k, extent in enumerate(x.shape) if k not in axes))


def _aligned_weights(x: Node, weights: Node, axis: Any, axes: tuple[int, ...]) -> Node:
    if weights.shape == x.shape:
        return weights
    if axis is None:
        raise TypeProblem(f"numpy.average: the weights {weights.type} and {x.type} need 'axis'")
    if weights.shape != tuple(x.shape[each] for each in axes):
        raise TypeProblem(f"numpy.average: the weights {weights.type} do not fit the axes {axes} of {x.type}")
    order = sorted(range(len(axes)), key=lambda k: axes[k])
    shape = tuple(extent if k in axes else 1 for k, extent in enumerate(x.shape))
    return broadcast(reshape(transpose(weights, order), shape), x.shape)


@implements(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Node:  # fmt: skip
    """numpy.cov: covariances of the rows; columns for `rowvar=False`."""
    x = _observations(m, rowvar)
    if y is not None:
        # NumPy leaves a second argument that is one row as it is.
        more = as_array(y)
        x = concatenate([x, _observations(more, rowvar or (more.rank == 2 and is_one(more.shape[0])))])
    x = x if dtype is None else cast(x, as_dtype(dtype))
    if not isinstance(bias, bool | int | np.bool_):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeProblem(f"numpy.cov: bias is True or False, not {bias!r:.60}")
    freedom = (0 if bias else 1) if ddof is None else ddof
    weights = _weights(x, fweights, aweights)
    if weights is None:
        centred = sub(x, mean_of(x, (1,)))
        count = sub(cast(count_of(x, (1,)), x.dtype), freedom)
        product = matmul(centred, transpose(centred))
    else:
        total = sum_(weights)
        centred = sub(x, div(sum_(mul(x, weights), 1, keepdims=True), total))
        spread = 0 if freedom == 0 else freedom
        if aweights is None:
            count = sub(total, spread)
        else:
            squares = sum_(mul(weights, as_array(aweights)))
            count = sub(total, mul(div(squares, total), spread))
        product = matmul(mul(centred, weights), transpose(centred))
    result = div(product, maximum(count, 0.0))
    return reshape(result, () if is_one(result.shape[0]) else result.shape)


def _observations(m: Any, rowvar: bool) -> Node:
    x = floating(as_array(m))
    if x.rank > 2:
        raise TypeProblem(f"numpy.cov: {x.type} has more than 2 axes")
    if x.rank < 2:
        return reshape(x, (1, x.size))
    return x if rowvar else transpose(x)


def _weights(x: Node, fweights: Any, aweights: Any) -> Node | None:
    given = [floating(as_array(each)) for each in (fweights, aweights) if each is not None]
    for each in given:
        if each.shape != x.shape[1:]:
            raise TypeProblem(f"numpy.cov: the weights {each.type} do not fit {x.shape[1]} observations")
    return None if not given else given[0] if len(given) == 1 else mul(*given)


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Node:
    """numpy.corrcoef: covariances divided by both standard deviations, held to [-1, 1]."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.rank == 0:
        return div(c, c)
    n = c.shape[0]
    spread = sqrt(diagonal_of(c, 0))
    return clip(div(div(c, expand_dims(spread, (1,))), reshape(spread, (1, n))), -1, 1)
