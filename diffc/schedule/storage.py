"""Storage: the buffers of a program, and which node's values lie in which of them.

Values stay in registers as long as their readers stand in the same iteration; only a value that is read
elsewhere, or that is an output, gets a buffer.
"""

from __future__ import annotations

from diffc.ir import Graph, Node, Type
from diffc.loops.places import Buffer
from diffc.ops.captured import captured_op
from diffc.ops.constant import const
from diffc.schedule.decide import Decisions

__all__ = ["Storage"]


class Storage:
    """The buffers so far, by their roles and by the nodes that they hold."""

    def __init__(self, graph: Graph, decisions: Decisions) -> None:
        """Make the buffers of the inputs and outputs."""
        # As the dump numbers them, in which numbers stand where they are used.
        listed = [n for n in graph.nodes if not n.is_op("input") and (n.rank or n.op is not const)]
        self.numbers = {node: k for k, node in enumerate(listed)}
        self.inputs = [
            Buffer(n.attrs["name"], n.type, "input", k, node=n) for k, n in enumerate(graph.inputs)
        ]
        self.outputs = [
            Buffer(name, node.type, "output", k)
            for k, (name, node) in enumerate(zip(graph.output_names, graph.outputs, strict=True))
        ]
        self.constants: list[Buffer] = []
        self.work: list[Buffer] = []
        self.aliases: list[Buffer] = []
        self.buffers: dict[Node, Buffer] = dict(zip(graph.inputs, self.inputs, strict=True))
        self._decisions = decisions
        for node, position in decisions.outputs.written.items():
            self._write_output(node, self.outputs[position])

    def _write_output(self, node: Node, output: Buffer) -> None:
        """Give an output's memory to the computation that makes it, which sees it in its own shape."""
        if node.shape == output.type.shape:
            output.node = node
            self.buffers[node] = output
        else:
            self.buffers[node] = self._alias(node, output)

    def buffer(self, node: Node) -> Buffer:
        """Return the memory of a base, made when first asked for."""
        found = self.buffers.get(node)
        if found is None:
            found = self.buffers[node] = self._new_buffer(node)
        return found

    def scratch(self, node: Node, kind: Type) -> Buffer:
        """Return memory that only the routine which computes a node uses."""
        buffer = Buffer(f"{self._name(node)}_scratch_{len(self.work)}", kind, "scratch", len(self.work))
        self.work.append(buffer)
        return buffer

    def bring_captured_last(self) -> None:
        """Bring captured arrays behind the other constants: they are bound after the code is there."""
        self.constants.sort(key=lambda buffer: buffer.node is not None and buffer.node.op is captured_op)
        for position, buffer in enumerate(self.constants):
            buffer.position = position

    def _new_buffer(self, node: Node) -> Buffer:
        bases = self._decisions.bases
        if node.op in (const, captured_op) and node not in bases.copied:
            name = node.attrs.get("name", f"const_{len(self.constants)}")
            buffer = Buffer(name, node.type, "constant", len(self.constants), node=node)
            self.constants.append(buffer)
        elif node in self._decisions.aliases:
            buffer = self._alias(node, self.buffer(bases.whole(node.inputs[0])[0]))
        else:
            buffer = Buffer(self._name(node), node.type, "work", len(self.work), node=node)
            self.work.append(buffer)
        return buffer

    def _alias(self, node: Node, source: Buffer) -> Buffer:
        """Return the memory of a buffer in the shape of a node."""
        buffer = Buffer(self._name(node), node.type, "alias", base=source, node=node)
        self.aliases.append(buffer)
        return buffer

    def _name(self, node: Node) -> str:
        """Return the name of a node's memory, with its number in the dump if it has one there."""
        return f"{node.op.name}_{self.numbers.get(node, 'c')}"
