"""What a derivative is taken of and by: the checks that all transforms share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from numbers import Integral
from typing import Any, TypeAlias, TypeGuard

from diffc.errors import DiffcError
from diffc.ir import Graph, Node, Tree
from diffc.ops.reshaping import reshape

__all__ = [
    "Wrt",
    "distinct_names",
    "every_float",
    "fresh_name",
    "input_name",
    "is_integer",
    "nest",
    "scalar_output",
    "select_inputs",
    "shifted",
]

Wrt: TypeAlias = int | str | Sequence[int | str]
"""Inputs by position or name: one, or a sequence of them; a SymPy symbol stands for its name."""


def select_inputs(graph: Graph, wrt: Wrt) -> tuple[list[Node], bool]:
    """Return the inputs that `wrt` names, and whether it was a sequence.

    Raises:
        DiffcError: for no such input, one named twice, or one that is not f64 or f32.
    """
    given: Any = wrt
    several = isinstance(given, Sequence) and not isinstance(given, str)
    chosen: list[Node] = []
    for each in map(input_name, given if several else (given,)):
        if isinstance(each, str):
            node = graph.input(each)
        elif not is_integer(each):
            raise DiffcError(
                f"{graph.name}: wrt is an input's name, its position, or a list of them, not {given!r:.60}"
            )
        elif -len(graph.inputs) <= each < len(graph.inputs):
            node = graph.inputs[each]
        else:
            raise DiffcError(f"{graph.name} has {len(graph.inputs)} inputs, there is none at position {each}")
        if not node.type.is_float:
            name = node.attrs["name"]
            raise DiffcError(
                f"{graph.name} cannot be differentiated by {name!r}: it is {node.type}; give it floats, as "
                f"with {name}.astype(float), or declare it f64"
            )
        if node in chosen:
            raise DiffcError(f"{graph.name}: {node.attrs['name']!r} is named twice in wrt")
        chosen.append(node)
    if not chosen:
        raise DiffcError(f"{graph.name}: wrt names no input")
    return chosen, several


def input_name(given: Any) -> Any:
    """Return the name of the input that a SymPy symbol or expression stands for; anything else as it is."""
    if not hasattr(given, "free_symbols") or is_integer(given):
        return given
    return str(given.name if given.is_Symbol else given)


def every_float(graph: Graph) -> Wrt:
    """Return what selects every f64 and f32 input; a single one as itself, as `grad(f)` takes it."""
    floats = [k for k, node in enumerate(graph.inputs) if node.type.is_float]
    return floats[0] if len(floats) == 1 else floats


def is_integer(value: object) -> TypeGuard[int]:
    """Tell whether a value is an integer, NumPy's included, and no bool."""
    return isinstance(value, Integral) and value is not True and value is not False


def scalar_output(graph: Graph, transform: str) -> Node:
    """Return the single float output as a scalar: an array of one element, such as (1, 1), is one, too.

    Raises:
        DiffcError: for any other, with what to use instead.
    """
    if len(graph.outputs) != 1 or any(extent != 1 for extent in graph.outputs[0].shape):
        shown = ", ".join(f"{n}: {o.type}" for n, o in zip(graph.output_names, graph.outputs, strict=True))
        several = "; where it returns (value, aux), say has_aux=True" if len(graph.outputs) > 1 else ""
        raise DiffcError(
            f"{transform} takes a function with one scalar output, {graph.name} gives {shown}: "
            f"use jacobian or vjp{several}"
        )
    (output,) = graph.outputs
    if not output.type.is_float:
        raise DiffcError(
            f"{transform} of {graph.name}: the output is {output.type}, which has no derivative but 0: "
            "return a float, or as aux what is not to be differentiated"
        )
    return reshape(output, ()) if output.rank else output


def fresh_name(wanted: str, taken: Collection[str]) -> str:
    """Return the wanted name, with underscores behind it until it is not taken."""
    while wanted in taken:
        wanted += "_"
    return wanted


def distinct_names(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the wanted names, each one fresh among those before it."""
    taken: dict[str, None] = {}
    for name in wanted:
        taken[fresh_name(name, taken)] = None
    return tuple(taken)


def shifted(tree: Tree, by: int) -> Tree:
    """Return an output structure with all its positions moved up."""
    return tree + by if isinstance(tree, int) else tuple(shifted(each, by) for each in tree)


def nest(count: int, several: bool, start: int = 0) -> Tree:
    """Return the structure of results for `count` inputs: bare for one that was named alone."""
    return tuple(range(start, start + count)) if several else start
