"""Results that are written by non-temporal stores."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import Options, Stages
from diffc.loops.target import Target
from diffc.ops.interpreter import evaluate
from diffc.runtime.code.machine import compile_text, load_object

STORE = "!nontemporal"


def aligned(shape, dtype):
    """Return an array whose memory begins at a multiple of 64 bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def texts(f, vector_bytes, non_temporal=(0, 1)):
    target = Target(vector_bytes, 32 if vector_bytes == 64 else 16)
    return Stages(f.graph, Options(), target).llvm(non_temporal)


def rows_of(columns):
    def row(x):
        return np.stack([x[k % 3] * (k + 1) for k in range(columns)])

    return dc.vmap(dc.trace(row, np.zeros(3)))


FUNCTIONS = {
    "elements": dc.parse("x * 2 + 1", inputs={"x": "f64[N]"}),
    "f32": dc.parse("x * 2 + 1", inputs={"x": "f32[N]"}),
    "a matrix": dc.parse("x * 2 + 1", inputs={"x": "f64[N, M]"}),
    "a matrix of full rows": dc.parse("x + y", inputs={"x": "f64[N, 16]", "y": "f64[16]"}),
    "a matrix of odd rows": dc.parse("x + y", inputs={"x": "f64[N, 13]", "y": "f64[13]"}),
    "rows": rows_of(8),
    "two rows at once": rows_of(16),
    "short rows": rows_of(3),
    "two results": dc.parse("x * 2, sum(x)", inputs={"x": "f64[N]"}),
}


@pytest.mark.parametrize("vector_bytes", [16, 32, 64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_values_are_the_same(name, vector_bytes):
    f = FUNCTIONS[name]
    code = load_object(compile_text(texts(f, vector_bytes)))
    pointer = ctypes.c_void_p
    run = ctypes.CFUNCTYPE(ctypes.c_int64, pointer, pointer, pointer)(code.address("diffc_kernel"))
    rng = np.random.default_rng(0)
    for n in (0, 1, 7, 8, 33, 64, 1001):
        sizes = {"N": n, "M": 5, "B": n}
        shapes = [[sizes.get(str(each), each) for each in kind.shape] for kind in f.inputs.values()]
        dtypes = ["f4" if kind.dtype == "f32" else "f8" for kind in f.inputs.values()]
        inputs = [rng.normal(size=shape).astype(dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
        expected = evaluate(f.graph, *inputs)
        outputs = [aligned(each.shape, each.dtype) for each in expected]
        arrays = (pointer * 8)(*[each.ctypes.data for each in (*inputs, *outputs)])
        symbols = (ctypes.c_int64 * 2)(*[sizes[name] for name in f.graph.symbols])
        work = np.empty(1 << 20, np.uint8)
        assert run(arrays, symbols, work.ctypes.data) == 0
        for ours, reference in zip(outputs, expected, strict=True):
            assert np.allclose(ours, reference, rtol=1e-6 if reference.dtype == np.float32 else 1e-13)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("elements", 1),
        ("a matrix of full rows", 1),
        ("a matrix of odd rows", 0),
        ("rows", 8),
        ("short rows", 0),
    ],
)
def test_whole_vectors_alone_take_them(name, count):
    assert texts(FUNCTIONS[name], 64).count(STORE) >= count
    assert (STORE in texts(FUNCTIONS[name], 64)) == (count > 0)
    assert STORE not in texts(FUNCTIONS[name], 64, ())


def test_what_is_read_again_takes_plain_stores():
    f = dc.parse("exp(x), exp(x) @ w", inputs={"x": "f64[100, 100]", "w": "f64[100, 100]"})
    assert STORE not in texts(f, 64)
