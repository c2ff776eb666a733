"""Lists of numbers outside: arrays where they meet traced values, lists where they are looked into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, cast

from diffc.frontends.numpy.outside.writes import Write

__all__ = ["Numbers"]


class Numbers(list[Any]):
    """A copy of a list of numbers. Once something of it is read as a list, its items must stay the same."""

    __slots__ = ("_first", "_items", "_looked", "original")

    def __init__(self, original: list[Any]) -> None:
        """Copy a list, nested ones too."""
        super().__init__(original)
        self.original = original
        self._first = list(original)
        self._items = _copied(original)
        self._looked = False

    @staticmethod
    def fits(value: Any) -> bool:
        """Tell whether a value is a list of numbers, or of such lists."""
        return (
            type(value) is list and bool(value) and all(_is_number(each) for each in cast(list[Any], value))
        )

    def holds(self) -> bool:
        """Tell whether the list still has the items that the program was made with, if it was looked into."""
        return not self._looked or self.original == self._items

    def writes(self, label: str) -> Iterator[Write]:
        """Yield a write that cannot be repeated, where the function has changed the list."""
        items = [*list.__iter__(self)]
        changed = len(items) != len(self._first) or any(
            a is not b for a, b in zip(items, self._first, strict=True)
        )
        if changed or self.original != self._items:
            yield Write(None, None, f"{label}, a list of numbers")

    def __radd__(self, other: list[Any]) -> list[Any]:
        self._looked = True
        return [*other, *self]

    __hash__ = None  # type: ignore[assignment]


_READING = (
    "__add__", "__contains__", "__eq__", "__ge__", "__getitem__", "__gt__", "__iter__", "__le__", "__len__",
    "__lt__", "__mul__", "__ne__", "__repr__", "__reversed__", "__rmul__", "copy", "count", "index",
)  # fmt: skip
"""The methods that look into a list."""


def _looking(name: str) -> Callable[..., Any]:
    method = getattr(list, name)

    @wraps(method)
    def look(self: Numbers, *args: Any, **kwargs: Any) -> Any:
        self._looked = True  # pyright: ignore[reportPrivateUsage]
        return method(self, *args, **kwargs)

    return look


for _name in _READING:
    setattr(Numbers, _name, _looking(_name))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float, bool) or Numbers.fits(value)


def _copied(value: Any) -> Any:
    return [_copied(each) for each in value] if isinstance(value, list) else value  # pyright: ignore
