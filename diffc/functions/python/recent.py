"""Tables that keep what was used last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

__all__ = ["Recent"]

V = TypeVar("V")


class Recent(dict[Any, V], Generic[V]):
    """A table of the values used last: at least `kept` of them, and at most twice as many.

    It is the younger of two generations. `get` looks there alone, and costs what it costs in any dict;
    `find`, for what is not there, brings back what the elder one has. Where the younger one is full it
    becomes the elder, and what that one has is let go. Threads may do all of it at once: one may at worst
    miss a value.
    """

    def __init__(self, kept: int) -> None:
        """Keep nothing yet."""
        super().__init__()
        self._kept = kept
        self._elder: dict[Any, V] = {}

    def find(self, key: Any) -> V | None:
        """Return the value of a key, which is then among the last used; None without one."""
        found = self.get(key)
        if found is None:
            found = self._elder.get(key)
            if found is not None:
                self.keep(key, found)
        return found

    def keep(self, key: Any, value: V) -> V:
        """Have a key's value, and let go of others."""
        if len(self) >= self._kept and key not in self:
            self._elder = dict(self)
            self.clear()
        self[key] = value
        return value

    def all_keys(self) -> Iterator[Any]:
        """Return the keys of both generations."""
        return iter({**self._elder, **self})
