"""Loops and statements as LLVM code.

An innermost loop becomes a loop over whole vectors and a scalar loop over the rest. A value of an outer
block is repeated over the lanes where a vector loop begins; an accumulator is a vector inside it
and a scalar again behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from diffc.ir import Extent
from diffc.ir.loops import (
    Accumulate,
    Affine,
    Axis,
    Block,
    Buffer,
    Check,
    Compute,
    DimValue,
    Index,
    IndexValue,
    Load,
    Loop,
    Loops,
    MatMul,
    Matrix,
    Operand,
    Statement,
    Store,
    flattened,
    strides_of,
    walk,
)
from diffc.ir.loops import Value as LoopValue
from diffc.ir.types import ITEM_SIZE
from diffc.lower.blas import matrix_product
from diffc.lower.emitter import FunctionEmitter, Value
from diffc.lower.extents import Extents

__all__ = ["Nests"]

_IDENTITY = {"add": 0.0, "mul": 1.0, "max": float("-inf"), "or": 0, "recurrence": 0.0}


class Nests:
    """Emits the blocks of one program into one function."""

    def __init__(
        self, emitter: FunctionEmitter, extents: Extents, pointers: Mapping[Buffer, Value], vector_bytes: int
    ) -> None:
        """Take the emitter, the extents and the buffers' addresses."""
        self.e = emitter
        self.extents = extents
        self.pointers = pointers
        self.vector_bytes = vector_bytes
        self._values: dict[int, Value] = {}
        self._axes: dict[Axis, Value] = {}
        self._lanes = 1
        self._vector_axis: Axis | None = None
        self._rows: dict[tuple[Buffer, Affine], Value] = {}
        self._uses: Counter[int] = Counter()
        self._products: dict[int, tuple[Operand, Operand, str]] = {}

    def use_counts(self, loops: Loops) -> None:
        """Count how often each value is used: a product used once, by a sum, becomes a fused multiply-add."""
        for item, _ in walk(loops.body):
            self._uses.update(v.number for v in _operands(item))

    # -- blocks and loops -------------------------------------------------------------------------

    def block(self, block: Block) -> None:
        """Emit the items of a block."""
        waiting, self._products = self._products, {}
        local = {v.number for item in block for v in _operands(item)}
        for item in block:
            if isinstance(item, Loop):
                self._loop(item)
            else:
                self._statement(item, local)
        self._products = waiting

    def _loop(self, loop: Loop) -> None:
        for statement in loop.prologue:
            self._statement(statement, set())
        for value, how in loop.accumulators:
            self._values[value.number] = self._identity(how, value.dtype, 1)
        extent = self.extents(loop.axis.extent)
        carried = _carried(loop)
        if not loop.innermost:
            self._counted(loop, self.e.constant("i64", 0), extent, 1, carried)
            return
        lanes = self._lanes_of(loop)
        start = self.e.constant("i64", 0)
        if lanes > 1:
            start = self._vector_part(loop, extent, lanes, carried)
            if start is None:
                return
        self._row_pointers(loop)
        self._counted(loop, start, extent, 1, carried)
        self._rows.clear()

    def _vector_part(
        self, loop: Loop, extent: Value, lanes: int, carried: Sequence[LoopValue]
    ) -> Value | None:
        """Emit the loop over whole vectors; return where the scalar loop goes on, None for nowhere."""
        e = self.e
        static = loop.axis.extent
        if isinstance(static, int):
            whole = e.constant("i64", static - static % lanes)
        else:
            if self.extents.may_be_negative(static):
                extent = e.imax(extent, e.constant("i64", 0))
            whole = e.iand(extent, e.constant("i64", -lanes))
        self._row_pointers(loop)
        hows = {
            item.accumulator.number: item.how for item, _ in walk(loop.body) if isinstance(item, Accumulate)
        }
        before = {v.number: self._values[v.number] for v in carried}
        for value in carried:
            self._values[value.number] = self._identity(hows[value.number], value.dtype, lanes)
        outer = dict(self._values)
        self._splat_outer(loop, lanes)
        self._lanes, self._vector_axis = lanes, loop.axis
        self._counted(loop, e.constant("i64", 0), whole, lanes, carried)
        self._lanes, self._vector_axis = 1, None
        vectors = {v.number: self._values[v.number] for v in carried}
        self._values = outer
        for value in carried:
            how = hows[value.number]
            total = e.horizontal(how, vectors[value.number])
            self._values[value.number] = self._combine(how, before[value.number], [total])
        self._rows.clear()
        return None if isinstance(static, int) and static % lanes == 0 else whole

    def _lanes_of(self, loop: Loop) -> int:
        """Return how many elements of the loop one vector holds; 1 for a loop that must stay scalar."""
        if loop.kind == "sequential":
            return 1
        widest = 1
        for item in loop.body:
            values = [item.value] if isinstance(item, Compute | Load | IndexValue) else []
            widest = max([widest, *(ITEM_SIZE[v.dtype] for v in values if v.dtype != "bool")])
            if isinstance(item, Store):
                widest = max(
                    widest, ITEM_SIZE[item.buffer.type.dtype] if item.buffer.type.dtype != "bool" else 1
                )
        lanes = min(self.vector_bytes // max(widest, 4), 64)
        extent = loop.axis.extent
        while isinstance(extent, int) and lanes > max(extent, 1):
            lanes //= 2
        return lanes

    def _splat_outer(self, loop: Loop, lanes: int) -> None:
        """Repeat the values of outer blocks that the loop uses over the lanes, before it begins."""
        inside = {v.number for item in loop.body for v in _defined(item)}
        for item in loop.body:
            for value in _operands(item):
                known = self._values.get(value.number)
                if value.number not in inside and known is not None and known.lanes == 1:
                    self._values[value.number] = self.e.splat(known, lanes)

    def _counted(
        self, loop: Loop, start: Value, stop: Value, step: int, carried: Sequence[LoopValue]
    ) -> None:
        """Emit `for axis in range(start, stop, step)`, carrying the accumulators from round to round."""
        e = self.e
        head, done = e.new_label("loop"), e.new_label("done")
        before = [self._values[v.number] for v in carried]
        entry = e.current_block
        e.cbr(e.icmp("slt", start, stop), head, done)
        e.block(head)
        index = e.phi("i64")
        e.add_incoming(index, start, entry)
        rounds = [e.phi(v.kind, v.lanes) for v in before]
        for value, phi, initial in zip(carried, rounds, before, strict=True):
            e.add_incoming(phi, initial, entry)
            self._values[value.number] = phi
        self._axes[loop.axis] = index
        self.block(loop.body)
        after = [self._values[v.number] for v in carried]
        following = e.iadd(index, e.constant("i64", step))
        latch = e.current_block
        e.add_incoming(index, following, latch)
        for phi, value in zip(rounds, after, strict=True):
            e.add_incoming(phi, value, latch)
        e.cbr(e.icmp("slt", following, stop), head, done)
        e.block(done)
        for value, initial, last in zip(carried, before, after, strict=True):
            result = e.phi(initial.kind, initial.lanes)
            e.add_incoming(result, initial, entry)
            e.add_incoming(result, last, latch)
            self._values[value.number] = result

    # -- statements -------------------------------------------------------------------------------

    def _statement(self, item: Statement, local: set[int]) -> None:
        match item:
            case Compute():
                self._compute(item, local)
            case Load():
                self._values[item.value.number] = self._load(item.buffer, item.index)
            case Store():
                self._store(item)
            case IndexValue():
                self._values[item.value.number] = self._index_value(item.affine)
            case DimValue():
                self._values[item.value.number] = self.extents(item.extent)
            case Check():
                self._check(item)
            case Accumulate():
                self._accumulate(item)
            case MatMul():
                self._matmul(item)

    def _compute(self, item: Compute, local: set[int]) -> None:
        e, number, dtype = self.e, item.value.number, item.value.dtype
        name = item.op.name
        if (
            name in ("mul", "square")
            and dtype in ("f64", "f32")
            and self._uses[number] == 1
            and number in local
        ):
            a, b = item.operands * 2 if name == "square" else item.operands
            self._products[number] = (a, b, item.number_dtype)
            return
        if name in ("add", "sub") and dtype in ("f64", "f32"):
            fused = self._multiply_add(item)
            if fused is not None:
                self._values[number] = fused
                return
        if name == "cast":
            self._values[number] = self._cast(self.operand(item.operands[0], item.number_dtype), dtype)
            return
        dtypes = [item.number_dtype] * len(item.operands)
        if name == "where":
            dtypes[0] = "bool"
        operands = [self.operand(each, d) for each, d in zip(item.operands, dtypes, strict=True)]
        self._values[number] = item.op.emit(e, *operands)

    def _multiply_add(self, item: Compute) -> Value | None:
        """Return a*b + c, a*b - c or c - a*b, rounded once, where a product waits for its only use."""
        e, (left, right) = self.e, item.operands
        negative = item.op.name == "sub"
        for product, other, sign in ((left, right, False), (right, left, negative)):
            if isinstance(product, LoopValue) and product.number in self._products:
                a, b, dtype = self._products.pop(product.number)
                x, y = self.operand(a, dtype), self.operand(b, dtype)
                z = self.operand(other, item.number_dtype)
                if sign:
                    return e.fma(e.fneg(x), y, z)
                return e.fma(x, y, e.fneg(z) if negative else z)
        return None

    def operand(self, operand: Operand, dtype: str) -> Value:
        """Return an operand with as many lanes as the code here has."""
        e = self.e
        if not isinstance(operand, LoopValue):
            return e.constant(dtype, operand, self._lanes)
        if operand.number in self._products:
            a, b, kind = self._products.pop(operand.number)
            value = e.fmul(self.operand(a, kind), self.operand(b, kind))
            self._values[operand.number] = value
            return value
        value = self._values[operand.number]
        return value if value.lanes == self._lanes else e.splat(value, self._lanes)

    def _cast(self, value: Value, dtype: str) -> Value:
        e, kind = self.e, value.kind
        if kind == dtype:
            return value
        if dtype == "bool":
            zero = e.constant(kind, 0, value.lanes)
            return e.icmp("ne", value, zero) if kind == "i64" else e.fcmp("une", value, zero)
        if dtype == "i64":
            return e.zext(value, "i64") if kind == "bool" else e.fptosi(value, "i64")
        if kind == "bool":
            return e.uitofp(value, dtype)
        if kind == "i64":
            return e.sitofp(value, dtype)
        return e.fpext(value, dtype) if dtype == "f64" else e.fptrunc(value, dtype)

    def _index_value(self, affine: Affine) -> Value:
        e = self.e
        value = e.splat(self._scalar_affine(affine), self._lanes)
        factor = next((f for axis, f in affine.terms if axis is self._vector_axis), None)
        if factor is None or self._lanes == 1:
            return value
        steps = e.imul(e.iota("i64", self._lanes), e.splat(self.extents(factor), self._lanes))
        return e.iadd(value, steps)

    def _check(self, item: Check) -> None:
        e = self.e
        index, extent = self.operand(item.index, "i64"), e.splat(self.extents(item.extent), self._lanes)
        wrapped = e.select(
            e.icmp("slt", index, e.constant("i64", 0, self._lanes)), e.iadd(index, extent), index
        )
        bad = e.icmp("uge", wrapped, extent)
        if self._lanes > 1:
            bad = e.icmp("ne", e.horizontal("or", e.zext(bad, "i8")), e.constant("i8", 0))
        fails, passes = e.new_label("fails"), e.new_label("passes")
        e.cbr(bad, fails, passes)
        e.block(fails)
        e.ret(e.constant("i64", item.number))
        e.block(passes)
        self._values[item.value.number] = wrapped

    def _accumulate(self, item: Accumulate) -> None:
        number, dtype = item.accumulator.number, item.accumulator.dtype
        (*_, last) = item.operands
        if item.how == "add" and isinstance(last, LoopValue) and last.number in self._products:
            a, b, kind = self._products.pop(last.number)
            operands = (self.operand(a, kind), self.operand(b, kind), self._values[number])
            self._values[number] = self.e.fma(*operands)
            return
        operands = [self.operand(each, dtype) for each in item.operands]
        self._values[number] = self._combine(item.how, self._values[number], operands)

    def _combine(self, how: str, total: Value, operands: Sequence[Value]) -> Value:
        e, is_float = self.e, total.kind in ("f64", "f32")
        if how == "recurrence":
            factor, drive = operands
            return e.fma(factor, total, drive)
        combine: dict[str, Callable[[Value, Value], Value]] = {
            "add": e.fadd if is_float else e.iadd,
            "mul": e.fmul if is_float else e.imul,
            "max": e.fmax if is_float else e.imax,
            "or": e.bor,
        }
        return combine[how](total, operands[0])

    def _identity(self, how: str, dtype: str, lanes: int) -> Value:
        number = _IDENTITY[how]
        if how == "max" and dtype == "i64":
            number = -(2**63)
        return self.e.constant(dtype, number, lanes)

    # -- memory -----------------------------------------------------------------------------------

    def _row_pointers(self, loop: Loop) -> None:
        """Compute, before an innermost loop, the part of each address that does not change in it."""
        for item in loop.body:
            if isinstance(item, Load | Store):
                outer = self._outer_part(flattened(item.index, item.buffer.type.shape), loop.axis)
                key = (item.buffer, outer)
                if key not in self._rows:
                    offset = self._scalar_affine(outer)
                    self._rows[key] = self.e.gep(self.pointers[item.buffer], item.buffer.type.dtype, offset)

    def _outer_part(self, flat: Affine, axis: Axis) -> Affine:
        return Affine(flat.constant, tuple(term for term in flat.terms if term[0] is not axis))

    def _scalar_affine(self, affine: Affine) -> Value:
        e = self.e
        total = None if affine.constant == 0 else self.extents(affine.constant)
        for axis, factor in affine.terms:
            index = self._axes[axis]
            term = index if factor == 1 else e.imul(index, self.extents(factor))
            total = term if total is None else e.iadd(total, term)
        return e.constant("i64", 0) if total is None else total

    def _address(self, buffer: Buffer, index: Index, lane: int | None = None) -> tuple[Value, Extent]:
        """Return the address of an element (of one lane), and the distance from lane to lane."""
        e, kind = self.e, buffer.type.dtype
        flat = flattened(index, buffer.type.shape)
        stride = next((f for axis, f in flat.terms if axis is self._vector_axis), 0)
        pointer = None
        for axis, factor in flat.terms:
            row = self._rows.get((buffer, self._outer_part(flat, axis)))
            if row is not None:
                position = self._axes[axis]
                moved = position if factor == 1 else e.imul(position, self.extents(factor))
                pointer = e.gep(row, kind, moved)
        if pointer is None:
            pointer = self._rows.get((buffer, Affine(flat.constant, flat.terms)))
        if pointer is None:
            pointer = e.gep(
                self.pointers[buffer], kind, self._scalar_affine(Affine(flat.constant, flat.terms))
            )
        if flat.dynamic is not None:
            pointer = e.gep(pointer, kind, self._dynamic_offset(buffer, index, lane))
        if lane and stride != 0:
            offset = e.imul(self.extents(stride), e.constant("i64", lane))
            pointer = e.gep(pointer, kind, offset)
        return pointer, stride

    def _dynamic_offset(self, buffer: Buffer, index: Index, lane: int | None) -> Value:
        strides = strides_of(buffer.type.shape)
        for at, stride in zip(index, strides, strict=True):
            if at.dynamic is not None:
                value = self._values[at.dynamic.number]
                scalar = self.e.extract(value, lane or 0)
                return scalar if stride == 1 else self.e.imul(scalar, self.extents(stride))
        raise ValueError("the index has no computed part")

    def _varies(self, buffer: Buffer, index: Index) -> bool:
        """Tell whether a computed index differs from lane to lane."""
        dynamic = next((at.dynamic for at in index if at.dynamic is not None), None)
        return dynamic is not None and self._values[dynamic.number].lanes > 1

    def _load(self, buffer: Buffer, index: Index) -> Value:
        e, kind, lanes = self.e, buffer.type.dtype, self._lanes
        if lanes == 1:
            return e.load(self._address(buffer, index)[0], kind)
        if self._varies(buffer, index):
            return self._gathered(kind, [self._address(buffer, index, lane)[0] for lane in range(lanes)])
        pointer, stride = self._address(buffer, index)
        if stride == 0:
            return e.splat(e.load(pointer, kind), lanes)
        if stride == 1:
            return e.load(pointer, kind, lanes)
        return self._gathered(kind, [self._address(buffer, index, lane)[0] for lane in range(lanes)])

    def _gathered(self, kind: str, pointers: Sequence[Value]) -> Value:
        e, result = self.e, None
        for lane, pointer in enumerate(pointers):
            scalar = e.load(pointer, kind)
            result = e.splat(scalar, self._lanes) if result is None else e.insert(result, scalar, lane)
        if result is None:
            raise ValueError("a vector has lanes")
        return result

    def _store(self, item: Store) -> None:
        e, kind, lanes = self.e, item.buffer.type.dtype, self._lanes
        value = self.operand(item.value, kind)
        if lanes == 1:
            pointer, _ = self._address(item.buffer, item.index)
            self._write(pointer, value, item.accumulate)
            return
        pointer, stride = self._address(item.buffer, item.index)
        varies = self._varies(item.buffer, item.index)
        if stride == 1 and not varies:
            self._write(pointer, value, item.accumulate)
        elif stride == 0 and not varies and item.accumulate:
            self._write(pointer, e.horizontal(item.accumulate, value), item.accumulate)
        else:
            for lane in range(lanes):
                pointer, _ = self._address(item.buffer, item.index, lane)
                self._write(pointer, e.extract(value, lane), item.accumulate)

    def _write(self, pointer: Value, value: Value, accumulate: str | None) -> None:
        if accumulate is not None:
            old = self.e.load(pointer, value.kind, value.lanes)
            value = self._combine(accumulate, old, [value])
        self.e.store(value, pointer)

    def _matmul(self, item: MatMul) -> None:
        e, kind = self.e, item.out.buffer.type.dtype
        name = matrix_product(e.module, kind)
        matrices = (item.out, item.a, item.b)
        pointers = [self._matrix(matrix, kind) for matrix in matrices]
        sizes = [self.extents(extent) for extent in (item.rows, item.columns, item.inner)]
        leading = [self.extents(matrix.leading) for matrix in matrices]
        flags = [e.constant("bool", matrix.transposed) for matrix in (item.a, item.b)]
        e.call(name, None, 1, *pointers, *sizes, *leading, *flags)

    def _matrix(self, matrix: Matrix, kind: str) -> Value:
        return self.e.gep(self.pointers[matrix.buffer], kind, self._scalar_affine(matrix.offset))


def _carried(loop: Loop) -> list[LoopValue]:
    """Return the accumulators that change from round to round: its own and those of loops around it."""
    found: dict[int, LoopValue] = {}
    inside: set[int] = set()
    for item, _ in walk(loop.body):
        if isinstance(item, Accumulate):
            found[item.accumulator.number] = item.accumulator
        elif isinstance(item, Loop):
            inside.update(value.number for value, _ in item.accumulators)
    return [value for number, value in found.items() if number not in inside]


def _operands(item: Statement | Loop) -> list[LoopValue]:
    match item:
        case Compute() | Accumulate():
            operands: Sequence[Operand | None] = item.operands
        case Store():
            operands = [item.value, *(at.dynamic for at in item.index)]
        case Load():
            operands = [at.dynamic for at in item.index]
        case Check():
            operands = [item.index]
        case _:
            operands = []
    return [each for each in operands if isinstance(each, LoopValue)]


def _defined(item: Statement | Loop) -> list[LoopValue]:
    return [item.value] if isinstance(item, Compute | Load | IndexValue | DimValue | Check) else []
