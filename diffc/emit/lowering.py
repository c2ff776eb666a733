"""Where programs of loops meet the back ends: a module of one, filled through its interface."""

from __future__ import annotations

from collections.abc import Collection

from diffc import tuning
from diffc.emit.kernel.program import emit_program
from diffc.emit.llvm.module import LlvmModule
from diffc.emit.maths import FUNCTIONS
from diffc.loops.form import Block, Loops, OutlinedCall
from diffc.loops.places import Buffer
from diffc.loops.statements import Compute, Store
from diffc.loops.target import Target
from diffc.loops.walk import touched, walk

__all__ = ["lower_to_llvm"]


def lower_to_llvm(loops: Loops, target: Target, non_temporal: Collection[int] = ()) -> str:
    """Return a program's LLVM module.

    Args:
        loops: the program, behind all passes.
        target: the machine that code is made for.
        non_temporal: the positions of outputs that are written by non-temporal stores; they begin at
            multiples of a vector's bytes.
    """
    inline = _calls_of_maths(loops.body) <= tuning.INLINED_MATHS_CALLS
    module = LlvmModule(FUNCTIONS, inline_maths=inline, target=target)
    emit_program(module, loops, _stored_once(loops, non_temporal))
    return module.text()


def _stored_once(loops: Loops, positions: Collection[int]) -> set[Buffer]:
    """Return those outputs at some positions that hold numbers, no routine writes and nothing reads again."""
    found = {each for each in loops.outputs if each.position in positions and each.type.is_float}
    others: set[Buffer] = set()
    for item, _ in walk(loops.body):
        if isinstance(item, Store | OutlinedCall):
            others.update(region.buffer.root for region in item.reads)
        else:
            others.update(touched(item))
    return found - others


def _calls_of_maths(body: Block) -> int:
    """Return how often the code of a program calls maths functions; that of a nest stands there once."""
    nests = dict.fromkeys(item.nest for item, _ in walk(body) if isinstance(item, OutlinedCall))
    code = [*body, *(nest.loop for nest in nests)]
    return sum(isinstance(item, Compute) and item.op.is_function for item, _ in walk(code))
