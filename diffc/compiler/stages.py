"""The stages of one compilation, in order: each is made when it is asked for, and has a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from diffc.compiler.derivation import optimized
from diffc.compiler.options import Options
from diffc.emit import lower_to_llvm
from diffc.ir import Graph, checked
from diffc.loops.form import Loops
from diffc.loops.printer import print_loops
from diffc.schedule import expand, long_axes_last, schedule
from diffc.source import lower_to_source
from diffc.syntax import print_graph

__all__ = ["Stages", "vector_bytes"]

VECTOR_BYTES = {"avx512f": 64, "avx2": 32, "avx": 32}
"""The width of a vector by the CPU's features; 16 bytes on any other."""


class Stages(Mapping[str, str]):
    """The text of each stage of one compilation, made when it is asked for.

    `ir` is the graph as given, `optimized` and `expanded` what becomes of it, `loops` the schedule,
    `source` the Numba source and `llvm` the module that is compiled.
    """

    def __init__(self, graph: Graph, options: Options) -> None:
        """Take what is compiled; nothing happens yet."""
        self._graph = graph
        self._options = options
        self._kept: dict[str, Any] = {}
        self._texts: dict[str, Callable[[], str]] = {
            "ir": lambda: print_graph(graph),
            "optimized": lambda: print_graph(self.optimized()),
            "expanded": lambda: print_graph(self.loops().graph),
            "loops": lambda: print_loops(self.loops()),
            "source": lambda: lower_to_source(self.loops()),
            "llvm": self.llvm,
        }

    def add(self, name: str, make: Callable[[], str]) -> None:
        """Add the text of another stage."""
        self._texts[name] = make

    def optimized(self) -> Graph:
        """Return the optimised graph."""
        return self._once(
            "graph", lambda: optimized(self._graph, self._options.math, derived=self._options.derived)
        )

    def loops(self) -> Loops:
        """Return the schedule."""
        return self._once("schedule", lambda: schedule(checked(long_axes_last(expand(self.optimized())))))

    def llvm(self, streams: Sequence[int] = ()) -> str:
        """Return the LLVM module; outputs at the positions `streams` go past the caches."""
        return lower_to_llvm(self.loops(), vector_bytes(), streams)

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def __getitem__(self, name: str) -> str:
        return self._once(name, self._texts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def vector_bytes() -> int:
    """Return the width of this machine's vectors."""
    from diffc.runtime.code.machine import host

    return max((size for name, size in VECTOR_BYTES.items() if name in host().features), default=16)
