"""Copies of functions whose globals and closures lead to stand-ins."""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from diffc.frontends.numpy.outside.paths import in_attribute, in_cell, in_globals, in_item
from diffc.frontends.numpy.outside.session import Outside
from diffc.frontends.numpy.outside.writes import Write
from diffc.frontends.numpy.randomness import LIBRARIES
from diffc.frontends.numpy.tracer import Traced
from diffc.ops.base import DTYPES

__all__ = ["Globals", "copy_function", "is_foreign"]

_FOREIGN = LIBRARIES | (sys.stdlib_module_names - {"__main__"})


def is_foreign(value: Any) -> bool:
    """Tell whether a function, a class or a module is none of the user's: it is taken as it is."""
    name = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
    return isinstance(name, str) and name.partition(".")[0] in _FOREIGN


class Globals(dict[str, Any]):
    """The globals of copied functions. What is looked up by a name is a stand-in; what is stored stays here.

    It holds the originals, too, for what looks names up without asking.
    """

    def __init__(self, outside: Outside, originals: dict[str, Any]) -> None:
        """Take the session and a function's own globals."""
        super().__init__(originals)
        self["__builtins__"] = {
            **_builtins_of(originals),
            "isinstance": is_instance,
            "super": outside.super_of,
            "__import__": self._import,
        }
        self._outside = outside
        self._originals = originals
        self._before = dict(self)
        outside.seek_writes(self._writes)

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            self._outside.check(in_globals(self._originals, name), None)  # there is none: a builtin is meant
        value = super().__getitem__(name)
        if self._before.get(name, self) is not value:
            return value  # stored by the function
        try:
            return self._outside.of(value, in_globals(self._originals, name))
        except KeyError as problem:  # it would read as if there were no such name
            raise RuntimeError(f"no stand-in for {name}") from problem

    def _import(self, *args: Any, **kwargs: Any) -> Any:
        module = builtins.__import__(*args, **kwargs)
        return self._outside.made_of(module, module.__name__)

    def _writes(self) -> Iterator[Write]:
        for name, value in self.items():
            if self._before.get(name, self) is not value:
                yield Write(in_globals(self._originals, name), value, f"the global {name}")


def is_instance(value: Any, kinds: Any) -> bool:
    """Tell what `isinstance` does where nothing is traced: of an array, a Python number or one of NumPy's."""
    if not isinstance(value, Traced):
        return isinstance(value, kinds)
    node = value.node
    if value.is_array or node.rank:
        return issubclass(np.ndarray, kinds)
    kind = {"f64": float, "i64": int, "bool": bool}.get(node.dtype) if value.weak else None
    return issubclass(kind or DTYPES[node.dtype], kinds)


def _builtins_of(table: dict[str, Any]) -> dict[str, Any]:
    found: Any = table.get("__builtins__", builtins)
    return found if isinstance(found, dict) else vars(found)


def copy_function(outside: Outside, function: types.FunctionType, label: str) -> Any:
    """Return a copy of a function that finds stand-ins where the function finds things."""
    if type(function.__globals__) is Globals:
        return function  # made by a copy
    originals = function.__globals__
    table = outside.made_once(originals, lambda: Globals(outside, originals))
    cells = function.__closure__ or ()
    copies = [outside.made_once(cell, types.CellType) for cell in cells]
    made = types.FunctionType(
        function.__code__, table, function.__name__, None, tuple(copies) if cells else None
    )
    outside.keep(function, made)
    outside.check(in_attribute(function, "__code__", label), function.__code__)
    placed = {
        key: outside.of(each, in_item(function.__dict__, key, label))
        for key, each in function.__dict__.items()
    }
    made.__dict__.update(placed)
    outside.seek_writes(lambda: _attribute_writes(function, made, placed, label))
    made.__qualname__, made.__module__, made.__doc__ = (
        function.__qualname__,
        function.__module__,
        function.__doc__,
    )
    defaults = function.__defaults__
    if defaults:
        path = in_attribute(function, "__defaults__", label)
        outside.check(path, defaults)
        made.__defaults__ = tuple(
            outside.of(each, in_item(defaults, k, f"a default of {label}")) for k, each in enumerate(defaults)
        )
    named = function.__kwdefaults__
    if named:
        made.__kwdefaults__ = {
            key: outside.of(each, in_item(named, key, f"a default of {label}")) for key, each in named.items()
        }
    for cell, copy, name in zip(cells, copies, function.__code__.co_freevars, strict=True):
        _fill(outside, cell, copy, name)
    return made


def _attribute_writes(function: Any, made: Any, placed: dict[str, Any], label: str) -> Iterator[Write]:
    for key, value in made.__dict__.items():
        if key not in placed or placed[key] is not value:
            yield Write(in_attribute(function, key, label), value, f"{label}.{key}")


def _fill(outside: Outside, cell: Any, copy: Any, name: str) -> None:
    """Put a stand-in into the copy of a closure's cell, unless that is done."""
    if not outside.fill_once(copy):
        return
    try:
        value = cell.cell_contents
    except ValueError:  # nothing was assigned to the name yet
        return
    placed = copy.cell_contents = outside.of(value, in_cell(cell, name))

    def writes() -> Iterator[Write]:
        if copy.cell_contents is not placed:
            yield Write(in_cell(cell, name), copy.cell_contents, f"the variable {name} around it")

    outside.seek_writes(writes)
