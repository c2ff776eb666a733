"""Types as users write them: dc.f64("N", 10), "f64[N, 10]", a Type, or an array as an example."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import DiffcError
from diffc.frontends.numpy.operands import dtype_name, is_weak
from diffc.ir import Dim, Extent, Type, parse_extent, parse_type

__all__ = ["bool_", "f32", "f64", "i64", "type_of"]


def f64(*shape: int | str | Dim) -> Type:
    """Return the type of an f64 array: `dc.f64()` a scalar, `dc.f64("N", 10)` with N read from the input."""
    return Type("f64", tuple(map(_extent, shape)))


def f32(*shape: int | str | Dim) -> Type:
    """Return the type of an f32 array; see `f64`."""
    return Type("f32", tuple(map(_extent, shape)))


def i64(*shape: int | str | Dim) -> Type:
    """Return the type of an i64 array; see `f64`."""
    return Type("i64", tuple(map(_extent, shape)))


def bool_(*shape: int | str | Dim) -> Type:
    """Return the type of an array of truth values; see `f64`."""
    return Type("bool", tuple(map(_extent, shape)))


def _extent(given: int | str | Dim) -> Extent:
    if isinstance(given, str):
        return parse_extent(given)
    if isinstance(given, Dim):
        return given
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise DiffcError(f"an extent is an integer or a name such as 'N', not {given!r:.60}")
    return int(given)


def type_of(given: Any) -> Type:
    """Return the type that a Type, its text, or an example of a value names.

    Raises:
        DiffcError: for anything else, and for dtypes that are not supported.
    """
    if isinstance(given, Type):
        return given
    if isinstance(given, str):
        return parse_type(given)
    if is_weak(given):
        return Type("bool" if isinstance(given, bool) else "i64" if isinstance(given, int) else "f64")
    if isinstance(given, np.ndarray | np.generic):
        return Type(dtype_name(given.dtype), given.shape)
    raise DiffcError(
        f"the type of an input is dc.f64('N', 10), 'f64[N, 10]' or an array as an example, not {given!r:.60}"
    )
