"""Batches of matrices with few columns, laid out by columns."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import Options, Stages
from diffc.ops.interpreter import evaluate
from diffc.schedule import expand, long_axes_last

INPUTS = {"x": "f64[N, 3]", "m": "f64[5, 3]", "w": "f64[5, 3, 4]", "b": "f64[4]", "c": "f64[5, 1, 4]"}
MOVED = "(reshape(x, [1, N, 3]) - reshape(m, [5, 1, 3]))"
PROGRAMS = {
    "distances": f"sum(({MOVED} @ w)**2, axis=2)",
    "with a function": f"sum(tanh({MOVED} @ w + b)*c, axis=2)",
    "the largest and the product": f"max({MOVED} @ w, axis=2) * prod({MOVED} @ w, axis=2)",
    "over the rows": f"sum({MOVED} @ w, axis=1)",
    "over the batch": f"sum(sum({MOVED} @ w, axis=0)**2)",
    "over all": f"sum(exp({MOVED} @ w))",
    "two products": f"sum(({MOVED} @ w) @ transpose(w, [0, 2, 1]), axis=2)",
    "a Gram matrix": f"transpose({MOVED}**2, [0, 2, 1]) @ ({MOVED} + 1)",
    "what is given": f"{MOVED} @ w",
}


def inputs_of(text, dtype="f64"):
    return {
        name: each.replace("f64", dtype) for name, each in INPUTS.items() if name in text.replace("max", "")
    }


def arguments(inputs, rows):
    rng = np.random.default_rng(0)
    for declared in inputs.values():
        dtype, _, shape = declared.partition("[")
        extents = [rows if each == "N" else int(each) for each in shape.rstrip("]").split(", ")]
        yield rng.normal(size=extents).astype(np.float32 if dtype == "f32" else np.float64)


def as_list(results):
    return list(results) if isinstance(results, tuple) else [results]


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_values_stay(name, dtype):
    text, inputs = PROGRAMS[name], inputs_of(PROGRAMS[name], dtype)
    value = dc.parse(text, inputs=inputs)
    gradient = dc.grad(dc.parse(f"sum(sin(({text}) / 1000))", inputs=inputs), list(inputs))
    tolerance = 1e-3 if dtype == "f32" else 1e-11
    for each in (value, gradient):
        kernel = dc.compile(each, cache=False)
        for rows in (0, 1, 7, 64, 101):
            if rows == 0 and "max" in text:
                continue  # NumPy has no largest of nothing.
            given = list(arguments(inputs, rows))
            for a, b in zip(as_list(kernel(*given)), evaluate(each.graph, *given), strict=True):
                assert np.shape(a) == np.shape(b)
                assert np.allclose(a, b, rtol=0, atol=tolerance * max(1, np.max(np.abs(b), initial=0)))


@pytest.mark.parametrize(
    "name", [name for name in PROGRAMS if name not in ("what is given", "a Gram matrix")]
)
def test_the_long_axis_is_last(name):
    graph = long_axes_last(expand(dc.parse(PROGRAMS[name], inputs=inputs_of(PROGRAMS[name])).graph))
    products = [node for node in graph.nodes if node.is_op("matmul")]
    assert products
    assert all(not isinstance(node.shape[-1], int) for node in products)


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("sum(x @ w, axis=1)", {"x": "f64[200, 3]", "w": "f64[3, 4]"}),
        ("sum((x + 1) @ w, axis=2)", {"x": "f64[8, 20, 3]", "w": "f64[8, 3, 4]"}),
        ("sum((x + 1) @ w, axis=2)", {"x": "f64[8, 200, 3]", "w": "f64[8, 3, 40]"}),
        ("sum((x + 1) @ w, axis=2)", {"x": "f64[2, 200, 3]", "w": "f64[2, 3, 4]"}),
        ("sum((x + 1) @ w, axis=2)", {"x": "f64[8, 200, 3]", "w": "f64[8, 3, 4]"}),
        ("sum(x @ w, axis=2)", {"x": "f64[8, 200, 3]", "w": "f64[8, 3, 4]"}),
        (f"{MOVED} @ w", {key: INPUTS[key] for key in "xmw"}),
        ("sum(x * y, axis=2)", {"x": "f64[8, N, 3]", "y": "f64[8, N, 3]"}),
    ],
    ids=[
        "no batch", "few rows", "many columns", "few matrices", "rows read", "rows multiplied", "rows given",
        "no product",
    ],
)  # fmt: skip
def test_what_gains_nothing_stays(text, inputs):
    graph = expand(dc.parse(text, inputs=inputs).graph)
    assert long_axes_last(graph).outputs == graph.outputs


def test_what_a_batch_reads_again_is_copied_once():
    text = PROGRAMS["distances"].replace("N", "100")
    inputs = {key: INPUTS[key].replace("N", "100") for key in "xmw"}
    loops = Stages(dc.parse(text, inputs=inputs).graph, Options())["loops"]
    copies = [line for line in loops.splitlines() if "cast_" in line and "work" in line]
    assert [line.split(": ")[1].split(" at")[0] for line in copies] == ["f64[3, 100]"]


def test_where_a_value_came_from_is_still_told():
    f = dc.parse(f"sum(tanh({MOVED} @ w))", inputs={key: INPUTS[key] for key in "xmw"})
    source = dc.compile(dc.grad(f, "x"), cache=False).source
    assert "f64[5, 3, N], adjoint of v" in source
