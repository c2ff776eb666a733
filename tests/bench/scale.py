"""Compile time against program size: a straight-line formula of 1,000 to 100,000 operations."""

from __future__ import annotations

import random
from typing import Any

import diffc as dc
from diffc import autodiff, compiler
from diffc.runtime.code.machine import compile_text
from tests.bench.timing import once
from tests.optimized import optimized

SIZES = (1_000, 10_000, 100_000)
_NAMES = "abcdfghk"


def formula(operations: int) -> str:
    """Return a sum of products and sines of eight variables with about this many operations."""
    chosen = random.Random(0)
    terms = []
    for k in range(operations // 5):
        x, y, z = chosen.choices(_NAMES, k=3)
        terms.append(f"sin({x}*{y} + {k})*{z}")
    return " + ".join(terms)


def run() -> dict[str, dict[str, float]]:
    """Print and return the seconds per 1,000 nodes of each stage."""
    _stages(200)  # imports and first uses
    table = {str(size): _stages(size) for size in SIZES}
    names = list(next(iter(table.values())))
    print(f"{'seconds per 1,000 nodes':26s}" + "".join(f"{size:>12,}" for size in SIZES))
    for name in names:
        print(f"{name:26s}" + "".join(f"{row[name]:12.4f}" for row in table.values()))
    return table


def _stages(operations: int) -> dict[str, float]:
    text = formula(operations)
    parse, f = once(lambda: dc.parse(text))
    graph = f.graph
    before, simple = once(lambda: compiler.optimized_before(graph))
    gradient, derived = once(lambda: autodiff.value_and_grad(simple, list(f.inputs)))
    after, optimal = once(lambda: optimized(derived, derived=True))
    stages = compiler.Stages(optimal, compiler.Options(derived=True))
    stages.optimized()
    place, _ = once(stages.loops)
    lower, module = once(stages.llvm)
    compile_, _ = once(lambda: compile_text(module))
    seconds: dict[str, Any] = {
        "parse": parse,
        "gradient": gradient,
        "optimise": before + after,
        "schedule": place,
        "lower": lower,
        "compile (LLVM)": compile_,
    }
    seconds["all"] = sum(seconds.values())
    nodes = len(graph.nodes)
    per_thousand = {name: value / nodes * 1000 for name, value in seconds.items()}
    return {"nodes of the formula": nodes, "nodes of the gradient": len(optimal.nodes), **per_thousand}
