"""Golden programs: cases in text files, with what is expected of each, and both executed on numbers.

A fixture holds cases between lines of `----`. A case has a header (`formula:`, and where wanted `inputs:`, a
transform such as `grad:` with what it is taken by, and keys of its own kind), an empty line, and the expected
text. `pytest --update-golden` writes what is computed now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from diffc.ir import Dim, Graph, parse_type
from diffc.ops import input_node
from diffc.syntax import build, parse_expression

FIXTURES = Path(__file__).parent / "fixtures"
SEPARATOR = "\n----\n"
SIZES = {"N": 4, "M": 5}


@dataclass(frozen=True)
class Case:
    """A case of a fixture."""

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

    @property
    def wrt(self) -> Any:
        """What a gradient is taken by, or None."""
        names = [name.strip() for name in self.keys.get("grad", "").split(",") if name.strip()]
        return None if not names else names if len(names) > 1 else names[0]


def read_cases(path: Path) -> list[Case]:
    found = []
    for text in path.read_text(encoding="utf-8").strip("\n").split(SEPARATOR):
        header, _, expected = text.partition("\n\n")
        found.append(Case(header, expected))
    return found


def cases_of(folder: str) -> list[tuple[Path, int]]:
    """Return the cases of a folder of fixtures: files, and positions in them."""
    paths = sorted((FIXTURES / folder).glob("*.txt"))
    return [(path, k) for path in paths for k in range(len(read_cases(path)))]


def names_of(cases: Sequence[tuple[Path, int]]) -> list[str]:
    return [f"{path.stem}-{k}" for path, k in cases]


def check_text(path: Path, k: int, text: str, update: bool) -> None:
    """Compare the text of a case with what is expected, or make it that."""
    cases = read_cases(path)
    if update:
        cases[k] = replace(cases[k], expected=text)
        path.write_text(SEPARATOR.join(f"{c.header}\n\n{c.expected}" for c in cases) + "\n", encoding="utf-8")
    assert read_cases(path)[k].expected == text


def random_arguments(graph: Graph, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    found = []
    for node in graph.inputs:
        shape = [SIZES[str(e)] if isinstance(e, Dim) else e for e in node.shape]
        values = rng.uniform(0.1, 2.0, shape)
        found.append(values > 1 if node.dtype == "bool" else values)
    return found
