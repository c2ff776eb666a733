"""The LLVM side: LLVM text to object code, object code to callable addresses.

llvmlite is imported at first use. One lock guards LLVM; every compilation has a context of its own, so
that Numba, which compiles in LLVM's global one, may work in another thread. Engines live as long as the
`LoadedCode` that owns them.
"""

from __future__ import annotations

import ctypes
import re
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from diffc import tuning
from diffc.errors import ArtefactError, DiffcError
from diffc.forks import hold
from diffc.runtime.code.externals import addresses, private_names, provide, undefined_symbols
from diffc.runtime.code.objects import ObjectFile, read_object
from diffc.runtime.code.pages import Pages, aligned, are_supported
from diffc.runtime.code.room import check_room

__all__ = [
    "Host",
    "LoadedCode",
    "assembly",
    "compile_text",
    "cut_in_pieces",
    "host",
    "load_object",
    "optimised",
]

_LABEL = re.compile(r"[-\w.$]+:|\"[^\"]*\":")
_FROM = re.compile(r", %([-\w.$]+|\"[^\"]*\") \]")
_lock = threading.RLock()
_pages = Pages()
_engines: weakref.WeakSet[LoadedCode] = weakref.WeakSet()
hold(_lock)  # a fork waits until no other thread compiles: LLVM's own locks cannot be renewed in a child


class Host(NamedTuple):
    """The machine that code is generated for."""

    triple: str
    cpu: str
    features: frozenset[str]
    llvm: str


@dataclass(frozen=True, eq=False)
class LoadedCode:
    """Machine code in executable memory, which is freed with this object.

    `find` gives the address of a symbol of the object, or 0; `owned` is what the memory belongs to.
    """

    find: Callable[[str], int]
    owned: tuple[Any, ...]

    def address(self, name: str) -> int:
        """Return the address of a symbol of the object; raise `ArtefactError` if it has none such."""
        found = self.find(name)
        if not found:
            raise ArtefactError(f"the object code does not define {name!r}")
        return found


def host() -> Host:
    """Return this machine's triple, CPU, features and LLVM's version."""
    with _lock:
        return _host()


@cache
def _host() -> Host:
    import llvmlite
    import llvmlite.binding as llvm

    features = frozenset(name for name, present in llvm.get_host_cpu_features().items() if present)
    version = ".".join(map(str, llvm.llvm_version_info))
    return Host(
        llvm.get_process_triple(), llvm.get_host_cpu_name(), features, f"{llvmlite.__version__}/{version}"
    )


def compile_text(ir_text: str, level: int = 2) -> bytes:
    """Return the object code of an LLVM module; raise `DiffcError` if LLVM refuses the text.

    `level` (0 to 3) is the most effort to spend: long straight-line code gets less, so that the time
    stays near linear in the module's size.
    """
    with _lock:
        return _generate(ir_text, level, "object")


def assembly(ir_text: str, level: int = 2) -> str:
    """Return the assembly text of what `compile_text` would make."""
    with _lock:
        return _generate(ir_text, level, "assembly")


def optimised(ir_text: str, level: int = 2) -> str:
    """Return the LLVM text after the optimisation pipeline, which is what code is generated from."""
    with _lock:
        return _generate(ir_text, level, "text")


def load_object(object_code: bytes) -> LoadedCode:
    """Return the object code loaded into executable memory.

    Raises `ArtefactError` if it is no object file, `DiffcError` if it calls what this platform lacks, or
    where there is no memory. The code itself is believed: whoever may write the object may run anything.
    """
    if len(object_code) < 64:
        raise ArtefactError("the object code is cut short")
    with _lock:
        found = read_object(object_code) if are_supported() else None
        return _linked(object_code) if found is None else _placed(found)


def _placed(found: ObjectFile) -> LoadedCode:
    """Return an object in pages that it shares a region with others'."""
    resolved = addresses(found.undefined)
    written, start = aligned(found.written_size)
    block = _pages.allocate(found.size)
    content, initial = found.images(block.address, start, resolved)
    ctypes.memmove(start, initial.ctypes.data, initial.nbytes)
    block.fill(content)
    symbols = found.symbols(block.address, start)
    return LoadedCode(lambda name: symbols.get(name, 0), (block, written))


def _linked(object_code: bytes) -> LoadedCode:
    """Return an object that LLVM itself loads."""
    import llvmlite.binding as llvm

    _initialize()
    provide(undefined_symbols(object_code))
    if len(_engines) >= tuning.MAX_ENGINES:
        raise DiffcError(
            f"{tuning.MAX_ENGINES:,} kernels are alive, and LLVM ends the process where the system allows no "
            "more: let go of some, or compile one for symbolic shapes instead of many"
        )
    try:
        reference = llvm.ObjectFileRef.from_data(object_code)
        # The engine consumes its target machine: one is made for each.
        shell = llvm.parse_assembly("", context=llvm.create_context())
        engine = llvm.create_mcjit_compiler(shell, _target_machine(1))
        engine.add_object_file(reference)
        engine.finalize_object()
    except RuntimeError as error:
        raise ArtefactError(f"the object code cannot be loaded: {error}") from None

    def find(name: str) -> int:
        with _lock:
            return int(engine.get_function_address(name)) or int(engine.get_global_value_address(name))

    loaded = LoadedCode(find, ())
    _engines.add(loaded)
    # The collector of a reference cycle would finalise the LLVM context before the engine that needs it,
    # and crash: the callback holds the engine, hence the context, until the engine is closed.
    weakref.finalize(loaded, engine.close).atexit = False
    return loaded


def _generate(ir_text: str, level: int, form: str) -> Any:
    _initialize()
    check_room(ir_text)
    machine = _target_machine(level)
    module = _parse(private_names(ir_text), machine)
    _optimise(module, machine, level, ir_text)
    if form == "text":
        return str(module)
    longest = 0
    if ir_text.count("\n") > tuning.LONG_BLOCK or "alwaysinline" in ir_text:
        text = str(module)
        longest = _longest_block(text)
        if longest > tuning.LONG_BLOCK:
            module = _parse(cut_in_pieces(text), machine)
    effort = 0 if longest > tuning.LONGEST_BLOCK else (1 if longest > tuning.LONG_BLOCK else 3)
    machine = _target_machine(min(level, effort))
    try:
        return machine.emit_object(module) if form == "object" else machine.emit_assembly(module)
    except RuntimeError as error:
        raise DiffcError(f"LLVM cannot generate code for the kernel: {error}") from None


def _parse(ir_text: str, machine: Any) -> Any:
    """Return the verified module: the pass builder ends the process on an invalid one."""
    import llvmlite.binding as llvm

    try:
        module = llvm.parse_assembly(ir_text, context=llvm.create_context())
        module.triple = llvm.get_process_triple()
        module.data_layout = str(machine.target_data)
        module.verify()
    except RuntimeError as error:
        raise DiffcError(f"the kernel's LLVM text is not valid, which is a fault in diffc: {error}") from None
    return module


def _optimise(module: Any, machine: Any, level: int, ir_text: str) -> None:
    import llvmlite.binding as llvm

    lines = ir_text.count("\n")
    is_large = lines > tuning.MANY_LINES
    most = 1 if is_large or ir_text.count("\n  call void @") > tuning.MANY_CALLS else 2
    options = llvm.create_pipeline_tuning_options(speed_level=min(level, most))
    # Kernels are vectorised explicitly: the loop vectoriser would only bloat the scalar tails.
    options.loop_vectorization = False
    options.slp_vectorization = level >= 2 and not is_large
    options.loop_unrolling = not is_large
    # A builder serves one module and a pass manager one run: kept ones end in a crash.
    builder = llvm.create_pass_builder(machine, options)
    if level == 0 or (lines > tuning.HUGE_BLOCK and _longest_block(ir_text) > tuning.HUGE_BLOCK):
        # Straight-line code arrives simplified and without common subexpressions: little is left to do.
        passes = llvm.create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        passes.add_sroa_pass()
        passes.add_instruction_combine_pass()
        passes.add_simplify_cfg_pass()
    else:
        passes = builder.getModulePassManager()
    passes.run(module, builder)


def _longest_block(text: str) -> int:
    """Return the number of lines of the longest basic block."""
    longest = start = 0
    for number, line in enumerate(text.splitlines()):
        if line[:1] != " ":
            start = number
        longest = max(longest, number - start)
    return longest


def cut_in_pieces(text: str) -> str:
    """Return the module with its huge blocks cut in pieces by branches."""
    result: list[str] = []
    function: list[str] = []
    for line in text.splitlines():
        function.append(line)
        if line.startswith("}"):
            result += _cut_function(function)
            function = []
    return "\n".join([*result, *function]) + "\n"


def _cut_function(lines: list[str]) -> list[str]:
    """Return a function with its huge blocks cut; what follows a block follows its last piece."""
    starts = [k for k, line in enumerate(lines) if line[:1] != " " and _LABEL.match(line)]
    last: dict[str, str] = {}
    result = lines[: starts[0]] if starts else lines
    cut = 0
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        block = lines[start:stop]
        label = lines[start].partition(":")[0]
        pieces = 0
        for position, each in enumerate(block):
            # Phis and allocas must stay in the first piece.
            is_bound = " = phi " in each or " = alloca " in each
            if (
                len(block) > tuning.LONG_BLOCK
                and each[:1] == " "
                and position // tuning.CUT_EVERY > pieces
                and not is_bound
            ):
                pieces = position // tuning.CUT_EVERY
                cut += 1
                last[label] = f"diffc.cut{cut}"
                result += [f"  br label %diffc.cut{cut}", "", f"diffc.cut{cut}:"]
            result.append(each)
    if not last:
        return result
    return [
        _FROM.sub(lambda m: f", %{last.get(m[1], m[1])} ]", line) if " = phi " in line else line
        for line in result
    ]


def _target_machine(level: int) -> Any:
    import llvmlite.binding as llvm

    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=level,
        reloc="pic",
    )


@cache
def _initialize() -> None:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    lock = getattr(getattr(llvm.ffi, "lib", None), "_lock", None)
    if lock is not None:  # Numba takes it without ours
        hold(lock)
