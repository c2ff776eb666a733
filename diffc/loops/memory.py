"""The memory plan: where in the workspace each buffer lives, made at compile time as polynomials.

A buffer lives from the first item of the program that touches it to the last. When it dies its
place is given to the next buffer of the same size. Buffers of long elements come first, so that every element
lies at a multiple of its size, which library routines rely on.
"""

from __future__ import annotations

from collections.abc import Mapping

from diffc import tuning
from diffc.ir import Dim, Extent, dim_symbols, evaluate_extent, size_of
from diffc.ir.dtype import ITEM_SIZE
from diffc.loops.form import Loops
from diffc.loops.places import Buffer
from diffc.loops.target import Target
from diffc.loops.walk import touched, walk

__all__ = ["plan_memory"]

LARGE = 1000
"""What stands for every symbol where sizes are compared."""


def plan_memory(program: Loops, target: Target) -> Loops:
    """Set, in place, the offset of every work buffer and the size of the workspace, in bytes."""
    groups: dict[int, dict[Buffer, tuple[int, int]]] = {8: {}, 4: {}, 1: {}}
    alive = _lifetimes(program)
    program.least_workspace = _most_alive(alive)
    for buffer, lifetime in alive.items():
        # A static size is a multiple of a cache line.
        group = 8 if isinstance(_size(buffer), int) else ITEM_SIZE[buffer.type.dtype]
        groups[group][buffer] = lifetime
    program.workspace = 0
    for lifetimes in groups.values():
        program.workspace = _placed(lifetimes, program.workspace)
    return program


def _placed(lifetimes: Mapping[Buffer, tuple[int, int]], total: Extent) -> Extent:
    """Place buffers behind the first `total` bytes; return how many bytes are used then."""
    starts: dict[int, list[Buffer]] = {}
    ends: dict[int, list[Buffer]] = {}
    for buffer, (first, last) in lifetimes.items():
        starts.setdefault(first, []).append(buffer)
        ends.setdefault(last, []).append(buffer)
    free: dict[Extent, list[Extent]] = {}
    for position in sorted({*starts, *ends}):
        for buffer in starts.get(position, ()):
            size = _size(buffer)
            places = free.get(size)
            if places:
                buffer.offset = places.pop()
            else:
                buffer.offset = total
                total = total + size
        for buffer in ends.get(position, ()):
            free.setdefault(_size(buffer), []).append(buffer.offset)
    return total


def _most_alive(lifetimes: Mapping[Buffer, tuple[int, int]]) -> Extent:
    """Return the size of what is alive at the same time, where that is most for large extents."""
    changes: dict[int, Extent] = {}
    for buffer, (first, last) in lifetimes.items():
        changes[first] = changes.get(first, 0) + _size(buffer)
        changes[last + 1] = changes.get(last + 1, 0) + -1 * _size(buffer)
    now: Extent = 0
    most: Extent = 0
    for position in sorted(changes):
        now = now + changes[position]
        if _at_large(now) > _at_large(most):
            most = now
    return most


def _at_large(extent: Extent) -> int:
    return evaluate_extent(extent, dict.fromkeys(dim_symbols(extent), LARGE))


def _size(buffer: Buffer) -> Extent:
    size = size_of(tuple(map(_bound, buffer.type.shape))) * ITEM_SIZE[buffer.type.dtype]
    return (
        -(-size // tuning.CACHE_LINE) * tuning.CACHE_LINE
        if isinstance(size, int)
        else size + tuning.CACHE_LINE
    )


def _bound(extent: Extent) -> Extent:
    """Return an extent that is nowhere smaller and never negative: N for N-1."""
    if isinstance(extent, int):
        return extent
    total: Extent = 0
    for monomial, coefficient in extent.terms:
        if coefficient > 0:
            total = total + (Dim(((monomial, coefficient),)) if monomial else coefficient)
    return total


def _lifetimes(program: Loops) -> dict[Buffer, tuple[int, int]]:
    """Return the first and the last item of the program that touches each work buffer."""
    lifetimes: dict[Buffer, tuple[int, int]] = {}
    for position, item in enumerate(program.body):
        for inner, _ in walk([item]):
            for root in touched(inner):
                if root.role in ("work", "scratch"):
                    first, _ = lifetimes.get(root, (position, position))
                    lifetimes[root] = (first, position)
    return lifetimes
