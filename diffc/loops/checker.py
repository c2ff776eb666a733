"""The checker of Loops: what must hold of a program of loops after every step that makes or changes it.

Checked: every value is defined once, before it is used and where it can be seen; an accumulator is added
to inside its loop and read behind it; the axes of an index are those of loops around it, one affine form for
each dimension, in range; inputs and constants are never written; library routines write to memory of their
own; work buffers that share memory are never alive at the same time; and what `memory_checker` finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diffc.errors import DiffcError
from diffc.ir.dim import Extent, dim_symbols, evaluate_extent, size_of
from diffc.ir.dtype import ITEM_SIZE
from diffc.loops.form import Block, Loop, Loops, Outlined, OutlinedCall
from diffc.loops.library import MatMul, Routine
from diffc.loops.memory_checker import Wrong, check_memory, samples
from diffc.loops.places import Affine, Axis, Buffer, Operand, Scalar
from diffc.loops.statements import Accumulate, IndexValue, Load, Statement, Store
from diffc.loops.walk import touched, walk
from diffc.ops.monoid import MONOIDS

__all__ = ["check_loops"]


def check_loops(program: Loops, step: str, *, planned: bool = True) -> None:
    """Raise `DiffcError` for the first thing that is wrong with a program behind a step.

    Where memory is not `planned` yet, no buffer has a place that another could share.
    """
    try:
        _Structure(program).check()
        check_memory(program)
        if planned:
            _check_shared_memory(program)
    except Wrong as wrong:
        raise DiffcError(
            f"{program.graph.name}: behind {step} {wrong}, which is a fault in diffc: please report it"
        ) from None


class _Structure:
    """Which values and axes are in scope, as the program is read from its beginning."""

    def __init__(self, program: Loops) -> None:
        self.program = program
        self.symbols = set(program.graph.symbols)
        buffers = (*program.inputs, *program.constants, *program.outputs, *program.work)
        self.roots = set(buffers)
        self.defined: set[int] = set()
        self.visible: dict[int, Scalar] = {}
        self.totals: dict[int, str] = {}
        """The accumulators of the loops around, and how each adds up."""
        self.axes: set[Axis] = set()
        self.nests: set[Outlined] = set()
        self.places: set[Buffer] = set()
        """Parameters of a nest that stand for memory: an index may lie before their start."""

    def check(self) -> None:
        """Check the whole program."""
        self._block(self.program.body)

    def _block(self, block: Sequence[Statement | Loop]) -> None:
        before = dict(self.visible)
        for item in block:
            if isinstance(item, Loop):
                self._loop(item)
            else:
                self._statement(item)
        self.visible = before

    def _loop(self, loop: Loop) -> None:
        for statement in loop.prologue:
            self._statement(statement)
        self._extent(loop.axis.extent)
        if loop.axis in self.axes:
            raise Wrong(f"{loop.axis} is the axis of two loops, one in the other")
        for value, how in loop.accumulators:
            self._define(value)
            self.totals[value.number] = how
        self.axes.add(loop.axis)
        self._block(loop.body)
        self.axes.remove(loop.axis)
        for value, _ in loop.accumulators:
            del self.totals[value.number]

    def _statement(self, item: Statement) -> None:
        if isinstance(item, Load | Store) and len(item.index) != item.buffer.type.rank:
            buffer = item.buffer
            raise Wrong(f"{buffer.name}: {buffer.type} is indexed by {len(item.index)} numbers")
        self._operands(item.uses)
        for extent in item.extents:
            self._extent(extent)
        if isinstance(item, OutlinedCall):
            self._call(item)
        else:
            self._memory(item)
        match item:
            case Load() | Store():
                self._element(item)
            case MatMul() | Routine():
                self._library(item)
            case IndexValue():
                self._affine(item.affine)
            case Accumulate() if self.totals.get(item.accumulator.number) != item.how:
                raise Wrong(f"{item.accumulator} is added to by {item.how} outside its loop")
            case _:
                pass
        for value in item.defines:
            self._define(value)

    def _memory(self, item: Statement) -> None:
        """Check that what is touched is the program's, begins where axes in scope say, and may be written."""
        for region in (*item.reads, *item.writes):
            self._buffer(region.buffer)
            self._affine(region.start)
            for value, _ in region.chosen:
                if value.dtype != "i64":
                    raise Wrong(f"{value} is an index and {value.dtype}")
        for region in item.writes:
            self._written(region.buffer)

    def _element(self, item: Load | Store) -> None:
        buffer, shape = item.buffer, item.buffer.type.shape
        for at, extent in zip(item.index, shape, strict=True):
            if buffer not in self.places and not _is_inside(at, extent):
                raise Wrong(f"{buffer.name}: {buffer.type} is indexed by {at}")
        if isinstance(item, Load) and item.value.dtype != buffer.type.dtype:
            raise Wrong(f"{item.value} is {item.value.dtype}, loaded from {buffer.name}: {buffer.type}")

    def _library(self, item: MatMul | Routine) -> None:
        """Check that a library routine writes no buffer that it also reads, and none twice."""
        read = {region.buffer.root for region in item.reads}
        written = [region.buffer.root for region in item.writes]
        if len(set(written)) < len(written) or read & set(written):
            raise Wrong(f"{written[0].name} is written by a routine that reads or writes it otherwise, too")

    def _call(self, call: OutlinedCall) -> None:
        nest = call.nest
        for place in call.places:
            self._buffer(place.buffer)
            self._affine(place.offset)
        kinds = [(value.dtype, given.dtype) for value, given in zip(nest.values, call.values, strict=True)]
        kinds += [
            (buffer.type.dtype, place.buffer.type.dtype)
            for buffer, place in zip(nest.places, call.places, strict=True)
        ]
        if any(want != got for want, got in kinds):
            raise Wrong(f"a call of nest {nest.number} gives it values or memory of other dtypes")
        for item, _ in walk(Block([nest.loop])):
            if isinstance(item, Store):
                self._written(dict(zip(nest.places, call.places, strict=True))[item.buffer].buffer)
        if (call.result is not None) != bool(nest.loop.accumulators):
            raise Wrong(f"a call of nest {nest.number} does not take what it returns")
        if nest not in self.nests:
            self.nests.add(nest)
            self._inside(nest)

    def _inside(self, nest: Outlined) -> None:
        """Check a nest, which sees nothing but what it is given."""
        around = self.defined, self.visible, self.totals, self.axes, self.roots, self.places
        self.defined, self.totals, self.axes = {v.number for v in nest.values}, {}, set()
        self.visible = {v.number: v for v in nest.values}
        self.roots = self.places = set(nest.places)
        self._block(Block([nest.loop]))
        self.defined, self.visible, self.totals, self.axes, self.roots, self.places = around

    # -- values, axes, buffers --------------------------------------------------------------------

    def _define(self, value: Scalar) -> None:
        if value.number in self.defined:
            raise Wrong(f"{value} is defined twice")
        self.defined.add(value.number)
        self.visible[value.number] = value

    def _operands(self, operands: Iterable[Operand]) -> None:
        for each in operands:
            if not isinstance(each, Scalar):
                continue
            known = self.visible.get(each.number)
            if known is None:
                raise Wrong(f"{each} is used where it is not defined")
            if known.dtype != each.dtype:
                raise Wrong(f"{each} is used as {each.dtype} and defined as {known.dtype}")
            if self.totals.get(each.number) in MONOIDS:
                raise Wrong(f"{each} is read in the loop that adds it up")

    def _affine(self, affine: Affine) -> None:
        for axis, _ in affine.terms:
            if axis not in self.axes:
                raise Wrong(f"{axis} is used outside its loop")
        if affine.dynamic is not None:
            self._operands((affine.dynamic,))
            if affine.dynamic.dtype != "i64":
                raise Wrong(f"{affine.dynamic} is an index and {affine.dynamic.dtype}")

    def _extent(self, extent: Extent) -> None:
        if unknown := set(dim_symbols(extent)) - self.symbols:
            raise Wrong(f"nothing gives {', '.join(sorted(unknown))} of the extent {extent}")

    def _buffer(self, buffer: Buffer) -> None:
        if buffer.root not in self.roots:
            raise Wrong(f"{buffer.name} is no buffer of the program")

    def _written(self, buffer: Buffer) -> None:
        self._buffer(buffer)
        if buffer.root.role in ("input", "constant"):
            raise Wrong(f"the {buffer.root.role} {buffer.name} is written to")


def _is_inside(at: Affine, extent: Extent) -> bool:
    """Tell whether an index lies in an axis, where all is known and every loop has a round."""
    low = high = at.constant
    for axis, factor in at.terms:
        if not (isinstance(axis.extent, int) and isinstance(factor, int)) or axis.extent <= 0:
            return True
        low = low + min(0, factor * (axis.extent - 1))
        high = high + max(0, factor * (axis.extent - 1))
    if not (isinstance(low, int) and isinstance(high, int) and isinstance(extent, int)):
        return True
    return at.dynamic is not None or (low >= 0 and high < extent)


def _check_shared_memory(program: Loops) -> None:
    """Check that work buffers whose memory overlaps are not alive at the same time."""
    spans: dict[Buffer, tuple[int, int]] = {}
    for position, item in enumerate(program.body):
        for inner, _ in walk([item]):
            for buffer in touched(inner):
                if buffer.role in ("work", "scratch"):
                    spans[buffer] = (spans.get(buffer, (position, 0))[0], position)
    for sizes in samples(program.graph.symbols):
        alive: list[tuple[int, int, int, Buffer]] = []
        for buffer, (first, last) in sorted(spans.items(), key=lambda each: each[1]):
            alive = [each for each in alive if each[0] >= first]
            start = evaluate_extent(buffer.offset, sizes)
            bytes_ = max(0, evaluate_extent(size_of(buffer.type.shape), sizes)) * ITEM_SIZE[buffer.type.dtype]
            stop = start + bytes_
            if start < 0 or stop > evaluate_extent(program.workspace, sizes):
                raise Wrong(f"{buffer.name} lies outside the workspace")
            for _, low, high, other in alive:
                if start < high and low < stop:
                    raise Wrong(f"{buffer.name} and {other.name} share memory while both are alive")
            if bytes_:
                alive.append((last, start, stop, buffer))
