"""The passes of the optimiser, and the order in which they run.

Before differentiation a program is simplified and brought to stable forms, so that what is simplified
is differentiated once and what is stable has stable derivatives. After it the derivatives are cleaned up,
powers become products, and rewrites that change a derivative at an edge are free to run. Last of all what
is left of constant expressions is rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from diffc.ir import Graph
from diffc.optimize.driver import Log, rewrite
from diffc.optimize.evaluation import round_constants
from diffc.optimize.padding import join_pads
from diffc.optimize.rewrite import Rewrite
from diffc.optimize.rules import ABSORB, ALGEBRA, DERIVATIVE, POWERS, SPECTRA, STABLE
from diffc.optimize.scalar_replacement import scalar_replacement

__all__ = [
    "AFTER", "BEFORE", "LAST", "Math", "Pass", "absorb_signs", "expand_powers", "optimize",
    "reduce_derivatives", "simplify", "spectral_functions", "stabilize",
]  # fmt: skip

Math: TypeAlias = Literal["precise", "fast"]
Pass: TypeAlias = "Callable[[Graph, str, Math, Log | None], Graph]"
"""A pass takes a graph, the stage ("before" or "after"), the mode, and a log to write to."""


def simplify(graph: Graph, stage: str = "before", math: Math = "precise", log: Log | None = None) -> Graph:
    """Return the graph with constants folded, signs and factors in order, and rearrangements merged."""
    return rewrite(graph, _active(ALGEBRA, stage, math), log)


def stabilize(graph: Graph, stage: str = "before", math: Math = "precise", log: Log | None = None) -> Graph:
    """Return the graph with log(sum(exp)), 1/(1 + exp), ... in their stable forms."""
    return rewrite(graph, _active(STABLE, stage, math), log)


def spectral_functions(
    graph: Graph, stage: str = "before", math: Math = "precise", log: Log | None = None
) -> Graph:
    """Return the graph with functions of symmetric matrices instead of products of their eigenvectors."""
    if not any(node.is_op("eigh", "eigvalsh") for node in graph.nodes):
        return graph
    return rewrite(graph, _active(SPECTRA, stage, math), log)


def reduce_derivatives(
    graph: Graph, stage: str = "after", math: Math = "precise", log: Log | None = None
) -> Graph:
    """Return the graph with derivatives as a textbook has them: cross-entropies as s - y."""
    return rewrite(graph, _active(DERIVATIVE, stage, math), log)


def expand_powers(
    graph: Graph, stage: str = "after", math: Math = "precise", log: Log | None = None
) -> Graph:
    """Return the graph with small integer powers as products of squares."""
    return rewrite(graph, _active(POWERS, stage, math), log)


def absorb_signs(graph: Graph, stage: str = "after", math: Math = "precise", log: Log | None = None) -> Graph:
    """Return the graph with negated multiples, -(c*x), as multiples by the negative constant."""
    return rewrite(graph, _active(ABSORB, stage, math), log)


def _active(rewrites: tuple[Rewrite, ...], stage: str, math: str) -> tuple[Rewrite, ...]:
    return tuple(each for each in rewrites if each.active(stage, math))


BEFORE: tuple[Pass, ...] = (scalar_replacement, simplify, stabilize, spectral_functions)
"""What runs before differentiation."""

AFTER: tuple[Pass, ...] = (reduce_derivatives, join_pads, expand_powers, absorb_signs)
"""What runs after differentiation."""

LAST: tuple[Pass, ...] = (round_constants,)
"""What ends the stage "after": the only rounding of constants, which proofs look at on its own."""


def optimize(
    graph: Graph,
    *,
    stage: Literal["before", "after"],
    math: Math = "precise",
    log: Log | None = None,
    exact: bool = False,
) -> Graph:
    """Return the graph after the passes of a stage.

    Args:
        graph: any graph; inputs that nothing uses stay.
        stage: "before" or "after" differentiation.
        math: "fast" also allows what holds for real numbers only.
        log: receives (name of the rewrite, node before, node after) for each rewrite.
        exact: whether constant expressions stay as they are, after differentiation too.
    """
    for each in BEFORE if stage == "before" else AFTER if exact else (*AFTER, *LAST):
        graph = each(graph, stage, math, log)
    return graph
