"""Routines in kernels: order on adversarial inputs, matrices that fail, and what a program says of them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from kernel_forms import Forms
from random_graphs import M, N
from routine_graphs import apply, array

import diffc as dc
from diffc.errors import InputError
from diffc.functions.function import Function
from diffc.ir import Graph, Node
from diffc.loops.library import Routine
from diffc.loops.printer import print_loops
from diffc.loops.statistics import statistics
from diffc.loops.walk import walk
from diffc.ops.arithmetic import add, mul
from diffc.ops.base import DTYPES
from diffc.ops.elementary import exp
from diffc.ops.sorting import argsort, searchsorted, sort
from tests.loops.steps import planned

FORMS = ("llvm", "python", "numba")
SIZES = {"llvm": (1, 2, 7, 70), "python": (1, 2, 7), "numba": (3,)}
"""Orders of matrices; Numba compiles anew for each."""
EVERY = ("f64", "f32", "i64", "bool")


def forms_of(*outputs):
    return Forms(Graph("g", tuple(inputs_of(*outputs)), outputs))


def inputs_of(*outputs):
    found, waiting = dict[str, Node](), list(outputs)
    while waiting:
        node = waiting.pop()
        if node.is_op("input"):
            found[node.attrs["name"]] = node
        waiting.extend(node.inputs)
    return [found[name] for name in sorted(found)]


def run(forms, which, *inputs):
    status, outputs = getattr(forms, which)(*inputs)
    assert status == 0
    return outputs


# -- order -------------------------------------------------------------------------------------------


def adversaries(dtype):
    """Yield arrays that are hard to sort, of every length around the runs that are merged."""
    rng = np.random.default_rng(3)
    kind = np.dtype(DTYPES[dtype])
    for n in (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 33, 63, 64, 65, 129, 1000):
        steps = np.arange(n)
        for values in (steps * 0, steps, -steps, steps % 2, steps % 7, rng.integers(-3, 4, n)):
            yield values.astype(kind)
        if kind.kind == "f":
            special = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -1.5, 1e300], np.float64)
            with np.errstate(over="ignore", under="ignore"):
                yield rng.choice(special, n).astype(kind)
            yield (10.0 ** rng.uniform(-30, 30, n) * rng.choice([-1, 1], n)).astype(kind)
        if kind.kind == "i":
            yield rng.choice(np.array([np.iinfo(kind).min, np.iinfo(kind).max, -1, 0, 1]), n)


@pytest.mark.parametrize("dtype", EVERY)
def test_argsort_is_stable_on_adversarial_arrays(dtype):
    forms = forms_of(argsort(array("x", N, dtype=dtype)))
    for x in adversaries(dtype):
        (places,) = run(forms, "llvm", x)
        np.testing.assert_array_equal(places, np.argsort(x, kind="stable"))


@pytest.mark.parametrize("dtype", EVERY)
def test_numba_source_sorts_alike(dtype):
    forms = forms_of(argsort(array("x", N, dtype=dtype)))
    x = np.concatenate([x for x in adversaries(dtype) if x.size in (0, 3, 17)])
    for which in FORMS:
        np.testing.assert_array_equal(run(forms, which, x)[0], np.argsort(x, kind="stable"))


def test_a_million_elements():
    kernel = dc.compile(Function(Graph("g", (x := array("x", N),), (argsort(x), sort(x)))), cache=False)
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=1_000_000), rng.integers(0, 50, 1_000_000).astype(float)):
        places, ordered = kernel(values)
        np.testing.assert_array_equal(places, np.argsort(values, kind="stable"))
        np.testing.assert_array_equal(ordered, np.sort(values))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("dtype", EVERY)
def test_searchsorted_on_adversarial_arrays(dtype, side):
    forms = forms_of(searchsorted(array("a", N, dtype=dtype), array("v", M, dtype=dtype), side))
    for x in adversaries(dtype):
        a = np.sort(x)
        v = np.concatenate([x[:20], np.array([0, 1, 1], x.dtype)])
        np.testing.assert_array_equal(run(forms, "llvm", a, v)[0], np.searchsorted(a, v, side))


# -- matrices ----------------------------------------------------------------------------------------

BATCH = {
    "solve": ((array("a", 3, N, N), array("r", 3, 2, N)), {}),
    "triangular_solve": ((array("a", 3, N, N), array("r", 3, 2, N)), {"lower": True}),
    "cholesky": ((array("a", 3, N, N),), {}),
    "eigh": ((array("a", 3, N, N),), {}),
    "svd": ((array("a", 3, N, N),), {}),
    "qr": ((array("a", 3, N, N),), {}),
    "det": ((array("a", 3, N, N),), {}),
    "slogdet": ((array("a", 3, N, N),), {}),
}


def operands(inputs, n, spoilt):
    """Return operands of which the middle matrix is replaced."""
    rng = np.random.default_rng(n)
    a = rng.normal(size=(3, n, n))
    a = a @ a.swapaxes(1, 2) + n * np.eye(n)
    a[1] = spoilt
    return [a, rng.normal(size=(3, 2, n))][: len(inputs)]


@pytest.mark.parametrize("which", FORMS)
@pytest.mark.parametrize("name", ["solve", "triangular_solve", "cholesky"])
def test_a_matrix_that_fails_is_nan_and_no_other(name, which):
    inputs, attrs = BATCH[name]
    forms = forms_of(apply(name, *inputs, **attrs))
    for n in SIZES[which]:
        (result,) = run(forms, which, *operands(inputs, n, 0.0))
        assert np.all(np.isnan(result[1]))
        assert np.all(np.isfinite(result[[0, 2]]))


@pytest.mark.parametrize("which", FORMS)
def test_a_singular_matrix_has_determinant_zero(which):
    a = array("a", 3, N, N)
    forms = forms_of(apply("det", a), apply("slogdet", a))
    determinant, (_, logarithm, _) = run(forms, which, *operands((a,), 4, 0.0))
    assert determinant[1] == 0
    np.testing.assert_array_equal(logarithm, [0.0, -np.inf])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", FORMS)
@pytest.mark.parametrize("name", BATCH)
def test_what_is_not_finite_neither_hangs_nor_spreads(name, which, bad):
    inputs, attrs = BATCH[name]
    forms = forms_of(apply(name, *inputs, **attrs))
    for n in SIZES[which]:
        spoilt = np.eye(n)
        spoilt[n - 1, 0] = bad
        (result,) = run(forms, which, *operands(inputs, n, spoilt))
        assert np.all(np.isfinite(result[[0, 2]]))
        if name in ("eigh", "svd"):
            assert np.all(np.isnan(result[1]))


@pytest.mark.parametrize("which", FORMS)
@pytest.mark.parametrize("name", ["cholesky", "eigh", "triangular_solve"])
def test_only_one_triangle_is_read(name, which):
    inputs, attrs = BATCH[name]
    forms = forms_of(apply(name, *inputs, **attrs))
    a, *rest = operands(inputs, 6, np.eye(6))
    (clean,) = run(forms, which, a, *rest)
    dirty = np.where(np.tri(6, dtype=bool), a, np.nan)
    np.testing.assert_allclose(run(forms, which, dirty, *rest)[0], clean, rtol=1e-12, atol=1e-12)


def test_factors_of_large_matrices():
    q, s, c = array("q", N, N), array("s", N, N), array("t", N + 30, N)
    forms = forms_of(apply("eigh", s), apply("qr", c), apply("svd", c), apply("cholesky", q))
    rng = np.random.default_rng(5)
    n = 210
    x, tall = rng.normal(size=(n, n)), rng.normal(size=(n + 30, n))
    symmetric, definite = x + x.T, x @ x.T + np.eye(n)
    eigen, orthogonal, singular, factor = run(forms, "llvm", definite, symmetric, tall)
    near = {"rtol": 0, "atol": 1e-11}
    np.testing.assert_allclose(eigen[1:] * eigen[0] @ eigen[1:].T, symmetric, **near)
    np.testing.assert_allclose(orthogonal[: n + 30] @ orthogonal[n + 30 :], tall, **near)
    assert np.all(np.tril(orthogonal[n + 30 :], -1) == 0)
    u, values, v = singular[: n + 30], singular[n + 30], singular[n + 31 :]
    np.testing.assert_allclose(u * values @ v.T, tall, **near)
    np.testing.assert_allclose(factor @ factor.T, definite, **near)
    assert np.all(np.triu(factor, 1) == 0)


# -- through the public kernel -----------------------------------------------------------------------


def test_layouts_of_inputs():
    a, r = array("a", N, N), array("r", N, N)
    rng = np.random.default_rng(2)
    base = rng.normal(size=(12, 12)) + 9 * np.eye(12)
    for lowering in ("llvm", "source"):
        kernel = dc.compile(
            Function(Graph("g", (a, r), (apply("solve", a, r),))), cache=False, lowering=lowering
        )
        for left in (base[::2, ::2], base.T[:6, :6], np.asfortranarray(base), base[::-1, ::-1]):
            got = kernel(left, left)
            np.testing.assert_allclose(got, np.linalg.solve(left, left.T).T, rtol=1e-11, atol=1e-12)


PROGRAM = """
import sys, numpy as np, diffc as dc
from diffc.ir import Graph, Node, Type
from diffc.functions.function import Function
from diffc.ops import REGISTRY, input_node
from diffc.ops.sorting import sort
a = input_node("a", Type("f64", (4, 4)))
outputs = (Node.make(REGISTRY["eigh"], (a,), {}), sort(Node.make(REGISTRY["solve"], (a, a), {})))
kernel = dc.compile(Function(Graph("g", (a,), outputs)))
x = np.arange(16.0).reshape(4, 4) + 20 * np.eye(4)
print([each.tobytes().hex() for each in kernel(x)], "numba" in sys.modules)
"""


def test_a_second_process_takes_it_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFC_CACHE_DIR", str(tmp_path))
    runs = [
        subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert list(tmp_path.iterdir())


def test_an_artefact_runs_routines(tmp_path):
    a = array("a", N, N)
    kernel = dc.compile(Function(Graph("g", (a,), (apply("svd", a), sort(exp(a))))), cache=False)
    assert kernel.signature.externals == ("dgesdd_",)
    kernel.save(tmp_path / "k")
    x = np.random.default_rng(0).normal(size=(5, 5))
    for got, want in zip(dc.load(tmp_path / "k")(x), kernel(x), strict=True):
        np.testing.assert_array_equal(got, want)


def test_jitted_code_calls_routines():
    import numba

    a = array("a", N, N)
    kernel = dc.compile(Function(Graph("g", (a,), (apply("cholesky", a), argsort(a)))), cache=False)
    jitted = kernel.jitted

    @numba.njit
    def use(x, factor, places, work):
        jitted(x, factor, places, work)

    x = np.array([[4.0, 2.0], [2.0, 5.0]])
    factor, places = np.empty((2, 2)), np.empty((2, 2), np.int64)
    use(x, factor, places, np.empty(4096, np.uint8))
    np.testing.assert_allclose(factor, np.linalg.cholesky(x), rtol=1e-15)
    np.testing.assert_array_equal(places, np.argsort(x))


# -- what a program says -----------------------------------------------------------------------------


def test_operands_lie_in_memory_and_scratch_is_given_back():
    a, r = array("a", 20, 20), array("r", 3, 20)
    first = apply("solve", a, r)
    loops = planned(Graph("g", (a, r), (mul(apply("solve", a, add(first, 1.0)), 2.0),)))
    routines = [item for item, _ in walk(loops.body) if isinstance(item, Routine)]
    one, two = routines
    assert one.inputs[0].buffer is two.inputs[0].buffer is loops.inputs[0]
    assert [b.offset for b in one.scratch] == [b.offset for b in two.scratch]
    text = print_loops(loops)
    assert "solve_0 = solve(a, r)  # sizes 3, 20" in text
    assert "scratch solve_0_scratch_" in text
    assert statistics(loops)["flops"] == str(2 * (20**3 + 2 * 3 * 20**2) + 2 * 60)


def test_elements_lie_at_multiples_of_their_size():
    single = array("s", N, N, dtype="f32")
    places = argsort(apply("not", array("b", N, dtype="bool")))
    loops = planned(
        Graph("g", tuple(inputs_of(single, places)), (apply("eigh", add(single, single)), places))
    )
    assert {buffer.type.dtype for buffer in loops.work} == {"f64", "f32", "i64", "bool"}
    for buffer in loops.work:
        offset = buffer.offset
        terms = [offset] if isinstance(offset, int) else [factor for _, factor in offset.terms]
        if buffer.type.dtype in ("f64", "i64"):
            assert all(term % 8 == 0 for term in terms)


def test_the_source_is_what_numpy_offers():
    a, r = array("a", 2, N, N), array("r", 2, 3, N)
    source = forms_of(apply("solve", a, r), apply("eigh", array("f", N, N, dtype="f32"))).source
    assert "        try:\n            out0[i1] = np.linalg.solve(a[i1], r[i1].T).T\n" in source
    assert "if not np.all(np.isfinite(np.tril(f.astype(np.float64)))):" in source
    assert "np.linalg.eigh(np.tril(f.astype(np.float64)))" in source
    assert "scratch" not in source


def test_qr_of_a_matrix_that_turns_out_wide_is_refused():
    a = array("a", N, M)
    kernel = dc.compile(Function(Graph("g", (a,), (apply("qr", a),))), cache=False)
    assert kernel(np.ones((3, 2))).shape == (5, 2)
    with pytest.raises(InputError, match="at least as many rows as columns"):
        kernel(np.ones((2, 3)))
