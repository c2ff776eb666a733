"""One graph in its three forms: LLVM between guard zones, Python source, and the NumPy reference.

The forms are compared within a tolerance that the graph itself gives: how far its outputs move when every
rounded value on the way moves by a few units in the last place.
"""

from __future__ import annotations

import ctypes
import warnings

import numpy as np

from diffc.compiler import host_target
from diffc.emit import lower_to_llvm
from diffc.ir import evaluate_extent
from diffc.ops import evaluate
from diffc.ops.base import DTYPES
from diffc.ops.constant import const
from diffc.ops.interpreter import _resolve, bind_symbols
from diffc.optimize import optimize
from diffc.runtime.code.interpreted import launch_source
from diffc.runtime.code.machine import compile_text, load_object
from diffc.source import lower_to_source
from tests.loops.steps import lowered, planned

EXACT = {
    *("neg", "abs", "relu", "maximum", "minimum", "sign", "floor", "where", "stop_gradient", "max", "any"),
    *("ceil", "trunc", "rint", "copysign", "floor_divide"),
    *("reshape", "transpose", "flip", "slice", "pad", "concatenate", "broadcast", "gather", "const"),
    *("cast", "iota", "dim"),
}
"""Operations that do not round, so that no noise is added to what they give."""

BY_NORM = {
    "solve",
    "triangular_solve",
    "cholesky",
    "cofactors",
    "cofactor_changes",
    "det",
    "slogdet",
    "eigh",
    "qr",
    "svd",
    "pinv",
}
"""Operations of LAPACK: their errors are small beside the largest element of a result, not beside each."""

GUARD = 256
_CANARY = 0xA5


class Forms:
    """A graph, scheduled once; `llvm`, `python` and `numba` run it and return its outputs."""

    def __init__(self, graph, *, optimized=False):
        self.graph = graph
        if optimized:
            graph = optimize(optimize(graph, stage="before"), stage="after")
        self.loops = planned(graph)
        self.constants = [np.array(const.reference(b.node.attrs)) for b in self.loops.constants]
        self._code = None

    @property
    def source(self):
        return lower_to_source(self.loops)

    @property
    def text(self):
        return lower_to_llvm(lowered(self.loops, host_target()), host_target())

    def llvm(self, *inputs):
        if self._code is None:
            self._code = load_object(compile_text(self.text))
            address = self._code.address("diffc_kernel")
            kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
            self._run = kind(address)

        def launch(arrays, symbols, work):
            pointers = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
            dims = (ctypes.c_int64 * len(symbols))(*symbols)
            return self._run(pointers, dims, work.ctypes.data)

        return self._launched(launch, inputs)

    def python(self, *inputs):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return self._launched(launch_source(self.source, jit=False), inputs)

    def numba(self, *inputs):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return self._launched(launch_source(self.source, jit=True), inputs)

    def _launched(self, launch, inputs):
        """Run on copies inside guard zones; the outputs and the workspace begin as NaN or garbage."""
        loops = self.loops
        symbols = self.symbols(inputs)
        zones = [_Zone(a.shape, a.dtype, a) for a in inputs] + [
            _Zone(a.shape, a.dtype, a) for a in self.constants
        ]
        given = len(zones)
        for buffer in loops.outputs:
            shape = tuple(evaluate_extent(e, symbols) for e in buffer.type.shape)
            zones.append(_Zone(shape, DTYPES[buffer.type.dtype]))
        size = evaluate_extent(loops.workspace, symbols)
        assert size >= 0, f"the workspace has {size} bytes for {symbols}"
        work = _Zone((size,), np.uint8)
        arrays = [zone.array for zone in zones]
        status = launch(arrays, [symbols[s] for s in loops.graph.symbols], work.array)
        for zone in (*zones, work):
            zone.verify()
        for zone, before in zip(zones, [*inputs, *self.constants], strict=False):
            np.testing.assert_array_equal(zone.array, before)
        return status, arrays[given:]

    def symbols(self, inputs):
        return bind_symbols(self.graph.inputs, inputs)


class _Zone:
    """An array with bytes of a known value on both sides."""

    def __init__(self, shape, dtype, value=None):
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        raw = np.full(size + 2 * GUARD + 64, _CANARY, np.uint8)
        start = GUARD + (-(raw.ctypes.data + GUARD)) % 64
        self.raw, self.start, self.size = raw, start, size
        inside = raw[start : start + size]
        inside[:] = 0xFF if dtype != np.bool_ else 1
        self.array = inside.view(dtype).reshape(shape)
        if value is not None:
            self.array[...] = value

    def verify(self):
        around = np.concatenate([self.raw[: self.start], self.raw[self.start + self.size :]])
        assert np.all(around == _CANARY), "memory beside an array was written"


def noisy(graph, inputs, seed):
    """Return the outputs with every rounded value moved by up to four units in the last place."""
    rng = np.random.default_rng(seed)
    values = {n: _moved(np.asarray(a), rng) for n, a in zip(graph.inputs, inputs, strict=True)}
    symbols = bind_symbols(graph.inputs, inputs)
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node in values:
                continue
            attrs = {key: _resolve(value, symbols) for key, value in node.attrs.items()}
            result = np.asarray(node.op.reference(attrs, *[values[each] for each in node.inputs]))
            if result.dtype.kind == "f" and node.op.name not in EXACT:
                result = _moved(result, rng)
            values[node] = result
    return [values[node] for node in graph.outputs]


def _moved(array, rng):
    if array.dtype.kind != "f":
        return array
    noise = rng.uniform(-4, 4, array.shape) * np.finfo(array.dtype).eps
    return (array * (1 + noise)).astype(array.dtype)


def assert_close(graph, inputs, actual, expected, moved):
    """Compare outputs; `moved` are those of some noisy runs, whose spread is the tolerance."""
    by_norm = any(node.op.name in BY_NORM for node in graph.nodes)
    for k, (got, want) in enumerate(zip(actual, expected, strict=True)):
        assert got.shape == want.shape
        assert got.dtype == want.dtype
        if want.dtype.kind != "f":
            stable = np.all([run[k] == want for run in moved], axis=0) if moved else np.full(want.shape, True)
            np.testing.assert_array_equal(got[stable], want[stable])
            continue
        with np.errstate(all="ignore"):
            finite = np.all([np.isfinite(run[k]) == np.isfinite(want) for run in moved], axis=0)
            spread = np.max([np.abs(run[k] - want) for run in moved], axis=0)
            unit = np.finfo(want.dtype).eps
            size = np.abs(want)
            if by_norm:
                size = np.max(size, initial=0, where=np.isfinite(want)) * max((1, *want.shape))
            tolerance = 40 * spread + 8 * unit * size + np.finfo(want.dtype).tiny * 64
            close = (np.abs(got - want) <= tolerance) | (got == want) | (np.isnan(got) & np.isnan(want))
        bad = finite & ~close & ~np.isnan(spread)
        if np.any(bad):
            at = tuple(int(x) for x in np.argwhere(bad)[0])
            raise AssertionError(
                f"output {k} at {at}: {got[at]!r}, expected {want[at]!r} within {tolerance[at]:.3g}"
            )


def check_forms(graph, inputs, forms=None, *, optimized=False, which=("llvm", "python"), runs=3):
    """Assert that the forms of a graph give what its reference gives."""
    forms = forms or Forms(graph, optimized=optimized)
    inputs = [np.asarray(a) for a in inputs]
    expected = evaluate(graph, *inputs)
    moved = [noisy(graph, inputs, seed) for seed in range(runs)]
    for name in which:
        try:
            status, outputs = getattr(forms, name)(*inputs)
            assert status == 0, f"status {status}"
            assert_close(graph, inputs, outputs, expected, moved)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    return forms
