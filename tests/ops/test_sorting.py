"""Sorting and searching as users call them: against NumPy, and their derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.errors import DiffcError, TypeProblem
from diffc.functions.function import Function
from diffc.ir import Dim, Graph, Type
from diffc.ops import constant, evaluate, input_node
from diffc.ops.arithmetic import mul
from diffc.ops.broadcasting import sum_
from diffc.ops.elementary import exp
from diffc.ops.sorting import argmax, argmin, argsort, searchsorted, sort, take_along_axis

N, M = Dim.symbol("N"), Dim.symbol("M")
RNG = np.random.default_rng(0)
VALUES = RNG.integers(-3, 4, (2, 5, 4)).astype(float)
VALUES[0, 1, 2], VALUES[1, 3, :2], VALUES[0, 0, 0] = np.nan, np.nan, -0.0


def ask(build, *arrays, dtype="f64"):
    nodes = [
        input_node(f"x{k}", Type("i64" if a.dtype.kind == "i" else dtype, a.shape))
        for k, a in enumerate(arrays)
    ]
    return evaluate(Graph("g", tuple(nodes), (build(*nodes),)), *arrays)[0]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3, None])
def test_numpy_agrees_along_every_axis(axis):
    np.testing.assert_array_equal(
        ask(lambda x: argsort(x, axis), VALUES), np.argsort(VALUES, axis, kind="stable")
    )
    np.testing.assert_array_equal(ask(lambda x: sort(x, axis), VALUES), np.sort(VALUES, axis))
    for ours, theirs in ((argmax, np.argmax), (argmin, np.argmin)):
        for kept in (False, True):
            got = ask(lambda x, f=ours, k=kept: f(x, axis, k), VALUES)
            np.testing.assert_array_equal(got, theirs(VALUES, axis, keepdims=kept))


@pytest.mark.parametrize("values", [[-(2**63), 2**63 - 1, 0], [2**63 - 1] * 2, [-(2**63)] * 2])
def test_extreme_integers(values):
    x = np.array(values)
    assert ask(argmax, x) == np.argmax(x)
    assert ask(argmin, x) == np.argmin(x)
    np.testing.assert_array_equal(ask(sort, x), np.sort(x))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take_along_axis(axis):
    x = RNG.normal(size=(3, 4))
    for indices in (np.argsort(x, axis), np.full((1, 1), -1), np.full((3, 4), -3), np.zeros((3, 4), int)):
        got = ask(lambda a, i: take_along_axis(a, i, axis), x, indices)
        np.testing.assert_array_equal(got, np.take_along_axis(x, indices, axis))
    flat = np.array([2, -12, 11])
    np.testing.assert_array_equal(
        ask(lambda a, i: take_along_axis(a, i, None), x, flat), np.take_along_axis(x, flat, None)
    )


def test_take_along_axis_outside_is_refused():
    x, i = input_node("x", Type("f64", (2, N))), input_node("i", Type("i64", (2, 1)))
    kernel = dc.compile(Function(Graph("g", (x, i), (take_along_axis(x, i),))), cache=False)
    assert kernel(np.ones((2, 3)), np.array([[-3], [2]])).shape == (2, 1)
    for bad in (3, -4):
        with pytest.raises(DiffcError, match="outside"):
            kernel(np.ones((2, 3)), np.array([[0], [bad]]))


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_promotes(side):
    a, v = np.array([-1, 0, 0, 4]), np.array([[0.0, 0.5], [-9.0, np.nan]])
    np.testing.assert_array_equal(
        ask(lambda x, y: searchsorted(x, y, side), a, v), np.searchsorted(a, v, side)
    )


def test_what_does_not_fit_is_refused():
    x, i = input_node("x", Type("f64", (2, 3))), input_node("i", Type("i64", (3,)))
    for build, message in (
        (lambda: sort(constant(1.0)), "a scalar has no axis"),
        (lambda: argmax(input_node("e", Type("f64", (3, 0))), 1), "no elements"),
        (lambda: take_along_axis(x, i), "number of axes"),
        (lambda: take_along_axis(x, x), "indices are i64"),
        (lambda: take_along_axis(x, input_node("j", Type("i64", (3, 1)))), "do not broadcast"),
        (lambda: searchsorted(x, x), "searches a vector"),
        (lambda: searchsorted(i, i, "middle"), '"left" or "right"'),
    ):
        with pytest.raises(TypeProblem, match=message):
            build()


def weighted(order):
    x, w = input_node("x", Type("f64", (N, M))), input_node("w", Type("f64", (N, M)))
    return Function(Graph("f", (x, w), (sum_(mul(w, exp(order(x)))),)))


@pytest.mark.parametrize(
    "order", [sort, lambda x: sort(x, 0), lambda x: take_along_axis(x, argsort(x, 0), 0)]
)
def test_derivatives_of_sort(order):
    f = weighted(order)
    x, w = RNG.permutation(12.0 * np.arange(1, 13) / 40).reshape(3, 4), RNG.normal(size=(3, 4))
    gradient, hessian = dc.grad(f)(x, w), dc.hessian(f)(x, w)
    step = 1e-6
    for at in np.ndindex(3, 4):
        move = np.zeros((3, 4))
        move[at] = step
        difference = (f(x + move, w) - f(x - move, w)) / (2 * step)
        np.testing.assert_allclose(gradient[at], difference, rtol=1e-7, atol=1e-7)
        change = (dc.grad(f)(x + move, w) - dc.grad(f)(x - move, w)) / (2 * step)
        np.testing.assert_allclose(hessian[at], change, rtol=1e-6, atol=1e-7)


def test_batches():
    x = RNG.normal(size=(3, 6))
    for build, reference in (
        (sort, lambda row: np.sort(row)),
        (argsort, lambda row: np.argsort(row)),
        (lambda row: searchsorted(sort(row), row), lambda row: np.searchsorted(np.sort(row), row)),
        (
            lambda row: searchsorted(sort(row), constant(0.25)),
            lambda row: np.searchsorted(np.sort(row), 0.25),
        ),
        (lambda row: searchsorted(constant([-1.0, 0.0]), row), lambda row: np.searchsorted([-1.0, 0.0], row)),
    ):
        node = input_node("x", Type("f64", (6,)))
        mapped = dc.vmap(Function(Graph("f", (node,), (build(node),))))
        np.testing.assert_array_equal(mapped(x), np.array([reference(row) for row in x]))
