"""Columns written and read by the lanes of a vector, as whole rows."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import stages
from diffc.loops.target import Target


def columns(d, dtype):
    """Return a function of a row of d elements that gives d others, mapped over rows."""

    def row(x):
        return np.stack([x[k] * x[(k + 1) % d] + k for k in range(d)])

    return dc.vmap(dc.trace(row, np.zeros(d, "float64" if dtype == "f64" else "float32")))


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("vector_bytes", [16, 32, 64])
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 8, 9, 15, 16, 17])
def test_rows_of_any_length(monkeypatch, dtype, vector_bytes, d):
    monkeypatch.setattr(stages, "host_target", lambda: Target(vector_bytes, 32 if vector_bytes == 64 else 16))
    f = columns(d, dtype)
    kernel = dc.compile(f, cache=False)
    rng = np.random.default_rng(0)
    for rows in (0, 1, 2, 7, 8, 9, 16, 33):
        x = rng.normal(size=(rows, d)).astype("float64" if dtype == "f64" else "float32")
        found = kernel(x)
        assert found.shape == (rows, d)
        assert np.allclose(found, f(x), rtol=1e-6 if dtype == "f32" else 1e-15)
        assert np.array_equal(kernel(x[::-1]), found[::-1]) or rows == 0


def test_a_hessian_at_many_points():
    f = dc.parse("sin(x[0]*x[1]) + exp(x[2])*x[0] + x[3]**3*x[1]", inputs={"x": "f64[4]"})
    hessian = dc.vmap(dc.hessian(f))
    points = np.random.default_rng(0).normal(size=(37, 4))
    assert np.allclose(dc.compile(hessian, cache=False)(points), hessian(points), rtol=1e-13, atol=1e-15)


def test_rows_are_stored_whole():
    text = dc.compile(columns(8, "f64"), cache=False).stages["llvm"]
    assert text.count("shufflevector <8 x double>") >= 48 or "<8 x double>" not in text
    plain = dc.compile(dc.vmap(dc.parse("x[0]*2", inputs={"x": "f64[8]"})), cache=False).stages["llvm"]
    assert "i32 0, i32 8" not in plain


def test_places_written_twice_keep_the_last():
    def f(x):
        y = dc.at(x, 0).set(1.0)
        return dc.at(dc.at(y, 1).set(2.0), 1).set(3.0)

    x = np.random.default_rng(0).normal(size=(20, 3))
    assert np.array_equal(dc.vmap(f)(x), np.hstack([np.full((20, 1), 1.0), np.full((20, 1), 3.0), x[:, 2:]]))
