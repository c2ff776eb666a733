"""A kernel against long arithmetic: how far its outputs are from the true ones, in units that mean something.

The error of an output is divided by the larger of one unit in its last place and the running bound of
`multiprecision`, which is what an evaluation in the same dtypes may lose where the program is sensitive.
A quotient of a few is as good as the dtype allows; a wrong formula gives quotients in the billions.
Where the program is too large for long arithmetic the NumPy reference stands in, and the check says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath
import numpy as np

from diffc.errors import DiffcError, InputError
from diffc.ir import Dim, Graph, Node, Tree, evaluate_extent
from diffc.ir.dtype import FORMATS
from diffc.ops import evaluate
from diffc.ops.base import DTYPES
from diffc.proof.arithmetic import Objects, resolve_with
from diffc.proof.budget import ask
from diffc.proof.certificate import Check
from diffc.proof.matrices import MATRIX_OPERATIONS
from diffc.proof.multiprecision import MULTIPRECISION, run_with_bounds

__all__ = [
    "MAX_WORK",
    "Array",
    "Deviation",
    "check_kernel",
    "deviations",
    "draw",
    "flatten",
    "true_values",
    "work_of",
]

Array: TypeAlias = "np.ndarray[Any, Any]"
Kernel: TypeAlias = Callable[..., Any]

LIMIT = 16.0
"""The largest quotient of error and unit that passes: operations may be right to a few units."""

MAX_WORK = 60_000
"""How many scalar operations are done in long arithmetic for one check."""

REFERENCE_UNITS = 1e7
"""How many units, relative to the largest element, kernel and NumPy reference may be apart: both round."""

_EXTENTS, _TRIES = (3, 19, 1), 18


@dataclass(frozen=True)
class Deviation:
    """The worst element of one output: its error in units, see the module's text, and in ulps."""

    output: str
    index: tuple[int, ...]
    quotient: float
    ulps: float
    got: float
    expected: str

    def __str__(self) -> str:
        place = f"{self.output}{list(self.index) if self.index else ''}"
        return (
            f"{place} is {self.got!r}, true value {self.expected}: {self.ulps:.3g} ulp, "
            f"{self.quotient:.3g} times what rounding explains"
        )


def check_kernel(
    graph: Graph,
    kernel: Kernel,
    *,
    samples: int = 3,
    seed: int = 0,
    kind: str = "kernel",
    fixed: Mapping[str, Array] | None = None,
) -> list[Check]:
    """Return the check of a kernel of a graph at drawn points.

    Args:
        graph: the program that the kernel computes.
        kernel: takes the graph's inputs and returns its outputs, in its structure.
        samples: at how many points; fewer for large programs.
        seed: of the points.
        kind: the check's kind.
        fixed: the values of inputs that are not drawn, by name.
    """
    # Symbols are few, and then so many that vectors are filled and something remains.
    sizes = [dict.fromkeys(graph.symbols, extent) for extent in (_EXTENTS if graph.symbols else _EXTENTS[:1])]
    works = [work_of(graph.nodes, symbols) for symbols in sizes]
    samples = max(min(2, len(sizes)), min(samples, MAX_WORK // max(works[0], 1)))
    worst, points = list[Deviation](), 0
    for attempt in range(samples * _TRIES):
        ask()
        turn = (attempt + attempt // 12) % len(sizes)
        symbols, exact = sizes[turn], works[turn] <= MAX_WORK
        arguments = draw(graph, symbols, np.random.default_rng([seed, attempt]), attempt, fixed)
        try:
            found = deviations(graph, kernel, arguments) if exact else _beside_numpy(graph, kernel, arguments)
        except InputError:
            continue
        if found is not None:
            worst += found
            points += 1
        if points == samples:
            break
    if not points:
        return [Check(kind, graph.name, "unknown", f"no point in the domain in {samples * _TRIES} draws")]
    basis = "mpmath, 50 digits"
    if works[0] > MAX_WORK:
        basis = "the NumPy reference in the same dtypes: too large for 50 digits"
    elif max(works) > MAX_WORK:
        basis += f"; the NumPy reference in the same dtypes where symbols are {_EXTENTS[1]}"
    largest = max(worst, key=lambda each: each.quotient, default=None)
    shown = f"{points} points, at most {0.0 if largest is None else largest.quotient:.2g} rounding units off"
    bad = [each for each in worst if not each.quotient <= LIMIT]
    if bad:
        return [Check(kind, graph.name, "failed", f"{basis}; {shown}", "\n".join(map(str, bad[:8])))]
    return [Check(kind, graph.name, "measured", f"{basis}; {shown}")]


def draw(
    graph: Graph,
    symbols: dict[str, int],
    rng: np.random.Generator,
    attempt: int,
    fixed: Mapping[str, Array] | None = None,
) -> list[Array]:
    """Return a value for each input: normal, or positive, or in the unit interval, in turn; or a fixed one.

    Where matrices are factored, square ones are positive definite in every fourth attempt. Later attempts
    reach ten times as far, again and again: some domains begin far from 0.
    """
    arguments: list[Array] = []
    factored = any(node.is_op(*MATRIX_OPERATIONS) for node in graph.nodes)
    kind = attempt % 4 if factored else attempt % 3
    for node in graph.inputs:
        shape = tuple(evaluate_extent(extent, symbols) for extent in node.shape)
        if fixed and node.attrs["name"] in fixed:
            value = fixed[node.attrs["name"]]
        elif node.dtype == "bool":
            value = rng.random(shape) < 0.5
        elif node.dtype == "i64":
            value = rng.integers(0, 3 if attempt % 2 == 0 else 1, shape)
        else:
            choices = (rng.normal(size=shape), rng.uniform(0.5, 2, shape), rng.uniform(0.05, 0.95, shape))
            value = (_definite(choices[0]) if kind == 3 else choices[kind]) * 10.0 ** (attempt // 12)
        arguments.append(np.asarray(value, DTYPES[node.dtype]))
    return arguments


def _definite(x: Array) -> Array:
    """Return x @ x.T + 1 for square matrices; other arrays as they are."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        return x
    return x @ x.swapaxes(-1, -2) + np.eye(x.shape[-1])


def deviations(graph: Graph, kernel: Kernel, arguments: Sequence[Any]) -> list[Deviation] | None:
    """Return the worst element of each output at a point; None where the true value is not finite."""
    inputs = [np.asarray(a, DTYPES[node.dtype]) for node, a in zip(graph.inputs, arguments, strict=True)]
    values, bounds = true_values(graph, inputs)
    expected = [values[node] for node in graph.outputs]
    if not all(isinstance(v, bool) or mpmath.isfinite(v) for array in expected for v in array.flat):
        return None
    results = flatten(kernel(*inputs), graph.tree)
    found: list[Deviation] = []
    for name, node, result in zip(graph.output_names, graph.outputs, results, strict=True):
        got = np.asarray(result)
        if got.shape != values[node].shape:
            raise DiffcError(
                f"the kernel's output {name} has the shape {got.shape}, not {values[node].shape}"
            )
        rows = [
            _deviation(name, index, (got[index], values[node][index], bounds[node][index]), node)
            for index in np.ndindex(*got.shape)
        ]
        if rows:
            found.append(max(rows, key=lambda each: each.quotient))
    return found


def true_values(graph: Graph, inputs: Sequence[Array]) -> tuple[dict[Node, Objects], dict[Node, Objects]]:
    """Return each node's value with 80 digits, and how far the program's own arithmetic may be off it."""
    values = {node: MULTIPRECISION.array(a) for node, a in zip(graph.inputs, inputs, strict=True)}
    return values, run_with_bounds(graph.nodes, values, resolve_with(_bound_symbols(graph, inputs)))


def _deviation(name: str, index: tuple[int, ...], element: tuple[Any, Any, Any], node: Node) -> Deviation:
    got, true, bound = element
    if not node.type.is_float:
        wrong = float("inf") if int(got) != int(true) else 0.0
        return Deviation(name, index, wrong, wrong, float(got), str(true))
    kind = np.dtype(DTYPES[node.dtype])
    unit, finite = float(np.spacing(np.array(abs(float(true))).astype(kind))), np.isfinite(got)
    shown = str(mpmath.nstr(true, 20))
    if not np.isfinite(unit) or not finite:
        overflows = abs(true) >= FORMATS[node.dtype].largest
        error = 0.0 if overflows and np.isinf(got) and (got > 0) == (true > 0) else float("inf")
        return Deviation(name, index, error, error, float(got), shown)
    error = abs(MULTIPRECISION.number(float(got)) - true)
    return Deviation(name, index, float(error / max(unit, bound)), float(error / unit), float(got), shown)


def _beside_numpy(graph: Graph, kernel: Kernel, arguments: Sequence[Array]) -> list[Deviation] | None:
    expected = evaluate(graph, *arguments)
    if not all(np.all(np.isfinite(each)) for each in expected):
        return None
    found: list[Deviation] = []
    results = flatten(kernel(*arguments), graph.tree)
    for name, want, result in zip(graph.output_names, expected, results, strict=True):
        got = np.asarray(result, np.float64)
        if not got.size:
            continue
        scale = float(np.max(np.abs(want))) + float(np.finfo(np.float64).tiny)
        epsilon = FORMATS["f32" if want.dtype == np.float32 else "f64"].epsilon
        gap = np.abs(got - want) / scale
        place = np.unravel_index(int(np.argmax(gap)), gap.shape)
        index, worst = tuple(int(k) for k in place), float(gap[place])
        quotient = LIMIT * worst / (REFERENCE_UNITS * epsilon)
        found.append(Deviation(name, index, quotient, worst / epsilon, float(got[place]), repr(want[place])))
    return found


def _bound_symbols(graph: Graph, arrays: Sequence[Array]) -> dict[str, int]:
    symbols: dict[str, int] = {}
    for node, array in zip(graph.inputs, arrays, strict=True):
        if array.ndim != node.rank:
            raise InputError(f"{node.attrs['name']} is {node.type}, got an array with {array.ndim} axes")
        for extent, actual in zip(node.shape, array.shape, strict=True):
            if isinstance(extent, Dim) and extent.is_symbol:
                symbols.setdefault(str(extent), actual)
    return symbols


def work_of(nodes: Iterable[Node], symbols: dict[str, int]) -> int:
    """Return about how many scalar operations the nodes take."""
    total = 0
    for node in nodes:
        sizes = [int(np.prod([evaluate_extent(e, symbols) for e in n.shape])) for n in (node, *node.inputs)]
        inner = evaluate_extent(node.inputs[0].shape[-1], symbols) if node.is_op("matmul") else 1
        if node.is_op(*MATRIX_OPERATIONS):  # as many eliminations as operands have elements, for the bound
            inner = max(evaluate_extent(extent, symbols) for extent in node.inputs[0].shape[-2:]) ** 3
        total += max([sizes[0] * inner, *sizes[1:]]) if node.inputs else 0
    return total


def flatten(result: Any, tree: Tree) -> list[Any]:
    """Return the outputs in order from the structure in which a kernel returns them."""
    leaves: dict[int, Any] = {}
    stack: list[tuple[Tree, Any]] = [(tree, result)]
    while stack:
        part, value = stack.pop()
        if isinstance(part, int):
            leaves[part] = value
        else:
            stack.extend(zip(part, value, strict=True))
    return [leaves[k] for k in sorted(leaves)]
