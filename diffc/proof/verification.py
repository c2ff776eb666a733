"""All checks of one program, gathered into a certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from diffc.autodiff.selection import Wrt, every_float, select_inputs
from diffc.autodiff.transforms import grad, hessian, jacobian
from diffc.errors import DiffcError
from diffc.ir import Graph, Node, Operation, check, topological
from diffc.proof.budget import Progress, attempt, limited
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
    budget_s: float | None = None,
    progress: Progress | None = None,
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
        budget_s: after so many seconds no further check is begun and a long one is ended, see `budget`;
            what was not reached is listed, and the verdict is "undecided". None, the default, sets no
            bound, so that a verdict does not depend on the machine.
        progress: is told of every check, see `Progress`.

    Raises:
        DiffcError: for inputs that cannot be differentiated by, an order or a budget out of range.
    """
    with limited(budget_s, progress):
        made = _Made(kernel, kernels, captured or {}, optimizer, tuple(rules))
        checks = _checks(graph, wrt, order, made, (samples, seed))
    return Certificate(graph.name, tuple(checks), order)


@dataclass(frozen=True)
class _Made:
    """What was made of the program, see `verify_graph`."""

    kernel: Compiler | None
    kernels: Kernels | None
    captured: Mapping[str, Any]
    optimizer: Optimizer | None
    rules: Sequence[Named]


def _checks(graph: Graph, wrt: Wrt | None, order: int, made: _Made, drawn: tuple[int, int]) -> list[Check]:
    (samples, seed), optimizer, kept = drawn, made.optimizer, made.rules
    if isinstance(order, bool) or not 0 <= order <= MAX_ORDER:
        raise DiffcError(f"verify: the order is an integer from 0 to {MAX_ORDER}, not {order!r}")
    wanted = every_float(graph) if wrt is None else wrt
    chosen, _ = select_inputs(graph, wanted)
    if not any(output.type.is_float for output in graph.outputs):
        raise DiffcError(f"{graph.name} has no output that is f64 or f32: there is no derivative to verify")
    checks: list[Check] = []
    rounded: list[tuple[Node, Node]] = []
    liberated = free(graph, made.captured)
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
    measured = [] if made.kernels is None else made.kernels(list(proved), wanted)
    if made.kernel is not None and made.kernels is None:
        pairs = zip(_derivatives(graph, chosen, order), proved.values(), strict=True)
        measured = [Measured(n, plain, each, partial(made.kernel, each)) for (n, plain), each in pairs]
    return [*checks, *check_kernels(measured, made.captured, proved, samples, seed)]


def _operations(nodes: Iterable[Node]) -> list[Check]:
    """Return a check for each operation that takes part."""
    found = {node.op.name: node.op for node in nodes if node.inputs}
    ops = sorted(found.items())
    return [attempt("operation", name, partial(_operation, op), algebra=True) for name, op in ops]


def _operation(op: Operation) -> Check:
    proof = prove_op(op)
    return Check("operation", proof.op, _PROVED[proof.verdict], proof.basis, proof.detail)


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
