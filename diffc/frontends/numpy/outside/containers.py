"""Copies of lists, tuples and dicts with stand-ins in them."""

from __future__ import annotations

import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from diffc.frontends.numpy.outside.numbers import Numbers
from diffc.frontends.numpy.outside.paths import in_item
from diffc.frontends.numpy.outside.session import Outside
from diffc.frontends.numpy.outside.writes import Write

__all__ = ["copy_container", "is_container"]

_KINDS = (list, deque, dict, OrderedDict, defaultdict)


def is_container(value: Any) -> bool:
    """Tell whether a value is a list, a tuple or a dict, a named tuple too."""
    return type(value) in _KINDS or isinstance(value, tuple)


def copy_container(outside: Outside, value: Any, label: str) -> Any:
    """Return a copy with a stand-in for each item; its length or its keys must stay the same."""
    if Numbers.fits(value):
        numbers = Numbers(value)
        outside.holds(numbers.holds)
        outside.seek_writes(lambda: numbers.writes(label))
        return outside.keep(value, numbers)
    if isinstance(value, tuple):
        return _tuple(outside, cast(tuple[Any, ...], value), label)
    made: Any = value.copy()
    outside.keep(value, made)
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    if isinstance(value, dict):
        outside.holds(lambda: list(value) == keys)  # pyright: ignore[reportUnknownArgumentType]
    else:
        outside.holds(lambda: len(value) == len(keys))
    placed: dict[Any, Any] = {}
    for key in keys:
        name = key
        if isinstance(key, types.FunctionType | types.MethodType | type(np.sum)):  # compared with stand-ins
            name = outside.made_of(key, label)
            del made[key]
        placed[name] = made[name] = outside.of(value[key], in_item(value, key, label))
    outside.seek_writes(lambda: _writes(made, value, placed, label))
    return made


def _tuple(outside: Outside, value: tuple[Any, ...], label: str) -> Any:
    items = [outside.of(each, in_item(value, k, label)) for k, each in enumerate(value)]
    if all(a is b for a, b in zip(items, value, strict=True)):
        return outside.keep(value, value)
    make: Any = type(value)
    return outside.keep(value, make(*items) if hasattr(value, "_fields") else make(items))


def _writes(made: Any, original: Any, placed: dict[Any, Any], label: str) -> Iterator[Write]:
    """Yield the items of a copy that the function has replaced or added."""
    now: dict[Any, Any] = dict(made) if isinstance(made, dict) else dict(enumerate(made))
    if any(key not in now for key in placed):
        yield Write(None, None, f"{label}, from which it removes items")
        return
    for key, value in now.items():
        if key not in placed and not isinstance(made, dict):
            yield Write(None, None, f"{label}, to which it adds items")
            return
        if key not in placed or placed[key] is not value:
            yield Write(in_item(original, key, label), value, f"{label}[{key!r:.40}]")
