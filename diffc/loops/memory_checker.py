"""The checker of a program's memory: nothing is read before it is written, or outside its buffer.

The loops are followed at given extents, with the addresses alone: which elements of a buffer have been
written is a mask of its memory. A read in a loop that writes other buffers only is checked for all rounds at
once; where a loop reads what it writes, its first and its last round are followed one after the other, and
what lies between them is taken to have happened. What gathers and scatters touch is known when the kernel
runs: any element of the axis may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diffc.ir.dim import Extent, evaluate_extent, size_of
from diffc.loops.form import Block, Loop, Loops
from diffc.loops.places import Axis, Buffer, Region, Scalar
from diffc.loops.statements import BoundsCheck, Statement
from diffc.loops.walk import walk

__all__ = ["Wrong", "check_memory", "samples"]

LARGEST = 1 << 22
"""A buffer with more elements has one mark for all of them: whether any has been written."""

SIZES = (0, 1, 2, 7)
"""The values of symbols at which a program is followed, all alike."""

Path: TypeAlias = "tuple[Axis, ...]"
"""The axes of the loops around, from the outermost."""

Bounds: TypeAlias = "Mapping[int, Extent]"
"""How large values that were checked may be, by their numbers: less than an extent, and not less than 0."""


class Wrong(Exception):
    """What is wrong with a program of loops."""


def check_memory(program: Loops) -> None:
    """Raise `Wrong` where a program reads what it has not written, or leaves a buffer."""
    symbols, body = program.graph.symbols, program.body
    bounds = {item.value.number: item.extent for item, _ in walk(body) if isinstance(item, BoundsCheck)}
    for sizes in samples(symbols):
        if _is_admitted(body, sizes):
            _Memory(program, sizes, bounds).follow(body)


def samples(symbols: Sequence[str]) -> list[dict[str, int]]:
    """Return the values of symbols at which programs are followed: all alike, and all different."""
    alike: list[dict[str, int]] = [dict.fromkeys(symbols, size) for size in SIZES] if symbols else [{}]
    return [*alike, {name: 2 + 3 * k for k, name in enumerate(symbols)}] if len(symbols) > 1 else alike


def _is_admitted(body: Block, sizes: Mapping[str, int]) -> bool:
    """Tell whether the checks before everything else let these extents pass."""
    first = [(item.index, item.extent) for item in body if isinstance(item, BoundsCheck)]
    return all(not isinstance(k, int) or k < evaluate_extent(extent, sizes) for k, extent in first)


@dataclass(frozen=True, slots=True)
class _Access:
    """Elements of a buffer that a statement reads or writes: start + the sum of factor * axis."""

    buffer: Buffer
    start: Extent
    terms: tuple[tuple[Axis, Extent], ...]
    path: Path
    reads: bool
    writes: bool


class _Memory:
    """The memory of one run at given extents."""

    def __init__(self, program: Loops, sizes: Mapping[str, int], bounds: Bounds) -> None:
        self.program = program
        self.sizes = sizes
        self.bounds = bounds
        self.masks: dict[Buffer, np.ndarray[Any, Any]] = {}

    def follow(self, body: Block) -> None:
        """Follow the whole program; at the end every output is written."""
        self._block(body, {}, ())
        for buffer in self.program.outputs:
            if not self._mask(buffer).all():
                raise self._wrong(buffer, "an output is not written everywhere")

    def _wrong(self, buffer: Buffer, problem: str) -> Wrong:
        at = f" at {', '.join(f'{k} = {v}' for k, v in self.sizes.items())}" if self.sizes else ""
        return Wrong(f"{problem}{at}: {buffer.role} {buffer.name}, {buffer.type}")

    def _value(self, extent: Extent) -> int:
        return evaluate_extent(extent, self.sizes)

    def _mask(self, buffer: Buffer) -> np.ndarray[Any, Any]:
        """Return which elements of a buffer's memory have been written; one for all of a large buffer."""
        root = buffer.root
        found = self.masks.get(root)
        if found is None:
            # An extent such as N-1 may be negative: no elements.
            size = max(0, self._value(size_of(root.type.shape)))
            given = root.role in ("input", "constant")
            found = self.masks[root] = np.full(size if size <= LARGEST else 1, given)
        return found

    # -- following the loops ----------------------------------------------------------------------

    def _block(self, block: Sequence[Statement | Loop], rounds: Mapping[Axis, int], path: Path) -> None:
        for item in block:
            if isinstance(item, Loop):
                self._block(item.prologue, rounds, path)
                self._loop(item, rounds, path)
            else:
                for access in _accesses(item, path, self.bounds):
                    self._touch(access, rounds)

    def _loop(self, loop: Loop, rounds: Mapping[Axis, int], path: Path) -> None:
        count = self._value(loop.axis.extent)
        if count <= 0:
            return
        inside = (*path, loop.axis)
        accesses = list(_all_accesses(loop.body, inside, self.bounds))
        written = {each.buffer.root for each in accesses if each.writes}
        if not any(each.reads and each.buffer.root in written for each in accesses):
            for each in sorted(accesses, key=lambda each: each.writes):
                self._touch(each, rounds)
            return
        for each in accesses:
            if each.reads and each.buffer.root not in written:
                self._touch(each, rounds)
        self._block(loop.body, {**rounds, loop.axis: 0}, inside)
        if count > 1:
            for each in accesses:
                if each.writes:
                    self._write(each, rounds, {loop.axis: range(1, count - 1)})
            self._block(loop.body, {**rounds, loop.axis: count - 1}, inside)

    # -- elements ---------------------------------------------------------------------------------

    def _touch(self, access: _Access, rounds: Mapping[Axis, int]) -> None:
        if access.reads:
            elements = self._elements(access, rounds, {})
            mask = self._mask(access.buffer)
            if elements is not None and mask.size and not mask[elements].all():
                raise self._wrong(access.buffer, "memory is read before anything has written it")
        if access.writes:
            self._write(access, rounds, {})

    def _write(self, access: _Access, rounds: Mapping[Axis, int], ranges: Mapping[Axis, range]) -> None:
        elements = self._elements(access, rounds, ranges)
        if elements is not None:
            self._mask(access.buffer)[elements] = True

    def _elements(
        self, access: _Access, rounds: Mapping[Axis, int], ranges: Mapping[Axis, range]
    ) -> slice | np.ndarray[Any, Any] | None:
        """Return the elements of the root's mask that are touched in given rounds; None where none is.

        Raises:
            Wrong: where one lies outside the buffer.
        """
        start = self._value(access.start)
        steps: list[tuple[int, int]] = []
        factors = dict(access.terms)
        for axis in {*access.path, *factors}:
            if axis in rounds:
                over = range(rounds[axis], rounds[axis] + 1)
            else:
                over = ranges.get(axis, range(self._value(axis.extent)))
            if not over:
                return None
            factor = self._value(factors.get(axis, 0))
            start += factor * over[0]
            if factor and len(over) > 1:
                steps.append((factor, len(over)))
        low = start + sum(min(0, factor * (count - 1)) for factor, count in steps)
        high = start + sum(max(0, factor * (count - 1)) for factor, count in steps)
        size = self._value(size_of(access.buffer.root.type.shape))
        if low < 0 or high >= size:
            raise self._wrong(access.buffer, f"elements {low} to {high} of {size} are touched")
        return slice(0, 1) if size > LARGEST else _progression(low, steps)


def _progression(low: int, steps: Sequence[tuple[int, int]]) -> slice | np.ndarray[Any, Any]:
    """Return the sums of one multiple of each step, from the lowest on: a slice where they lie evenly."""
    stride, count = 1, 1
    rest: list[tuple[int, int]] = []
    for factor, times in sorted((abs(factor), times) for factor, times in steps):
        if count == 1:
            stride, count = factor, times
        elif not rest and factor <= stride * count and factor % stride == 0:
            count += (factor // stride) * (times - 1)
        else:
            rest.append((factor, times))
    if not rest:
        return slice(low, low + stride * (count - 1) + 1, stride)
    found = low + stride * np.arange(count)
    for factor, times in rest:
        found = np.add.outer(factor * np.arange(times), found).ravel()
    return found


# -- what statements touch -----------------------------------------------------------------------------


def _all_accesses(block: Block, path: Path, bounds: Bounds) -> Iterator[_Access]:
    for item in block:
        if isinstance(item, Loop):
            for statement in item.prologue:
                yield from _accesses(statement, path, bounds)
            yield from _all_accesses(item.body, (*path, item.axis), bounds)
        else:
            yield from _accesses(item, path, bounds)


def _accesses(item: Statement, path: Path, bounds: Bounds) -> Iterator[_Access]:
    for region, writes in item.accesses:
        # A row chosen at run time may be any that its check lets pass, so none is known to be written.
        rows = [
            (Axis(-len(region.spans) - 1 - k, _bound(region, value, bounds)), stride)
            for k, (value, stride) in enumerate(region.chosen)
        ]
        spans = [(Axis(-1 - k, count), stride) for k, (count, stride) in enumerate(region.spans)]
        terms = (*region.start.terms, *spans, *rows)
        yield _Access(region.buffer, region.start.constant, terms, path, not writes, writes and not rows)


def _bound(region: Region, chosen: Scalar, bounds: Bounds) -> Extent:
    if chosen.number not in bounds:
        raise Wrong(f"{chosen} is an index into {region.buffer.name} that nothing has checked")
    return bounds[chosen.number]
