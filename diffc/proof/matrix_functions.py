"""Functions of symmetric matrices in other arithmetics: `spectral` and `spectral_sum`, with their directions.

Polynomials have a form without eigenvalues, which serves symbolically: matrices multiply, and the
derivative along E1, .., Ek is the part of f(A + t1 E1 + .. + tk Ek) with t1 .. tk. On long numbers divided
differences of other functions are quotients, between eigenvalues that are kept apart by less than the digits
that are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations, product
from typing import Any, TypeAlias

import numpy as np

from diffc.ir import Graph, Node
from diffc.ops.number_systems import Objects

__all__ = ["MATRIX_FUNCTIONS", "each_place", "long_function", "polynomial"]

MATRIX_FUNCTIONS = ("spectral", "spectral_sum")

_Function: TypeAlias = Callable[[Graph, Objects, list[Objects], list[Objects]], Objects]
"""What one matrix, its directions and its parameters give."""


def each_place(node: Node, arrays: list[Objects], function: _Function) -> Objects:
    """Return the stack of what a function gives for each matrix, leading axes broadcast."""
    graph: Graph = node.attrs["function"]
    count = len(graph.inputs) - 1
    matrices, parameters = arrays[: len(arrays) - count], arrays[len(arrays) - count :]
    leading = np.broadcast_shapes(*(m.shape[:-2] for m in matrices), *(p.shape[:-1] for p in parameters))
    matrices = [np.broadcast_to(m, (*leading, *m.shape[-2:])) for m in matrices]
    parameters = [np.broadcast_to(p, (*leading, p.shape[-1])) for p in parameters]
    n = matrices[0].shape[-1]
    result = np.empty((*leading, n, n), object)
    for place in np.ndindex(*leading):
        a, *directions = (m[place] for m in matrices)
        directions = [_symmetric(each) for each in directions]
        result[place] = function(graph, a, directions, [p[place] for p in parameters])
    return np.asarray(np.trace(result, axis1=-2, axis2=-1), object) if node.is_op("spectral_sum") else result


def _symmetric(a: Objects) -> Objects:
    return (a + a.T) / 2


# Polynomials


_Parts: TypeAlias = "dict[frozenset[int], Objects]"
"""The coefficients of products of different t's, each a matrix."""


def polynomial(
    number: Callable[[Any], Any],
    graph: Graph,
    a: Objects,
    directions: list[Objects],
    parameters: list[Objects],
) -> Objects:
    """Return the derivative of a polynomial along the directions; raise ValueError for another function.

    Of the matrix both triangles are read, as its derivatives share what they do between the two.
    """
    identity = np.array([[number(int(i == j)) for j in range(len(a))] for i in range(len(a))], object)
    none: frozenset[int] = frozenset()
    x: _Parts = {none: _symmetric(a), **{frozenset([k]): each for k, each in enumerate(directions)}}
    values: dict[Node, _Parts] = {graph.inputs[0]: x}
    for node, given in zip(graph.inputs[1:], parameters, strict=True):
        if given.shape != (1,):
            raise ValueError("a parameter that goes with the eigenvalues has no form without them")
        values[node] = {none: identity * given[0]}
    for node in graph.nodes:
        if node not in values:
            values[node] = _operation(node, [values[each] for each in node.inputs], identity, number)
    result, whole = values[graph.outputs[0]], frozenset(range(len(directions)))
    return result[whole] if whole in result else identity * number(0)


def _operation(node: Node, inputs: list[_Parts], identity: Objects, number: Callable[[Any], Any]) -> _Parts:
    name = node.op.name
    if name == "const":
        return {frozenset(): identity * number(node.op.reference(node.attrs)[()])}
    if name == "neg":
        return {key: -each for key, each in inputs[0].items()}
    if name in ("add", "sub"):
        a, b = inputs
        b = {key: -each for key, each in b.items()} if name == "sub" else b
        return {key: a[key] + b[key] if key in a and key in b else {**a, **b}[key] for key in {**a, **b}}
    if name in ("mul", "square"):
        a, b = inputs[0], inputs[-1]
        products: _Parts = {}
        for (k, left), (m, right) in product(a.items(), b.items()):
            if not k & m:
                term = left @ right
                products[k | m] = products[k | m] + term if k | m in products else term
        return products
    raise ValueError(f"{name} of a matrix has no rational form")


# Long numbers


def long_function(
    context: Any,
    digits: int,
    scalar: Callable[[Graph, list[Any]], Any],
    operands: tuple[Graph, Objects, list[Objects], list[Objects]],
) -> Objects:
    """Return the derivative of a function along directions, by divided differences.

    Args:
        context: of mpmath.
        digits: how many are to be right; eigenvalues are kept that far apart.
        scalar: the function's value of x and its parameters.
        operands: the function, the matrix, the directions and the parameters.
    """
    graph, a, directions, parameters = operands
    n, count = len(a), len(directions)
    a = np.where(np.tril(np.ones(a.shape, bool)), a, a.T)
    with context.workdps(digits * (count + 2)):
        values, vectors = context.eigsy(context.matrix(a.tolist()))
        v = np.array([[vectors[i, j] for j in range(n)] for i in range(n)], object)
        scale = max((abs(values[k]) for k in range(n)), default=context.zero) or context.one
        step = scale * context.mpf(10) ** -digits
        points, heights = dict[tuple[int, int], Any](), dict[tuple[int, int], Any]()
        for slot, k in product(range(count + 1), range(n)):
            points[slot, k] = values[k] + (slot + k * (count + 1)) * step if count else values[k]
            given = [p[k if len(p) == n else 0] for p in parameters]
            heights[slot, k] = scalar(graph, [points[slot, k], *given])
        turned = [v.T @ each @ v for each in directions]
        differences = _Differences(points, heights)
        core = np.full((n, n), context.zero, object)
        for path in product(range(n), repeat=count + 1):
            if not count:
                core[path[0], path[0]] = heights[0, path[0]]
                continue
            weight = differences.of(tuple(enumerate(path)))
            for order in permutations(turned):
                term = weight
                for step_, each in enumerate(order):
                    term = term * each[path[step_], path[step_ + 1]]
                core[path[0], path[-1]] = core[path[0], path[-1]] + term
        return v @ core @ v.T


class _Differences:
    """Divided differences of distinct points, each computed once."""

    def __init__(self, points: Mapping[tuple[int, int], Any], heights: Mapping[tuple[int, int], Any]) -> None:
        self._points = points
        self._known: dict[tuple[tuple[int, int], ...], Any] = {(key,): each for key, each in heights.items()}

    def of(self, keys: tuple[tuple[int, int], ...]) -> Any:
        """Return f[..] of the points with these keys."""
        if keys not in self._known:
            change = self.of(keys[1:]) - self.of(keys[:-1])
            self._known[keys] = change / (self._points[keys[-1]] - self._points[keys[0]])
        return self._known[keys]
