"""A captured array: an array that a program refers to without containing it.

Its name and its type are part of the program, its elements are not: a `Function` binds them, and a kernel
reads them where they lie. The same program on other data is therefore the same code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diffc.errors import TypeProblem
from diffc.ir import Graph, Node, Type
from diffc.ops.base import Array, Leaf, register

__all__ = ["captured_array", "captured_arrays", "captured_op"]


@register
class captured_op(Leaf):
    """A constant array that is bound when the program is loaded."""

    name = "captured"
    summary = "an array that a function refers to; bound by name, not contained"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the declared type."""
        return attrs["type"]

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Raise: the Function knows the array, the graph does not."""
        raise TypeProblem(
            f"the captured array {attrs['name']!r} has no value here: keep it with its Function"
        )


def captured_array(name: str, type_: Type) -> Node:
    """Return the captured array of this name and type."""
    return Node.make(captured_op, (), {"name": name, "type": type_})


def captured_arrays(graph: Graph) -> dict[str, Node]:
    """Return the captured arrays of a graph by name."""
    return {node.attrs["name"]: node for node in graph.nodes if node.op is captured_op}
