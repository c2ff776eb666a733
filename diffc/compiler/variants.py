"""Which code a kernel runs: plain, with non-temporal stores of results, or in blocks along one axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from diffc import tuning
from diffc.autodiff.selection import fresh_name
from diffc.compiler import Compilation, Options
from diffc.errors import DiffcError
from diffc.ir import Extent, Graph, substitute
from diffc.ir.dtype import ITEM_SIZE
from diffc.ir.plan import BlockPlan
from diffc.ops import input_node
from diffc.ops.captured import captured_arrays
from diffc.runtime.calls.variants import Variants
from diffc.runtime.once import Once

if TYPE_CHECKING:
    from diffc.runtime import Kernel, NamedType
    from diffc.runtime.blocks.runner import Cut

__all__ = ["compile_kernel"]


def compile_kernel(
    graph: Graph,
    options: Options,
    parallel: int | bool = False,
    *,
    cache: bool = True,
    captured: Mapping[str, Any] | None = None,
) -> Kernel:
    """Return the kernel of a graph: plain, in blocks, or one that chooses by the shapes of a call.

    A call runs in blocks if an axis of an input can be cut, there is work for several blocks, and `parallel`
    asks for it, or a workspace larger than the caches of which blocks need no more than half. Results that
    are large beside the caches, in memory that the caller gives, take non-temporal stores. What known shapes
    decide is decided here. Code is made when it is first needed, but for the plain code that serves small
    calls without `parallel`. Unless a symbolic workspace decides, `stages["blocks"]` shows the plan,
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
    outline = making.outline()  # finds what is wrong with the program, too
    signature = outline.signature
    workspace = signature.workspace
    variants = Variants(outline, making.variant, _arrays(signature.outputs), tuning.LARGE_RESULTS)
    steps = partial(_step_variants, options=options, cache=cache)

    def cut() -> Cut | None:
        spared = workspace if parallel is False else None
        return _cut(making.stages.optimized(), steps, threads, spared)

    if parallel is not False or (isinstance(workspace, int) and workspace > tuning.LARGE_WORKSPACE):
        return _by_work(making, variants, cut(), threads)
    return _by_memory(variants, Once(cut))


def _arrays(outputs: Sequence[NamedType]) -> list[int]:
    """Return the positions of the outputs that are no numbers."""
    return [position for position, each in enumerate(outputs) if each.type.rank]


def _threads(parallel: object) -> int:
    from diffc.runtime.blocks.steps import cores

    number = cores() if parallel is True else parallel
    if type(number) is not int or number < 1:
        raise DiffcError(f"parallel is True, False or a number of threads from 1, not {parallel!r:.60}")
    return number


def _by_memory(variants: Variants, cut: Once[Cut | None] | None) -> Kernel:
    """Return the kernel whose plain code serves every call but those with much memory to work in or write."""
    from diffc.runtime.calls.adaptive import AdaptiveKernel

    signature = variants.outline.signature
    results = sum((each.type.size * ITEM_SIZE[each.type.dtype] for each in signature.outputs), start=0)
    if isinstance(signature.workspace, int) and isinstance(results, int) and results <= tuning.LARGE_RESULTS:
        return variants.plain()
    return AdaptiveKernel(variants.plain().program, variants, cut, tuning.LARGE_WORKSPACE)


def _by_work(making: Compilation, variants: Variants, cut: Cut | None, threads: int) -> Kernel:
    """Return the kernel that runs in blocks wherever there is work for them."""
    from diffc.blocks import print_plan
    from diffc.runtime.calls.adaptive import AdaptiveKernel

    outline = variants.outline
    if cut is None or not (outline.signature.symbols or cut.is_worth({})):
        return _by_memory(variants, None)
    plan = cut.plan
    making.stages.add("blocks", lambda: print_plan(plan))
    facts = {"extent": str(plan.extent), "steps": len(plan.steps), "threads": threads}
    program = replace(outline, stats={**outline.stats, "blocks": facts})
    return AdaptiveKernel(program, variants, Once(lambda: cut))


def _cut(
    graph: Graph,
    variants: Callable[[BlockPlan], Sequence[Variants]],
    threads: int,
    workspace: Extent | None,
) -> Cut | None:
    """Return an optimised graph cut into blocks; None where there is no axis along which that pays.

    Its plan takes the captured arrays behind the graph's inputs.
    """
    from diffc.blocks import plan_blocks
    from diffc.runtime.blocks.runner import Cut
    from diffc.schedule import expand

    plan = plan_blocks(expand(_with_inputs(graph)))
    return None if plan is None else Cut(plan, variants(plan), threads, workspace)


def _step_variants(plan: BlockPlan, options: Options, cache: bool) -> list[Variants]:
    """Return the code of each step. What later steps read stays in the caches."""
    found: list[Variants] = []
    for step in plan.steps:
        making = Compilation(step.graph, options, cache=cache, entry=False)
        results = [
            position
            for position, write in enumerate(step.writes)
            if write.name in plan.outputs and write.type.rank and not write.combine
        ]
        found.append(Variants(making.outline(), making.variant, results, tuning.LARGE_RESULTS))
    return found


def _with_inputs(graph: Graph) -> Graph:
    """Return the graph with its captured arrays as inputs behind its own, so that they can be cut, too."""
    nodes = {
        node: input_node(fresh_name(name, graph.input_names), node.type)
        for name, node in captured_arrays(graph).items()
    }
    outputs = substitute(graph.outputs, nodes)
    return replace(graph, inputs=(*graph.inputs, *nodes.values()), outputs=tuple(outputs))
