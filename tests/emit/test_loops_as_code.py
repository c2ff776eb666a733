"""What machine code the loops become: vectors, accumulators side by side, collapsed loops."""

from __future__ import annotations

import re

import numpy as np
import pytest

import diffc as dc
from diffc.emit import lower_to_llvm
from diffc.ir import Dim
from diffc.loops.form import Loop
from diffc.loops.target import Target
from diffc.loops.walk import walk
from diffc.runtime.code.machine import assembly
from diffc.tuning import REDUCTION_ACCUMULATORS
from tests.loops.steps import behind, lowered, planned

AVX2 = Target(32, 16)


def loops_of(text, **inputs):
    return planned(dc.parse(text, inputs=inputs).graph)


def counted_loops(text, **inputs):
    body = behind(loops_of(text, **inputs), "collapse").body
    return [item.axis.extent for item, _ in walk(body) if isinstance(item, Loop)]


def test_a_chain_is_vector_code_without_calls():
    kernel = dc.compile(dc.parse("exp(-x**2)*tanh(x) + x/(1 + x**2)", inputs={"x": "f64[N]"}), cache=False)
    code = assembly(kernel.stages["llvm"])
    assert re.search(r"%[xyz]mm", code)
    assert len(re.findall(r"\bcallq?\b", code)) <= 1


@pytest.mark.parametrize(
    ("text", "instruction"), [("sum(x)", "fadd"), ("sum(x*x)", "llvm.fma"), ("prod(x)", "fmul")]
)
def test_reductions_run_several_accumulators(text, instruction):
    llvm = lower_to_llvm(lowered(loops_of(text, x="f64[N]"), AVX2), AVX2)
    first = llvm.split("loop.1:")[1].split("done.2:")[0]
    assert (
        len(re.findall(rf"= (?:call <4 x double> @)?{re.escape(instruction)}", first))
        == REDUCTION_ACCUMULATORS
    )
    assert len(re.findall(r"phi <4 x double>", first)) == REDUCTION_ACCUMULATORS


def test_short_reductions_do_not():
    llvm = lower_to_llvm(lowered(loops_of("sum(x)", x="f64[12]"), AVX2), AVX2)
    assert llvm.count("phi <4 x double>") == 2


N, M = Dim.symbol("N"), Dim.symbol("M")


@pytest.mark.parametrize(
    ("text", "kind", "extents"),
    [
        ("x*2 + 1", "f64[N, 3]", [3 * N]),
        ("x*2 + 1", "f64[N, 2, M]", [2 * M * N]),
        ("sum(x)", "f64[N, M]", [M * N]),
        ("sum(x, axis=1)", "f64[N, 3]", [N, 3]),
        ("x[:, 1:] * 2", "f64[N, 3]", [N, 2]),
        ("transpose(x) * 2", "f64[N, 3]", [3, N]),
        ("x[1:] * 2", "f64[N, 3]", [3 * N - 3]),
    ],
)
def test_loops_collapse_where_memory_is_in_one_piece(text, kind, extents):
    assert counted_loops(text, x=kind) == extents


def test_a_row_that_is_repeated_keeps_its_loop():
    assert counted_loops("x + y", x="f64[N, 3]", y="f64[3]") == [N, 3]
    assert counted_loops("x + y", x="f64[N, 3]", y="f64[N, 1]") == [N, 3]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 31, 32, 33, 64, 65, 100])
def test_reductions_of_every_remainder(n):
    x = np.random.default_rng(n).normal(size=n)
    text = "sum(x), sum(x*x), sum(abs(x) + 1), prod(x)"
    total, squares, shifted, product = dc.compile(dc.parse(text, inputs={"x": "f64[N]"}), cache=False)(x)
    scale = 1e-14 * (1 + np.sum(np.abs(x)))
    np.testing.assert_allclose([total, squares], [x.sum(), (x * x).sum()], rtol=1e-13, atol=scale)
    np.testing.assert_allclose([shifted, product], [np.sum(np.abs(x) + 1), x.prod()], rtol=1e-13)
