"""The attributes and methods of an array, on traced values: each is what a function of NumPy gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Self

import numpy as np

from diffc.errors import TypeProblem

__all__ = ["ArrayMethods"]


class ArrayMethods:
    """The attributes and methods that need nothing of an array but its type and NumPy's functions of it."""

    __slots__ = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        raise NotImplementedError

    @property
    def size(self) -> Any:
        """The number of elements."""
        raise NotImplementedError

    @property
    def ndim(self) -> int:
        """The number of axes."""
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        """Return a part of the array."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        """Return the parts along the first axis."""
        raise NotImplementedError

    def _called(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Return what a function of NumPy gives where an attribute or a method stands for it."""
        raise NotImplementedError

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> Any:
        """The bytes of all elements."""
        return self.size * self.itemsize

    @property
    def T(self) -> Any:
        """The axes in reverse order."""
        return self._called(np.transpose, self)

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return self._called(np.swapaxes, self, -1, -2)

    @property
    def real(self) -> Self:
        """The value itself: it is real."""
        return self

    @property
    def imag(self) -> Any:
        """Zeros: the value is real."""
        return self._called(np.zeros_like, self)

    @property
    def flat(self) -> Any:
        """The elements as one vector, which can be written to whatever the layout is."""
        result = self._called(np.ravel, self)
        result.stay_a_view()
        return result

    # Methods that are not the NumPy function of the same name.

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """Return the elements in another shape."""
        return self._called(np.reshape, self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> Any:
        """Return the axes in another order, or reversed."""
        return self._called(np.transpose, self, axes[0] if len(axes) == 1 else axes or None)

    def flatten(self) -> Any:
        """Return the elements as one vector of its own."""
        return self._called(np.ravel, self.copy())

    def astype(self, dtype: Any, copy: bool = True, **_: Any) -> Any:
        """Return the elements as another dtype."""
        result = self._called(np.astype, self, dtype)
        return result if copy or result.dtype != self.dtype else self

    def copy(self, order: str = "C") -> Any:
        """Return another array with the same elements."""
        return self._called(np.copy, self, order)

    def conj(self) -> Any:
        """Return the values, which are real, as an array of their own."""
        return self._called(np.copy, self)

    conjugate = conj

    def item(self, *place: Any) -> Any:
        """Return one element: the only one, that of a place counted in C order, or that of an index."""
        if not place:
            return self._called(np.reshape, self, ())
        if len(place) == 1 and not isinstance(place[0], tuple):
            return self._called(np.ravel, self)[place[0]]
        return self[place[0] if len(place) == 1 else place]

    def tolist(self) -> Any:
        """Return the elements in nested lists."""
        return [each.tolist() for each in self] if self.ndim else self

    def view(self, *_: Any) -> NoReturn:
        """Refuse: the bits of an array are not known."""
        raise TypeProblem(
            "x.view() reads the bits of an array: write x.astype(dtype) to convert its elements"
        )


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: ArrayMethods, *args: Any, **kwargs: Any) -> Any:
        return self._called(function, self, *args, **kwargs)  # pyright: ignore[reportPrivateUsage]

    method.__name__ = function.__name__
    method.__doc__ = f"Return numpy.{function.__name__} of the value."
    return method


METHODS = (
    *("all", "any", "argmax", "argmin", "argsort", "choose", "clip", "compress", "cumprod", "cumsum"),
    *("diagonal", "dot", "max", "mean", "min", "nonzero", "prod", "ptp", "ravel", "repeat", "round"),
    *("searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var"),
)
"""The methods of an array that are the NumPy functions of the same name."""

for _name in METHODS:
    setattr(ArrayMethods, _name, _method(getattr(np, _name)))
