"""Nested structures of values: tuples, named ones too, lists and dicts, taken apart into leaves and put
together again.

A structure is what remains without its leaves: None where one stood, `Branch` with the kind of the container.
It is hashable, so that a compiled program can be found by the structure of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

__all__ = ["Branch", "Structure", "flatten", "leaf_count", "maker", "map_leaves", "names_of", "unflatten"]


@dataclass(frozen=True, slots=True)
class Branch:
    """A container: its kind, its keys, fields or positions, and each item's structure; a leaf is None."""

    kind: type[Any]
    keys: tuple[Any, ...]
    items: tuple[Structure, ...]


Structure: TypeAlias = "Branch | None"


def flatten(value: Any) -> tuple[list[Any], Structure]:
    """Return the leaves of nested tuples, lists and dicts, in order, and their structure."""
    leaves: list[Any] = []
    return leaves, _flatten(value, leaves)


def _flatten(value: Any, leaves: list[Any]) -> Structure:
    if isinstance(value, Mapping):
        table = cast(Mapping[Any, Any], value)
        return Branch(dict, tuple(table), tuple(_flatten(each, leaves) for each in table.values()))
    if isinstance(value, list | tuple):
        items = cast(Sequence[Any], value)
        kind = cast(type[Any], type(value))
        keys = getattr(kind, "_fields", tuple(range(len(items))))
        return Branch(kind, keys, tuple(_flatten(each, leaves) for each in items))
    leaves.append(value)
    return None


def unflatten(structure: Structure, leaves: Iterable[Any]) -> Any:
    """Return the nested value of a structure and its leaves."""
    return _unflatten(structure, iter(leaves))


def _unflatten(structure: Structure, leaves: Iterator[Any]) -> Any:
    if structure is None:
        return next(leaves)
    return maker(structure)([_unflatten(each, leaves) for each in structure.items])


def maker(branch: Branch) -> Callable[[Sequence[Any]], Any]:
    """Return what makes a container of its items."""
    if branch.kind is dict:
        return lambda items: dict(zip(branch.keys, items, strict=True))
    return getattr(branch.kind, "_make", branch.kind)


def leaf_count(structure: Structure) -> int:
    """Return the number of leaves."""
    return 1 if structure is None else sum(map(leaf_count, structure.items))


def names_of(structure: Structure, name: str) -> list[str]:
    """Return a name for each leaf: `params_w`, `params_0`; the name itself for a bare leaf."""
    if structure is None:
        return [name]
    return [
        each
        for key, item in zip(structure.keys, structure.items, strict=True)
        for each in names_of(item, f"{name}_{key}" if name else str(key))
    ]


def map_leaves(change: Callable[[Any], Any], value: Any) -> Any:
    """Return a nested value with each leaf changed."""
    leaves, structure = flatten(value)
    return unflatten(structure, map(change, leaves))
