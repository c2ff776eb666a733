"""Walks over the statements and loops of a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diffc.loops.form import Loop
from diffc.loops.places import Buffer, Scalar
from diffc.loops.statements import Statement

__all__ = ["defined_by", "operands_of", "touched", "walk"]


def walk(block: Sequence[Statement | Loop]) -> Iterator[tuple[Statement | Loop, int]]:
    """Yield every statement and loop with its depth, prologues before their loops."""
    stack: list[tuple[Statement | Loop, int]] = [(item, 0) for item in reversed(block)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, Loop):
            for statement in item.prologue:
                yield statement, depth
            yield item, depth
            stack.extend((inner, depth + 1) for inner in reversed(item.body))
        else:
            yield item, depth


def defined_by(item: Statement | Loop) -> tuple[Scalar, ...]:
    """Return the scalars that a statement defines; a loop's accumulators are not among them."""
    return () if isinstance(item, Loop) else item.defines


def operands_of(item: Statement | Loop) -> tuple[Scalar, ...]:
    """Return the scalars that a statement itself uses."""
    return () if isinstance(item, Loop) else item.uses


def touched(item: Statement | Loop) -> list[Buffer]:
    """Return the memory that a statement reads or writes: the roots of its buffers."""
    if isinstance(item, Loop):
        return []
    return [buffer.root for buffer in item.buffers]
