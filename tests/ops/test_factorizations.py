"""Factorizations: values, failures, derivatives to second order, equal eigenvalues, perturbation theory."""

from __future__ import annotations

import numpy as np
import pytest
from matrix_checks import assert_derivatives, inputs_like, run

from diffc.autodiff import grad, hessian, vmap
from diffc.autodiff.forward import pushforward
from diffc.errors import InputError, TypeProblem
from diffc.ir import Graph, Node, parse_type
from diffc.ops import REGISTRY, constant, evaluate, input_node
from diffc.ops.arithmetic import mul, square
from diffc.ops.broadcasting import sum_
from diffc.ops.factorizations import cholesky, qr, symmetric_part
from diffc.ops.linalg import inv
from diffc.ops.matrices import as_row, diagonal
from diffc.ops.products import matmul, swap_last
from diffc.ops.pseudoinverse import pinv
from diffc.ops.slicing import index, slice_
from diffc.ops.spectra import eigh, eigvalsh, svd, svdvals
from diffc.optimize import optimize

RNG = np.random.default_rng(0)
A = RNG.normal(size=(2, 3, 3))
S = A @ A.swapaxes(-1, -2) + 0.1 * np.eye(3)
TALL = RNG.normal(size=(4, 2))


def packed(name, **attrs):
    return lambda a: Node.make(REGISTRY[name], (a,), attrs)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_packed_layouts(dtype):
    s, tall = S.astype(dtype), TALL.astype(dtype)
    np.testing.assert_array_equal(run(packed("cholesky"), s), np.linalg.cholesky(s))
    w, v = np.linalg.eigh(s)
    np.testing.assert_array_equal(run(packed("eigh"), s), np.concatenate([w[:, None], v], 1))
    for matrix in (tall, tall[:2]):
        np.testing.assert_array_equal(run(packed("qr"), matrix), np.concatenate(np.linalg.qr(matrix)))
    for matrix in (tall, tall.T.copy(), tall[:2]):
        u, values, vt = np.linalg.svd(matrix, full_matrices=False)
        found = run(packed("svd"), matrix)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.concatenate([u, values[None], vt.T]))


def of_symmetric(build):
    """Differences move one element; the derivatives are those of the symmetric matrix."""
    return lambda a: build(symmetric_part(a))


DIFFERENTIATED = {
    "cholesky": (of_symmetric(packed("cholesky")), S),
    "eigh": (of_symmetric(packed("eigh")), S),
    "eigvalsh": (of_symmetric(packed("eigvalsh")), S),
    "qr": (packed("qr"), A),
    "qr of a tall matrix": (packed("qr"), TALL),
    "svd": (packed("svd"), A),
    "svd of a tall matrix": (packed("svd"), TALL),
    "svd of a wide matrix": (packed("svd"), TALL.T.copy()),
    "svdvals": (packed("svdvals"), A),
    "svdvals of a wide matrix": (packed("svdvals"), TALL.T.copy()),
    "pinv": (packed("pinv", rtol=1e-15), A + 2 * np.eye(3)),
    "pinv of a tall matrix": (packed("pinv", rtol=1e-15), TALL),
    "pinv of a wide matrix": (packed("pinv", rtol=1e-15), TALL.T.copy()),
    "cholesky of the upper triangle": (of_symmetric(lambda a: cholesky(a, upper=True)), S),
    "eigenvectors": (of_symmetric(lambda a: eigh(a)[1]), S),
    "singular values by the pair": (lambda a: svd(a)[1], A),
}


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_derivatives_to_second_order(name):
    build, matrix = DIFFERENTIATED[name]
    assert_derivatives(build, matrix)


@pytest.mark.parametrize("name", ["cholesky", "eigh", "eigvalsh"])
def test_only_the_lower_triangle_is_read(name):
    above = np.triu(np.full((3, 3), np.nan), 1)
    (x,) = inputs_like(S[0])
    gradient = grad(Graph("f", (x,), (sum_(square(packed(name)(x))),)))
    np.testing.assert_array_equal(run(packed(name), S[0] + above), run(packed(name), S[0]))
    found = evaluate(gradient, S[0] + above)[0]
    np.testing.assert_array_equal(found, evaluate(gradient, S[0])[0])


@pytest.mark.parametrize("build", [cholesky, eigvalsh, lambda a: mul(*eigh(a))])
def test_gradients_are_symmetric_and_those_along_symmetric_directions(build):
    """Each pair of elements shares what moving both of them changes."""
    (x,) = inputs_like(S[0])
    value = Graph("f", (x,), (sum_(square(build(x))),))
    found = evaluate(grad(value), S[0])[0]
    np.testing.assert_allclose(found, found.T, rtol=1e-12)
    change = A[1] + A[1].T
    step = 1e-5
    ahead, behind = (evaluate(value, S[0] + sign * step * change)[0] for sign in (1, -1))
    np.testing.assert_allclose(np.sum(found * change), (ahead - behind) / (2 * step), rtol=1e-7, atol=1e-9)


def test_a_matrix_that_is_not_positive_definite_is_nan_alone():
    stack = np.stack([np.array([[1.0, 2.0], [2.0, 1.0]]), np.eye(2)])
    found = run(packed("cholesky"), stack)
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1], np.eye(2))


@pytest.mark.parametrize("name", ["svd", "svdvals"])
def test_nan_in_is_nan_out(name):
    assert np.isnan(run(packed(name), np.full((2, 2), np.nan))).all()


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (0, 3, 2), (1, 1)])
def test_extents_of_0_and_1(shape):
    a = np.ones(shape)
    q, r = np.linalg.qr(a)
    np.testing.assert_array_equal(run(lambda x: qr(x)[0], a), q)
    np.testing.assert_array_equal(run(lambda x: qr(x)[1], a), r)
    np.testing.assert_array_equal(run(svdvals, a), np.linalg.svdvals(a))
    (x,) = inputs_like(a)
    for build in (svdvals, lambda x: qr(x)[1]):
        assert evaluate(grad(Graph("f", (x,), (sum_(build(x)),))), a)[0].shape == shape


def test_what_does_not_fit_is_refused_by_name():
    wide, unknown = input_node("a", parse_type("f64[2, 3]")), input_node("b", parse_type("f64[N, 3]"))
    for call, text in [
        (lambda: qr(wide), "at least as many rows as columns, not 2 by 3"),
        (lambda: svd(unknown), "which of N and 3 is smaller"),
        (lambda: cholesky(wide), "cholesky.*square matrices"),
        (lambda: packed("eigh")(wide), "square matrices, these are 2 by 3"),
        (lambda: pinv(wide, -1.0), "a tolerance that is not negative"),
    ]:
        with pytest.raises(TypeProblem, match=text):
            call()
    graph = Graph("f", (unknown,), (sum_(qr(unknown)[1]),))
    with pytest.raises(InputError, match="not N by 3, which needs N-3 >= 0"):
        evaluate(graph, np.ones((2, 3)))


# Equal eigenvalues and singular values


@pytest.mark.parametrize("matrix", [np.eye(3), np.diag([2.0, 2.0, 5.0]), np.ones((3, 3)), np.zeros((3, 3))])
def test_gradients_of_symmetric_functions_of_equal_eigenvalues(matrix):
    """d sum(w**3) = 3 A**2; no reciprocal of a difference of eigenvalues takes part."""
    (x,) = inputs_like(matrix)
    for values in (eigvalsh(x), eigh(x)[0]):
        gradient = grad(Graph("f", (x,), (sum_(mul(values, square(values))),)))
        np.testing.assert_allclose(evaluate(gradient, matrix)[0], 3 * matrix @ matrix, atol=1e-13)
        assert not any(node.is_op("div") for node in gradient.nodes)


@pytest.mark.parametrize(
    "matrix", [np.eye(3)[:, :2], np.eye(3)[:2], np.ones((3, 2)), np.zeros((2, 3)), np.eye(2)]
)
def test_gradients_of_symmetric_functions_of_equal_singular_values(matrix):
    """d sum(s**4) = 4 A A^T A; no reciprocal of a singular value takes part."""
    (x,) = inputs_like(matrix)
    for values in (svdvals(x), svd(x)[1]):
        gradient = grad(Graph("f", (x,), (sum_(square(square(values))),)))
        np.testing.assert_allclose(evaluate(gradient, matrix)[0], 4 * matrix @ matrix.T @ matrix, atol=1e-13)
        assert not any(node.is_op("div") for node in gradient.nodes)


def test_a_function_of_an_invariant_subspace_has_its_gradient_with_equal_eigenvalues_inside():
    """The projector on the pair moves by the mixed part of dA over the gap: d P[0, 2] = -dA[0, 2] / 3.

    It does not depend on the choice of vectors, which a function of the matrix knows.
    """
    (x,) = inputs_like(np.eye(3))
    pair = slice_(eigh(x)[1], (0, 0), (3, 2))
    projector = matmul(pair, swap_last(pair))
    value = optimize(Graph("f", (x,), (index(index(projector, 0), 2),)), stage="before")
    found = evaluate(grad(value), np.diag([1.0, 1.0, 4.0]))[0]
    expected = np.zeros((3, 3))
    expected[0, 2] = expected[2, 0] = -1 / 6
    np.testing.assert_allclose(found, expected, atol=1e-14)


@pytest.mark.parametrize("matrix", [np.eye(3), np.diag([2.0, 2.0, 5.0]), np.ones((3, 3))])
def test_what_depends_on_the_choice_of_vectors_is_nan(matrix):
    """By each mode: the first vector belongs to a pair."""
    (x,) = inputs_like(matrix)
    pick = index(index(eigh(x)[1], 0), 0)
    value = Graph("f", (x,), (pick,))
    (tangent,) = pushforward([pick], {x: constant(np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]]))})
    assert np.isnan(evaluate(Graph("t", (x,), (tangent,)), matrix)[0])
    assert np.isnan(evaluate(grad(value), matrix)[0]).any()
    assert np.isnan(evaluate(hessian(value), matrix)[0]).any()


def test_vectors_of_single_eigenvalues_beside_equal_ones_are_differentiated():
    """The last vector of diag(1, 1, 4) turns by dA over the gap of 3, whatever the others are."""
    matrix = np.diag([1.0, 1.0, 4.0])
    (x,) = inputs_like(matrix)
    top = index(index(eigh(x)[1], 2, 1), 0)
    found = evaluate(grad(Graph("f", (x,), (top,))), matrix)[0]
    expected = np.zeros((3, 3))
    expected[0, 2] = expected[2, 0] = 1 / 6 * np.sign(np.linalg.eigh(matrix)[1][2, 2])
    np.testing.assert_allclose(found, expected, atol=1e-15)


@pytest.mark.parametrize(("matrix", "part"), [(np.eye(3), 0), (np.eye(3)[:, :2], 4), (np.ones((3, 2)), 0)])
def test_vectors_of_equal_singular_values_are_nan(matrix, part):
    (x,) = inputs_like(matrix)
    u, _, v = svd(x)
    value = index(index(u if part == 0 else v, 0), 1)
    assert np.isnan(evaluate(grad(Graph("f", (x,), (value,))), matrix)[0]).any()


# Perturbation theory: Kato, "Perturbation Theory for Linear Operators" (1966), II.2


def test_eigenvalues_by_perturbation_theory():
    """w(t) = w + t v.B v + t**2 sum((v.B u)**2 / (w - u's)) + O(t**3)."""
    matrix, change = S[0], A[1] + A[1].T
    (x,) = inputs_like(matrix)
    w, v = np.linalg.eigh(matrix)
    moved = v.T @ change @ v
    for k in range(3):
        lone = Graph("w", (x,), (sum_(mul(eigvalsh(x), constant(np.eye(3)[k]))),))
        first = np.sum(evaluate(grad(lone), matrix)[0] * change)
        second = np.einsum("ijkm,ij,km", evaluate(hessian(lone), matrix)[0], change, change) / 2
        others = [j for j in range(3) if j != k]
        np.testing.assert_allclose(first, moved[k, k], rtol=1e-11)
        np.testing.assert_allclose(second, sum(moved[j, k] ** 2 / (w[k] - w[j]) for j in others), rtol=1e-9)


def test_the_nuclear_norm_of_a_matrix_of_full_rank():
    """The gradient is U V^T: Watson, "Characterization of the subdifferential of some matrix norms", 1992."""
    (x,) = inputs_like(TALL)
    u, _, vt = np.linalg.svd(TALL, full_matrices=False)
    found = evaluate(grad(Graph("f", (x,), (sum_(svdvals(x)),))), TALL)[0]
    np.testing.assert_allclose(found, u @ vt, rtol=1e-12)


def test_the_pseudoinverse_needs_no_distinct_singular_values():
    """At an orthogonal matrix, where all are 1, dP = -P dA P."""
    q = np.linalg.qr(A[0])[0]
    (x,) = inputs_like(q)
    found = evaluate(hessian(Graph("f", (x,), (sum_(square(pinv(x))),))), q)[0]
    by_inverse = evaluate(hessian(Graph("f", (x,), (sum_(square(inv(x))),))), q)[0]
    np.testing.assert_allclose(found, by_inverse, atol=1e-12)


def test_the_pseudoinverse_of_a_matrix_of_lower_rank():
    low = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])
    np.testing.assert_allclose(run(pinv, low), np.linalg.pinv(low), rtol=1e-13)
    expanded = REGISTRY["pinv"].expand(pinv(inputs_like(low)[0]))
    graph = Graph("f", tuple(inputs_like(low)), (expanded,))
    np.testing.assert_allclose(evaluate(graph, low)[0], np.linalg.pinv(low), rtol=1e-13)
    (x,) = inputs_like(low)
    gradient = evaluate(grad(Graph("f", (x,), (sum_(square(pinv(x))),))), low)[0]
    # Within the matrices of rank one, a, b -> outer(a, b), the norm of the inverse is 1/(|a||b|).
    direction = np.outer([0.5, -1.0, 0.25], [1.0, -1.0]) + np.outer([1.0, 2.0, 3.0], [0.3, 0.7])
    a, b = np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0])
    da, db = np.array([0.5, -1.0, 0.25]), np.array([0.3, 0.7])
    size = 1 / (a @ a) / (b @ b)
    expected = -2 * size * (a @ da / (a @ a) + b @ db / (b @ b))
    np.testing.assert_allclose(np.sum(gradient * direction), expected, rtol=1e-12)


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_mapping_gives_what_each_matrix_gives(name):
    build, matrix = DIFFERENTIATED[name]
    one = matrix if matrix.ndim == 2 else matrix[0]
    stack = np.stack([one, 2 * one, one + 0.1 * one @ one.T @ one])
    (x,) = inputs_like(one)
    graph = grad(Graph("f", (x,), (sum_(square(build(x))),)))
    mapped = evaluate(vmap(graph), stack)[0]
    for whole, each in zip(mapped, stack, strict=True):
        np.testing.assert_allclose(whole, evaluate(graph, each)[0], rtol=1e-10, atol=1e-12)


def test_orthonormal_columns_stay_orthonormal():
    """d(Q^T Q) = 0: nothing of a function of Q^T Q reaches the matrix."""
    (x,) = inputs_like(TALL)
    q, _ = qr(x)
    gram = matmul(swap_last(q), q)
    weight = as_row(diagonal(gram))
    found = evaluate(grad(Graph("f", (x,), (sum_(mul(gram, weight)),))), TALL)[0]
    np.testing.assert_allclose(found, 0, atol=1e-14)
