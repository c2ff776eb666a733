"""A fixed run of the fuzzer, and planted faults that it must find and shrink."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import passes
from diffc.loops.form import Loop
from diffc.loops.statements import Store
from diffc.loops.walk import walk
from diffc.ops import REGISTRY
from diffc.ops.arithmetic import mul
from diffc.ops.captured import captured_op
from diffc.optimize.driver import rewrite
from diffc.optimize.rule import Rule
from diffc.schedule.decide import copies
from tests.fuzz.agreed import WIDENING, stays_f32
from tests.fuzz.compare import difference
from tests.fuzz.kinds import KINDS, make
from tests.fuzz.program import Argument, Program
from tests.fuzz.references import leaves
from tests.fuzz.run import Failure, fuzz
from tests.fuzz.slopes import differences

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", range(3))
def test_programs_are_right(part):
    """About a minute on one core, without JAX; `python -m tests.fuzz` goes on from there."""
    summary = fuzz(part, programs=150, jax=False)
    assert not summary.failures, "\n\n".join(failure.test for failure in summary.failures)
    assert sum(counts["right"] for counts in summary.outcomes.values()) > 120


# -- what is agreed -------------------------------------------------------------------------------

WIDENED = {
    "corrcoef": "np.corrcoef(x)",
    "cov": "np.cov(x)",
    "geomspace": "np.geomspace(x[0], x[1], 3)",
    "interp": "np.interp(x[1], x[0], x[1])",
    "vander": "np.vander(x[0])",
    **{name: f"np.{name}(x, [0.2, 0.7], axis=1)" for name in ("quantile", "nanquantile")},
    **{name: f"np.{name}(x, [20, 70], axis=1)" for name in ("percentile", "nanpercentile")},
}


@pytest.mark.parametrize("name", WIDENING)
def test_f32_stays_f32_where_numpy_widens(name):
    line = f"return {WIDENED[name]}"
    program = Program("plain", (line,), (Argument("x", (2, 3), "f32"),))
    x = np.float32([[1, 2, 4], [3, 5, 6]])
    wanted = eval(WIDENED[name], {"np": np, "x": x})
    got = dc.trace(eval(f"lambda x: {WIDENED[name]}", {"np": np}), x)(x)
    assert (got.dtype, wanted.dtype) == (np.float32, np.float64)
    assert stays_f32(program.source, got.dtype, wanted.dtype)
    assert not stays_f32(program.source, wanted.dtype, got.dtype)
    assert not stays_f32("return np.mean(x, 0)", got.dtype, wanted.dtype)


# -- planted faults -------------------------------------------------------------------------------


def found(most: int = 60, kinds: Collection[str] = KINDS) -> Failure:
    """Return the first failure of a run of no more programs than that, as small as it becomes."""
    summary = fuzz(0, programs=most, kinds=kinds, jax=False, failures=1)
    assert summary.failures, f"{summary.programs} programs, and the planted fault was not found"
    return summary.failures[0]


def run_test(failure: Failure) -> None:
    """Run the printed test."""
    namespace: dict[str, Any] = {"np": np, "dc": dc, "pytest": pytest, "leaves": leaves}
    exec(failure.test, namespace)
    next(each for name, each in namespace.items() if name.startswith("test_"))()


def test_a_wrong_derivative_is_found(monkeypatch):
    right = type(REGISTRY["tanh"]).partials

    def wrong(self, out, *inputs):
        return [mul(0.9, each) for each in right(self, out, *inputs)]

    monkeypatch.setattr(type(REGISTRY["tanh"]), "partials", wrong)
    failure = found()
    assert failure.finding.kind == "differences"
    assert "np.tanh" in failure.program.source
    assert len(failure.program.lines) <= 2


def test_a_wrong_rule_is_found(monkeypatch):
    """A rule that holds for positive numbers only."""
    planted = Rule("planted", "square(x) => x*abs(x)")
    wrong = passes.Pass("planted", "after", lambda graph, options, target: rewrite(graph, [planted]))
    at = [each.name for each in passes.PASSES].index(passes.OPTIMIZED)
    monkeypatch.setattr(passes, "PASSES", (*passes.PASSES[:at], wrong, *passes.PASSES[at:]))
    failure = found()
    assert failure.finding.kind == "interpreter"
    assert len(failure.program.lines) <= 2
    with pytest.raises(AssertionError):
        run_test(failure)
    monkeypatch.undo()
    run_test(failure)


def test_a_captured_array_that_copies_itself_is_found(monkeypatch):
    """As it once was: the captured array got memory of its own, which was filled from itself."""
    right = copies._copies_for

    def wrong(node, bases):
        captured = bases.is_alias(node) and node.inputs[0].op is captured_op
        return [*right(node, bases), *(node.inputs if captured else ())]

    monkeypatch.setenv("DIFFC_CHECK", "0")  # or else the checker of Loops finds it first
    monkeypatch.setattr(copies, "_copies_for", wrong)
    failure = found(kinds=["captured"])
    assert failure.finding.kind in ("shadow", "interpreter", "numpy")
    assert len(failure.program.lines) <= 2
    assert len(failure.program.captured) == 1


def test_a_store_that_is_dropped_is_found(monkeypatch):
    """A buffer of the workspace that nothing fills: what lies there may even be right."""
    right = passes.schedule

    def wrong(graph):
        loops = right(graph)
        for item, _ in walk(loops.body):
            if isinstance(item, Loop):
                item.body[:] = [
                    each
                    for each in item.body
                    if not (isinstance(each, Store) and each.buffer.role == "work" and not each.accumulate)
                ]
        return loops

    monkeypatch.setenv("DIFFC_CHECK", "0")  # or else the checker of Loops finds it first
    monkeypatch.setattr(passes, "schedule", wrong)
    failure = found()
    assert failure.finding.kind in ("shadow", "interpreter", "numpy")
    assert len(failure.program.lines) <= 3


def test_a_fault_that_does_not_come_again_is_reported_as_it_is(monkeypatch):
    """As one that depends on what the process compiled before: it is not shrunk, and says so."""
    right, calls = passes.schedule, []

    def wrong(graph):
        calls.append(graph.name)
        if len(calls) == 12:
            raise KeyError("planted")
        return right(graph)

    monkeypatch.setattr(passes, "schedule", wrong)
    failure = found(20)
    assert not failure.again
    assert failure.finding.kind == "crash"
    assert failure.finding.detail.startswith("KeyError: 'planted'")
    assert failure.program == make(failure.seed)


# -- the parts ------------------------------------------------------------------------------------


def test_a_seed_says_what_is_made():
    """Whatever Python's hashes are."""
    code = "from tests.fuzz.kinds import make; print([make(k) for k in range(40)])"

    def run(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert run("1") == run("2") == f"{[make(k) for k in range(40)]}\n"


def test_all_kinds_and_options_come():
    programs = [make(k) for k in range(400)]
    assert {each.kind for each in programs} == set(KINDS)
    options = [each.options for each in programs]
    for name, values in {
        "parallel": {False, True},
        "math": {"precise", "fast"},
        "lowering": {"llvm", "source"},
        "vector": {0, 16, 32, 64},
        "traced": {False, True},
        "fixed_batch": {False, True},
    }.items():
        assert {getattr(each, name) for each in options} == values
    assert {each.transform for each in options} >= {"value", "grad", "hessian", "jacobian", "jvp", "vmap"}
    assert any(each.captured for each in programs)
    extents = {extent for each in programs for argument in each.arguments for extent in argument.shape}
    assert {0, 1, "N", "M"} <= extents


def at_zero(text: str) -> Program:
    """Return the program of a formula in x, three zeros."""
    x = Argument("x", (3,))
    return Program("test", (f"x = x - {x.text({})}", f"return {text}"), (x,))


def test_kinks_are_seen_and_smooth_functions_have_none():
    for text in ("np.sum(np.abs(x))", "np.max(x)", "np.sum(np.maximum(x, 0))", "np.sum(np.floor(x))"):
        assert differences(at_zero(text), {}, 1)[0].kink, text
    for text in ("np.sum(np.sin(x))", "np.sum(x**3)", "np.sum(np.exp(x)) ** 2", "np.sum(x * np.abs(x))"):
        assert not differences(at_zero(text), {}, 1)[0].kink, text


@pytest.mark.parametrize("off", [1e-7, 1e-6, 1e-5, 1e-4, 3e-4, 6e-4, 9e-4])
def test_a_kink_close_by_is_seen(off):
    """Where it lies within the steps, differences say nothing about the derivative here."""
    program = at_zero(f"np.sum(np.abs(x - {off}))")
    (slope,) = differences(program, {}, 1)
    assert slope.kink or abs(slope.estimate + np.sum(program.directions({}))) < 1e-6


def test_a_difference_beyond_the_digits_is_seen():
    want = np.array([1.0, 1e-9])
    assert difference(want * (1 + 1e-15), want, [want]) is None
    assert difference(want + np.array([1e-12, 0]), want, [want]) is not None
    assert difference(want + np.array([0, 1e-12]), want, [want]) is not None
    assert difference(want + np.array([1e-12, 0]), want, [want + 1e-13]) is None
    assert difference(np.array([1.0, np.nan]), want, [want]) is not None
    assert difference(np.array([1.0]), want, [want]) is not None
