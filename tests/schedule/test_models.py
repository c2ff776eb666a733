"""Linear models and what stands on them: products with few columns, and functions of their results."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import Options, Stages
from diffc.loops.form import Loop, Loops
from diffc.loops.statements import Compute
from diffc.loops.walk import walk
from diffc.ops.interpreter import evaluate

LOGISTIC = "mean(logaddexp(0, x @ w + b) - y*(x @ w + b))"
INPUTS = {"w": "f64[D]", "b": "f64[]", "x": "f64[N, D]", "y": "f64[N]"}
PROGRAMS = {
    "logistic regression": (LOGISTIC, INPUTS),
    "Poisson regression": ("sum(exp(x @ w + b) - y*(x @ w))", INPUTS),
    "several targets": (
        "mean((x @ w + b - y)**2)",
        {"w": "f64[D, 5]", "b": "f64[5]", "x": "f64[N, D]", "y": "f64[N, 5]"},
    ),
    "classes": (
        "sum(logsumexp(x @ w + b, axis=1)) - sum((x @ w)*y)",
        {"w": "f64[D, 3]", "b": "f64[3]", "x": "f64[N, D]", "y": "f64[N, 3]"},
    ),
    "samples of the weights": (
        "mean(logaddexp(0, x @ transpose(w)) - reshape(y, [N, 1])*(x @ transpose(w)))",
        {"w": "f64[8, D]", "x": "f64[N, D]", "y": "f64[N]"},
    ),
    "a hidden layer of three": (
        "sum((tanh(x @ w) @ v - y)**2)",
        {"w": "f64[D, 3]", "v": "f64[3]", "x": "f64[N, D]", "y": "f64[N]"},
    ),
}


def with_sizes(text, inputs, rows, features, dtype):
    def sized(each):
        return each.replace("N", str(rows)).replace("D", str(features)).replace("f64", dtype)

    return text.replace("[N", f"[{rows}"), {name: sized(each) for name, each in inputs.items()}


def arguments(inputs, rows, features):
    rng = np.random.default_rng(0)
    for declared in inputs.values():
        dtype, _, shape = declared.partition("[")
        extents = [
            {"N": rows, "D": features}.get(each) or int(each)
            for each in shape.rstrip("]").split(", ")
            if each
        ]
        yield (rng.normal(size=extents) * 0.3).astype(np.float32 if dtype == "f32" else np.float64)


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients(name, dtype, symbolic):
    tolerance = 1e-4 if dtype == "f32" else 1e-12
    for rows, features in ((1, 1), (3, 2), (40, 17), (64, 20), (101, 30), (16, 70)):
        text, inputs = PROGRAMS[name]
        if symbolic:
            inputs = {key: each.replace("f64", dtype) for key, each in inputs.items()}
        else:
            text, inputs = with_sizes(text, inputs, rows, features, dtype)
        f = dc.value_and_grad(dc.parse(text, inputs=inputs), list(inputs))
        given = list(arguments(inputs, rows, features))
        value, gradients = dc.compile(f, cache=False)(*given)
        for ours, reference in zip((value, *gradients), evaluate(f.graph, *given), strict=True):
            assert np.allclose(
                ours, reference, rtol=tolerance, atol=tolerance * max(1, np.max(np.abs(reference)))
            )


def loops_of(text, inputs, derive=False) -> Loops:
    f = dc.parse(text, inputs=inputs)
    return Stages((dc.grad(f, next(iter(inputs))) if derive else f).graph, Options()).planned()


def functions_in_scalars(loops: Loops) -> list[str]:
    """Return the functions that stand in loops which are no vector loops."""
    return [
        item.op.name
        for loop, _ in walk(loops.body)
        if isinstance(loop, Loop) and not loop.vector
        for item in loop.body
        if isinstance(item, Compute) and item.op.is_function
    ]


@pytest.mark.parametrize("columns", ["", ", 3", ", 8", ", 20"])
def test_functions_of_short_sums_run_in_vectors(columns):
    inputs = {"x": "f64[200, 30]", "w": f"f64[30{columns}]"}
    assert functions_in_scalars(loops_of("sum(tanh(x @ w))", inputs)) == []


def test_functions_of_long_sums_stay_where_the_sums_are():
    assert functions_in_scalars(loops_of("sum(tanh(x @ w))", {"x": "f64[200, 900]", "w": "f64[900]"})) == [
        "tanh"
    ]
    assert functions_in_scalars(loops_of("sum(tanh(x @ w))", {"x": "f64[200, K]", "w": "f64[K]"})) == ["tanh"]


def test_a_transposed_matrix_times_a_vector_is_read_row_by_row():
    loops = loops_of(
        "sum((x @ w - y)**2)", {"w": "f64[30]", "x": "f64[500, 30]", "y": "f64[500]"}, derive=True
    )
    inner = [loop.axis.extent for loop, _ in walk(loops.body) if isinstance(loop, Loop) and loop.innermost]
    assert 500 not in inner


def test_a_sum_of_a_product_needs_no_product():
    loops = loops_of("sum(x @ w, axis=0)", {"x": "f64[50, 30]", "w": "f64[30, 40]"})
    assert all(node.shape != (50, 40) for node in loops.graph.nodes)
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(50, 30)), rng.normal(size=(30, 40))
    f = dc.parse("sum(x @ w, axis=0)", inputs={"x": "f64[50, 30]", "w": "f64[30, 40]"})
    assert np.allclose(f(x, w), (x @ w).sum(0), rtol=1e-12, atol=1e-12)
