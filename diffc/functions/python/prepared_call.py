"""The short way through a call: a key of the arguments' kinds, and what to do with arguments of that key.

A call of a transform is taken apart, named and typed once; a later one with arguments of the same kinds in
the same places needs none of that. Its key is cheap, so that such a call costs little more than the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeAlias

import numpy as np

from diffc.frontends.numpy.outside.guards import Guards
from diffc.frontends.numpy.structure import Structure, maker
from diffc.functions.python.effects import Effects

__all__ = ["Prepared", "Rebuild", "call_key", "rebuilder"]

Rebuild: TypeAlias = Callable[[Any], Any]

_NUMBERS = frozenset({float, int, np.float64})
_SCALARS = frozenset({np.float32, np.int64, np.int32, np.bool_})
_STATIC = frozenset({bool, str, type(None), FunctionType, BuiltinFunctionType, np.ufunc})


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is run for calls of one key: the kernel, which leaves it takes in which order, and the result.

    `order` is None where the kernel takes all leaves as they come, `rebuild` where it arranges its outputs.
    `guards` are what is compared outside the function before each call, `effects` what is written there after
    it.
    """

    kernel: Callable[..., Any]
    order: tuple[int, ...] | None
    rebuild: Rebuild | None
    guards: Guards
    effects: Effects | None

    def run(self, leaves: Sequence[Any]) -> Any:
        """Return the result of a call with these leaves.

        Raises:
            OutdatedError: where something outside is not as it was when the function was traced.
        """
        order = self.order
        inputs = leaves if order is None else [leaves[k] for k in order]
        outside = self.guards.values()
        if self.effects is None:
            values = self.kernel(*inputs, *outside) if outside else self.kernel(*inputs)
        else:
            self.effects.check(leaves, outside)
            values = self.kernel(*inputs, *outside)
            if self.effects.are_any:
                values, written = values
                self.effects.run(written, leaves)
        return values if self.rebuild is None else self.rebuild(values)


def call_key(args: Sequence[Any], kwargs: Mapping[str, Any], leaves: list[Any]) -> tuple[Any, ...] | None:
    """Return a key of the arguments' kinds and append their leaves, or None where that takes a closer look.

    A NumPy scalar and an array without axes are appended as the Python numbers that they equal: a kernel
    whose inputs have their types reads those at once.

    Two calls of one key differ at most in the elements of arrays and the values of numbers. The key is one
    sequence of tokens. A number gives its type, an array its dtype and shape, a container a pair of its kind
    and its keys or size, anything else a triple with its value: each token tells how it goes on.
    """
    tokens: list[Any] = []
    if not _read(args, leaves, tokens):
        return None
    if kwargs:
        tokens.append(tuple(kwargs))
        if not _read(kwargs.values(), leaves, tokens):
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
        else:
            return False
    return True


def rebuilder(structure: Structure) -> Rebuild | None:
    """Return what makes a nested value of nested tuples; None where tuples are what it consists of."""
    if structure is None:
        return None
    make, inner = maker(structure), [rebuilder(each) for each in structure.items]
    if not any(inner):
        return None if structure.kind is tuple else make

    def rebuild(values: Any) -> Any:
        return make([each if i is None else i(each) for i, each in zip(inner, values, strict=True)])

    return rebuild
