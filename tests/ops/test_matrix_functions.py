"""Functions of matrices: derivatives against 70-digit differences, at equal, near and distinct values."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from diffc.autodiff import grad, hessian, vmap
from diffc.autodiff.forward import pushforward
from diffc.errors import DiffcError, TypeProblem
from diffc.ir import Graph, Type
from diffc.ops import constant, evaluate, input_node
from diffc.ops.arithmetic import abs_, div, mul, square
from diffc.ops.broadcasting import sum_
from diffc.ops.elementary import exp, log, sqrt, tanh
from diffc.ops.matrix_functions import MAX_DIRECTIONS, spectral, spectral_sum
from diffc.ops.powers import power

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(3, 3))
BASIS = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
TURN = RNG.normal(size=(3, 3))
TURN = TURN + TURN.T

X, P = input_node("x", Type("f64")), input_node("p", Type("f64"))
FUNCTIONS = {
    "exp": (exp, mpmath.exp),
    "log": (log, mpmath.log),
    "sqrt": (sqrt, mpmath.sqrt),
    "reciprocal": (lambda x: div(1.0, x), lambda x: 1 / x),
    "power": (lambda x: power(x, 2.5), lambda x: x ** mpmath.mpf("2.5")),
    "tanh": (tanh, mpmath.tanh),
    "cube": (lambda x: mul(x, square(x)), lambda x: x**3),
}
GAPS = [(0, 0), (1e-12, 1e-12), (1e-6, 0), (1e-3, 1e-9), (0.3, 0), (0.02, 0.5), (1, 5)]


def matrix(gaps):
    values = 1 + np.cumsum([0, *gaps])
    a = (BASIS * values) @ BASIS.T if any(gaps) else np.eye(3)
    return (a + a.T) / 2


def long_value(function, a):
    """Return <WEIGHTS, f(a)> and the sum over the eigenvalues."""
    values, vectors = mpmath.eigsy(a)
    total = mpmath.mpf(0)
    for k in range(3):
        outer = sum(WEIGHTS[i, j] * vectors[i, k] * vectors[j, k] for i in range(3) for j in range(3))
        total += function(values[k]) * outer
    return total, sum(map(function, values))


def along(function, a):
    """Return the first two derivatives along TURN of both values, to some 25 digits."""
    with mpmath.workdps(90):
        step = mpmath.mpf(10) ** -25
        middle, turn = mpmath.matrix(a.tolist()), mpmath.matrix(TURN.tolist())
        ahead, here, behind = (long_value(function, middle + sign * step * turn) for sign in (1, 0, -1))
        return [
            (float((p - m) / (2 * step)), float((p - 2 * z + m) / step**2))
            for p, z, m in zip(ahead, here, behind, strict=True)
        ]


@pytest.mark.parametrize("gaps", GAPS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_at_all_gaps(name, gaps):
    build, function = FUNCTIONS[name]
    a = input_node("a", Type("f64", (3, 3)))
    graph = Graph("f", (X,), (build(X),))
    outputs = (sum_(mul(spectral(graph, a), constant(WEIGHTS))), spectral_sum(graph, a))
    for output, (first, second) in zip(outputs, along(function, matrix(gaps)), strict=True):
        value = Graph("g", (a,), (output,))
        found = evaluate(grad(value), matrix(gaps))[0]
        np.testing.assert_allclose(found, found.T, atol=1e-15 * abs(found).max())
        np.testing.assert_allclose(np.sum(found * TURN), first, rtol=3e-14)
        rows = evaluate(hessian(value), matrix(gaps))[0]
        np.testing.assert_allclose(np.einsum("ijkm,ij,km", rows, TURN, TURN), second, rtol=3e-13)


def test_the_third_and_fourth_derivatives_of_the_exponential():
    """Along a multiple of the identity, d^k exp(A + t) = exp(A); along another direction by differences."""
    a = input_node("a", Type("f64", (3, 3)))
    node = spectral(Graph("f", (X,), (exp(X),)), a)
    turn = TURN + 2 * np.eye(3)
    for order in range(1, MAX_DIRECTIONS + 1):
        (node,) = pushforward([node], {a: constant(np.eye(3) if order > 1 else turn)})
        found = evaluate(Graph("t", (a,), (node,)), np.diag([1.0, 1.0, 1.25]))[0]
        if order == 1:
            expected = found
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    (beyond,) = pushforward([node], {a: constant(turn)})
    with pytest.raises(DiffcError, match="order 5 of a function of a matrix is above the limit of 4"):
        evaluate(Graph("t", (a,), (beyond,)), np.eye(3))


def test_a_parameter_and_its_derivatives():
    """f(x) = exp(p x): d/dp tr f(A) = tr(A exp(p A)), and mixed with A."""
    a, p = input_node("a", Type("f64", (2, 2))), input_node("q", Type("f64", (1,)))
    graph = Graph("f", (X, P), (exp(mul(P, X)),))
    matrix_ = np.array([[1.0, 0.25], [0.25, 0.5]])
    by = evaluate(grad(Graph("g", (a, p), (spectral_sum(graph, a, p),)), ("a", "q")), matrix_, [0.5])
    w, v = np.linalg.eigh(matrix_)
    np.testing.assert_allclose(by[0], 0.5 * (v * np.exp(0.5 * w)) @ v.T, rtol=1e-14)
    np.testing.assert_allclose(by[1], [np.sum(w * np.exp(0.5 * w))], rtol=1e-14)
    rows = evaluate(hessian(Graph("g", (a, p), (spectral_sum(graph, a, p),)), ("a", "q")), matrix_, [0.5])
    np.testing.assert_allclose(rows[1][..., 0], (v * (1 + 0.5 * w) * np.exp(0.5 * w)) @ v.T, rtol=1e-13)
    np.testing.assert_allclose(rows[1][..., 0], rows[2][0], rtol=1e-13)


def test_a_kink_between_eigenvalues():
    """|A| of eigenvalues on both sides of 0 has the differences of |x|, and its slopes at equal ones."""
    a = input_node("a", Type("f64", (3, 3)))
    node = spectral(Graph("f", (X,), (abs_(X),)), a)
    (tangent,) = pushforward([node], {a: constant(TURN)})
    found = evaluate(Graph("t", (a,), (tangent,)), np.diag([-1.0, 3.0, 3.0]))[0]
    weight = np.array([[-1.0, 0.5, 0.5], [0.5, 1, 1], [0.5, 1, 1]])
    np.testing.assert_allclose(found, weight * TURN, rtol=1e-14)


@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_small_matrices_of_both_dtypes(n, dtype):
    x = input_node("x", Type(dtype))
    a = input_node("a", Type(dtype, (n, n)))
    graph = Graph("f", (x,), (exp(x),))
    value = Graph("g", (a,), (sum_(square(spectral(graph, a))),))
    assert evaluate(value, np.eye(n))[0] == pytest.approx(n * np.exp(2), rel=1e-5)
    for derived in (grad(value), hessian(value)):
        found = evaluate(derived, np.eye(n))[0]
        assert found.dtype == np.dtype(dtype.replace("f", "float"))
        assert np.isfinite(found).all()
    np.testing.assert_allclose(evaluate(grad(value), np.eye(n))[0], 2 * np.exp(2) * np.eye(n), rtol=1e-5)


def test_mapped_matrices_directions_and_parameters():
    a, p = input_node("a", Type("f64", (2, 2))), input_node("q", Type("f64", (1,)))
    graph = Graph("f", (X, P), (exp(mul(P, X)),))
    value = grad(Graph("g", (a, p), (sum_(square(spectral(graph, a, p))),)), ("a", "q"))
    stack = np.stack([np.eye(2), np.diag([1.0, 2.0])])
    factors = np.array([[0.5], [0.25]])
    cases = [((0, 0), stack, factors), ((None, 0), stack[1], factors), ((0, None), stack, factors[0])]
    for axes, mats, facts in cases:
        mapped = evaluate(vmap(value, axes), mats, facts)
        for k in range(2):
            single = evaluate(value, mats[k] if axes[0] == 0 else mats, facts[k] if axes[1] == 0 else facts)
            for whole, each in zip(mapped, single, strict=True):
                np.testing.assert_allclose(whole[k], each, rtol=1e-13)


def test_operands_that_do_not_fit_are_refused():
    graph = Graph("f", (X, P), (mul(P, X),))
    square_, wide = input_node("a", Type("f64", (2, 2))), input_node("b", Type("f64", (2, 3)))
    three = input_node("c", Type("f64", (3,)))
    for operands, text in [
        ((square_,), "a graph of x and a parameter for each last operand"),
        ((wide, three), "square float matrices of one order"),
        ((square_, three), "one element a matrix, or one an eigenvalue"),
    ]:
        with pytest.raises(TypeProblem, match=text):
            spectral(graph, *operands)
