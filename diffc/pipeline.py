"""The pipeline: which stages a program passes through, in which order.

    formula, SymPy, model file --frontends--> Graph
    Graph --optimize before--> --autodiff--> Graph of derivatives --optimize after--> Graph
    Graph --expand, schedule--> Loops --lower--> LLVM and Numba source --runtime--> Kernel

Between all steps graphs and loops are checked where the environment has `DIFFC_CHECK=1`, as in the tests.
Every stage's text can be read later: it is made when it is asked for.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from diffc.errors import DiffcError
from diffc.ir import Graph, Node, checked
from diffc.ir.loops import Loops
from diffc.lower import lower_to_llvm, lower_to_source
from diffc.lower.entry import emit_entry
from diffc.ops.base import DTYPES, Leaf
from diffc.ops.captured import captured_op
from diffc.ops.constant import const
from diffc.optimize import optimize
from diffc.schedule import expand, long_axes_last, print_loops, schedule, statistics
from diffc.syntax import print_graph

if TYPE_CHECKING:
    from diffc.runtime import Kernel, Program, Signature

__all__ = [
    "Compilation",
    "Options",
    "Stages",
    "compile_graph",
    "differentiate",
    "optimized",
    "optimized_before",
    "proof_stages",
]

VECTOR_BYTES = {"avx512f": 64, "avx2": 32, "avx": 32}
"""The width of a vector by the CPU's features; 16 bytes on any other."""

MAX_ENTRY = 256
"""With more inputs and outputs than this the compiled way in would take LLVM longer than it ever saves."""

STAGES = ("ir", "optimized", "expanded", "loops", "source", "llvm")
"""What `Kernel.stages` holds, in order."""


@dataclass(frozen=True)
class Options:
    """What a compilation may be told."""

    math: Literal["precise", "fast"] = "precise"
    lowering: Literal["llvm", "source"] = "llvm"
    derived: bool = False
    """Whether the graph is a derivative: then the passes that precede derivation have had their turn.
    They would undo what makes derivatives cheap, such as `1 - s` from the forward value of a sigmoid."""

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        if self.math not in ("precise", "fast"):
            raise DiffcError(f"math is 'precise' or 'fast', not {self.math!r}")
        if self.lowering not in ("llvm", "source"):
            raise DiffcError(f"lowering is 'llvm' or 'source', not {self.lowering!r}")


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


def optimized(
    graph: Graph, math: Literal["precise", "fast"] = "precise", log: Any = None, *, derived: bool = False
) -> Graph:
    """Return a graph as it is compiled: after the passes that precede and those that follow derivation."""
    before = optimized_before(graph, math, log, derived=derived)
    return checked(optimize(before, stage="after", math=math, log=log))


@contextmanager
def without_collector() -> Generator[None]:
    """Pause the cyclic garbage collector: nodes form no cycles, and it would walk them all again and again.

    On a graph of 100,000 nodes it takes half of the time.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


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
            "llvm": lambda: lower_to_llvm(self.loops(), vector_bytes()),
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
    from diffc.runtime.machine import host

    return max((size for name, size in VECTOR_BYTES.items() if name in host().features), default=16)


def compile_graph(
    graph: Graph,
    options: Options | None = None,
    *,
    cache: bool = True,
    captured: Mapping[str, Any] | None = None,
) -> Kernel:
    """Return the kernel of a graph, from the cache where it is there; see `Compilation`.

    Raises:
        DiffcError: for an option that means nothing, or an input whose symbols no shape gives.
    """
    return Compilation(graph, options or Options(), cache=cache, captured=captured).kernel()


class Compilation:
    """One graph on its way to a kernel, as far along as something asks for it.

    `captured` gives the arrays that the graph refers to: their elements have no part in the code or its key.
    Without an `entry` the kernel is one for other kernels, which no call from Python reaches fast. Outputs at
    the positions `streams` go past the caches, and must begin at multiples of a vector's width.
    """

    def __init__(
        self,
        graph: Graph,
        options: Options,
        *,
        cache: bool = True,
        captured: Mapping[str, Any] | None = None,
        entry: bool = True,
        streams: Sequence[int] = (),
        stages: Stages | None = None,
    ) -> None:
        """Look into the cache; nothing else happens yet. `stages` are those of another one, to go on from."""
        from diffc.runtime import Cache, key_of

        self.stages = stages or Stages(graph, options)
        self._graph = graph
        self._options = options
        self._captured = captured or {}
        self._entry = entry
        self._streams = tuple(streams)
        self._seconds: dict[str, float] = {}
        self._store = Cache() if cache and options.lowering == "llvm" else None
        form = {**asdict(options), "entry": entry, "streams": self._streams}
        self._key = "" if self._store is None else key_of(graph.digest, form)
        self._found = None if self._store is None else self._store.get(self._key)

    def outline(self) -> Program:
        """Return the program with all that is known before code is generated.

        Where the cache has no code, `object_code` is empty, and the signature names no routines that the code
        calls. `stats["seconds"]` grows with the stages that follow.
        """
        return self._bound(self._found or self._scheduled)

    def kernel(self) -> Kernel:
        """Return the kernel, compiled now unless the cache has it."""
        from diffc.runtime import Kernel

        if self._options.lowering == "source":
            from diffc.runtime.interpreted import launch_source

            return Kernel(self.outline(), launch_source(self.stages["source"]))
        if self._found is None:
            with without_collector():
                self._found = self._generated(self._scheduled)
            if self._store is not None:
                self._store.put(self._key, self._found)
        return Kernel(self._bound(self._found))

    def form(self, streams: Sequence[int]) -> Kernel:
        """Return the kernel whose outputs at some positions go past the caches; for none of them, its own."""
        if not streams:
            return self.kernel()
        cache, captured = self._store is not None, self._captured
        return Compilation(
            self._graph,
            self._options,
            cache=cache,
            captured=captured,
            entry=False,
            streams=streams,
            stages=self.stages,
        ).kernel()

    @cached_property
    def _scheduled(self) -> Program:
        from diffc.runtime import Program

        with without_collector():
            with _Timer(self._seconds, "optimize"):
                self.stages.optimized()
            with _Timer(self._seconds, "schedule"):
                loops = self.stages.loops()
            signature = _signature(self._graph, loops, self._options)
            stats = {**statistics(loops), "seconds": self._seconds}
            return Program(signature, b"", _constants(loops), {}, stats)

    def _generated(self, program: Program) -> Program:
        from diffc.runtime.externals import called_routines
        from diffc.runtime.machine import compile_text

        with _Timer(self._seconds, "lower"):
            streams, stages = self._streams, self.stages
            text = lower_to_llvm(stages.loops(), vector_bytes(), streams) if streams else stages["llvm"]
            signature = replace(program.signature, externals=called_routines(text))
            types = [each.type for each in signature.inputs], [each.type for each in signature.outputs]
            fits = self._entry and len(types[0]) + len(types[1]) <= MAX_ENTRY
            constants = len(self.stages.loops().constants)
            layout = (signature.tree, signature.bindings, signature.workspace, constants)
            entry = emit_entry(*types, *layout) if fits else ""
        with _Timer(self._seconds, "compile"):
            code = compile_text(text + "\n" + entry)
        return replace(program, signature=signature, object_code=code)

    def _bound(self, program: Program) -> Program:
        """Return a program with its stages, and the captured arrays behind its own constants."""
        arrays: list[np.ndarray[Any, Any]] = []
        for parameter in program.signature.captured:
            array = self._captured.get(parameter.name)
            kind = parameter.type
            if array is None or (DTYPES[kind.dtype], kind.shape) != (array.dtype, array.shape):
                raise DiffcError(
                    f"{program.signature.name} refers to the array {parameter.name}: {kind}, which is not "
                    "given: compile the Function, which holds it, not its graph"
                )
            arrays.append(array)
        return replace(program, constants=(*program.constants, *arrays), stages=self.stages)


def proof_stages(math: Literal["precise", "fast"] = "precise") -> dict[str, Any]:
    """Return the compiler's own stages, as the arguments that `diffc.proof.verify_graph` takes by name."""
    from diffc.optimize import ALL

    options = Options(math, derived=True)

    def optimizer(graph: Graph, stage: str) -> tuple[Graph, Any]:
        log: list[Any] = []
        if stage == "before":
            return optimized_before(graph, math, log), log
        return optimized(graph, math, log, derived=True), log

    def kernel(graph: Graph) -> Callable[..., Any]:
        run = compile_graph(graph, options)
        return lambda *arguments: run(*[np.asarray(each) for each in arguments])

    return {"optimizer": optimizer, "rules": ALL, "kernel": kernel}


def _signature(graph: Graph, loops: Loops, options: Options) -> Signature:
    from diffc.runtime import Parameter, Signature

    return Signature(
        graph.name,
        tuple(Parameter(buffer.name, buffer.type) for buffer in loops.inputs),
        tuple(Parameter(buffer.name, buffer.type) for buffer in loops.outputs),
        graph.tree,
        graph.symbols,
        loops.workspace,
        tuple(loops.checks),
        math=options.math,
        lowering=options.lowering,
        captured=tuple(Parameter(node.attrs["name"], node.type) for node in _leaves(loops, captured_op)),
    )


def _leaves(loops: Loops, op: Leaf) -> list[Node]:
    """Return the nodes behind the constant buffers that are of one operation."""
    return [buffer.node for buffer in loops.constants if buffer.node is not None and buffer.node.op is op]


def _constants(loops: Loops) -> tuple[np.ndarray[Any, Any], ...]:
    return tuple(np.array(const.reference(node.attrs)) for node in _leaves(loops, const))


class _Timer:
    """Adds the time spent in a `with` block to a table."""

    def __init__(self, table: dict[str, float], name: str) -> None:
        self._table, self._name, self._start = table, name, 0.0

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(self, *_: object) -> None:
        spent = self._table.get(self._name, 0.0) + perf_counter() - self._start
        self._table[self._name] = round(spent, 6)
