"""One graph on its way to a kernel: what the cache has, or what is generated now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from diffc import tuning
from diffc.abi.signature import NamedType, Signature
from diffc.compiler.derivation import without_collector
from diffc.compiler.options import Options
from diffc.compiler.stages import Stages
from diffc.errors import DiffcError
from diffc.ir import Graph, Node
from diffc.ir.lazy import lazy
from diffc.ops.base import Leaf
from diffc.ops.captured import Captured, captured_op, read_captured
from diffc.ops.constant import const

if TYPE_CHECKING:
    from diffc.loops.form import Loops
    from diffc.runtime import CompiledProgram, Kernel

__all__ = ["Compilation", "compile_graph"]


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
    the positions `non_temporal` are written by non-temporal stores, and must begin at multiples of a vector's
    width.
    """

    def __init__(
        self,
        graph: Graph,
        options: Options,
        *,
        cache: bool = True,
        captured: Mapping[str, Any] | None = None,
        entry: bool = True,
        non_temporal: Sequence[int] = (),
        stages: Stages | None = None,
    ) -> None:
        """Look into the cache; nothing else happens yet. `stages` are those of another one, to go on from."""
        from diffc.runtime import Cache, key_of

        self.stages = stages or Stages(graph, options)
        self._graph = graph
        self._options = options
        self._captured = Captured(captured)
        self._entry = entry
        self._non_temporal = tuple(non_temporal)
        self._seconds: dict[str, float] = {}
        self._store = Cache() if cache and options.lowering == "llvm" else None
        variant = {**asdict(options), "entry": entry, "non_temporal": self._non_temporal}
        self._key = "" if self._store is None else key_of(graph.digest, variant)
        self._found = None if self._store is None else self._store.get(self._key)

    def outline(self) -> CompiledProgram:
        """Return the program with all that is known before code is generated.

        Where the cache has no code, `object_code` is empty, and the signature names no routines that the code
        calls. `stats["seconds"]` grows with the stages that follow.
        """
        return self._bound(self._found or self._scheduled)

    def kernel(self) -> Kernel:
        """Return the kernel, compiled now unless the cache has it."""
        from diffc.runtime import Kernel

        if self._options.lowering == "source":
            from diffc.runtime.code.interpreted import launch_source

            return Kernel(self.outline(), launch_source(self.stages["source"]))
        if self._found is None:
            with without_collector():
                self._found = self._generated(self._scheduled)
            if self._store is not None:
                self._store.put(self._key, self._found)
        return Kernel(self._bound(self._found))

    def variant(self, non_temporal: Sequence[int]) -> Kernel:
        """Return the kernel with non-temporal stores to the outputs at some positions; for none, its own."""
        if not non_temporal:
            return self.kernel()
        cache, captured = self._store is not None, self._captured
        return Compilation(
            self._graph,
            self._options,
            cache=cache,
            captured=captured,
            entry=False,
            non_temporal=non_temporal,
            stages=self.stages,
        ).kernel()

    @lazy
    def _scheduled(self) -> CompiledProgram:
        from diffc.loops.statistics import statistics
        from diffc.runtime import CompiledProgram

        with without_collector():
            with _Timer(self._seconds, "optimize"):
                self.stages.optimized()
            with _Timer(self._seconds, "schedule"):
                loops = self.stages.planned()
            signature = _signature(self._graph, loops, self._options)
            stats = {**statistics(loops), "seconds": self._seconds, "passes": dict(self.stages.seconds)}
            return CompiledProgram(signature, b"", _constants(loops), {}, stats)

    def _generated(self, program: CompiledProgram) -> CompiledProgram:
        from diffc.abi.entry import emit_entry
        from diffc.runtime.code.externals import called_routines
        from diffc.runtime.code.machine import compile_text

        with _Timer(self._seconds, "lower"):
            stages = self.stages
            text = stages.llvm(self._non_temporal) if self._non_temporal else stages["llvm"]
            signature = replace(program.signature, externals=called_routines(text))
            types = [each.type for each in signature.inputs], [each.type for each in signature.outputs]
            fits = self._entry and len(types[0]) + len(types[1]) <= tuning.MAX_ENTRY
            captured = [each.type for each in signature.captured]
            constants = len(stages.planned().constants) - len(captured)
            layout = (signature.tree, signature.bindings, signature.workspace, constants, captured)
            entry = emit_entry(*types, *layout) if fits else ""
        with _Timer(self._seconds, "compile"):
            code = compile_text(text + "\n" + entry)
        stats = {**program.stats, "passes": dict(stages.seconds)}
        return replace(program, signature=signature, object_code=code, stats=stats)

    def _bound(self, program: CompiledProgram) -> CompiledProgram:
        """Return a program with its stages and what it captures."""
        for each in program.signature.captured:
            if each.name not in self._captured:
                raise DiffcError(
                    f"{program.signature.name} refers to the array {each.name}: {each.type}, which is not "
                    "given: compile the Function, which holds it, not its graph"
                )
            read_captured(each.name, each.type, self._captured[each.name])
        return replace(program, captured=self._captured, stages=self.stages)


def _signature(graph: Graph, loops: Loops, options: Options) -> Signature:
    return Signature(
        graph.name,
        tuple(NamedType(buffer.name, buffer.type) for buffer in loops.inputs),
        tuple(NamedType(buffer.name, buffer.type) for buffer in loops.outputs),
        graph.tree,
        graph.symbols,
        loops.workspace,
        tuple(loops.checks),
        math=options.math,
        lowering=options.lowering,
        captured=tuple(NamedType(node.attrs["name"], node.type) for node in _leaves(loops, captured_op)),
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
