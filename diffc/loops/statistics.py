"""What a program of loops costs: operations, maths calls and bytes, as polynomials of its symbols."""

from __future__ import annotations

from typing import Any

from diffc.ir import Extent, size_of
from diffc.ir.dtype import ITEM_SIZE
from diffc.loops.form import Block, Loop, Loops

__all__ = ["statistics"]


def statistics(loops: Loops) -> dict[str, Any]:
    """Return the counts that `Kernel.stats` shows.

    `flops` counts arithmetic and comparisons, a multiply-add as two, and of a routine's the leading terms;
    `maths_calls` counts the elementary functions;
    `bytes` the inputs and outputs, each once; `workspace_bytes` the peak of the memory plan and
    `least_workspace_bytes` what is alive at the same time, which no plan can undercut.
    """
    operations: dict[str, int] = {}
    for node in loops.graph.nodes:
        if node.inputs:
            operations[node.op.name] = operations.get(node.op.name, 0) + 1
    flops, calls = _work(loops.body)
    moved: Extent = 0
    for buffer in (*loops.inputs, *loops.outputs, *loops.constants):
        moved = moved + size_of(buffer.type.shape) * ITEM_SIZE[buffer.type.dtype]
    return {
        "operations": dict(sorted(operations.items())),
        "nodes": len(loops.graph.nodes),
        "flops": str(flops),
        "maths_calls": str(calls),
        "bytes": str(moved),
        "buffers": len(loops.work),
        "workspace_bytes": str(loops.workspace),
        "least_workspace_bytes": str(loops.least_workspace),
    }


def _work(block: Block) -> tuple[Extent, Extent]:
    """Return the arithmetic operations and the maths calls of a block."""
    flops: Extent = 0
    calls: Extent = 0
    for item in block:
        if isinstance(item, Loop):
            inner_flops, inner_calls = _work(item.body)
            flops = flops + inner_flops * item.axis.extent
            calls = calls + inner_calls * item.axis.extent
        else:
            flops = flops + item.flops
            calls = calls + item.maths_calls
    return flops, calls
