"""New arrays: of a number, of nested lists, like others.

An extent may be symbolic here, where NumPy itself takes integers alone.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from diffc.frontends.numpy.arguments import known_integer
from diffc.frontends.numpy.operands import as_array, as_dtype, as_shape
from diffc.frontends.numpy.registry import implements
from diffc.ir import Extent, Node, Type, require
from diffc.ops import cast
from diffc.ops.broadcasting import broadcast, full
from diffc.ops.reshaping import reshape

__all__ = ["array", "not_negative"]


def not_negative(extent: Extent, what: str) -> Extent:
    """Return an extent; demand that it is not negative, now or, of a symbolic one, at each call."""
    require(extent, f"{what}: the extent {extent} is negative")
    return extent


def _new_type(what: str, shape: Any, dtype: str) -> Type:
    return Type(dtype, tuple(not_negative(each, f"numpy.{what}") for each in as_shape(shape)))


@implements(np.zeros, np.empty)
def zeros(shape: Any, dtype: Any = float, order: str = "C", *, device: Any = None) -> Node:
    """numpy.zeros; numpy.empty has zeros, too."""
    return full(0, _new_type("zeros", shape, as_dtype(dtype)))


@implements(np.ones)
def ones(shape: Any, dtype: Any = None, order: str = "C", *, device: Any = None) -> Node:
    """numpy.ones."""
    return full(1, _new_type("ones", shape, as_dtype(dtype)))


@implements(np.full)
def filled(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, device: Any = None) -> Node:
    """numpy.full: the dtype is that of what it is filled with."""
    value = as_array(fill_value)
    type_ = _new_type("full", shape, _dtype_name(value, dtype))
    return broadcast(cast(value, type_.dtype), type_.shape)


def _dtype_name(x: Node, dtype: Any) -> str:
    return x.dtype if dtype is None else as_dtype(dtype)


@implements(np.array)
def array(
    object: Any, dtype: Any = None, *, copy: Any = True, order: str = "K", subok: bool = False, ndmin: Any = 0
) -> Node:
    """numpy.array: numbers, arrays and (nested) lists of them, traced ones among them."""
    x = as_array(_listed(object))
    missing = max(known_integer(ndmin, "ndmin") - x.rank, 0)
    return reshape(cast(x, _dtype_name(x, dtype)), (*(1,) * missing, *x.shape))


def _listed(value: Any) -> Any:
    """Return nested tuples as lists; an empty one, beside traced values too, as an array."""
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value] if value else np.zeros(0)
    return value


@implements(np.asarray, np.asanyarray, np.asarray_chkfinite)
def asarray(a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None) -> Node:
    """numpy.asarray: what the elements are, finite or not, is not known when tracing."""
    return array(a, dtype)


@implements(np.ascontiguousarray, np.asfortranarray)
def ascontiguousarray(a: Any, dtype: Any = None) -> Node:
    """numpy.ascontiguousarray: at least one axis."""
    return array(a, dtype, ndmin=1)


for _kind in (np.float64, np.float32, np.int64, np.bool_):
    implements(_kind)(partial(array, dtype=_kind))


def _type_like(a: Any, dtype: Any, shape: Any) -> Type:
    x = as_array(a)
    return Type(x.dtype if dtype is None else as_dtype(dtype), x.shape if shape is None else as_shape(shape))


@implements(np.zeros_like, np.empty_like)
def zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Node:
    """numpy.zeros_like; numpy.empty_like has zeros, too."""
    return full(0, _type_like(a, dtype, shape))


@implements(np.ones_like)
def ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Node:
    """numpy.ones_like."""
    return full(1, _type_like(a, dtype, shape))


@implements(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None,
    *, device: Any = None,
) -> Node:  # fmt: skip
    """numpy.full_like."""
    type_ = _type_like(a, dtype, shape)
    return broadcast(cast(as_array(fill_value), type_.dtype), type_.shape)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Node:
    """numpy.copy: the array itself, which never changes."""
    return as_array(a)


@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Node:
    """numpy.astype."""
    return cast(as_array(x), as_dtype(dtype))


@implements(np.real, np.real_if_close)
def real(val: Any, tol: Any = 100) -> Node:
    """numpy.real: the array itself."""
    return as_array(val)


@implements(np.imag)
def imag(val: Any) -> Node:
    """numpy.imag: zeros."""
    return full(0, as_array(val).type)
