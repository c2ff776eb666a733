"""First values: their bits are fixed, their distributions are what they are called."""

import hashlib
import math

import numpy as np
import pytest
from scipy import special, stats

import diffc as dc
from diffc.nn import Initialiser, NetworkProblem
from diffc.nn.sampling import Stream

SHAPE = (400, 250)


def draw(kind: object, seed: int = 0) -> np.ndarray:
    return Initialiser.of(kind).draw(Stream(seed), SHAPE, SHAPE)


@pytest.mark.parametrize(
    ("kind", "variance"),
    [
        ("glorot_uniform", 2 / 650),
        ("glorot_normal", 2 / 650),
        ("he_uniform", 2 / 400),
        ("he_normal", 2 / 400),
        ("lecun_uniform", 1 / 400),
        ("lecun_normal", 1 / 400),
        ({"kind": "uniform", "low": -1, "high": 3}, 16 / 12),
        ({"kind": "normal", "std": 0.5}, 0.25),
    ],
)
def test_distributions(kind: object, variance: float) -> None:
    values = draw(kind)
    name = kind if isinstance(kind, str) else kind["kind"]
    deviation = math.sqrt(variance)
    mean = 1.0 if name == "uniform" else 0.0
    expected = stats.norm(mean, deviation)
    if "uniform" in name:
        bound = math.sqrt(3) * deviation
        expected = stats.uniform(mean - bound, 2 * bound)
    assert stats.kstest(values.ravel(), expected.cdf).pvalue > 0.01
    np.testing.assert_allclose(values.var(), variance, rtol=0.02)


@pytest.mark.parametrize(
    ("kind", "value"), [("zeros", 0), ("ones", 1), ({"kind": "constant", "value": 3}, 3)]
)
def test_constants(kind: object, value: float) -> None:
    assert np.all(draw(kind) == value)


def test_the_bits_are_fixed() -> None:
    """The same on every machine: only correctly rounded operations are used. A change here breaks seeds."""
    uniform, normal = Stream(42).uniform((1000,)), Stream(42).normal((1000,))
    assert hashlib.sha256(uniform.tobytes()).hexdigest()[:16] == "f4168ec2b00929aa"
    assert hashlib.sha256(normal.tobytes()).hexdigest()[:16] == "0229c1b0bacf86ae"


def test_normal_quantiles() -> None:
    """Against SciPy's own quantile function, into the tails."""
    u = (np.asarray(np.random.PCG64(1).random_raw(200_000)) >> np.uint64(12)).astype(float)
    expected = special.ndtri((u + 0.5) * 2.0**-52)
    np.testing.assert_allclose(Stream(1).normal((200_000,)), expected, rtol=1e-13, atol=1e-15)


def test_seeds() -> None:
    m = dc.Model.of(dc.nn.Network({"x": "f64[N, 3]"}, [dc.nn.Dense(4, "relu"), dc.nn.Dense(2)]))
    one, same, other = m.init(1), m.init(1), m.init(2)
    assert list(one) == ["W1", "b1", "W2", "b2"]
    assert all(one[name].tobytes() == same[name].tobytes() for name in one)
    assert not np.any(one["W1"] == other["W1"])
    assert not np.any(one["b1"])
    for seed in (-1, 2**63, 1.0, True, "1"):
        with pytest.raises(dc.DiffcError, match="the seed is a whole number"):
            m.init(seed)


def test_defaults_by_activation() -> None:
    def chosen(activation: str) -> str:
        layer = dc.nn.Dense(2, activation)
        network = dc.nn.Network({"x": "f64[N, 200]"}, [dc.nn.Dense(300, activation)])
        values = dc.Model.of(network).init(0)["W1"]
        assert layer.weights is None
        return "he" if abs(values.var() - 2 / 200) < abs(values.var() - 2 / 500) else "glorot"

    assert {name: chosen(name) for name in ("relu", "elu", "gelu", "leaky_relu")} == dict.fromkeys(
        ("relu", "elu", "gelu", "leaky_relu"), "he"
    )
    assert {chosen(name) for name in ("linear", "tanh", "sigmoid", "softmax")} == {"glorot"}


def test_scaled_initialisers_are_for_weights() -> None:
    network = dc.nn.Network({"x": "f64[N, 3]"}, [dc.nn.Dense(4, biases="he_normal")])
    with pytest.raises(NetworkProblem, match="he_normal is for weights"):
        network.init(0)


def test_bounds_in_order() -> None:
    with pytest.raises(NetworkProblem, match="low must be below high"):
        dc.nn.Uniform(1, 1)
