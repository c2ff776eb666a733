"""Golden programs: what the optimiser makes of a formula, as text, and that both compute the same.

A case may have `stage:` and `math:`; expected are the programs before and after differentiation.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffc import autodiff
from diffc.ir import check
from diffc.ops import evaluate
from diffc.optimize import optimize
from diffc.syntax import print_graph, read_graph
from tests.golden import cases_of, check_text, names_of, random_arguments, read_cases

CASES = cases_of("optimize")


@pytest.mark.parametrize(("path", "k"), CASES, ids=names_of(CASES))
def test_golden(path: Path, k: int, update_golden: bool) -> None:
    case = read_cases(path)[k]
    keys = case.keys
    math: Any = keys.get("math", "precise")
    source = case.graph()
    before = check(optimize(source, stage="before", math=math))
    pairs = [(source, before)]
    transforms: list[str] = [each for each in ("grad", "jvp", "hessian") if each in keys]
    if transforms:
        derive: Any = getattr(autodiff, transforms[0])
        names = [name.strip() for name in keys[transforms[0]].split(",")]
        wrt: Any = names if len(names) > 1 else names[0]
        after = check(optimize(derive(before, wrt), stage="after", math=math))
        pairs.append((derive(source, wrt), after))
    elif keys.get("stage") == "after":
        pairs.append((source, check(optimize(before, stage="after", math=math))))
    text = "\n".join(print_graph(graph) for _, graph in pairs).rstrip("\n")
    check_text(path, k, text, update_golden)
    for old, new in pairs:
        assert print_graph(read_graph(print_graph(new))) == print_graph(new)
        for seed in range(3):
            point = random_arguments(old, seed)
            for x, y in zip(evaluate(old, *point), evaluate(new, *point), strict=True):
                assert x.dtype == y.dtype
                np.testing.assert_allclose(y, x, 1e-11, 1e-12)
