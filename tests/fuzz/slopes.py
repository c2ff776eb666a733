"""Derivatives by differences of NumPy's values along one direction: coarse, but independent of every rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tests.fuzz.program import Program
from tests.fuzz.references import numpy_value

__all__ = ["Slope", "along", "differences"]


@dataclass(frozen=True)
class Slope:
    """A derivative along the directions, of one value of the function, element by element.

    `doubt` is how far two steps are apart. `kink` tells where the slopes from both sides differ, so that
    there is no derivative to compare with, only a convention.
    """

    estimate: Any
    doubt: Any
    kink: Any


def differences(program: Program, symbols: Mapping[str, int], order: int, step: float = 1e-3) -> list[Slope]:
    """Return the first or second derivatives along the program's directions; values are computed in f64."""
    arrays = [np.asarray(a, float) if a.dtype.kind == "f" else a for a in program.arrays(symbols)]
    directions = [np.asarray(v, float) for v in program.directions(symbols)]

    @cache
    def at(t: float) -> list[Any]:
        moved = list(arrays)
        for k, v in zip(program.options.wrt, directions, strict=True):
            moved[k] = arrays[k] + t * v
        return [np.asarray(each, float) for each in numpy_value(program, moved)]

    with np.errstate(all="ignore"):
        return [_slope(lambda t, k=k: at(t)[k], order, step) for k in range(len(at(0.0)))]


def _slope(phi: Callable[[float], Any], order: int, step: float) -> Slope:
    step = step if order == 1 else 4 * step
    whole, half, tiny = (_sides(phi, h) for h in (step, step / 2, step / 64))
    gaps = [right - left for right, left in (whole, half, tiny)]
    # Of a smooth function the gap shrinks as the step does. At a kink it stays, and near one it jumps.
    unit = 1e-7 * (1 + np.abs(tiny[0]))
    kink = np.abs(gaps[0] - 2 * gaps[1]) > 0.1 * np.abs(gaps[0]) + 10 * unit
    kink |= np.abs(gaps[2]) > 0.1 * np.abs(gaps[0]) + unit
    if order == 1:
        coarse, fine = [(right + left) / 2 for right, left in (whole, half)]
    else:
        coarse, fine = gaps[0] / step, gaps[1] / (step / 2)
    return Slope((4 * fine - coarse) / 3, np.abs(fine - coarse), kink)


def _sides(phi: Callable[[float], Any], step: float) -> tuple[Any, Any]:
    """Return the slopes to the right and to the left."""
    return (phi(step) - phi(0.0)) / step, (phi(0.0) - phi(-step)) / step


def along(
    program: Program, got: Sequence[Any], directions: Sequence[Any], values: int
) -> list[tuple[Any, Any]]:
    """Return the slope of each value as a transform's result has it, and the sum of absolute terms in it."""
    transform = program.options.transform
    if transform == "jvp":
        return [(each, np.abs(each)) for each in got[values:]]
    if transform == "jacobian":
        (v,) = directions
        return [
            (np.tensordot(each, v, v.ndim), np.tensordot(np.abs(each), np.abs(v), v.ndim)) for each in got
        ]
    if transform == "hvp":
        terms = [np.asarray(each, float) * v for each, v in zip(got, directions, strict=True)]
        return [(np.asarray(sum(map(np.sum, terms))), sum(np.sum(np.abs(each)) for each in terms))]
    if transform == "hessian":
        (v,) = directions
        terms = got[0] * np.multiply.outer(v, v)
        return [(np.sum(terms), np.sum(np.abs(terms)))]
    first = 1 if transform == "vmap_of_grad" else 0
    gradients = got[1:] if transform == "value_and_grad" else got
    total: Any = 0.0
    size: Any = 0.0
    for each, v in zip(gradients, directions, strict=True):
        terms = np.asarray(each, float) * v
        axes = tuple(range(first, terms.ndim))
        total, size = total + np.sum(terms, axes), size + np.sum(np.abs(terms), axes)
    return [(np.asarray(total), np.asarray(size))]
