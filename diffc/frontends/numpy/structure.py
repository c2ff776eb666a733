"""Nested structures of values: tuples, named ones too, lists, dicts and objects, taken apart into leaves and
put together again.

A structure is what remains without its leaves: None where one stood, `Branch` with the kind of the container,
`Fixed` with a value that is the same each time. It is hashable, so that a compiled program can be found by
the structure of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from diffc.errors import DiffcError
from diffc.frontends.numpy.objects import holds_count, made_object, parts_of

__all__ = [
    "Branch", "Fixed", "Static", "Structure", "flatten", "has_fixed", "is_count", "leaf_count",
    "leaves_like", "leaves_or_fixed", "maker", "map_leaves", "names_of", "objects_in", "unflatten",
    "with_leaves",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Branch:
    """A container: its kind, its keys, fields or positions, and each item's structure; a leaf is None."""

    kind: type[Any]
    keys: tuple[Any, ...]
    items: tuple[Structure, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value in the place of a leaf, such as a text: it is part of the structure."""

    value: Any


Structure: TypeAlias = "Branch | Fixed | None"


class Static:
    """A leaf that a function gets as it is: a text, a flag, None, a function, what `static` names.

    Two are equal where nothing tells their values apart: 1, 1.0 and True are three.
    """

    __slots__ = ("_key", "value")

    def __init__(self, value: Any) -> None:
        """Hold the value."""
        self.value = value
        self._key = _told_apart(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Static) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Static({self.value!r})"


def _told_apart(value: Any) -> Any:
    """Return what is equal for two values only if their types and signs of zero are."""
    kind = cast(type[Any], type(value))
    if kind is tuple or kind is frozenset:
        return kind, kind(map(_told_apart, value))
    return (kind, float(value).hex()) if isinstance(value, float | np.floating) else (kind, value)


def flatten(value: Any) -> tuple[list[Any], Structure]:
    """Return the leaves of nested tuples, lists, dicts and objects, in order, and their structure.

    Raises:
        DiffcError: for a value that contains itself.
    """
    leaves: list[Any] = []
    try:
        return leaves, _flatten(value, leaves)
    except RecursionError:
        raise DiffcError("an argument or a result contains itself, or is nested too deep") from None


def _flatten(value: Any, leaves: list[Any]) -> Structure:
    if isinstance(value, Mapping):
        table = cast(Mapping[Any, Any], value)
        return Branch(dict, tuple(table), tuple(_flatten(each, leaves) for each in table.values()))
    if isinstance(value, list | tuple):
        items = cast(Sequence[Any], value)
        kind = cast(type[Any], type(value))
        keys = getattr(kind, "_fields", tuple(range(len(items))))
        return Branch(kind, keys, tuple(_flatten(each, leaves) for each in items))
    parts = parts_of(value)
    if parts is None:
        leaves.append(value)
        return None
    inside = [_flatten(each, leaves) for each in parts.items]
    if parts.keys and parts.keys[-1] is ...:  # what is no child of a registered object
        leaves.append(Static(parts.rest))
        inside.append(None)
    return Branch(parts.kind, parts.keys, tuple(inside))


def unflatten(structure: Structure, leaves: Iterable[Any]) -> Any:
    """Return the nested value of a structure and its leaves."""
    return _unflatten(structure, iter(leaves))


def _unflatten(structure: Structure, leaves: Iterator[Any]) -> Any:
    if structure is None:
        return next(leaves)
    if isinstance(structure, Fixed):
        return structure.value
    return maker(structure)([_unflatten(each, leaves) for each in structure.items])


def maker(branch: Branch) -> Callable[[Sequence[Any]], Any]:
    """Return what makes a container of its items. A constructor of a user's class is not called."""
    kind, keys = branch.kind, branch.keys
    if kind is dict:
        return lambda items: dict(zip(keys, items, strict=True))
    if issubclass(kind, list | tuple):
        return getattr(kind, "_make", kind)
    return lambda items: made_object(kind, keys, items)


def leaf_count(structure: Structure) -> int:
    """Return the number of leaves."""
    if structure is None:
        return 1
    return 0 if isinstance(structure, Fixed) else sum(map(leaf_count, structure.items))


def has_fixed(structure: Structure) -> bool:
    """Tell whether a part of a structure is a value."""
    return isinstance(structure, Fixed) or (structure is not None and any(map(has_fixed, structure.items)))


def names_of(structure: Structure, name: str) -> list[str]:
    """Return a name for each leaf: `params_w`, `params_0`; the name itself for a bare leaf."""
    if structure is None:
        return [name]
    if isinstance(structure, Fixed):
        return []
    return [
        each
        for key, item in zip(structure.keys, structure.items, strict=True)
        for each in names_of(item, _joined(name, key))
    ]


def _joined(name: str, key: Any) -> str:
    shown = "rest" if key is ... else str(key)
    return f"{name}_{shown}" if name else shown


def is_count(structure: Structure) -> list[bool]:
    """Tell of each leaf whether it is a field of an object for which an integer is a count, not a number."""
    if not isinstance(structure, Branch):
        return [False] * leaf_count(structure)
    counts: list[bool] = []
    for key, item in zip(structure.keys, structure.items, strict=True):
        counts += [holds_count(structure.kind, key)] if item is None else is_count(item)
    return counts


def with_leaves(structure: Structure, leaves: Iterable[Structure]) -> Structure:
    """Return a structure with another one in place of each leaf."""
    rest = iter(leaves)

    def visit(each: Structure) -> Structure:
        if each is None:
            return next(rest)
        return (
            each if isinstance(each, Fixed) else Branch(each.kind, each.keys, tuple(map(visit, each.items)))
        )

    return visit(structure)


def leaves_like(structure: Structure, value: Any) -> list[Any] | None:
    """Return the leaves of a value that has a structure; None for a value that has another one."""
    if not isinstance(structure, Branch):
        return [value]
    items = _items_like(structure, value)
    if items is None:
        return None
    leaves: list[Any] = []
    for inside, item in zip(structure.items, items, strict=True):
        found = leaves_like(inside, item)
        if found is None:
            return None
        leaves += found
    return leaves


def _items_like(branch: Branch, value: Any) -> list[Any] | None:
    """Return the items of a container of a kind, with the keys that it has; None for another one."""
    if branch.kind is dict:
        fits = isinstance(value, Mapping) and tuple(cast(Mapping[Any, Any], value)) == branch.keys
        return list(cast(Mapping[Any, Any], value).values()) if fits else None
    if issubclass(branch.kind, list | tuple):
        return list(value) if type(value) is branch.kind and len(value) == len(branch.keys) else None
    parts = parts_of(value)
    if parts is None or (parts.kind, parts.keys) != (branch.kind, branch.keys):
        return None
    return [*parts.items, Static(parts.rest)] if parts.keys and parts.keys[-1] is ... else list(parts.items)


def objects_in(structure: Structure, value: Any) -> Iterator[Any]:
    """Yield the objects in a value of a structure."""
    if isinstance(structure, Branch):
        if not issubclass(structure.kind, dict | list | tuple):
            yield value
        for inside, item in zip(structure.items, _items_like(structure, value) or (), strict=False):
            yield from objects_in(inside, item)


def leaves_or_fixed(structure: Structure) -> list[Fixed | None]:
    """Return None for each leaf, and the values that stand in place of others, in order."""
    if not isinstance(structure, Branch):
        return [structure]
    return [each for item in structure.items for each in leaves_or_fixed(item)]


def map_leaves(change: Callable[[Any], Any], value: Any) -> Any:
    """Return a nested value with each leaf changed; what is static stays as it is."""
    leaves, structure = flatten(value)
    return unflatten(structure, [each.value if isinstance(each, Static) else change(each) for each in leaves])
