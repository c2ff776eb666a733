"""Paths: where a function finds something that is not its argument, so that it can be found there again.

A path is one step from an object that stays what it is as long as the checks before it hold: a name among
globals, a cell of a closure, an attribute, an item. It is read again at each call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any

__all__ = ["Path", "in_attribute", "in_cell", "in_globals", "in_item"]

_contents = attrgetter("cell_contents")


@dataclass(frozen=True, slots=True)
class Path:
    """One step: `get(at)` reads what is there; `label` is how the function spells it.

    `spot` tells the place: the object, and the name or the key in it.
    """

    get: Callable[[Any], Any]
    at: Any
    label: str
    holder: Any
    key: Any

    @property
    def spot(self) -> tuple[int, Any]:
        """What two paths to one place have in common, as long as the object lives."""
        return id(self.holder), self.key if isinstance(self.key, str | int) else repr(self.key)

    def read(self) -> Any:
        """Return what is there now."""
        return self.get(self.at)

    def write(self, value: Any) -> None:
        """Put something there."""
        if self.get is _contents:
            self.holder.cell_contents = value
        elif isinstance(self.get, attrgetter):
            setattr(self.holder, self.key, value)
        else:
            self.holder[self.key] = value


def in_globals(table: dict[str, Any], name: str) -> Path:
    """Return the path to a global name."""
    return Path(table.get, name, name, table, name)


def in_cell(cell: Any, name: str) -> Path:
    """Return the path to what a closure's name refers to."""
    return Path(_contents, cell, name, cell, name)


def in_attribute(holder: Any, name: str, label: str) -> Path:
    """Return the path to an attribute; `label` spells the object."""
    return Path(attrgetter(name), holder, f"{label}.{name}", holder, name)


def in_item(holder: Any, key: Any, label: str) -> Path:
    """Return the path to an item of a list, a tuple or a dict; `label` spells that."""
    return Path(itemgetter(key), holder, f"{label}[{key!r:.40}]", holder, key)
