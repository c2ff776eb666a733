"""Kernels that choose between plain code and blocks: what is compiled when, which way a call goes."""

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc import tuning
from diffc.functions.function import Function
from diffc.runtime import Kernel
from diffc.runtime.blocks import runner
from diffc.runtime.calls.adaptive import AdaptiveKernel
from diffc.runtime.code import machine
from diffc.tuning import LARGE_RESULTS, LARGE_WORKSPACE

RNG = np.random.default_rng(11)


def network(rows: int | str) -> Function:
    """The gradient of a network with 40 hidden units, whose activations are kept for all rows."""
    types = {"x": f"f64[{rows},5]", "w1": "f64[5,40]", "w2": "f64[40,40]"}
    return dc.value_and_grad(dc.parse("sum(logsumexp(tanh(x@w1)@w2, axis=1))", types), ["w1", "w2"])


def points(rows: int) -> list[Any]:
    return [RNG.normal(size=(rows, 5)), RNG.normal(size=(5, 40)), RNG.normal(size=(40, 40)) / 6]


def leaves(value: Any) -> list[Any]:
    return [each for item in value for each in leaves(item)] if isinstance(value, tuple) else [value]


def close(found: Any, expected: Any) -> None:
    for a, b in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


LARGE, SMALL = 20_000, 100
"""Rows of the network with a workspace above and below the limit, and with work for blocks and without."""


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many modules LLVM has compiled, but for the one that runs the blocks."""
    texts: list[str] = []
    compile_text = machine.compile_text

    def noted(text: str, level: int = 2) -> bytes:
        texts.append(text)
        return compile_text(text, level)

    monkeypatch.setattr(machine, "compile_text", noted)
    return lambda: len(texts)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
    """The symbols of each call that ran in blocks."""
    noted: list[dict[str, int]] = []
    run = runner.Cut.run

    def counted(self: Any, inputs: Any, symbols: Any, outputs: Any, *, is_new: bool) -> None:
        noted.append(dict(symbols))
        run(self, inputs, symbols, outputs, is_new=is_new)

    monkeypatch.setattr(runner.Cut, "run", counted)
    return noted


def plain(f: Function) -> Kernel:
    """The plain code of a kernel, which `run` keeps to."""
    kernel = dc.compile(f, cache=False)
    return kernel._variants.plain() if isinstance(kernel, AdaptiveKernel) else kernel


# --- what is compiled


def test_little_static_work_is_the_plain_kernel(compiled: Callable[[], int]) -> None:
    kernel = dc.compile(network(SMALL), parallel=2, cache=False)
    assert type(kernel) is Kernel
    assert compiled() == 1
    assert "blocks" not in kernel.stages
    assert "blocks" not in kernel.stats


@pytest.mark.parametrize("parallel", [False, 2])
def test_a_large_static_program_is_compiled_in_blocks_alone(
    parallel: int, compiled: Callable[[], int], tmp_path: Path, runs: list[dict[str, int]]
) -> None:
    f, args = network(LARGE), points(LARGE)
    kernel = dc.compile(f, parallel=parallel, cache=False)
    assert compiled() == 0
    value = kernel(*args)
    steps = kernel.stats["blocks"]["steps"]
    assert compiled() == steps
    assert runs == [{}]
    assert kernel(*args)[0] == value[0]
    assert compiled() == steps
    assert "def " in kernel.source
    assert "diffc_kernel" in kernel.stages["llvm"]
    assert "plan in blocks of an axis of extent 20000" in kernel.stages["blocks"]
    assert kernel.signature.workspace > LARGE_WORKSPACE
    assert compiled() == steps
    kernel.save(tmp_path / "k")
    assert compiled() == steps + 1
    loaded = dc.load(tmp_path / "k")
    assert type(loaded) is Kernel
    assert "blocks" in loaded.stages
    close(loaded(*args), value)
    assert len(runs) == 2


def test_a_parallel_kernel_of_any_size_compiles_what_calls_need(
    compiled: Callable[[], int], runs: list[dict[str, int]]
) -> None:
    kernel = dc.compile(network("N"), parallel=2, cache=False)
    assert "extent N" in kernel.stages["blocks"]
    assert compiled() == 0
    kernel(*points(SMALL))
    assert (compiled(), runs) == (1, [])
    kernel(*points(SMALL + 1))
    kernel(*[each.tolist() for each in points(3)])
    assert (compiled(), runs) == (1, [])
    kernel(*points(LARGE))
    assert (compiled(), runs) == (1 + kernel.stats["blocks"]["steps"], [{"N": LARGE}])


def test_a_kernel_of_any_size_runs_in_blocks_above_the_limit(
    compiled: Callable[[], int], runs: list[dict[str, int]]
) -> None:
    f, args = network("N"), points(LARGE)
    kernel = dc.compile(f, cache=False)
    assert compiled() == 1
    kernel(*points(SMALL))
    assert (compiled(), runs) == (1, [])
    found = kernel(*args)
    assert runs == [{"N": LARGE}]
    assert compiled() > 1
    alone = [np.empty(()), np.empty((5, 40)), np.empty((40, 40))]
    kernel.run(args, alone)
    assert len(runs) == 1
    close(found, (alone[0], (alone[1], alone[2])))
    cut = dc.compile(f, parallel=3, cache=False)(*args)
    for a, b in zip(leaves(found), leaves(cut), strict=True):
        assert np.array_equal(a, b)


def test_a_kernel_that_cannot_be_cut_is_plain(runs: list[dict[str, int]]) -> None:
    f = dc.parse("cumsum(cumsum(exp(x))[::-1])", {"x": "f64[N]"})
    kernel = dc.compile(f, cache=False)
    x = RNG.normal(size=(LARGE_WORKSPACE // 8) + 2)
    assert kernel.workspace_bytes(N=x.size) > LARGE_WORKSPACE
    np.testing.assert_allclose(kernel(x), np.cumsum(np.cumsum(np.exp(x))[::-1]), rtol=1e-10)
    assert runs == []


def test_blocks_that_keep_much_between_their_steps_spare_no_memory() -> None:
    f = dc.parse("softmax(exp(x)*sin(x))", {"x": "f64[N]"})
    kernel, wanted = dc.compile(f, cache=False), dc.compile(f, parallel=2, cache=False)
    assert isinstance(kernel, AdaptiveKernel)
    assert isinstance(wanted, AdaptiveKernel)
    assert kernel.workspace_bytes(N=3_000_000) > LARGE_WORKSPACE
    assert kernel._cut_for((3_000_000,)) is None
    assert wanted._cut_for((3_000_000,)) is not None
    assert wanted._cut_for((3_000,)) is None


def test_the_cache_on_disk_serves_both_ways(
    compiled: Callable[[], int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DIFFC_CACHE_DIR", str(tmp_path))
    args = points(LARGE)
    results = [dc.compile(network(rows))(*args) for rows in ("N", LARGE, "N", LARGE)]
    # The plan of known rows has the steps of the symbolic one, whose blocks have any number of rows.
    assert compiled() == 1 + dc.compile(network(LARGE)).stats["blocks"]["steps"]
    assert results[0][0] == results[2][0]
    assert results[1][0] == results[3][0]


# --- which way a call goes


def test_the_entry_leaves_large_calls_to_the_checks() -> None:
    kernel = plain(network("N"))
    rows = next(n for n in range(1, LARGE) if kernel.workspace_bytes(N=n) > LARGE_WORKSPACE)
    assert kernel._entry(*points(rows)) is NotImplemented
    assert kernel._entry(*points(rows - 1)) is not NotImplemented


def test_a_built_kernel_runs_plain(tmp_path: Path, runs: list[dict[str, int]]) -> None:
    f, args = network("N"), points(LARGE)
    kernel = dc.compile(f, cache=False)
    kernel.save(tmp_path / "k")
    close(dc.load(tmp_path / "k")(*args), kernel(*args))
    assert len(runs) == 1


def test_few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = [dc.compile(network("N"), parallel=each, cache=False) for each in (False, 2)]
    sets = [points(rows) for rows in (0, 1, 2, 17)]
    expected = [kernels[0](*args) for args in sets]
    for args, value in zip(sets, expected, strict=True):
        close(kernels[1](*args), value)
    monkeypatch.setattr(tuning, "BLOCK_COST", 0)
    cut = dc.compile(network("N"), parallel=2, cache=False)
    for args, value in zip(sets, expected, strict=True):
        close(cut(*args), value)


def test_entries_that_choose_by_shape() -> None:
    types = {"x": "f64[N-1]", "y": "f64[2*M]", "w": "f64[N,M]"}
    f = dc.parse("sum(x)*sum(y) + sum(exp(w))", types)
    kernel = dc.compile(f, parallel=2, cache=False)
    assert isinstance(kernel, AdaptiveKernel)
    x, y, w = RNG.normal(size=4), RNG.normal(size=6), RNG.normal(size=(5, 3))
    expected = x.sum() * y.sum() + np.exp(w).sum()
    for _ in range(2):
        assert kernel._entry(x, y, w) == pytest.approx(expected, rel=1e-13)
        assert kernel(x, y, w) == pytest.approx(expected, rel=1e-13)
        assert kernel(list(x), y, w=w) == pytest.approx(expected, rel=1e-13)
        out = np.empty(())
        assert kernel(x, y, w, out=out) is out
        assert out == pytest.approx(expected, rel=1e-13)
    for args in ((), (x,), (x, y, 1.0), (x, y, w[0]), (x, y, "w"), (x, y, [[1.0]])):
        assert kernel._entry(*args) is NotImplemented
        with pytest.raises(dc.DiffcError):
            kernel(*args)
    with pytest.raises(dc.DiffcError, match="N-1"):
        kernel(x[:2], y, w)
    shapes = [(n, m) for n in range(1, 20) for m in range(20)]
    for n, m in shapes:  # more than are remembered
        given = RNG.normal(size=n - 1), RNG.normal(size=2 * m), RNG.normal(size=(n, m))
        wanted = given[0].sum() * given[1].sum() + np.exp(given[2]).sum()
        assert kernel(*given) == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_symbols_of_linear_extents() -> None:
    f = dc.parse("sum(exp(x))", {"x": "f64[2*N+1]"})
    kernel = dc.compile(f, parallel=2, cache=False)
    x = RNG.normal(size=7)
    assert kernel(x) == kernel._entry(x) == pytest.approx(np.exp(x).sum(), rel=1e-13)
    assert kernel._entry(x[:6]) is NotImplemented
    with pytest.raises(dc.DiffcError, match="no N fits"):
        kernel(x[:6])


@pytest.mark.parametrize("parallel", [False, 2])
def test_first_calls_from_eight_threads(parallel: int, compiled: Callable[[], int]) -> None:
    kernel = dc.compile(network("N"), parallel=parallel, cache=False)
    sets = [points(LARGE if k % 2 else SMALL) for k in range(8)]
    start = threading.Barrier(8)

    def call(args: list[Any]) -> Any:
        start.wait()
        return kernel(*args)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(call, sets))
    count = compiled()
    steps = dc.compile(network("N"), parallel=2, cache=False).stats["blocks"]["steps"]
    assert count == 1 + steps
    for args, result in zip(sets, results, strict=True):
        for a, b in zip(leaves(kernel(*args)), leaves(result), strict=True):
            assert np.array_equal(a, b)


# --- what else a kernel is


def test_a_kernel_in_blocks_is_a_kernel() -> None:
    kernel, twin = dc.compile(network(LARGE), cache=False), dc.compile(network("N"), cache=False)
    assert repr(kernel) == repr(twin).replace("[N,", f"[{LARGE},")
    assert kernel.stats["operations"] == twin.stats["operations"]
    assert set(kernel.stats) - set(twin.stats) == {"blocks"}
    assert list(kernel.stages) == [*twin.stages, "blocks"]
    with pytest.raises(dc.DiffcError, match="cannot be pickled"):
        pickle.dumps(kernel)
    args = points(LARGE)
    out = np.empty(()), np.empty((5, 40)), np.empty((40, 40))
    value = kernel(*args, out=out)
    assert leaves(value)[1] is out[1]
    with pytest.raises(dc.DiffcError, match="axis 0 must be"):
        kernel(*points(SMALL))


def test_jitted_code_calls_the_plain_kernel() -> None:
    pytest.importorskip("numba")
    kernel = dc.compile(network(LARGE), cache=False)
    args = points(LARGE)
    out = np.empty(()), np.empty((5, 40)), np.empty((40, 40))
    kernel.jitted(*args, *out, np.empty(kernel.workspace_bytes() + 63, np.uint8))
    close(kernel(*args), (out[0], (out[1], out[2])))


def test_mistakes_are_found_before_a_call() -> None:
    weights = RNG.normal(size=(LARGE, 40))
    f = dc.trace(lambda w: np.sum(np.exp(weights @ w) / (1 + np.exp(weights @ w))), dc.f64(40))
    graph = Function(f.graph)
    for parallel in (False, 2):
        with pytest.raises(dc.DiffcError, match="which is not given"):
            dc.compile(graph, parallel=parallel)
        with pytest.raises(dc.DiffcError, match="cannot be read from any input's shape"):
            dc.compile(dc.parse("exp(x)", {"x": "f64[N*M]"}), parallel=parallel)
    with pytest.raises(dc.DiffcError, match="leave lowering"):
        dc.compile(f, parallel=2, lowering="source")


def test_a_failure_to_compile_is_told_by_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = dc.compile(network("N"), parallel=2, cache=False)

    def broken(*_: Any) -> bytes:
        raise dc.DiffcError("LLVM cannot generate code")

    with monkeypatch.context() as patch:
        patch.setattr(machine, "compile_text", broken)
        for rows in (SMALL, SMALL, LARGE):
            with pytest.raises(dc.DiffcError, match="LLVM cannot"):
                kernel(*points(rows))
    kernel(*points(SMALL))  # the next call tries again


# --- large results, by non-temporal stores


def table(rows: int) -> tuple[Function, np.ndarray[Any, Any]]:
    """A program whose result has 200 numbers a row."""
    f = dc.parse("reshape(x, [N, 1]) * w + 1", inputs={"x": "f64[N]", "w": "f64[200]"}, name="table")
    return f, np.random.default_rng(0).normal(size=rows)


@pytest.mark.parametrize("parallel", [False, 2])
def test_large_results_in_given_memory_take_non_temporal_stores(
    parallel: int, compiled: Callable[[], int]
) -> None:
    f, x = table(LARGE_RESULTS // 1_600 + 5)
    w = np.linspace(0.0, 1.0, 200)
    expected = x[:, None] * w + 1
    kernel = dc.compile(f, parallel=parallel, cache=False)
    out = kernel(x, w)
    assert np.allclose(out, expected, rtol=1e-15)
    assert out.ctypes.data % 64 == 0
    before = compiled()
    for _ in range(2):
        out[...] = 0.0
        assert kernel(x, w, out=out) is out
        assert np.allclose(out, expected, rtol=1e-15)
    assert compiled() == before + 1
    anywhere = np.zeros(out.size + 1)[1:].reshape(out.shape)
    kernel(x, w, out=anywhere)
    assert np.array_equal(anywhere, out)
    few = x[:3]
    assert np.allclose(kernel(few, w, out=np.empty((3, 200))), expected[:3], rtol=1e-15)
    assert compiled() <= before + 2


def test_results_of_known_large_shapes() -> None:
    rows = LARGE_RESULTS // 1_600 + 5
    f = dc.parse(f"reshape(x, [{rows}, 1]) * w", inputs={"x": f"f64[{rows}]", "w": "f64[200]"})
    x, w = np.random.default_rng(0).normal(size=rows), np.linspace(0.0, 1.0, 200)
    kernel = dc.compile(f, cache=False)
    out = kernel(x, w)
    assert np.array_equal(kernel(x, w, out=np.empty_like(out)), out)
    assert np.array_equal(kernel(x, w, out=out.copy()), x[:, None] * w)
