"""Matrices with few columns, laid out by columns."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.pipeline import Options, Stages
from diffc.schedule import expand, long_axes_last

PROGRAMS = {
    "rows by a small matrix": ("x @ w", {"x": "f64[200, 3]", "w": "f64[3, 4]"}),
    "of any number": ("sum(tanh(x @ w + b)**2, axis=1)", {"x": "f64[N, 3]", "w": "f64[3, 4]", "b": "f64[4]"}),
    "distances": (
        "sum(((reshape(x, [1, 100, 3]) - reshape(m, [5, 1, 3])) @ w)**2, axis=2)",
        {"x": "f64[100, 3]", "m": "f64[5, 3]", "w": "f64[5, 3, 3]"},
    ),
    "a Gram matrix": ("transpose(x*x) @ (x + 1)", {"x": "f64[N, 6]"}),
    "the largest": ("max(x @ w, axis=1) * prod(x @ w, axis=1)", {"x": "f64[80, 2]", "w": "f64[2, 3]"}),
    "over the rows": ("sum(x @ w, axis=0) + sum(x @ w)", {"x": "f64[80, 2]", "w": "f64[2, 3]"}),
    "over the batch": (
        "sum(reshape(x, [2, 70, 2]) @ w, axis=0)",
        {"x": "f64[140, 2]", "w": "f64[2, 2, 3]"},
    ),
    "beside what has one column": ("(x @ w) * c + d", {
        "x": "f64[90, 2]", "w": "f64[2, 3]", "c": "f64[90, 1]", "d": "f64[]",
    }),
    "in f32": ("exp(x @ w) @ w", {"x": "f32[N, 4]", "w": "f32[4, 4]"}),
}  # fmt: skip


def arguments(inputs, rows):
    rng = np.random.default_rng(0)
    for declared in inputs.values():
        dtype, _, shape = declared.partition("[")
        extents = [rows if each == "N" else int(each) for each in shape.rstrip("]").split(", ") if each]
        yield rng.normal(size=extents).astype(np.float32 if dtype == "f32" else np.float64)


@pytest.mark.parametrize("rows", [0, 1, 7, 64, 101])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_values_stay(name, rows):
    text, inputs = PROGRAMS[name]
    f = dc.parse(text, inputs=inputs)
    given = list(arguments(inputs, rows))
    tolerance = 1e-4 if "f32" in str(inputs) else 1e-12
    for each in (f, dc.grad(dc.parse(f"sum(sin({text}))", inputs=inputs), list(inputs))):
        compiled, interpreted = dc.compile(each, cache=False)(*given), each(*given)
        pairs = (
            zip(compiled, interpreted, strict=True)
            if isinstance(compiled, tuple)
            else [(compiled, interpreted)]
        )
        for a, b in pairs:
            assert np.asarray(a).shape == np.asarray(b).shape
            assert np.allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_long_axis_is_last(name):
    text, inputs = PROGRAMS[name]
    graph = long_axes_last(expand(dc.parse(text, inputs=inputs).graph))
    products = [node for node in graph.nodes if node.is_op("matmul")]
    assert products
    for node in products:
        long_inside = name == "a Gram matrix"
        assert (node.inputs[0].shape[-1] if long_inside else node.shape[-1]) not in range(13)


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("x @ w", {"x": "f64[200, 30]", "w": "f64[30, 4]"}),
        ("x @ w", {"x": "f64[20, 3]", "w": "f64[3, 4]"}),
        ("x @ w", {"x": "f64[200, 3]", "w": "f64[3, 40]"}),
        ("sum(x * y, axis=1)", {"x": "f64[N, 3]", "y": "f64[N, 3]"}),
    ],
)
def test_what_gains_nothing_stays(text, inputs):
    graph = expand(dc.parse(text, inputs=inputs).graph)
    assert long_axes_last(graph).outputs == graph.outputs


def test_what_a_batch_reads_again_is_copied_once():
    text, inputs = PROGRAMS["distances"]
    loops = Stages(dc.parse(text, inputs=inputs).graph, Options())["loops"]
    copies = [line for line in loops.splitlines() if "cast_" in line and "work" in line]
    assert [line.split(": ")[1].split(" at")[0] for line in copies] == ["f64[3, 100]"]


def test_where_a_value_came_from_is_still_told():
    f = dc.parse("sum(tanh(x @ w) * y)", inputs={"x": "f64[100, 3]", "w": "f64[3, 4]", "y": "f64[100, 4]"})
    source = dc.compile(dc.grad(f, "x"), cache=False).source
    assert "f64[4, 100], adjoint of %" in source
