"""Graphs on their way to the schedule: simplified, differentiated, optimised, and checked at each step."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Literal

from diffc.ir import Graph, checked
from diffc.optimize import optimize, round_constants

__all__ = ["differentiate", "optimized_before", "proof_stages", "without_collector"]


def differentiate(transform: Callable[..., Any], graph: Graph, *args: Any, derived: bool = False) -> Any:
    """Return a transform's result; a graph as given is simplified first, to derive what is simple once."""
    with without_collector():
        result = transform(optimized_before(graph, derived=derived), *args)
    for each in result if isinstance(result, tuple) else (result,):
        checked(each)
    return result


def optimized_before(
    graph: Graph, math: Literal["precise", "fast"] = "precise", log: Any = None, *, derived: bool = False
) -> Graph:
    """Return a graph as it is derived: after the passes before derivation, unless it is a derivative."""
    return graph if derived else checked(optimize(checked(graph), stage="before", math=math, log=log))


_paused_by: set[int] = set()
"""The threads that have paused the garbage collector."""


@contextmanager
def without_collector() -> Generator[None]:
    """Pause the cyclic garbage collector: nodes form no cycles, and it would walk them all again and again.

    On a graph of 100,000 nodes it takes half of the time.
    """
    paused, thread = gc.isenabled(), threading.get_ident()
    if paused:
        _paused_by.add(thread)
    gc.disable()
    try:
        yield
    finally:
        if paused:
            _paused_by.discard(thread)
            gc.enable()


def _resume() -> None:
    """Let a forked child collect again, whose parent's other threads compile."""
    others = _paused_by - {threading.get_ident()}
    if others:
        _paused_by.difference_update(others)
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_resume)


def proof_stages(math: Literal["precise", "fast"] = "precise", derived: bool = False) -> dict[str, Any]:
    """Return the compiler's own stages, as the arguments that `diffc.proof.verify_graph` takes by name."""
    from diffc.optimize import ALL

    def optimizer(graph: Graph, stage: str) -> tuple[Graph, Any]:
        log: list[Any] = []
        if stage == "before":
            return optimized_before(graph, math, log, derived=derived), log
        if stage == "after":
            return checked(optimize(graph, stage="after", math=math, log=log, exact=True)), log
        return checked(round_constants(graph, log=log)), log

    return {"optimizer": optimizer, "rules": ALL}
