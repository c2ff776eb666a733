"""What is known of an array without its elements: shape, dtype, memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffc.frontends.numpy.arguments import numpy_dtype
from diffc.frontends.numpy.operands import as_array, as_axis
from diffc.frontends.numpy.registry import implements
from diffc.ir import Extent, Node
from diffc.ops import dim


def _value(extent: Extent) -> Any:
    return extent if isinstance(extent, int) else dim(extent)


@implements(np.shape)
def shape(a: Any) -> Any:
    """numpy.shape."""
    return tuple(map(_value, as_array(a).shape))


@implements(np.size)
def size(a: Any, axis: Any = None) -> Any:
    """numpy.size."""
    x = as_array(a)
    return _value(x.size if axis is None else x.shape[as_axis(axis, x.rank, "size")])


@implements(np.ndim)
def ndim(a: Any) -> int:
    """numpy.ndim."""
    return as_array(a).rank


def _by_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of arrays that asks for their dtypes alone."""

    def ask(*arguments: Any, **options: Any) -> Any:
        kinds = [np.empty(0, numpy_dtype(each)) if isinstance(each, Node) else each for each in arguments]
        return function(*kinds, **options)

    return ask


for _function in (np.result_type, np.common_type, np.iscomplexobj, np.isrealobj, np.can_cast):
    implements(_function)(_by_dtype(_function))


@implements(np.may_share_memory, np.shares_memory)
def shares_memory(a: Any, b: Any, /, max_work: Any = None) -> bool:
    """numpy.shares_memory: a traced array has no memory."""
    return False
