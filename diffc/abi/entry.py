"""The fast way into a kernel: LLVM text of a CPython function specialised to one signature.

Stands beside the kernel in its module. `@diffc_entry` has CPython's METH_FASTCALL convention; it serves the
perfect call, in which each scalar is a Python number and each array exactly an aligned, C-contiguous
`ndarray` of the very dtype and shape, and returns `NotImplemented` for every other one, having changed
nothing: the runtime's slow path then copies, casts, or says what is wrong. `@diffc_entry_out` is the same
with the output arrays given after the inputs.

The object names what it needs of the process: `@diffc_slots` is a text of names joined by commas, and the
runtime stores the address of each into `@diffc_table` before the first call. So no address ever stands in
object code. Structs of CPython and NumPy are read at the offsets of `diffc.abi.layouts`; the runtime tries
them on live objects and uses no entry where they do not hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diffc import tuning
from diffc.abi.entry_writer import LLVM_NAMES, OVERLAP, EntryWriter
from diffc.abi.layouts import DATA, DIMS, READABLE, TYPE, WRITABLE
from diffc.ir import Dim, Extent, Tree, Type
from diffc.ir.dtype import ITEM_SIZE
from diffc.ir.terms import Quotient, Terms

__all__ = ["emit_entry"]

_NO_LIMIT = 1 << 60


def emit_entry(
    inputs: Sequence[Type],
    outputs: Sequence[Type],
    tree: Tree,
    bindings: Sequence[tuple[str, int, int, int, int]],
    workspace: Extent,
    constants: int,
    captured: Sequence[Type] = (),
) -> str:
    """Return LLVM text that defines the entries for a module that defines `@diffc_kernel`.

    `bindings` says for each symbol, in the signature's order, where it is read: (symbol, input, axis,
    factor, offset) with `extent == factor * symbol + offset`. The code takes so many `constants`, whose
    memory stays, and `captured` arrays behind them, whose objects are checked in each call as inputs are.
    The text is empty where polynomials in the
    signature are too large to be computed safely in 64 bits.
    """
    shapes = [extent for each in (*inputs, *outputs) for extent in (*each.shape, _bytes(each))]
    limit = _largest_symbol([*shapes, workspace])
    if limit < 1:
        return ""
    slots: dict[str, int] = {}
    text: list[str] = []
    for name, is_given in (("diffc_entry", False), ("diffc_entry_out", True)):
        entry = _Entry(slots, inputs, captured, outputs, tree, bindings, limit)
        text.append(entry.function(name, workspace, constants, is_given))
    names = ",".join(slots)
    return "\n".join(
        [
            f"@diffc_table = hidden global [{len(slots)} x ptr] zeroinitializer",
            f'@diffc_slots = hidden constant [{len(names) + 1} x i8] c"{names}\\00"',
            OVERLAP,
            *text,
        ]
    )


def _bytes(each: Type) -> Extent:
    return each.size * ITEM_SIZE[each.dtype]


def _largest_symbol(extents: Sequence[Extent]) -> int:
    """Return the largest value of the symbols at which no polynomial here can overflow 64 bits."""
    limit = _NO_LIMIT
    for extent in extents:
        if isinstance(extent, int):
            limit = limit if extent < _NO_LIMIT else 0
            continue
        weight, degree = _growth(extent.terms)
        limit = min(limit, int((_NO_LIMIT // weight) ** (1 / degree)) - 1)
    return limit


def _growth(terms: Terms) -> tuple[int, int]:
    """Return a weight and a degree: for symbols up to s no part of a sum is beyond weight * s**degree."""
    weight, degree = 0, 0
    for monomial, coefficient in terms:
        factor, power = abs(coefficient), 0
        for name, times in monomial:
            inner = _growth(name.dividend) if isinstance(name, Quotient) else (1, 1)
            factor, power = factor * inner[0] ** times, power + inner[1] * times
        weight, degree = weight + factor, max(degree, power)
    return weight, degree


class _Entry(EntryWriter):
    """One entry function under construction."""

    def __init__(
        self,
        slots: dict[str, int],
        inputs: Sequence[Type],
        captured: Sequence[Type],
        outputs: Sequence[Type],
        tree: Tree,
        bindings: Sequence[tuple[str, int, int, int, int]],
        limit: int,
    ) -> None:
        super().__init__(slots)
        self.inputs, self.captured, self.outputs, self.tree = inputs, captured, outputs, tree
        self.bindings, self.limit = bindings, limit

    def function(self, name: str, workspace: Extent, constants: int, is_given: bool) -> str:
        """Return the text of the function."""
        inputs, outputs = len(self.inputs), len(self.outputs)
        first_captured = inputs + constants
        first_output = first_captured + len(self.captured)
        self.alloca("%argv", f"[{max(1, first_output + outputs)} x ptr]")
        self.alloca("%dims", f"[{max(1, len(self.bindings))} x i64]")
        self.alloca("%objects", f"[{max(1, outputs)} x ptr]")
        expected = inputs + (outputs if is_given else 0)
        self.require(self.let(f"icmp eq i64 %nargs, {expected}"))
        arrays = [self.input(position, kind) for position, kind in enumerate(self.inputs)]
        self.bind(arrays)
        if not isinstance(workspace, int):
            self.require(self.let(f"icmp sle i64 {self.extent(workspace)}, {tuning.LARGE_WORKSPACE}"))
        results = sum((each.size * ITEM_SIZE[each.dtype] for each in self.outputs), start=0)
        if not isinstance(results, int) or results > tuning.LARGE_RESULTS:
            self.require(self.let(f"icmp sle i64 {self.extent(results)}, {tuning.LARGE_RESULTS}"))
        for position in range(constants):
            self.store("ptr", self.slot(f"constant:{position}"), "%argv", inputs + position)
        for position, kind in enumerate(self.captured):
            self.read_captured(position, first_captured + position, kind)
        for position in range(0 if is_given else outputs):
            self.store("ptr", "null", "%objects", position)
        for position, kind in enumerate(self.outputs):
            place = first_output + position
            if is_given:
                self.given(position, inputs + position, place, kind)
            elif kind.shape:
                self.allocate(position, place, kind)
            else:
                self.store(
                    "ptr", self.alloca("", LLVM_NAMES[kind.dtype], ITEM_SIZE[kind.dtype]), "%argv", place
                )
        if is_given:
            self.disjoint(arrays, first_captured, first_output)
        self.run(workspace)
        result = self.build(self.tree, first_output, is_given)
        self.emit(f"ret ptr {result}")
        self.leave(is_given)
        body = "\n  ".join(self.lines)
        head = "\n  ".join(self.head)
        signature = f"define ptr @{name}(ptr %self, ptr %args, i64 %nargs) nounwind noinline optnone"
        return f"{signature} {{\nentry:\n  {head}\n  br label %start\nstart:\n  {body}\n}}\n"

    # --- inputs

    def input(self, position: int, kind: Type) -> str:
        """Check one input but for its extents, store its pointer; return the array object, or ""."""
        value, cls = self.argument(position)
        if kind.shape:
            self.check_array(value, cls, kind, READABLE)
            self.store("ptr", self.field("ptr", value, DATA), "%argv", position)
            return value
        number = self.number(value, cls, kind.dtype)
        place = self.alloca("", LLVM_NAMES[kind.dtype], ITEM_SIZE[kind.dtype])
        self.emit(f"store {LLVM_NAMES[kind.dtype]} {number}, ptr {place}")
        self.store("ptr", place, "%argv", position)
        return ""

    def read_captured(self, position: int, place: int, kind: Type) -> None:
        """Check an array that the program captures, as it is now, and store its pointer."""
        value = self.slot(f"captured:{position}")
        self.check_array(value, self.field("ptr", value, TYPE), kind, READABLE)
        if kind.shape:
            lengths = self.field("ptr", value, DIMS)
            for axis, extent in enumerate(kind.shape):
                length = self.field("i64", lengths, 8 * axis)
                self.require(self.let(f"icmp eq i64 {length}, {self.extent(extent)}"))
        self.store("ptr", self.field("ptr", value, DATA), "%argv", place)

    def bind(self, arrays: Sequence[str]) -> None:
        """Give every symbol its value, then check every other extent."""
        lengths = [self.field("ptr", array, DIMS) if array else "" for array in arrays]
        bound: set[tuple[int, int]] = set()
        for position, (symbol, source, axis, factor, offset) in enumerate(self.bindings):
            value = self.field("i64", lengths[source], 8 * axis)
            if offset:
                value = self.let(f"sub i64 {value}, {offset}")
            if factor != 1:
                length, value = value, self.let(f"sdiv i64 {value}, {factor}")
                self.require(self.let(f"icmp eq i64 {self.let(f'mul i64 {value}, {factor}')}, {length}"))
            self.require(self.let(f"icmp ule i64 {value}, {self.limit}"))
            self.values[symbol] = value
            self.store("i64", value, "%dims", position)
            bound.add((source, axis))
        for position, kind in enumerate(self.inputs):
            for axis, extent in enumerate(kind.shape):
                if (position, axis) not in bound:
                    length = self.field("i64", lengths[position], 8 * axis)
                    self.require(self.let(f"icmp eq i64 {length}, {self.extent(extent)}"))

    # --- outputs

    def given(self, position: int, argument: int, place: int, kind: Type) -> None:
        """Check an output array that the caller gave."""
        value, cls = self.argument(argument)
        self.check_array(value, cls, kind, WRITABLE)
        if kind.shape:
            lengths = self.field("ptr", value, DIMS)
            for axis, extent in enumerate(kind.shape):
                length = self.field("i64", lengths, 8 * axis)
                self.require(self.let(f"icmp eq i64 {length}, {self.extent(extent)}"))
        self.store("ptr", self.field("ptr", value, DATA), "%argv", place)
        self.store("ptr", value, "%objects", position)

    def allocate(self, position: int, place: int, kind: Type) -> None:
        """Make a new array for an output; on failure release those made before and give up."""
        shape = self.alloca("", f"[{len(kind.shape)} x i64]")
        for axis, extent in enumerate(kind.shape):
            length = self.extent(extent)
            if isinstance(extent, Dim) and any(coefficient < 0 for _, coefficient in extent.terms):
                self.require(self.let(f"icmp sge i64 {length}, 0"), "release")
            self.store("i64", length, shape, axis)
        dtype = self.slot("dtype:" + kind.dtype)
        self.emit(f"call void {self.slot('Py_IncRef')}(ptr {dtype})")  # the next call takes it over
        array = self.let(
            f"call ptr {self.slot('PyArray_NewFromDescr')}(ptr {self.slot('ndarray')}, ptr {dtype}, "
            f"i32 {len(kind.shape)}, ptr {shape}, ptr null, ptr null, i32 0, ptr null)"
        )
        self.require(self.let(f"icmp ne ptr {array}, null"), "clear_release")
        self.store("ptr", array, "%objects", position)
        self.store("ptr", self.field("ptr", array, DATA), "%argv", place)

    def disjoint(self, arrays: Sequence[str], first_captured: int, first_output: int) -> None:
        """Give up where the address range of a given output meets another's, even if only it seems so."""
        ranges = [(position, kind) for position, kind in enumerate(self.inputs) if arrays[position]]
        ranges += [(first_captured + position, kind) for position, kind in enumerate(self.captured)]
        ranges += [(first_output + position, kind) for position, kind in enumerate(self.outputs)]
        low = self.alloca("", f"[{max(1, len(ranges))} x ptr]")
        high = self.alloca("", f"[{max(1, len(ranges))} x ptr]")
        for index, (place, kind) in enumerate(ranges):
            start = self.field("ptr", "%argv", 8 * place)
            self.store("ptr", start, low, index)
            end = self.let(f"getelementptr i8, ptr {start}, i64 {self.extent(_bytes(kind))}")
            self.store("ptr", end, high, index)
        count = len(ranges) - len(self.outputs)
        hit = self.let(f"call i1 @diffc_overlap(ptr {low}, ptr {high}, i64 {count}, i64 {len(ranges)})")
        self.require(self.let(f"xor i1 {hit}, true"))

    # --- the call

    def run(self, workspace: Extent) -> None:
        """Call the kernel with its workspace, without the GIL where that is worth it."""
        size = self.extent(workspace)
        stack = "%argv"
        if workspace != 0:
            constant = isinstance(workspace, int) and workspace <= tuning.STACK_WORKSPACE
            stack = self.alloca("", f"[{workspace if constant else tuning.STACK_WORKSPACE} x i8]", 64)
        heap = "null"
        if workspace != 0 and not (isinstance(workspace, int) and workspace <= tuning.STACK_WORKSPACE):
            heap, stack = self.workspace(size, stack)
        touched = workspace
        for kind in (*self.inputs, *self.outputs):
            if kind.shape:
                touched = touched + _bytes(kind)
        if isinstance(touched, int):
            is_large = "true" if touched >= tuning.RELEASE_GIL else "false"
        else:
            # The sum may overflow where its terms do not; then the GIL is kept, which is harmless.
            is_large = self.let(f"icmp sge i64 {self.extent(touched)}, {tuning.RELEASE_GIL}")
        save, call, restore, after = (self.block() for _ in range(4))
        before = self.block()
        self.emit(f"br label %{before}")
        self.label(before)
        self.emit(f"br i1 {is_large}, label %{save}, label %{call}")
        self.label(save)
        saved = self.let(f"call ptr {self.slot('PyEval_SaveThread')}()")
        self.emit(f"br label %{call}")
        self.label(call)
        state = self.let(f"phi ptr [ {saved}, %{save} ], [ null, %{before} ]")
        status = self.let(f"call i64 @diffc_kernel(ptr %argv, ptr %dims, ptr {stack}) noinline")
        self.emit(f"br i1 {self.let(f'icmp eq ptr {state}, null')}, label %{after}, label %{restore}")
        self.label(restore)
        self.emit(f"call void {self.slot('PyEval_RestoreThread')}(ptr {state})")
        self.emit(f"br label %{after}")
        self.label(after)
        if heap != "null":
            self.emit(f"call void {self.slot('PyMem_RawFree')}(ptr {heap})")
        # A failed run-time check is raised by the slow path, which runs the kernel again.
        self.require(self.let(f"icmp eq i64 {status}, 0"), "release")

    def workspace(self, size: str, stack: str) -> tuple[str, str]:
        """Return the allocated pointer (null if the stack serves) and the aligned workspace."""
        here, allocate, fine, join = (self.block() for _ in range(4))
        self.emit(f"br label %{here}")
        self.label(here)
        small = self.let(f"icmp sle i64 {size}, {tuning.STACK_WORKSPACE}")
        self.emit(f"br i1 {small}, label %{join}, label %{allocate}")
        self.label(allocate)
        padded = self.let(f"add i64 {size}, 64")
        memory = self.let(f"call ptr {self.slot('PyMem_RawMalloc')}(i64 {padded})")
        self.emit(f"br i1 {self.let(f'icmp eq ptr {memory}, null')}, label %release, label %{fine}")
        self.label(fine)
        number = self.let(f"add i64 {self.let(f'ptrtoint ptr {memory} to i64')}, 63")
        aligned = self.let(f"inttoptr i64 {self.let(f'and i64 {number}, -64')} to ptr")
        self.emit(f"br label %{join}")
        self.label(join)
        heap = self.let(f"phi ptr [ null, %{here} ], [ {memory}, %{fine} ]")
        return heap, self.let(f"phi ptr [ {stack}, %{here} ], [ {aligned}, %{fine} ]")

    # --- results

    def build(self, tree: Tree, first: int, is_given: bool) -> str:
        """Return a new reference to the results arranged by the tree."""
        if isinstance(tree, int):
            return self.box(tree, first + tree, is_given)
        items = [self.build(item, first, is_given) for item in tree]
        result = self.let(f"call ptr {self.slot('PyTuple_New')}(i64 {len(items)})")
        self.require(self.let(f"icmp ne ptr {result}, null"), "fail")
        for position, item in enumerate(items):
            self.emit(f"call i32 {self.slot('PyTuple_SetItem')}(ptr {result}, i64 {position}, ptr {item})")
        return result

    def box(self, output: int, place: int, is_given: bool) -> str:
        kind = self.outputs[output]
        if is_given or kind.shape:
            value = self.field("ptr", "%objects", 8 * output)
            if is_given:
                self.emit(f"call void {self.slot('Py_IncRef')}(ptr {value})")
            return value
        pointer = self.field("ptr", "%argv", 8 * place)
        number = self.let(f"load {LLVM_NAMES[kind.dtype]}, ptr {pointer}")
        if kind.dtype == "f32":
            number = self.let(f"fpext float {number} to double")
        if kind.dtype == "bool":
            number = self.let(f"zext i8 {number} to i64")
        makers: Mapping[str, str] = {"i64": "PyLong_FromLongLong", "bool": "PyBool_FromLong"}
        argument = "double" if kind.is_float else "i64"
        maker = self.slot(makers.get(kind.dtype, "PyFloat_FromDouble"))
        result = self.let(f"call ptr {maker}({argument} {number})")
        self.require(self.let(f"icmp ne ptr {result}, null"), "fail")
        return result

    def leave(self, is_given: bool) -> None:
        """Emit the ways out that are not a result."""
        self.label("clear_release")
        self.emit(f"call void {self.slot('PyErr_Clear')}()")
        self.emit("br label %release")
        self.label("release")
        if not is_given:
            for position, kind in enumerate(self.outputs):
                if kind.shape:
                    value = self.field("ptr", "%objects", 8 * position)
                    self.emit(f"call void {self.slot('Py_DecRef')}(ptr {value})")
        self.emit("br label %give_up")
        self.label("clear")
        self.emit(f"call void {self.slot('PyErr_Clear')}()")
        self.emit("br label %give_up")
        self.label("give_up")
        sentinel = self.slot("Py_NotImplemented")
        self.emit(f"call void {self.slot('Py_IncRef')}(ptr {sentinel})")
        self.emit(f"ret ptr {sentinel}")
        # Out of memory for a number or a tuple: CPython has set the error; what was built is lost.
        self.label("fail")
        self.emit("ret ptr null")
