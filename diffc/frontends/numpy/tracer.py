"""Traced: what a NumPy function computes with while it is traced.

It stands for an array of which the type is known and the elements are not. Operators, ufuncs and NumPy's
functions on it build nodes; what is written to it changes the node that it holds.
"""

from __future__ import annotations

import operator
from typing import Any, ClassVar

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy import refusals
from diffc.frontends.numpy.calling import checked_arguments
from diffc.frontends.numpy.dispatch import call_numpy, call_ufunc, look, with_known, write_result
from diffc.frontends.numpy.indexing import index, is_basic
from diffc.frontends.numpy.methods import ArrayMethods
from diffc.frontends.numpy.operands import as_array, is_weak
from diffc.frontends.numpy.operators import Operators
from diffc.frontends.numpy.tracing import active, check_open
from diffc.frontends.numpy.value import Value, traced, untraced
from diffc.frontends.numpy.views import index_view
from diffc.ir import Node
from diffc.ops import cast, lift

__all__ = ["Traced"]


class Traced(Value, ArrayMethods, Operators):
    """A value of a trace, with the operators, attributes and methods of an array."""

    __slots__ = ()

    __array_priority__: ClassVar[float] = 1000.0

    # What NumPy calls.

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **options: Any) -> Any:
        """Build what a ufunc computes: an array or, even of Python numbers, a number of NumPy's."""
        return call_ufunc(ufunc, method, operands, options)

    def _operated(self, ufunc: Any, *operands: Any) -> Any:
        """Build what an operator computes: of Python numbers alone a Python number."""
        return call_ufunc(ufunc, "__call__", operands, {}, by_operator=True)

    def _times(self, other: Any) -> int | None:
        """Return the number that an integer is beside a list, a tuple or a text, which it repeats."""
        repeats = isinstance(other, list | tuple | str | bytes) and not self.is_array
        return operator.index(self) if repeats and self.node.dtype == "i64" else None

    def _called(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Build what an attribute or a method of an array computes."""
        return call_numpy(function, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Build what a NumPy function computes."""
        return call_numpy(function, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        check_open(self.owner, "x[i]")
        with checked_arguments("x[i]"):
            try:
                return self._part_at(key)
            except TypeProblem:
                known = with_known(key, "iub")
                if known is key:
                    raise
                return self._part_at(known)

    def _part_at(self, key: Any) -> Any:
        places = untraced(key, "x[i]")
        if active.get() is not self.owner or not is_basic(places):
            return traced(index(untraced(self, "x[i]"), places))
        part = self.element(places)
        is_array = part.rank > 0 or ... in (places if isinstance(places, tuple) else (places,))
        return traced(part, view=index_view(self, places) if is_array else None)

    def __setitem__(self, key: Any, value: Any) -> None:
        check_open(self.owner, "x[i] = v")
        if not self.is_array:
            raise refusals.no_assignment(self)
        with checked_arguments("x[i] = v"):
            places = untraced(key, "x[i] = v")
            self.assign(places, self._taken(value, "x[i] = v"))
        look(key, value)

    def _taken(self, value: Any, what: str) -> Node:
        """Return a value that is written here as a node of this dtype, cast as NumPy's assignment does."""
        given = untraced(value, what)
        dtype = self._node.dtype
        return cast(lift(given, dtype) if is_weak(given) and dtype != "i64" else as_array(given), dtype)

    def _in_place(self, ufunc: Any, other: Any) -> Any:
        """Write what an operator computes to this array; of a number return another one."""
        if not self.is_array:
            return self._operated(ufunc, self, other)
        write_result(self, self._operated(ufunc, self, other), ufunc.__name__)
        return self

    def fill(self, value: Any) -> None:
        """Write a number to every element."""
        self[...] = value

    def sort(self, axis: int = -1, **options: Any) -> None:
        """Sort in place, along an axis."""
        write_result(self, call_numpy(np.sort, (self, axis), options), "sort")

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Write values to places counted in C order."""
        call_numpy(np.put, (self, indices, values), {"mode": mode})
