"""Memory for calls: workspaces, and arrays for results."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc import tuning
from diffc.errors import InputError

__all__ = ["LINE", "empty", "workspace"]

LINE = tuning.CACHE_LINE
"""The bytes of a line of the caches, and of the widest vector."""

_SMALL = 1 << 16
"""Arrays of fewer bytes lie where NumPy puts them, at multiples of 16 bytes."""

_KEPT = 32 << 20
_local = threading.local()


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], what: str = "a value") -> NDArray[Any]:
    """Return a new array, which begins with a line of the caches unless it is small."""
    size = math.prod(shape) * dtype.itemsize
    try:
        if size < _SMALL:
            return np.empty(shape, dtype)
        raw = np.empty(size + LINE, np.uint8)
        return np.ndarray(shape, dtype, raw, -raw.ctypes.data % LINE)
    except (MemoryError, ValueError) as error:
        raise InputError(f"{what} of the shape {shape} does not fit into memory: {error}") from None


def workspace(size: int) -> NDArray[np.uint8]:
    """Return at least `size` bytes, aligned, to work in: the thread's next call may have them, too."""
    kept: NDArray[np.uint8] | None = getattr(_local, "buffer", None)
    if kept is not None and kept.size >= size:
        return kept
    try:
        raw = np.empty(size + LINE, np.uint8)
    except (MemoryError, ValueError) as error:
        raise InputError(f"the workspace of {size} bytes does not fit into memory: {error}") from None
    start = -raw.ctypes.data % LINE
    aligned = raw[start : start + size]
    if size <= _KEPT:
        _local.buffer = aligned
    return aligned
