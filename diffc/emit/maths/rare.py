"""Lanes that need more than the others: computed on a branch that is taken where there is one."""

from __future__ import annotations

from collections.abc import Callable

from diffc.emit.interface import Emitter, Value


def repaired(e: Emitter, rare: Value, usual: Value, careful: Callable[[], Value]) -> Value:
    """Return `usual`, but in the lanes of the mask `rare` the value that `careful` emits."""
    (value,) = e.replaced_if(e.any(rare), [usual], lambda: [e.select(rare, careful(), usual)])
    return value
