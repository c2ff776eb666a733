"""The reference interpreter: a graph run with each operation's NumPy reference.

It defines what a program means. Constant folding, verification and tests use it; it is slow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import InputError
from diffc.ir import Dim, Graph, Node, evaluate_extent, unmet
from diffc.ops.base import DTYPES, Array

__all__ = ["bind_symbols", "evaluate", "evaluate_nodes"]


def evaluate(graph: Graph, *arguments: Any) -> list[Array]:
    """Return the graph's outputs as arrays, computed by NumPy.

    Args:
        graph: the program.
        arguments: a value for each input, in order; converted to the input's dtype.

    Raises:
        InputError: where an argument does not have the input's shape, or a symbol has a value for which the
            program makes no sense.
    """
    values: dict[Node, Array] = {}
    for node, argument in zip(graph.inputs, arguments, strict=True):
        values[node] = np.asarray(argument, DTYPES[node.dtype])
    symbols = bind_symbols(graph.inputs, [values[node] for node in graph.inputs])
    problem = unmet(graph.requirements, symbols)
    if problem is not None:
        raise InputError(problem)
    return evaluate_nodes(graph.nodes, graph.outputs, values, symbols)


def bind_symbols(inputs: Sequence[Node], arrays: Sequence[Array]) -> dict[str, int]:
    """Return the value of each symbol, from the arrays' shapes; raise `InputError` on a mismatch."""
    symbols: dict[str, int] = {}
    for node, array in zip(inputs, arrays, strict=True):
        if array.ndim != node.rank:
            raise InputError(f"{node.attrs['name']} is {node.type}, got an array with {array.ndim} axes")
        for extent, actual in zip(node.shape, array.shape, strict=True):
            if isinstance(extent, Dim) and extent.is_symbol:
                symbols.setdefault(str(extent), actual)
    for node, array in zip(inputs, arrays, strict=True):
        for axis, (extent, actual) in enumerate(zip(node.shape, array.shape, strict=True)):
            if evaluate_extent(extent, symbols) != actual:
                wanted = evaluate_extent(extent, symbols)
                raise InputError(
                    f"{node.attrs['name']}: axis {axis} has extent {actual}, expected {extent} = {wanted}"
                )
    return symbols


def evaluate_nodes(
    nodes: Sequence[Node], outputs: Sequence[Node], values: dict[Node, Array], symbols: Mapping[str, int]
) -> list[Array]:
    """Return the outputs' values; `values` holds those of the inputs and receives all others."""
    with np.errstate(all="ignore"):
        for node in nodes:
            if node not in values:
                attrs = {key: _resolve(value, symbols) for key, value in node.attrs.items()}
                result = node.op.reference(attrs, *[values[each] for each in node.inputs])
                values[node] = np.asarray(result)
    return [values[node] for node in outputs]


def _resolve(value: Any, symbols: Mapping[str, int]) -> Any:
    if isinstance(value, Dim):
        return evaluate_extent(value, symbols)
    if isinstance(value, tuple):
        return tuple(_resolve(each, symbols) for each in value)  # pyright: ignore[reportUnknownVariableType]
    return value
