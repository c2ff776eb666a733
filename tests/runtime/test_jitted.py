"""Kernels inside jitted code."""

from __future__ import annotations

import numpy as np
import pytest

from diffc.errors import DiffcError
from diffc.runtime import CompiledProgram, Kernel

numba = pytest.importorskip("numba")


def test_jitted_code_calls_kernels(take, scalars):
    inner, second = take.jitted, scalars.jitted

    @numba.njit
    def total(x, work):
        y = np.empty(1)
        z = np.empty(())
        result = 0.0
        for i in range(x.size):
            inner(x, i, y, work)
            second(y[0], 1, 1.0, z, work)
            result += y[0] + z[()]
        return result

    x = np.arange(5.0)
    work = np.empty(take.workspace_bytes(N=5) + 63, np.uint8)
    assert total(x, work) == 100.0 + sum((10 * v + 1) ** 2 for v in x)
    with pytest.raises(ValueError, match="take: the index i is out of range"):
        inner(x, 7, np.empty(1), work)
    with pytest.raises(ValueError, match="the workspace is too small"):
        inner(x, 1, np.empty(1), work[:50])
    with pytest.raises(ValueError, match="shapes do not fit"):
        inner(x, 1, np.empty(2), work)


def test_one_kernel_in_several_specialisations(take):
    inner = take.jitted

    @numba.njit
    def first(x, y, work):
        inner(x, True, y, work)
        return y[0]

    @numba.njit
    def both(x, y, work):
        value = first(x, y, work)
        inner(x, 2, y, work)
        return value + y[0]

    x, work = np.arange(5.0), np.empty(200, np.uint8)
    assert both(x, np.empty(1), work) == 30.0


def test_types_are_checked_at_compile_time(twice):
    k, work = twice.jitted, np.empty(0, np.uint8)
    x, y = np.arange(4.0), np.empty(4)
    k(x, y, work)
    assert (y == 2 * x).all()
    assert twice.jitted is k
    for args, message in (
        ((x, work), "expected 2 inputs and outputs"),
        ((x[::2], y, work), "x must be a C-contiguous array"),
        ((x.astype(np.float32), y, work), "x must be a C-contiguous array"),
        ((x, y, x), "the workspace must be"),
    ):
        with pytest.raises(numba.TypingError, match=message):
            k(*args)


def test_a_kernel_without_its_text_says_so(twice):
    program = twice.program
    bare = Kernel(CompiledProgram(program.signature, program.object_code))
    with pytest.raises(DiffcError, match="without its LLVM text"):
        _ = bare.jitted
