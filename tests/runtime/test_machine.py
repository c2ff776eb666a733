"""The LLVM side: refusals instead of aborts, compile time, externals, forks and threads."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import Options, Stages
from diffc.errors import ArtefactError, DiffcError
from diffc.runtime import Kernel
from diffc.runtime.code.externals import undefined_symbols
from diffc.runtime.code.machine import assembly, compile_text, cut_in_pieces, host, load_object, optimised


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "define i64 @f() { ret i32 0 }",
        "define i64 @f(i1 %c) {\nentry:\n  br i1 %c, label %a, label %b\n"
        "a:\n  %x = add i64 1, 2\n  br label %b\nb:\n  ret i64 %x\n}",
    ],
)
def test_invalid_text_is_an_error_and_no_abort(text):
    with pytest.raises(DiffcError, match="a fault in diffc"):
        compile_text(text)


def test_a_missing_symbol_is_an_error_and_no_abort():
    code = compile_text(
        "declare double @no_such_function()\ndefine double @f() {\n  %x = call double "
        "@no_such_function()\n  ret double %x\n}\n"
    )
    assert undefined_symbols(code) == ("no_such_function",)
    with pytest.raises(DiffcError, match="calls 'no_such_function', which this platform does not provide"):
        load_object(code)


def test_a_damaged_object_is_an_error(samples):
    code = samples.twice_program().object_code
    for data in (b"", b"\x7fELF\x02" + b"\xff" * 200, code[:100]):
        with pytest.raises((ArtefactError, DiffcError)):
            load_object(data).address("diffc_kernel")


SHORT_OF_MEMORY = """if True:
    import resource
    from pathlib import Path
    import diffc as dc

    small, large = dc.parse("a*b + sin(a)"), dc.parse("+".join(f"sin(x*{k}.5)" for k in range(8000)))
    assert dc.compile(small, cache=False)(1.0, 0.0) > 0
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (60 << 20), -1))
    try:
        dc.compile(large, cache=False)
    except dc.DiffcError as problem:
        print(problem)
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    print(dc.compile(dc.parse("a*b"), cache=False)(2.0, 3.0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
def test_where_memory_is_short_a_large_program_is_an_error_and_no_abort():
    done = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY], capture_output=True, text=True, timeout=100
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr[-2000:]
    assert "lines of LLVM takes about" in lines[0]
    assert lines[1:] == ["6.0"]


def test_texts(samples):
    assert "diffc_kernel" in assembly(samples.TWICE)
    assert "fmul" in optimised(samples.TWICE)


def test_always_inline_vectors_use_the_widest_registers():
    text = """
define internal <8 x double> @square(<8 x double> %x) alwaysinline {
  %y = fmul <8 x double> %x, %x
  ret <8 x double> %y
}
define void @f(ptr %x) {
  %v = load <8 x double>, ptr %x, align 8
  %w = call <8 x double> @square(<8 x double> %v)
  store <8 x double> %w, ptr %x, align 8
  ret void
}
"""
    for level in (0, 2):
        listing = assembly(text, level)
        assert "call" not in listing
        if "avx512f" in host().features:
            assert "%zmm" in listing


def straight_line(samples, count):
    """A random straight-line program of fmul, fadd and fma, and its value in NumPy."""
    source, fma = random.Random(0), "@llvm.fma.f64"
    x = np.random.default_rng(0).uniform(0.9, 1.1, 16)
    lines, names, values = [], [], []
    for position in range(16):
        lines.append(f"  %a{position} = getelementptr double, ptr %p0, i64 {position}")
        lines.append(f"  %x{position} = load double, ptr %a{position}")
        names.append(f"%x{position}")
        values.append(x[position])
    for position in range(count):
        i, j = (len(names) - 1 - int(source.expovariate(0.05)) % len(names) for _ in range(2))
        kind = source.choice(("mul", "fma", "mean"))
        if kind == "mean":
            lines.append(f"  %h{position} = fmul double {names[i]}, 0.5")
            lines.append(
                f"  %v{position} = call double {fma}(double {names[j]}, double 0.5, double %h{position})"
            )
            values.append(values[i] / 2 + values[j] / 2)
        elif kind == "mul":
            lines.append(f"  %v{position} = fmul double {names[i]}, {1 + 1e-3 * (position % 3 - 1)}")
            values.append(values[i] * (1 + 1e-3 * (position % 3 - 1)))
        else:
            lines.append(
                f"  %v{position} = call double {fma}(double {names[i]}, double {names[j]}, double 0.1)"
            )
            values.append(values[i] * values[j] + 0.1)
            lines.append(f"  %w{position} = fmul double %v{position}, 0.5")
            values[-1] *= 0.5
            names.append(f"%w{position}")
            continue
        names.append(f"%v{position}")
    text = "declare double @llvm.fma.f64(double, double, double)\n" + samples.HEAD + samples.pointers(2)
    text += "\n".join(lines) + f"\n  store double {names[-1]}, ptr %p1\n"
    for position in range(1, 200):  # more outputs keep most of the program alive
        text += f"  %o{position} = getelementptr double, ptr %p1, i64 {position}\n"
        text += f"  store double {names[-1 - position * (count // 200)]}, ptr %o{position}\n"
    return text + "  ret i64 0\n}\n", x, [values[-1 - position * (count // 200)] for position in range(200)]


@pytest.mark.parametrize("count", [3_000, 20_000])
def test_long_straight_line_code_is_right(samples, build, count):
    text, x, expected = straight_line(samples, count)
    k = build(text, {"x": "f64[16]"}, {"y": "f64[200]"})
    np.testing.assert_allclose(k(x), expected, rtol=1e-9)


def test_a_long_loop_body_is_right():
    def steps(x, c):
        a, b = x, 1.0 - x
        for k in range(1_200):
            a, b = a + 0.001 * b * c, b - 0.002 * a + (k % 3) * 0.001
        return a * b

    x, c = np.random.default_rng(0).uniform(size=(2, 37))
    f = dc.trace(steps, x, c)
    assert "diffc.cut" in cut_in_pieces(optimised(Stages(f.graph, Options())["llvm"]))
    np.testing.assert_allclose(dc.compile(f, cache=False)(x, c), steps(x, c), rtol=1e-11)


def test_blas_comes_from_scipy(samples, build):
    call = ", ".join(
        [
            "ptr %t",
            "ptr %t",
            *["ptr %n"] * 3,
            "ptr %one",
            "ptr %p1",
            "ptr %n",
            "ptr %p0",
            "ptr %n",
            "ptr %zero",
            "ptr %p2",
            "ptr %n",
        ]
    )
    text = (
        "declare void @dgemm_("
        + ", ".join(["ptr"] * 13)
        + ")\n"
        + samples.HEAD
        + samples.pointers(3)
        + f"""
  %t = alloca i8
  store i8 78, ptr %t
  %n = alloca i32
  %long = load i64, ptr %dims
  %short = trunc i64 %long to i32
  store i32 %short, ptr %n
  %one = alloca double
  store double 1.0, ptr %one
  %zero = alloca double
  store double 0.0, ptr %zero
  call void @dgemm_({call})
  ret i64 0
}}
"""
    )
    k = build(text, {"a": "f64[N, N]", "b": "f64[N, N]"}, {"c": "f64[N, N]"}, externals=("dgemm_",))
    a, b = np.random.default_rng(0).normal(size=(2, 7, 7))
    np.testing.assert_allclose(k(a, b), a @ b)


def test_fork_after_compiling(twice, samples):
    child = os.fork()
    if child == 0:  # pragma: no cover
        signal.alarm(20)
        try:
            again = Kernel(samples.twice_program())
            x = np.arange(50_000.0)
            os._exit(0 if (twice(x) == again(x)).all() else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_fork_while_another_thread_compiles(samples):
    text, _, _ = straight_line(samples, 9_000)
    thread = threading.Thread(target=compile_text, args=(text,))
    thread.start()
    time.sleep(0.05)
    child = os.fork()
    if child == 0:  # pragma: no cover
        signal.alarm(20)
        try:
            os._exit(0 if Kernel(samples.scalars_program())(1.0, 2.0, 2.0) == 36.0 else 1)
        except BaseException:
            os._exit(2)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_threads(twice, take, samples):
    problems = []

    def work(seed):
        try:
            x = np.random.default_rng(seed).normal(size=40_000)
            for step in range(30):
                if step == 10:
                    Kernel(samples.scalars_program())
                if (
                    not (twice(x) == 2 * x).all()
                    or take(x, seed) != 10 * x[seed]
                    or not (twice(list(x[:9])) == 2 * x[:9]).all()
                ):
                    problems.append(seed)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_the_gil_is_released_while_a_long_kernel_runs(build, samples):
    """The kernel waits for a number that another thread sets, and gives up after some seconds."""
    loop = """  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %j, %loop ]
  %s = load volatile double, ptr %p0
  %set = fcmp one double %s, 0.0
  %j = add i64 %i, 1
  %late = icmp sgt i64 %j, 20000000000
  %stop = or i1 %set, %late
  br i1 %stop, label %end, label %loop
end:
  store double %s, ptr %p1
  ret i64 0
}
"""
    k = build(samples.HEAD + samples.pointers(2) + loop, {"x": "f64[N]"}, {"y": "f64"})
    x, seen = np.zeros(100_000), []
    thread = threading.Thread(target=lambda: seen.append(k(x)))
    thread.start()
    x[0] = 7.0
    thread.join()
    assert seen == [7.0]


def test_import_loads_no_compiler():
    script = (
        "import sys, diffc.runtime\n"
        "print([name for name in ('llvmlite', 'numba', 'scipy', 'sympy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
