"""Order: sorting, searching, the places of extrema."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import as_integers, known_array, unsupported
from diffc.frontends.numpy.known import known_elements
from diffc.frontends.numpy.operands import as_array, as_axis
from diffc.frontends.numpy.reductions import without_nan
from diffc.frontends.numpy.registry import implements
from diffc.ir import Node, require, size_of
from diffc.ops import dim, reshaping
from diffc.ops import sorting as ops
from diffc.ops.arithmetic import sub
from diffc.ops.indexing import gather


def _axis(axis: Any, x: Node, what: str) -> int | None:
    return None if axis is None else as_axis(axis, x.rank, what)


def _axis_of_some(axis: Any, x: Node, what: str) -> int | None:
    """Return the axis along which a place is looked for, which must have one, as NumPy demands."""
    along = _axis(axis, x, what)
    extent = x.size if along is None else x.shape[along]
    require(extent - 1, f"numpy.{what}: there are no elements in {x.type}")
    return along


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Node:
    """numpy.sort, always stable; each element keeps its derivative."""
    unsupported("sort", order=order)
    x = as_array(a)
    return ops.sort(x, _axis(axis, x, "sort"))


@implements(np.argsort)
def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Node:
    """numpy.argsort, always stable."""
    unsupported("argsort", order=order)
    x = as_array(a)
    return ops.argsort(x, _axis(axis, x, "argsort"))


@implements(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Node:
    """numpy.partition, as a full sort: the element at `kth` is NumPy's, those beside it are sorted."""
    _require_places(a, kth, axis, "partition")
    return sort(a, axis, order=order)


@implements(np.argpartition)
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Node:
    """numpy.argpartition, as a full argsort."""
    _require_places(a, kth, axis, "argpartition")
    return argsort(a, axis, order=order)


def _require_places(a: Any, kth: Any, axis: Any, what: str) -> None:
    x = as_array(a)
    extent = size_of(x.shape) if axis is None else x.shape[as_axis(axis, x.rank, what)]
    places = np.atleast_1d(known_array(kth, "kth"))
    if places.dtype.kind not in "iu":
        raise TypeProblem(f"numpy.{what}: kth is an integer or several, not {kth!r:.60}")
    for each in places.ravel().tolist():
        problem = f"numpy.{what}: kth {each} lies outside the axis of extent {extent}"
        require(extent - each - 1 if each >= 0 else extent + each, problem)


@implements(np.lexsort)
def lexsort(keys: Any, axis: Any = -1) -> Node:
    """numpy.lexsort: the order by the last key, ties by the one before it, and so on."""
    if not isinstance(keys, list | tuple) or not keys:
        raise TypeProblem("numpy.lexsort: keys is a tuple of arrays")
    nodes = [as_array(each) for each in keys]
    along = as_axis(axis, nodes[0].rank, "lexsort")
    order = ops.argsort(nodes[0], along)
    for key in nodes[1:]:
        again = ops.argsort(ops.take_along_axis(key, order, along), along)
        order = ops.take_along_axis(order, again, along)
    return order


@implements(np.argmax)
def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Node:
    """numpy.argmax."""
    unsupported("argmax", out=out)
    x = as_array(a)
    return ops.argmax(x, _axis_of_some(axis, x, "argmax"), bool(keepdims))


@implements(np.argmin)
def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Node:
    """numpy.argmin."""
    unsupported("argmin", out=out)
    x = as_array(a)
    return ops.argmin(x, _axis_of_some(axis, x, "argmin"), bool(keepdims))


@implements(np.nanargmax)
def nanargmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Node:
    """numpy.nanargmax; 0 where every element is NaN, for which NumPy raises."""
    return argmax(without_nan(as_array(a), -np.inf), axis, out, keepdims=keepdims)


@implements(np.nanargmin)
def nanargmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Node:
    """numpy.nanargmin; 0 where every element is NaN, for which NumPy raises."""
    return argmin(without_nan(as_array(a), np.inf), axis, out, keepdims=keepdims)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Node:
    """numpy.searchsorted."""
    x = as_array(a)
    if sorter is not None:
        x = gather(x, as_integers(sorter, "the sorter"))
    return ops.searchsorted(x, as_array(v), side)


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Node:
    """numpy.digitize; bins that are traced must ascend."""
    side = "left" if right else "right"
    if not isinstance(bins, Node) or known_elements(bins) is not None:
        edges = known_array(bins, "bins")
        if edges.ndim != 1 or not (np.all(np.diff(edges) >= 0) or np.all(np.diff(edges) <= 0)):
            raise TypeProblem("numpy.digitize: bins is a vector that ascends or descends")
        if edges.size > 1 and edges[0] > edges[-1]:
            ascending = reshaping.flip(as_array(bins), (0,))
            return sub(dim(edges.size), ops.searchsorted(ascending, as_array(x), side))
    return ops.searchsorted(as_array(bins), as_array(x), side)
