"""`out=` of transforms: results are written to arrays in the structure of the result."""

from typing import Any

import numpy as np
import pytest

import diffc as dc

ONES = np.ones(3)


def loss(p: Any, x: Any) -> Any:
    return np.sum(p["a"] * x**2) + p["b"]


def test_the_arrays_are_filled_and_returned() -> None:
    double, out = dc.jit(lambda x: x * 2), np.zeros(3)
    for k in (1.0, 2.0, 3.0):
        assert double(k * ONES, out=out) is out
        np.testing.assert_array_equal(out, 2 * k * ONES)
    assert dc.vmap(lambda x: x * 3)(ONES, out=out) is out
    np.testing.assert_array_equal(out, 3)
    scalar = np.zeros((), "f4")
    assert dc.jit(lambda x: np.sum(x))(ONES.astype("f4"), out=scalar) is scalar
    assert scalar == 3


def test_the_structure_is_that_of_the_result() -> None:
    f = dc.value_and_grad(loss)
    out = np.zeros(()), {"a": np.zeros(3), "b": np.zeros(())}
    for k in (1.0, 2.0):
        value, gradient = f({"a": k * ONES, "b": 1.0}, 2 * ONES, out=out)
        assert value is out[0]
        assert gradient["a"] is out[1]["a"]
        assert value == 12 * k + 1
        np.testing.assert_array_equal(gradient["a"], 4)
        assert gradient["b"] == 1
    found = dc.jit(lambda x, n: {"x": sum([x] * n), "unit": "m"})(
        ONES, n=3, out={"x": out[1]["a"], "unit": "m"}
    )
    assert found["x"] is out[1]["a"]
    np.testing.assert_array_equal(found["x"], 3)
    assert found["unit"] == "m"


def test_a_parameter_of_that_name_is_the_functions_own() -> None:
    assert dc.jit(lambda x, out=3.0: x if out is None else x + out)(1.0, out=None) == 1.0
    assert dc.jit(lambda x, **more: x + more["out"])(1.0, out=2.0) == 3.0
    assert dc.grad(lambda x, out: x * out)(1.0, out=2.0) == 2.0


CAPTURED = np.ones(3)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros(2), r"out must have the shape \(3,\)"),
        (np.zeros(3, "f4"), "out must have the dtype float64"),
        (np.zeros(6)[::2], "C-contiguous"),
        ([0.0, 0.0, 0.0], "out must have the structure of the result, array"),
        ((np.zeros(3),), "out must have the structure of the result, array"),
        (None, "must be a NumPy array"),
        (CAPTURED, "overlaps"),
        (ONES, "overlaps"),
    ],
)
def test_refused(out: Any, message: str) -> None:
    f = dc.jit(lambda x: x * CAPTURED)
    for _ in range(2):
        with pytest.raises(dc.DiffcError, match=message):
            f(ONES, out=out)
        f(ONES)
    np.testing.assert_array_equal(ONES, 1)
    np.testing.assert_array_equal(CAPTURED, 1)


def test_what_does_not_go_with_it() -> None:
    def step(x: Any) -> Any:
        x += 1
        return x * 2

    with pytest.raises(dc.DiffcError, match="does not go with out="):
        dc.jit(step)(np.ones(3), out=np.zeros(3))
    with pytest.raises(
        dc.DiffcError, match=r"the structure of the result, \(array, \{'a': array, 'b': array\}\)"
    ):
        dc.value_and_grad(loss)({"a": ONES, "b": 1.0}, ONES, out=np.zeros(3))
    for inner in (dc.jit(lambda y: y * 2), dc.grad(lambda y: np.sum(y * 2))):
        with pytest.raises(dc.DiffcError, match="outside of a traced function"):
            dc.jit(lambda x, f=inner: f(x, out=x))(np.ones(3))
