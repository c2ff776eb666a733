"""Golden programs: what the optimiser makes of a formula, as text, and that both compute the same.

A fixture holds cases between lines of `----`. A case has a header (`formula:`, and where wanted
`inputs:`, `stage:`, `math:`, a transform such as `grad:` with what it is taken by), an empty line, and
the programs before and after differentiation. `pytest --update-golden` writes what is computed now.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffc import autodiff
from diffc.ir import Dim, Graph, check, parse_type
from diffc.ops import evaluate, input_node
from diffc.optimize import optimize
from diffc.syntax import build, parse_expression, print_graph, read_graph

FIXTURES = Path(__file__).parent.parent / "fixtures" / "optimize"
SEPARATOR = "\n----\n"
SIZES = {"N": 4, "M": 5}


@dataclass(frozen=True)
class Case:
    header: str
    expected: str

    @property
    def keys(self) -> dict[str, str]:
        lines = [line.split(":", 1) for line in self.header.splitlines() if not line.startswith("#")]
        return {key.strip(): value.strip() for key, value in lines}

    def graph(self) -> Graph:
        program = parse_expression(self.keys["formula"])
        given = [part.split(":") for part in self.keys.get("inputs", "").split(";") if part]
        types = {name.strip(): parse_type(text) for name, text in given}
        names = [name for name in program.names if name not in ("pi", "inf")]
        scope = {name: input_node(name, types.get(name, parse_type("f64"))) for name in names}
        return Graph("f", tuple(scope.values()), (build(program, scope),))


def read_cases(path: Path) -> list[Case]:
    found = []
    for text in path.read_text(encoding="utf-8").strip("\n").split(SEPARATOR):
        header, _, expected = text.partition("\n\n")
        found.append(Case(header, expected))
    return found


CASES = [(path, k) for path in sorted(FIXTURES.glob("*.txt")) for k in range(len(read_cases(path)))]


def random_arguments(graph: Graph, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    found = []
    for node in graph.inputs:
        shape = [SIZES[str(e)] if isinstance(e, Dim) else e for e in node.shape]
        values = rng.uniform(0.1, 2.0, shape)
        found.append(values > 1 if node.dtype == "bool" else values)
    return found


@pytest.mark.parametrize(("path", "k"), CASES, ids=[f"{path.stem}-{k}" for path, k in CASES])
def test_golden(path: Path, k: int, update_golden: bool) -> None:
    cases = read_cases(path)
    case, keys = cases[k], cases[k].keys
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
    if update_golden:
        cases[k] = replace(case, expected=text)
        path.write_text(SEPARATOR.join(f"{c.header}\n\n{c.expected}" for c in cases) + "\n", encoding="utf-8")
    assert read_cases(path)[k].expected == text
    for old, new in pairs:
        assert print_graph(read_graph(print_graph(new))) == print_graph(new)
        for seed in range(3):
            point = random_arguments(old, seed)
            for x, y in zip(evaluate(old, *point), evaluate(new, *point), strict=True):
                assert x.dtype == y.dtype
                np.testing.assert_allclose(y, x, 1e-11, 1e-12)
