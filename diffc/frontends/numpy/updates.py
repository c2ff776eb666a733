"""dc.at(x, i): arrays with some elements changed, as new arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.indexing import index
from diffc.frontends.numpy.operands import as_array
from diffc.frontends.numpy.tracer import traced, untraced
from diffc.frontends.numpy.tracing import active
from diffc.ir import Node, broadcast_shapes, promote
from diffc.ops import cast, iota, lift
from diffc.ops.arithmetic import maximum, minimum, mul
from diffc.ops.broadcasting import broadcast, full, zeros
from diffc.ops.indexing import scatter_add
from diffc.ops.logic import gt, where
from diffc.ops.reshaping import reshape

__all__ = ["At", "at"]


class At:
    """Some elements of an array, to be replaced. The array itself stays as it is.

    Indices are those of `x[i]`. Where an array of indices names an element twice, `add` adds both values; for
    `set`, `multiply`, `min` and `max` of a traced array the result is not defined then.
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
        return self._changed(lambda old, new: new, np.ndarray.__setitem__, value)

    def add(self, value: Any) -> Any:
        """Return the array with a value added to the elements, also to one that is named several times."""
        if active.get() is None:
            return self._on_array(np.add.at, value)
        x, flat, new = self._parts(value)
        return traced(_scattered(x, flat, new))

    def multiply(self, value: Any) -> Any:
        """Return the array with the elements multiplied."""
        return self._changed(mul, np.multiply.at, value)

    def min(self, value: Any) -> Any:
        """Return the array with each element the smaller one of itself and a value."""
        return self._changed(minimum, np.minimum.at, value)

    def max(self, value: Any) -> Any:
        """Return the array with each element the larger one of itself and a value."""
        return self._changed(maximum, np.maximum.at, value)

    def _on_array(self, change: Callable[..., Any], value: Any) -> Any:
        result = np.array(self._x)
        change(result, self._key, value)
        return result

    def _changed(self, build: Callable[..., Node], change: Callable[..., Any], value: Any) -> Any:
        if active.get() is None:
            return self._on_array(change, value)
        x, flat, new = self._parts(value)
        old = index(x, untraced(self._key, "dc.at"))
        hit = gt(_scattered(zeros(x.type.with_dtype("f64")), flat, full(1, new.type.with_dtype("f64"))), 0)
        written = _scattered(zeros(x.type), flat, cast(build(old, new), x.dtype))
        return traced(where(hit, written, x))

    def _parts(self, value: Any) -> tuple[Node, Node, Node]:
        """Return the array, the position of each chosen element, and a value for each."""
        x = as_array(untraced(self._x, "dc.at"))
        given = untraced(value, "dc.at")
        new = lift(given, x.dtype) if isinstance(given, bool | int | float) else as_array(given)
        if promote(new.dtype, x.dtype) != x.dtype:
            raise TypeProblem(
                f"dc.at: values of {new.dtype} in an array of {x.dtype}: use .astype on one of them"
            )
        flat = index(reshape(iota(x.size), x.shape), untraced(self._key, "dc.at"))
        if broadcast_shapes(new.shape, flat.shape) != flat.shape:
            raise TypeProblem(
                f"dc.at: the values have the shape of {new.type}, the chosen elements {flat.type}"
            )
        return x, flat, broadcast(cast(new, x.dtype), flat.shape)


def at(x: Any, key: Any) -> At:
    """Return some elements of an array, to be replaced: `y = dc.at(x, 0).set(1.0)`, `dc.at(x, i).add(v)`.

    It works on NumPy arrays, too, which it copies. For a part of several axes write `dc.at(x, np.s_[0, 1:])`.
    """
    return At(x, key)


def _scattered(base: Node, flat: Node, values: Node) -> Node:
    rows = scatter_add(
        reshape(base, (base.size,)), reshape(flat, (flat.size,)), reshape(values, (flat.size,))
    )
    return reshape(rows, base.shape)
