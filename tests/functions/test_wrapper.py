"""Transforms in a function's place: as methods of a class, copied and pickled."""

import copy
import functools
import gc
import pickle
from typing import Any

import numpy as np
import pytest

import diffc as dc


def cube(x: Any) -> Any:
    return np.sum(x**3)


@dc.jit
def decorated(x: Any) -> Any:
    return np.sum(x**2)


def leaves(value: Any) -> Any:
    return value if isinstance(value, tuple) else (value,)


class Model:
    """A model whose methods are transforms."""

    def __init__(self, w: Any) -> None:
        self.w = w

    @dc.jit
    def predict(self, x: Any) -> Any:
        """Return the prediction."""
        return np.tanh(self.w * x)

    @dc.grad
    def slope(self, x: Any) -> Any:
        return np.sum(self.predict(x) ** 2)

    @dc.hessian
    def bend(self, x: Any) -> Any:
        return self.w * x**3

    @dc.jit
    @dc.grad
    def steep(self, x: Any) -> Any:
        return self.w * x**2

    @classmethod
    @dc.jit
    def named(cls, x: Any) -> Any:
        return x * len(cls.__name__)

    @staticmethod
    @dc.jit
    def plain(x: Any) -> Any:
        return x + 1.0


def test_a_decorated_method_reads_the_instance_at_each_call() -> None:
    x = np.array([0.3, -0.7])
    a, b = Model(2.0), Model(np.array([0.5, 3.0]))
    for model in (a, b, a):
        np.testing.assert_allclose(model.predict(x), np.tanh(model.w * x), rtol=1e-15)
        t = np.tanh(model.w * x)
        np.testing.assert_allclose(model.slope(x), 2 * t * (1 - t**2) * model.w, rtol=1e-14)
    a.w = -1.5
    np.testing.assert_allclose(a.predict(x), np.tanh(-1.5 * x), rtol=1e-15)
    assert a.bend(2.0) == pytest.approx(-1.5 * 12)
    assert a.steep(2.0) == pytest.approx(-6.0)
    assert copy.copy(a.steep) is a.steep
    assert a.named(2.0) == 10.0
    assert a.plain(2.0) == Model.plain(2.0) == 3.0
    assert a.predict is a.predict
    assert a.predict is not b.predict
    assert a.predict.__doc__ == "Return the prediction."


def test_a_decorated_method_is_differentiated_like_a_function() -> None:
    model, x = Model(2.0), 0.4
    t = np.tanh(2.0 * x)
    assert dc.grad(model.predict)(x) == pytest.approx(2 * (1 - t**2))
    assert dc.grad(model.slope)(x) == pytest.approx(8 * (1 - t**2) * (1 - 3 * t**2))
    both = dc.jit(lambda x: model.predict(x) + Model(3.0).predict(x))
    assert both(x) == pytest.approx(np.tanh(2 * x) + np.tanh(3 * x))


def test_instances_that_go_and_come_are_told_apart() -> None:
    for k in range(150):
        assert Model(float(k)).bend(1.0) == pytest.approx(6.0 * k)
        gc.collect(0)


def test_a_copied_instance_has_a_method_of_its_own() -> None:
    model = Model(2.0)
    assert model.bend(1.0) == 12.0
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        other.w = 5.0
        assert (other.bend(1.0), model.bend(1.0)) == (30.0, 12.0)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_transforms_are_copied_and_pickled(again: Any) -> None:
    x = np.array([1.0, 2.0])
    transforms: list[Any] = [
        dc.jit, dc.grad, dc.value_and_grad, dc.jacobian, dc.hessian, dc.vmap,
        lambda f: dc.grad(dc.jit(f)), lambda f: dc.grad(f, ["x"]),
    ]  # fmt: skip
    for transform in transforms:
        f = transform(cube)
        given = again(f)
        assert given is not f
        assert given.__name__ == f.__name__
        for mine, theirs in zip(leaves(given(x)), leaves(f(x)), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert again(dc.hvp(cube))(x, x).tolist() == (6 * x * x).tolist()
    assert again(dc.jvp(cube))(2.0, 1.0) == (8.0, 12.0)
    assert again(dc.vjp(cube))(2.0, 1.0) == (8.0, 12.0)
    assert again(dc.derivative(cube, "x", 2))(2.0) == 12.0
    assert again(decorated) is decorated
    assert again(dc.jit(functools.partial(cube)))(2.0) == 8.0
    assert again(Model.predict) is Model.predict
    np.testing.assert_array_equal(again(Model(2.0).bend)(1.0), 12.0)


def square(x):
    return np.sum(x**2)


def test_a_function_without_a_name_of_its_own_is_pickled_with_advice_that_works():
    def inner(x):
        return np.sum(x**2)

    for each in (dc.grad(lambda x: np.sum(x**2)), dc.jit(inner), dc.hessian(inner)):
        with pytest.raises(dc.DiffcError, match=r"cannot be pickled, .*dc\.trace\(f, dc\.f64\(3\)\)"):
            pickle.dumps(each)
        for again in (copy.copy(each), copy.deepcopy(each)):
            assert np.array_equal(again(np.ones(3)), each(np.ones(3)))
    advised = dc.grad(dc.trace(inner, dc.f64(3)))
    assert pickle.loads(pickle.dumps(advised))(np.ones(3)).tolist() == [2, 2, 2]
    again = pickle.loads(pickle.dumps(dc.grad(square)))
    assert again(np.ones(2)).tolist() == [2, 2]
    assert again.function is square


def test_what_holds_a_kernel_is_copied():
    kernel = dc.parse("a*b").kernel
    assert copy.copy(kernel) is copy.deepcopy({"k": kernel})["k"] is kernel
    with pytest.raises(dc.DiffcError, match="cannot be pickled"):
        pickle.dumps(kernel)
