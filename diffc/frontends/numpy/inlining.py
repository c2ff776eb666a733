"""A Function called on traced values: its graph becomes part of the one that is traced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diffc.errors import InputError
from diffc.frontends.numpy.operands import as_array, is_weak
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import active
from diffc.frontends.numpy.value import traced, untraced
from diffc.ir import (
    Dim,
    Extent,
    Graph,
    Node,
    Tree,
    Type,
    linear_form,
    promote,
    require,
    substitute,
    substitute_extent,
    topological,
)
from diffc.ops import cast
from diffc.ops.captured import Captured, captured_op, read_captured

__all__ = ["call_inline", "rebound"]


def call_inline(
    graph: Graph, captured: Mapping[str, Any], args: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    """Return a graph's outputs, arranged, for arguments by position and by name, traced or plain.

    Raises:
        InputError: where the arguments are not those of the graph.
    """
    arguments = _in_order(graph, args, named)
    nodes = [as_array(untraced(each, graph.name)) for each in arguments]
    weak = [is_weak(each) or (isinstance(each, Traced) and each.weak) for each in arguments]
    symbols = _symbols(graph, nodes)
    for extent, problem in graph.assumed:
        require(substitute_extent(extent, symbols), problem)
    replaced = {
        node: _fitting(graph, node, argument, number, symbols)
        for node, argument, number in zip(graph.inputs, nodes, weak, strict=True)
    }
    outputs = rebound(graph.outputs, captured, replaced)
    return traced(_arranged(graph.tree, _with_extents(outputs, replaced, symbols)))


def _in_order(graph: Graph, args: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    values = dict(zip(graph.input_names, args, strict=False))
    twice = sorted(set(values) & set(named))
    values.update(named)
    if len(args) > len(graph.inputs) or twice or set(values) != set(graph.input_names):
        listed = ", ".join(f"{node.attrs['name']}: {node.type}" for node in graph.inputs)
        given = f"{len(args)} by position" + (f" and {', '.join(named)} by name" if named else "")
        raise InputError(f"{graph.name} takes ({listed}), the arguments are {given}")
    return [values[name] for name in graph.input_names]


def rebound(
    outputs: Sequence[Node], captured: Mapping[str, Any], replaced: dict[Node, Node]
) -> Sequence[Node]:
    """Return outputs in which the arrays that another program captured are captured by the active trace.

    What stands for them is added to `replaced`, which is not applied yet.
    """
    trace = active.get()
    if isinstance(captured, Captured) and trace is not None:
        for each in captured.decisions:
            each.check()
        trace.captures.hand_on(captured.decisions)
    if captured:
        for node in topological(outputs, stop=set(replaced)):
            if node.op is captured_op and node not in replaced:
                name = node.attrs["name"]
                read_captured(name, node.type, captured[name])  # raises where it is of another type now
                replaced[node] = as_array(captured[name])
    return outputs


def _with_extents(
    outputs: Sequence[Node], replaced: Mapping[Node, Node], symbols: Mapping[str, Extent]
) -> list[Node]:
    """Return the outputs with nodes and the symbols of extents replaced. Iterative."""
    if all(isinstance(extent, Dim) and str(extent) == name for name, extent in symbols.items()):
        return substitute(outputs, replaced)
    new = dict(replaced)
    for node in topological(outputs, stop=set(replaced)):
        if node not in new:
            attrs = {key: _in_extents(value, symbols) for key, value in node.attrs.items()}
            new[node] = Node.make(node.op, [new[each] for each in node.inputs], attrs)
    return [new[node] for node in outputs]


def _in_extents(value: Any, symbols: Mapping[str, Extent]) -> Any:
    if isinstance(value, Dim):
        return substitute_extent(value, symbols)
    if isinstance(value, Type):
        return value.with_shape(tuple(substitute_extent(each, symbols) for each in value.shape))
    if isinstance(value, tuple):
        return tuple(_in_extents(each, symbols) for each in value)  # pyright: ignore[reportUnknownVariableType]
    return value


def _symbols(graph: Graph, arguments: Sequence[Node]) -> dict[str, Extent]:
    """Return what each symbol of the graph's inputs is for these arguments, read from their shapes."""
    found: dict[str, Extent] = {}
    for alone in (True, False):
        for node, argument in zip(graph.inputs, arguments, strict=True):
            for extent, actual in zip(node.shape, argument.shape, strict=False):
                if isinstance(extent, Dim) and extent.is_symbol == alone:
                    _solve(extent, actual, found)
    return found


def _solve(extent: Dim, actual: Extent, found: dict[str, Extent]) -> None:
    """Read a symbol from factor * symbol + offset = actual, unless it is known."""
    form = linear_form(extent)
    if form is None or form[0] in found:
        return
    symbol, factor, offset = form
    rest = actual - offset
    value = (rest // factor if rest % factor == 0 else None) if isinstance(rest, int) else rest.divide(factor)
    if value is not None:
        require(value, f"no {symbol} >= 0 fits {extent} where that is {actual}")
        found[symbol] = value


def _fitting(graph: Graph, node: Node, argument: Node, weak: bool, symbols: Mapping[str, Extent]) -> Node:
    """Return an argument as the type of an input asks; raise `InputError` where it does not fit."""
    name = f"{graph.name}: {node.attrs['name']}"
    wanted = tuple(substitute_extent(extent, symbols) for extent in node.shape)
    if argument.shape != wanted:
        raise InputError(f"{name} is {node.type}, the argument has the type {argument.type}")
    weak_fits = weak and (node.type.is_float or not argument.type.is_float)
    if not weak_fits and promote(argument.dtype, node.dtype) != node.dtype:
        raise InputError(f"{name} is {node.type}, {argument.dtype} is not cast to {node.dtype}: use .astype")
    return cast(argument, node.dtype)


def _arranged(tree: Tree, items: Sequence[Any]) -> Any:
    return items[tree] if isinstance(tree, int) else tuple(_arranged(each, items) for each in tree)
