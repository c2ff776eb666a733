"""The transforms that users call, each Graph -> Graph.

All are compositions of pushforward, pullback and batching; the order of the derivative is never a
special case. Results are ordinary graphs, to be optimised, compiled or differentiated again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diffc.autodiff.auxiliary import with_aux
from diffc.autodiff.batching import batch
from diffc.autodiff.components import components_of
from diffc.autodiff.forward import pushforward
from diffc.autodiff.reverse import pullback
from diffc.autodiff.selection import (
    Wrt,
    distinct_names,
    fresh_name,
    input_name,
    is_integer,
    nest,
    scalar_output,
    select_inputs,
    shifted,
)
from diffc.autodiff.taylor import derivatives_by_scalar, runs
from diffc.errors import DiffcError
from diffc.ir import Dim, Extent, Graph, Node, Tree, Type, adjoints_of
from diffc.ops import constant_like, input_node
from diffc.ops.broadcasting import broadcast, zeros
from diffc.ops.reshaping import moveaxis, reshape
from diffc.ops.slicing import stack

__all__ = ["derivative", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp", "vmap"]

MAX_ORDER = 64
"""The highest order of a derivative that is asked for in one call."""


def gradients(output: Node, wrt: Sequence[Node]) -> tuple[list[Node], dict[Node, Node]]:
    """Return the gradient of a scalar by each node, zeros included, and the adjoints on the way."""
    adjoints: dict[Node, Node] = {}
    seed = constant_like(1, output.dtype)
    whole: list[Node] = []
    found: dict[Node, Node] = {}
    for node in wrt:
        parts = components_of([output], node)
        if parts is None:
            whole.append(node)
            continue
        (split,) = parts.split([output])
        shares, _ = pullback([split], [seed], parts.parts)
        zero = constant_like(0, node.dtype)
        found[node] = parts.stacked(parts.join([zero if each is None else each for each in shares]))
    if whole:
        shares, adjoints = pullback([output], [seed], whole)
        found.update({n: zeros(n.type) if s is None else s for n, s in zip(whole, shares, strict=True)})
    return [found[node] for node in wrt], adjoints


@with_aux
def grad(graph: Graph, wrt: Wrt = 0) -> Graph:
    """Return the gradient of a scalar function, of the inputs' shapes."""
    chosen, several = select_inputs(graph, wrt)
    output = scalar_output(graph, "grad")
    results, adjoints = gradients(output, chosen)
    names = _names("d_", chosen, several)
    return _derived(graph, f"grad_{graph.name}", results, names, nest(len(chosen), several), adjoints)


@with_aux
def value_and_grad(graph: Graph, wrt: Wrt = 0) -> Graph:
    """Return (value, gradient)."""
    chosen, several = select_inputs(graph, wrt)
    output = scalar_output(graph, "value_and_grad")
    results, adjoints = gradients(output, chosen)
    (value,) = graph.outputs  # as the function returns it: (1,) and (1, 1) stay so
    names = ["value", *_names("d_", chosen, True)]
    tree: Tree = (0, nest(len(chosen), several, 1))
    return _derived(graph, f"value_and_grad_{graph.name}", [value, *results], names, tree, adjoints)


def derivative(graph: Graph, *names: str | int) -> Graph:
    """Return a partial derivative by scalar inputs, such as ("a", "b") or ("x", 3)."""
    order: list[str] = []
    for each in map(input_name, names):
        if isinstance(each, str):
            order.append(each)
        elif not order or not is_integer(each) or each < 0:
            raise DiffcError(
                f"derivative takes names, each with a count of at least 0 behind it, got {names}"
            )
        elif len(order) - 1 + each > MAX_ORDER:
            raise _too_high(len(order) - 1 + each)
        else:
            order[-1:] = order[-1:] * each
    if len(order) > MAX_ORDER:
        raise _too_high(len(order))
    outputs = list(graph.outputs)
    for name, count in runs(order):
        (node,), _ = select_inputs(graph, name)
        if node.rank:
            raise DiffcError(
                f"derivative takes scalar inputs, {name} is {node.type}; use jacobian or hessian"
            )
        outputs = derivatives_by_scalar(outputs, node, count)
    suffix = "_".join(order)
    return _derived(
        graph, f"d_{graph.name}_{suffix}" if order else graph.name, outputs, graph.output_names, graph.tree
    )


def _too_high(order: int) -> DiffcError:
    return DiffcError(f"a derivative of order {order} is above the limit of {MAX_ORDER}")


@with_aux
def jacobian(graph: Graph, wrt: Wrt = 0) -> Graph:
    """Return each output's derivative by each input, of shape output + input.

    The structure is that of the outputs, with that of `wrt` inside.
    """
    chosen, several = select_inputs(graph, wrt)
    for output in graph.outputs:
        if not output.type.is_float:
            raise DiffcError(
                f"jacobian of {graph.name}: an output is {output.type}, which has no derivative but 0: "
                "return it as aux"
            )
    results = [each for output in graph.outputs for each in jacobian_nodes(output, chosen)]
    count = len(chosen)
    names = [
        f"d_{name}_{node.attrs['name']}" if len(graph.outputs) > 1 else f"d_{node.attrs['name']}"
        for name in graph.output_names
        for node in chosen
    ]
    tree = _replace_leaves(
        graph.tree, {k: nest(count, several, k * count) for k in range(len(graph.outputs))}
    )
    return _derived(graph, f"jacobian_{graph.name}", results, names if len(results) > 1 else ("out",), tree)


def jacobian_nodes(output: Node, wrt: Sequence[Node]) -> list[Node]:
    """Return the Jacobian of one value by each node, of shape output + input."""
    if output.rank == 0:
        return gradients(output, wrt)[0]
    return [_one_jacobian(output, node) for node in wrt]


def _one_jacobian(output: Node, wrt: Node) -> Node:
    shape = (*output.shape, *wrt.shape)
    if wrt.rank == 0:
        (tangent,) = pushforward([output], {wrt: constant_like(1, wrt.dtype)})
        return zeros(output.type) if tangent is None else tangent
    parts = components_of([output], wrt)
    if parts is not None:
        (split,) = parts.split([output])
        columns = [pushforward([split], {part: constant_like(1, part.dtype)})[0] for part in parts.parts]
        return parts.stacked(parts.join([zeros(output.type) if c is None else c for c in columns]))
    from diffc.autodiff.linear import matrix_of  # gradients need none of it

    if _prefers_reverse(output.size, wrt.size):
        cotangent = input_node(f"basis of {output.digest.hex()}", output.type)
        (share,), _ = pullback([output], [cotangent], [wrt])
        matrix = None if share is None else matrix_of(share, cotangent, value_first=False)
        return zeros(Type(output.dtype, shape)) if matrix is None else matrix
    tangent_in = input_node(f"basis of {wrt.digest.hex()}", wrt.type)
    (tangent,) = pushforward([output], {wrt: tangent_in})
    matrix = None if tangent is None else matrix_of(tangent, tangent_in, value_first=True)
    return zeros(Type(output.dtype, shape)) if matrix is None else matrix


def _prefers_reverse(outputs: Extent, inputs: Extent) -> bool:
    """Tell whether pulling back is cheaper: fewer outputs than inputs, as far as extents are known."""
    if isinstance(outputs, int) and isinstance(inputs, int):
        return outputs < inputs
    return isinstance(outputs, int)


@with_aux
def hessian(graph: Graph, wrt: Wrt = 0) -> Graph:
    """Return the second derivatives of a scalar function, of shape input + input.

    For a sequence `wrt` the structure is a tuple of tuples: row by first, column by second.
    """
    chosen, several = select_inputs(graph, wrt)
    output = scalar_output(graph, "hessian")
    scalars = [node for node in chosen if node.rank == 0]
    rows: dict[tuple[Node, Node], Node] = {}
    if len(scalars) == len(chosen):
        rows = _scalar_hessian(output, chosen)
    else:
        for row in chosen:
            parts = components_of([output], row)
            if parts is not None and len(chosen) == 1:
                (split,) = parts.split([output])
                table = _scalar_hessian(split, parts.parts)
                entries = [table[a, b] for a in parts.parts for b in parts.parts]
                rows[row, row] = reshape(stack(parts.join(entries)), (*row.shape, *row.shape))
            else:
                (first,) = gradients(output, [row])[0]
                for column, value in zip(chosen, jacobian_nodes(first, chosen), strict=True):
                    rows[row, column] = value
    results = [rows[a, b] for a in chosen for b in chosen]
    names = [f"d_{a.attrs['name']}_{b.attrs['name']}" for a in chosen for b in chosen]
    count = len(chosen)
    tree: Tree = tuple(nest(count, True, k * count) for k in range(count)) if several else 0
    return _derived(graph, f"hessian_{graph.name}", results, names if several else ("out",), tree)


def _scalar_hessian(output: Node, wrt: Sequence[Node]) -> dict[tuple[Node, Node], Node]:
    """Return second derivatives by scalars; each unordered pair is derived once."""
    firsts, _ = gradients(output, wrt)
    table: dict[tuple[Node, Node], Node] = {}
    for k, by in enumerate(wrt):
        tangents = pushforward(firsts[k:], {by: constant_like(1, by.dtype)})
        for other, tangent in zip(wrt[k:], tangents, strict=True):
            value = constant_like(0, by.dtype) if tangent is None else tangent
            table[by, other] = table[other, by] = value
    return table


def jvp(graph: Graph, wrt: Wrt = 0) -> Graph:
    """Return (*inputs, *tangents) -> (value, tangent); the tangents are inputs `d_<name>`."""
    chosen, _ = select_inputs(graph, wrt)
    seeds = _new_inputs("d_", [n.attrs["name"] for n in chosen], [n.type for n in chosen], graph.input_names)
    tangents = pushforward(graph.outputs, dict(zip(chosen, seeds, strict=True)))
    filled = [zeros(o.type) if t is None else t for o, t in zip(graph.outputs, tangents, strict=True)]
    count = len(graph.outputs)
    names = [*graph.output_names, *(f"d_{name}" for name in graph.output_names)]
    tree: Tree = (graph.tree, shifted(graph.tree, count))
    extended = graph.related(f"jvp_{graph.name}", graph.outputs, inputs=(*graph.inputs, *seeds))
    return _derived(extended, extended.name, [*graph.outputs, *filled], names, tree)


def vjp(graph: Graph, wrt: Wrt = 0) -> Graph:
    """Return (*inputs, *cotangents) -> (value, gradients); the cotangents are inputs `ct_<output>`."""
    chosen, several = select_inputs(graph, wrt)
    cotangents = _new_inputs("ct_", graph.output_names, [o.type for o in graph.outputs], graph.input_names)
    shares, adjoints = pullback(graph.outputs, cotangents, chosen)
    results = [zeros(n.type) if s is None else s for n, s in zip(chosen, shares, strict=True)]
    count = len(graph.outputs)
    names = [*graph.output_names, *_names("d_", chosen, True)]
    tree: Tree = (graph.tree, nest(len(chosen), several, count))
    extended = graph.related(f"vjp_{graph.name}", graph.outputs, inputs=(*graph.inputs, *cotangents))
    return _derived(extended, extended.name, [*graph.outputs, *results], names, tree, adjoints)


def hvp(graph: Graph, wrt: Wrt = 0) -> Graph:
    """Return (*inputs, *vectors) -> Hessian @ vector, forward over reverse; vectors are `v_<name>`."""
    chosen, several = select_inputs(graph, wrt)
    output = scalar_output(graph, "hvp")
    firsts, _ = gradients(output, chosen)
    vectors = _new_inputs(
        "v_", [n.attrs["name"] for n in chosen], [n.type for n in chosen], graph.input_names
    )
    tangents = pushforward(firsts, dict(zip(chosen, vectors, strict=True)))
    results = [zeros(n.type) if t is None else t for n, t in zip(chosen, tangents, strict=True)]
    extended = graph.related(f"hvp_{graph.name}", graph.outputs, inputs=(*graph.inputs, *vectors))
    return _derived(
        extended, extended.name, results, _names("h_", chosen, several), nest(len(chosen), several)
    )


def vmap(
    graph: Graph,
    in_axes: int | Sequence[int | None] | None = 0,
    out_axes: int | Sequence[int] = 0,
    size: Extent | str | None = None,
) -> Graph:
    """Return the function mapped over a new axis of its inputs.

    Args:
        graph: the function of single elements.
        in_axes: where each input has the new axis; None for an input that all elements share.
        out_axes: where each output gets it.
        size: its extent: an integer or a symbol's name; a new symbol `B` when not given.
    """
    axes = _axes_each(in_axes, len(graph.inputs), "in_axes", "input", optional=True)
    places = _axes_each(out_axes, len(graph.outputs), "out_axes", "output")
    if all(axis is None for axis in axes):
        raise DiffcError(f"vmap of {graph.name}: no input has the mapped axis")
    if size is None:
        size = fresh_name("B", graph.symbols)
    extent = Dim.symbol(size) if isinstance(size, str) else size
    if not isinstance(extent, Dim) and not is_integer(extent):
        raise DiffcError(f"vmap of {graph.name}: size is an integer or a symbol's name, not {size!r:.60}")
    extent = extent if isinstance(extent, Dim) else int(extent)
    inputs: list[Node] = []
    batched: dict[Node, Node] = {}
    for node, axis in zip(graph.inputs, axes, strict=True):
        if axis is None:
            inputs.append(node)
            continue
        place = _axis_place(axis, node.rank, node.attrs["name"])
        shape = (*node.shape[:place], extent, *node.shape[place:])
        inputs.append(input_node(node.attrs["name"], node.type.with_shape(shape)))
        batched[node] = moveaxis(inputs[-1], place, 0)
    outputs: list[Node] = []
    for (value, varies), place in zip(batch(graph.outputs, batched), places, strict=True):
        whole = value if varies else broadcast(value, (extent, *value.shape))
        outputs.append(moveaxis(whole, 0, _axis_place(place or 0, whole.rank - 1, "the output")))
    return graph.related(f"vmap_{graph.name}", outputs, graph.output_names, graph.tree, inputs=inputs)


def _axes_each(given: Any, count: int, what: str, whose: str, *, optional: bool = False) -> list[int | None]:
    """Return one axis for each of `count` values from one for all or a sequence of them."""
    several = isinstance(given, Sequence) and not isinstance(given, str)
    axes: list[Any] = list(given) if several else [given] * count
    if any(not (is_integer(axis) or (optional and axis is None)) for axis in axes):
        shown = "an integer or None" if optional else "an integer"
        raise DiffcError(
            f"vmap: {what} is {shown}, or a sequence with one for each {whose}, not {given!r:.60}"
        )
    if len(axes) != count:
        raise DiffcError(f"vmap: {count} {whose}s need an axis each, {what} has {len(axes)}")
    return [axis if axis is None else int(axis) for axis in axes]


def _axis_place(axis: int, rank: int, name: str) -> int:
    if not -rank - 1 <= axis <= rank:
        raise DiffcError(f"vmap: {name} has {rank} axes, a new one cannot stand at {axis}")
    return axis % (rank + 1)


def _names(prefix: str, nodes: Sequence[Node], several: bool) -> list[str]:
    return [f"{prefix}{node.attrs['name']}" for node in nodes] if several else ["out"]


def _new_inputs(prefix: str, names: Sequence[str], types: Sequence[Type], taken: Sequence[str]) -> list[Node]:
    nodes: list[Node] = []
    used = list(taken)
    for name, type_ in zip(names, types, strict=True):
        used.append(fresh_name(f"{prefix}{name}", used))
        nodes.append(input_node(used[-1], type_))
    return nodes


def _replace_leaves(tree: Tree, leaves: Mapping[int, Tree]) -> Tree:
    return leaves[tree] if isinstance(tree, int) else tuple(_replace_leaves(each, leaves) for each in tree)


def _derived(
    graph: Graph,
    name: str,
    outputs: Sequence[Node],
    names: Sequence[str],
    tree: Tree,
    adjoints: Mapping[Node, Node] | None = None,
) -> Graph:
    """Return the graph of derivatives, in which each adjoint knows whose it is."""
    derived = graph.related(name, outputs, distinct_names(names), tree)
    if not adjoints:
        return derived
    provenance = adjoints_of(graph.outputs, adjoints, derived.nodes)
    return derived.with_outputs(outputs, provenance=provenance)
