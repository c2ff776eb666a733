"""`has_aux=True`: what a function returns beside its value; against JAX."""

import functools
import pickle
from typing import Any

import numpy as np
import pytest

import diffc as dc

X = np.array([0.3, -0.7, 1.2])


def loss(x: Any, k: Any = 2.0) -> Any:
    y = np.sin(x) * k
    return np.sum(y**2), {
        "y": y,
        "deep": [y[0], (np.sum(y), 3)],
        "positive": y > 0,
        "name": "sine",
        "none": None,
    }


def alone(x: Any, k: Any = 2.0) -> Any:
    return loss(x, k)[0]


def check_aux(found: Any, x: Any, k: Any) -> None:
    wanted = loss(x, k)[1]
    assert list(found) == list(wanted)
    np.testing.assert_allclose(found["y"], wanted["y"], rtol=1e-15)
    np.testing.assert_array_equal(found["positive"], wanted["positive"])
    assert found["deep"][1][0] == pytest.approx(wanted["deep"][1][0])
    assert (found["deep"][1][1], found["name"], found["none"]) == (3, "sine", None)
    assert type(found["deep"]) is list
    assert type(found["deep"][1]) is tuple


@pytest.mark.parametrize("wrap", [lambda f: f, dc.jit])
def test_the_result_is_what_it_is_without_and_aux_beside_it(wrap: Any) -> None:
    for transform in (dc.grad, dc.hessian, dc.jacobian):
        for k in (2.0, 3.0):
            result, aux = wrap(transform(loss, has_aux=True))(X, k)
            np.testing.assert_allclose(result, transform(alone)(X, k), rtol=1e-14)
            check_aux(aux, X, k)
    (value, aux), gradient = wrap(dc.value_and_grad(loss, wrt=["k", "x"], has_aux=True))(X, 3.0)
    assert value == pytest.approx(alone(X, 3.0))
    check_aux(aux, X, 3.0)
    for found, wanted in zip(gradient, dc.grad(alone, wrt=["k", "x"])(X, 3.0), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_as_in_jax() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)

    def f(np: Any, p: Any, x: Any) -> Any:
        y = np.tanh(p["w"] * x + p["b"])
        return np.sum(y**2), (y, {"mean": np.mean(y), "count": 3})

    p = {"w": np.array([1.0, -2.0, 0.5]), "b": 0.3}
    for name in ("grad", "value_and_grad", "jacfwd", "hessian"):
        ours = getattr(dc, name if name != "jacfwd" else "jacobian")
        theirs = getattr(jax, name)(functools.partial(f, jax.numpy), has_aux=True)(p, X)
        mine = ours(lambda p, x: f(np, p, x), has_aux=True)(p, X)
        assert jax.tree.structure(mine) == jax.tree.structure(theirs)
        for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_of_several_outputs_the_jacobian_is_of_the_first_of_the_pair() -> None:
    (first, second), aux = dc.jacobian(lambda x: ((np.sin(x), x[0] * x[1]), np.sum(x)), has_aux=True)(X)
    np.testing.assert_allclose(first, np.diag(np.cos(X)), rtol=1e-15)
    np.testing.assert_array_equal(second, [X[1], X[0], 0])
    assert aux == pytest.approx(np.sum(X))


def test_aux_is_not_differentiated_and_may_be_used_further() -> None:
    def outer(x: Any) -> Any:
        gradient, aux = dc.grad(loss, has_aux=True)(x)
        return np.sum(gradient * aux["y"]), aux

    value, aux = dc.grad(outer, has_aux=True)(X)
    y, d = 2 * np.sin(X), 2 * np.cos(X)
    np.testing.assert_allclose(value, 2 * (2 * y * d * d - y * y * y), rtol=1e-13)
    check_aux(aux, X, 2.0)
    mapped, aux = dc.vmap(dc.grad(lambda x: (x**2, {"cube": x**3, "unit": "m"}), has_aux=True))(X)
    np.testing.assert_allclose(mapped, 2 * X)
    np.testing.assert_allclose(aux["cube"], X**3)
    assert aux["unit"] == "m"


class Model:
    """A model whose loss returns what it predicts."""

    def __init__(self) -> None:
        self.w, self.steps = 2.0, 0

    def loss(self, x: Any) -> Any:
        return np.sum(self.w * x**2), self.w * x

    @functools.partial(dc.value_and_grad, has_aux=True)
    def decorated(self, x: Any) -> Any:
        return self.loss(x)

    def counting(self, x: Any) -> Any:
        self.steps += 1
        return x**2, x


def test_methods_copies_and_state() -> None:
    model = Model()
    for w in (2.0, 3.0):
        model.w = w
        gradient, predicted = dc.grad(model.loss, has_aux=True)(X)
        np.testing.assert_allclose(gradient, 2 * w * X)
        np.testing.assert_allclose(predicted, w * X)
        assert model.decorated(X)[0][0] == pytest.approx(w * np.sum(X**2))
    again = pickle.loads(pickle.dumps(dc.value_and_grad(loss, has_aux=True)))
    check_aux(again(X)[0][1], X, 2.0)
    with pytest.raises(dc.DiffcError, match=r"counting changes self\.steps"):
        dc.grad(model.counting, has_aux=True)(2.0)


def test_functions_are_returned_as_they_are() -> None:
    assert dc.grad(lambda x: (x**2, loss), has_aux=True)(2.0)[1] is loss
    assert dc.grad(lambda x: (x**2, (np.sin, float)), has_aux=True)(2.0)[1] == (np.sin, float)
    assert dc.value_and_grad(lambda x: (x**2, ()), has_aux=True)(2.0) == ((4.0, ()), 4.0)


def test_of_a_function_with_a_graph() -> None:
    f = dc.parse("x**2 * y, x*y, y")
    with pytest.raises(dc.DiffcError, match="a tuple of 3"):
        dc.grad(f, has_aux=True)
    f = dc.trace(lambda x, y: (x**2 * y, (x * y, y)), 1.0, 1.0)
    assert dc.grad(f, ["x", "y"], has_aux=True)(3.0, 2.0) == ((12.0, 9.0), (6.0, 2.0))
    assert dc.value_and_grad(f, has_aux=True)(3.0, 2.0) == ((18.0, (6.0, 2.0)), 12.0)
    assert dc.hessian(f, has_aux=True)(3.0, 2.0) == (4.0, (6.0, 2.0))
    assert dc.grad(f, has_aux=True).outputs.keys() == {"out", "out1", "out2"}


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x**2, r"returns a pair, \(value, aux\); it returns one value"),
        (lambda x: (x**2, x, x), "it returns a tuple of 3"),
        (lambda x: [x**2, x], "it returns a list of 2"),
        (lambda x: {"a": x, "b": x}, "it returns a dict of 2"),
        (lambda x: (None, x), "the first of the pair that is returned, is no number"),
        (lambda x: (np.stack([x, x]), x), "one scalar output"),
        (lambda x: (x**2, {1, 2}), "must return arrays and numbers"),
        (lambda x: (x**2, lambda: x), "must return arrays and numbers"),
    ],
)
def test_refused(f: Any, message: str) -> None:
    with pytest.raises(dc.DiffcError, match=message):
        dc.grad(f, has_aux=True)(2.0)


def test_a_pair_without_has_aux_says_so() -> None:
    with pytest.raises(dc.DiffcError, match="has_aux=True"):
        dc.grad(lambda x: (x**2, x))(2.0)
