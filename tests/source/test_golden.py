"""Golden programs of the source: what a person reads, and that plain Python computes the same with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diffc import autodiff
from diffc.compiler import Options, Stages
from diffc.ops import evaluate
from tests.emit.kernel_forms import Forms
from tests.golden import cases_of, check_text, names_of, random_arguments, read_cases

CASES = cases_of("source")


@pytest.mark.parametrize(("path", "k"), CASES, ids=names_of(CASES))
def test_golden(path: Path, k: int, update_golden: bool) -> None:
    case = read_cases(path)[k]
    graph = case.graph()
    if case.wrt is not None:
        graph = autodiff.grad(graph, case.wrt)
    check_text(path, k, Stages(graph, Options())["source"].rstrip("\n"), update_golden)
    forms = Forms(graph, optimized=True)
    for seed in range(3):
        given = random_arguments(graph, seed)
        given = [
            np.array([0, 2, -1]) if node.dtype == "i64" else each
            for node, each in zip(graph.inputs, given, strict=True)
        ]
        status, found = forms.python(*given)
        assert status == 0
        for x, y in zip(found, evaluate(graph, *given), strict=True):
            np.testing.assert_allclose(x, y, 1e-12, 1e-13)
