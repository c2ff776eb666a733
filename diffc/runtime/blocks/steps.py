"""One step of a plan at known shapes: the buffers that it writes, and its blocks on one thread or several."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from diffc.ir.plan import START, BlockStep, Write
from diffc.ops.monoid import MONOIDS
from diffc.runtime.blocks.driver import integers, run_blocks
from diffc.runtime.calls.fastcall import address_of
from diffc.runtime.calls.inputs import extent_value
from diffc.runtime.calls.kernel import Kernel
from diffc.runtime.calls.memory import empty, workspace
from diffc.runtime.calls.variants import Variants
from diffc.runtime.store.program import DTYPES

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["Blocks", "SizedStep", "cores"]

_KEPT = 8 << 20
"""Parts of no more bytes are kept for the next call: the system fills new memory with zeros first."""

Array = NDArray[Any]


def cores() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Blocks(NamedTuple):
    """The blocks of an axis: where they begin, the places of each but the last, and those of the last."""

    starts: range
    rows: int
    last: int

    @property
    def number(self) -> int:
        """How many there are: one at least, which may have no places."""
        return len(self.starts)


class _Buffer:
    """What a step writes of one value: all of it, or one part for each block."""

    def __init__(self, write: Write, number: int, symbols: Mapping[str, int]) -> None:
        what = f"the value {write.name}"
        self.name = write.name
        self.shape = tuple(extent_value(extent, symbols, what) for extent in write.type.shape)
        self.dtype = DTYPES[write.type.dtype]
        self.combine = MONOIDS[write.combine].numpy if write.combine else None
        self.parts = (number, *self.shape) if write.combine else self.shape
        self._spare: list[Array] = []

    def new(self, targets: Mapping[str, Array]) -> Array:
        """Return the memory that the step writes: the caller's if the value is an output, and whole."""
        if self.combine:
            try:
                return self._spare.pop()
            except IndexError:
                return empty(self.parts, self.dtype)
        target = targets.get(self.name)
        return empty(self.parts, self.dtype) if target is None else target

    def value(self, written: Array, targets: Mapping[str, Array]) -> Array:
        """Return the value, for which parts are combined in the order of the blocks."""
        if self.combine is None:
            return written
        target = targets.get(self.name)
        out = empty(self.shape, self.dtype) if target is None else target
        self.combine.reduce(written, axis=0, out=out)
        if not self._spare and written.nbytes <= _KEPT:  # of calls at the same time one leaves its parts
            self._spare.append(written)
        return out


class SizedStep:
    """A step at one value of each symbol: what all its runs have in common."""

    def __init__(
        self, step: BlockStep, variants: Variants, blocks: Blocks, symbols: Mapping[str, int]
    ) -> None:
        """Compute sizes; `symbols` are the program's."""
        self._step, self._variants, self._blocks = step, variants, blocks
        self._constants = variants.outline.constants
        signature = variants.outline.signature
        # The one symbol of a step that the program lacks counts the places of a block.
        sizes = [
            {name: symbols.get(name, rows) for name in signature.symbols}
            for rows in (blocks.rows, blocks.last)
        ]
        self._dims = [integers(list(each.values())) for each in sizes]
        self._workspace = max(
            extent_value(signature.workspace, each, "the workspace of a block") for each in sizes
        )
        self._buffers = [_Buffer(write, blocks.number, symbols) for write in step.writes]
        self._in_place = not any(each.axis for each in (*step.reads, *step.writes))
        # How many rows of an array lie between one block's part of it and the next block's.
        self._moves = [
            *[1 if each.name == START else _move(each.axis, blocks.rows) for each in step.reads],
            *[0] * len(self._constants),
            *[1 if each.combine else _move(each.axis, blocks.rows) for each in step.writes],
        ]

    def run(
        self, values: dict[str, Array], targets: Mapping[str, Array], threads: int, *, is_new: bool
    ) -> None:
        """Run all blocks on so many threads at most; what they write is then among the values.

        `targets` are the program's outputs, in new memory or in the caller's.
        """
        given = [values[each.name] for each in self._step.reads]
        whole = [each.new(targets) for each in self._buffers]
        threads = min(threads, self._blocks.number)
        if self._in_place:
            self._run_in_place([*given, *self._constants, *whole], threads, is_new=is_new)
        else:
            kernel = self._variants.plain()
            with _blas_held(kernel, threads):
                _OneByOne(self._step, kernel, self._blocks, given, whole).run(threads)
        for buffer, array in zip(self._buffers, whole, strict=True):
            values[buffer.name] = buffer.value(array, targets)

    def _run_in_place(self, arrays: Sequence[Array], threads: int, *, is_new: bool) -> None:
        """Run the blocks in machine code: every array is contiguous, and so is a block's part of it."""
        (dims, last_dims), number, outputs = self._dims, self._blocks.number, len(self._buffers)
        moved = [m and m * each.strides[0] for m, each in zip(self._moves, arrays, strict=True)]
        kernel = self._variants.kernel_for(arrays[-outputs:], moved[-outputs:], is_new=is_new)
        bases, steps, taken = integers([address_of(each) for each in arrays]), integers(moved), integers([0])

        def work(_held: Sequence[Array] = arrays) -> None:
            memory = workspace(self._workspace)
            kernel.check_status(
                run_blocks(kernel.address, bases, steps, dims, last_dims, number, taken, address_of(memory))
            )

        def stop() -> None:
            taken[0] = number

        with _blas_held(kernel, threads):
            _together(work, threads, stop)


def _move(axis: int | None, rows: int) -> int:
    return 0 if axis is None else rows


@dataclass(frozen=True)
class _OneByOne:
    """The blocks of a step called from Python, as their parts of some array do not lie in one piece."""

    step: BlockStep
    kernel: Kernel
    blocks: Blocks
    given: Sequence[Array]
    whole: Sequence[Array]

    def run(self, threads: int) -> None:
        """Run all blocks."""
        taken = iter(range(self.blocks.number))

        def work() -> None:
            for position in taken:
                _call(self.kernel, *self._parts(position))

        def stop() -> None:
            for _ in taken:
                pass

        _together(work, threads, stop)

    def _parts(self, position: int) -> tuple[list[Array], list[Array]]:
        """Return what the kernel reads and writes for the block at a position."""
        start = self.blocks.starts[position]
        stop = start + (self.blocks.rows if position < self.blocks.number - 1 else self.blocks.last)
        inputs = [
            array[position, ...] if read.name == START else _part(array, read.axis, start, stop)
            for read, array in zip(self.step.reads, self.given, strict=True)
        ]
        outputs = [
            array[position, ...] if write.combine else _part(array, write.axis, start, stop)
            for write, array in zip(self.step.writes, self.whole, strict=True)
        ]
        return inputs, outputs


def _part(array: Array, axis: int | None, start: int, stop: int) -> Array:
    if axis is None:
        return array
    return array[start:stop] if axis == 0 else array[(slice(None),) * axis + (slice(start, stop),)]


def _call(kernel: Kernel, inputs: Iterable[Array], outputs: Sequence[Array]) -> None:
    """Run a kernel on arrays that fit; parts that are not contiguous go through copies."""
    given = [np.ascontiguousarray(each).reshape(each.shape) for each in inputs]
    taken = [each if each.flags.c_contiguous else np.empty(each.shape, each.dtype) for each in outputs]
    kernel.run(given, taken)
    for each, array in zip(outputs, taken, strict=True):
        if array is not each:
            each[...] = array


def _blas_held(kernel: Kernel, threads: int) -> AbstractContextManager[Any]:
    """Hold BLAS to one thread, where several run a kernel that calls it."""
    if threads == 1 or not kernel.signature.externals:
        return nullcontext()
    return _blas().limit(limits=1, user_api="blas")


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _together(work: Callable[[], None], threads: int, stop: Callable[[], None]) -> None:
    """Run the same work on several threads, this one among them; raise the first problem.

    `stop` leaves the others nothing more to do, where this one has a problem or is interrupted.
    """
    if threads == 1:
        work()
        return
    others = _submitted(work, threads - 1)
    try:
        work()
    except BaseException:
        stop()
        raise
    finally:
        started = [each for each in others if not each.cancel()]
        problems = [each.exception() for each in started]  # waits for each
    for problem in filter(None, problems):
        raise problem


def _submitted(work: Callable[[], None], times: int) -> list[Future[None]]:
    """Return the work in the hands of other threads: none where the process ends or has no more threads."""
    submitted: list[Future[None]] = []
    with suppress(RuntimeError):  # "cannot schedule new futures after shutdown", "can't start new thread"
        while len(submitted) < times:
            submitted.append(_pool().submit(work))
    return submitted


@cache
def _pool() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(max(cores() - 1, 1), thread_name_prefix="diffc")


if hasattr(os, "register_at_fork"):
    # A child has none of the threads that its parent's pool counts with.
    os.register_at_fork(after_in_child=_pool.cache_clear)
