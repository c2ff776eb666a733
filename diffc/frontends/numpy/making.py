"""Arrays made of lists that hold traced values."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import unsupported
from diffc.frontends.numpy.operands import as_array, as_dtype
from diffc.frontends.numpy.registry import implements
from diffc.ir import Node
from diffc.ops import cast
from diffc.ops.reshaping import reshape


@implements(np.array)
def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
) -> Node:
    """numpy.array of nested lists and tuples of traced values and numbers."""
    unsupported("array", subok=subok, like=like)
    x = as_array(object)
    if dtype is not None:
        x = cast(x, as_dtype(dtype))
    return reshape(x, (*(1,) * max(0, ndmin - x.rank), *x.shape))


@implements(np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray)
def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None, like: Any = None
) -> Node:
    """numpy.asarray."""
    unsupported("asarray", device=device, like=like)
    return array(a, dtype)


@implements(np.asarray_chkfinite)
def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Node:
    """numpy.asarray_chkfinite is refused: whether elements are finite is not known."""
    raise TypeProblem(
        "numpy.asarray_chkfinite: the elements are not known while tracing: write np.asarray(x)"
    )
