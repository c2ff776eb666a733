"""Graphs: a name, named inputs, and outputs with names and a structure.

A graph holds no nodes of its own: it is a window on the interned DAG. Where a node came from is
kept here, beside the nodes, and never takes part in a node's identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TypeAlias

from diffc.errors import DiffcError
from diffc.ir.dim import dim_symbols
from diffc.ir.lazy import lazy
from diffc.ir.node import Node, topological, users_of
from diffc.ir.provenance import Origin, carried
from diffc.ir.requirements import Requirement, required_by, strongest

__all__ = ["Graph", "Tree", "flat_tree", "substitute", "tree_leaves"]

Tree: TypeAlias = "int | tuple[Tree, ...]"
"""How the outputs are handed to the caller: a position, or a (nested) tuple of positions."""


def tree_leaves(tree: Tree) -> list[int]:
    """Return the positions in a structure, in the order in which they stand. Iterative."""
    leaves: list[int] = []
    stack: list[Tree] = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, int):
            leaves.append(item)
        else:
            stack.extend(reversed(item))
    return leaves


def flat_tree(count: int) -> Tree:
    """Return the structure of one bare output, or of a flat tuple of several."""
    return 0 if count == 1 else tuple(range(count))


@dataclass(frozen=True, eq=False)
class Graph:
    """A program. `inputs` are nodes of the operation `input`; `outputs` any nodes made of them.

    `assumed` is what was assumed of the symbols while the program was built.
    """

    name: str
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    output_names: tuple[str, ...] = ()
    tree: Tree = ()
    provenance: Mapping[Node, Origin] = field(default_factory=dict[Node, Origin])
    assumed: tuple[Requirement, ...] = ()

    def __post_init__(self) -> None:
        """Fill in the defaults: outputs named `out`, or `out0`, `out1`; one bare or a flat tuple."""
        count = len(self.outputs)
        if not self.output_names:
            names = ("out",) if count == 1 else tuple(f"out{k}" for k in range(count))
            object.__setattr__(self, "output_names", names)
        if self.tree == ():
            object.__setattr__(self, "tree", flat_tree(count))
        if len(self.output_names) != count:
            raise DiffcError(f"{count} outputs have {len(self.output_names)} names")

    @lazy
    def nodes(self) -> list[Node]:
        """All inputs, then every other node that the outputs need, in topological order."""
        inputs = list(self.inputs)
        seen = set(inputs)
        return inputs + [node for node in topological(self.outputs) if node not in seen]

    @lazy
    def users(self) -> Mapping[Node, Sequence[Node]]:
        """Which nodes read each node that is read, in order, one once for each place where it reads it."""
        return users_of(self.nodes)

    @lazy
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs, in order."""
        return tuple(node.attrs["name"] for node in self.inputs)

    @lazy
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the inputs' shapes, in order of appearance."""
        found = [s for node in self.inputs for extent in node.shape for s in dim_symbols(extent)]
        return tuple(dict.fromkeys(found))

    @lazy
    def requirements(self) -> tuple[Requirement, ...]:
        """What the symbols must satisfy at each call: what was assumed, and what the nodes ask for."""
        found = required_by(self.nodes)
        asked = [Requirement(extent, f"{self.name}: {problem}") for extent, problem in found]
        return tuple(
            Requirement(extent, f"{problem}, which needs {extent} >= 0")
            for extent, problem in strongest([*self.assumed, *asked])
        )

    @lazy
    def digest(self) -> bytes:
        """A digest of everything but the provenance; it is the same in every process."""
        parts = [self.name.encode(), repr(self.output_names).encode(), repr(self.tree).encode()]
        parts += [f"{extent} {problem}".encode("utf-8", "surrogatepass") for extent, problem in self.assumed]
        parts += [node.digest for node in self.inputs] + [b"->"] + [node.digest for node in self.outputs]
        return blake2b(b"\x00".join(parts), digest_size=16).digest()

    def input(self, name: str) -> Node:
        """Return the input of this name; raise `DiffcError` that lists the names there are."""
        for node in self.inputs:
            if node.attrs["name"] == name:
                return node
        raise DiffcError(f"{self.name} has no input {name!r}; its inputs are {', '.join(self.input_names)}")

    def with_outputs(
        self,
        outputs: Sequence[Node],
        *,
        names: Sequence[str] | None = None,
        tree: Tree | None = None,
        provenance: Mapping[Node, Origin] | None = None,
    ) -> Graph:
        """Return this graph with other outputs; names and structure are kept unless given."""
        return replace(
            self,
            outputs=tuple(outputs),
            output_names=self.output_names if names is None else tuple(names),
            tree=self.tree if tree is None else tree,
            provenance=self.provenance if provenance is None else provenance,
        )

    def related(
        self,
        name: str,
        outputs: Sequence[Node],
        names: Sequence[str] = (),
        tree: Tree = (),
        *,
        inputs: Sequence[Node] | None = None,
        provenance: Mapping[Node, Origin] | None = None,
    ) -> Graph:
        """Return another program about the same arrays: what was assumed of the symbols holds for it, too."""
        arguments = self.inputs if inputs is None else tuple(inputs)
        return Graph(name, arguments, tuple(outputs), tuple(names), tree, provenance or {}, self.assumed)

    def map_nodes(self, change: Callable[[Node, Sequence[Node]], Node]) -> Graph:
        """Rebuild the graph: `change(node, new_inputs)` gives each node's successor, in order."""
        new: dict[Node, Node] = {}
        for node in self.nodes:
            new[node] = change(node, [new[each] for each in node.inputs])
        provenance = carried(self.provenance, new)
        return self.with_outputs([new[node] for node in self.outputs], provenance=provenance)


def substitute(outputs: Iterable[Node], replacement: Mapping[Node, Node]) -> list[Node]:
    """Return the outputs with some nodes replaced by others, everywhere. Iterative."""
    outputs = list(outputs)
    new = dict(replacement)
    for node in topological(outputs, stop=set(replacement)):
        if node not in new:
            new[node] = node.replace([new[each] for each in node.inputs])
    return [new[node] for node in outputs]
