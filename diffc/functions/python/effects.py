"""What a call leaves outside the function: elements of arguments and arrays, attributes, names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.errors import InputError
from diffc.frontends.numpy.effects import Effect
from diffc.frontends.numpy.outside.paths import Path
from diffc.frontends.numpy.structure import unflatten

__all__ = ["Effects"]


class Effects:
    """The effects of one program, and which of its arguments must lie in C order."""

    def __init__(
        self, name: str, effects: Sequence[Effect], ordered: Sequence[int], names: Sequence[str]
    ) -> None:
        """Take the function's name, the effects, positions of leaves, and their names."""
        self._name = name
        self._effects = effects
        self._ordered = ordered
        self._names = names

    @property
    def are_any(self) -> bool:
        """Whether something is written."""
        return bool(self._effects)

    @property
    def leaves(self) -> list[int]:
        """The positions of the arguments' leaves that are written to."""
        return [each.target for each in self._effects if isinstance(each.target, int)]

    def check(self, leaves: Sequence[Any], outside: Sequence[Any]) -> None:
        """Raise `InputError` where an array cannot be written to, or shares memory with one that is read.

        Args:
            leaves: those of the call's arguments.
            outside: the arrays that the program reads outside.
        """
        for k in self._ordered:
            if isinstance(leaves[k], np.ndarray) and not leaves[k].flags.c_contiguous:
                raise InputError(
                    f"{self._name} writes to a reshaped array, which is a view only where {self._names[k]} "
                    "lies in C order: pass np.ascontiguousarray(x)"
                )
        written = [each for each in self._targets(leaves) if isinstance(each, np.ndarray)]
        arrays = [each for each in (*leaves, *outside, *written) if isinstance(each, np.ndarray)]
        for each in written:
            if not each.flags.writeable:
                raise InputError(f"{self._name} changes an array in place that is read-only")
            if any(other is not each and np.may_share_memory(each, other) for other in arrays) or (
                sum(other is each for other in arrays) > 2
            ):
                raise InputError(
                    f"{self._name} changes an array in place that shares memory with another one that it "
                    "reads: pass a copy of one of them"
                )

    def _targets(self, leaves: Sequence[Any]) -> list[Any]:
        return [
            leaves[each.target] if isinstance(each.target, int) else each.target.read()
            for each in self._effects
            if not isinstance(each.target, Path)
        ]

    def run(self, values: Sequence[Any], leaves: Sequence[Any]) -> None:
        """Leave the new values where they belong."""
        rest = iter(values)
        for effect in self._effects:
            items = [next(rest) if each is ... else _fresh(each) for each in effect.leaves]
            if isinstance(effect.target, Path):
                effect.target.write(unflatten(effect.structure, items))
            else:
                target = leaves[effect.target] if isinstance(effect.target, int) else effect.target.read()
                np.copyto(target, items[0], casting="unsafe")


def _fresh(value: Any) -> Any:
    """Return a value that was the same in each call, an array of its own."""
    return np.array(value) if isinstance(value, np.ndarray) else value
