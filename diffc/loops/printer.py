"""The text of a program of loops, as `stages` shows it."""

from __future__ import annotations

from collections.abc import Iterator

from diffc.loops.form import Block, Loop, Loops, OutlinedCall
from diffc.loops.walk import walk

__all__ = ["print_loops"]


def print_loops(program: Loops) -> str:
    """Return the program's buffers, loops and outlined nests as text."""
    lines = [f"loops {program.graph.name}"]
    arrays = (*program.inputs, *program.constants, *program.outputs)
    lines += [f"  {buffer.role} {buffer.name}: {buffer.type}" for buffer in arrays]
    lines += [f"  {b.role} {b.name}: {b.type} at byte {b.offset}" for b in program.work]
    lines += [f"  alias {b.name}: {b.type} of {b.base.name}" for b in program.aliases if b.base is not None]
    lines += [f"  workspace {program.workspace} bytes", "", *_block(program.body)]
    for nest in dict.fromkeys(item.nest for item, _ in walk(program.body) if isinstance(item, OutlinedCall)):
        places = [f"{buffer.name}: {buffer.type}" for buffer in nest.places]
        values = [f"{value}: {value.dtype}" for value in nest.values]
        lines += [
            "",
            f"  nest {nest.number}({', '.join([*places, *values])})",
            *_block(Block([nest.loop]), 1),
        ]
    return "\n".join(lines) + "\n"


def _block(block: Block, depth: int = 0) -> Iterator[str]:
    for item, inside in walk(block):
        yield "  " * (depth + inside + 1) + (_head(item) if isinstance(item, Loop) else str(item))


def _head(loop: Loop) -> str:
    accumulators = "".join(f", {value} = {how} identity" for value, how in loop.accumulators)
    vectors = f" {loop.vectors} vectors" if loop.vectors > 1 else " vector" if loop.vector else ""
    return f"for {loop.axis} in {loop.axis.extent} ({loop.kind}{vectors}{accumulators})"
