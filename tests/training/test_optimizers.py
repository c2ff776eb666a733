"""Each optimiser against its paper's formula, written anew in NumPy, step by step."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.nn.optimizers import OPTIMIZERS, SGD, Adam, Nesterov, RMSprop
from diffc.training.step import TrainingStep, step_function

STEPS = 25
RATES = 0.05 * 0.97 ** np.arange(STEPS)
"""Another rate in every step: an optimiser that hides the rate in its state would show."""


def loss(dtype: str = "f64"):
    return dc.parse(
        "mean(log(1 + exp(-y*(x@w + b)))) + 0.1*sum(w**4)",
        {"x": f"{dtype}[N, 3]", "y": f"{dtype}[N]", "w": f"{dtype}[3]", "b": dtype},
    )


def gradient(x, y, w, b):
    z = -y * (x @ w + b)
    s = -y / (1 + np.exp(-z)) / len(y)
    return x.T @ s + 0.4 * w**3, s.sum()


@pytest.fixture
def batch():
    rng = np.random.default_rng(3)
    return rng.normal(size=(7, 3)), np.where(rng.random(7) > 0.5, 1.0, -1.0)


def start(dtype: str = "f64"):
    kind = {"f64": np.float64, "f32": np.float32}[dtype]
    return {"w": np.array([0.5, -1.0, 2.0], kind), "b": np.array(0.25, kind)}


def trained(optimizer, batch, dtype: str = "f64"):
    """The parameters after each step."""
    step = TrainingStep(loss(dtype), start(dtype), optimizer)
    seen = []
    for rate in RATES:
        step.run(tuple(each.astype(step.parameters["w"].dtype) for each in batch), float(rate))
        seen.append(np.append(step.parameters["w"], step.parameters["b"]))
    return np.array(seen)


def packed_gradient(p, batch):
    return np.append(*gradient(*batch, p[:3], p[3]))


def packed_start():
    return np.append(start()["w"], start()["b"])


def test_sgd(batch):
    """Robbins & Monro 1951: x <- x - a_n * g."""
    p, expected = packed_start(), []
    for rate in RATES:
        p = p - rate * packed_gradient(p, batch)
        expected.append(p)
    np.testing.assert_allclose(trained(SGD(), batch), expected, rtol=1e-13)


def test_momentum(batch):
    """Polyak 1964."""
    p, v, expected = packed_start(), np.zeros(4), []
    for rate in RATES:
        v = 0.8 * v + packed_gradient(p, batch)
        p = p - rate * v
        expected.append(p)
    np.testing.assert_allclose(trained(SGD(momentum=0.8), batch), expected, rtol=1e-13)


def test_nesterov_is_that_of_sutskever(batch, monkeypatch):
    """Sutskever et al. 2013, (3) and (4): v <- m*v - a*g(p + m*v), p <- p + v; compared are p + m*v."""
    monkeypatch.setattr(f"{__name__}.RATES", np.full(STEPS, 0.05))
    p, v, expected = packed_start(), np.zeros(4), []
    for rate in RATES:
        v = 0.9 * v - rate * packed_gradient(p + 0.9 * v, batch)
        p = p + v
        expected.append(p + 0.9 * v)
    np.testing.assert_allclose(trained(Nesterov(), batch), expected, rtol=1e-12)


def test_rmsprop(batch):
    """Tieleman & Hinton 2012."""
    p, s, expected = packed_start(), np.zeros(4), []
    for rate in RATES:
        g = packed_gradient(p, batch)
        s = 0.95 * s + 0.05 * g * g
        p = p - rate * g / (np.sqrt(s) + 1e-6)
        expected.append(p)
    np.testing.assert_allclose(trained(RMSprop(decay=0.95, epsilon=1e-6), batch), expected, rtol=1e-11)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam(batch, weight_decay):
    """Kingma & Ba 2015, algorithm 1; with decay Loshchilov & Hutter 2019, algorithm 2, eta_t = rate/alpha."""
    p, m, v, expected = packed_start(), np.zeros(4), np.zeros(4), []
    for t, rate in enumerate(RATES, 1):
        g = packed_gradient(p, batch)
        m = 0.8 * m + (1 - 0.8) * g
        v = 0.99 * v + (1 - 0.99) * g**2
        m_hat, v_hat = m / (1 - 0.8**t), v / (1 - 0.99**t)
        p = p - rate * (m_hat / (np.sqrt(v_hat) + 1e-7) + weight_decay * p)
        expected.append(p)
    optimizer = Adam(weight_decay=weight_decay, beta1=0.8, beta2=0.99, epsilon=1e-7)
    np.testing.assert_allclose(trained(optimizer, batch), expected, rtol=1e-11)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_single_precision_stays_single(name, batch):
    optimizer = OPTIMIZERS[name]()
    f = step_function(loss("f32"), ("w", "b"), optimizer)
    assert {str(kind)[:3] for kind in f.outputs.values()} == {"f32"}
    np.testing.assert_allclose(
        trained(optimizer, batch, "f32"), trained(optimizer, batch), rtol=2e-4, atol=2e-5
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_one_kernel_serves_every_batch(name, batch):
    """Batches of 7, 1 and 3: the same as three functions of fixed sizes."""
    x, y = batch
    step = TrainingStep(loss(), start(), OPTIMIZERS[name]())
    fixed = TrainingStep(loss(), start(), OPTIMIZERS[name](), cache=False)
    for rows in (slice(None), slice(0, 1), slice(2, 5)):
        value = step.run((x[rows], y[rows]), 0.1)
        before = fixed.parameters
        z = x[rows] @ before["w"] + before["b"]
        expected = np.mean(np.log1p(np.exp(-y[rows] * z))) + 0.1 * np.sum(before["w"] ** 4)
        assert value == pytest.approx(expected, rel=1e-13)
        assert fixed.run((x[rows], y[rows]), 0.1) == value


def test_state_and_names_do_not_clash():
    f = dc.parse("(rate - step)**2 + velocity_rate*0")
    step = TrainingStep(f, {"rate": np.array(1.0)}, SGD(momentum=0.5))
    assert step.run((np.array(3.0), np.array(0.0)), 0.25) == 4.0
    assert step.parameters["rate"] == 2.0
    assert list(step.state) == ["velocity/rate"]


def test_nothing_is_allocated_for_a_step(batch):
    """Parameters, state and loss go back and forth between two sets of buffers."""
    step = TrainingStep(loss(), start(), Adam())
    seen = set()
    for _ in range(6):
        step.run(batch, 0.1)
        seen |= {each.ctypes.data for each in (*step.parameters.values(), *step.state.values())}
    assert len(seen) == 2 * 6


def test_what_cannot_be_trained():
    with pytest.raises(dc.DiffcError, match="one scalar output"):
        step_function(dc.parse("x*w", {"x": "f64[N]", "w": "f64"}), ["w"], SGD())
    with pytest.raises(dc.DiffcError, match="no input 'v'"):
        step_function(loss(), ["v"], SGD())
    with pytest.raises(dc.DiffcError, match="another optimiser"):
        TrainingStep(loss(), start(), SGD()).restore(TrainingStep(loss(), start(), Adam()).state, 1)
