"""What stands for each kind of thing that a name leads to."""

from __future__ import annotations

import types
from functools import partial
from typing import Any

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
    if (isinstance(value, type) and not is_foreign(value)) or _is_wrapper(value):
        watch(outside, value, label)
        return outside.keep(value, value)
    return value


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
