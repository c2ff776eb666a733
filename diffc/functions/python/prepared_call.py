"""The short way through a call: a key of the arguments' kinds, and what to do with arguments of that key.

A call of a transform is taken apart, named and typed once; a later one with arguments of the same kinds in
the same places needs none of that. Its key is cheap, so that such a call costs little more than the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeAlias

import numpy as np

from diffc.errors import InputError, OutdatedError
from diffc.frontends.numpy.objects import parts_of
from diffc.frontends.numpy.outside.guards import Guards
from diffc.frontends.numpy.structure import (
    Fixed,
    Static,
    Structure,
    flatten,
    leaves_or_fixed,
    maker,
    with_leaves,
)
from diffc.functions.python.effects import Effects
from diffc.ir import Type

__all__ = ["Fork", "Prepared", "Rebuild", "call_key", "rebuilder"]

Rebuild: TypeAlias = Callable[[Any], Any]

_BRANCHES = 128
"""For so many values of numbers that shape the program calls of one key are prepared."""

_F32 = Type("f32")

_NUMBERS = frozenset({float, int, np.float64})
_SCALARS = frozenset({np.float32, np.int64, np.int32, np.bool_})
_STATIC = frozenset({bool, str, type(None), FunctionType, BuiltinFunctionType, np.ufunc})


class Prepared:
    """What is run for calls of one key: the kernel, which leaves it takes in which order, and the result."""

    __slots__ = ("_effects", "_guards", "_kernel", "_name", "_order", "_rebuild", "_structure")

    def __init__(
        self,
        name: str,
        kernel: Callable[..., Any],
        order: tuple[int, ...] | None,
        structure: Structure,
        types: Sequence[Type],
        guards: Guards,
        effects: Effects | None,
    ) -> None:
        """Take the parts.

        Args:
            name: of the program.
            kernel: what it runs.
            order: the leaves that it takes; None where it takes all as they come.
            structure: that of its result.
            types: those of its outputs.
            guards: what is compared outside the function before each call.
            effects: what is written there after it.
        """
        self._name = name
        self._kernel = kernel
        self._order = order
        self._structure = structure
        self._rebuild = rebuilder(structure, types)
        self._guards = guards
        self._effects = effects

    def run(self, leaves: Sequence[Any]) -> Any:
        """Return the result of a call with these leaves.

        Raises:
            OutdatedError: where something outside is not as it was when the function was traced.
        """
        order = self._order
        inputs = leaves if order is None else [leaves[k] for k in order]
        outside = self._guards.values()
        if self._effects is None:
            values = self._kernel(*inputs, *outside) if outside else self._kernel(*inputs)
        else:
            self._effects.check(leaves, outside)
            values = self._kernel(*inputs, *outside)
            if self._effects.are_any:
                values, written = values
                self._effects.run(written, leaves)
        return values if self._rebuild is None else self._rebuild(values)

    def into(self, leaves: Sequence[Any], out: Any) -> Any:
        """Return the arrays of `out`, in the structure of the result, after writing the results to them.

        Raises:
            InputError: where the structure, a shape or a dtype is another one.
            OutdatedError: as `run` does.
        """
        if self._effects is not None:
            raise InputError(
                f"{self._name} changes its arguments or what is outside, which does not go with out="
            )
        arrays, given = flatten(out)
        places = leaves_or_fixed(self._structure)
        if len(arrays) == len(places):
            arrays = [each for each, fixed in zip(arrays, places, strict=True) if fixed is None]
            given = with_leaves(given, places)
        if given != self._structure:
            raise InputError(
                f"{self._name}: out must have the structure of the result, {_shown(self._structure)}"
            )
        inputs = leaves if self._order is None else [leaves[k] for k in self._order]
        values = self._kernel(*inputs, *self._guards.values(), out=tuple(arrays))
        rebuild = rebuilder(self._structure)
        return values if rebuild is None else rebuild(values)


def _shown(structure: Structure) -> str:
    """Return a structure as a person writes it: (array, {'a': array})."""
    if structure is None:
        return "array"
    if isinstance(structure, Fixed):
        return repr(structure.value)
    items = [_shown(each) for each in structure.items]
    if structure.kind is dict:
        return (
            "{" + ", ".join(f"{key!r}: {each}" for key, each in zip(structure.keys, items, strict=True)) + "}"
        )
    name = "" if structure.kind is tuple else structure.kind.__name__
    return f"{name}({', '.join(items)}{',' if not name and len(items) == 1 else ''})"


class Fork:
    """What is run for calls of one key that differ in numbers on which the program depends."""

    __slots__ = ("_table", "places")

    def __init__(self, places: tuple[int, ...]) -> None:
        """Take the positions of these numbers among the leaves."""
        self.places = places
        self._table: dict[Any, Prepared] = {}

    def keep(self, leaves: Sequence[Any], prepared: Prepared) -> None:
        """Have a prepared call run for these numbers."""
        while len(self._table) >= _BRANCHES:
            del self._table[next(iter(self._table))]
        self._table[self._numbers(leaves)] = prepared

    def run(self, leaves: Sequence[Any]) -> Any:
        """Return the result of a call; raise `OutdatedError` where there is none for these numbers."""
        return self._found(leaves).run(leaves)

    def into(self, leaves: Sequence[Any], out: Any) -> Any:
        """Return the arrays of `out`; see `Prepared.into`."""
        return self._found(leaves).into(leaves, out)

    def _found(self, leaves: Sequence[Any]) -> Prepared:
        found = self._table.get(self._numbers(leaves))
        if found is None:
            raise OutdatedError("the program depends on a number that has changed")
        return found

    def _numbers(self, leaves: Sequence[Any]) -> tuple[str, ...]:
        return tuple([repr(leaves[k]) for k in self.places])


def call_key(args: Sequence[Any], kwargs: Mapping[str, Any], leaves: list[Any]) -> tuple[Any, ...] | None:
    """Return a key of the arguments' kinds and append their leaves, or None where that takes a closer look.

    A NumPy scalar and an array without axes are appended as the Python numbers that they equal: a kernel
    whose inputs have their types reads those at once.

    Two calls of one key differ at most in the elements of arrays and the values of numbers. The key is one
    sequence of tokens. A number gives its type, an array its dtype and shape, a container a pair of its kind
    and its keys or size, anything else a triple with its value: each token tells how it goes on.
    """
    tokens: list[Any] = []
    try:
        if not _read(args, leaves, tokens):
            return None
        if kwargs:
            tokens.append(tuple(kwargs))
            if not _read(kwargs.values(), leaves, tokens):
                return None
    except RecursionError:  # said clearly where the call is taken apart
        return None
    return tuple(tokens)


def _read(values: Any, leaves: list[Any], tokens: list[Any]) -> bool:
    """Append leaves and tokens of values; return whether all are of kinds that tokens tell apart."""
    for value in values:
        kind = type(value)
        if kind is np.ndarray:
            tokens.append(value.dtype)
            tokens.append(value.shape)
            leaves.append(value if value.ndim else value.item())
        elif kind in _NUMBERS:
            tokens.append(kind)
            leaves.append(value)
        elif kind in _SCALARS:
            tokens.append(kind)
            leaves.append(value.item())
        elif kind is dict:
            tokens.append((dict, tuple(value)))
            if not _read(value.values(), leaves, tokens):
                return False
        elif kind is tuple or kind is list:
            tokens.append((kind, len(value)))
            if not _read(value, leaves, tokens):
                return False
        elif kind in _STATIC:
            tokens.append((kind, value, None))
            leaves.append(value)
        elif not _read_object(value, leaves, tokens):
            return False
    return True


def _read_object(value: Any, leaves: list[Any], tokens: list[Any]) -> bool:
    """Append leaves and tokens of an object that is a structure; return whether it is one, and told apart."""
    parts = parts_of(value)
    if parts is None or hasattr(value, "__array__") or isinstance(value, Mapping | list | tuple):
        return False
    tokens.append((parts.kind, parts.keys))
    if not _read(parts.items, leaves, tokens):
        return False
    if parts.keys and parts.keys[-1] is ...:
        try:
            hash(parts.rest)
        except TypeError:
            return False
        tokens.append((Static, Static(parts.rest), None))
        leaves.append(parts.rest)
    return True


def rebuilder(structure: Structure, types: Iterable[Type] | None = None) -> Rebuild | None:
    """Return what makes a nested value of nested tuples; None where these are what it consists of.

    With the types of its leaves, numbers of f32 become NumPy's: a Python number would be read as f64.
    """
    return _rebuilder(structure, None if types is None else iter(types))


def _rebuilder(structure: Structure, types: Iterator[Type] | None) -> Rebuild | None:
    if structure is None:
        return np.float32 if types is not None and next(types) == _F32 else None
    if isinstance(structure, Fixed):
        value = structure.value
        return lambda _: value
    make, inner = maker(structure), [_rebuilder(each, types) for each in structure.items]
    if not any(inner):
        return None if structure.kind is tuple else make

    def rebuild(values: Any) -> Any:
        return make([each if i is None else i(each) for i, each in zip(inner, values, strict=True)])

    return rebuild
