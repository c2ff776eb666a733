"""Contraction: a buffer that is used only within one iteration of a loop needs that iteration's part alone.

`y[i, j]`, written and read in the same loop over i, becomes `y[j]`: a row that stays in the cache
instead of a matrix that goes through memory.
"""

from __future__ import annotations

from diffc import tuning
from diffc.loops.form import Loop, Loops
from diffc.loops.places import Affine, Axis, Buffer
from diffc.loops.statements import Load, Store
from diffc.loops.target import Target
from diffc.loops.walk import touched, walk

__all__ = ["contract"]


def contract(loops: Loops, target: Target) -> Loops:
    """Drop, in place, each leading dimension of a work buffer that all accesses index by the same axis."""
    accesses: dict[Buffer, list[Load | Store]] = {}
    fixed: set[Buffer] = {alias.root for alias in loops.aliases}
    # The lanes of a vector run over innermost axes: each lane needs an element of its own.
    kept: set[Axis | None] = {None}
    for item, _ in walk(loops.body):
        if isinstance(item, Loop):
            if item.innermost or item.outer_vector:
                kept.add(item.axis)
        elif isinstance(item, Load | Store):
            if item.buffer.role == "work":
                accesses.setdefault(item.buffer, []).append(item)
        else:
            fixed.update(touched(item))
    for buffer, uses in accesses.items():
        while buffer not in fixed and _is_worth(buffer) and _common_axis(uses) not in kept:
            buffer.type = buffer.type.with_shape(buffer.type.shape[1:])
            for use in uses:
                use.index = use.index[1:]
    return loops


def _is_worth(buffer: Buffer) -> bool:
    """Tell whether a buffer leaves the nearest cache; a small one, kept whole, lets loops be jammed."""
    size = buffer.type.size
    return buffer.type.rank > 0 and not (isinstance(size, int) and size <= tuning.KEPT_BUFFER)


def _common_axis(uses: list[Load | Store]) -> Axis | None:
    """Return the axis that is the first index of every access, or None."""
    first = uses[0].index[0]
    if first.dynamic is not None or first.constant != 0 or len(first.terms) != 1 or first.terms[0][1] != 1:
        return None
    axis = first.terms[0][0]
    same = all(use.index[0] == Affine(0, ((axis, 1),)) for use in uses)
    return axis if same else None
