"""Python's operators on traced values: each is the NumPy ufunc that it stands for on an array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from typing import cast as typed

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.captures import is_local
from diffc.frontends.numpy.outside.numbers import Numbers
from diffc.ir import Node

__all__ = ["Operators", "is_traced", "takes_traced"]

_numpy: Any = np  # NumPy's types do not know of arguments that are no arrays


def is_traced(value: Any) -> bool:
    """Tell whether a value stands for an array while tracing, or is a list or tuple that holds such a one."""
    if isinstance(value, list | tuple):
        return type(value) is not Numbers and any(map(is_traced, typed(list[Any], value)))
    if isinstance(value, np.ndarray):
        made: Any = value
        return is_local(made) and made.traced_elements() is not None
    return isinstance(value, Node | Operators) or (isinstance(value, slice) and _bounds_are_traced(value))


def takes_traced(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether one of a call's arguments stands for an array while tracing, or holds such a one."""
    return any(map(is_traced, args)) or any(map(is_traced, kwargs.values()))


def _bounds_are_traced(value: slice) -> bool:
    return any(isinstance(each, Operators) for each in (value.start, value.stop, value.step))


class Operators:
    """The arithmetic, comparison and logical operators, those on the right of an array included.

    Those in place write to an array; the name of a number gets another number.
    """

    __slots__ = ()

    def _operated(self, ufunc: Any, *operands: Any) -> Any:
        """Return what a ufunc gives where an operator stands for it."""
        raise NotImplementedError

    def _in_place(self, ufunc: Any, other: Any) -> Any:
        """Return what an operator such as `x += v` leaves under the name."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self._operated(np.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return self._operated(np.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return self._operated(np.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._operated(np.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        times = self._times(other)
        return self._operated(np.multiply, self, other) if times is None else other * times

    def __rmul__(self, other: Any) -> Any:
        times = self._times(other)
        return self._operated(np.multiply, other, self) if times is None else other * times

    def _times(self, other: Any) -> int | None:
        """Return how often a list, a tuple or a text is repeated by an integer; None for other products."""
        raise NotImplementedError

    def __truediv__(self, other: Any) -> Any:
        return self._operated(np.true_divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._operated(np.true_divide, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self._operated(np.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._operated(np.floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return self._operated(np.remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._operated(np.remainder, other, self)

    def __divmod__(self, other: Any) -> Any:
        return self._operated(np.divmod, self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return self._operated(np.divmod, other, self)

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        if modulus is not None:
            raise TypeProblem("pow(x, y, m) is not supported while tracing: write x**y % m")
        return self._operated(np.power, self, other)

    def __rpow__(self, other: Any) -> Any:
        return self._operated(np.power, other, self)

    def __matmul__(self, other: Any) -> Any:
        return self._operated(np.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self._operated(np.matmul, other, self)

    def __neg__(self) -> Any:
        return self._operated(np.negative, self)

    def __pos__(self) -> Any:
        return self._operated(np.positive, self)

    def __abs__(self) -> Any:
        return self._operated(np.absolute, self)

    def __round__(self, digits: int | None = None) -> Any:
        return _numpy.round(self, digits or 0)

    def __invert__(self) -> Any:
        return self._operated(np.invert, self)

    def __and__(self, other: Any) -> Any:
        return self._operated(np.bitwise_and, self, other)

    def __rand__(self, other: Any) -> Any:
        return self._operated(np.bitwise_and, other, self)

    def __or__(self, other: Any) -> Any:
        return self._operated(np.bitwise_or, self, other)

    def __ror__(self, other: Any) -> Any:
        return self._operated(np.bitwise_or, other, self)

    def __xor__(self, other: Any) -> Any:
        return self._operated(np.bitwise_xor, self, other)

    def __rxor__(self, other: Any) -> Any:
        return self._operated(np.bitwise_xor, other, self)

    def __lshift__(self, other: Any) -> Any:
        return self._operated(np.left_shift, self, other)

    def __rshift__(self, other: Any) -> Any:
        return self._operated(np.right_shift, self, other)

    def __lt__(self, other: Any) -> Any:
        return self._operated(np.less, self, other)

    def __le__(self, other: Any) -> Any:
        return self._operated(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return self._operated(np.greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return self._operated(np.greater_equal, self, other)

    def __eq__(self, other: object) -> Any:
        return self._operated(np.equal, self, other)

    def __ne__(self, other: object) -> Any:
        return self._operated(np.not_equal, self, other)

    def __iadd__(self, other: Any) -> Any:
        return self._in_place(np.add, other)

    def __isub__(self, other: Any) -> Any:
        return self._in_place(np.subtract, other)

    def __imul__(self, other: Any) -> Any:
        return self._in_place(np.multiply, other)

    def __itruediv__(self, other: Any) -> Any:
        return self._in_place(np.true_divide, other)

    def __ifloordiv__(self, other: Any) -> Any:
        return self._in_place(np.floor_divide, other)

    def __imod__(self, other: Any) -> Any:
        return self._in_place(np.remainder, other)

    def __ipow__(self, other: Any) -> Any:
        return self._in_place(np.power, other)

    def __imatmul__(self, other: Any) -> Any:
        return self._in_place(np.matmul, other)

    def __iand__(self, other: Any) -> Any:
        return self._in_place(np.bitwise_and, other)

    def __ior__(self, other: Any) -> Any:
        return self._in_place(np.bitwise_or, other)

    def __ixor__(self, other: Any) -> Any:
        return self._in_place(np.bitwise_xor, other)

    def __ilshift__(self, other: Any) -> Any:
        return self._in_place(np.left_shift, other)

    def __irshift__(self, other: Any) -> Any:
        return self._in_place(np.right_shift, other)
