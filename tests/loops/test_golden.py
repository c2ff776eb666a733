"""Golden programs of the passes of Loops: the program before a pass and behind it, as text, both executed.

A fixture is named for its pass. A case may have `target:`, a vector's bytes and the vector registers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diffc import autodiff
from diffc.compiler import Options
from diffc.compiler.passes import PASSES, READABLE, run_passes
from diffc.emit import lower_to_llvm
from diffc.ir import Graph
from diffc.loops.form import Loops
from diffc.loops.printer import print_loops
from diffc.loops.target import Target
from diffc.ops import evaluate
from diffc.ops.constant import const
from tests.emit.kernel_forms import Forms
from tests.golden import cases_of, check_text, names_of, random_arguments, read_cases
from tests.loops.steps import NAMES

CASES = cases_of("loops")


class Given(Forms):
    """A program of loops as it is, without the passes that would follow."""

    def __init__(self, graph: Graph, loops: Loops, target: Target) -> None:
        self.graph, self.loops, self._code = graph, loops, None
        self.constants = [np.array(const.reference(b.node.attrs)) for b in loops.constants]
        self._text = lower_to_llvm(loops, target)

    @property
    def text(self) -> str:
        return self._text


@pytest.mark.parametrize(("path", "k"), CASES, ids=names_of(CASES))
def test_golden(path: Path, k: int, update_golden: bool) -> None:
    case, name = read_cases(path)[k], path.stem
    graph = case.graph()
    if case.wrt is not None:
        graph = autodiff.grad(graph, case.wrt)
    target = Target(*map(int, case.keys.get("target", "32 16").split()))
    passes = tuple(each for each in PASSES if each.name in NAMES[NAMES.index("expand") :])
    texts, runs = {}, {}
    for done, program in run_passes(graph, passes, Options(), target):
        if isinstance(program, Loops) and done in (name, NAMES[NAMES.index(name) - 1]):
            texts[done] = print_loops(program)
            if NAMES.index(done) >= NAMES.index(READABLE):
                runs[done] = Given(graph, program, target)
    check_text(path, k, "\n".join(texts.values()).rstrip("\n"), update_golden)
    for seed in range(3):
        given = random_arguments(graph, seed)
        expected = evaluate(graph, *given)
        for each in runs.values():
            status, found = each.llvm(*given)
            assert status == 0
            for x, y in zip(found, expected, strict=True):
                np.testing.assert_allclose(x, y, 1e-12, 1e-13)


def test_every_pass_has_golden_programs() -> None:
    """All but the memory plan, whose text is part of every other's."""
    loops = {each.name for each in PASSES if each.kind == "loops"} - {READABLE}
    assert {path.stem for path, _ in CASES} == loops
