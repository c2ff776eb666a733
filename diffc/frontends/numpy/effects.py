"""What a traced function changes outside itself: its arguments, arrays that it finds, what it assigns to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diffc.errors import TypeProblem
from diffc.frontends.numpy.captures import is_local
from diffc.frontends.numpy.outside.guards import Input
from diffc.frontends.numpy.outside.paths import Path
from diffc.frontends.numpy.structure import Structure, flatten
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import Trace

__all__ = ["Effect", "effects_of"]


@dataclass(frozen=True)
class Effect:
    """One thing that is changed: the elements of an argument or of an array outside, or what is at a path.

    Args:
        target: the position of an argument's leaf, an array's input, or a path.
        label: how an error spells it.
        structure: that of the value.
        leaves: a value's leaves that are no arrays and no numbers of the program; `Ellipsis` for one that is.
    """

    target: int | Input | Path
    label: str
    structure: Structure = None
    leaves: tuple[Any, ...] = (...,)


def effects_of(
    trace: Trace, names: Sequence[str], leaves: Sequence[Any]
) -> tuple[tuple[Effect, ...], list[Traced]]:
    """Return what a function has changed, and the values that it left there, in order.

    Args:
        trace: of the function, which has been called.
        names: of the leaves of its arguments.
        leaves: what it was called with.
    """
    effects: list[Effect] = []
    left: list[Traced] = []
    for k, (name, each) in enumerate(zip(names, leaves, strict=True)):
        if isinstance(each, Traced) and each.is_changed:
            effects.append(Effect(k, f"its argument {name}"))
            left.append(each)
    if trace.parent is None or trace.captures is not trace.parent.captures:
        outside = trace.captures.outside
        for each, found in outside.changed_arrays():
            effects.append(Effect(found, found.path.label))
            left.append(each)
        for write in outside.writes():
            if write.path is None:
                raise TypeProblem(f"{trace.name} changes {write.label}: return the new value instead")
            items, structure = flatten(write.value)
            items = [_traced_or_original(outside, each) for each in items]
            kept = tuple(... if isinstance(each, Traced) else each for each in items)
            effects.append(Effect(write.path, write.label, structure, kept))
            left += [each for each in items if isinstance(each, Traced)]
    return tuple(effects), left


def _traced_or_original(outside: Any, value: Any) -> Any:
    """Return a traced value, also that which an array has become, or what a stand-in stands for."""
    if is_local(value):
        value = value if value.traced_elements() is None else value.traced_elements()
    return value if isinstance(value, Traced) else outside.original(value)
