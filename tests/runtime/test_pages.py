"""Machine code in memory: objects placed as LLVM places them, pages shared, freed and used again."""

from __future__ import annotations

import ctypes
import gc
import platform
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import diffc as dc
from diffc import tuning
from diffc.errors import ArtefactError, DiffcError
from diffc.runtime import Kernel
from diffc.runtime.code import machine, pages
from diffc.runtime.code.machine import compile_text, load_object
from diffc.runtime.code.objects import ObjectFile, read_object

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="elsewhere LLVM itself loads objects"
)

FUNCTIONS = [
    dc.parse("a*b + c"),
    dc.value_and_grad(dc.parse("sum(exp(x)*tanh(x))", {"x": "f64[N]"})),
    dc.parse("x@y", {"x": "f64[N,N]", "y": "f64[N,N]"}),
    dc.parse("sort(x)", {"x": "f64[N]"}),
    dc.parse("solve(a, b)", {"a": "f64[3,3]", "b": "f64[3]"}),
    dc.parse("x + [1.5, 2.5, 3.5, 4.5, 5.5]", {"x": "f64[5]"}),
]


def arguments(f: dc.Function) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        rng.normal(size=[5 if n == "N" else int(n) for n in map(str, each.shape)])
        for each in f.inputs.values()
    ]


def maps() -> int:
    return Path("/proc/self/maps").read_text().count("\n")


def flat(value) -> np.ndarray:
    return np.concatenate([np.ravel(each) for each in (value if isinstance(value, tuple) else (value,))])


@pytest.mark.parametrize("f", FUNCTIONS, ids=str)
def test_placed_objects_compute_what_llvm_loads(f, monkeypatch):
    program = dc.compile(f, cache=False).program
    assert isinstance(read_object(program.object_code), ObjectFile)
    args = arguments(f)
    placed = flat(Kernel(program)(*args))
    monkeypatch.setattr(machine, "read_object", lambda _: None)
    assert np.array_equal(placed, flat(Kernel(program)(*args)))


def test_thousands_of_kernels_share_their_maps():
    program = dc.compile(FUNCTIONS[0], cache=False).program
    before = maps()
    kernels = [Kernel(program) for _ in range(2_000)]
    assert maps() - before < 50
    del kernels[::2]
    kernels += [Kernel(program) for _ in range(1_500)]
    assert maps() - before < 50
    assert all(kernel(2.0, 3.0, k) == 6 + k for k, kernel in enumerate(kernels))


def test_what_is_freed_serves_again_and_has_nothing_left_in_it():
    own = pages.Pages()
    first = own.allocate(100)
    first.fill(np.full(100, 0xC3, np.uint8))
    content = (ctypes.c_uint8 * 100).from_address(first.address)
    assert set(content) == {0xC3}
    address = first.address
    del first
    assert set(content) == {0}
    assert own.allocate(100).address == address


def test_runs_of_pages_are_joined_again():
    own = pages.Pages(in_region=8)
    blocks = [own.allocate(2 * pages._PAGE) for _ in range(4)]
    start = blocks[0].address
    for k in (2, 0, 3, 1):
        blocks[k] = None
    assert own.allocate(8 * pages._PAGE).address == start
    assert len(own._regions) == 1
    large = own.allocate(20 * pages._PAGE)
    assert len(own._regions) == 2
    large.fill(np.ones(20 * pages._PAGE, np.uint8))


def test_no_memory_is_an_error(monkeypatch):
    monkeypatch.setattr(pages, "_system", lambda: SimpleNamespace(mmap=lambda *_: 2**64 - 1))
    with pytest.raises(DiffcError, match="no more memory for machine code"):
        pages.Pages().allocate(100)


def test_where_llvm_loads_there_is_a_limit_and_no_abort(samples, monkeypatch):
    monkeypatch.setattr(machine, "read_object", lambda _: None)
    gc.collect()
    monkeypatch.setattr(tuning, "MAX_ENGINES", len(machine._engines) + 2)
    program = samples.scalars_program()
    kernels = [Kernel(program) for _ in range(2)]
    with pytest.raises(DiffcError, match="kernels are alive"):
        Kernel(program)
    del kernels[0]
    gc.collect()
    assert Kernel(program)(1.0, 2.0, 2.0) == 36.0


def test_a_kernel_that_is_let_go_while_it_runs_lives_to_the_end():
    x = np.linspace(0, 1, 30_000_000)
    program = dc.compile(dc.parse("sum(exp(sin(x)))", {"x": "f64[N]"}), cache=False).program
    held = [Kernel(program)]
    found = []
    thread = threading.Thread(target=lambda: found.append(held[0](x)))
    thread.start()
    time.sleep(0.02)
    held.clear()
    gc.collect()
    others = [Kernel(program) for _ in range(20)]
    thread.join()
    assert found == [others[0](x)]


def test_each_code_model_is_loaded():
    import llvmlite.binding as llvm

    load_object(compile_text("define i64 @f() {\n  ret i64 1\n}\n"))
    text = (
        "@table = internal constant [3 x i64] [i64 5, i64 7, i64 11]\n@count = internal global i64 40\n"
        "@where = hidden global ptr @table\n"
        "define i64 @twice(i64 %k) noinline {\n  %v = mul i64 %k, 2\n  ret i64 %v\n}\n"
        "define i64 @f(i64 %k) {\n"
        "  %n = load i64, ptr @count\n  %m = add i64 %n, 1\n  store i64 %m, ptr @count\n"
        "  %base = load ptr, ptr @where\n"
        "  %p = getelementptr i64, ptr %base, i64 %k\n  %v = load i64, ptr %p\n"
        "  %t = call i64 @twice(i64 %v)\n  %s = add i64 %t, %n\n  ret i64 %s\n}\n"
    )
    for model in ("small", "medium", "large"):
        target = llvm.Target.from_default_triple()
        emitter = target.create_target_machine(opt=2, reloc="pic", codemodel=model)
        data = emitter.emit_object(llvm.parse_assembly(text, context=llvm.create_context()))
        assert (read_object(data) is None) == (model != "large")  # the others are left to LLVM
        code = load_object(data)
        call = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 2)(code.address("f"))
        assert [call(k) for k in range(3)] == [50, 55, 64]
        assert code.find("g") == 0


def test_damaged_objects_are_refused_or_left_to_llvm(samples):
    sound = samples.take_program().object_code
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(3_000):
        data = bytearray(sound[: rng.integers(1, len(sound))] if rng.random() < 0.3 else sound)
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(256)
        try:
            found = read_object(bytes(data))
            if found is not None and found.size < 1 << 20 and found.written_size < 1 << 20:
                found.images(1 << 40, 1 << 41, dict.fromkeys(found.undefined, 1 << 42))
        except ArtefactError:
            refused += 1
    assert refused > 300
