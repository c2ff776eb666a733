"""Kernels in blocks against plain ones: values, bits for every number of threads, shapes, errors."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc import tuning
from diffc.compiler import Options
from diffc.compiler.variants import compile_kernel
from diffc.functions.function import Function

RNG = np.random.default_rng(7)

NET = "tanh(x@w1 + b1)@w2"
NET_TYPES = {"x": "f64[N,5]", "y": "f64[N,2]", "w1": "f64[5,8]", "b1": "f64[8]", "w2": "f64[8,2]"}
MIXTURE = {"a": "f64[4]", "m": "f64[4,2]", "x": "f64[N,2]"}
GMM = "sum(logsumexp(a - sum((x[:,None,:]-m)**2, axis=2)/2, axis=1))"


def net(rows: int) -> list[Any]:
    return [RNG.normal(size=s) for s in ((rows, 5), (rows, 2), (5, 8), (8,), (8, 2))]


CASES: dict[str, tuple[Function, Any]] = {
    "map": (dc.parse("exp(x)*sin(x)", {"x": "f64[N]"}), lambda n: [RNG.normal(size=n)]),
    "sum": (dc.parse("sum(exp(x))", {"x": "f64[N]"}), lambda n: [RNG.normal(size=n)]),
    "max": (dc.parse("max(exp(x))", {"x": "f64[N]"}), lambda n: [RNG.normal(size=n)]),
    "product": (dc.parse("prod(1 + x/100)", {"x": "f64[N]"}), lambda n: [RNG.normal(size=n)]),
    "any": (dc.parse("any(exp(x) > 3)", {"x": "f64[N]"}), lambda n: [RNG.normal(size=n)]),
    "variance": (dc.parse("var(exp(x))", {"x": "f64[N]"}), lambda n: [RNG.normal(size=n)]),
    "softmax": (dc.parse("softmax(x)", {"x": "f64[N]"}), lambda n: [RNG.normal(size=n)]),
    "places": (dc.parse("sum(exp(x)*arange(dim(x,0)))", {"x": "f64[N]"}), lambda n: [RNG.normal(size=n)]),
    "f32": (dc.parse("exp(x)/sum(exp(x))", {"x": "f32[N]"}), lambda n: [RNG.normal(size=n).astype("f4")]),
    "second axis": (dc.parse("exp(x)@w", {"w": "f64[N]", "x": "f64[3,N]"}),
                    lambda n: [RNG.normal(size=n), RNG.normal(size=(3, n))]),
    "columns out": (dc.parse("exp(x).T", {"x": "f64[N,3]"}), lambda n: [RNG.normal(size=(n, 3))]),
    "network": (dc.value_and_grad(dc.parse(f"mean(({NET} - y)**2)", NET_TYPES), ["w1", "b1", "w2"]), net),
    "mixture": (dc.value_and_grad(dc.parse(GMM, MIXTURE), ["a", "m"]),
                lambda n: [RNG.normal(size=4), RNG.normal(size=(4, 2)), RNG.normal(size=(n, 2))]),
    "table": (dc.grad(dc.parse("sum(exp(t[i])*x)", {"t": "f64[5]", "i": "i64[N]", "x": "f64[N]"}), "t"),
              lambda n: [RNG.normal(size=5), RNG.integers(0, 5, n), RNG.normal(size=n)]),
    "several": (dc.vmap(dc.hessian(dc.parse("exp(a*b)*sin(c)"), ["a", "b", "c"])),
                lambda n: [RNG.normal(size=n) for _ in range(3)]),
    "an input as it is": (dc.parse("[exp(x), x]", {"x": "f64[N]"}), lambda n: [RNG.normal(size=n)]),
}  # fmt: skip


def leaves(value: Any) -> list[Any]:
    return [each for item in value for each in leaves(item)] if isinstance(value, tuple) else [value]


def parallel(f: Function, threads: int = 3) -> dc.Kernel:
    return compile_kernel(f.graph, Options(f.math, derived=f.derived), threads, cache=False)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "BLOCK_COST", 50)
    monkeypatch.setattr(tuning, "BLOCK_WIDTH", 1)


@pytest.mark.parametrize("name", CASES)
def test_values_agree_with_the_plain_kernel(name: str) -> None:
    f, inputs = CASES[name]
    plain, cut = dc.compile(f, cache=False), parallel(f)
    assert "blocks" in cut.stages
    assert cut._cut_for((1001,)) is not None
    tolerance = 1e-5 if name == "f32" else 1e-12
    for size in (0, 1, 2, 15, 16, 17, 100, 1001):
        args = inputs(size)
        for expected, found in zip(leaves(plain(*args)), leaves(cut(*args)), strict=True):
            assert np.shape(found) == np.shape(expected)
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["network", "mixture", "softmax", "table", "f32"])
def test_any_number_of_threads_gives_the_same_bits(name: str) -> None:
    f, inputs = CASES[name]
    args = inputs(3001)
    results = [leaves(parallel(f, threads)(*args)) for threads in (1, 2, 5)]
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert np.array_equal(a, b)


def test_buffers_of_the_caller_are_filled() -> None:
    f, inputs = CASES["map"]
    (x,) = inputs(500)
    out = np.empty(500)
    assert parallel(f)(x, out=out) is out
    np.testing.assert_allclose(out, np.exp(x) * np.sin(x), rtol=1e-14)


def test_inputs_that_are_not_contiguous_are_read() -> None:
    f, inputs = CASES["network"]
    x, y, *rest = inputs(300)
    expected = parallel(f)(x, y, *rest)
    found = parallel(f)(np.asfortranarray(x), y[::-1][::-1], *rest)
    assert found[0] == expected[0]


def test_many_callers_at_once() -> None:
    f, inputs = CASES["network"]
    kernel = parallel(f, 2)
    sets = [inputs(400) for _ in range(8)]
    expected = [kernel(*each) for each in sets]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for a, b in zip(expected, pool.map(lambda args: kernel(*args), sets), strict=True):
                assert all(np.array_equal(x, y) for x, y in zip(leaves(a), leaves(b), strict=True))


INTERRUPTED = """if True:
    import signal, sys, threading, time
    import numpy as np
    import diffc as dc

    x = np.linspace(0, 1, 2_000_000)
    threads = int(sys.argv[1])
    f = dc.parse(sys.argv[2], {"x": "f64[N]", "y": "f64[M]"})
    k = dc.compile(f, parallel=threads, cache=False)
    y = np.linspace(0, 1, 5)
    k(x, y)
    y = np.linspace(0, 1, 10_000)  # minutes of work
    start = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        k(x, y)
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - start < 8)
    print(k(x[:1000], y[:3]) == k(x[:1000], y[:3]))
"""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("formula", ["sum(sum(exp(x[:,None]*y), axis=1))"])
def test_a_long_call_answers_to_ctrl_c(threads: int, formula: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(threads), formula]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("interrupted True\nTrue\n", "")


ENDING = """if True:
    import atexit, threading, time
    import numpy as np
    import diffc as dc
    from diffc import tuning

    tuning.BLOCK_COST, tuning.BLOCK_WIDTH = 50, 1
    x = np.linspace(0, 1, 5000)
    k = dc.compile(dc.parse("sum(exp(x))", {"x": "f64[N]"}), parallel=3, cache=False)
    want = k(x)
    late = dc.compile(dc.parse("sum(sin(x))", {"x": "f64[N]"}), parallel=3, cache=False)

    def check(where):
        print(where, k(x) == want, abs(late(x) - np.sum(np.sin(x))) < 1e-9)

    def after_main():
        threading.main_thread().join()
        check("thread")

    atexit.register(check, "atexit")
    threading.Thread(target=after_main).start()
"""


def test_calls_serve_when_the_process_ends() -> None:
    """There are no new threads then: the calling one does all the work."""
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.stderr) == ("thread True True\natexit True True\n", "")


def test_captured_arrays_are_cut_too() -> None:
    x, y = RNG.normal(size=(1000, 3)), RNG.normal(size=1000)

    def loss(w: Any) -> Any:
        return np.mean((np.tanh(x @ w) - y) ** 2)

    f = dc.value_and_grad(dc.trace(loss, dc.f64(3)))
    cut = dc.compile(f, parallel=2, cache=False)
    assert cut.stats["blocks"]["extent"] == "1000"
    w = RNG.normal(size=3)
    value, gradient = cut(w)
    assert value == pytest.approx(loss(w), rel=1e-13)
    np.testing.assert_allclose(gradient, f(w)[1], rtol=1e-12)


def test_a_failing_check_is_told() -> None:
    f = dc.grad(dc.parse("sum(exp(t[i])*x)", {"t": "f64[5]", "i": "i64[N]", "x": "f64[N]"}), "t")
    indices = np.zeros(400, np.int64)
    indices[399] = 5
    with pytest.raises(dc.DiffcError, match="outside"):
        parallel(f)(np.zeros(5), indices, np.zeros(400))


def test_wrong_shapes_are_told_as_by_the_plain_kernel() -> None:
    with pytest.raises(dc.DiffcError, match="axis 0"):
        parallel(CASES["network"][0])(*net(300)[:1], *net(200)[1:])


@pytest.mark.parametrize(("extent", "is_cut"), [(1_000, False), (5_000, True)])
def test_narrow_blocks_of_a_second_axis_do_not_pay(
    extent: int, is_cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "BLOCK_WIDTH", 64)
    f = dc.parse("exp(x)@w", {"w": f"f64[{extent}]", "x": f"f64[3,{extent}]"})
    assert ("blocks" in parallel(f).stages) == is_cut


@pytest.mark.parametrize("threads", [0, -1, 2.5, "all"])
def test_a_wrong_number_of_threads_is_refused(threads: Any) -> None:
    with pytest.raises(dc.DiffcError, match="parallel is"):
        parallel(CASES["map"][0], threads)
