"""A compiled program of a plain Python function: what calls of one signature run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from diffc.autodiff.selection import fresh_name
from diffc.frontends.numpy.outside.guards import Guards
from diffc.frontends.numpy.structure import Structure
from diffc.functions.function import Function
from diffc.functions.python.effects import Effects
from diffc.ir import Node, substitute
from diffc.ops import input_node
from diffc.ops.captured import Captured, captured_arrays

__all__ = ["Program"]


@dataclass(frozen=True, eq=False)
class Program:
    """What calls of one signature run, as long as its guards hold.

    `structure` is that of the result, without what is written outside.
    """

    function: Function
    structure: Structure
    guards: Guards
    effects: Effects | None
    key: Any
    """Of the calls that it was traced for, with the integers on which it depends."""

    @property
    def kernel(self) -> Callable[..., Any]:
        """The kernel: what the function reads outside by paths are inputs behind its own."""
        if not self.guards.inputs:
            return self.function.kernel
        return _with_inputs(self.function, [each.name for each in self.guards.inputs]).kernel

    @property
    def written(self) -> list[int]:
        """The positions of the leaves that are written to."""
        return [] if self.effects is None else self.effects.leaves


def _with_inputs(f: Function, names: Sequence[str]) -> Function:
    """Return a function whose captured arrays of these names are inputs, behind its own."""
    nodes = captured_arrays(f.graph)
    taken = list(f.graph.input_names)
    inputs: dict[Node, Node] = {}
    for name in names:
        inputs[nodes[name]] = input_node(fresh_name(name, taken), nodes[name].type)
        taken.append(inputs[nodes[name]].attrs["name"])
    outputs = substitute(f.graph.outputs, inputs)
    graph = replace(f.graph, inputs=(*f.graph.inputs, *inputs.values()), outputs=tuple(outputs))
    rest = {name: value for name, value in f.captured.items() if name not in names}
    return Function(graph, f.derived, f.math, Captured(rest, f.captured.decisions))
