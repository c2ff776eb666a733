"""Linear systems, inverses and determinants: values, edges, derivatives, published identities."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from matrix_checks import assert_derivatives, inputs_like, run

from diffc.autodiff import grad, hessian, vmap
from diffc.errors import TypeProblem
from diffc.ir import Graph, Node, Type, parse_type
from diffc.ops import REGISTRY, evaluate, input_node
from diffc.ops.arithmetic import mul
from diffc.ops.broadcasting import sum_
from diffc.ops.determinants import det
from diffc.ops.linalg import inv, slogdet, solve, solve_rows, triangular_solve
from diffc.ops.matrices import as_row, diagonal
from diffc.ops.products import matmul
from diffc.syntax import print_graph, read_graph

RNG = np.random.default_rng(0)
A = RNG.normal(size=(2, 3, 3)) + 3 * np.eye(3)
R = RNG.normal(size=(2, 4, 3))
SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


def direct(name, *nodes):
    return Node.make(REGISTRY[name], nodes)


def lower(a, r):
    return triangular_solve(a, r)


def upper(a, r):
    return triangular_solve(a, r, lower=False)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_are_those_of_lapack(dtype):
    a, r = A.astype(dtype), R.astype(dtype)
    tolerance = 1e-13 if dtype is np.float64 else 1e-4
    expected = {
        solve_rows: np.linalg.solve(a, r.swapaxes(-1, -2)),
        lower: np.stack(
            [scipy.linalg.solve_triangular(m, b.T, lower=True) for m, b in zip(a, r, strict=True)]
        ),
        upper: np.stack([scipy.linalg.solve_triangular(m, b.T) for m, b in zip(a, r, strict=True)]),
    }
    for build, columns in expected.items():
        found = run(build, a, r)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, columns.swapaxes(-1, -2), rtol=tolerance, atol=tolerance)


DIFFERENTIATED = {
    "solve": (solve_rows, (A, R)),
    "lower": (lower, (A, R)),
    "upper": (upper, (A, R)),
    "solve a vector": (solve, (A, R[0, 0])),
    "solve matrices": (solve, (A[0], R.swapaxes(-1, -2))),
    "inv": (inv, (A,)),
    "det by elimination": (lambda a: direct("det", a), (A / 3,)),
    "det by a polynomial": (det, (A / 3,)),
    "slogdet": (lambda a: direct("slogdet", a), (A,)),
}


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_derivatives_to_second_order(name):
    build, arrays = DIFFERENTIATED[name]
    assert_derivatives(build, *arrays)


def test_only_one_triangle_is_read():
    a, r = A[0], R[0]
    for build, other in (
        (lower, np.triu(np.full((3, 3), np.nan), 1)),
        (upper, np.tril(np.full((3, 3), np.nan), -1)),
    ):
        nodes = inputs_like(a, r)
        value = Graph("f", tuple(nodes), (sum_(build(*nodes)),))
        np.testing.assert_array_equal(run(build, a + other, r), run(build, a, r))
        gradient = evaluate(grad(value), a + other, r)[0]
        np.testing.assert_array_equal(gradient, evaluate(grad(value), a, r)[0])
        assert not np.any(gradient[np.isnan(other)])


def test_the_right_side_follows_the_rule_of_numpy_2():
    for a, b in [
        (A[0], R[0, 0]),
        (A, R[0, 0]),
        (A[0], R[0].T),
        (A, R[0].T),
        (A[0], R.swapaxes(-1, -2)),
        (A[:, None], R.swapaxes(-1, -2)),
        (A, RNG.normal(size=(3, 3))),
    ]:
        np.testing.assert_allclose(run(solve, a, b), np.linalg.solve(a, b), rtol=1e-12)


def test_what_numpy_refuses_is_nan_for_that_matrix_alone():
    stack = np.stack([SINGULAR, np.eye(2)])
    right = np.ones((2, 1, 2))
    assert np.isnan(run(solve_rows, stack, right)[0]).all()
    assert (run(solve_rows, stack, right)[1] == 1).all()
    assert np.isnan(run(lower, np.array([[1.0, 5.0], [2.0, 0.0]]), right[0])).all()


@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2), (2, 0, 0), (1, 1)])
def test_no_matrices_and_no_rows(shape):
    a = np.ones(shape)
    assert run(inv, a).shape == shape
    np.testing.assert_array_equal(run(det, a), np.linalg.det(a))
    np.testing.assert_array_equal(run(lambda x: slogdet(x)[1], a), np.linalg.slogdet(a)[1])


def test_what_does_not_fit_is_refused_by_name():
    square, wide = input_node("a", parse_type("f64[3, 3]")), input_node("b", parse_type("f64[3, 2]"))
    for call, text in [
        (lambda: solve(wide, square), "solve.*square matrices"),
        (lambda: solve(square, input_node("c", parse_type("f64[2]"))), "right side does not fit"),
        (lambda: solve(square, input_node("c", parse_type("f64"))), "right side does not fit"),
        (lambda: solve_rows(square, wide), "right sides are the rows"),
        (lambda: solve_rows(input_node("c", parse_type("i64[3, 3]")), wide), "both f64 or both f32"),
        (lambda: direct("det", wide), "square matrices, these are 3 by 2"),
        (lambda: direct("det", input_node("c", parse_type("i64[3, 3]"))), "f64 or f32 matrices"),
    ]:
        with pytest.raises(TypeProblem, match=text):
            call()


def test_integers_enter_as_f64():
    a = input_node("a", Type("i64", (2, 2)))
    assert inv(a).dtype == det(a).dtype == solve(a, input_node("b", Type("i64", (2,)))).dtype == "f64"


def test_symbolic_extents_and_the_text_form():
    a, b = input_node("a", parse_type("f64[N, N]")), input_node("b", parse_type("f64[N]"))
    graph = grad(Graph("f", (a, b), (sum_(triangular_solve(a, as_row(solve(a, b)))),)))
    read = read_graph(print_graph(graph))
    assert read.outputs[0] is graph.outputs[0]
    for n in (0, 1, 4):
        value = evaluate(graph, np.eye(n), np.ones(n))[0]
        assert value.shape == (n, n)
        assert np.isfinite(value).all()


# Published identities: Petersen and Pedersen, "The Matrix Cookbook" (2012)


def gradient_of(build, *arrays):
    nodes = inputs_like(*arrays)
    return evaluate(grad(Graph("f", tuple(nodes), (build(*nodes),))), *arrays)[0]


def test_the_gradient_of_log_det_is_the_inverse_transposed():
    np.testing.assert_allclose(gradient_of(lambda a: slogdet(a)[1], A[0]), np.linalg.inv(A[0]).T, rtol=1e-13)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_the_gradient_of_det_is_the_cofactor_matrix(n):
    a = np.random.default_rng(n).normal(size=(n, n))
    np.testing.assert_allclose(gradient_of(det, a), np.linalg.det(a) * np.linalg.inv(a).T, rtol=1e-11)


def test_the_gradient_of_det_is_exact_at_singular_matrices():
    assert gradient_of(det, SINGULAR).tolist() == [[4.0, -2.0], [-2.0, 1.0]]
    rank_two = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    assert gradient_of(det, rank_two).tolist() == [[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]]
    assert gradient_of(det, np.zeros((3, 3))).tolist() == np.zeros((3, 3)).tolist()


def test_the_gradient_of_trace_inverse_times_a_matrix():
    a, b = A
    found = gradient_of(lambda x, y: sum_(diagonal(matmul(inv(x), y))), a, b)
    inverse = np.linalg.inv(a)
    np.testing.assert_allclose(found, -(inverse @ b @ inverse).T, rtol=1e-12)


def test_the_hessian_of_log_det():
    """d2 log det(A) / dA[i, j] dA[k, m] = -inv(A)[j, k] inv(A)[m, i]."""
    (x,) = inputs_like(A[0])
    found = evaluate(hessian(Graph("f", (x,), (slogdet(x)[1],))), A[0])[0]
    inverse = np.linalg.inv(A[0])
    np.testing.assert_allclose(found, -np.einsum("jk,mi->ijkm", inverse, inverse), rtol=1e-12)


def test_mapping_gives_what_each_matrix_gives():
    for build in (solve_rows, lower, upper):
        nodes = inputs_like(A[0], R[0])
        graph = grad(Graph("f", tuple(nodes), (sum_(mul(build(*nodes), build(*nodes))),)), (0, 1))
        for axes in ((0, 0), (0, None), (None, 0)):
            arrays = [x if axis == 0 else x[0] for x, axis in zip((A, R), axes, strict=True)]
            mapped = evaluate(vmap(graph, axes), *arrays)
            for k in range(2):
                each = [x[k] if axis == 0 else x for x, axis in zip(arrays, axes, strict=True)]
                for whole, one in zip(mapped, evaluate(graph, *each), strict=True):
                    np.testing.assert_allclose(whole[k], one, rtol=1e-11, atol=1e-13)


def test_right_sides_of_one_matrix_are_solved_together():
    nodes = inputs_like(A[0], R[0])
    mapped = vmap(Graph("f", tuple(nodes), (solve_rows(*nodes),)), (None, 0), size=7)
    (system,) = [node for node in mapped.nodes if node.is_op("solve")]
    assert system.shape == (28, 3)
