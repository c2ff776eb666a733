"""NumPy's functions that write to their first argument: what each makes of it.

A builder here returns the new elements; whoever calls it writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import as_integers, as_mask, numpy_dtype
from diffc.frontends.numpy.operands import as_array, as_axis, is_weak
from diffc.frontends.numpy.registry import Builder, registering
from diffc.frontends.numpy.replacing import fitted, positions, put_at
from diffc.ir import Extent, Node
from diffc.ops import cast, dim, iota
from diffc.ops.arithmetic import sub
from diffc.ops.indexing import gather
from diffc.ops.logic import eq, logical_and
from diffc.ops.logic import where as choose
from diffc.ops.remainders import mod
from diffc.ops.reshaping import reshape
from diffc.ops.sorting import take_along_axis as take_along
from diffc.syntax.compositions import cumsum

__all__ = ["CHANGES"]

CHANGES: dict[Builder, Builder] = {}
"""The builder of each function."""


def _changes(function: Builder) -> Callable[[Builder], Builder]:
    return registering(CHANGES, (function,))


@_changes(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> Node:
    """numpy.copyto."""
    x, value = as_array(dst), as_array(src)
    if not is_weak(src) and not np.can_cast(numpy_dtype(value), numpy_dtype(x), casting):  # type: ignore
        raise TypeProblem(
            f"numpy.copyto: {value.dtype} is not cast to {x.dtype} with casting rule {casting!r}"
        )
    value = fitted(cast(value, x.dtype), x.shape, "the array that it is copied to")
    return value if where is True else choose(as_mask(where), value, x)


@_changes(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> Node:
    """numpy.fill_diagonal."""
    x, value = as_array(a), cast(as_array(val), as_array(a).dtype)
    if x.rank < 2 or (x.rank > 2 and any(each != x.shape[0] for each in x.shape)):
        raise TypeProblem(
            f"numpy.fill_diagonal: {x.type} has no diagonal: two axes, or more of equal extents"
        )
    if wrap:
        raise TypeProblem("numpy.fill_diagonal: wrap=True is not supported")
    places = [
        reshape(iota(extent), (*(1,) * axis, extent, *(1,) * (x.rank - axis - 1)))
        for axis, extent in enumerate(x.shape)
    ]
    hit = eq(places[0], places[1])
    for each in places[2:]:
        hit = logical_and(hit, eq(places[0], each))
    if value.rank:
        value = reshape(_repeated(value, x.shape[0]), (x.shape[0], *(1,) * (x.rank - 1)))
    return choose(hit, value, x)


def _repeated(values: Node, count: Extent) -> Node:
    """Return the elements over and over again, so many of them."""
    values = reshape(values, (values.size,))
    return gather(values, mod(iota(count), dim(values.size)))


@_changes(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> Node:
    """numpy.put: the places count in C order, the values are repeated as often as needed."""
    if mode != "raise":
        raise TypeProblem(f"numpy.put: the mode {mode!r} is not supported: use np.clip or % on the places")
    x, places = as_array(a), as_integers(ind, "the places")
    if as_array(v).size == 0:
        return x
    flat = positions(reshape(x, (x.size,)), reshape(places, (places.size,)))
    return put_at(x, flat, cast(_repeated(as_array(v), places.size), x.dtype))


@_changes(np.place)
def place(arr: Any, mask: Any, vals: Any) -> Node:
    """numpy.place: the values are taken one after the other, again from the first after the last."""
    x, chosen, values = as_array(arr), as_mask(mask), cast(as_array(vals), as_array(arr).dtype)
    flat, values = reshape(chosen, (chosen.size,)), reshape(values, (values.size,))
    count = sub(cumsum(cast(flat, "i64"), 0), 1)
    taken = gather(values, mod(choose(flat, count, 0), dim(values.size)))
    return choose(chosen, reshape(taken, chosen.shape), x)


@_changes(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> Node:
    """numpy.putmask: the values are repeated as often as needed, whether chosen or not."""
    x = as_array(a)
    if as_array(values).size == 0:
        return x
    taken = _repeated(cast(as_array(values), x.dtype), x.size)
    return choose(as_mask(mask), reshape(taken, x.shape), x)


@_changes(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> Node:
    """numpy.put_along_axis."""
    x, places = as_array(arr), as_integers(indices, "the indices")
    numbers = reshape(iota(x.size), x.shape if axis is not None else (x.size,))
    flat = take_along(numbers, places, 0 if axis is None else as_axis(axis, x.rank, "put_along_axis"))
    return put_at(x, flat, fitted(cast(as_array(values), x.dtype), flat.shape, "the chosen elements"))
