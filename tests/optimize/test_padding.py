"""Sums of pads: joined where they stand side by side in the sum, left alone where the sum repeats them."""

from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.ir import Graph, Node, Type
from diffc.ops import evaluate, input_node
from diffc.ops.arithmetic import add, sub
from diffc.ops.elementwise import cast
from diffc.ops.slicing import pad
from diffc.optimize.padding import join_pads

ROW = np.array([[1.0, 2.0]])
COLUMN = np.array([[3.0], [4.0]])
BLOCK = np.array([[5.0, 6.0], [7.0, 8.0]])


def padded(value: np.ndarray, shape: tuple[int, ...], place: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the low and high amounts that put a value at a place of an array of this shape."""
    return place, tuple(e - p - n for e, p, n in zip(shape, place, value.shape, strict=True))


CASES = {
    "rows below": [(ROW, (3, 4), (0, 0)), (ROW, (1, 4), (0, 0))],
    "a column beside": [(COLUMN, (2, 1), (0, 0)), (BLOCK, (2, 4), (0, 2))],
    "a pad beside a repeated one": [(BLOCK, (3, 4), (0, 0)), (BLOCK, (3, 4), (0, 2)), (ROW, (1, 4), (0, 2))],
    "rank less by one": [(BLOCK, (3, 4), (1, 1)), (ROW[0], (4,), (1,))],
    "rank less by two": [(np.ones((1, 1, 2)), (2, 3, 4), (0, 1, 1)), (ROW[0], (4,), (0,))],
    "extent 1 of the result": [(ROW, (1, 4), (0, 0)), (ROW, (1, 4), (0, 2))],
    "all repeated": [(ROW, (1, 4), (0, 1)), (np.array([[9.0]]), (3, 1), (1, 0))],
    "an empty part": [(np.ones((1, 0)), (3, 4), (0, 2)), (ROW, (3, 4), (0, 2)), (ROW, (3, 4), (1, 2))],
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("op", [add, sub])
def test_terms_that_the_sum_repeats_are_not_joined(name: str, swapped: bool, op: Any) -> None:
    terms = CASES[name][::-1] if swapped else CASES[name]
    inputs = [input_node(f"x{k}", Type("f64", value.shape)) for k, (value, _, _) in enumerate(terms)]
    total: Node | None = None
    for x, (value, shape, place) in zip(inputs, terms, strict=True):
        term = pad(x, *padded(value, shape, place))
        total = term if total is None else op(total, term)
    assert total is not None
    graph = Graph("f", tuple(inputs), (total,))
    new = join_pads(graph)
    assert new.outputs[0].type == total.type
    arrays = [value for value, _, _ in terms]
    np.testing.assert_array_equal(evaluate(new, *arrays)[0], evaluate(graph, *arrays)[0], strict=True)


def test_terms_of_equal_type_are_joined_also_beside_one_that_is_repeated() -> None:
    x, y = (input_node(name, Type("f64", (2,))) for name in "xy")
    repeated = pad(input_node("z", Type("f64", (1, 2))), (0, 0), (0, 2))
    rows = [pad(pad(each, (low,), (2 - low,)), (0,), (0,)) for each, low in ((x, 0), (y, 2))]
    (joined,) = join_pads(Graph("f", (x, y), (add(*rows),))).outputs
    assert joined.is_op("concatenate")
    z = repeated.inputs[0]
    (kept,) = join_pads(Graph("f", (x, y, z), (add(add(*rows), repeated),))).outputs
    assert kept.type == repeated.type
    assert kept.inputs[0].is_op("concatenate")


def test_terms_of_another_dtype_stay_terms() -> None:
    whole = input_node("i", Type("i64", (2,)))
    x = input_node("x", Type("f32", (2,)))
    total = add(add(cast(pad(whole, (0,), (2,)), "f64"), pad(cast(x, "f64"), (2,), (0,))), pad(x, (1,), (1,)))
    graph = Graph("f", (whole, x), (total,))
    arrays = [np.array([1, 2]), np.array([3.0, 4.0], np.float32)]
    np.testing.assert_array_equal(evaluate(join_pads(graph), *arrays)[0], [1.0, 5.0, 7.0, 4.0], strict=True)


def test_the_sum_of_a_pad_and_a_repeated_one_runs() -> None:
    f = dc.trace(
        lambda x, b: np.pad(x, ((0, 2), (0, 2))) + np.pad(b, ((0, 0), (0, 2))), dc.f64(1, 2), dc.f64(1, 2)
    )
    wanted = [[11, 22, 0, 0], [10, 20, 0, 0], [10, 20, 0, 0]]
    np.testing.assert_array_equal(f(ROW, 10 * ROW), wanted)


GRADIENTS = {
    "halves": lambda x: 2 * np.sum(x[:1]) + np.sum(np.sin(x[1:])),
    "three parts": lambda x: np.sum(x[:1]) + 3 * np.sum(x[1:2] ** 2) + np.sum(np.exp(x[2:])),
    "every other": lambda x: 5 * np.sum(x[::2]) + np.sum(x[1::2] ** 3),
    "overlapping": lambda x: 2 * np.sum(x[:3]) + np.sum(x[1:] ** 2) + 7 * x[0],
    "stacked": lambda x: np.sum(np.stack([x[:2], x[2:]]) ** 2) + 4 * np.sum(x[:2]),
}


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("size", [3, "B"])
def test_the_gradient_of_each_example_is_that_of_each_alone(name: str, size: Any) -> None:
    g = dc.grad(dc.trace(GRADIENTS[name], dc.f64(4)))
    x = np.random.default_rng(1).normal(size=(3, 4))
    np.testing.assert_allclose(dc.vmap(g, size=size)(x), [g(each) for each in x], 1e-14, strict=True)
