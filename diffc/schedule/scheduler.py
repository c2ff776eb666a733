"""The scheduler: a graph becomes a program of loops.

First everything is decided about the graph (`decide`), then each computation is placed among the loops: which
it shares with others is up to `placement`, what stands in them to the handlers in `place`.
"""

from __future__ import annotations

from diffc.ir import Graph
from diffc.loops.form import Loops
from diffc.schedule.assembly import assembled
from diffc.schedule.decide import decide
from diffc.schedule.order import ordered
from diffc.schedule.place import Placing, place, place_alias, place_output
from diffc.schedule.placement import LoopNests
from diffc.schedule.reading import Reading
from diffc.schedule.storage import Storage

__all__ = ["schedule"]


def schedule(graph: Graph) -> Loops:
    """Return the program of loops that computes a graph whose derived operations are expanded."""
    decisions = decide(graph)
    storage = Storage(graph, decisions)
    nests = LoopNests()
    placing = Placing(decisions, storage, nests, Reading(decisions, storage, nests))
    for extent, problem in graph.requirements:
        nests.preamble.append(nests.new_check(0, extent + 1, problem))
    for node in ordered(graph):
        if node in decisions.computed:
            place(placing, node)
        elif node in decisions.aliases:
            place_alias(placing, node)
    for position in decisions.outputs.late:
        place_output(placing, graph.outputs[position], storage.outputs[position])
    body = assembled(nests, storage)
    storage.bring_captured_last()
    return Loops(
        graph,
        storage.inputs,
        storage.constants,
        storage.outputs,
        storage.work,
        body,
        nests.checks,
        storage.numbers,
        storage.aliases,
    )
