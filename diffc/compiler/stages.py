"""The stages of one compilation, in order: each is made when it is asked for, and has a text.

What makes them is imported then: a program that the cache has needs no scheduler and no emitter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from diffc.compiler.options import Options
from diffc.errors import DiffcError
from diffc.forks import Lock
from diffc.ir import Graph
from diffc.ir.lazy import lazy
from diffc.syntax import print_graph

if TYPE_CHECKING:
    from diffc.compiler.passes import IR, Pass
    from diffc.loops.form import Loops
    from diffc.loops.target import Target

__all__ = ["Stages", "host_target"]


class Stages(Mapping[str, str]):
    """The text of each stage of one compilation, made when it is asked for.

    `ir` is the graph as given, `optimized` and `expanded` what becomes of it, `loops` the program whose code
    is made, `source` the Numba source and `llvm` the module that is compiled. `behind` gives the program
    behind any one pass.
    """

    def __init__(self, graph: Graph, options: Options, target: Target | None = None) -> None:
        """Take what is compiled, for this machine if no target is given; nothing happens yet."""
        self._graph = graph
        self._options = options
        self._target = target
        if options.without:
            _ = self._passes  # refuses what cannot be left out
        self._programs: dict[str, IR] = {"": graph}
        self._kept: dict[str, str] = {}
        self._lock = Lock()
        self.seconds: dict[str, float] = {}
        """What each pass has taken so far."""
        self._texts: dict[str, Callable[[], str]] = {
            "ir": lambda: print_graph(graph),
            "optimized": lambda: print_graph(self.optimized()),
            "expanded": lambda: print_graph(self.planned().graph),
            "loops": lambda: _text(self.loops()),
            "source": self._source,
            "llvm": self.llvm,
        }

    def add(self, name: str, make: Callable[[], str]) -> None:
        """Add the text of another stage."""
        self._texts[name] = make
        self._kept.pop(name, None)

    @lazy
    def _passes(self) -> tuple[Pass, ...]:
        from diffc.compiler.passes import active

        return active(self._options)

    @property
    def target(self) -> Target:
        """The machine that the code is made for."""
        return self._target or host_target()

    def optimized(self) -> Graph:
        """Return the optimised graph."""
        from diffc.compiler.passes import OPTIMIZED

        return cast(Graph, self._program(OPTIMIZED))

    def planned(self) -> Loops:
        """Return the program behind the memory plan, of which the source is written."""
        from diffc.compiler.passes import READABLE

        return cast("Loops", self._program(READABLE))

    def loops(self) -> Loops:
        """Return the program behind all passes, of which the code is made."""
        return cast("Loops", self._program(self._passes[-1].name))

    def llvm(self, non_temporal: Sequence[int] = ()) -> str:
        """Return the LLVM module, with non-temporal stores to the outputs at the positions `non_temporal`."""
        from diffc.emit import lower_to_llvm

        return lower_to_llvm(self.loops(), self.target, non_temporal)

    def _source(self) -> str:
        from diffc.source import lower_to_source

        return lower_to_source(self.planned())

    def behind(self, name: str) -> str:
        """Return the text of the program behind a pass.

        Raises:
            DiffcError: where this compilation has no such pass.
        """
        from diffc.compiler.passes import run_passes

        names = [each.name for each in self._passes]
        if name not in names:
            raise DiffcError(f"there is no pass {name!r} here; the passes are {', '.join(names)}")
        # From the beginning: what follows may have changed a program in place.
        program: IR = self._graph
        passes = self._passes[: names.index(name) + 1]
        for _, each in run_passes(program, passes, self._options, self.target):
            program = each
        return _text(program)

    def _program(self, name: str) -> IR:
        """Return the program behind a pass, from the last one that is kept."""
        with self._lock:  # variants of one program are compiled by the threads that first need them
            return self._programs.get(name) or self._made(name)

    def _made(self, name: str) -> IR:
        from diffc.compiler.passes import OPTIMIZED, READABLE, run_passes

        names = ["", *(each.name for each in self._passes)]
        stop = names.index(name)
        start = max(k for k, each in enumerate(names[:stop]) if each in self._programs)
        program = self._programs[names[start]]
        passes = self._passes[start:stop]
        for done, each in run_passes(program, passes, self._options, self.target, self.seconds):
            program = each
            if done in (OPTIMIZED, READABLE):  # what follows does not change these in place
                self._programs.setdefault(done, program)
        return self._programs.setdefault(name, program)

    def __getitem__(self, name: str) -> str:
        found = self._kept.get(name)
        if found is None:
            found = self._kept[name] = self._texts[name]()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def _text(program: IR) -> str:
    if isinstance(program, Graph):
        return print_graph(program)
    from diffc.loops.printer import print_loops

    return print_loops(program)


def host_target() -> Target:
    """Return this machine as a target."""
    from diffc.loops.target import Target
    from diffc.runtime.code.machine import host

    return Target.of(host().triple, host().features)
