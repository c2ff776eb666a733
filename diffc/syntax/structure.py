"""The outputs of a graph in the IR's text, both ways: names, nesting and order.

return %2                                        one bare output
return %2, %5                                    a flat tuple of two
return (%2,)                                     a tuple of one
return value = %2, (d_a = %5, d_b = %7)          names and a nested tuple
return [1] %2, [0] %5                            the first output is handed over last
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from diffc.ir import Graph, Node, Tree, tree_leaves
from diffc.syntax.scanner import Scanner
from diffc.syntax.strings import print_name, read_string

__all__ = ["print_outputs", "read_outputs"]

_INDEX = re.compile(r"[0-9]{1,18}")
_NAMED = re.compile(r'(?:[A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\\n]|\\.)*")(?=[ \t]*=)')


def print_outputs(graph: Graph, texts: Mapping[Node, str]) -> str:
    """Return what follows `return`; names are printed where they are not the default ones. Iterative."""
    default = Graph(graph.name, graph.inputs, graph.outputs).output_names
    named = graph.output_names != default
    ordered = tree_leaves(graph.tree) == list(range(len(graph.outputs)))

    def leaf(position: int) -> str:
        place = "" if ordered else f"[{position}] "
        name = f"{print_name(graph.output_names[position])} = " if named else ""
        return place + name + texts[graph.outputs[position]]

    if isinstance(graph.tree, int):
        return leaf(graph.tree)
    parts: list[str] = []
    stack: list[Tree | str] = [graph.tree]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(item)
        elif isinstance(item, int):
            parts.append(leaf(item))
        else:
            separated: list[Tree | str] = ["("]
            for k, each in enumerate(item):
                separated += [", ", each] if k else [each]
            separated.append(",)" if len(item) == 1 else ")")
            stack.extend(reversed(separated))
    return "".join(parts[1:-1] if len(graph.tree) > 1 else parts)


def read_outputs(
    scanner: Scanner, operand: Callable[[], Node]
) -> tuple[tuple[Node, ...], tuple[str, ...], Tree]:
    """Return the outputs, their names (none where they are the default ones) and their structure.

    Raises:
        SyntaxProblem: for a line that `print_outputs` does not give; `operand` reads one output.
    """
    start = scanner.skip()
    leaves: list[tuple[int | None, str | None, Node]] = []

    def leaf() -> int:
        leaves.append((_place(scanner), _name(scanner), operand()))
        return len(leaves) - 1

    trees: list[Tree] = [scanner.nested(leaf)]
    while scanner.take(","):
        trees.append(scanner.nested(leaf))
    scanner.end_line()
    places = [k if place is None else place for k, (place, _, _) in enumerate(leaves)]
    names = [each for _, each, _ in leaves if each is not None]
    if sorted(places) != list(range(len(leaves))) or len(names) not in (0, len(leaves)):
        raise scanner.problem("all outputs or none have names, and each has a place of its own", start)
    order = sorted(range(len(leaves)), key=places.__getitem__)
    tree = _placed(trees[0] if len(trees) == 1 else tuple(trees), places)
    return tuple(leaves[k][2] for k in order), tuple(names[k] for k in order) if names else (), tree


def _place(scanner: Scanner) -> int | None:
    if not scanner.take("["):
        return None
    place = int(scanner.read(_INDEX, "an output's place"))
    scanner.expect("]")
    return place


def _name(scanner: Scanner) -> str | None:
    position = scanner.skip()
    name = scanner.match(_NAMED)
    if name is None:
        return None
    scanner.expect("=")
    return scanner.convert(read_string, name, position) if name.startswith('"') else name


def _placed(tree: Tree, places: list[int]) -> Tree:
    """Return the structure with each output's number replaced; as deep as the scanner allowed."""
    return places[tree] if isinstance(tree, int) else tuple(_placed(each, places) for each in tree)
