"""Jacobians and Hessians as a whole: the matrices of linear maps, their products, and what they cost.

A column of a Jacobian is the tangent of a unit vector; forward mode and the interpreter, which know nothing
of matrices of linear maps, give the right value.
"""

import numpy as np
import pytest

import diffc as dc
from diffc.ops import evaluate

RNG = np.random.default_rng(9)
PLACES = np.array([0, 2, -1, 2])
GRID = np.array([[0, 2], [3, 3]])
KERNEL = np.array([1.0, -2.0, 0.5])

FUNCTIONS = {
    "matrix by vector": (lambda w, x: w @ x, (3, 4), (4,)),
    "vector by matrix": (lambda w, x: x @ w, (4, 3), (4,)),
    "affine": (lambda w, x, b: w @ x + b, (3, 4), (4,), (3,)),
    "layers": (lambda a, b, x: np.tanh(b @ np.tanh(a @ x)), (6, 4), (3, 6), (4,)),
    "matrix by matrix": (lambda w, x: w @ x, (3, 4), (4, 5)),
    "of one matrix": (lambda w: np.sin(w @ w.T) @ w, (3, 4)),
    "stacks": (lambda w, x: np.sin(w @ x), (2, 3, 4), (2, 4, 5)),
    "one matrix for a stack": (lambda w, x: w @ np.exp(x), (3, 4), (2, 4, 5)),
    "a stack by one matrix": (lambda w, x: np.sin(x @ w), (4, 3), (2, 5, 4)),
    "einsum": (lambda a, b: np.einsum("ijk,kl->ilj", a, b), (2, 3, 4), (4, 5)),
    "einsum of a batch": (lambda a, b: np.einsum("bij,bj->bi", a, b), (2, 3, 4), (2, 4)),
    "einsum with a shared axis": (lambda a, b: np.einsum("ij,kj,k->ik", a, b, b[:, 0]), (2, 3), (4, 3)),
    "tensordot": (lambda a, b: np.tensordot(a, b, axes=2), (2, 3, 4), (3, 4, 2)),
    "kron": (np.kron, (2, 2), (2, 3)),
    "convolution": (lambda k, x: np.convolve(x, k), (3,), (6,)),
    "convolution, same": (lambda x: np.convolve(x, KERNEL, "same"), (6,)),
    "places": (lambda w, x: w @ x[PLACES] ** 2, (5, 4), (4,)),
    "places, pulled back": (lambda w, x: w @ x[PLACES] ** 2, (2, 4), (7,)),
    "a grid of places": (lambda x: np.sin(x[GRID]), (4,)),
    "rows": (lambda w, x: w[PLACES] @ x, (4, 3), (3,)),
    "columns": (lambda x: np.sin(x[:, PLACES]), (3, 4)),
    "repeated places": (lambda x: np.sum(x[GRID] ** 3), (4,)),
    "running sums": (np.cumsum, (5,)),
    "running sums of squares": (lambda x: np.cumsum(x * x, axis=1), (3, 4)),
    "differences": (lambda x: np.diff(x) ** 2, (6,)),
    "every other": (lambda x: x[::2] * x[1::2], (6,)),
    "reversed": (lambda x: x[::-1] * x, (5,)),
    "padded": (lambda w, x: w @ np.pad(x, (1, 3)), (3, 8), (4,)),
    "rolled": (lambda x: np.roll(x, 2) * x, (5,)),
    "rolled, many": (lambda x: sum(k * np.roll(x, k) ** 2 for k in range(12)), (14,)),
    "parts of a vector": (lambda w, x: np.tanh(w[:, :2] @ x[:2] + w[:, 2:] @ x[2:]), (3, 4), (4,)),
    "folded": (lambda w, x: np.sin(x.reshape(2, 3) @ w), (3, 2), (6,)),
    "flattened": (lambda x: np.sin(x.reshape(-1)), (2, 3)),
    "regrouped": (lambda x: np.sin(x.reshape(3, 2)), (2, 3)),
    "turned and flattened": (lambda x: np.sin(x.T.reshape(-1)), (2, 3)),
    "parameters in one vector": (
        lambda p: np.tanh(p[12:].reshape(2, 3) @ np.tanh(p[:12].reshape(3, 4) @ np.arange(4.0))),
        (18,),
    ),
    "joined": (lambda x, y: np.concatenate([x * x, y, x]), (3,), (2,)),
    "joined columns": (lambda x, y: np.concatenate([x @ y, x], axis=1) ** 2, (3, 3), (3, 2)),
    "stacked": (lambda x: np.stack([x, 2 * x, x**2], axis=1), (3,)),
    "outer": (lambda x: x[:, None] * x, (3,)),
    "broadcast": (lambda x, y: x + y, (3,), (2, 3)),
    "a column and a row": (lambda x, y: x @ y, (4, 1), (1, 3)),
    "axes exchanged": (lambda x: np.swapaxes(x, 0, 2) * 2, (2, 3, 4)),
    "a triangle": (lambda x: np.tril(x) @ x, (3, 3)),
    "a diagonal": (lambda x: np.diagonal(x) ** 2, (3, 3)),
    "softmax": (lambda x: np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True), (3, 4)),
    "attention": (
        lambda q, k, v: (np.exp(q @ k.T) / np.sum(np.exp(q @ k.T), axis=1, keepdims=True)) @ v,
        (3, 2),
        (4, 2),
        (4, 3),
    ),
    "choices": (lambda w, x: np.where(w @ x > 0, (w @ x) ** 2, 0.0), (3, 4), (4,)),
    "the largest": (lambda x: np.max(x, axis=0), (3, 4)),
    "solve": (lambda a, b: np.linalg.solve(a + 4 * np.eye(3), b), (3, 3), (3,)),
    "one element": (lambda w, x: w @ x, (1, 1), (1,)),
    "no elements": (lambda w, x: w @ x, (3, 0), (0,)),
    "quadratic form": (lambda a, x: x @ a @ x, (4, 4), (4,)),
    "least squares": (lambda a, b, x: np.sum((a @ x - b) ** 2), (5, 4), (5,), (4,)),
    "logistic regression": (
        lambda a, y, w: np.sum(np.log1p(np.exp(a @ w)) - y * (a @ w)),
        (5, 4),
        (5,),
        (4,),
    ),
    "valley": (lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), (6,)),
    "pairs": (lambda x: np.sum(np.exp(-np.sum((x[:, None] - x) ** 2, -1))), (4, 2)),
}


def columns(f, k, arguments):
    """Return the Jacobian by input k, a column at a time, by forward mode and the interpreter."""
    by = arguments[k]
    pushed = dc.jvp(f, k).embedded().graph
    shape = np.shape(evaluate(f.embedded().graph, *arguments)[0])
    found = np.zeros((*shape, *by.shape))
    for place in np.ndindex(by.shape):
        unit = np.zeros(by.shape)
        unit[place] = 1
        found[(..., *place)] = evaluate(pushed, *arguments, unit)[1]
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_jacobian_has_the_tangents_of_unit_vectors(name):
    function, *shapes = FUNCTIONS[name]
    arguments = [RNG.normal(size=shape) for shape in shapes]
    f = dc.trace(function, *[dc.f64(*shape) for shape in shapes])
    for k in range(len(shapes)):
        jacobian = dc.jacobian(f, k)
        wanted = columns(f, k, arguments)
        np.testing.assert_allclose(jacobian(*arguments), wanted, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(
            evaluate(jacobian.embedded().graph, *arguments)[0], wanted, rtol=1e-12, atol=1e-13
        )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_hessian_has_the_tangents_of_the_gradient(name):
    function, *shapes = FUNCTIONS[name]
    arguments = [RNG.normal(size=shape) for shape in shapes]
    f = dc.trace(lambda *xs: np.sum(np.sin(function(*xs))), *[dc.f64(*shape) for shape in shapes])
    for k in range(len(shapes)):
        wanted = columns(dc.grad(f, k), k, arguments)
        np.testing.assert_allclose(dc.hessian(f, k)(*arguments), wanted, rtol=1e-11, atol=1e-12)


SYMBOLIC = {
    "layers": (lambda a, b, x: np.tanh(b @ np.tanh(a @ x)), ("M", "N"), (2, "M"), ("N",)),
    "matrix by matrix": (lambda w, x: w @ x, ("M", "N"), ("N", 3)),
    "a stack by one matrix": (lambda w, x: np.sin(x @ w), (4, 3), ("M", "N", 4)),
    "running sums": (lambda x: np.cumsum(x * x), ("N",)),
    "reversed": (lambda x: x[::-1] * x, ("N",)),
    "differences": (lambda x: np.diff(x) ** 2, ("N",)),
    "flattened": (lambda x: np.sin(x.reshape(-1)), ("N", 3)),
    "joined": (lambda x, y: np.concatenate([x * x, y, x]), ("N",), (2,)),
    "least squares": (lambda a, b, x: np.sum((a @ x - b) ** 2), ("M", "N"), ("M",), ("N",)),
    "pairs": (lambda x: np.sum(np.exp(-np.sum((x[:, None] - x) ** 2, -1))), ("N", 2)),
}


@pytest.mark.parametrize("name", SYMBOLIC)
@pytest.mark.parametrize("sizes", [(1, 1), (2, 5), (7, 3)])
def test_of_symbolic_extents(name, sizes):
    function, *shapes = SYMBOLIC[name]
    extents = dict(zip("NM", sizes, strict=True))
    arguments = [RNG.normal(size=[extents.get(e, e) for e in shape]) for shape in shapes]
    f = dc.trace(function, *[dc.f64(*shape) for shape in shapes])
    for k in range(len(shapes)):
        wanted = columns(f, k, arguments)
        np.testing.assert_allclose(dc.jacobian(f, k)(*arguments), wanted, rtol=1e-12, atol=1e-13)


def test_f32_stays_f32():
    f = dc.trace(lambda w, x: np.tanh(w @ x), dc.f32(3, 4), dc.f32(4))
    # Far out 1 - tanh**2 cancels, in the program and in what it is compared with.
    w, x = (0.5 * RNG.normal(size=shape).astype(np.float32) for shape in ((3, 4), (4,)))
    found = dc.jacobian(f, 1)(w, x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, (1 - np.tanh(w @ x)[:, None] ** 2) * w, rtol=1e-4)


def test_of_examples_and_for_each_example():
    f = dc.trace(lambda w, x: np.tanh(w @ x), dc.f64(3, 4), dc.f64(4))
    w, x = 0.5 * RNG.normal(size=(3, 4)), 0.5 * RNG.normal(size=(5, 4))
    single = np.stack([columns(f, 1, [w, each]) for each in x])
    np.testing.assert_allclose(dc.vmap(dc.jacobian(f, 1), (None, 0))(w, x), single, rtol=1e-13)
    whole = dc.jacobian(dc.vmap(f, (None, 0), size=5), 1)(w, x)
    np.testing.assert_allclose(whole, np.einsum("ejk,ef->ejfk", single, np.eye(5)), rtol=1e-13)


def test_an_index_outside_is_still_refused():
    f = dc.trace(lambda x, i: x[i] * 2, dc.f64(4), dc.i64(3))
    with pytest.raises(dc.DiffcError, match="an index is outside the axis of extent 4"):
        dc.jacobian(f)(np.ones(4), np.array([0, 4, 1]))


def test_what_is_beside_a_diagonal_is_zero_whatever_stands_on_it():
    found = dc.jacobian(dc.trace(np.sqrt, dc.f64(3)))(np.array([0.0, 1.0, 4.0]))
    np.testing.assert_array_equal(found, [[np.inf, 0, 0], [0, 0.5, 0], [0, 0, 0.25]])


# What it costs.


def flops(f):
    return int(dc.compile(f, cache=False).stats["flops"])


def optimized(f):
    return dc.compile(f, cache=False).stages["optimized"]


def test_the_jacobian_of_a_linear_layer_is_a_copy_of_its_matrix():
    f = dc.trace(lambda w, x: w @ x, dc.f64(30, 30), dc.f64(30))
    assert flops(dc.jacobian(f, 1)) == 0
    assert optimized(dc.jacobian(f, 1)).splitlines()[1:] == ["  return %w"]
    g = dc.trace(lambda w, x, b: x @ w + b, dc.f64(30, 30), dc.f64(30), dc.f64(30))
    assert flops(dc.jacobian(g, 1)) == 0


@pytest.mark.parametrize("sizes", [(20, 20, 20), (20, 30, 40), (40, 30, 20)])
def test_layer_after_layer_is_a_product(sizes):
    """No product with an identity: as many as there are layers, less one, beside those of the layers."""
    inputs, hidden, outputs = sizes
    types = dc.f64(hidden, inputs), dc.f64(outputs, hidden), dc.f64(inputs)
    f = dc.trace(lambda a, b, x: np.tanh(b @ np.tanh(a @ x)), *types)
    text = optimized(dc.jacobian(f, 2))
    assert text.count("= matmul ") == 3
    assert "iota" not in text


def test_the_hessian_of_a_quadratic_form_is_its_symmetric_part():
    text = optimized(dc.hessian(dc.trace(lambda a, x: x @ a @ x, dc.f64(9, 9), dc.f64(9)), 1))
    assert "matmul" not in text
    assert "iota" not in text


@pytest.mark.parametrize("name", ["least squares", "logistic regression"])
def test_the_hessian_of_a_regression_is_one_product(name):
    rows, columns_ = 50, 20
    function = FUNCTIONS[name][0]
    f = dc.hessian(dc.trace(function, dc.f64(rows, columns_), dc.f64(rows), dc.f64(columns_)), 2)
    assert flops(f) <= 2.2 * rows * columns_**2 + 50 * rows * columns_
    assert "iota" not in optimized(f)


def test_a_product_by_a_matrix_stays_diagonal_along_the_other_axis():
    f = dc.trace(lambda w, x: np.tanh(w @ x), dc.f64(10, 10), dc.f64(10, 10))
    for k in range(2):
        assert flops(dc.jacobian(f, k)) <= 5 * 10**4


def test_a_banded_hessian_is_made_of_its_diagonals():
    f = dc.hessian(dc.trace(FUNCTIONS["valley"][0], dc.f64(100)))
    assert flops(f) <= 9 * 100**2
