"""Programs taken through some of the compiler's passes, without the optimiser."""

from __future__ import annotations

from diffc.compiler import Options
from diffc.compiler.passes import PASSES, READABLE, run_passes
from diffc.ir import Graph
from diffc.loops.form import Loops
from diffc.loops.target import Target

NAMES = [each.name for each in PASSES]
WIDE = Target(64, 32)


def planned(graph: Graph, *, laid_out: bool = False) -> Loops:
    """Return the program of a graph behind the memory plan."""
    without = () if laid_out else ("long_axes_last",)
    return _through(graph, NAMES[NAMES.index("expand") : NAMES.index(READABLE) + 1], WIDE, without)


def lowered(loops: Loops, target: Target = WIDE) -> Loops:
    """Return a planned program behind all further passes: what code is made of."""
    return _through(loops, NAMES[NAMES.index(READABLE) + 1 :], target)


def behind(loops: Loops, *names: str, target: Target = WIDE) -> Loops:
    """Return a program behind the passes of these names alone."""
    return _through(loops, names, target)


def _through(program, names, target, without=()):
    passes = tuple(each for each in PASSES if each.name in names and each.name not in without)
    for _, each in run_passes(program, passes, Options(), target):
        program = each
    return program
