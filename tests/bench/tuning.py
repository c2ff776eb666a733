"""The numbers of `diffc.tuning`, each at other values: `python -m tests.bench.tuning [NAME ...]`.

Printed are, for the value that stands and those beside it, the microseconds of programs for which it decides,
and the milliseconds that these take to compile. What is chosen stands in the number's own text.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

import diffc as dc
from diffc import tuning
from diffc.compiler import Options, compile_graph
from tests.bench.timing import once, repeated


@dataclass(frozen=True)
class Program:
    """A formula with the types of its inputs, and by what its gradient is taken, if that is measured."""

    formula: str
    inputs: Mapping[str, str]
    wrt: str = ""

    def graph(self) -> Any:
        f = dc.parse(self.formula, inputs=dict(self.inputs))
        return (dc.grad(f, self.wrt) if self.wrt else f).graph


def product(rows: int, inner: int, columns: int, formula: str = "a @ b", wrt: str = "") -> Program:
    return Program(formula, {"a": f"f64[{rows}, {inner}]", "b": f"f64[{inner}, {columns}]"}, wrt)


def recursion(steps: int) -> Program:
    text = "x"
    for _ in range(steps):
        text = f"tanh({text} @ w)"
    return Program(f"sum({text})", {"x": "f64[3]", "w": "f64[3, 3]"}, "w")


REGRESSION = Program(
    "mean(logaddexp(0, x @ w) - y*(x @ w))", {"x": "f64[5000, 30]", "w": "f64[30]", "y": "f64[5000]"}, "w"
)
SINES = Program("+".join(f"sin(x*{k + 1})*exp(y*0.{k + 1})" for k in range(30)), {"x": "f64", "y": "f64"})

CASES: dict[str, tuple[tuple[Any, ...], tuple[Program, ...]]] = {
    "LITTLE_WORK": ((0, 16, 64, 256), (REGRESSION, product(2000, 60, 3, "sum(tanh(a @ b))", "b"))),
    "FULL_VECTOR": ((4, 8, 16), (REGRESSION, product(2000, 8, 8, "sum(tanh(a @ b))", "b"))),
    "SHORT_AXIS": ((4, 12, 32), (product(2000, 40, 5), product(2000, 40, 20))),
    "WIDE_AXIS": ((8, 16, 32), (product(500, 12, 5), product(500, 20, 5))),
    "LARGE_VALUE": ((1 << 8, 1 << 12, 1 << 16), (product(300, 30, 10, "sum((a - mean(a)) @ b)", "b"),)),
    "CHEAP_COST": ((0, 2, 8), (Program("sum((x - mean(x))**2)*sum((x - mean(x))**3)", {"x": "f64[20000]"}),)),
    "INLINE_PANEL": ((128, 512, 2048), (product(200, 30, 30), product(20, 300, 20))),
    "INLINE_WORK": ((2048, 8192, 32768), (product(16, 16, 16), product(24, 24, 24), product(32, 32, 32))),
    "HELD_COLUMN": ((64, 512, 4096), (REGRESSION, product(4000, 200, 1, "transpose(a) @ (a @ b)"))),
    "KEPT_BUFFER": ((0, 256, 4096), (product(300, 30, 16, "sum(square(softmax(a @ b)))", "b"),)),
    "JAM_WIDTHS": (((1,), (2,), (4, 3, 2), (5, 6, 4, 3, 2)), (product(10, 100, 9), product(12, 40, 16))),
    "JAM_FREE_REGISTERS": ((2, 6, 12), (product(10, 100, 30, "a @ transpose(transpose(b))"),)),
    "JAM_LARGEST_BODY": ((8, 24, 96), (product(10, 100, 9, "sum((a @ b)**2*exp(-(a @ b)))"),)),
    "WIDEN_MOST": ((1, 2, 4, 8), (product(5, 6, 80), product(30, 6, 80))),
    "WIDEN_FREE_REGISTERS": ((0, 4, 12), (product(5, 6, 80), product(30, 6, 80))),
    "WIDEN_LARGEST_BODY": ((8, 64, 256), (product(30, 6, 80, "tanh(a @ b)*(a @ b)"),)),
    "OUTLINE_MIN_CALLS": ((2, 4, 1000), (recursion(6), recursion(40))),
    "OUTLINE_MAX_ROUNDS": ((16, 64, 1024), (recursion(6), recursion(40))),
    "INLINED_MATHS_CALLS": ((0, 64, 1000), (SINES,)),
    "REDUCTION_ACCUMULATORS": ((1, 2, 4, 8), (Program("sum(x*x)", {"x": "f64[2000]"}),)),
    "SHORT_BODY": ((4, 12, 40), (Program("sum(x*x*(1 - x)*(2 + x*x))", {"x": "f64[2000]"}),)),
    "TILE_VECTORS": ((1, 2, 3, 4), (product(64, 64, 96), product(200, 200, 192))),
    "TILE_LONGEST": ((256, 4096, 1 << 16), (product(64, 2000, 96),)),
    "TILE_MOST_WORK": ((1 << 20, 1 << 26, 1 << 30), (product(200, 200, 200), product(500, 500, 500))),
}
"""The values that are tried, and the programs, by the numbers' names."""


def arguments(graph: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=node.shape) * 0.3 for node in graph.inputs]


def measured(name: str, value: Any, program: Program) -> tuple[float, float]:
    """Return the seconds of a call and of the compilation where a number has another value."""
    with mock.patch.object(tuning, name, value):
        graph = program.graph()
        compiling, kernel = once(lambda: compile_graph(graph, Options(derived=True), cache=False))
    given = arguments(graph)
    return repeated(lambda: kernel(*given)), compiling


def main() -> None:
    """Print the table."""
    for name in sys.argv[1:] or CASES:
        values, programs = CASES[name]
        print(f"{name} = {getattr(tuning, name)}")
        for program in programs:
            shown = program.formula if len(program.formula) < 60 else f"{program.formula[:57]}..."
            print(f"  {shown}  {', '.join(program.inputs.values())}")
            for value in values:
                seconds, compiling = measured(name, value, program)
                mark = "*" if value == getattr(tuning, name) else " "
                print(
                    f"   {mark}{value!s:>18} {1e6 * seconds:10.2f} us {1e3 * compiling:8.1f} ms", flush=True
                )


if __name__ == "__main__":
    main()
