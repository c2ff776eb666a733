"""Instructions on values: floating point, integers, booleans and conversions, one method each."""

from __future__ import annotations

from diffc.emit.llvm.globals import Globals
from diffc.emit.llvm.values import TYPES, literal
from diffc.ops.emitter import Arithmetic, Value

__all__ = ["Instructions"]


class Instructions(Arithmetic):
    """Appends instructions to the lines of a function; each method returns the `Value` it defines."""

    def __init__(self, shared: Globals) -> None:
        """Start with an empty block "entry" in a function of the module that has these globals."""
        self._shared = shared
        self._lines: list[str] = ["entry:"]
        self._line = self._lines.append
        self._next = 0

    # -- plumbing: every instruction passes through one of these three ---------------------------------------

    def _emit(self, instruction: str, kind: str, lanes: int) -> Value:
        ref = f"%{self._next}"
        self._next += 1
        self._line(f"  {ref} = {instruction}")
        return Value(ref, kind, lanes)

    def _binary(self, opcode: str, a: Value, b: Value) -> Value:
        x, kind, lanes = a
        ref = f"%{self._next}"
        self._next += 1
        self._line(f"  {ref} = {opcode} {TYPES[kind, lanes]} {x}, {b[0]}")
        return Value(ref, kind, lanes)

    def _intrinsic(self, name: str, *operands: Value) -> Value:
        _, kind, lanes = operands[0]
        head = self._shared.intrinsic(name, kind, lanes, len(operands))
        typed = f"{TYPES[kind, lanes]} "
        return self._emit(f"{head}({', '.join([typed + operand[0] for operand in operands])})", kind, lanes)

    def _cast(self, opcode: str, v: Value, kind: str) -> Value:
        ref, source, lanes = v
        return self._emit(f"{opcode} {TYPES[source, lanes]} {ref} to {TYPES[kind, lanes]}", kind, lanes)

    def constant(self, kind: str, value: float, lanes: int = 1) -> Value:
        constants = self._shared.constants
        key = (kind, value, lanes)
        found = constants.get(key)
        # Zero is not cached for floats: 0.0 and -0.0 are equal as keys.
        if found is not None and (value or kind not in ("f64", "f32")):
            return found
        spelled = literal(kind, value)
        if lanes > 1:
            scalar = TYPES[kind, 1]
            spelled = f"<{', '.join([f'{scalar} {spelled}'] * lanes)}>"
        made = constants[key] = Value(spelled, kind, lanes)
        return made

    # -- floating point --------------------------------------------------------------------------------------

    def fadd(self, a: Value, b: Value) -> Value:
        return self._binary("fadd", a, b)

    def fsub(self, a: Value, b: Value) -> Value:
        return self._binary("fsub", a, b)

    def fmul(self, a: Value, b: Value) -> Value:
        return self._binary("fmul", a, b)

    def fdiv(self, a: Value, b: Value) -> Value:
        return self._binary("fdiv", a, b)

    def fneg(self, a: Value) -> Value:
        return self._emit(f"fneg {TYPES[a.kind, a.lanes]} {a.ref}", a.kind, a.lanes)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        return self._intrinsic("fma", a, b, c)

    def fabs(self, a: Value) -> Value:
        return self._intrinsic("fabs", a)

    def sqrt(self, a: Value) -> Value:
        return self._intrinsic("sqrt", a)

    def floor(self, a: Value) -> Value:
        return self._intrinsic("floor", a)

    def ceil(self, a: Value) -> Value:
        return self._intrinsic("ceil", a)

    def rint(self, a: Value) -> Value:
        return self._intrinsic("rint", a)

    def truncate(self, a: Value) -> Value:
        return self._intrinsic("trunc", a)

    def copysign(self, a: Value, b: Value) -> Value:
        return self._intrinsic("copysign", a, b)

    def fcmp(self, predicate: str, a: Value, b: Value) -> Value:
        return self._emit(f"fcmp {predicate} {TYPES[a.kind, a.lanes]} {a.ref}, {b.ref}", "bool", a.lanes)

    # -- integers and booleans -------------------------------------------------------------------------------

    def iadd(self, a: Value, b: Value) -> Value:
        return self._binary("add", a, b)

    def isub(self, a: Value, b: Value) -> Value:
        return self._binary("sub", a, b)

    def imul(self, a: Value, b: Value) -> Value:
        return self._binary("mul", a, b)

    def sdiv(self, a: Value, b: Value) -> Value:
        return self._binary("sdiv", a, b)

    def srem(self, a: Value, b: Value) -> Value:
        return self._binary("srem", a, b)

    def iand(self, a: Value, b: Value) -> Value:
        return self._binary("and", a, b)

    def ior(self, a: Value, b: Value) -> Value:
        return self._binary("or", a, b)

    def ixor(self, a: Value, b: Value) -> Value:
        return self._binary("xor", a, b)

    def shl(self, a: Value, b: Value) -> Value:
        return self._binary("shl", a, b)

    def lshr(self, a: Value, b: Value) -> Value:
        return self._binary("lshr", a, b)

    def ashr(self, a: Value, b: Value) -> Value:
        return self._binary("ashr", a, b)

    def imin(self, a: Value, b: Value) -> Value:
        return self._intrinsic("smin", a, b)

    def imax(self, a: Value, b: Value) -> Value:
        return self._intrinsic("smax", a, b)

    def icmp(self, predicate: str, a: Value, b: Value) -> Value:
        return self._emit(f"icmp {predicate} {TYPES[a.kind, a.lanes]} {a.ref}, {b.ref}", "bool", a.lanes)

    def band(self, a: Value, b: Value) -> Value:
        return self._binary("and", a, b)

    def bor(self, a: Value, b: Value) -> Value:
        return self._binary("or", a, b)

    def bxor(self, a: Value, b: Value) -> Value:
        return self._binary("xor", a, b)

    def bnot(self, a: Value) -> Value:
        return self._binary("xor", a, self.constant("bool", 1, a.lanes))

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        kind, lanes = a.kind, a.lanes
        typed = TYPES[kind, lanes]
        test = TYPES["bool", condition.lanes]
        return self._emit(f"select {test} {condition.ref}, {typed} {a.ref}, {typed} {b.ref}", kind, lanes)

    # -- conversions -----------------------------------------------------------------------------------------

    def bitcast(self, v: Value, kind: str) -> Value:
        return self._cast("bitcast", v, kind)

    def sitofp(self, v: Value, kind: str) -> Value:
        return self._cast("sitofp", v, kind)

    def uitofp(self, v: Value, kind: str) -> Value:
        return self._cast("uitofp", v, kind)

    def fptosi(self, v: Value, kind: str) -> Value:
        return self._cast("fptosi", v, kind)

    def freeze(self, v: Value) -> Value:
        return self._emit(f"freeze {TYPES[v.kind, v.lanes]} {v.ref}", v.kind, v.lanes)

    def fpext(self, v: Value, kind: str = "f64") -> Value:
        return self._cast("fpext", v, kind)

    def fptrunc(self, v: Value, kind: str = "f32") -> Value:
        return self._cast("fptrunc", v, kind)

    def sext(self, v: Value, kind: str) -> Value:
        return self._cast("sext", v, kind)

    def zext(self, v: Value, kind: str) -> Value:
        return self._cast("zext", v, kind)

    def trunc(self, v: Value, kind: str) -> Value:
        return self._cast("trunc", v, kind)
