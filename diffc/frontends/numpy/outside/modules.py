"""Stand-ins for modules: NumPy, whose functions make arrays that take traced values, and the user's own."""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable
from functools import partial, wraps
from typing import Any

import numpy as np

from diffc.frontends.numpy.dispatch import call_named, call_numpy
from diffc.frontends.numpy.operators import is_traced, takes_traced
from diffc.frontends.numpy.outside.functions import Globals, is_foreign
from diffc.frontends.numpy.outside.local import LOCAL, Local, call_plain_or_traced
from diffc.frontends.numpy.outside.paths import in_attribute
from diffc.frontends.numpy.outside.session import Outside
from diffc.frontends.numpy.registry import BUILDERS, NAMED, documented_name

__all__ = ["distribution", "is_distribution", "library_function", "stand_in_for_module"]


class _ModuleStandIn(types.ModuleType):
    """A module whose attributes are stand-ins."""

    def __init__(self, name: str, find: Callable[[str], Any]) -> None:
        super().__init__(name)
        object.__setattr__(self, "_find", find)

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, "_find")(name)


def stand_in_for_module(outside: Outside, module: types.ModuleType, label: str) -> Any:
    """Return what stands for a module: NumPy and the user's have one, others are taken as they are."""
    library = module.__name__.partition(".")[0]
    if library == "numpy":
        find = partial(_of_numpy, outside, module)
    elif library == "scipy":
        find = partial(_of_scipy, outside, module)
    elif is_foreign(module):
        return module
    else:
        find = partial(_of_user, outside, module, label)
    return outside.keep(module, _ModuleStandIn(module.__name__, find))


def _of_user(outside: Outside, module: types.ModuleType, label: str, name: str) -> Any:
    table = outside.made_once(vars(module), lambda: Globals(outside, vars(module)))
    if name in table:
        return table[name]
    return outside.of(getattr(module, name), in_attribute(module, name, label))


def _of_numpy(outside: Outside, module: types.ModuleType, name: str) -> Any:
    value = getattr(module, name)
    if isinstance(value, types.ModuleType):
        return outside.made_of(value, name)
    if value is np.ndarray:
        return _Array
    if isinstance(value, Hashable) and value in BUILDERS and not callable(value):
        return _Subscripted(value)
    return library_function(value)


class _Subscripted:
    """What is subscripted instead of called, such as np.r_."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getitem__(self, key: Any) -> Any:
        if is_traced(key):
            return call_numpy(self._original, [key], {})
        return Local.of(self._original[key])


def _of_scipy(outside: Outside, module: types.ModuleType, name: str) -> Any:
    value = getattr(module, name)
    if isinstance(value, types.ModuleType):
        return outside.made_of(value, value.__name__)
    return distribution(value) if is_distribution(value) else library_function(value)


def is_distribution(value: Any) -> bool:
    """Tell whether a value is one of SciPy's distributions, such as scipy.stats.norm."""
    return type(value).__module__.startswith("scipy.stats") and (
        hasattr(value, "pdf") or hasattr(value, "pmf")
    )


def distribution(value: Any) -> Any:
    """Return what stands for a distribution: its methods take traced values where there is a builder."""
    return _Distribution(value)


class _Distribution:
    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return library_function(getattr(self._original, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._original(*args, **kwargs)


class _ArrayKind(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, np.ndarray) or (is_traced(value) and getattr(value, "is_array", False))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, np.ndarray)

    def __getattr__(cls, name: str) -> Any:
        return getattr(np.ndarray, name)


class _Array(metaclass=_ArrayKind):
    """What `np.ndarray` is in a traced function: traced arrays are instances of it."""


_WRAPPED: dict[Any, Any] = {}
_UNFILLED = (np.empty, np.empty_like)


def library_function(value: Any) -> Any:
    """Return what a function of NumPy or SciPy is in a traced function; anything else as it is."""
    name = documented_name(value)
    if name in NAMED:
        return _named(value, name)
    if not isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        return value if type(value) is not _DISPATCHER else _wrapped_once(value)
    return _wrapped_once(value) if (getattr(value, "__module__", None) or "").startswith("numpy") else value


_DISPATCHER = type(np.sum)


def _named(function: Any, name: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        if takes_traced(args, kwargs):
            return call_named(name, args, kwargs)
        return function(*args, **kwargs)

    return call


def _wrapped_once(value: Any) -> Any:
    made = _WRAPPED.get(value)
    if made is None:
        made = _WRAPPED[value] = _wrapped(value)
    return made


def _wrapped(function: Any) -> Any:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if function in LOCAL or (function in BUILDERS and takes_traced(args, kwargs)):
            result = call_plain_or_traced(function, args, kwargs)
            return result.emptied() if function in _UNFILLED and isinstance(result, Local) else result
        return function(*args, **kwargs)

    return call
