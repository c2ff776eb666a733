"""All checks of one program, gathered into a certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

from diffc.autodiff.selection import Wrt, every_float, select_inputs
from diffc.autodiff.transforms import grad, hessian, jacobian
from diffc.errors import DiffcError
from diffc.ir import Graph, Node, check, topological
from diffc.proof.certificate import Certificate, Check, Verdict
from diffc.proof.constants import check_constants
from diffc.proof.kernels import Measured, check_kernels, free
from diffc.proof.op_proofs import prove_op
from diffc.proof.orders import check_orders
from diffc.proof.rewrites import Log, Named, check_rewrites
from diffc.proof.whole import check_whole, is_small

__all__ = ["Compiler", "Kernels", "Optimizer", "verify_graph"]

Optimizer: TypeAlias = "Callable[[Graph, Literal['before', 'after', 'last']], tuple[Graph, Log]]"
"""Takes a graph and a stage; returns the graph and what was done.

The stages are "before" and "after" differentiation, which round nothing, and "last", where constant
expressions are rounded.
"""

Compiler: TypeAlias = "Callable[[Graph], Callable[..., Any]]"
"""Takes a graph and returns what runs it, with the outputs in the graph's structure."""

Kernels: TypeAlias = "Callable[[Sequence[str], Wrt], Sequence[Measured]]"
"""Takes the names of derivatives, "value" among them, and what they are by; returns those that users run."""

MAX_ORDER = 4
_PROVED: dict[str, Verdict] = {"proved": "proved", "refuted": "failed", "unknown": "unknown"}


def verify_graph(
    graph: Graph,
    wrt: Wrt | None = None,
    order: int = 2,
    *,
    kernel: Compiler | None = None,
    kernels: Kernels | None = None,
    captured: Mapping[str, Any] | None = None,
    optimizer: Optimizer | None = None,
    rules: Iterable[Named] = (),
    samples: int = 3,
    seed: int = 0,
) -> Certificate:
    """Return the certificate of a program's derivatives.

    Args:
        graph: the function.
        wrt: inputs by name or position; all floats when not given.
        order: up to which order the derivatives are checked, at most 4; 0 checks the value alone.
        kernel: compiles a graph; the value, gradient and Hessian are then compared with long arithmetic.
        kernels: gives the kernels that are compared instead: those that users run.
        captured: the arrays that the graph refers to; to proofs they are inputs.
        optimizer: optimises a graph and says what it did; every rewrite is then checked.
        rules: the rules that the optimiser's log cites.
        samples: the number of points for each comparison on numbers.
        seed: of everything that is drawn.

    Raises:
        DiffcError: for inputs that cannot be differentiated by, or an order out of range.
    """
    if isinstance(order, bool) or not 0 <= order <= MAX_ORDER:
        raise DiffcError(f"verify: the order is an integer from 0 to {MAX_ORDER}, not {order!r}")
    wanted = every_float(graph) if wrt is None else wrt
    chosen, _ = select_inputs(graph, wanted)
    if not any(output.type.is_float for output in graph.outputs):
        raise DiffcError(f"{graph.name} has no output that is f64 or f32: there is no derivative to verify")
    checks: list[Check] = []
    rounded: list[tuple[Node, Node]] = []
    kept = list(rules)
    liberated = free(graph, captured)
    graph = liberated.graph
    before = check(graph)
    if optimizer is not None:
        before, log = optimizer(graph, "before")
        checks += check_rewrites(log, kept, seed=seed)
    equations, used = check_orders(before, chosen, order, seed, liberated.elements)
    checks = [*_operations(used | set(topological(graph.outputs))), *equations, *checks]
    proved = dict(_derivatives(before, chosen, order))
    after: list[tuple[str, Graph]] = []
    for name, derived in proved.items():
        if optimizer is not None:
            derived, log = optimizer(derived, "after")
            checks += check_rewrites(log, kept, seed=seed)
            rounded += [(expression, number) for _, expression, number in optimizer(derived, "last")[1]]
        after.append((name, derived))
    checks += check_constants(rounded)
    if _is_scalar(graph) and is_small(graph) and all(node.rank == 0 for node in chosen):
        checks += check_whole(graph, [pair for pair in after if pair[0] != "value"], chosen)
    measured = [] if kernels is None else kernels(list(proved), wanted)
    if kernel is not None and kernels is None:
        pairs = zip(_derivatives(graph, chosen, order), proved.values(), strict=True)
        measured = [Measured(name, plain, made, partial(kernel, made)) for (name, plain), made in pairs]
    checks += check_kernels(measured, captured or {}, proved, samples, seed)
    return Certificate(graph.name, tuple(checks), order)


def _operations(nodes: Iterable[Node]) -> list[Check]:
    """Return a check for each operation that takes part."""
    found = {node.op.name: node.op for node in nodes if node.inputs}
    proofs = [prove_op(op) for _, op in sorted(found.items())]
    return [Check("operation", p.op, _PROVED[p.verdict], p.basis, p.detail) for p in proofs]


def _is_scalar(graph: Graph) -> bool:
    return len(graph.outputs) == 1 and graph.outputs[0].rank == 0 and graph.outputs[0].type.is_float


def _derivatives(graph: Graph, wrt: Sequence[Node], order: int) -> list[tuple[str, Graph]]:
    """Return the value, and the derivatives that users are handed for it, by name."""
    names = [node.attrs["name"] for node in wrt]
    found = [("value", graph)]
    if order and _is_scalar(graph):
        found.append(("gradient", grad(graph, names)))
        if order > 1:
            found.append(("hessian", hessian(graph, names)))
    elif order and all(output.type.is_float for output in graph.outputs):
        found.append(("jacobian", jacobian(graph, names)))
    return found
