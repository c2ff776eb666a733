"""The plan of a program in blocks: steps that run once, between steps that run block by block.

A value with the chosen axis is computed block by block, any other once. A reduction over the axis ends a step
in blocks: each block leaves its part, and the parts are combined in the order of the blocks, so that the
result does not depend on who computed which. What a later step in blocks needs is kept whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diffc.blocks.axes import REDUCTIONS
from diffc.ir import Dim, Extent, Graph, Node, Type
from diffc.ir.plan import START, BlockPlan, BlockStep, Read, Write
from diffc.ops import input_node, iota
from diffc.ops.arithmetic import add
from diffc.ops.broadcasting import zeros
from diffc.ops.constant import const
from diffc.ops.indexing import scatter_add

__all__ = ["Choice", "plan_of", "separated"]


@dataclass(frozen=True)
class Choice:
    """A class of axes: the axis of each value that is in it, the extent, the work for one place."""

    axis: Callable[[Node], int | None]
    extent: Extent
    cost: Extent


def separated(graph: Graph) -> Graph:
    """Return the graph with rows added onto zeros only: scatter_add(x, i, r) => x + scatter_add(0, i, r)."""

    def change(node: Node, inputs: Sequence[Node]) -> Node:
        if node.is_op("scatter_add"):
            base, indices, rows = inputs
            nothing = zeros(base.type)
            return node.replace(inputs) if base is nothing else add(base, scatter_add(nothing, indices, rows))
        return node.replace(inputs)

    return graph.map_nodes(change)


def plan_of(graph: Graph, choice: Choice) -> BlockPlan | None:
    """Return the plan of a graph cut along a class of axes; None where a step would lack a symbol's value."""
    return _Planner(graph, choice).plan()


class _Planner:
    """Gives every value a level, the number of reductions over the axis before it, and makes the steps."""

    def __init__(self, graph: Graph, choice: Choice) -> None:
        self.graph = graph
        self.choice = choice
        self.axis = choice.axis
        self.rows = Dim.symbol(_fresh("rows", graph.symbols))
        self.names = _names(graph)
        self.embedded = _embedded(graph, choice)
        self.combine: dict[Node, str] = {}
        self.level: dict[Node, int] = {}
        for node in graph.nodes:
            self.level[node] = max((self.level[each] for each in node.inputs), default=0)
            if self._reduces(node):
                self.combine[node] = REDUCTIONS[node.op.name]
                self.level[node] += 1
            elif self._is_sum_of_parts(node):
                self.combine[node] = "add"

    def plan(self) -> BlockPlan | None:
        """Return the steps by level: once, in blocks, once, ..."""
        steps: list[BlockStep] = []
        for (_, in_blocks), wanted in sorted(self._wanted().items()):
            step = self._step(wanted, in_blocks)
            if not _given(step.graph):
                return None
            steps.append(step)
        constants = {
            self.names[node]: const.reference(node.attrs)
            for node in self.graph.nodes
            if node.op is const and self.axis(node) is not None
        }
        inputs = tuple(self.names[node] for node in self.graph.inputs)
        outputs = tuple(self.names[node] for node in self.graph.outputs)
        needs = self.graph.requirements
        return BlockPlan(
            tuple(steps), inputs, outputs, constants, self.choice.extent, self.choice.cost, needs
        )

    def _reduces(self, node: Node) -> bool:
        return self.axis(node) is None and any(self.axis(each) is not None for each in node.inputs)

    def _is_sum_of_parts(self, node: Node) -> bool:
        """Whether the parts of a value can be made of the parts of its operands, which are added up."""
        operands = [each for each in node.inputs if each not in self.embedded]
        if not node.is_op("add", "sub", "neg", "mul", "reshape") or not operands:
            return False
        linear = len(operands) == (1 if node.is_op("mul") else len(node.inputs))
        added = all(self.combine.get(each) == "add" for each in operands)
        return linear and added and len({self.level[each] for each in operands}) == 1

    def _place(self, node: Node) -> tuple[int, bool]:
        """Return the step that computes a value: its level, and whether it runs in blocks."""
        part = node in self.combine
        return self.level[node] - part, part or self.axis(node) is not None

    def _is_given(self, node: Node) -> bool:
        """Whether a value is there before any step."""
        return node.is_op("input") or (node.op is const and self.axis(node) is not None)

    def _wanted(self) -> dict[tuple[int, bool], list[Node]]:
        """Return, for each step, the values that other steps or the caller use."""
        used = set(self.graph.outputs)
        for node in self.graph.nodes:
            place = self._place(node)
            if node not in self.embedded:
                used.update(
                    each for each in node.inputs if each not in self.embedded and self._place(each) != place
                )
        wanted: dict[tuple[int, bool], list[Node]] = {}
        for node in self.graph.nodes:
            if node in used and not self._is_given(node):
                wanted.setdefault(self._place(node), []).append(node)
        return wanted

    def _step(self, wanted: Sequence[Node], in_blocks: bool) -> BlockStep:
        place = self._place(wanted[0])
        reads: dict[Node, Read] = {}
        new: dict[Node, Node] = {}
        for node in self._needed(wanted, place):
            axis = self.axis(node) if in_blocks else None
            if self._is_outside(node, place):
                new[node] = input_node(self.names[node], self._type(node, axis))
                reads[new[node]] = Read(self.names[node], axis)
            elif axis is not None and node.is_op("iota"):
                start = input_node(START, Type("i64"))
                reads[start] = Read(START)
                new[node] = add(iota(self.rows), start)
            else:
                new[node] = self._rebuilt(node, [new[each] for each in node.inputs], axis)
        names = tuple(self.names[node] for node in wanted)
        # Messages of its checks are the program's: it has the same name, as its inputs have.
        graph = Graph(self.graph.name, tuple(reads), tuple(new[node] for node in wanted), names)
        if not in_blocks:
            graph, reads = self._with_shapes(graph, reads)
        writes = tuple(self._write(node, in_blocks) for node in wanted)
        return BlockStep(graph, tuple(reads.values()), writes, in_blocks)

    def _with_shapes(self, graph: Graph, reads: dict[Node, Read]) -> tuple[Graph, dict[Node, Read]]:
        """Add those of the program's inputs whose shapes give symbols that the step needs."""
        missing = _symbols(graph) - _alone(graph.inputs)
        for node in self.graph.inputs:
            found = _alone((node,)) & missing
            if found:
                missing -= found
                reads[input_node(self.names[node], node.type)] = Read(self.names[node])
        return Graph(graph.name, tuple(reads), graph.outputs, graph.output_names), reads

    def _is_outside(self, node: Node, place: tuple[int, bool]) -> bool:
        return self._is_given(node) or (node not in self.embedded and self._place(node) != place)

    def _needed(self, wanted: Sequence[Node], place: tuple[int, bool]) -> list[Node]:
        """Return what the values of a step are made of, in order, down to what comes from outside."""
        found: set[Node] = set()
        stack = list(wanted)
        while stack:
            node = stack.pop()
            if node not in found:
                found.add(node)
                stack.extend(() if self._is_outside(node, place) else node.inputs)
        return [node for node in self.graph.nodes if node in found]

    def _type(self, node: Node, axis: int | None) -> Type:
        return node.type if axis is None else node.type.with_shape(_with(node.shape, axis, self.rows))

    def _rebuilt(self, node: Node, inputs: Sequence[Node], axis: int | None) -> Node:
        attrs = dict(node.attrs)
        for key in ("shape", "sizes"):
            if key in attrs and axis is not None:
                attrs[key] = _with(attrs[key], axis, self.rows)
        return Node.make(node.op, inputs, attrs)

    def _write(self, node: Node, in_blocks: bool) -> Write:
        axis = self.axis(node) if in_blocks else None
        return Write(self.names[node], node.type, axis, self.combine.get(node, ""))


def _with(shape: tuple[Extent, ...], axis: int, extent: Extent) -> tuple[Extent, ...]:
    return (*shape[:axis], extent, *shape[axis + 1 :])


def _names(graph: Graph) -> dict[Node, str]:
    """Return the plan's names of values: those of the inputs, and v0, v1, ... of the others."""
    names: dict[Node, str] = {}
    taken = {START, *graph.input_names}
    for k, node in enumerate(graph.nodes):
        name = node.attrs["name"] if node.is_op("input") else _fresh(f"v{k}", tuple(taken))
        names[node] = _fresh(f"v{k}", tuple(taken)) if name == START else name
        taken.add(names[node])
    return names


def _embedded(graph: Graph, choice: Choice) -> set[Node]:
    """Return the values that each step makes for itself: constants, and what is spread from them alone."""
    found: set[Node] = set()
    for node in graph.nodes:
        axis = choice.axis(node)
        static = all(isinstance(extent, int) for k, extent in enumerate(node.shape) if k != axis)
        cheap = node.is_op("iota", "broadcast", "reshape") or (node.op is const and axis is None)
        if static and cheap and found.issuperset(node.inputs):
            found.add(node)
    return found


def _symbols(graph: Graph) -> set[str]:
    """Return the symbols of all values of a graph."""
    return {symbol for node in graph.nodes for symbol in node.symbols()}


def _alone(inputs: Sequence[Node]) -> set[str]:
    """Return the symbols that are an extent of an input, so that its shape gives their values."""
    return {str(e) for node in inputs for e in node.shape if isinstance(e, Dim) and e.is_symbol}


def _given(graph: Graph) -> bool:
    """Whether the shapes of a step's inputs give every symbol in it."""
    return _symbols(graph) <= _alone(graph.inputs)


def _fresh(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name
