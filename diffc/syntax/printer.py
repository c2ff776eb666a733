"""The IR's text form: a graph as text that `read_graph` reads back exactly.

    graph f(%a: f64[], %b: f64[N, 3])
      %0 = add %a, %b            : f64[N, 3]
      %1 = sum %0 {axes=(1,)}    : f64[N]  # adjoint of %3
      return %1

Inputs are `%name`, other nodes `%0`, `%1`, ... in topological order; scalar constants stand where they
are used. A name that is no plain identifier is quoted. Where the node came from follows `#`: a remark, or the
value of this text whose adjoint it is, which reading finds again. Lines such as
`requires N-1 >= 0  # why`, before all others, say what was assumed of the symbols. The outputs
carry names where they are not the default ones, and brackets where they are nested:
`return value = %2, (d_a = %5, d_b = %7)`. A graph that is an attribute is printed
before, as `@0 = graph ...`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from diffc.ir import Graph, Node, Origin
from diffc.syntax.literals import print_array, print_attribute, print_number
from diffc.syntax.strings import print_name, print_string
from diffc.syntax.structure import print_outputs

__all__ = ["print_graph"]

_MIN_WIDTH, _MAX_WIDTH = 26, 60

_Label = Callable[[Graph], str]


def print_graph(graph: Graph) -> str:
    """Return the graph's text, without a newline at the end. Takes time linear in the graph."""
    labels: dict[bytes, str] = {}
    blocks: list[str] = []
    for each in _nested_first(graph):
        head = ""
        if each is not graph:
            labels[each.digest] = f"@{len(labels)}"
            head = labels[each.digest] + " = "
        blocks.append(head + _print_block(each, lambda nested: labels[nested.digest]))
    return "\n\n".join(blocks)


def _nested_first(graph: Graph) -> list[Graph]:
    """Return the graph after every graph that it holds as an attribute, each once."""
    order: dict[bytes, Graph] = {}
    stack = [(graph, False)]
    while stack:
        each, entered = stack.pop()
        if entered or not (inner := _attribute_graphs(each)):
            order.setdefault(each.digest, each)
        elif each.digest not in order:
            stack.append((each, True))
            stack.extend((nested, False) for nested in reversed(inner))
    return list(order.values())


def _attribute_graphs(graph: Graph) -> list[Graph]:
    found: list[Graph] = []
    for node in graph.nodes:
        waiting = list(node.attrs.values()) if node.attrs else []
        for value in waiting:
            if isinstance(value, Graph):
                found.append(value)
            elif isinstance(value, tuple):
                waiting.extend(value)  # pyright: ignore[reportUnknownArgumentType]
    return found


def _print_block(graph: Graph, label: _Label) -> str:
    names = {node: f"%{print_name(node.attrs['name'])}" for node in graph.inputs}
    inputs = ", ".join(f"{names[node]}: {node.anytype}" for node in graph.inputs)
    listed: list[Node] = []
    for node in graph.nodes:
        if node in names:
            continue
        inline = _inline(node)
        if inline is not None and not isinstance(graph.provenance.get(node), str):
            names[node] = inline
            continue
        names[node] = f"%{len(listed)}"
        listed.append(node)
    lines: list[tuple[str, str, str]] = []
    for node in listed:
        left = f"{names[node]} = {_operation(node, names, label)}"
        lines.append((left, str(node.anytype), _comment(graph.provenance.get(node), names)))
    width = min(
        _MAX_WIDTH, max([_MIN_WIDTH, *(len(left) for left, _, _ in lines if len(left) <= _MAX_WIDTH)])
    )
    body = [f"  requires {extent} >= 0  # {_remark(problem)}" for extent, problem in graph.assumed]
    body += [f"  {left:<{width}} : {type_}{comment}" for left, type_, comment in lines]
    head = f"graph {print_name(graph.name)}({inputs})"
    return "\n".join([head, *body, f"  return {print_outputs(graph, names)}"])


def _inline(node: Node) -> str | None:
    """Return the text that stands for the node wherever it is used, or None when it has a line."""
    if node.is_op("const") and node.rank == 0:
        return print_number(node.op.reference(node.attrs)[()], node.dtype)
    return "%" + print_name(node.attrs["name"]) if node.is_op("input") else None


def _comment(origin: Origin | None, names: Mapping[Node, str]) -> str:
    """Return the note behind a line; an adjoint of what this text does not show has none."""
    if isinstance(origin, str):
        return f"  # {_remark(origin)}"
    named = [names[node] for node in origin.of if node in names] if origin else []
    return f"  # adjoint of {named[0]}" if named else ""


def _remark(text: str) -> str:
    plain = text.isprintable() and text == text.strip() and text and not text.startswith('"')
    return text if plain else print_string(text)


def _operation(node: Node, names: dict[Node, str], label: _Label) -> str:
    if node.is_op("const"):
        array = node.op.reference(node.attrs)
        scalar = node.rank == 0
        return "const " + (print_number(array[()], node.dtype) if scalar else print_array(array, node.dtype))
    text: str = node.op.name
    if node.inputs:
        text += " " + ", ".join([names[each] for each in node.inputs])
    if node.attrs:
        shown = ", ".join(
            f"{key}={print_attribute(value, label)}" for key, value in sorted(node.attrs.items())
        )
        text += f" {{{shown}}}"
    return text
