"""Statements as code, in as many lanes as the code around them has."""

from __future__ import annotations

from collections import Counter

from diffc.emit.interface import Value
from diffc.emit.kernel.accumulation import combine
from diffc.emit.kernel.addresses import Addresses
from diffc.emit.kernel.registers import Registers
from diffc.emit.kernel.rows import Rows
from diffc.emit.routines import routine_function
from diffc.emit.routines.tiles import matrix_product
from diffc.loops.form import Block
from diffc.loops.library import MatMul, Routine
from diffc.loops.places import Operand, Scalar
from diffc.loops.statements import (
    Accumulate,
    BoundsCheck,
    Compute,
    DimValue,
    IndexValue,
    Load,
    Statement,
    Store,
)
from diffc.loops.walk import operands_of, walk
from diffc.ops.elementwise import Elementwise

__all__ = ["Statements"]


class Statements:
    """Emits the statements of one program.

    A product that is used once, by a sum of its block, waits for it and becomes a fused multiply-add. What
    waits has no factor that waits too, so that a long product is not a deep recursion.
    """

    def __init__(self, registers: Registers, addresses: Addresses, body: Block) -> None:
        """Take the registers and the memory; count how often each value of the program is used."""
        self.r = registers
        self.e = registers.e
        self.addresses = addresses
        self._uses = Counter(value.number for item, _ in walk(body) for value in operands_of(item))
        self.rows: Rows | None = None
        """In a vector loop, what is read and written as whole rows."""
        self._products: dict[int, tuple[Value, Value]] = {}
        self._local: set[int] = set()

    def enter_block(self, block: Block) -> tuple[dict[int, tuple[Value, Value]], set[int]]:
        """Begin a block; return what `leave_block` takes to go on with the block around it."""
        around = (self._products, self._local)
        self._products, self._local = {}, {v.number for item in block for v in operands_of(item)}
        return around

    def leave_block(self, around: tuple[dict[int, tuple[Value, Value]], set[int]]) -> None:
        """Go on with the block around the one that ends."""
        self._products, self._local = around

    def emit(self, item: Statement) -> None:
        """Emit one statement."""
        values = self.r.values
        match item:
            case Compute():
                self._compute(item)
            case Load():
                values[item.value.number] = self._load(item)
            case Store():
                self._store(item)
            case IndexValue():
                values[item.value.number] = self.r.in_lanes(item.affine)
            case DimValue():
                values[item.value.number] = self.r.extents(item.extent)
            case BoundsCheck():
                self._check(item)
            case Accumulate():
                values[item.accumulator.number] = self._accumulated(item)
            case MatMul():
                self._matmul(item)
            case Routine():
                self._routine(item)
            case _:
                raise TypeError(f"{type(item).__name__} has no code in the emitter")

    def operand(self, operand: Operand, dtype: str) -> Value:
        """Return an operand with as many lanes as the code here has."""
        e, lanes = self.e, self.r.lanes
        if not isinstance(operand, Scalar):
            return e.constant(dtype, operand, lanes)
        if operand.number in self._products:
            value = self.r.values[operand.number] = e.fmul(*self._products.pop(operand.number))
            return value
        value = self.r.values[operand.number]
        return value if value.lanes == lanes else e.splat(value, lanes)

    def _load(self, item: Load) -> Value:
        row = self.rows and self.rows.load(item, self.addresses.of_lane)
        return row or self.addresses.load(item.buffer, item.index)

    def _store(self, item: Store) -> None:
        value = self.operand(item.value, item.buffer.type.dtype)
        at = self.addresses
        if self.rows is None or not self.rows.store(item, value, at.of_lane, at.is_non_temporal):
            at.store(item.buffer, item.index, value, item.accumulate)

    def _compute(self, item: Compute) -> None:
        op, number, dtype = item.op, item.value.number, item.value.dtype
        is_float = dtype in ("f64", "f32")
        once = self._uses[number] == 1 and number in self._local
        if is_float and once and op.name in ("mul", "square"):
            factors = [self.operand(each, item.number_dtype) for each in item.operands]
            self._products[number] = (factors[0], factors[-1])
            return
        value = self._multiply_add(item) if is_float and op.name in ("add", "sub") else None
        if not isinstance(op, Elementwise):
            value = self._cast(self.operand(item.operands[0], item.number_dtype), dtype)
        elif value is None:
            kinds = [
                "bool" if k == 0 and op.name == "where" else item.number_dtype
                for k in range(len(item.operands))
            ]
            operands = [self.operand(each, kind) for each, kind in zip(item.operands, kinds, strict=True)]
            value = op.emit(self.e, *operands)
        self.r.values[number] = value

    def _multiply_add(self, item: Compute) -> Value | None:
        """Return a*b + c, a*b - c or c - a*b, rounded once, where a product waits for its only use."""
        e, (left, right) = self.e, item.operands
        subtracts = item.op.name == "sub"
        for product, other, negated in ((left, right, False), (right, left, subtracts)):
            if isinstance(product, Scalar) and product.number in self._products:
                x, y = self._products.pop(product.number)
                z = self.operand(other, item.number_dtype)
                if negated:
                    return e.fma(e.fneg(x), y, z)
                return e.fma(x, y, e.fneg(z) if subtracts else z)
        return None

    def _accumulated(self, item: Accumulate) -> Value:
        e, total = self.e, self.r.values[item.accumulator.number]
        (*_, last) = item.operands
        if item.how == "add" and isinstance(last, Scalar) and last.number in self._products:
            return e.fma(*self._products.pop(last.number), total)
        operands = [self.operand(each, item.accumulator.dtype) for each in item.operands]
        return combine(e, item.how, total, *operands)

    def _cast(self, value: Value, dtype: str) -> Value:
        e, kind = self.e, value.kind
        if kind == dtype:
            return value
        if dtype == "bool":
            zero = e.constant(kind, 0, value.lanes)
            return e.icmp("ne", value, zero) if kind == "i64" else e.fcmp("une", value, zero)
        if dtype == "i64":
            # Of NaN and beyond the range it is any integer, but the same one for the check and for its use.
            return e.zext(value, "i64") if kind == "bool" else e.freeze(e.fptosi(value, "i64"))
        if kind == "bool":
            return e.uitofp(value, dtype)
        if kind == "i64":
            return e.sitofp(value, dtype)
        return e.fpext(value, dtype) if dtype == "f64" else e.fptrunc(value, dtype)

    def _check(self, item: BoundsCheck) -> None:
        e, lanes = self.e, self.r.lanes
        index, extent = self.operand(item.index, "i64"), e.splat(self.r.extents(item.extent), lanes)
        negative = e.icmp("slt", index, e.constant("i64", 0, lanes))
        wrapped = e.select(negative, e.iadd(index, extent), index)
        # A negative extent holds no index; compared as unsigned it would hold all.
        bad = e.bor(e.icmp("slt", wrapped, e.constant("i64", 0, lanes)), e.icmp("sge", wrapped, extent))
        e.return_if(e.any(bad), e.constant("i64", item.number))
        self.r.values[item.value.number] = wrapped

    def _matmul(self, item: MatMul) -> None:
        e, kind = self.e, item.out.buffer.type.dtype
        name = matrix_product(e.module, kind, item.rows)
        matrices = (item.out, item.a, item.b)
        pointers = [self.addresses.start(matrix) for matrix in matrices]
        sizes = [self.r.extents(extent) for extent in (item.rows, item.columns, item.inner)]
        leading = [self.r.extents(matrix.leading) for matrix in matrices]
        flags = [e.constant("bool", matrix.transposed) for matrix in (item.a, item.b)]
        e.call(name, None, 1, *pointers, *sizes, *leading, *flags)

    def _routine(self, item: Routine) -> None:
        e = self.e
        pointers = [self.addresses.start(part) for part in item.parts]
        sizes = [self.r.extents(extent) for extent in item.sizes]
        e.call(routine_function(e.module, item), None, 1, *pointers, *sizes)
