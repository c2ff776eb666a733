"""Arrays with some elements replaced: what `x[key] = value` makes of the nodes of `x` and `value`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.indexing import index, is_mask, subscripts_of
from diffc.ir import Extent, Node, broadcast_shapes
from diffc.ops import cast, dim, iota
from diffc.ops.arithmetic import div, maximum, minimum, mul, neg, sub
from diffc.ops.broadcasting import broadcast, full, zeros
from diffc.ops.indexing import gather, scatter_add
from diffc.ops.logic import eq, ge, gt, logical_and, lt, ne, where
from diffc.ops.reductions import amax, amin, prod
from diffc.ops.remainders import mod
from diffc.ops.reshaping import flip, reshape
from diffc.ops.slicing import concatenate, pad, slice_
from diffc.ops.sorting import argsort
from diffc.syntax.subscripts import Region, region

__all__ = ["combined_at", "fitted", "positions", "put_at", "replaced"]


def replaced(x: Node, key: Any, value: Node) -> Node:
    """Return `x` after x[key] = value; of an element that is named twice the last value remains.

    Raises:
        TypeProblem: where NumPy would refuse, and for values of their own for elements that a mask chooses
            whose number is not known.
    """
    value = cast(value, x.dtype)
    if is_mask(key):
        return _masked(x, key, value)
    part = region(x, subscripts_of(x, key))
    if part is not None:
        return _in_region(x, part, fitted(value, part.shape, "the chosen elements"))
    flat = positions(x, key)
    return put_at(x, flat, fitted(value, flat.shape, "the chosen elements"))


def fitted(value: Node, shape: Sequence[Extent], what: str) -> Node:
    """Return a value broadcast to the shape that it is written to; more leading axes may have extent 1."""
    while value.rank > len(shape) and value.shape[0] == 1:
        value = reshape(value, value.shape[1:])
    if broadcast_shapes(value.shape, tuple(shape)) != tuple(shape):
        shown = ", ".join(map(str, shape))
        raise TypeProblem(f"{value.type} does not broadcast to the shape [{shown}] of {what}")
    return broadcast(value, tuple(shape))


def _masked(x: Node, mask: Node, value: Node) -> Node:
    if mask.shape != x.shape[: mask.rank]:
        raise TypeProblem(f"a mask {mask.type} does not fit {x.type}")
    rest = x.shape[mask.rank :]
    if value.rank > len(rest) and value.shape[0] == 1:
        value = reshape(value, value.shape[1:])
    if broadcast_shapes(value.shape, rest) != rest:
        raise TypeProblem(
            f"{value.type} has a value for each element that a mask chooses, and their number is not known "
            "when tracing: write x = np.where(mask, values, x), with a value for every element of x"
        )
    inner = reshape(mask, (*mask.shape, *(1,) * len(rest)))
    return where(broadcast(inner, x.shape), broadcast(value, x.shape), x)


def _in_region(x: Node, part: Region, value: Node) -> Node:
    """Return `x` with a part that start, size and step name on each axis replaced."""
    value = flip(reshape(value, part.sizes), part.flips)
    return _on_axes(x, part, value, 0)


def _on_axes(x: Node, part: Region, value: Node, axis: int) -> Node:
    while axis < x.rank and part.sizes[axis] == x.shape[axis]:
        axis += 1
    if axis == x.rank:
        return value
    start, size, step = part.starts[axis], part.sizes[axis], part.steps[axis]
    if size == 0:
        return x
    rows = _rows(x, axis, start, size, step)
    inner = _on_axes(rows, part, value, axis + 1)
    if step == 1:
        stop = start + size
        parts = [_rows(x, axis, 0, start), inner, _rows(x, axis, stop, x.shape[axis] - stop)]
        return concatenate([each for each in parts if each.shape[axis] != 0], axis)
    lows: list[Extent] = [0] * x.rank
    highs: list[Extent] = [0] * x.rank
    gaps = [0] * x.rank
    lows[axis], gaps[axis] = start, step - 1
    highs[axis] = x.shape[axis] - start - (size - 1) * step - 1
    offset = sub(iota(x.shape[axis]), dim(start))
    hit = logical_and(ge(offset, 0), lt(offset, dim(size * step)))
    hit = logical_and(hit, eq(mod(offset, step), 0))
    hit = reshape(hit, (*(1,) * axis, x.shape[axis], *(1,) * (x.rank - axis - 1)))
    return where(broadcast(hit, x.shape), pad(inner, lows, highs, gaps), x)


def _rows(x: Node, axis: int, start: Extent, size: Extent, step: int = 1) -> Node:
    starts: list[Extent] = [0] * x.rank
    sizes = list(x.shape)
    steps = [1] * x.rank
    starts[axis], sizes[axis], steps[axis] = start, size, step
    return slice_(x, starts, sizes, steps)


def positions(x: Node, key: Any) -> Node:
    """Return the place of each element that a key names among all elements of `x`, counted in C order."""
    return index(reshape(iota(x.size), x.shape), key)


def put_at(x: Node, flat: Node, value: Node) -> Node:
    """Return `x` with elements at places, counted in C order, replaced; the last one for a place wins."""
    flat, value = reshape(flat, (flat.size,)), reshape(value, (value.size,))
    count = flat.shape[0]
    if count == 0:
        return x
    wins: Node | None = None
    if count != 1:  # equal places stand together, in the order in which they came
        order = argsort(flat)
        flat, value = gather(flat, order), gather(value, order)
        behind = concatenate([flat, full(-1, flat.type.with_shape((1,)))])
        wins = ne(flat, slice_(behind, (1,), (count,)))
        value = where(wins, value, zeros(value.type))
    mark = full(1, flat.type.with_dtype("f64"))
    mark = mark if wins is None else where(wins, mark, zeros(mark.type))
    hit = gt(_scattered(zeros(x.type.with_dtype("f64")), flat, mark), 0)
    return where(hit, _scattered(zeros(x.type), flat, value), x)


def combined_at(ufunc: np.ufunc, x: Node, key: Any, value: Node) -> Node:
    """Return `x` after ufunc.at(x, key, value): of an element that is named twice all values count.

    Raises:
        TypeProblem: for another ufunc than those of sums, products and extrema.
    """
    flat = positions(x, key)
    value = fitted(value, flat.shape, "the chosen elements")
    if ufunc is np.add:
        return _scattered(x, flat, value)
    if ufunc is np.subtract:
        return _scattered(x, flat, neg(value))
    if ufunc not in _COMBINED:
        raise TypeProblem(
            f"np.{ufunc.__name__}.at is not supported: write it with np.add.at, np.multiply.at, "
            "np.minimum.at or np.maximum.at"
        )
    return _combined(x, flat, value, *_COMBINED[ufunc])


_COMBINED: dict[np.ufunc, tuple[Callable[..., Node], Callable[..., Node]]] = {
    np.multiply: (mul, prod), np.divide: (div, prod),
    np.minimum: (minimum, amin), np.maximum: (maximum, amax),
}  # fmt: skip
"""For each ufunc what combines an element with a value, and what combines several values first."""


def _combined(
    x: Node, flat: Node, value: Node, build: Callable[..., Node], over: Callable[..., Node]
) -> Node:
    """Return `x` with elements combined with all values for them.

    Every value is compared with every other one: the work grows with the square of their number.
    """
    flat, value = reshape(flat, (flat.size,)), reshape(value, (value.size,))
    size = flat.shape[0]
    if size != 1:
        same = eq(reshape(flat, (1, size)), reshape(flat, (size, 1)))
        # A value of the same place stands for those of others: it changes no extremum.
        mine, all_ = (reshape(value, (size, 1)), reshape(value, (1, size)))
        unit = full(1, value.type.with_shape((1, 1))) if over is prod else mine
        value = over(where(same, all_, unit), 1)
    old = gather(reshape(x, (x.size,)), flat)
    return put_at(x, flat, cast(build(old, value), x.dtype))


def _scattered(base: Node, flat: Node, values: Node) -> Node:
    rows = scatter_add(
        reshape(base, (base.size,)), reshape(flat, (flat.size,)), reshape(values, (flat.size,))
    )
    return reshape(rows, base.shape)
