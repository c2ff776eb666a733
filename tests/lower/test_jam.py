"""Rounds of a loop that run side by side, and vectors along a loop that has loops inside."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.ir.loops import Accumulate, Loop, walk
from diffc.lower.jam import jammed
from diffc.pipeline import Options, Stages

PROGRAMS = {
    "product": "a @ b",
    "its square, summed over rows": "sum((a @ b)**2, axis=0)",
    "its square, summed over columns": "sum((a @ b)**2, axis=1)",
    "all of it": "sum((a @ b) * c)",
    "dot products": "a @ transpose(d)",
    "the largest of each column": "max(a @ b, axis=0)",
    "an epilogue": "maximum(a @ b - mean(c), 0) * c",
    "a function of it": "tanh(a @ b) * c",
    "an outer product": "transpose(a) @ c",
    "a batch": "sum(reshape(a, [R, 1, K]) * reshape(transpose(b), [1, N, K]), axis=2)",
}


def value(name, a, b, c, d):
    return {
        "product": lambda: a @ b,
        "its square, summed over rows": lambda: ((a @ b) ** 2).sum(0),
        "its square, summed over columns": lambda: ((a @ b) ** 2).sum(1),
        "all of it": lambda: ((a @ b) * c).sum(),
        "dot products": lambda: a @ d.T,
        "the largest of each column": lambda: (a @ b).max(0),
        "an epilogue": lambda: np.maximum(a @ b - c.mean(), 0) * c,
        "a function of it": lambda: np.tanh(a @ b) * c,
        "an outer product": lambda: a.T @ c,
        "a batch": lambda: a @ b,
    }[name]()


def loops_of(f):
    return Stages(f.graph, Options()).loops()


@pytest.mark.parametrize("sizes", [(2, 2, 3), (3, 10, 20), (7, 4, 9), (10, 10, 37), (13, 5, 16), (16, 3, 40)])
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(name, sizes):
    rows, inner, columns = sizes
    text = PROGRAMS[name].replace("R", str(rows)).replace("K", str(inner)).replace("N", str(columns))
    rng = np.random.default_rng(0)
    shapes = {"a": (rows, inner), "b": (inner, columns), "c": (rows, columns), "d": (columns, inner)}
    values = {key: rng.normal(size=shape) for key, shape in shapes.items() if key in text}
    f = dc.parse(text, inputs={key: f"f64{list(each.shape)}" for key, each in values.items()})
    everything = {key: values.get(key, np.zeros(shape)) for key, shape in shapes.items()}
    assert np.allclose(
        dc.compile(f, cache=False)(**values), value(name, **everything), rtol=1e-13, atol=1e-13
    )
    gradient = dc.grad(dc.parse(f"sum(sin({text}))", inputs=dict(f.inputs)), list(values))
    for compiled, interpreted in zip(
        dc.compile(gradient, cache=False)(**values), gradient(**values), strict=True
    ):
        assert np.allclose(compiled, interpreted, rtol=1e-12, atol=1e-12)


def test_the_sums_stand_side_by_side():
    f = dc.parse("a @ b", inputs={"a": "f64[10, 12]", "b": "f64[12, 9]"})
    loops = loops_of(f)
    outer = next(item for item in loops.body if isinstance(item, Loop))
    assert sum(isinstance(item, Accumulate) for item, _ in walk([outer])) == 1
    (side_by_side,) = jammed([outer])
    assert isinstance(side_by_side, Loop)
    assert side_by_side.axis.extent == 2
    assert sum(isinstance(item, Accumulate) for item, _ in walk([side_by_side])) == 5


def test_the_rest_of_the_rows_follows():
    f = dc.parse("a @ b", inputs={"a": "f64[7, 12]", "b": "f64[12, 9]"})
    outer = [item for item in loops_of(f).body if isinstance(item, Loop)]
    rounds = [item for item in jammed(outer) if isinstance(item, Loop)]
    sums = [sum(isinstance(item, Accumulate) for item, _ in walk([each])) for each in rounds]
    assert [(each.axis.extent, n) for each, n in zip(rounds, sums, strict=True)] == [(1, 4), (1, 3)]


def test_vectors_run_over_the_columns():
    f = dc.parse("a @ b", inputs={"a": "f64[10, 12]", "b": "f64[12, 40]"})
    assert "(parallel vector)" in Stages(f.graph, Options())["loops"]
    columns = [item for item, _ in walk(loops_of(f).body) if isinstance(item, Loop) and item.outer_vector]
    assert [(loop.axis.extent, loop.vector, loop.innermost) for loop in columns] == [(40, True, False)]
