"""Wide vectors: where every lane adds up a sum of its own, several vectors of lanes run side by side.

    for j in N (lanes): a = 0; for k in K: a += x[k] * y[k, j]

One vector of sums waits for each addition to finish before the next, and repeats x[k] over the lanes for a
single multiplication. LLVM takes a vector of twice the lanes apart into two registers.
"""

from __future__ import annotations

from dataclasses import replace

from diffc import tuning
from diffc.loops.form import Block, Loop, Loops
from diffc.loops.places import flattened
from diffc.loops.statements import Accumulate, Compute, Load, Statement, Store
from diffc.loops.target import Target
from diffc.loops.walk import walk

__all__ = ["widen"]


def widen(program: Loops, target: Target) -> Loops:
    """Return the program with vectors side by side in such loops, as many as registers hold."""
    return replace(program, body=_widened(program.body, target.registers))


def _widened(block: Block, registers: int) -> Block:
    found = Block()
    for item in block:
        if isinstance(item, Loop) and item.outer_vector:
            found.append(replace(item, vectors=_vectors(item, registers)))
        elif isinstance(item, Loop):
            found.append(replace(item, body=_widened(item.body, registers)))
        else:
            found.append(item)
    return found


def _vectors(loop: Loop, registers: int) -> int:
    items = [item for item, _ in walk(loop.body)]
    sums = [each for each in items if isinstance(each, Loop) and each.innermost and _adds(each, loop)]
    if not sums or len(items) > tuning.WIDEN_LARGEST_BODY or not all(_is_plain(item, loop) for item in items):
        return 1
    inside, around = max(map(_accumulates, sums)), _accumulates(loop)
    vectors = tuning.WIDEN_MOST
    while vectors > 1 and vectors * (inside + around + 1) > registers - tuning.WIDEN_FREE_REGISTERS:
        vectors //= 2
    return vectors


def _accumulates(loop: Loop) -> int:
    return sum(isinstance(item, Accumulate) for item in loop.body)


def _adds(inner: Loop, loop: Loop) -> bool:
    """Tell whether a loop adds up products with what is the same in every lane."""
    loads = [item for item in (*inner.prologue, *inner.body) if isinstance(item, Load)]
    return bool(inner.accumulators) and any(_stride(load, loop) == 0 for load in loads)


def _is_plain(item: Statement | Loop, loop: Loop) -> bool:
    if isinstance(item, Compute):
        return not item.op.is_function
    if isinstance(item, Load | Store):
        return all(at.dynamic is None for at in item.index) and _stride(item, loop) in (0, 1)
    return isinstance(item, Loop | Accumulate)


def _stride(item: Load | Store, loop: Loop) -> object:
    """Return how far apart neighbouring lanes' elements lie."""
    terms = dict(flattened(item.index, item.buffer.type.shape).terms)
    return terms.get(loop.axis, 0)
