"""What stands for each kind of thing that a name leads to."""

from __future__ import annotations

import types
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.outside.containers import copy_container, is_container
from diffc.frontends.numpy.outside.functions import copy_function, is_foreign
from diffc.frontends.numpy.outside.modules import (
    distribution,
    is_distribution,
    library_function,
    stand_in_for_module,
)
from diffc.frontends.numpy.outside.objects import has_stand_in, stand_in_for_object
from diffc.frontends.numpy.outside.paths import in_attribute, in_item
from diffc.frontends.numpy.outside.session import Outside
from diffc.frontends.numpy.outside.watching import watch
from diffc.frontends.numpy.outside.writes import Write

__all__ = ["stand_in"]


def stand_in(outside: Outside, value: Any, label: str) -> Any:
    """Return what stands for a value that is no number and no array; `label` spells it in errors."""
    kind = type(value)
    if kind is types.FunctionType:
        return library_function(value) if is_foreign(value) else copy_function(outside, value, label)
    if kind is types.BuiltinFunctionType:
        return library_function(value)
    if kind is types.MethodType:
        function, owner = value.__func__, value.__self__
        if is_foreign(function):
            return value
        return types.MethodType(
            outside.made_of(function, label), outside.made_of(owner, label.rpartition(".")[0] or "self")
        )
    if kind is partial:
        return _partial(outside, value, label)
    if kind is types.ModuleType:
        return stand_in_for_module(outside, value, label)
    if is_container(value):
        return copy_container(outside, value, label)
    if is_distribution(value):
        return distribution(value)
    if has_stand_in(value):
        return stand_in_for_object(outside, value, label)
    return _as_it_is(outside, value, label)


def _as_it_is(outside: Outside, value: Any, label: str) -> Any:
    """Return a value that has no stand-in; what it holds is compared at each call.

    Raises:
        TypeProblem: for an iterator, which is another one after each call.
    """
    kind = type(value)
    if isinstance(value, type(np.sum)):
        return library_function(value)
    if kind is types.GeneratorType or (isinstance(value, Iterator) and kind.__module__ in _OF_ITERATORS):
        raise TypeProblem(
            f"{label} is an iterator, which gives something else in each call: make it in the function"
        )
    if isinstance(value, type) and not is_foreign(value):
        watch(outside, value, label)
        before = dict(vars(value))
        outside.seek_writes(lambda: _class_writes(value, before))
        return outside.keep(value, value)
    if isinstance(value, list | dict | set | frozenset | bytearray) or _is_wrapper(value):
        watch(outside, value, label)
        held: Any = value
        then: Any = held.copy() if hasattr(held, "copy") else None
        outside.seek_writes(lambda: _content_writes(held, then, label))
        return outside.keep(value, value)
    return value


_OF_ITERATORS = ("builtins", "itertools")


def _class_writes(kind: type, before: dict[str, Any]) -> Iterator[Write]:
    """Put back what the function has assigned to a class, and yield a write that cannot be repeated."""
    now = [(name, value) for name, value in vars(kind).items() if name != "__slotnames__"]  # of copyreg
    changed = [name for name, value in now if before.get(name, kind) is not value]
    for name in changed:
        if name in before:
            setattr(kind, name, before[name])
        else:
            delattr(kind, name)
    if changed:
        yield Write(None, None, f"{kind.__name__}.{changed[0]}, of a class")


def _content_writes(value: Any, then: Any, label: str) -> Iterator[Write]:
    """Put back what the function has changed in a container, and yield a write that cannot be repeated."""
    if then is None:
        return
    now, old = ([*each.items()] if hasattr(each, "items") else [*each] for each in (value, then))
    if len(now) != len(old) or any(not _is_same(a, b) for a, b in zip(now, old, strict=True)):
        value.clear()
        (value.extend if hasattr(value, "extend") else value.update)(then)
        yield Write(None, None, label)


def _is_same(a: Any, b: Any) -> bool:
    if type(a) is tuple and type(b) is tuple:
        return len(a) == len(b) and all(map(_is_same, a, b))  # pyright: ignore[reportUnknownArgumentType]
    return a is b


def _is_wrapper(value: Any) -> bool:
    """Tell whether a value calls a function of the user's as it is, as one with a cache does."""
    return hasattr(value, "__wrapped__") and not type(value).__module__.startswith("diffc")


def _partial(outside: Outside, value: Any, label: str) -> Any:
    for name in ("func", "args", "keywords"):
        outside.check(in_attribute(value, name, label), getattr(value, name))
    args = [outside.of(each, in_item(value.args, k, f"{label}.args")) for k, each in enumerate(value.args)]
    named = {
        key: outside.of(each, in_item(value.keywords, key, label)) for key, each in value.keywords.items()
    }
    return outside.keep(value, partial(outside.made_of(value.func, label), *args, **named))
