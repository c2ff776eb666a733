"""Transforms of plain Python functions: structures, closures by reference, nesting; against NumPy."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffc as dc

RNG = np.random.default_rng(0)


def data() -> tuple[np.ndarray, np.ndarray]:
    return RNG.normal(size=(50, 4)), RNG.normal(size=50)


def test_gradient_has_the_structure_of_the_parameters() -> None:
    X, y = data()

    def loss(p: Any, decay: float = 0.1) -> Any:
        return np.mean((X @ p["w"] + p["b"] - y) ** 2) + decay * np.sum(p["w"] ** 2)

    p = {"w": np.arange(4.0), "b": 0.5}
    value, gradient = dc.value_and_grad(loss)(p)
    residual = X @ p["w"] + p["b"] - y
    assert value == pytest.approx(loss(p), rel=1e-13)
    np.testing.assert_allclose(gradient["w"], X.T @ residual / 25 + 0.2 * p["w"], rtol=1e-12)
    assert gradient["b"] == pytest.approx(2 * residual.mean(), rel=1e-12)
    hessian = dc.hessian(loss)(p)
    np.testing.assert_allclose(hessian["w"]["w"], X.T @ X / 25 + 0.2 * np.eye(4), rtol=1e-12)
    assert hessian["b"]["b"] == pytest.approx(2)


def test_perturbations_are_not_confused() -> None:
    assert dc.grad(lambda x: x * dc.grad(lambda y: x + y)(x))(3.0) == 1
    t = np.tanh(0.3)
    assert dc.grad(dc.grad(dc.grad(np.tanh)))(0.3) == pytest.approx(
        -2 * (1 - t**2) * (1 - 3 * t**2), rel=1e-12
    )


def test_all_nestings_of_forward_and_reverse_agree() -> None:
    def f(x: Any) -> Any:
        return np.sin(x) * np.exp(x)

    def forward(g: Any) -> Any:
        return lambda x: dc.jvp(g)(x, 1.0)[1]

    for outer in (dc.grad, forward):
        for inner in (dc.grad, forward):
            assert outer(inner(f))(0.7) == pytest.approx(2 * np.cos(0.7) * np.exp(0.7), rel=1e-12)


def test_meta_gradient_through_a_descent_step() -> None:
    target = 3.0

    def inner(w: Any, rate: Any) -> Any:
        return w - rate * dc.grad(lambda v: (v - target) ** 2)(w)

    def outer(rate: Any, w: Any) -> Any:
        return (inner(w, rate) - target) ** 2

    rate, w = 0.1, 1.0
    expected = 2 * (1 - 2 * rate) * -2 * (w - target) ** 2
    assert dc.jit(dc.grad(outer))(rate, w) == pytest.approx(expected, rel=1e-12)


def test_residual_of_a_differential_equation() -> None:
    def u(p: Any, x: Any) -> Any:
        return np.sum(p["a"] * np.sin(p["k"] * x))

    def loss(p: Any, points: Any) -> Any:
        second = dc.vmap(dc.grad(dc.grad(lambda x: u(p, x))))(points)
        return np.mean(second**2)

    p = {"a": np.array([1.0, 0.5]), "k": np.array([1.0, 2.0])}
    points = np.linspace(0, 1, 7)

    def second(a: Any, k: Any) -> Any:
        return -np.sum(a * k**2 * np.sin(k * points[:, None]), axis=1)

    value, gradient = dc.value_and_grad(loss)(p, points)
    assert value == pytest.approx(np.mean(second(p["a"], p["k"]) ** 2), rel=1e-12)
    by_a = -(p["k"] ** 2) * np.sin(p["k"] * points[:, None])
    expected = 2 * np.mean(second(p["a"], p["k"])[:, None] * by_a, axis=0)
    np.testing.assert_allclose(gradient["a"], expected, rtol=1e-12)


def test_captured_arrays_are_held_by_reference(tmp_path: Path) -> None:
    X, y = data()
    w = np.arange(4.0)
    f = dc.trace(lambda w: np.mean((X @ w - y) ** 2), dc.f64(4))
    assert list(f.inputs) == ["w"]
    assert f.captured["captured_0"] is X
    kernel = dc.compile(dc.grad(f))
    expected = X.T @ (X @ w - y) / 25
    np.testing.assert_allclose(kernel(w), expected, rtol=1e-12)
    assert pickle.loads(pickle.dumps(f))(w) == pytest.approx(np.mean((X @ w - y) ** 2), rel=1e-13)
    kernel.save(tmp_path / "k")
    np.testing.assert_allclose(dc.load(tmp_path / "k")(w), expected, rtol=1e-12)
    assert dc.compile(f, lowering="source")(w) == pytest.approx(np.mean((X @ w - y) ** 2), rel=1e-13)
    X[:] = 0
    assert f(w) == pytest.approx(np.mean(y**2), rel=1e-13)
    with pytest.raises(dc.DiffcError, match="compile the Function"):
        dc.compile(dc.Function(f.graph))


def test_other_data_is_the_same_program() -> None:
    def digest() -> bytes:
        X, _ = data()
        return dc.trace(lambda w: np.sum(X @ w), dc.f64(4)).graph.digest

    assert digest() == digest()


def test_directional_derivatives() -> None:
    assert dc.jvp(np.sin)(1.0, 1.0) == (pytest.approx(np.sin(1)), pytest.approx(np.cos(1)))
    assert dc.vjp(lambda x, y: (x * y, x + y), ["x", "y"])(2.0, 3.0, (1.0, 0.0)) == ((6, 5), (3, 2))
    assert dc.derivative(lambda a, b: a**2 * b**3, "a", "b")(1.0, 2.0) == 24
    x = np.arange(3.0)
    np.testing.assert_allclose(dc.vmap(dc.grad(lambda x: np.sin(x) * x))(x), np.sin(x) + x * np.cos(x))
