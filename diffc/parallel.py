"""Kernels on several threads: a program cut into blocks, one kernel for each step of its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from diffc.autodiff.selection import fresh_name
from diffc.blocks import plan_blocks, print_plan
from diffc.errors import DiffcError
from diffc.ir import Graph, substitute
from diffc.ops import input_node
from diffc.ops.captured import captured_arrays
from diffc.pipeline import Options, Stages, compile_graph
from diffc.schedule import expand

if TYPE_CHECKING:
    from diffc.runtime import Kernel

__all__ = ["compile_parallel"]


def compile_parallel(
    graph: Graph,
    options: Options,
    threads: int | bool,
    *,
    cache: bool = True,
    captured: Mapping[str, Any] | None = None,
    plain: Kernel | None = None,
) -> Kernel:
    """Return the kernel of a graph that runs on several threads where its arrays are large enough.

    It is the plain kernel where no axis of an input can be cut into blocks. `stages["blocks"]` shows the
    plan, `stats["blocks"]` the extent that is cut and the number of steps. `save` writes the plain kernel.

    Args:
        graph: the graph.
        options: how it is compiled.
        threads: how many threads there are at most; True for as many as the process has CPUs.
        cache: whether the code is looked for in the cache on disk and left there.
        captured: the arrays that the graph refers to.
        plain: the plain kernel, where it is compiled already.
    """
    from diffc.runtime import Kernel
    from diffc.runtime.blocks import cores, launch_plan

    if options.lowering != "llvm":
        raise DiffcError("parallel kernels run machine code: leave lowering='llvm'")
    number = cores() if threads is True else threads
    if type(number) is not int or number < 1:
        raise DiffcError(f"parallel is True, False or a number of threads from 1, not {threads!r:.60}")
    plain = plain or compile_graph(graph, options, cache=cache, captured=captured)
    optimized = Stages(graph, options).optimized()
    plan = plan_blocks(expand(_with_inputs(optimized)))
    if plan is None:
        return plain
    kernels = [compile_graph(step.graph, options, cache=cache) for step in plan.steps]
    facts = {"extent": str(plan.extent), "steps": len(plan.steps), "threads": number}
    program = replace(
        plain.program,
        stages={**plain.stages, "blocks": print_plan(plan)},
        stats={**plain.stats, "blocks": facts},
    )
    count = len(graph.inputs)
    names = zip(plan.inputs[count:], captured_arrays(optimized), strict=True)
    arrays = {place: (captured or {})[name] for place, name in names}
    plan = replace(plan, inputs=plan.inputs[:count], constants={**plan.constants, **arrays})
    return Kernel(program, launch_plan(plan, plain, kernels, number))


def _with_inputs(graph: Graph) -> Graph:
    """Return the graph with its captured arrays as inputs behind its own, so that they can be cut, too."""
    nodes = {
        node: input_node(fresh_name(name, graph.input_names), node.type)
        for name, node in captured_arrays(graph).items()
    }
    outputs = substitute(graph.outputs, nodes)
    return replace(graph, inputs=(*graph.inputs, *nodes.values()), outputs=tuple(outputs))
