"""Derivatives of functions of matrices, compared with differences of the interpreter's values."""

from __future__ import annotations

import numpy as np

from diffc.autodiff import grad, jvp
from diffc.ir import Graph, Type
from diffc.ops import constant, evaluate, input_node
from diffc.ops.arithmetic import mul
from diffc.ops.broadcasting import sum_
from diffc.ops.elementary import sin

STEP = 1e-4


def inputs_like(*arrays):
    names = {np.dtype(np.float64): "f64", np.dtype(np.float32): "f32"}
    return [input_node(f"x{k}", Type(names[a.dtype], a.shape)) for k, a in enumerate(arrays)]


def run(build, *arrays):
    """Return the value of a builder at arrays."""
    nodes = inputs_like(*arrays)
    return evaluate(Graph("f", tuple(nodes), (build(*nodes),)), *arrays)[0]


def differences(graph, arrays, place):
    """Return the gradient by one input, by differences of the fourth order."""
    result = np.zeros_like(arrays[place])

    def at(index, by):
        moved = [np.array(each) for each in arrays]
        moved[place][index] += by
        return float(evaluate(graph, *moved)[0])

    for index in np.ndindex(*result.shape):
        near = at(index, STEP) - at(index, -STEP)
        far = at(index, 2 * STEP) - at(index, -2 * STEP)
        result[index] = (8 * near - far) / (12 * STEP)
    return result


def assert_derivatives(build, *arrays):
    """Compare the gradient and a Hessian row of a nonlinear function of the result, and the tangent."""
    rng = np.random.default_rng(4)
    nodes = inputs_like(*arrays)
    out = build(*nodes)
    weights = constant(rng.normal(size=[int(str(extent)) for extent in out.shape]))
    value = Graph("value", tuple(nodes), (sum_(sin(mul(out, weights))),))
    for place, array in enumerate(arrays):
        expected = differences(value, arrays, place)
        first = grad(value, place)
        np.testing.assert_allclose(evaluate(first, *arrays)[0], expected, rtol=1e-7, atol=1e-8)
        direction = rng.normal(size=array.shape)
        tangent = evaluate(jvp(value, place), *arrays, direction)[1]
        np.testing.assert_allclose(tangent, np.sum(expected * direction), rtol=1e-7, atol=1e-8)
        along = Graph("along", tuple(nodes), (sum_(mul(first.outputs[0], constant(direction))),))
        second = evaluate(grad(along, place), *arrays)[0]
        np.testing.assert_allclose(second, differences(along, arrays, place), rtol=1e-6, atol=1e-7)
