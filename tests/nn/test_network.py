"""Networks against the textbook: back-propagation by matrices, Jacobians, least squares; names and shapes."""

from typing import Any

import numpy as np
import pytest
from scipy import special

import diffc as dc
from diffc.nn import Dense, Flatten, LayerNorm, Network, SquaredError

RNG = np.random.default_rng(3)


def model_453(activation: str, slope: float, x: str, y: str, samples: str = "sum") -> dc.Model:
    """4 inputs, 5 hidden units, 3 outputs, half the sum of squared errors."""
    unit = {"kind": activation, "slope": slope}
    network = Network(
        inputs={"x": x, "y": y},
        layers=[Dense(5, activation=unit), Dense(3, activation=unit)],
        loss=SquaredError("y", outputs="half_sum", samples=samples),
        derive={"gradient": ["parameters"]},
    )
    return dc.Model.of(network)


def slope_of(activation: str, a: float, y: Any) -> Any:
    """The activation's derivative by its value."""
    return a * y * (1 - y) if activation == "sigmoid" else a * (1 - y * y)


def value_of(activation: str, a: float, v: Any) -> Any:
    return special.expit(a * v) if activation == "sigmoid" else np.tanh(a * v)


@pytest.mark.parametrize("slope", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_batch_backpropagation(activation: str, slope: float) -> None:
    """The matrix rules: delta2 = (Y2 - D) * f'(V2), delta1 = (delta2 W2^T) * f'(V1), dW = Y^T delta."""
    m = model_453(activation, slope, "f64[N, 4]", "f64[N, 3]")
    p = m.init(5)
    x, d = RNG.normal(size=(7, 4)), RNG.uniform(size=(7, 3))
    y1 = value_of(activation, slope, x @ p["W1"] + p["b1"])
    y2 = value_of(activation, slope, y1 @ p["W2"] + p["b2"])
    delta2 = (y2 - d) * slope_of(activation, slope, y2)
    delta1 = (delta2 @ p["W2"].T) * slope_of(activation, slope, y1)
    expected = [x.T @ delta1, delta1.sum(0), y1.T @ delta2, delta2.sum(0)]
    value, gradient = m.value_and_gradient(x, d, **p)
    np.testing.assert_allclose(value, np.sum((y2 - d) ** 2) / 2, rtol=1e-14)
    for got, want in zip(gradient, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(m.predict(x, **p), y2, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("slope", [1.0, 2.0])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_single_sample_backpropagation(activation: str, slope: float) -> None:
    """The same for one sample, a vector: dW = outer(y, delta)."""
    m = model_453(activation, slope, "f64[4]", "f64[3]")
    p = m.init(6)
    x, d = RNG.normal(size=4), RNG.uniform(size=3)
    y1 = value_of(activation, slope, x @ p["W1"] + p["b1"])
    y2 = value_of(activation, slope, y1 @ p["W2"] + p["b2"])
    delta2 = (y2 - d) * slope_of(activation, slope, y2)
    delta1 = (p["W2"] @ delta2) * slope_of(activation, slope, y1)
    expected = [np.outer(x, delta1), delta1, np.outer(y1, delta2), delta2]
    for got, want in zip(m.gradient(x, d, **p), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


def test_jacobian_is_the_product_of_the_layers() -> None:
    """3-3-1: dy/dx = W2^T diag(f'(v1)) W1^T, the output layer's Jacobian times the hidden layer's."""
    network = Network(
        {"x": "f64[3]"}, [Dense(3, activation="tanh"), Dense(1)], derive={"jacobian": ["inputs"]}
    )
    m = dc.Model.of(network)
    p = m.init(2)
    x = np.array([0.3, -0.8, 1.5])
    y1 = np.tanh(x @ p["W1"] + p["b1"])
    hidden = np.diag(1 - y1**2) @ p["W1"].T
    (got,) = m.jacobian(x, **p)
    np.testing.assert_allclose(got, p["W2"].T @ hidden, rtol=1e-14)


def test_gradient_descent_finds_the_least_squares() -> None:
    network = Network(
        {"x": "f64[N, 3]", "y": "f64[N, 2]"},
        [Dense(2, bias=False)],
        SquaredError("y", outputs="half_sum"),
        derive={"gradient": ["parameters"]},
    )
    m = dc.Model.of(network)
    x, d = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 2))
    best = np.linalg.solve(x.T @ x, x.T @ d)
    w = m.init(0)["W1"]
    for _ in range(400):
        (g,) = m.gradient(x, d, w)
        w = w - 0.5 * g
    np.testing.assert_allclose(w, best, rtol=1e-12)
    (g,) = m.gradient(x, d, best)
    np.testing.assert_allclose(g, 0, atol=1e-15)


def test_gradient_and_hessian_against_differences() -> None:
    network = Network(
        {"x": "f64[N, 3]", "y": "i64[N]"},
        [Dense(4, activation="gelu"), LayerNorm(), Dense(3, name="out")],
        {"kind": "softmax_cross_entropy", "target": "y", "l2": 0.01, "l1": 0.002},
        derive={"gradient": ["parameters", "x"], "hessian": ["out_W", "b1"]},
    )
    m = dc.Model.of(network)
    assert m.parameters == ("W1", "b1", "gain2", "shift2", "out_W", "out_b")
    names = [*m.parameters, "x"]
    values: dict[str, Any] = {**m.init(1), "x": RNG.normal(size=(5, 3)), "y": np.array([0, 2, 1, 1, 0])}
    gradient = dict(zip(names, m.gradient(**values), strict=True))
    h = 1e-6

    def moved(name: str, index: Any, by: float) -> dict[str, Any]:
        array = values[name].copy()
        array[index] += by
        return {**values, name: array}

    for name in names:
        for index in np.ndindex(values[name].shape):
            above, below = (m.loss(**moved(name, index, by)) for by in (h, -h))
            np.testing.assert_allclose(gradient[name][index], (above - below) / (2 * h), rtol=1e-6, atol=1e-8)
    blocks = m.hessian(**values)
    above, below = (m.gradient(**moved("out_W", (1, 2), by)) for by in (h, -h))
    for k, name in enumerate(("out_W", "b1")):
        slope = (above[names.index(name)] - below[names.index(name)]) / (2 * h)
        np.testing.assert_allclose(blocks[0][k][1, 2], slope, rtol=1e-6, atol=1e-8)


def test_penalties() -> None:
    """The weights are penalised, the biases are not; a layer's own penalty goes before the loss's."""
    kinds = {"x": "f64[N, 2]", "y": "f64[N, 1]"}
    layers = [Dense(3, l2=0.5, biases="ones"), Dense(1, l1=0.0, biases="ones")]
    plain = dc.Model.of(Network(kinds, [Dense(3), Dense(1)], SquaredError("y")))
    m = dc.Model.of(Network(kinds, layers, SquaredError("y", l1=0.1, l2=0.2)))
    p = m.init(4)
    x, y = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 1))
    penalty = 0.5 * np.sum(p["W1"] ** 2) + 0.1 * np.sum(abs(p["W1"])) + 0.2 * np.sum(p["W2"] ** 2)
    np.testing.assert_allclose(m.loss(x, y, **p), plain.loss(x, y, **p) + penalty, rtol=1e-14)


def test_layer_norm() -> None:
    m = dc.Model.of(Network({"x": "f64[N, 6]"}, [LayerNorm(epsilon=1e-3)]))
    x = RNG.normal(size=(3, 6)) * 4 + 1
    gain, shift = RNG.normal(size=6), RNG.normal(size=6)
    expected = gain * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3) + shift
    np.testing.assert_allclose(m.predict(x, gain, shift), expected, rtol=1e-13)


def test_flatten() -> None:
    m = dc.Model.of(Network({"x": "f64[N, 2, 3]"}, [Flatten(), Dense(2)]))
    p = m.init(0)
    x = RNG.normal(size=(4, 2, 3))
    np.testing.assert_allclose(m.predict(x, **p), x.reshape(4, 6) @ p["W1"], rtol=1e-13)


def test_predictions_of_losses_of_logits() -> None:
    kinds = {"x": "f64[N, 3]", "y": "f64[N, 2]"}
    for kind, link in (("softmax_cross_entropy", special.softmax), ("sigmoid_cross_entropy", special.expit)):
        m = dc.Model.of(Network(kinds, [Dense(2)], {"kind": kind, "target": "y"}))
        p = m.init(3)
        x = RNG.normal(size=(5, 3))
        logits = x @ p["W1"] + p["b1"]
        np.testing.assert_allclose(m.logits(x, **p), logits, rtol=1e-14)
        axis = {"axis": 1} if kind.startswith("softmax") else {}
        np.testing.assert_allclose(m.predict(x, **p), link(logits, **axis), rtol=1e-13)


def test_f32_networks_stay_f32() -> None:
    network = Network(
        {"x": "f32[N, 5]", "y": "i64[N]", "w": "f64[N]"},
        [Dense(4, activation={"kind": "tanh", "slope": 0.5}), LayerNorm(), "elu", Dense(3)],
        {"kind": "softmax_cross_entropy", "target": "y", "weight": "w", "l2": 1e-3},
        derive={"gradient": ["parameters"]},
    )
    m = dc.Model.of(network)
    p = m.init(0)
    assert {each.dtype.name for each in p.values()} == {"float32"}
    for f in (m.predict, m.loss, m.gradient):
        wide = [node for node in f.graph.nodes if node.type.dtype == "f64" and node.inputs]
        assert not wide, str(f)
        assert {kind.dtype for kind in f.outputs.values()} == {"f32"}
    x = RNG.normal(size=(6, 5)).astype(np.float32)
    assert np.isfinite(m.loss(x, np.array([0, 1, 2, 0, 1, 2]), np.ones(6), **p))


@pytest.mark.parametrize("samples", [0, 1])
def test_no_samples_and_one(samples: int) -> None:
    m = model_453("tanh", 1.0, "f64[N, 4]", "f64[N, 3]")
    p = m.init(0)
    x, y = np.ones((samples, 4)), np.ones((samples, 3))
    assert m.predict(x, **p).shape == (samples, 3)
    value, gradient = m.value_and_gradient(x, y, **p)
    assert np.isfinite(value)
    assert (value == 0) == (samples == 0)
    assert all(np.all(np.isfinite(each)) for each in gradient)


def test_one_definition_in_python_and_in_a_file(tmp_path: Any) -> None:
    path = tmp_path / "net.toml"
    path.write_text(
        """
        [inputs]
        x = "f64[N, 4]"
        y = "f64[N, 3]"
        [[layer]]
        kind = "dense"
        units = 5
        activation = {kind = "tanh", slope = 0.5}
        weights = {kind = "uniform", low = -1, high = 1}
        [[layer]]
        kind = "dense"
        units = 3
        name = "out"
        [loss]
        kind = "squared_error"
        outputs = "sum"
        target = "y"
        """
    )
    from_file = dc.load_model(path)
    layers = [
        Dense(5, activation=dc.nn.Tanh(slope=0.5), weights=dc.nn.Uniform(-1, 1)),
        Dense(3, name="out"),
    ]
    network = Network({"x": "f64[N, 4]", "y": "f64[N, 3]"}, layers, SquaredError("y", outputs="sum"), "net")
    made = dc.Model.of(network)
    assert from_file.parameters == made.parameters == ("W1", "b1", "out_W", "out_b")
    assert str(from_file.loss) == str(made.loss)
    assert str(from_file.predict) == str(made.predict)
    for one, other in zip(from_file.init(9).values(), made.init(9).values(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_models_of_networks() -> None:
    m = model_453("tanh", 1.0, "f64[N, 4]", "f64[N, 3]")
    assert m.main == "predict"
    assert list(m.predict.inputs) == ["x", "W1", "b1", "W2", "b2"]
    assert list(m.loss.inputs) == ["x", "y", "W1", "b1", "W2", "b2"]
    assert m.named() == ["predict", "loss", "gradient", "value_and_gradient"]
    assert m.with_math("fast").loss.math == "fast"
    assert m.differentiated(["W1"]).gradient.outputs.keys() != m.gradient.outputs.keys()
    assert m.primal("gradient") is m.loss


def test_a_deep_network() -> None:
    """A thousand layers: nothing recurses."""
    network = Network(
        {"x": "f64[N, 1]", "y": "f64[N, 1]"},
        [Dense(1, activation="tanh", weights="ones")] * 999 + [Dense(1)],
        SquaredError("y"),
        derive={"gradient": ["inputs"]},
    )
    m = dc.Model.of(network)
    assert len(m.parameters) == 2000
    assert len(m.gradient.graph.nodes) < 20_000
