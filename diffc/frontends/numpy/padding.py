"""numpy.pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import known_extent, known_integer
from diffc.frontends.numpy.joining import part
from diffc.frontends.numpy.operands import as_array
from diffc.frontends.numpy.places import take_places
from diffc.frontends.numpy.registry import implements
from diffc.ir import Extent, Node, require
from diffc.ops import cast, reshaping, slicing
from diffc.ops.broadcasting import broadcast

_BY_PLACE = ("edge", "reflect", "symmetric", "wrap")


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Node:
    """numpy.pad, in the modes constant, edge, reflect, symmetric and wrap."""
    x = as_array(array)
    widths = _pairs(pad_width, x.rank, "pad_width")
    if mode == "constant":
        values = kwargs.pop("constant_values", 0)
        _check_options(kwargs)
        return _constant(x, widths, values)
    if kwargs.pop("reflect_type", "even") != "even":
        raise TypeProblem("numpy.pad: reflect_type is 'even', the only one that is supported")
    _check_options(kwargs)
    if mode not in _BY_PLACE:
        raise TypeProblem(
            f"numpy.pad: the mode {mode!r} is not supported; use constant, {', '.join(_BY_PLACE)}"
        )
    for axis, (low, high) in enumerate(widths):
        x = _extended(x, axis, low, high, mode)
    return x


def _check_options(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise TypeProblem(f"numpy.pad: the argument {next(iter(kwargs))!r} is not supported in this mode")


def _ends(value: Any, what: str) -> tuple[Any, Any]:
    """Return the first and the last of what is given for one axis: a number, [number] or a pair."""
    if not isinstance(value, list | tuple):
        return value, value
    given: Sequence[Any] = value
    if len(given) not in (1, 2):
        raise TypeProblem(f"numpy.pad: {what} is a number, a pair, or a pair for each axis")
    return given[0], given[-1]


def _pairs(value: Any, rank: int, what: str) -> list[tuple[Any, Any]]:
    """Return a pair for each axis from a number, a pair, a pair for each axis, or a dict of axes."""
    if isinstance(value, dict):
        pairs: list[tuple[Any, Any]] = [(0, 0)] * rank
        for axis, each in value.items():
            pairs[known_integer(axis, "an axis")] = _ends(each, what)
        return pairs
    rows = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(rows, list | tuple):
        return [(rows, rows)] * rank
    if not any(isinstance(each, list | tuple) for each in rows):
        return [_ends(rows, what)] * rank
    if len(rows) not in (1, rank):
        raise TypeProblem(f"numpy.pad: {what} has {len(rows)} pairs for {rank} axes")
    pairs = [_ends(each, what) for each in rows]
    return pairs * rank if len(pairs) == 1 else pairs


def _constant(x: Node, widths: list[tuple[Any, Any]], values: Any) -> Node:
    lows = [known_extent(low, "pad_width") for low, _ in widths]
    highs = [known_extent(high, "pad_width") for _, high in widths]
    for width in (*lows, *highs):
        require(width, f"numpy.pad: the width {width} is negative")
    if not isinstance(values, Node | list | tuple | np.ndarray) and values == 0:
        return slicing.pad(x, lows, highs)
    for axis, (ends, low, high) in enumerate(
        zip(_pairs(values, x.rank, "constant_values"), lows, highs, strict=True)
    ):
        first, last = (cast(as_array(end), x.dtype) for end in ends)
        shapes = [(*x.shape[:axis], width, *x.shape[axis + 1 :]) for width in (low, high)]
        x = slicing.concatenate([broadcast(first, shapes[0]), x, broadcast(last, shapes[1])], axis)
    return x


def _extended(x: Node, axis: int, low: Any, high: Any, mode: str) -> Node:
    before, after = known_extent(low, "pad_width"), known_extent(high, "pad_width")
    if before == 0 and after == 0:
        return x
    extent = x.shape[axis]
    if mode == "edge":
        shapes = [(*x.shape[:axis], width, *x.shape[axis + 1 :]) for width in (before, after)]
        first, last = part(x, 0, 1, axis), part(x, extent - 1, extent, axis)
        return slicing.concatenate([broadcast(first, shapes[0]), x, broadcast(last, shapes[1])], axis)
    if _more_than_once(extent, before, after, mode):
        widths = (known_integer(before, "pad_width"), known_integer(after, "pad_width"))
        return take_places(x, np.pad(np.arange(known_integer(extent, "the extent")), widths, mode), axis)  # type: ignore[call-overload]
    skip = 1 if mode == "reflect" else 0
    if mode == "wrap":
        ends = part(x, extent - before, extent, axis), part(x, 0, after, axis)
    else:
        first, last = part(x, skip, skip + before, axis), part(x, extent - after - skip, extent - skip, axis)
        ends = reshaping.flip(first, (axis,)), reshaping.flip(last, (axis,))
    return slicing.concatenate([ends[0], x, ends[1]], axis)


def _more_than_once(extent: Extent, before: Extent, after: Extent, mode: str) -> bool:
    """Tell whether the elements are repeated more than once; a symbolic extent is taken as large enough."""
    if not isinstance(extent, int):
        return False
    most = extent - 1 if mode == "reflect" else extent
    return any(isinstance(width, int) and width > most for width in (before, after))
