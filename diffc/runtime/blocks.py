"""A plan in blocks, run by one thread or several.

The size of a block depends on the program and on the shapes, never on the number of threads, and the parts
of a reduction are combined in the order of the blocks: any number of threads gives the same bits. Each thread
takes the next block that nobody has taken, with a workspace of its own; compiled code runs without the GIL.
BLAS is held to one thread meanwhile, as it is the blocks that run at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.ir import Extent, evaluate_extent
from diffc.ir.plan import START, Plan
from diffc.runtime.block_steps import Blocks, SizedStep
from diffc.runtime.forms import Forms
from diffc.runtime.program import DTYPES

__all__ = ["Cut"]

BLOCK_COST = 4_000_000
"""The work of a block, in multiplications: some 100 us. A thread that wakes up takes some 50 us to begin."""

MIN_BLOCKS = 8
"""A program with less work than that of so many blocks runs as it is."""

MAX_BLOCKS = 64
"""More blocks than this would cost memory for the parts of reductions, and serve no more cores."""

MIN_WIDTH = 64
"""A block of an axis that is not the first of each array has so many places at least. Narrow ones are copied
in short pieces and leave vectors empty: in blocks of 3 columns, a variance took eight times as long."""

_KEPT = 64
"""For how many values of the symbols a program keeps what its calls have in common."""

_ONE = Blocks(range(1), 0, 0)
"""A step that does not run in blocks is one."""

Array = NDArray[Any]


class Cut:
    """A program's plan, with the forms of each step's code, which are made for the first run."""

    def __init__(
        self,
        plan: Plan,
        forms: Sequence[Forms],
        threads: int,
        workspace: Extent | None = None,
    ) -> None:
        """Hold the parts.

        Args:
            plan: the plan.
            forms: its steps' code.
            threads: how many run a step in blocks at most.
            workspace: the plain code's, where blocks are to spare memory: they pay if they keep half of it.
        """
        self.plan = plan
        self._forms = forms
        self._threads = threads
        self._workspace = workspace
        self._sized: dict[tuple[int, ...], _SizedPlan] = {}

    def is_worth(self, symbols: Mapping[str, int]) -> bool:
        """Whether blocks pay at these values of the symbols: for their number, width and memory."""
        cost, extent = (evaluate_extent(each, symbols) for each in (self.plan.cost, self.plan.extent))
        if cost * extent < MIN_BLOCKS * BLOCK_COST:
            return False
        if _in_pieces(self.plan) and _blocks(cost, extent).rows < MIN_WIDTH:
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
            sized = _SizedPlan(self.plan, self._forms, symbols, self._threads)
            if len(self._sized) < _KEPT:
                self._sized[values] = sized
        sized.run(inputs, outputs, is_new=is_new)


class _SizedPlan:
    """A plan at one value of each symbol: what all its calls have in common."""

    def __init__(self, plan: Plan, forms: Sequence[Forms], symbols: Mapping[str, int], threads: int) -> None:
        cost, extent = (evaluate_extent(each, symbols) for each in (plan.cost, plan.extent))
        blocks = _blocks(cost, extent)
        self.inputs, self.outputs = plan.inputs, plan.outputs
        self.known = {START: np.array(blocks.starts), **plan.constants}
        self.steps = [
            SizedStep(step, code, blocks if step.in_blocks else _ONE, symbols)
            for step, code in zip(plan.steps, forms, strict=True)
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


def _in_pieces(plan: Plan) -> bool:
    """Whether a block's part of some array does not lie in one piece."""
    return any(each.axis for step in plan.steps for each in (*step.reads, *step.writes))


def _kept(plan: Plan) -> Extent:
    """Return the bytes of what lies in memory between the steps, but for the parts of reductions."""
    kept: Extent = 0
    for step in plan.steps:
        for each in step.writes:
            if each.name not in plan.outputs and not each.combine:
                kept = kept + each.type.size * DTYPES[each.type.dtype].itemsize
    return kept


def _blocks(cost: int, extent: int) -> Blocks:
    """Return the blocks of an axis, from the work of one place; their rows are multiples of 16."""
    wanted = max(-(-BLOCK_COST // max(cost, 1)), -(-extent // MAX_BLOCKS))
    rows = max(1, wanted if wanted < 16 else -(-wanted // 16) * 16)
    starts = range(0, max(extent, 1), rows)
    return Blocks(starts, rows, extent - starts[-1])
