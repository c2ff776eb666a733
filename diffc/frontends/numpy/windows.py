"""Windows that slide along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import known_integer
from diffc.frontends.numpy.joining import part
from diffc.frontends.numpy.operands import as_array, as_axis
from diffc.frontends.numpy.registry import implements
from diffc.ir import Node, require
from diffc.ops import iota, slicing
from diffc.ops.arithmetic import add
from diffc.ops.indexing import gather
from diffc.ops.reshaping import moveaxis, reshape

__all__: list[str] = []

_STACKED = 16
"""Up to this length the places of a window are slices, which fuse; beyond it they are gathered."""


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Node:
    """numpy.lib.stride_tricks.sliding_window_view: the places in a window are the last axes."""
    node = as_array(x)
    if writeable:
        raise TypeProblem("numpy.sliding_window_view: a window that is written to is not supported")
    lengths = [known_integer(each, "window_shape") for each in np.atleast_1d(window_shape).tolist()]
    if axis is None:
        axes = list(range(node.rank))
    else:
        axes = [as_axis(each, node.rank, "sliding_window_view") for each in np.atleast_1d(axis).tolist()]
    if len(axes) != len(lengths):
        raise TypeProblem(f"numpy.sliding_window_view: {len(lengths)} lengths for {len(axes)} axes")
    for each, length in zip(axes, lengths, strict=True):
        if length < 0:
            raise TypeProblem(f"numpy.sliding_window_view: a window has no length {length}")
        node = _along(node, length, each)
    return node


def _along(x: Node, length: int, axis: int) -> Node:
    extent = x.shape[axis]
    require(extent - length, f"numpy.sliding_window_view: a window of {length} on axis {axis} of {x.type}")
    count = extent - length + 1
    if 0 < length <= _STACKED:
        return slicing.stack([part(x, k, count + k, axis) for k in range(length)], x.rank)
    places = add(reshape(iota(count), (count, 1)), reshape(iota(length), (1, length)))
    return moveaxis(gather(x, places, axis), axis + 1, x.rank)
