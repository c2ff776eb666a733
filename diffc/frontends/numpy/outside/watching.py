"""What runs as it is: the methods of classes that a function makes objects of, and cached functions.

Nothing is seen of what they read while they run. So all that they can reach by names is compared at each
call: numbers, arrays with their elements, functions, and the items of lists and dicts.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from diffc.frontends.numpy.outside.functions import is_foreign
from diffc.frontends.numpy.outside.paths import Path, in_attribute, in_cell, in_globals, in_item
from diffc.frontends.numpy.outside.session import Outside
from diffc.frontends.numpy.randomness import names_in
from diffc.ops.captured import seen

__all__ = ["watch"]

_LIMIT = 10_000


def watch(outside: Outside, value: Any, label: str) -> None:
    """Have all that a class, a function or an object can reach compared at each call."""
    known: set[int] = set()
    waiting: list[tuple[Any, str]] = [(value, label)]
    while waiting and len(known) < _LIMIT:
        each, name = waiting.pop()
        if id(each) in known:
            continue
        known.add(id(each))  # alive: the path to it holds what holds it
        for path, found in _parts(outside, each, name):
            outside.check(path, found)
            if isinstance(found, np.ndarray):
                _watch_elements(outside, path, found)
            elif not isinstance(found, bool | int | float | complex | str | bytes | np.generic | None):
                waiting.append((found, path.label))


def _watch_elements(outside: Outside, path: Path, array: Any) -> None:
    then = seen(array)
    outside.holds(lambda: seen(path.read()) == then)


def _parts(outside: Outside, value: Any, label: str) -> Iterator[tuple[Path, Any]]:
    """Yield what is one step away from a value, with the path to it."""
    if isinstance(value, types.FunctionType):
        if not is_foreign(value):
            yield from _of_function(value)
    elif isinstance(value, staticmethod | classmethod):
        yield in_attribute(value, "__func__", label), value.__func__
    elif isinstance(value, property):
        yield in_attribute(value, "fget", label), value.fget
    elif isinstance(value, type):
        yield from _of_class(value)
    elif isinstance(value, set | frozenset | bytearray):
        then = value.copy()
        outside.holds(lambda: value == then)
    elif isinstance(value, dict | list | tuple):
        count = len(value)
        outside.holds(lambda: len(value) == count)
        items: Any = value.items() if isinstance(value, dict) else enumerate(cast(list[Any], value))
        for key, found in items:
            yield in_item(value, key, label), found
    elif isinstance(getattr(value, "__wrapped__", None), types.FunctionType):
        yield in_attribute(value, "__wrapped__", label), value.__wrapped__
    elif not isinstance(value, types.ModuleType) and not is_foreign(type(value)):
        for name, found in getattr(value, "__dict__", {}).items():
            yield in_attribute(value, name, label), found


def _of_class(kind: type[Any]) -> Iterator[tuple[Path, Any]]:
    for each in kind.__mro__:
        if not is_foreign(each):
            for name, found in vars(each).items():
                if not name.startswith("__") or isinstance(found, types.FunctionType):
                    yield in_item(each.__dict__, name, each.__name__), found


def _of_function(function: types.FunctionType) -> Iterator[tuple[Path, Any]]:
    for cell, name in zip(function.__closure__ or (), function.__code__.co_freevars, strict=True):
        try:
            yield in_cell(cell, name), cell.cell_contents
        except ValueError:  # an empty cell
            continue
    for name in names_in(function.__code__):
        if name in function.__globals__:
            yield in_globals(function.__globals__, name), function.__globals__[name]
    for k, found in enumerate(function.__defaults__ or ()):
        yield in_item(function.__defaults__, k, f"a default of {function.__name__}"), found
