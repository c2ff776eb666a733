"""All checks of one program, gathered into a certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

from diffc.autodiff.selection import Wrt, select_inputs
from diffc.autodiff.transforms import grad, hessian, jacobian
from diffc.errors import DiffcError
from diffc.ir import Graph, Node, check, evaluate_extent, size_of, topological
from diffc.ops import Op
from diffc.proof.budget import Progress, attempt, limited
from diffc.proof.certificate import Certificate, Check, Verdict
from diffc.proof.numeric import check_kernel
from diffc.proof.op_proofs import prove_op
from diffc.proof.orders import check_orders
from diffc.proof.rewrites import Log, Named, check_rewrites
from diffc.proof.whole import check_whole, is_small

__all__ = ["Compiler", "Optimizer", "verify_graph"]

Optimizer: TypeAlias = "Callable[[Graph, Literal['before', 'after']], tuple[Graph, Log]]"
"""Takes a graph and a stage, before or after differentiation; returns the graph and what was done."""

Compiler: TypeAlias = "Callable[[Graph], Callable[..., Any]]"
"""Takes a graph and returns what runs it, with the outputs in the graph's structure."""

MAX_ORDER = 4
MAX_ELEMENTS = 40_000
"""The largest number of elements in a derivative for which a kernel is made."""

_PROVED: dict[str, Verdict] = {"proved": "proved", "refuted": "failed", "unknown": "unknown"}


def verify_graph(
    graph: Graph,
    wrt: Wrt | None = None,
    order: int = 2,
    *,
    kernel: Compiler | None = None,
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
        checks = _checks(graph, wrt, order, (kernel, optimizer, rules), (samples, seed))
    return Certificate(graph.name, tuple(checks), order)


def _checks(
    graph: Graph,
    wrt: Wrt | None,
    order: int,
    stages: tuple[Compiler | None, Optimizer | None, Iterable[Named]],
    drawn: tuple[int, int],
) -> list[Check]:
    (kernel, optimizer, rules), (samples, seed) = stages, drawn
    if isinstance(order, bool) or not 0 <= order <= MAX_ORDER:
        raise DiffcError(f"verify: the order is an integer from 0 to {MAX_ORDER}, not {order!r}")
    wanted = wrt if wrt is not None else [k for k, node in enumerate(graph.inputs) if node.type.is_float]
    chosen, _ = select_inputs(graph, wanted)
    if not any(output.type.is_float for output in graph.outputs):
        raise DiffcError(f"{graph.name} has no output that is f64 or f32: there is no derivative to verify")
    checks: list[Check] = []
    kept = list(rules)
    before = check(graph)
    if optimizer is not None:
        before, log = optimizer(graph, "before")
        checks += check_rewrites(log, kept, seed=seed)
    equations, used = check_orders(before, chosen, order, seed)
    checks = [*_operations(used | set(topological(graph.outputs))), *equations, *checks]
    after: list[tuple[str, Graph]] = []
    for name, derived in _derivatives(before, chosen, order):
        if optimizer is not None:
            derived, log = optimizer(derived, "after")
            checks += check_rewrites(log, kept, seed=seed)
        after.append((name, derived))
    if _is_scalar(graph) and is_small(graph) and all(node.rank == 0 for node in chosen):
        checks += check_whole(graph, [pair for pair in after if pair[0] != "value"], chosen)
    if kernel is not None:
        checks += _kernels(graph, (chosen, order), before, (kernel, samples, seed))
    return checks


def _operations(nodes: Iterable[Node]) -> list[Check]:
    """Return a check for each operation that takes part."""
    found = {node.op.name: node.op for node in nodes if node.inputs}
    return [attempt("operation", name, partial(_operation, op)) for name, op in sorted(found.items())]


def _operation(op: Op) -> Check:
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


def _kernels(
    graph: Graph, what: tuple[Sequence[Node], int], before: Graph, how: tuple[Compiler, int, int]
) -> list[Check]:
    """Return checks of the kernels that are made from `before` against the graphs of the user's own."""
    compile_, samples, seed = how
    checks: list[Check] = []
    pairs = zip(_derivatives(graph, *what), _derivatives(before, *what), strict=True)
    for (name, plain), (_, derived) in pairs:
        symbols = dict.fromkeys(graph.symbols, 3)
        total = sum(evaluate_extent(size_of(output.shape), symbols) for output in plain.outputs)
        kind = f"kernel, {name}"
        if total > MAX_ELEMENTS:
            checks.append(Check(kind, graph.name, "skipped", f"it has {total} elements"))
            continue

        def measured(kind: str = kind, plain: Graph = plain, derived: Graph = derived) -> Check:
            try:
                return check_kernel(plain, compile_(derived), samples=samples, seed=seed, kind=kind)[0]
            except DiffcError as error:
                return Check(kind, graph.name, "failed", "it could not be compiled and run", str(error))

        checks.append(attempt(kind, graph.name, measured))
    return checks
