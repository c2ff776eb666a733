"""A plan in blocks, run by one thread or several.

The size of a block depends on the program and on the shapes, never on the number of threads, and the parts
of a reduction are combined in the order of the blocks: any number of threads gives the same bits. Each thread
takes the next block that nobody has taken, with a workspace of its own; compiled code runs without the GIL.
BLAS is held to one thread meanwhile, as it is the blocks that run at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc import tuning
from diffc.abi.signature import Signature
from diffc.errors import InputError
from diffc.ir import Extent, evaluate_extent, unmet
from diffc.ir.plan import START, BlockPlan, Write
from diffc.runtime.blocks.steps import Blocks, SizedStep
from diffc.runtime.calls.variants import Variants
from diffc.runtime.store.program import DTYPES

__all__ = ["Cut"]

_KEPT = 64
"""For how many values of the symbols a program keeps what its calls have in common."""

_ONE = Blocks(range(1), 0, 0)
"""A step that does not run in blocks is one."""

Array = NDArray[Any]


class Cut:
    """A program's plan, with the variants of each step's code, which are made for the first run."""

    def __init__(
        self,
        plan: BlockPlan,
        variants: Sequence[Variants],
        threads: int,
        workspace: Extent | None = None,
    ) -> None:
        """Hold the parts.

        Args:
            plan: the plan.
            variants: its steps' code.
            threads: how many run a step in blocks at most.
            workspace: the plain code's, where blocks are to spare memory: they pay if they keep half of it.
        """
        self.plan = plan
        self._variants = variants
        self._threads = threads
        self._workspace = workspace
        self._sized: dict[tuple[int, ...], _SizedPlan] = {}

    def is_worth(self, symbols: Mapping[str, int]) -> bool:
        """Whether blocks pay at these values of the symbols: for their number, width and memory."""
        cost, extent = (evaluate_extent(each, symbols) for each in (self.plan.cost, self.plan.extent))
        least = tuning.MIN_BLOCKS if self._workspace is None else tuning.MIN_BLOCKS_ALONE
        if cost * extent < least * tuning.BLOCK_COST:
            return False
        if _in_pieces(self.plan) and self._blocks(symbols).rows < tuning.BLOCK_WIDTH:
            return False
        if self._workspace is None:
            return True
        return 2 * evaluate_extent(_kept(self.plan), symbols) <= evaluate_extent(self._workspace, symbols)

    def run(
        self,
        inputs: Sequence[Array],
        symbols: Mapping[str, int],
        outputs: Sequence[Array],
        *,
        is_new: bool = True,
    ) -> None:
        """Run the steps on contiguous arrays that fit; the outputs lie in new memory or in the caller's."""
        values = tuple(symbols.values())
        sized = self._sized.get(values)
        if sized is None:
            sized = _SizedPlan(self.plan, self._variants, symbols, self._blocks(symbols), self._threads)
            if len(self._sized) < _KEPT:
                self._sized[values] = sized
        sized.run(inputs, outputs, is_new=is_new)

    def _blocks(self, symbols: Mapping[str, int]) -> Blocks:
        """Return the blocks of the axis; their rows are multiples of 16."""
        cost, extent = (evaluate_extent(each, symbols) for each in (self.plan.cost, self.plan.extent))
        wanted, most = -(-tuning.BLOCK_COST // max(cost, 1)), tuning.MAX_BLOCKS
        memory = max(
            (_memory_of_a_place(each.outline.signature, symbols) for each in self._variants), default=0
        )
        if memory * wanted > tuning.BLOCK_MEMORY:
            wanted = max(
                tuning.BLOCK_MEMORY // memory,
                -(-tuning.BLOCK_COST // (tuning.BLOCK_LEAST_PART * max(cost, 1))),
            )
            most = max(most, tuning.PARTS_MEMORY // max(evaluate_extent(_parts(self.plan), symbols), 1))
        wanted = max(wanted, -(-extent // most))
        rows = max(1, wanted if wanted < 16 else -(-wanted // 16) * 16)
        starts = range(0, max(extent, 1), rows)
        return Blocks(starts, rows, extent - starts[-1])


class _SizedPlan:
    """A plan at one value of each symbol: what all its calls have in common."""

    def __init__(
        self,
        plan: BlockPlan,
        variants: Sequence[Variants],
        symbols: Mapping[str, int],
        blocks: Blocks,
        threads: int,
    ) -> None:
        problem = unmet(plan.requirements, symbols)
        if problem is not None:
            raise InputError(problem)
        self.inputs, self.outputs = plan.inputs, plan.outputs
        self.known = {START: np.array(blocks.starts), **plan.constants}
        self.steps = [
            SizedStep(step, code, blocks if step.in_blocks else _ONE, symbols)
            for step, code in zip(plan.steps, variants, strict=True)
        ]
        self.threads = threads

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array], *, is_new: bool) -> None:
        values = self.known | dict(zip(self.inputs, inputs, strict=True))
        targets = dict(zip(self.outputs, outputs, strict=True))
        for step in self.steps:
            step.run(values, targets, self.threads, is_new=is_new)
        for name, output in zip(self.outputs, outputs, strict=True):
            if values[name] is not output:
                output[...] = values[name]


def _in_pieces(plan: BlockPlan) -> bool:
    """Whether a block's part of some array does not lie in one piece."""
    return any(each.axis for step in plan.steps for each in (*step.reads, *step.writes))


def _kept(plan: BlockPlan) -> Extent:
    """Return the bytes of what lies in memory between the steps, but for the parts of reductions."""
    return _bytes(w for s in plan.steps for w in s.writes if w.name not in plan.outputs and not w.combine)


def _parts(plan: BlockPlan) -> Extent:
    """Return the bytes of one block's parts of reductions."""
    return _bytes(write for step in plan.steps for write in step.writes if write.combine)


def _bytes(writes: Iterable[Write]) -> Extent:
    return sum((each.type.size * DTYPES[each.type.dtype].itemsize for each in writes), start=0)


def _memory_of_a_place(step: Signature, symbols: Mapping[str, int]) -> int:
    """Return by how much a step's workspace grows with each place of a block."""
    few, many = (
        evaluate_extent(step.workspace, {name: symbols.get(name, places) for name in step.symbols})
        for places in (128, 256)
    )
    return (many - few) // 128
