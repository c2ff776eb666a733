"""Values that their readers compute again."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import Options, Stages
from diffc.loops.statements import Compute
from diffc.loops.walk import walk
from diffc.ops.interpreter import evaluate

X = {"x": "f64[100, 90]", "m": "f64[90]"}
AGAIN = {
    "two passes over the rows": ("exp((x - m) - reshape(max(x - m, axis=1), [100, 1]))", X),
    "a product reads it": ("w @ (x - m)", {"w": "f64[5, 100]", **X}),
    "both factors": ("(x - m) @ transpose(x - m)", {"x": "f64[10, 900]", "m": "f64[900]"}),
    "by columns": ("transpose(x - m) @ v + sum(x - m, axis=0)", {"v": "f64[100]", **X}),
    "a part of it": ("sum((x - m)[1:], axis=0) * sum((x - m)[:99], axis=1)[:90]", X),
    "symbolic": ("(x - m) / sum((x - m)**2)", {"x": "f64[N, M]", "m": "f64[M]"}),
    "f32": ("w @ (x - m)", {"w": "f32[4, 100]", "x": "f32[100, 90]", "m": "f32[90]"}),
}
KEPT = {
    "a function": ("w @ tanh(x)", {"w": "f64[10, 100]", "x": X["x"]}),
    "two operands of its size": ("w @ (x - y)", {"w": "f64[10, 100]", "x": X["x"], "y": X["x"]}),
    "read many times over": ("w @ (x - m)", {"w": "f64[5, 20, 100]", **X}),
    "what is in a register": ("w @ (exp(x) - m)", {"w": "f64[10, 100]", **X}),
    "small": ("w @ (x - m)", {"w": "f64[4, 10]", "x": "f64[10, 9]", "m": "f64[9]"}),
    "an output": ("x - m, w @ (x - m)", {"w": "f64[10, 100]", **X}),
    "turned into an output": ("reshape(x - m, [9000]), w @ (x - m)", {"w": "f64[10, 100]", **X}),
    "memory in another shape": ("sin(reshape(x - m, [90, 100])) * sum(x - m)", X),
}


def arguments(inputs, sizes):
    rng = np.random.default_rng(0)
    for declared in inputs.values():
        dtype, _, shape = declared.partition("[")
        extents = [sizes.get(each) if each in sizes else int(each) for each in shape.rstrip("]").split(", ")]
        yield rng.normal(size=extents).astype("f4" if dtype == "f32" else "f8")


@pytest.mark.parametrize("name", AGAIN | KEPT)
def test_values_and_gradients(name):
    text, inputs = (AGAIN | KEPT)[name]
    tolerance = 1e-5 if name == "f32" else 1e-12
    value = dc.parse(text, inputs=inputs)
    programs = [value]
    if len(value.outputs) == 1:
        programs.append(dc.grad(dc.parse(f"sum(sin({text}))", inputs=inputs), list(inputs)))
    for f in programs:
        kernel = dc.compile(f, cache=False)
        for sizes in ({"N": 100, "M": 90}, {"N": 3, "M": 17}, {"N": 1, "M": 1}):
            given = list(arguments(inputs, sizes))
            found = kernel(*given)
            for ours, reference in zip(
                found if isinstance(found, tuple) else (found,), evaluate(f.graph, *given), strict=True
            ):
                assert np.allclose(
                    ours, reference, rtol=tolerance, atol=tolerance * max(1, np.max(np.abs(reference)))
                )


def differences(text, inputs) -> tuple[int, bool]:
    """Return how often `x - m` is computed in the program, and whether a buffer holds it."""
    loops = Stages(dc.parse(text, inputs=inputs).graph, Options()).planned()
    times = sum(isinstance(item, Compute) and item.op.name == "sub" for item, _ in walk(loops.body))
    shapes = [node.shape for node in loops.graph.nodes if node.is_op("sub")]
    return times, any(buffer.type.shape in shapes and "sub" in buffer.name for buffer in loops.work)


@pytest.mark.parametrize("name", [name for name in AGAIN if name != "two passes over the rows"])
def test_readers_compute_it_again(name):
    times, is_stored = differences(*AGAIN[name])
    assert not is_stored
    assert times >= 1


@pytest.mark.parametrize("name", [name for name in KEPT if "output" not in name])
def test_what_costs_more_than_a_load_is_kept(name):
    text, inputs = KEPT[name]
    loops = Stages(dc.parse(text, inputs=inputs).graph, Options()).planned()
    assert (
        sum(isinstance(item, Compute) and item.op.name in ("sub", "tanh") for item, _ in walk(loops.body))
        == 1
    )


def test_distances_keep_no_differences():
    text = "sum(logsumexp(-sum((reshape(x, [1, 200, 5]) - reshape(m, [7, 1, 5]))**2, axis=2), axis=0))"
    f = dc.grad(dc.parse(text, inputs={"x": "f64[200, 5]", "m": "f64[7, 5]"}), "m")
    kernel = dc.compile(f, cache=False)
    assert kernel.workspace_bytes() < 200 * 7 * 5 * 8
    x, m = np.random.default_rng(0).normal(size=(200, 5)), np.random.default_rng(1).normal(size=(7, 5))
    assert np.allclose(kernel(x, m), evaluate(f.graph, x, m)[0], rtol=1e-12, atol=1e-12)
