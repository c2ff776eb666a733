"""The scheduler: a graph becomes a program of loops.

Values stay in registers as long as their readers stand in the same iteration; only a value that is
read elsewhere, or that is an output, gets a buffer. What each kind of operation does in its loops is
in `diffc.schedule.nests`; which loops it shares with others is decided by `diffc.schedule.placement`.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffc.ir import Extent, Graph, Node
from diffc.loops.form import Block, Loop, Loops
from diffc.loops.places import Affine, Buffer, Operand, Scalar
from diffc.loops.statements import (
    BoundsCheck,
    Compute,
    DimValue,
    IndexValue,
    Load,
    Statement,
    Store,
)
from diffc.ops import scalar_value
from diffc.ops.captured import captured_op
from diffc.ops.constant import const, dim_op, iota_op
from diffc.ops.indexing import gather_op
from diffc.ops.products import matmul_op
from diffc.ops.reshaping import reshape_op
from diffc.schedule.indexing import gathers_in_place
from diffc.schedule.nests import place
from diffc.schedule.order import ordered
from diffc.schedule.placement import Cursor, LoopNests, Read
from diffc.schedule.products import copied_factors, inlined
from diffc.schedule.recompute import operand_index, recomputed
from diffc.schedule.routines import is_routine, reads_in_place
from diffc.schedule.views import VIEWS, DimIndex, Index, identity_index, is_identity, resolve

__all__ = ["Scheduler", "schedule"]


def schedule(graph: Graph) -> Loops:
    """Return the program of loops that computes a graph whose derived operations are expanded."""
    return Scheduler(graph).run()


class Scheduler:
    """The state of one scheduling: the loops so far, where each value is, and the buffers."""

    def __init__(self, graph: Graph) -> None:
        """Prepare buffers for the graph's inputs and outputs."""
        self.graph = graph
        self.nests = LoopNests()
        self.checks: list[str] = []
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
        self.copied: set[Node] = set()
        """Views, and index vectors, that get memory of their own after all."""
        self.recomputed: set[Node] = set()
        """Values that their readers compute."""
        self._stores: dict[int, Store] = {}
        self._values = 0
        self._memo: dict[tuple[object, ...], Scalar] = {}

    def run(self) -> Loops:
        """Return the finished program."""
        nodes = self.graph.nodes
        found = -1
        while found < len(self.copied):  # A copy ends what is read through it, which others relied on.
            found = len(self.copied)
            for node in nodes:
                self._find_copies(node)
        self.recomputed = recomputed(self)
        later = self._assign_outputs()
        for extent, problem in self.graph.requirements:
            self.checks.append(problem)
            self.nests.preamble.append(BoundsCheck(self.value("i64"), 0, extent + 1, len(self.checks)))
        for node in ordered(nodes):
            if self.computes(node):
                place(self, node)
                if node in self.buffers:
                    self._store_register(node, self.buffers[node])
            elif self.is_alias(node):
                source = self.nests.locations.get(self.base(node.inputs[0])[0])
                if source is not None:
                    self.nests.locations[node] = source.completed()
        for position in later:
            self._copy_out(self.graph.outputs[position], self.outputs[position])
        root = Block(self.nests.preamble)
        for position, item in enumerate(self.nests.root):
            root += [*self.nests.fills.get(position, ()), *self._with_stores(Block([item]))]
        self._captured_last()
        program = Loops(
            self.graph, self.inputs, self.constants, self.outputs, self.work, root, self.checks, self.numbers
        )
        program.aliases = self.aliases
        return program

    def _captured_last(self) -> None:
        """Bring captured arrays behind the other constants: they are bound after the code is there."""
        self.constants.sort(key=lambda buffer: buffer.node is not None and buffer.node.op is captured_op)
        for position, buffer in enumerate(self.constants):
            buffer.position = position

    # -- what is computed, and in which order -----------------------------------------------------

    def computes(self, node: Node) -> bool:
        """Tell whether a node has a place of its own: all but leaves, views and what readers compute."""
        own = bool(node.inputs) and node.op not in VIEWS and node not in self.recomputed
        return own or node in self.copied

    def is_base(self, node: Node) -> bool:
        """Tell whether reads end at this node."""
        return node.op not in VIEWS or node in self.copied

    def base(self, node: Node) -> Read:
        """Return what a read of the whole node reads."""
        return resolve(node, identity_index(node.shape), self.is_base)

    def is_alias(self, node: Node) -> bool:
        """Tell whether a node is a reshape that mixes axes: the same memory under another shape."""
        return node.op is reshape_op and node not in self.copied and self.base(node)[0] is node

    def _find_copies(self, node: Node) -> None:
        found: list[Node] = []
        if self.is_alias(node) and not reads_in_place(self, node.inputs[0]):
            found.append(node.inputs[0])
        if node.op is gather_op and not gathers_in_place(self, node):
            found.append(node.inputs[0])
        if node.op is matmul_op and not inlined(self, node):
            found += copied_factors(self, node)
        if is_routine(node):
            found += [each for each in node.inputs if not reads_in_place(self, each)]
        for each in found:
            if each.op not in VIEWS and each.op not in (iota_op, dim_op):
                # Its copy would be read in its place, by the very loop that fills it.
                raise TypeError(f"{each.op.name} lies in memory and is no view: it must not be copied")
        self.copied.update(found)

    def _assign_outputs(self) -> list[int]:
        """Give each output's buffer to the computation that makes it; return the outputs to be copied."""
        later: list[int] = []
        for position, (node, buffer) in enumerate(zip(self.graph.outputs, self.outputs, strict=True)):
            source = node
            while source.op is reshape_op and source not in self.copied:
                source = source.inputs[0]
            base, index = self.base(source)
            direct = self.computes(base) and base.shape == source.shape and is_identity(index, base.shape)
            if not direct or base in self.buffers:
                later.append(position)
            elif base.shape == node.shape:
                buffer.node = base
                self.buffers[base] = buffer
            else:
                # The elements lie in the same order: the computation sees the output in its own shape.
                name = f"{base.op.name}_{self.numbers.get(base, 'c')}"
                self.buffers[base] = Buffer(name, base.type, "alias", base=buffer, node=base)
                self.aliases.append(self.buffers[base])
        return later

    def _with_stores(self, block: Block) -> Block:
        """Return a block, its opening first, with each store behind the definition of what it stores."""
        result = Block(self.nests.openings.get(block, ()))
        for item in block:
            result.append(item)
            if isinstance(item, Loop):
                item.body = self._with_stores(item.body)
                defined = [value for value, _ in item.accumulators]
            else:
                defined = [item.value] if isinstance(item, Compute) else []
            result.extend(self._stores[v.number] for v in defined if v.number in self._stores)
        return result

    def _copy_out(self, node: Node, buffer: Buffer) -> None:
        """Fill an output that no computation writes: an input, a view, or a value given twice."""
        index = identity_index(node.shape)
        cursor = self.nests.enter_all(range(node.rank), node.shape, [self.base(node)])
        cursor.block.append(Store(buffer, cursor.affines(index), self.read(node, index, cursor)))

    # -- values and buffers -----------------------------------------------------------------------

    def value(self, dtype: str, node: Node | None = None) -> Scalar:
        """Return a new value."""
        self._values += 1
        return Scalar(self._values, dtype, node)

    def buffer(self, node: Node) -> Buffer:
        """Return the memory of a base, made when first asked for; a register is then stored there."""
        found = self.buffers.get(node)
        if found is None:
            found = self.buffers[node] = self._new_buffer(node)
            self._store_register(node, found)
        return found

    def _new_buffer(self, node: Node) -> Buffer:
        if node.op in (const, captured_op) and node not in self.copied:
            name = node.attrs.get("name", f"const_{len(self.constants)}")
            buffer = Buffer(name, node.type, "constant", len(self.constants), node=node)
            self.constants.append(buffer)
            return buffer
        name = f"{node.op.name}_{self.numbers.get(node, 'c')}"
        if self.is_alias(node):
            source = self.buffer(self.base(node.inputs[0])[0])
            buffer = Buffer(name, node.type, "alias", base=source, node=node)
            self.aliases.append(buffer)
            return buffer
        buffer = Buffer(name, node.type, "work", len(self.work), node=node)
        self.work.append(buffer)
        return buffer

    def _store_register(self, node: Node, buffer: Buffer) -> None:
        location = self.nests.locations.get(node)
        if location is not None and location.value is not None:
            axes = {dim: loop.axis for loop, dim in location.path}
            index = tuple(Affine(0, ((axes[k], 1),)) if k in axes else Affine() for k in range(node.rank))
            self._stores[location.value.number] = Store(buffer, index, location.value)

    # -- reading ----------------------------------------------------------------------------------

    def aligned(self, operand: Node, shape: Sequence[Extent]) -> Index:
        """Return the index at which an operand is read when it is broadcast to a shape."""
        missing = len(shape) - operand.rank
        return tuple(DimIndex() if e == 1 else DimIndex(0, k + missing) for k, e in enumerate(operand.shape))

    def reads(self, operands: Sequence[Read]) -> list[Read]:
        """Return the bases in memory or registers that the operands read, and where."""
        found: list[Read] = []
        waiting = list(reversed(operands))
        while waiting:
            base, index = resolve(*waiting.pop(), self.is_base)
            if base in self.recomputed:
                waiting += [(each, operand_index(self, each, base, index)) for each in reversed(base.inputs)]
            else:
                found.append((base, index))
        return found

    def read(self, node: Node, index: Index, cursor: Cursor) -> Operand:
        """Return the element of a node at an index of the cursor's dimensions."""
        base, index = resolve(node, index, self.is_base)
        if base not in self.copied:
            leaf = self.leaf(base, index, cursor)
            if leaf is not None:
                return leaf
        if base in self.recomputed:
            return self._again(base, index, cursor)
        location = self.nests.locations.get(base)
        if location is not None and location.value is not None and location.in_scope(index, cursor):
            return location.value
        return self.load(self.buffer(base), cursor.affines(index), cursor)

    def _again(self, node: Node, index: Index, cursor: Cursor) -> Scalar:
        """Compute an element where it is read, once in a block."""
        key = (cursor.block, node, index)
        found = self._memo.get(key)
        if found is None:
            operands = tuple(
                self.read(each, operand_index(self, each, node, index), cursor) for each in node.inputs
            )
            found = self._memo[key] = self.value(node.dtype, node)
            cursor.block.append(Compute(found, node.op, operands, node.dtype))
        return found

    def leaf(self, base: Node, index: Index, cursor: Cursor) -> Operand | None:
        """Return an element that needs no memory: of a uniform constant, `iota` or `dim`."""
        if base.op is const:
            return scalar_value(base)
        if base.op is iota_op:
            affine = cursor.affine(index[0])
            if not affine.terms and isinstance(affine.constant, int):
                return affine.constant
            return self._hoisted(IndexValue(self.value("i64"), affine), cursor, (affine,), ("axis", affine))
        return self._dim_value(base.attrs["extent"]) if base.op is dim_op else None

    def load(self, buffer: Buffer, index: tuple[Affine, ...], cursor: Cursor) -> Scalar:
        """Return a load, as far out as its index allows, once in its block."""
        statement = Load(self.value(buffer.type.dtype, buffer.node), buffer, index)
        if any(at.dynamic is not None for at in index):
            cursor.block.append(statement)
            return statement.value
        return self._hoisted(statement, cursor, index, (buffer, index))

    def fill(self, buffer: Buffer, shape: Sequence[Extent], number: float, position: int) -> None:
        """Fill a buffer with a number before the item of the program at a position, which first writes to it.

        That item need not wait for it: it may have begun with what was placed before.
        """
        block = self.nests.fills.setdefault(position, Block())
        index: list[Affine] = []
        for extent in shape:
            if extent == 1:
                index.append(Affine())
                continue
            loop = Loop(self.nests.new_axis(extent))
            block.append(loop)
            block = loop.body
            index.append(Affine(0, ((loop.axis, 1),)))
        block.append(Store(buffer, tuple(index), number))

    def _dim_value(self, extent: Extent) -> Scalar:
        found = self._memo.get(("dim", extent))
        if found is None:
            found = self._memo["dim", extent] = self.value("i64")
            self.nests.preamble.append(DimValue(found, extent))
        return found

    def _hoisted(
        self, statement: Load | IndexValue, cursor: Cursor, index: tuple[Affine, ...], key: tuple[object, ...]
    ) -> Scalar:
        depth = cursor.depth_of(index)
        outside = depth < len(cursor.path)
        loop = cursor.path[depth][0] if outside else None
        target: list[Statement] | Block = cursor.block if loop is None else loop.prologue
        key = (cursor.block if loop is None else loop, *key)
        found = self._memo.get(key)
        if found is None:
            target.append(statement)
            found = self._memo[key] = statement.value
        return found
