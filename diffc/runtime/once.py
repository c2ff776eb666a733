"""A value that is made when something first asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from diffc.forks import Lock

__all__ = ["Once"]

T = TypeVar("T")


class Once(Generic[T]):
    """Calls `make` for the first that asks, and gives everyone what it returned.

    Of several threads that ask at once, one makes the value and the others wait. Where `make` raises, so does
    the call, and the next one tries again.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        """Keep what makes the value."""
        self._make = make
        self._lock = Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        """Return the value."""
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]
