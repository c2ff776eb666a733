"""A plan in blocks, run by several threads.

The size of a block depends on the program and on the shapes, never on the number of threads, and the parts
of a reduction are combined in the order of the blocks: any number of threads gives the same bits. Each thread
takes the next block that nobody has taken, with a workspace of its own; compiled code runs without the GIL.
BLAS is held to one thread meanwhile, as it is the blocks that run at the same time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import InputError
from diffc.ir import evaluate_extent
from diffc.ir.plan import START, Plan, Read, Step, Write
from diffc.runtime.block_driver import Blocks
from diffc.runtime.inputs import extent_value
from diffc.runtime.kernel import Kernel, Launch
from diffc.runtime.program import DTYPES

__all__ = ["cores", "launch_plan"]

BLOCK_COST = 4_000_000
"""The work of a block, in multiplications: some 100 us. A thread that wakes up takes some 50 us to begin."""

MIN_BLOCKS = 8
"""A program with less work than that of so many blocks runs as it is."""

MAX_BLOCKS = 64
"""More blocks than this would cost memory for the parts of reductions, and serve no more cores."""

_COMBINE: Mapping[str, Any] = {"add": np.add, "mul": np.multiply, "max": np.maximum}
Array = NDArray[Any]


def cores() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def launch_plan(plan: Plan, plain: Kernel, kernels: Sequence[Kernel], threads: int) -> Launch:
    """Return what runs a program on checked arrays: its plan, with one kernel a step, or the plain kernel."""
    uses_blas = any(kernel.signature.externals for kernel in kernels)
    names = plain.signature.symbols

    def launch(arrays: Sequence[Array], values: Sequence[int], work: NDArray[np.uint8]) -> int:
        symbols = dict(zip(names, values, strict=True))
        inputs, outputs = arrays[: len(plan.inputs)], arrays[len(arrays) - len(plan.outputs) :]
        cost, extent = (evaluate_extent(each, symbols) for each in (plan.cost, plan.extent))
        if cost * extent < MIN_BLOCKS * BLOCK_COST:
            plain(*inputs, out=tuple(outputs) if len(outputs) > 1 else outputs[0])
            return 0
        run = _Run(plan, symbols, _rows(cost, extent), threads)
        run.values.update(zip(plan.inputs, inputs, strict=True))
        run.targets.update(zip(plan.outputs, outputs, strict=True))
        with _one_blas_thread() if uses_blas and threads > 1 else nullcontext():
            for step, kernel in zip(plan.steps, kernels, strict=True):
                run.step(step, kernel)
        for name, output in zip(plan.outputs, outputs, strict=True):
            if run.values[name] is not output:
                output[...] = run.values[name]
        return 0

    return launch


class _Run:
    """One call of a plan: the values that exist so far, by name."""

    def __init__(self, plan: Plan, symbols: Mapping[str, int], rows: int, threads: int) -> None:
        self.symbols = symbols
        self.extent = evaluate_extent(plan.extent, symbols)
        self.rows = rows
        self.threads = threads
        self.values: dict[str, Array] = dict(plan.constants)
        self.targets: dict[str, Array] = {}

    def step(self, step: Step, kernel: Kernel) -> None:
        """Run one step; what it writes is then among the values."""
        if not step.in_blocks:
            arrays = [self._new(write) for write in step.writes]
            _call(kernel, [self.values[each.name] for each in step.reads], arrays)
        else:
            arrays = self._blocks(step, kernel)
        for write, array in zip(step.writes, arrays, strict=True):
            self.values[write.name] = array

    def _new(self, write: Write, parts: int | None = None) -> Array:
        target = self.targets.get(write.name)
        if target is not None and parts is None:
            return target
        what = f"the value {write.name}"
        shape = tuple(extent_value(extent, self.symbols, what) for extent in write.type.shape)
        leading = () if parts is None else (parts,)
        try:
            return np.empty((*leading, *shape), DTYPES[write.type.dtype])
        except (MemoryError, ValueError) as error:
            raise InputError(f"a value of the shape {shape} does not fit into memory: {error}") from None

    def _blocks(self, step: Step, kernel: Kernel) -> list[Array]:
        starts = np.arange(0, max(self.extent, 1), self.rows)
        whole = [self._new(write, len(starts) if write.combine else None) for write in step.writes]
        given = [starts if read.name == START else self.values[read.name] for read in step.reads]
        blocks = _StepInBlocks(step, kernel, starts, given, whole, self.rows, self.extent)
        blocks.run(min(self.threads, len(starts)))
        return [
            self._combined(write, array) if write.combine else array
            for write, array in zip(step.writes, whole, strict=True)
        ]

    def _combined(self, write: Write, parts: Array) -> Array:
        return _COMBINE[write.combine].reduce(parts, axis=0, out=self._new(write))


@dataclass(frozen=True)
class _StepInBlocks:
    """A step with what it reads, in order (the places where blocks begin stand for `START`), and writes."""

    step: Step
    kernel: Kernel
    starts: NDArray[np.int64]
    given: Sequence[Array]
    whole: Sequence[Array]
    rows: int
    extent: int

    def run(self, threads: int) -> None:
        """Run all blocks: in machine code where their parts lie in one piece, else one by one."""
        axes = [each.axis for each in (*self.step.reads, *self.step.writes)]
        arrays = (*self.given, *self.whole)
        in_place = not any(axes) and all(each.flags.c_contiguous for each in arrays)
        (self._in_place if in_place and self.kernel.address else self._one_by_one)(threads)

    def _in_place(self, threads: int) -> None:
        symbols = [self.kernel.symbols(self._parts(k)[0]) for k in (0, len(self.starts) - 1)]
        names = self.kernel.signature.symbols
        dims = [np.array([each[name] for name in names], np.int64) for each in symbols]
        constants = self.kernel.program.constants
        arrays = (*self.given, *constants, *self.whole)
        bases = np.array([each.ctypes.data for each in arrays], np.int64)
        steps = [self._step(read, array) for read, array in zip(self.step.reads, self.given, strict=True)]
        steps += [0] * len(constants)
        steps += [self._step(write, array) for write, array in zip(self.step.writes, self.whole, strict=True)]
        taken = np.zeros(1, np.int64)
        blocks = Blocks(
            self.kernel.address, bases, np.array(steps, np.int64), dims[0], dims[1], len(self.starts), taken
        )
        largest = max(symbols, key=lambda each: tuple(each.values()))

        def work() -> None:
            self.kernel.check_status(blocks.run(self.kernel.workspace(largest)))

        _together(work, threads)

    def _step(self, part: Read | Write, array: Array) -> int:
        """Return how many bytes behind one block's part of an array the next block's begins."""
        if isinstance(part, Read) and part.name == START:
            return array.strides[0]
        if isinstance(part, Write) and part.combine:
            return array.strides[0]
        return 0 if part.axis is None else self.rows * array.strides[0]

    def _one_by_one(self, threads: int) -> None:
        taken = count()

        def work() -> None:
            while (position := next(taken)) < len(self.starts):
                _call(self.kernel, *self._parts(position))

        _together(work, threads)

    def _parts(self, position: int) -> tuple[list[Array], list[Array]]:
        """Return what the kernel reads and writes for the block at a position."""
        start = int(self.starts[position])
        stop = min(start + self.rows, self.extent)
        inputs = [
            array[position, ...] if read.name == START else _part(array, read.axis, start, stop)
            for read, array in zip(self.step.reads, self.given, strict=True)
        ]
        outputs = [
            array[position, ...] if write.combine else _part(array, write.axis, start, stop)
            for write, array in zip(self.step.writes, self.whole, strict=True)
        ]
        return inputs, outputs


def _rows(cost: int, extent: int) -> int:
    """Return the places of a block: a multiple of 16, so that its vectors are full."""
    wanted = max(-(-BLOCK_COST // max(cost, 1)), -(-extent // MAX_BLOCKS))
    return max(1, wanted if wanted < 16 else -(-wanted // 16) * 16)


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


def _together(work: Callable[[], None], threads: int) -> None:
    """Run the same work on several threads, this one among them; raise the first problem."""
    others = [_pool().submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        started = [each for each in others if not each.cancel()]
        wait(started)
    for each in started:
        each.result()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(cores() - 1, 1), thread_name_prefix="diffc")


def _one_blas_thread() -> AbstractContextManager[Any]:
    return _blas().limit(limits=1, user_api="blas")


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
