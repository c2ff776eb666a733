"""Every activation: value and derivatives against SciPy, mpmath and differences; edges; dtypes."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import special

import diffc as dc
from diffc.ir import Graph, Type, substitute
from diffc.nn import Activation
from diffc.ops import input_node
from tests.optimized import optimized

Z = np.array([-700.0, -40.0, -3.0, -1.0, -0.5, -1e-9, 1e-9, 0.25, 1.0, 2.5, 40.0, 700.0])


def function_of(activation: Activation | str | dict[str, Any], kind: str = "f64[N]") -> dc.Function:
    """The activation as a function of z."""
    z = input_node("z", dc.parse("z", {"z": kind}).inputs["z"])
    return dc.Function(Graph("activation", (z,), (Activation.of(activation).apply(z),)))


REFERENCES: dict[str, tuple[dict[str, float], Callable[[Any], Any]]] = {
    "linear": ({}, lambda z: z),
    "step": ({}, lambda z: np.heaviside(z, 1.0)),
    "sigmoid": ({}, special.expit),
    "tanh": ({}, np.tanh),
    "relu": ({}, lambda z: np.maximum(z, 0)),
    "leaky_relu": ({"slope": 0.1}, lambda z: np.maximum(z, 0) + 0.1 * np.minimum(z, 0)),
    "elu": ({"alpha": 0.7}, lambda z: np.maximum(z, 0) + 0.7 * np.expm1(np.minimum(z, 0))),
    "gelu": ({}, lambda z: z * special.ndtr(z)),
    "gelu_tanh": ({}, lambda z: 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))),
    "silu": ({}, lambda z: z * special.expit(z)),
    "softplus": ({}, lambda z: np.logaddexp(0, z)),
    "softmax": ({}, special.softmax),
    "log_softmax": ({}, special.log_softmax),
}


def test_every_activation_is_checked() -> None:
    assert set(REFERENCES) == set(Activation.kinds)


@pytest.mark.parametrize("kind", REFERENCES)
def test_values(kind: str) -> None:
    settings, reference = REFERENCES[kind]
    f = function_of({"kind": kind, **settings})
    np.testing.assert_allclose(f(Z), reference(Z), rtol=4e-15, atol=1e-15)


@pytest.mark.parametrize("kind", REFERENCES)
def test_f32_stays_f32(kind: str) -> None:
    settings, reference = REFERENCES[kind]
    f = function_of({"kind": kind, **settings}, "f32[N, 3]")
    assert f.outputs["out"] == Type("f32", f.inputs["z"].shape)
    # Constants are rounded to f32 last, in one step.
    assert not [node for node in f.graph.nodes if node.type.dtype == "f64" and not node.is_constant], str(f)
    assert not [node for node in optimized(f.graph).nodes if node.type.dtype == "f64"]
    z = np.linspace(-3, 3, 6, dtype=np.float32).reshape(2, 3)
    expected = np.stack([reference(row.astype(np.float64)) for row in z])
    np.testing.assert_allclose(f(z), expected, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in REFERENCES if kind not in ("step",)])
def test_derivatives(kind: str) -> None:
    """The gradient of a weighted sum and its own derivative, against central differences."""
    settings, reference = REFERENCES[kind]
    activation = Activation.of({"kind": kind, **settings})
    z = input_node("z", Type("f64", (5,)))
    w = np.array([0.3, -1.2, 0.7, 2.0, -0.4])
    value = dc.parse("sum(w*a)", {"w": "f64[5]", "a": "f64[5]"})
    nodes = dict(
        zip(value.graph.inputs, (input_node("w", Type("f64", (5,))), activation.apply(z)), strict=True)
    )
    f = dc.Function(
        Graph("f", (z, nodes[value.graph.inputs[0]]), tuple(substitute(value.graph.outputs, nodes)))
    )
    at = np.array([-2.1, -0.4, 0.3, 1.1, 3.7])
    gradient, hessian = dc.grad(f, "z")(at, w), dc.hessian(f, "z")(at, w)
    h = 1e-5
    steps = h * np.eye(5)
    first = [(w @ reference(at + e) - w @ reference(at - e)) / (2 * h) for e in steps]
    second = [(dc.grad(f, "z")(at + e, w) - dc.grad(f, "z")(at - e, w)) / (2 * h) for e in steps]
    np.testing.assert_allclose(gradient, first, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(hessian, second, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    ("activation", "at_zero"),
    [
        ("relu", 0.0),
        ({"kind": "leaky_relu", "slope": 0.25}, 0.25),
        ({"kind": "elu", "alpha": 0.5}, 0.5),
        ("step", 0.0),
        ("gelu", 0.5),
        ("silu", 0.5),
        ({"kind": "sigmoid", "slope": 3.0}, 0.75),
        ({"kind": "tanh", "slope": 3.0}, 3.0),
    ],
)
def test_derivative_at_zero(activation: Any, at_zero: float) -> None:
    f = function_of(activation, "f64")
    assert dc.grad(f)(0.0) == at_zero
    assert dc.jvp(f)(0.0, 1.0)[1] == at_zero


@pytest.mark.parametrize("kind", REFERENCES)
def test_large_arguments_stay_finite(kind: str) -> None:
    """The branch not taken contributes nothing: exp overflows in elu, say, and must not be seen."""
    f = function_of(kind)
    z = np.array([-1e4, -800.0, 800.0, 1e4])
    assert np.all(np.isfinite(f(z)))
    assert np.all(np.isfinite(dc.vjp(f)(z, np.ones(4))[1]))
    assert np.all(np.isfinite(dc.jvp(f)(z, np.ones(4))[1]))


def test_slopes() -> None:
    z = np.linspace(-4, 4, 9)
    np.testing.assert_allclose(
        function_of({"kind": "sigmoid", "slope": 2.0})(z), special.expit(2 * z), rtol=4e-16
    )
    np.testing.assert_allclose(function_of({"kind": "tanh", "slope": 0.5})(z), np.tanh(z / 2), rtol=4e-16)


def test_sum_of_sigmoids() -> None:
    """The adjoint of the sum of sigmoids of [[1, 2], [3, 4]], s(1 - s)."""
    f = function_of("sigmoid", "f64[2, 2]")
    _, gradient = dc.vjp(f)(np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((2, 2)))
    np.testing.assert_allclose(gradient, [[0.1966, 0.1050], [0.0452, 0.0177]], atol=5e-5)


def test_gelu_against_long_arithmetic() -> None:
    with mpmath.workdps(30):
        expected = [float(z * mpmath.ncdf(z)) for z in map(mpmath.mpf, (-3.0, -0.5, 0.25, 2.5))]
    np.testing.assert_allclose(function_of("gelu")(np.array([-3.0, -0.5, 0.25, 2.5])), expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_gelu_tanh_of_huge_arguments(dtype: str) -> None:
    """The cube overflows there; value and derivatives are those of 0 and of z."""
    f = function_of("gelu_tanh", f"{dtype}[6]")
    z = np.array([-np.finfo(np.float32).max, -1e14, -32, 32, 1e14, 1e38]).astype(f"float{dtype[1:]}")
    np.testing.assert_array_equal(f(z), np.maximum(z, 0))
    ones = np.ones_like(z)
    value, slope = dc.jvp(f)(z, ones)
    np.testing.assert_array_equal(slope, z > 0)
    assert value.dtype == slope.dtype == z.dtype
    np.testing.assert_array_equal(dc.jvp(dc.jvp(f))(z, ones, ones)[1][1], np.zeros(6))
