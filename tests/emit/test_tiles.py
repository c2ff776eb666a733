"""Matrix products in tiles of registers, at every edge of the tiles, for vectors of every width."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import stages
from diffc.loops.target import Target
from diffc.tuning import TILE_LONGEST, TILE_MOST_WORK

FORMS = {
    "plain": ("a @ b", "[M, K]", "[K, N]"),
    "left transposed": ("transpose(a) @ b", "[K, M]", "[K, N]"),
    "right transposed": ("a @ transpose(b)", "[M, K]", "[N, K]"),
    "a part": ("a[:, 1:] @ b[1:]", "[M, K]", "[K, N]"),
}
SIZES = list(product((1, 3, 4, 7, 8, 9, 17), (1, 2, 33), (1, 2, 3, 7, 8, 9, 24, 31, 49, 65)))


def reference(form, a, b):
    """Return the product in f64, and the bound of the rounding errors of a sum in any order."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    left = a.T if form == "left transposed" else a[:, 1:] if form == "a part" else a
    right = b.T if form == "right transposed" else b[1:] if form == "a part" else b
    return left @ right, (left.shape[1] + 1) * (np.abs(left) @ np.abs(right))


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("vector_bytes", [16, 32, 64])
@pytest.mark.parametrize("form", FORMS)
def test_every_edge(monkeypatch, dtype, vector_bytes, form):
    monkeypatch.setattr(stages, "host_target", lambda: Target(vector_bytes, 32 if vector_bytes == 64 else 16))
    text, a_shape, b_shape = FORMS[form]
    kernel = dc.compile(dc.parse(text, inputs={"a": dtype + a_shape, "b": dtype + b_shape}), cache=False)
    kind = np.float64 if dtype == "f64" else np.float32
    rng = np.random.default_rng(0)
    for rows, inner, columns in SIZES:
        a = rng.normal(size=(inner, rows) if form == "left transposed" else (rows, inner)).astype(kind)
        b = rng.normal(size=(columns, inner) if form == "right transposed" else (inner, columns)).astype(kind)
        expected, bound = reference(form, a, b)
        error = np.abs(kernel(a, b) - expected)
        assert (error <= np.finfo(kind).eps * bound).all(), (rows, inner, columns)


@pytest.mark.parametrize("rows", range(1, 10))
def test_few_rows_known_when_it_is_compiled(rows):
    inputs = {"a": f"f64[{rows}, 300]", "b": "f64[300, 53]"}
    kernel = dc.compile(dc.parse("a @ b", inputs=inputs), cache=False)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(rows, 300)), rng.normal(size=(300, 53))
    expected, bound = reference("plain", a, b)
    assert (np.abs(kernel(a, b) - expected) <= 2.3e-16 * bound).all()


def test_a_row_has_the_same_bits_in_every_batch():
    kernel = dc.compile(dc.parse("a @ b", inputs={"a": "f64[M, K]", "b": "f64[K, N]"}), cache=False)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(53, 40)), rng.normal(size=(40, 29))
    whole = kernel(a, b)
    for rows in (8, 9, 15, 16, 50):
        assert (kernel(a[:rows], b) == whole[:rows]).all()


@pytest.mark.parametrize(
    "sizes", [(9, TILE_LONGEST, 8), (9, TILE_LONGEST + 1, 8), (1 + TILE_MOST_WORK // 4096, 64, 64)]
)
def test_large_products_go_to_blas(sizes):
    rows, inner, columns = sizes
    kernel = dc.compile(dc.parse("a @ b", inputs={"a": "f64[M, K]", "b": "f64[K, N]"}), cache=False)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(rows, inner)), rng.normal(size=(inner, columns))
    assert np.allclose(kernel(a, b), a @ b, rtol=0, atol=1e-12 * inner)


def test_what_is_not_finite():
    kernel = dc.compile(dc.parse("a @ b", inputs={"a": "f64[9, 40]", "b": "f64[40, 30]"}), cache=False)
    a, b = np.ones((9, 40)), np.ones((40, 30))
    a[3, 5], b[7, 29], b[5, 2] = np.inf, np.nan, -1.0
    with np.errstate(invalid="ignore"):
        assert np.array_equal(kernel(a, b), a @ b, equal_nan=True)
