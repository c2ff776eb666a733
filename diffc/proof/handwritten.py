"""Derivatives at given points: diffc's kernels against long arithmetic, and a user's own against diffc's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from diffc.autodiff.selection import Wrt, select_inputs
from diffc.autodiff.transforms import grad, hessian
from diffc.errors import DiffcError
from diffc.ir import Graph, Node
from diffc.ops import evaluate
from diffc.ops.base import DTYPES
from diffc.ops.interpreter import bind_symbols
from diffc.proof.kernels import Measured, free
from diffc.proof.multiprecision import MULTIPRECISION
from diffc.proof.numeric import LIMIT, MAX_WORK, Array, deviations, draw, true_values, work_of

__all__ = ["compare_own", "compare_points", "drawn_points"]

_EXTENT, _POINTS, _TRIES = 3, 3, 24
_RTOL = {"float64": 1e-9, "float32": 1e-5}
"""How far a user's own derivatives may be off by themselves: rounding of some operations, and no fault."""


def drawn_points(graph: Graph, captured: Mapping[str, Any] | None = None, seed: int = 0) -> list[list[Any]]:
    """Return points at which the value is finite."""
    symbols, whole = dict.fromkeys(graph.symbols, _EXTENT), free(graph, captured)
    points: list[list[Any]] = []
    for attempt in range(_TRIES):
        rng = np.random.default_rng([seed, attempt])
        arguments = draw(whole.graph, symbols, rng, attempt, whole.elements)
        if len(points) < _POINTS and all(np.all(np.isfinite(v)) for v in evaluate(whole.graph, *arguments)):
            points.append(list(arguments[: len(graph.inputs)]))
    if not points:
        raise DiffcError(f"no point with a finite value of {graph.name} was drawn: give some with at=")
    return points


def compare_points(
    kernels: Callable[..., Sequence[Measured]],
    what: tuple[Graph, Wrt, int],
    points: Sequence[Sequence[Any]],
    captured: Mapping[str, Any],
) -> list[str]:
    """Return what the compiled derivatives have wrong at the points, by 50-digit arithmetic.

    `what` is the function's graph, the inputs that it is differentiated by, and up to which order.
    """
    graph, wrt, order = what
    scalar = len(graph.outputs) == 1 and graph.outputs[0].rank == 0
    names = ["gradient", "hessian"][:order] if scalar else ["jacobian"][:order]
    problems: list[str] = []
    for each in kernels(names, wrt):
        plain, run = free(each.plain, captured), each.run()
        own = list(plain.elements.values())
        for point in points:
            found = deviations(plain.graph, lambda *a, run=run: run(*a[: len(graph.inputs)]), [*point, *own])
            where = f"{each.made.name} at {_shown(graph, point)}"
            if found is None:
                problems.append(f"{where}: the derivative is not finite")
                continue
            problems += [f"{where}: {each}" for each in found if not each.quotient <= LIMIT]
    return problems


def compare_own(
    function: tuple[Graph, Mapping[str, Any]],
    wrt: Wrt,
    degree: int,
    own: Callable[..., Any],
    points: Sequence[Sequence[Any]],
    tolerances: tuple[float | None, float],
) -> list[str]:
    """Return where a user's gradient (degree 1) or Hessian (2) differs from diffc's, at points.

    `function` is its graph and the arrays that it refers to.
    """
    graph, captured = function
    chosen, _ = select_inputs(graph, wrt)
    names = [node.attrs["name"] for node in chosen]
    derived = free((grad, hessian)[degree - 1](graph, names), captured)
    labels = [(a,) for a in names] if degree == 1 else [(a, b) for a in names for b in names]
    problems: list[str] = []
    for point in points:
        arguments = [np.asarray(v, DTYPES[n.dtype]) for n, v in zip(graph.inputs, point, strict=True)]
        expected = _expected(derived.graph, [*arguments, *derived.elements.values()])
        given = own(*[each.item() if each.ndim == 0 else each for each in arguments])
        parts = _parts(given, chosen, degree)
        for by, (want, bound), got in zip(labels, expected, parts, strict=True):
            what = f"your {('gradient', 'hessian')[degree - 1]} by {', '.join(by)} at {_shown(graph, point)}"
            problems += [f"{what}: {text}" for text in _differences(np.asarray(got), want, bound, tolerances)]
    return problems


def _parts(given: Any, wrt: Sequence[Node], degree: int) -> list[Any]:
    """Return one value for each input, or pair of inputs, from what a user's function returned."""
    count = len(wrt)
    if degree == 1:
        if count == 1 and not (isinstance(given, tuple | list) and len(given) == 1 and wrt[0].rank == 0):
            return [given]
        parts = list(given)
    elif (count == 1 and wrt[0].rank) or (count == 1 and np.ndim(given) == 0):
        return [given]
    else:
        parts = [each for row in given for each in row]
    if len(parts) != count**degree:
        raise DiffcError(f"your function returned {len(parts)} derivatives, there are {count**degree}")
    return parts


def _expected(graph: Graph, arguments: Sequence[Array]) -> list[tuple[Array, Array]]:
    """Return each output, from long arithmetic where that is short enough, and how far rounding may move it.

    What is exactly 0 is 0 there, where floating point leaves what did not cancel.
    """
    plain = evaluate(graph, *arguments)
    symbols = bind_symbols(graph.inputs, arguments)
    if work_of(graph.nodes, dict(symbols)) > MAX_WORK:
        return [(each, np.zeros(each.shape)) for each in plain]
    values, bounds = true_values(graph, arguments)
    found: list[tuple[Array, Array]] = []
    for node, each in zip(graph.outputs, plain, strict=True):
        pairs = zip(values[node].flat, bounds[node].flat, each.flat, strict=True)
        known = [
            (float(a), float(b)) if MULTIPRECISION.is_finite(a) else (float(c), 0.0) for a, b, c in pairs
        ]
        true, bound = np.array(known, np.float64).reshape(-1, 2).T
        found.append((true.astype(each.dtype).reshape(each.shape), bound.reshape(each.shape)))
    return found


def _differences(got: Any, want: Any, bound: Any, tolerances: tuple[float | None, float]) -> Iterator[str]:
    if got.shape != want.shape:
        yield f"it has the shape {got.shape}, expected {want.shape}"
        return
    rtol, atol = tolerances
    if rtol is None:
        rtol = _RTOL[want.dtype.name]
    noise = LIMIT * bound * (np.abs(want) <= LIMIT * bound)  # what is 0, as far as a program can tell
    near = np.abs(got - want) <= atol + rtol * np.abs(want) + noise
    wrong = ~(near | ((got != got) & (want != want)))
    for place in np.argwhere(wrong)[:4]:
        index = tuple(int(k) for k in place)
        a, b = float(got[index]), float(want[index])
        at = f"{list(index)} " if index else ""
        share = f", {abs(a - b) / abs(b):.3g} of it" if b else ""
        yield f"{at}is {a!r}, expected {b!r}: off by {abs(a - b):.6g}{share}"


def _shown(graph: Graph, point: Sequence[Any]) -> str:
    parts = [np.array2string(np.asarray(value), precision=6, threshold=8) for value in point]
    return ", ".join(f"{name}={text}" for name, text in zip(graph.input_names, parts, strict=True))
