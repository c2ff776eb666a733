"""Derivatives of a function that returns (value, aux): aux stands beside them, and is not differentiated."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Protocol

from diffc.autodiff.selection import Wrt, distinct_names
from diffc.errors import DiffcError
from diffc.ir import Graph, Tree, tree_leaves

__all__ = ["with_aux"]


class _Transform(Protocol):
    def __call__(self, graph: Graph, wrt: Wrt = 0, has_aux: bool = False) -> Graph: ...


def with_aux(transform: Callable[[Graph, Wrt], Graph]) -> _Transform:
    """Return a transform that takes functions of both kinds; its result is (result, aux) for the second one.

    The result of `value_and_grad` is ((value, aux), gradient).
    """

    @wraps(transform)
    def of_either(graph: Graph, wrt: Wrt = 0, has_aux: bool = False) -> Graph:
        if not has_aux:
            return transform(graph, wrt)
        tree = graph.tree
        if isinstance(tree, int) or len(tree) != 2 or tree[0] == ():
            raise DiffcError(
                f"{transform.__name__} with has_aux=True takes a function that returns a pair, (value, aux); "
                f"{graph.name} returns {_spelled(tree)}"
            )
        value, aux = tree
        derived = transform(_part(graph, value), wrt)
        beside = _part(graph, aux)
        count = len(derived.outputs)
        behind = _moved(beside.tree, count) if beside.outputs else ()
        first = derived.tree
        if transform.__name__ == "value_and_grad" and not isinstance(first, int):
            arranged: Tree = ((first[0], behind), first[1])
        else:
            arranged = (first, behind)
        outputs = [*derived.outputs, *beside.outputs]
        order = tree_leaves(arranged)  # outputs stand in the order in which they are handed out
        names = [*derived.output_names, *beside.output_names]
        return derived.with_outputs(
            [outputs[k] for k in order],
            names=distinct_names([names[k] for k in order]),
            tree=_renamed(arranged, {k: place for place, k in enumerate(order)}),
        )

    return of_either


def _part(graph: Graph, tree: Tree) -> Graph:
    """Return the graph with a part of its outputs alone."""
    leaves = tree_leaves(tree)
    return graph.with_outputs(
        [graph.outputs[k] for k in leaves],
        names=[graph.output_names[k] for k in leaves],
        tree=_renamed(tree, {k: place for place, k in enumerate(leaves)}),
    )


def _moved(tree: Tree, by: int) -> Tree:
    return _renamed(tree, {k: k + by for k in tree_leaves(tree)})


def _renamed(tree: Tree, places: dict[int, int]) -> Tree:
    return places[tree] if isinstance(tree, int) else tuple(_renamed(each, places) for each in tree)


def _spelled(tree: Tree) -> str:
    return "one value" if isinstance(tree, int) else f"a tuple of {len(tree)}"
