"""The instructions that call entries are written with, and the overlap test that they share.

Entries read C structs, keep reference counts and branch to one way out (the blocks `give_up` and `clear`,
which `diffc.abi.entry` emits); they need none of the vectors and kinds of `diffc.emit.interface`.
"""

from __future__ import annotations

from diffc.abi.layouts import DESCR, FLAGS, NUMBER, RANK, TYPE
from diffc.ir import Dim, Extent, Type
from diffc.ir.dim import fold_extent

__all__ = ["LLVM_NAMES", "OVERLAP", "EntryWriter"]

LLVM_NAMES = {"f64": "double", "f32": "float", "i64": "i64", "bool": "i8"}
"""How LLVM spells a dtype in memory."""

OVERLAP = """
define internal i1 @diffc_overlap(ptr %lows, ptr %highs, i64 %inputs, i64 %count) noinline nounwind {
entry:
  %any = icmp slt i64 %inputs, %count
  br i1 %any, label %outer, label %no
outer:
  %j = phi i64 [ %inputs, %entry ], [ %j1, %next ]
  %pl = getelementptr ptr, ptr %lows, i64 %j
  %ph = getelementptr ptr, ptr %highs, i64 %j
  %low = load ptr, ptr %pl
  %high = load ptr, ptr %ph
  %first = icmp eq i64 %j, 0
  br i1 %first, label %next, label %inner
inner:
  %i = phi i64 [ 0, %outer ], [ %i1, %inner_next ]
  %ql = getelementptr ptr, ptr %lows, i64 %i
  %qh = getelementptr ptr, ptr %highs, i64 %i
  %l = load ptr, ptr %ql
  %h = load ptr, ptr %qh
  %a = icmp ult ptr %low, %h
  %b = icmp ult ptr %l, %high
  %hit = and i1 %a, %b
  br i1 %hit, label %yes, label %inner_next
inner_next:
  %i1 = add i64 %i, 1
  %again = icmp slt i64 %i1, %j
  br i1 %again, label %inner, label %next
next:
  %j1 = add i64 %j, 1
  %more = icmp slt i64 %j1, %count
  br i1 %more, label %outer, label %no
yes:
  ret i1 true
no:
  ret i1 false
}
"""
"""Whether one of the ranges from `inputs` on meets any range before it."""


class EntryWriter:
    """The lines of one entry: `head` holds the allocas, `lines` what follows."""

    def __init__(self, slots: dict[str, int]) -> None:
        """Start a function; `slots` numbers the names in `@diffc_table` for all entries of a module."""
        self.slots = slots
        self.head: list[str] = []
        self.lines: list[str] = []
        self.count = 0
        self.values: dict[str, str] = {}
        self.extents: dict[Dim, str] = {}

    def emit(self, line: str) -> None:
        """Append one instruction that has no result."""
        self.lines.append(line)

    def let(self, expression: str) -> str:
        """Append an instruction and return its result."""
        self.count += 1
        self.lines.append(f"%t{self.count} = {expression}")
        return f"%t{self.count}"

    def alloca(self, name: str, kind: str, align: int = 8) -> str:
        """Return a pointer to stack memory, reserved when the function starts."""
        if not name:
            self.count += 1
            name = f"%a{self.count}"
        self.head.append(f"{name} = alloca {kind}, align {align}")
        return name

    def label(self, name: str) -> None:
        """Open a block."""
        self.lines.append(f"\n{name}:")

    def block(self) -> str:
        """Return the name of a new block."""
        self.count += 1
        return f"b{self.count}"

    def require(self, condition: str, otherwise: str = "give_up") -> None:
        """Go on where `condition` holds."""
        following = self.block()
        self.emit(f"br i1 {condition}, label %{following}, label %{otherwise}")
        self.label(following)

    def slot(self, name: str) -> str:
        """Return the address that the runtime stores for a name."""
        position = self.slots.setdefault(name, len(self.slots))
        return self.let(f"load ptr, ptr getelementptr (ptr, ptr @diffc_table, i64 {position})")

    def field(self, kind: str, pointer: str, offset: int) -> str:
        """Return what lies at an offset from a pointer."""
        address = self.let(f"getelementptr i8, ptr {pointer}, i64 {offset}")
        return self.let(f"load {kind}, ptr {address}")

    def store(self, kind: str, value: str, base: str, position: int) -> None:
        """Store a value as an element of an array."""
        address = self.let(f"getelementptr {kind}, ptr {base}, i64 {position}")
        self.emit(f"store {kind} {value}, ptr {address}")

    def extent(self, extent: Extent) -> str:
        """Return the operand that is the polynomial's value, computed once."""
        if isinstance(extent, int):
            return str(extent)
        if extent not in self.extents:
            self.extents[extent] = fold_extent(
                extent,
                str,
                self.values.__getitem__,
                lambda a, b: self.let(f"mul i64 {a}, {b}"),
                lambda a, b: self.let(f"add i64 {a}, {b}"),
                lambda a, b: self.let(f"sdiv i64 {a}, {b}"),
            )
        return self.extents[extent]

    # --- Python objects

    def argument(self, position: int) -> tuple[str, str]:
        """Return the object at a position and its type."""
        address = self.let(f"getelementptr ptr, ptr %args, i64 {position}")
        value = self.let(f"load ptr, ptr {address}")
        return value, self.field("ptr", value, TYPE)

    def check_array(self, value: str, cls: str, kind: Type, flags: int) -> None:
        """Give up unless the object is an array of the dtype and rank with these flags."""
        self.require(self.let(f"icmp eq ptr {cls}, {self.slot('ndarray')}"))
        same = self.let(f"icmp eq ptr {self.field('ptr', value, DESCR)}, {self.slot('dtype:' + kind.dtype)}")
        rank = self.let(f"icmp eq i32 {self.field('i32', value, RANK)}, {len(kind.shape)}")
        masked = self.let(f"and i32 {self.field('i32', value, FLAGS)}, {flags}")
        flagged = self.let(f"icmp eq i32 {masked}, {flags}")
        self.require(self.let(f"and i1 {flagged}, {self.let(f'and i1 {same}, {rank}')}"))

    def number(self, value: str, cls: str, dtype: str) -> str:
        """Return the scalar that a Python number holds, in the dtype."""
        if dtype == "bool":
            is_true = self.let(f"icmp eq ptr {value}, {self.slot('Py_True')}")
            is_false = self.let(f"icmp eq ptr {value}, {self.slot('Py_False')}")
            self.require(self.let(f"or i1 {is_true}, {is_false}"))
            return self.let(f"zext i1 {is_true} to i8")
        if dtype == "i64":
            return self.integer(value, cls, "i64", "PyLong_AsLongLong", "icmp ne i64 {}, -1")
        exact, other, join = self.block(), self.block(), self.block()
        is_float = self.let(f"icmp eq ptr {cls}, {self.slot('float')}")
        if dtype == "f64":  # np.float64 is a subclass of float and holds its number at the same place
            is_numpy = self.let(f"icmp eq ptr {cls}, {self.slot('float64')}")
            is_float = self.let(f"or i1 {is_float}, {is_numpy}")
        self.emit(f"br i1 {is_float}, label %{exact}, label %{other}")
        self.label(exact)
        direct = self.field("double", value, NUMBER)
        self.emit(f"br label %{join}")
        self.label(other)
        converted = self.integer(value, cls, "double", "PyLong_AsDouble", "fcmp une double {}, -1.0")
        last = self.block()
        self.emit(f"br label %{last}")
        self.label(last)
        self.emit(f"br label %{join}")
        self.label(join)
        number = self.let(f"phi double [ {direct}, %{exact} ], [ {converted}, %{last} ]")
        return number if dtype == "f64" else self.let(f"fptrunc double {number} to float")

    def integer(self, value: str, cls: str, kind: str, converter: str, is_valid: str) -> str:
        """Return the value of a Python integer; give up on another type, or if it does not fit."""
        self.require(self.let(f"icmp eq ptr {cls}, {self.slot('int')}"))
        result = self.let(f"call {kind} {self.slot(converter)}(ptr {value})")
        doubtful, fine = self.block(), self.block()
        self.emit(f"br i1 {self.let(is_valid.format(result))}, label %{fine}, label %{doubtful}")
        self.label(doubtful)
        error = self.let(f"call ptr {self.slot('PyErr_Occurred')}()")
        self.emit(f"br i1 {self.let(f'icmp eq ptr {error}, null')}, label %{fine}, label %clear")
        self.label(fine)
        return result
