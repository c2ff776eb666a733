"""Inputs that are vectors only in name: every use takes one component.

A model from SymPy packs its coordinates into a vector and then works with scalars. Differentiating
by the components, each an input of its own, keeps the zeros of the Jacobian and the symmetry of the
Hessian visible; by the whole vector they would be padded, added and multiplied.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffc.ir import Node, Type, substitute, topological
from diffc.ops import input_node
from diffc.ops.reshaping import reshape, reshape_op
from diffc.ops.slicing import index, slice_op, stack

__all__ = ["Components", "components_of"]

MAX_COMPONENTS = 256
"""Up to this many components are taken apart."""


class Components:
    """The scalar parts of a vector input, and the way back."""

    def __init__(self, vector: Node, parts: Sequence[Node], uses: dict[Node, Node]) -> None:
        """Take the vector, one scalar input a component, and the scalar for each node that read one."""
        self.vector = vector
        self.parts = list(parts)
        self._uses = uses

    def split(self, outputs: Sequence[Node]) -> list[Node]:
        """Return the outputs as functions of the scalar parts."""
        return substitute(outputs, self._uses)

    def join(self, outputs: Sequence[Node]) -> list[Node]:
        """Return outputs in the scalar parts as functions of the vector again."""
        return substitute(outputs, {part: index(self.vector, k) for k, part in enumerate(self.parts)})

    def stacked(self, values: Sequence[Node]) -> Node:
        """Return one value for each component as an array of the vector's shape behind theirs."""
        return stack(values, axis=values[0].rank)


def components_of(outputs: Sequence[Node], vector: Node) -> Components | None:
    """Return the components of an input that is only ever read one at a time, or None."""
    (size, *rest) = vector.shape or (None,)
    if rest or not isinstance(size, int) or not 1 <= size <= MAX_COMPONENTS:
        return None
    nodes = topological(outputs)
    slices = [node for node in nodes if vector in node.inputs]
    if any(node.op is not slice_op or node.shape != (1,) for node in slices) or vector in outputs:
        return None
    parts = [input_node(f"component {k} of {vector.digest.hex()}", Type(vector.dtype)) for k in range(size)]
    uses: dict[Node, Node] = {}
    for node in slices:
        part = parts[node.attrs["starts"][0]]
        uses[node] = reshape(part, (1,))
    for node in nodes:
        if node.op is reshape_op and node.inputs[0] in uses and node.rank == 0:
            uses[node] = parts[node.inputs[0].attrs["starts"][0]]
    return Components(vector, parts, uses)
