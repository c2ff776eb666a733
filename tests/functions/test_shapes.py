"""Many shapes: what transforms keep of them, and extents that are left open after a few."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import diffc as dc
from diffc.errors import DiffcError
from diffc.functions.python.recent import Recent
from diffc.functions.python.shapes import _FEW, agree

RNG = np.random.default_rng(3)


def branching(x):
    return np.sum(x) if x.shape[0] > 6 else np.sum(x**2)


def special(x):
    return np.sum(x**2) if x.shape == (9,) else np.sum(x)


def looping(x):
    total = 0.0
    for k in range(len(x)):
        total = total + k * x[k]
    return total


def catching(x):
    """A function that takes another way where the extent is not known."""
    try:
        return np.sum(x) * len(x)
    except Exception:
        return np.sum(x) * 100


def checking_kinds(x):
    return np.sum(x) * (2.0 if isinstance(x.shape[0], int) else 3.0)


FUNCTIONS = {
    "sum": lambda x: np.sum(np.exp(x) * np.sin(x)),
    "mean": lambda x: np.mean(x**2),
    "by hand": lambda x: np.sum(x) / x.shape[0],
    "deviation": lambda x: np.sum((x - np.mean(x)) ** 2) / (x.shape[0] - 1),
    "differences": lambda x: np.sum((x[1:] - x[:-1]) ** 2),
    "front": lambda x: np.sum(x[:5] ** 2),
    "end": lambda x: np.sum(x[-3:] ** 3),
    "last": lambda x: x[-1] * x[0],
    "places": lambda x: np.sum(x * np.arange(x.shape[0])),
    "outer": lambda x: np.sum(np.tanh(x[:, None] * x[None, :])),
    "power": lambda x: np.sum(x) * x.shape[0] ** 2,
    "large power": lambda x: np.sum(x) * (x.shape[0] ** 30 / 3**30),
    "large product": lambda x: np.sum(x) / (x.shape[0] * 2**61),
    "cumulative": lambda x: np.sum(np.cumsum(x) ** 2),
    "sorted": lambda x: np.sum(np.sort(x)[:2]),
    "branching": branching,
    "special": special,
    "looping": looping,
    "catching": catching,
    "checking kinds": checking_kinds,
    "reversed": lambda x: np.sum(x[::-1] * x),
    "reshaped": lambda x: np.sum(x.reshape(-1, 1) * x),
    "pad": lambda x: np.sum(np.concatenate([x, np.ones(2)]) ** 2),
    "halves": lambda x: np.sum(x[: x.shape[0] // 2]),
    "32 bits": lambda x: np.sum(x.astype(np.float32) * np.sqrt(x.shape[0])),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_ever_new_extents_have_the_results_of_known_ones(name):
    f = FUNCTIONS[name]
    jitted, gradient = dc.jit(f), dc.grad(f)
    for n in (2, 3, 5, 4, 8, 6, 7, 9, 10, 3, 1, 30, 2, 64):
        x = RNG.uniform(0.5, 1.5, n)
        with np.errstate(invalid="ignore"):
            want = f(x)
        np.testing.assert_allclose(jitted(x), want, rtol=1e-6 if name == "32 bits" else 1e-12)
        np.testing.assert_allclose(gradient(x), dc.grad(f)(x), rtol=1e-6 if name == "32 bits" else 1e-12)


@pytest.mark.parametrize("name", ["sum", "mean", "by hand", "deviation", "differences", "outer", "reversed"])
def test_after_a_few_extents_one_program_serves_the_others(name):
    gradient = dc.grad(FUNCTIONS[name])
    for n in range(2, 60):
        gradient(np.ones(n))
    assert f"compiled for {_FEW + 1} signatures" in repr(gradient)
    assert "f64[N]" in str(gradient.function_for(np.ones(1000)))
    assert "f64[2]" in str(gradient.function_for(np.ones(2)))


@pytest.mark.parametrize("transform", [dc.grad, dc.hessian, dc.jacobian, dc.value_and_grad, dc.vmap, dc.jit])
def test_every_transform(transform):
    def f(x):
        return np.sum(x**3, axis=-1) / 7

    found = transform(f)
    for n in range(2, 20):
        x = RNG.normal(size=(n, 3) if transform is dc.vmap else n)
        got, want = found(x), transform(f)(x)
        for a, b in zip(*[each if isinstance(each, tuple) else (each,) for each in (got, want)], strict=True):
            assert np.shape(a) == np.shape(b)
            np.testing.assert_allclose(a, b, rtol=1e-12)
    assert f"compiled for {_FEW + 1} signatures" in repr(found)


def test_tangents_and_cotangents():
    def f(x):
        return np.sin(x) * x[0]

    forward, backward, second = dc.jvp(f), dc.vjp(f), dc.hvp(lambda x: np.sum(x**3))
    for n in range(2, 15):
        x, v = RNG.normal(size=(2, n))
        for found, want in [
            (forward(x, v)[1], np.cos(x) * v * x[0] + np.sin(x) * v[0]),
            (second(x, v), 6 * x * v),
            (backward(x, v)[0], f(x)),
        ]:
            np.testing.assert_allclose(found, want, rtol=1e-12)


def test_an_extent_of_several_arguments():
    loss = dc.grad(lambda w, x, y: np.mean((np.tanh(x @ w) - y) ** 2))
    w = RNG.normal(size=3)
    for n in range(2, 30):
        loss(w, RNG.normal(size=(n, 3)), RNG.normal(size=n))
    assert f"compiled for {_FEW + 1} signatures" in repr(loss)
    # Here they differ from each other: as known shapes, each by itself.
    np.testing.assert_allclose(loss(w, np.ones((5, 3)), np.ones(1)), loss(w, np.ones((5, 3)), np.ones(5)))
    with pytest.raises(DiffcError):
        loss(w, np.ones((5, 3)), np.ones(4))
    assert loss(np.ones(4), np.ones((6, 4)), np.ones(6)).shape == (4,)


def test_two_extents_that_differ_are_compiled_as_they_are():
    f = dc.jit(lambda x: np.sum(np.exp(x)))
    for n in range(2, 9):
        x = np.ones((n, 10 - n))
        assert f(x) == pytest.approx(np.sum(np.exp(x)))
    assert "compiled for 7 signatures" in repr(f)


def test_what_is_written_in_place_is_written_once():
    def add(x):
        x += 1
        return np.sum(x)

    f = dc.jit(add)
    for n in range(2, 12):
        x = np.zeros(n)
        assert f(x) == n
        assert (x == 1).all()


def test_what_is_outside_is_read_at_each_call():
    scale = [2.0]
    f = dc.jit(lambda x: np.sum(x) * scale[0])
    for n in range(2, 30):
        scale[0] = float(n % 5)
        assert f(np.ones(n)) == n * scale[0]


def test_kernels_are_let_go():
    """Each call has arguments of another kind, so that no extent can be left open."""
    f = dc.jit(lambda x, flag: np.sum(x) + len(flag))
    x = np.ones(3)
    f(x, "a" * 1000)
    first = weakref.ref(f.function_for(x, "a" * 1000).kernel)
    f._programs._kept = f._prepared._kept = 5
    for k in range(20):
        assert f(x, "a" * k) == 3 + k
    gc.collect()
    assert first() is None
    assert len(list(f._programs.all_keys())) <= 10
    assert f(x, "a" * 1000) == 1003


def test_recent_keeps_what_is_used():
    table = Recent[int](4)
    for k in range(100):
        table.keep(k, k + 1)
        assert table.find(0) == 1
        assert len(list(table.all_keys())) <= 8
    assert [table.find(k) for k in (50, 97, 98, 99)] == [None, 98, 99, 100]


def test_results_that_agree():
    x = np.array([1.0, np.nan, np.inf, 1e-30])
    assert agree({"a": (x, 2.0)}, {"a": (x * (1 + 1e-15), 2.0)})
    for other in (x[:3], x.astype(np.float32), x + 1, -x, tuple(x), x[0]):
        assert not agree(x, other)
    assert not agree(1.0, 1)
    assert not agree(np.array([1, 2]), np.array([1, 3]))
