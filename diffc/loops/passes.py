"""The passes of Loops: each a function of a program and a target, in the one order in which they run.

A pass is named as users switch it off and ask for its dump. `after` states which passes must have run before
it, each with the reason; a test holds the tuple to that. Adding a pass is adding a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from diffc.loops.collapse import collapse
from diffc.loops.contraction import contract
from diffc.loops.form import Loops
from diffc.loops.jam import jam
from diffc.loops.memory import plan_memory
from diffc.loops.outline import outline
from diffc.loops.target import Target
from diffc.loops.widen import widen

__all__ = ["LOOPS_PASSES", "READABLE", "LoopsPass"]


@dataclass(frozen=True)
class LoopsPass:
    """A step from Loops to Loops; without one that is not `needed` the program is slower and equal."""

    name: str
    apply: Callable[[Loops, Target], Loops]
    needed: bool = False
    after: Mapping[str, str] = field(default_factory=dict[str, str])


LOOPS_PASSES = (
    LoopsPass("contract", contract),
    LoopsPass("plan_memory", plan_memory, True, {"contract": "what is contracted needs less memory"}),
    LoopsPass(
        "collapse",
        collapse,
        after={"plan_memory": "it reads arrays under other shapes, which the plan need not know"},
    ),
    LoopsPass("jam", jam, after={"collapse": "of loops that lie in one piece no round is left to jam"}),
    LoopsPass("widen", widen, after={"jam": "the registers that rounds side by side take are not free"}),
    LoopsPass("outline", outline, after={"widen": "a call hides its loops from the passes above"}),
)
"""Every pass between the schedule and the code, in order."""

READABLE = "plan_memory"
"""The pass behind which the source is written: what follows is for registers, not for readers."""
