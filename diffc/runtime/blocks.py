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
from functools import cache
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import InputError
from diffc.ir import evaluate_extent
from diffc.ir.plan import START, Plan, Step, Write
from diffc.runtime.inputs import extent_value
from diffc.runtime.kernel import Kernel, Launch
from diffc.runtime.program import DTYPES

__all__ = ["cores", "launch_plan"]

BLOCK_COST = 1_000_000
"""The work of a block, in multiplications: some 50 us, against some 10 us that handing it over costs."""

MIN_BLOCKS = 4
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
            plain.run(inputs, outputs)
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
        starts = range(0, self.extent, self.rows) or range(1)
        whole = [self._new(write, len(starts) if write.combine else None) for write in step.writes]

        def block(position: int) -> None:
            start = starts[position]
            stop = min(start + self.rows, self.extent)
            inputs = [
                np.array(start, np.int64)
                if read.name == START
                else _part(self.values[read.name], read.axis, start, stop)
                for read in step.reads
            ]
            outputs = [
                array[position, ...] if write.combine else _part(array, write.axis, start, stop)
                for write, array in zip(step.writes, whole, strict=True)
            ]
            _call(kernel, inputs, outputs)

        _for_each(block, len(starts), self.threads)
        return [
            self._combined(write, array) if write.combine else array
            for write, array in zip(step.writes, whole, strict=True)
        ]

    def _combined(self, write: Write, parts: Array) -> Array:
        return _COMBINE[write.combine].reduce(parts, axis=0, out=self._new(write))


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


def _for_each(task: Callable[[int], None], number: int, threads: int) -> None:
    """Run tasks 0..number-1 on several threads, this one among them; raise the first problem."""
    workers = min(threads, number)
    if workers <= 1:
        for position in range(number):
            task(position)
        return
    taken = count()

    def work() -> None:
        while (position := next(taken)) < number:
            task(position)

    others = [_pool().submit(work) for _ in range(workers - 1)]
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
