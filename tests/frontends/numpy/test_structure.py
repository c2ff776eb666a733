"""Named tuples among the arguments and the outputs: what comes back has their type."""

from typing import Any, NamedTuple

import numpy as np
import pytest

import diffc as dc


class Layer(NamedTuple):
    weight: Any
    bias: Any


class Checked(Layer):
    """A named tuple with a constructor of its own, which would refuse what is traced."""

    def __new__(cls, weight: Any, bias: Any) -> "Checked":
        assert isinstance(bias, float)
        return super().__new__(cls, weight, bias)


P = Layer(np.arange(3.0), 2.0)


def loss(p: Any) -> Any:
    return np.sum(p.weight**2) * p.bias


def both(x: Any) -> Layer:
    return Layer(np.sin(x), x * 2)


def test_the_gradient_has_the_type_of_the_argument() -> None:
    value, gradient = dc.value_and_grad(loss)(P)
    assert value == 10.0
    for found in (gradient, dc.grad(loss)(P), dc.jacobian(loss)(P), dc.vjp(loss)(P, 1.0)[1]):
        assert type(found) is Layer
        np.testing.assert_array_equal(found.weight, [0, 4, 8])
        assert found.bias == 5.0
    product = dc.hvp(loss)(P, P)
    assert type(product) is Layer
    np.testing.assert_array_equal(product.weight, [0, 8, 16])
    assert dc.jvp(loss)(P, P) == (10.0, 30.0)
    hessian = dc.hessian(loss)(P)
    assert type(hessian) is type(hessian.weight) is Layer
    np.testing.assert_array_equal(hessian.weight.bias, [0, 2, 4])
    inside = dc.grad(lambda d: loss(d["layers"][0]))({"layers": [P]})
    assert type(inside["layers"][0]) is Layer


def test_the_outputs_keep_their_type() -> None:
    x = np.arange(2.0)
    value, tangent = dc.jvp(both)(x, np.ones(2))
    pulled, cotangent = dc.vjp(both)(x, Layer(np.ones(2), np.ones(2)))
    mapped = dc.vmap(both)(x)
    nested = dc.jit(lambda x: dc.jit(both)(x))(x)
    for found in (dc.jit(both)(x), value, pulled, mapped, nested):
        assert type(found) is Layer
        np.testing.assert_array_equal(found.bias, [0, 2])
    assert type(tangent) is type(dc.jacobian(both)(x)) is Layer
    np.testing.assert_allclose(cotangent, np.cos(x) + 2)


def test_fields_name_inputs_and_outputs() -> None:
    assert list(dc.trace(loss, P).inputs) == ["p_weight", "p_bias"]
    assert list(dc.trace(both, 1.0).outputs) == ["weight", "bias"]


def test_a_constructor_is_not_called() -> None:
    assert type(dc.grad(loss)(Checked(np.arange(3.0), 2.0))) is Checked


def test_numpy_takes_it_for_a_sequence() -> None:
    assert dc.jit(lambda p: np.stack(p) @ np.array([1.0, 10.0]))(Layer(1.0, 2.0)) == 21.0


@pytest.mark.parametrize(
    "f",
    [np.cumsum, np.cumprod, lambda x: np.cumsum(x > 0), lambda x: np.cumulative_sum(x, include_initial=True)],
)
def test_running_sums_of_integers_are_exact(f: Any) -> None:
    x = np.array([2**53 + 1, 1, -3, 2**61, 7])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(dc.jit(f)(x), f(x))
    assert dc.jit(f)(x).dtype == np.int64
