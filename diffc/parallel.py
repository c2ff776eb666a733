"""Kernels that run in blocks: a program cut along one axis, one kernel for each step of its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from diffc.autodiff.selection import fresh_name
from diffc.errors import DiffcError
from diffc.ir import Extent, Graph, substitute
from diffc.ir.plan import Plan
from diffc.lower.entry import LARGE_WORKSPACE
from diffc.ops import input_node
from diffc.ops.captured import captured_arrays
from diffc.pipeline import Compilation, Options
from diffc.runtime.once import Once
from diffc.schedule import expand

if TYPE_CHECKING:
    from diffc.runtime import Kernel
    from diffc.runtime.blocks import Cut

__all__ = ["compile_kernel"]


def compile_kernel(
    graph: Graph,
    options: Options,
    parallel: int | bool = False,
    *,
    cache: bool = True,
    captured: Mapping[str, Any] | None = None,
) -> Kernel:
    """Return the kernel of a graph: plain, in blocks, or one that takes either way by the shapes of a call.

    A call runs in blocks if an axis of an input can be cut, there is work for several blocks, and `parallel`
    asks for it, or a workspace larger than the caches of which blocks need no more than half. What the shapes
    decide is decided here. Code is generated when it is first needed, but for the plain code that serves
    small calls without `parallel`. Unless a symbolic workspace decides, `stages["blocks"]` shows the plan,
    `stats["blocks"]` the extent that is cut, the number of steps and of threads.

    Args:
        graph: the graph.
        options: how it is compiled.
        parallel: how many threads there are at most; True for as many as the process has CPUs.
        cache: whether the code is looked for in the cache on disk and left there.
        captured: the arrays that the graph refers to.
    """
    if parallel is not False and options.lowering != "llvm":
        raise DiffcError("parallel kernels run machine code: leave lowering='llvm'")
    threads = 1 if parallel is False else _threads(parallel)
    making = Compilation(graph, options, cache=cache, captured=captured)
    if options.lowering != "llvm":
        return making.kernel()
    workspace = making.outline().signature.workspace  # finds what is wrong with the program, too
    kernels = partial(_step_kernels, options=options, cache=cache)

    def cut() -> Cut | None:
        spared = workspace if parallel is False else None
        return _cut(making.stages.optimized(), kernels, threads, spared, captured or {})

    if parallel is False:
        if not isinstance(workspace, int):
            return _kernel_by_workspace(making, Once(cut))
        if workspace <= LARGE_WORKSPACE:
            return making.kernel()
    return _kernel_by_work(making, cut(), threads)


def _threads(parallel: object) -> int:
    from diffc.runtime.block_steps import cores

    number = cores() if parallel is True else parallel
    if type(number) is not int or number < 1:
        raise DiffcError(f"parallel is True, False or a number of threads from 1, not {parallel!r:.60}")
    return number


def _kernel_by_workspace(making: Compilation, cut: Once[Cut | None]) -> Kernel:
    """Return the kernel whose plain code serves every call but one whose workspace is large."""
    from diffc.runtime.block_kernel import BlockKernel

    plain = making.kernel()
    return BlockKernel(plain.program, Once(lambda: plain), cut, LARGE_WORKSPACE)


def _kernel_by_work(making: Compilation, cut: Cut | None, threads: int) -> Kernel:
    """Return the kernel that runs in blocks wherever there is work for them."""
    from diffc.blocks import print_plan
    from diffc.runtime.block_kernel import BlockKernel

    outline = making.outline()
    if cut is None or not (outline.signature.symbols or cut.is_worth({})):
        return making.kernel()
    plan = cut.plan
    making.stages.add("blocks", lambda: print_plan(plan))
    facts = {"extent": str(plan.extent), "steps": len(plan.steps), "threads": threads}
    program = replace(outline, stats={**outline.stats, "blocks": facts})
    return BlockKernel(program, Once(making.kernel), Once(lambda: cut))


def _cut(
    graph: Graph,
    kernels: Callable[[Plan], Sequence[Kernel]],
    threads: int,
    workspace: Extent | None,
    captured: Mapping[str, Any],
) -> Cut | None:
    """Return an optimised graph cut into blocks; None where there is no axis along which that pays."""
    from diffc.blocks import plan_blocks
    from diffc.runtime.blocks import Cut

    plan = plan_blocks(expand(_with_inputs(graph)))
    if plan is None:
        return None
    count = len(graph.inputs)
    names = zip(plan.inputs[count:], captured_arrays(graph), strict=True)
    arrays = {place: captured[name] for place, name in names}
    plan = replace(plan, inputs=plan.inputs[:count], constants={**plan.constants, **arrays})
    return Cut(plan, Once(lambda: kernels(plan)), threads, workspace)


def _step_kernels(plan: Plan, options: Options, cache: bool) -> list[Kernel]:
    return [Compilation(step.graph, options, cache=cache, entry=False).kernel() for step in plan.steps]


def _with_inputs(graph: Graph) -> Graph:
    """Return the graph with its captured arrays as inputs behind its own, so that they can be cut, too."""
    nodes = {
        node: input_node(fresh_name(name, graph.input_names), node.type)
        for name, node in captured_arrays(graph).items()
    }
    outputs = substitute(graph.outputs, nodes)
    return replace(graph, inputs=(*graph.inputs, *nodes.values()), outputs=tuple(outputs))
