"""The tuple of passes: its order, and that each can be left out, dumped, timed and checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import Options, Stages, compile_graph, passes
from diffc.compiler.passes import PASSES
from diffc.errors import DiffcError
from diffc.loops.passes import LOOPS_PASSES
from diffc.ops import evaluate

NAMES = [each.name for each in PASSES]
OPTIONAL = [each.name for each in PASSES if not each.needed]


def network(x: Any, w: Any) -> Any:
    h = np.tanh(x @ w)
    p = np.exp(h - np.max(h, axis=1, keepdims=True))
    return np.sum((p / np.sum(p, axis=1, keepdims=True)) ** 2) + np.mean(x, axis=0) @ np.log1p(x[0] ** 2)


def recursion(x: Any, w: Any) -> Any:
    state = x[0]
    for _ in range(6):
        state = np.tanh(state @ w[:, :3]) + state
    return np.sum(state)


PROGRAMS = {
    "network": dc.value_and_grad(dc.trace(network, dc.f64("N", 3), dc.f64(3, 9)), (0, 1)),
    "recursion": dc.grad(dc.trace(recursion, dc.f64(4, 3), dc.f64(3, 9)), 1),
}


def arguments() -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(4, 3)), rng.normal(size=(3, 9))]


def test_names_are_unique_and_what_must_come_before_does() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for each in PASSES:
        for name, reason in each.after.items():
            assert reason
            assert NAMES.index(name) < NAMES.index(each.name), f"{each.name} runs before {name}: {reason}"


def test_reasons_are_given_for_passes_that_there_are() -> None:
    assert set(passes._ORDER) <= set(NAMES)  # pyright: ignore[reportPrivateUsage]


def test_the_order_of_kinds() -> None:
    kinds = [each.kind for each in PASSES]
    assert list(dict.fromkeys(kinds)) == ["before", "after", "lowering", "schedule", "loops"]
    assert [each.name for each in LOOPS_PASSES] == [each.name for each in PASSES if each.kind == "loops"]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", OPTIONAL)
def test_without_a_pass_the_values_are_the_same(name: str, program: str) -> None:
    f = PROGRAMS[program]
    kernel = compile_graph(f.graph, Options(derived=True, without=(name,)), cache=False)
    result = kernel(*arguments())
    got = [*result[:1], *result[1]] if isinstance(result, tuple) else [result]
    for ours, expected in zip(got, evaluate(f.graph, *arguments()), strict=True):
        np.testing.assert_allclose(ours, expected, 1e-12, 1e-13)


def test_without_any_pass_that_can_be_left_out() -> None:
    f = PROGRAMS["recursion"]
    kernel = compile_graph(f.graph, Options(without=tuple(OPTIONAL)), cache=False)
    np.testing.assert_allclose(kernel(*arguments()), evaluate(f.graph, *arguments())[0], 1e-12, 1e-13)


@pytest.mark.parametrize(
    ("name", "message"),
    [("jamm", "there is no pass 'jamm'; the passes are"), ("schedule", "the pass 'schedule' is needed")],
)
def test_what_cannot_be_left_out(name: str, message: str) -> None:
    with pytest.raises(DiffcError, match=message):
        Stages(PROGRAMS["network"].graph, Options(without=(name,)))


def test_another_choice_of_passes_is_another_cache_entry(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DIFFC_CACHE_DIR", str(tmp_path))
    graph = dc.parse("2*x + 1", inputs={"x": "f64[N, 3]"}).graph
    texts = [
        compile_graph(graph, Options(without=without)).stages["loops"] for without in ((), ("collapse",), ())
    ]
    assert texts[0] == texts[2] != texts[1]


def test_the_program_behind_each_pass_has_a_text() -> None:
    graph = dc.parse("sum((a @ b)**2, axis=0)", inputs={"a": "f64[10, 12]", "b": "f64[12, 9]"}).graph
    stages = Stages(graph, Options())
    texts = {name: stages.behind(name) for name in NAMES}
    assert texts[passes.OPTIMIZED] == stages["optimized"]
    assert texts["long_axes_last"] == stages["expanded"]
    assert texts[NAMES[-1]] == stages["loops"]
    assert texts["jam"] != texts["collapse"]
    assert stages.behind("plan_memory") == texts["plan_memory"]
    with pytest.raises(DiffcError, match="no pass 'none' here; the passes are"):
        stages.behind("none")


def test_each_pass_is_timed() -> None:
    stages = Stages(PROGRAMS["network"].graph, Options())
    stages.llvm()
    assert list(stages.seconds) == NAMES
    kernel = compile_graph(PROGRAMS["network"].graph, Options(derived=True), cache=False)
    assert list(kernel.stats["passes"]) == [each.name for each in PASSES if each.kind != "before"]


@pytest.mark.parametrize("options", [{"lowering": "source"}, {"parallel": 2}, {}])
def test_every_kernel_says_what_its_passes_took(options: Any) -> None:
    kernel = dc.compile(dc.parse("2*sin(x)", inputs={"x": "f64[N]"}), cache=False, **options)
    assert set(NAMES[: NAMES.index(passes.READABLE) + 1]) <= set(kernel.stats["passes"])


@pytest.mark.parametrize("kind", ["after", "loops"])
def test_a_program_that_a_pass_spoils_is_found_behind_it(monkeypatch, kind: str) -> None:
    """As `DIFFC_CHECK=1` does in all tests: the checkers look behind every pass, and name it."""
    graph = dc.parse("exp(x) + y", inputs={"x": "f64[4]", "y": "f64[4]"}).graph

    def spoil(program: Any, options: Options, target: Any) -> Any:
        if kind == "loops":
            program.body.append(program.body[0])
            return program
        return type(program)("f", program.inputs[:1], program.outputs)

    spoiling = passes.Pass("spoil", kind, spoil)  # pyright: ignore[reportArgumentType]
    at = max(k for k, each in enumerate(PASSES) if each.kind == kind) + 1
    monkeypatch.setattr(passes, "PASSES", (*PASSES[:at], spoiling, *PASSES[at:]))
    wrong = {"after": "f: the input .y. is used but not declared", "loops": ".* is defined twice"}
    with pytest.raises(DiffcError, match=f"behind spoil:? {wrong[kind]}"):
        Stages(graph, Options()).llvm()
