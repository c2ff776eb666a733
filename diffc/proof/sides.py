"""The two sides of a local equation as arrays, in whatever arithmetic its values and slopes are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from diffc.ir import Node
from diffc.proof.arithmetic import Objects, Resolve
from diffc.proof.frontier import LocalEquation, Product

__all__ = ["Slope", "both_sides"]

Slope: TypeAlias = Callable[[Node, int, list[Objects]], Any]
"""Takes an elementwise node, a place and its operands; returns the partial by that argument."""


def both_sides(
    equation: LocalEquation, values: Mapping[Node, Objects], resolve: Resolve, slope: Slope
) -> tuple[Objects, Objects, list[Objects]]:
    """Return the claimed side, the sum of the terms, and the terms, each of the node's shape."""
    shape = tuple(resolve(extent) for extent in equation.node.shape)
    terms: list[Objects] = []
    for term in equation.terms:
        if isinstance(term, Product):
            consumer = term.consumer
            partial = slope(consumer, term.place, [values[each] for each in consumer.inputs])
            full = tuple(resolve(extent) for extent in consumer.shape)
            weighted = np.broadcast_to(np.asarray(values[term.factor] * partial, object), full)
            terms.append(_summed(weighted, shape))
        else:
            terms.append(np.broadcast_to(values[term], shape))
    left = _zeros(shape) if equation.claimed is None else values[equation.claimed]
    return np.broadcast_to(left, shape), np.asarray(sum(terms, _zeros(shape)), object), terms


def _zeros(shape: tuple[int, ...]) -> Objects:
    return np.full(shape, 0, object)


def _summed(array: Objects, shape: tuple[int, ...]) -> Objects:
    """Return an array summed over the axes along which an operand of this shape was repeated."""
    new = array.ndim - len(shape)
    axes = tuple(k for k in range(array.ndim) if k < new or (shape[k - new] == 1 and array.shape[k] != 1))
    return np.asarray(np.sum(array, axis=axes) if axes else array, object).reshape(shape)
