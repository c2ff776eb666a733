"""Derivatives at given points: diffc's kernels against long arithmetic, and a user's own against diffc's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from diffc.autodiff.selection import Wrt, select_inputs
from diffc.autodiff.transforms import grad, hessian, jacobian
from diffc.errors import DiffcError
from diffc.ir import Graph, Node
from diffc.ops import evaluate
from diffc.ops.base import DTYPES
from diffc.proof.numeric import LIMIT, deviations, draw

__all__ = ["compare_own", "compare_points", "drawn_points"]

_EXTENT, _POINTS, _TRIES = 3, 3, 24


def drawn_points(graph: Graph, seed: int = 0) -> list[list[Any]]:
    """Return points at which the value is finite."""
    symbols = dict.fromkeys(graph.symbols, _EXTENT)
    points: list[list[Any]] = []
    for attempt in range(_TRIES):
        arguments = draw(graph, symbols, np.random.default_rng([seed, attempt]), attempt)
        if len(points) < _POINTS and all(np.all(np.isfinite(v)) for v in evaluate(graph, *arguments)):
            points.append(list(arguments))
    if not points:
        raise DiffcError(f"no point with a finite value of {graph.name} was drawn: give some with at=")
    return points


def compare_points(
    graph: Graph, wrt: Wrt, order: int, points: Sequence[Sequence[Any]], kernel: Callable[[Graph], Any]
) -> list[str]:
    """Return what the compiled derivatives have wrong at the points, by 50-digit arithmetic."""
    names = [node.attrs["name"] for node in select_inputs(graph, wrt)[0]]
    problems: list[str] = []
    for derived in _derivatives(graph, names, order):
        run = kernel(derived)
        for point in points:
            found = deviations(derived, run, point)
            where = f"{derived.name} at {_shown(graph, point)}"
            if found is None:
                problems.append(f"{where}: the derivative is not finite")
                continue
            problems += [f"{where}: {each}" for each in found if not each.quotient <= LIMIT]
    return problems


def _derivatives(graph: Graph, names: Sequence[str], order: int) -> list[Graph]:
    scalar = len(graph.outputs) == 1 and graph.outputs[0].rank == 0
    if not scalar:
        return [jacobian(graph, names)] if order else []
    return [transform(graph, names) for transform in (grad, hessian)[:order]]


def compare_own(
    graph: Graph,
    wrt: Wrt,
    degree: int,
    own: Callable[..., Any],
    points: Sequence[Sequence[Any]],
    tolerances: tuple[float, float],
) -> list[str]:
    """Return where a user's gradient (degree 1) or Hessian (2) differs from diffc's, at points."""
    chosen, _ = select_inputs(graph, wrt)
    names = [node.attrs["name"] for node in chosen]
    derived = (grad, hessian)[degree - 1](graph, names)
    labels = [(a,) for a in names] if degree == 1 else [(a, b) for a in names for b in names]
    problems: list[str] = []
    for point in points:
        arguments = [np.asarray(v, DTYPES[n.dtype]) for n, v in zip(graph.inputs, point, strict=True)]
        expected = evaluate(derived, *arguments)
        given = own(*[each.item() if each.ndim == 0 else each for each in arguments])
        parts = _parts(given, chosen, degree)
        for by, want, got in zip(labels, expected, parts, strict=True):
            what = f"your {('gradient', 'hessian')[degree - 1]} by {', '.join(by)} at {_shown(graph, point)}"
            problems += [f"{what}: {text}" for text in _differences(np.asarray(got), want, tolerances)]
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


def _differences(got: Any, want: Any, tolerances: tuple[float, float]) -> Iterator[str]:
    if got.shape != want.shape:
        yield f"it has the shape {got.shape}, expected {want.shape}"
        return
    rtol, atol = tolerances
    wrong = ~((np.abs(got - want) <= atol + rtol * np.abs(want)) | ((got != got) & (want != want)))
    for place in np.argwhere(wrong)[:4]:
        index = tuple(int(k) for k in place)
        a, b = float(got[index]), float(want[index])
        at = f"{list(index)} " if index else ""
        share = f", {abs(a - b) / abs(b):.3g} of it" if b else ""
        yield f"{at}is {a!r}, expected {b!r}: off by {abs(a - b):.6g}{share}"


def _shown(graph: Graph, point: Sequence[Any]) -> str:
    parts = [np.array2string(np.asarray(value), precision=6, threshold=8) for value in point]
    return ", ".join(f"{name}={text}" for name, text in zip(graph.input_names, parts, strict=True))
