"""Objects that are structures: those of dataclasses and of attrs by their fields, others as registered."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np

from diffc.errors import DiffcError

__all__ = ["Parts", "attributes_of", "holds_count", "made_object", "parts_of", "register_structure"]

Kind = TypeVar("Kind")

_REGISTERED: dict[
    type[Any], tuple[Callable[[Any], tuple[Iterable[Any], Any]], Callable[[Any, Any], Any]]
] = {}

_LEAVES = (np.ndarray, np.generic, int, float, str, bytes, enum.Enum, type)


@dataclass(frozen=True, slots=True)
class Parts:
    """An object taken apart: its class, the names and values of its parts.

    The last name of a registered object is an Ellipsis: it stands for `rest`, what is not among the values.
    """

    kind: type[Any]
    keys: tuple[Any, ...]
    items: tuple[Any, ...]
    rest: Any = None


def register_structure(
    cls: type[Kind],
    flatten: Callable[[Any], tuple[Iterable[Any], Any]] | None = None,
    unflatten: Callable[[Any, Any], Any] | None = None,
) -> type[Kind]:
    """Have the objects of a class taken apart, as arguments and as results of transforms; return the class.

    Without functions their parts are their attributes; then it decorates a class. Dataclasses and classes of
    attrs need no registration.

    Args:
        cls: the class; those derived from it are registered by themselves.
        flatten: gives (children, rest) of an object: what is traced, and what is hashable and passed on.
        unflatten: makes an object of (rest, children). The children may be anything, gradients as well.

    >>> import diffc as dc
    >>> @dc.register_structure
    ... class Line:
    ...     def __init__(self, slope, offset):
    ...         self.slope, self.offset = slope, offset
    >>> vars(dc.grad(lambda line: line.slope**2 * line.offset)(Line(3.0, 2.0)))
    {'slope': 12.0, 'offset': 9.0}
    """
    if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DiffcError(f"register_structure takes a class, not {cls!r:.60}")
    if (flatten is None) != (unflatten is None):
        raise DiffcError("register_structure takes both flatten and unflatten, or neither")
    if issubclass(cls, (*_LEAVES, dict, list, tuple)):
        raise DiffcError(
            f"register_structure: {cls.__name__} is derived from a container or a kind of number"
        )
    if flatten is not None and unflatten is not None:
        _REGISTERED[cls] = flatten, unflatten
    else:
        _REGISTERED[cls] = _attributes, lambda names, values: _with_attributes(cls, names, values)
    return cls


def _attributes(value: Any) -> tuple[Iterable[Any], Any]:
    return vars(value).values(), tuple(vars(value))


def parts_of(value: Any) -> Parts | None:
    """Return an object taken apart; None for what is a leaf.

    Raises:
        DiffcError: where a registered function does not give children and a rest.
    """
    if isinstance(value, _LEAVES) or value is None:
        return None
    kind: type[Any] = value.__class__  # a stand-in passes for an object of its class
    registered = _REGISTERED.get(kind)
    if registered is not None:
        given = cast(tuple[Any, ...], registered[0](value))
        if type(given) is not tuple or len(given) != 2:
            raise DiffcError(f"flatten of {kind.__name__} gives {given!r:.60}, not (children, rest)")
        items = tuple(given[0])
        return Parts(kind, (*range(len(items)), ...), items, given[1])
    named = _fields(kind)
    if named is None or hasattr(kind, "__array__") or kind.__module__.partition(".")[0] == "diffc":
        return None
    keys = tuple(name for name in named if hasattr(value, name))
    return Parts(kind, keys, tuple(getattr(value, name) for name in keys))


def _fields(kind: type[Any]) -> dict[str, Any] | None:
    """Return the fields of a dataclass or a class of attrs, by name; None for another class."""
    found: Any = fields(kind) if is_dataclass(kind) else getattr(kind, "__attrs_attrs__", None)
    return None if found is None else {each.name: each for each in found}


def attributes_of(value: Any) -> set[str]:
    """Return the names of an object's attributes, but for those that a cached property has made."""
    kind = type(value)
    names = set(getattr(value, "__dict__", ()))
    return {name for name in names if not isinstance(getattr(kind, name, None), cached_property)}


def holds_count(kind: type[Any], key: Any) -> bool:
    """Tell whether an integer in a part of an object is a count, not a number to be differentiated by.

    It is one in a field, unless the field's annotation has `float` in it.
    """
    if kind in _REGISTERED or not isinstance(key, str) or issubclass(kind, dict | list | tuple):
        return False
    field = (_fields(kind) or {}).get(key)
    return field is not None and "float" not in str(field.type)


def made_object(kind: type[Any], keys: Sequence[Any], items: Sequence[Any]) -> Any:
    """Return an object of its parts. The constructor of a class with fields is not called.

    It might convert or refuse what stands for its fields here: traced values, gradients.
    """
    registered = _REGISTERED.get(kind)
    if registered is not None:
        return registered[1](items[-1], tuple(items[:-1]))
    return _with_attributes(kind, keys, items)


def _with_attributes(kind: type[Any], names: Sequence[str], values: Sequence[Any]) -> Any:
    made = object.__new__(kind)
    for name, value in zip(names, values, strict=True):
        object.__setattr__(made, name, value)
    return made
