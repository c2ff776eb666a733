"""A plan as text: its steps, what each reads and writes, and how it is cut and combined."""

from __future__ import annotations

from diffc.ir.plan import START, BlockPlan, BlockStep, Read, Write
from diffc.syntax import print_graph

__all__ = ["print_plan"]


def print_plan(plan: BlockPlan) -> str:
    """Return the text of a plan; the graphs' inputs and outputs have the plan's names of the values."""
    head = f"plan in blocks of an axis of extent {plan.extent}"
    lines = [head, f"inputs {', '.join(plan.inputs)}; outputs {', '.join(plan.outputs)}"]
    for step in plan.steps:
        lines += ["", _heading(step), print_graph(step.graph).rstrip()]
    return "\n".join(lines) + "\n"


def _heading(step: BlockStep) -> str:
    if not step.in_blocks:
        return "# once"
    cut = [_read(each) for each in step.reads if each.axis is not None or each.name == START]
    return f"# in blocks; cut: {', '.join(cut)}; writes {', '.join(map(_write, step.writes))}"


def _read(read: Read) -> str:
    return "the block's start" if read.name == START else f"axis {read.axis} of {read.name}"


def _write(write: Write) -> str:
    return f"{write.name} combined by {write.combine}" if write.combine else f"{write.name} in place"
