"""Every pass between a graph and its code, in the one order in which they run.

    Graph --before--> --after--> --lowering--> Graph --schedule--> Loops --loops--> Loops

Each has a name, by which it is switched off (`Options.without`), timed (`Kernel.stats`), dumped
(`diffc inspect --stage NAME`) and, where checks are on, checked. What must run before a pass stands beside
it with the reason; a test holds the tuple to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal, TypeAlias

from diffc.compiler.options import Options
from diffc.errors import DiffcError
from diffc.ir import Graph, are_checked, check
from diffc.loops.form import Loops
from diffc.loops.passes import LOOPS_PASSES, READABLE
from diffc.loops.target import Target
from diffc.optimize import AFTER, BEFORE, LAST
from diffc.schedule import expand, long_axes_last, schedule

__all__ = ["OPTIMIZED", "PASSES", "READABLE", "Pass", "IR", "active", "run_passes"]

IR: TypeAlias = "Graph | Loops"


@dataclass(frozen=True)
class Pass:
    """A step from a program to an equal one. Without one that is not `needed` the code may be slower.

    `before` passes have had their turn where a graph is a derivative. `after` names the passes that must have
    run, each with the reason.
    """

    name: str
    kind: Literal["before", "after", "lowering", "schedule", "loops"]
    apply: Callable[[Any, Options, Target], IR]
    needed: bool = False
    after: Mapping[str, str] = field(default_factory=dict[str, str])


_ORDER: dict[str, dict[str, str]] = {
    "stabilize": {"simplify": "its patterns are written for signs and factors in order"},
    "reduce_derivatives": {"stabilize": "a cross-entropy's derivative is one of stable forms"},
    "round_constants": {
        "absorb_signs": "constants stay what they mean as long as a rule may combine them, and for the proof"
    },
}


def _optimizing(kind: Literal["before", "after"], function: Any, *, needed: bool = False) -> Pass:
    name: str = function.__name__
    after = _ORDER.get(name, {})
    return Pass(
        name, kind, lambda graph, options, _: function(graph, kind, options.math, None), needed, after
    )


def _lowering(function: Callable[[Graph], Graph], **facts: Any) -> Pass:
    return Pass(function.__name__, "lowering", lambda graph, options, target: function(graph), **facts)


PASSES: tuple[Pass, ...] = (
    *(_optimizing("before", each) for each in BEFORE),
    *(_optimizing("after", each) for each in AFTER),
    *(_optimizing("after", each, needed=True) for each in LAST),
    _lowering(
        expand, needed=True, after={"round_constants": "it gives what is left of pi and its kind a dtype"}
    ),
    _lowering(long_axes_last, after={"expand": "expansions bring reductions and products of their own"}),
    Pass(
        "schedule",
        "schedule",
        lambda graph, options, target: schedule(graph),
        needed=True,
        after={"expand": "what is composite has no place among the loops"},
    ),
    *(
        Pass(
            each.name,
            "loops",
            lambda loops, options, target, each=each: each.apply(loops, target),
            each.needed,
            each.after,
        )
        for each in LOOPS_PASSES
    ),
)
"""From a graph to what is emitted."""

OPTIMIZED = LAST[-1].__name__
"""The pass behind which a graph is optimised, and still one of the operations that users know."""


def active(options: Options) -> tuple[Pass, ...]:
    """Return the passes of a compilation, in order.

    Raises:
        DiffcError: where a pass to be left out does not exist or is needed.
    """
    named = {each.name: each for each in PASSES}
    for name in options.without:
        if name not in named:
            raise DiffcError(f"there is no pass {name!r}; the passes are {', '.join(named)}")
        if named[name].needed:
            raise DiffcError(f"the pass {name!r} is needed: without it there is no code")
    return tuple(
        each
        for each in PASSES
        if each.name not in options.without and not (options.derived and each.kind == "before")
    )


def run_passes(
    program: IR,
    passes: tuple[Pass, ...],
    options: Options,
    target: Target,
    seconds: dict[str, float] | None = None,
) -> Iterator[tuple[str, IR]]:
    """Yield the name of each pass with the program behind it, as far as somebody asks.

    `seconds` receives what each took. Programs of loops may be changed in place by the passes that follow.
    """
    for each in passes:
        start = perf_counter()
        program = each.apply(program, options, target)
        if seconds is not None:
            seconds[each.name] = round(perf_counter() - start, 6)
        if are_checked():
            _check(program, each.name)
        yield each.name, program


def _check(program: IR, name: str) -> None:
    if isinstance(program, Graph):
        try:
            check(program)
        except DiffcError as error:
            raise DiffcError(f"behind {name}: {error}; this is a fault in diffc: please report it") from None
    else:
        from diffc.loops.checker import check_loops  # most processes need no checker

        names = [each.name for each in PASSES]
        check_loops(program, name, planned=names.index(name) >= names.index(READABLE))
