"""dc.at(x, i): arrays with some elements changed, as new arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.operands import as_array
from diffc.frontends.numpy.replacing import combined_at, replaced
from diffc.frontends.numpy.tracing import active
from diffc.frontends.numpy.value import traced, untraced
from diffc.ir import Node, promote
from diffc.ops import cast, lift

__all__ = ["At", "at"]


class At:
    """Some elements of an array, to be replaced. The array itself stays as it is.

    Indices are those of `x[i]`. Where an array of indices names an element several times, `set` keeps the
    last value, and `add`, `multiply`, `min` and `max` combine all of them, as NumPy's `ufunc.at` does; the
    work of the last three then grows with the square of the number of indices.
    """

    def __init__(self, x: Any, key: Any) -> None:
        """Take an array, traced or not, and an index."""
        self._x = x
        self._key = key

    def get(self) -> Any:
        """Return the elements, x[i]."""
        return self._x[self._key]

    def set(self, value: Any) -> Any:
        """Return the array with the elements replaced: x[i] = value."""
        if active.get() is None:
            return self._on_array(np.ndarray.__setitem__, value)
        x, new = self._operands(value)
        return traced(replaced(x, untraced(self._key, "dc.at"), new))

    def add(self, value: Any) -> Any:
        """Return the array with a value added to the elements, also to one that is named several times."""
        return self._combined(np.add, value)

    def multiply(self, value: Any) -> Any:
        """Return the array with the elements multiplied."""
        return self._combined(np.multiply, value)

    def min(self, value: Any) -> Any:
        """Return the array with each element the smaller one of itself and a value."""
        return self._combined(np.minimum, value)

    def max(self, value: Any) -> Any:
        """Return the array with each element the larger one of itself and a value."""
        return self._combined(np.maximum, value)

    def _on_array(self, change: Callable[..., Any], value: Any) -> Any:
        result = np.array(self._x)
        change(result, self._key, value)
        return result

    def _combined(self, ufunc: np.ufunc, value: Any) -> Any:
        if active.get() is None:
            return self._on_array(ufunc.at, value)
        x, new = self._operands(value)
        return traced(combined_at(ufunc, x, untraced(self._key, "dc.at"), new))

    def _operands(self, value: Any) -> tuple[Node, Node]:
        """Return the array, and the value in its dtype."""
        x = as_array(untraced(self._x, "dc.at"))
        given = untraced(value, "dc.at")
        new = lift(given, x.dtype) if isinstance(given, bool | int | float) else as_array(given)
        if promote(new.dtype, x.dtype) != x.dtype:
            raise TypeProblem(
                f"dc.at: values of {new.dtype} in an array of {x.dtype}: use .astype on one of them"
            )
        return x, cast(new, x.dtype)


def at(x: Any, key: Any) -> At:
    """Return some elements of an array, to be replaced: `y = dc.at(x, 0).set(1.0)`, `dc.at(x, i).add(v)`.

    It works on NumPy arrays, too, which it copies. For a part of several axes write `dc.at(x, np.s_[0, 1:])`.
    """
    return At(x, key)
