"""Properties that are computed when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

__all__ = ["lazy"]

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801
    """A property that is computed at its first use, and is an attribute from then on.

    It takes no lock. `functools.cached_property` takes one for all objects of a class on Python 3.11: threads
    would wait for each other's compilations, and a forked child for a thread that it does not have. Threads
    that ask at once may each compute the value; all get the one that was there first.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        """Take the method that computes it."""
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> lazy[T] | T:
        """Return the value, as the instance has none of this name yet."""
        if instance is None:
            return self
        value = self._make(instance)
        return instance.__dict__.setdefault(self._name, value)
