"""Rounds of a loop that run side by side, and vectors along a loop that has loops inside."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import Options, Stages
from diffc.loops.form import Loop
from diffc.loops.statements import Accumulate
from diffc.loops.target import Target
from diffc.loops.walk import walk
from diffc.ops.interpreter import evaluate
from tests.loops.steps import behind

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
    return Stages(f.graph, Options()).planned()


def jammed(loops, registers):
    return behind(loops, "jam", target=Target(registers=registers)).body


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
        dc.compile(gradient, cache=False)(**values),
        evaluate(gradient.graph, *[values[name] for name in gradient.inputs]),
        strict=True,
    ):
        assert np.allclose(compiled, interpreted, rtol=1e-12, atol=1e-12)


def test_the_sums_stand_side_by_side():
    f = dc.parse("a @ b", inputs={"a": "f64[10, 12]", "b": "f64[12, 9]"})
    loops = loops_of(f)
    assert sum(isinstance(item, Accumulate) for item, _ in walk(loops.body)) == 1
    (side_by_side,) = jammed(loops, 16)
    assert isinstance(side_by_side, Loop)
    assert side_by_side.axis.extent == 2
    assert sum(isinstance(item, Accumulate) for item, _ in walk([side_by_side])) == 5


def test_the_rest_of_the_rows_follows():
    f = dc.parse("a @ b", inputs={"a": "f64[7, 12]", "b": "f64[12, 9]"})
    rounds = [item for item in jammed(loops_of(f), 16) if isinstance(item, Loop)]
    sums = [sum(isinstance(item, Accumulate) for item, _ in walk([each])) for each in rounds]
    assert [(each.axis.extent, n) for each, n in zip(rounds, sums, strict=True)] == [(1, 4), (1, 3)]


@pytest.mark.parametrize(("registers", "sums"), [(16, 10), (32, 25)])
def test_where_registers_are_left_columns_stand_side_by_side_too(registers, sums):
    f = dc.parse("a @ transpose(b)", inputs={"a": "f64[10, 100]", "b": "f64[10, 100]"})
    (rounds,) = [item for item in jammed(loops_of(f), registers) if isinstance(item, Loop)]
    assert sum(isinstance(item, Accumulate) for item, _ in walk([rounds])) == sums
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 10, 100))
    assert np.allclose(dc.compile(f, cache=False)(a, b), a @ b.T, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("registers", "vectors"), [(16, 2), (32, 4)])
def test_several_vectors_of_columns_stand_side_by_side(registers, vectors):
    f = dc.parse("a @ b", inputs={"a": "f64[5, 6]", "b": "f64[6, 80]"})
    block = behind(loops_of(f), "jam", "widen", target=Target(registers=registers)).body
    assert [loop.vectors for loop, _ in walk(block) if isinstance(loop, Loop) and loop.outer_vector] == [
        vectors
    ]


@pytest.mark.parametrize("columns", [1, 2, 7, 8, 31, 32, 33, 70, 100])
@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("kind", ["f64", "f32"])
def test_any_number_of_columns(columns, symbolic, kind):
    inputs = {"a": f"{kind}[5, 6]", "b": f"{kind}[6, {'N' if symbolic else columns}]"}
    f = dc.parse("a @ b", inputs=inputs)
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=size).astype("f8" if kind == "f64" else "f4") for size in ((5, 6), (6, columns)))
    tolerance = 1e-13 if kind == "f64" else 1e-5
    assert np.allclose(dc.compile(f, cache=False)(a, b), a @ b, rtol=tolerance, atol=tolerance)


def test_what_is_added_to_memory_is_added_where_it_is_made():
    text = "sum((reshape(a, [1, 5, 6]) * c @ b)**2, axis=1)"
    f = dc.parse(text, inputs={"a": "f64[5, 6]", "b": "f64[6, 80]", "c": "f64[3, 1, 1]"})
    loops = Stages(f.graph, Options())["loops"]
    assert "work square" not in loops


def test_vectors_run_over_the_columns():
    f = dc.parse("a @ b", inputs={"a": "f64[10, 12]", "b": "f64[12, 40]"})
    assert "(parallel vector)" in Stages(f.graph, Options()).behind("plan_memory")
    columns = [item for item, _ in walk(loops_of(f).body) if isinstance(item, Loop) and item.outer_vector]
    assert [(loop.axis.extent, loop.vector, loop.innermost) for loop in columns] == [(40, True, False)]


def test_an_axis_may_have_the_number_of_an_accumulator():
    def f(x, y):
        largest = np.max(y[:, None, :] + x, axis=2)
        return np.sum(np.sin(largest + np.mean(largest, axis=1, keepdims=True)))

    rng = np.random.default_rng(0)
    for rows in range(2, 11):  # each gives axes and values other numbers
        x, y = rng.normal(size=(rows, 7)), rng.normal(size=(5, 7))
        g = dc.value_and_grad(dc.trace(f, f"f64[{rows},7]", "f64[N,7]"), ["x", "y"])
        value, gradients = dc.compile(g, cache=False)(x, y)
        for ours, reference in zip((value, *gradients), evaluate(g.graph, x, y), strict=True):
            assert np.allclose(ours, reference, rtol=1e-12, atol=1e-12)
