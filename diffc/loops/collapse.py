"""Collapse: two nested loops over memory that lies in one piece become one long loop.

    for i in N: for j in 3: y[i, j] = x[i, j] * 2   =>   for k in 3*N: y[k] = x[k] * 2

The vector axis is then as long as it can be, where an axis of 3 would be shorter than a vector.
"""

from __future__ import annotations

from dataclasses import replace

from diffc.ir.dim import may_be_negative
from diffc.loops.form import Block, Loop, Loops
from diffc.loops.places import Affine, Axis, Buffer, flattened
from diffc.loops.statements import (
    Accumulate,
    Compute,
    IndexValue,
    Load,
    Statement,
    Store,
)
from diffc.loops.target import Target

__all__ = ["collapse"]


def collapse(program: Loops, target: Target) -> Loops:
    """Return the program with such loops collapsed; aliases give their arrays the flat shape they read."""
    flats: dict[Buffer, Buffer] = {}
    body = _collapsed(program.body, flats)
    return replace(program, body=body, aliases=[*program.aliases, *flats.values()])


def _collapsed(block: Block, flats: dict[Buffer, Buffer]) -> Block:
    return Block(_collapsed_loop(item, flats) if isinstance(item, Loop) else item for item in block)


def _collapsed_loop(loop: Loop, flats: dict[Buffer, Buffer]) -> Loop:
    loop = replace(loop, body=_collapsed(loop.body, flats))
    inner = loop.body[0] if len(loop.body) == 1 else None
    if not isinstance(inner, Loop):
        return loop
    fits = not inner.prologue and not inner.accumulators and inner.kind == loop.kind != "sequential"
    if not fits or (may_be_negative(loop.axis.extent) and may_be_negative(inner.axis.extent)):
        return loop
    axis = Axis(loop.axis.number, loop.axis.extent * inner.axis.extent)
    body, new = Block(), dict(flats)
    for item in inner.body:
        changed = None if isinstance(item, Loop) else _on_one_axis(item, loop.axis, inner.axis, axis, new)
        if changed is None:
            return loop
        body.append(changed)
    flats.update(new)
    return replace(loop, axis=axis, body=body)


def _on_one_axis(
    item: Statement, outer: Axis, inner: Axis, axis: Axis, flats: dict[Buffer, Buffer]
) -> Statement | None:
    """Return a statement for the one axis that replaces two, or None where its memory is not in one piece."""
    if isinstance(item, Compute | Accumulate):
        return item
    if isinstance(item, IndexValue):
        affine = _merged(item.affine, outer, inner, axis)
        return None if affine is None else IndexValue(item.value, affine)
    if isinstance(item, Load | Store):
        flat = flattened(item.index, item.buffer.type.shape)
        affine = _merged(flat, outer, inner, axis)
        if affine is None or affine.dynamic is not None:
            return None
        buffer = flats.get(item.buffer)
        if buffer is None:
            kind = item.buffer.type
            buffer = Buffer(item.buffer.name, kind.with_shape((kind.size,)), "alias", base=item.buffer)
            flats[item.buffer] = buffer
        return replace(item, buffer=buffer, index=(affine,))
    return None


def _merged(affine: Affine, outer: Axis, inner: Axis, axis: Axis) -> Affine | None:
    """Return c*(i*extent + j) + ... as c*k + ..., if that is the affine form's shape."""
    factors = dict(affine.terms)
    first, second = factors.pop(outer, 0), factors.pop(inner, 0)
    if first != second * inner.extent:
        return None
    rest = tuple(factors.items())
    terms = rest if second == 0 else (*rest, (axis, second))
    return Affine(affine.constant, terms, affine.dynamic)
