"""numpy.linalg on traced values: NumPy's own results, names and dtypes; derivatives by kernels."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.frontends.numpy.registry import BUILDERS, REFUSED
from diffc.ops import evaluate

RNG = np.random.default_rng(2)
TYPES = {"float64": dc.f64, "float32": dc.f32}
L = np.linalg
SQUARE = RNG.normal(size=(2, 3, 3)) + 2 * np.eye(3)
DEFINITE = SQUARE @ SQUARE.swapaxes(-1, -2)
TALL, WIDE = RNG.normal(size=(5, 3)), RNG.normal(size=(3, 5))
VECTOR, PAIR, TENSOR = RNG.normal(size=3), RNG.normal(size=(3, 2)), RNG.normal(size=(2, 3, 4))


def leaves(value):
    return list(value) if isinstance(value, tuple) else [value]


def compare(function, *arrays):
    """Compare a plain function, traced and run by the interpreter, with what NumPy gives for it."""
    types = [TYPES[str(a.dtype)](*a.shape) for a in arrays]
    traced = dc.trace(function, *types)
    for found, expected in zip(evaluate(traced.graph, *arrays), leaves(function(*arrays)), strict=True):
        wanted = np.asarray(expected)
        assert found.shape == wanted.shape
        assert found.dtype == wanted.dtype or wanted.dtype.kind == "i"
        single = found.dtype == np.float32
        np.testing.assert_allclose(
            found, wanted, rtol=1e-3 if single else 1e-9, atol=1e-4 if single else 1e-12
        )


CALLS = {
    "solve": (L.solve, SQUARE, PAIR),
    "solve a vector": (L.solve, SQUARE, VECTOR),
    "inv": (L.inv, SQUARE),
    "det": (L.det, SQUARE),
    "det, 5 by 5": (L.det, RNG.normal(size=(5, 5))),
    "slogdet": (L.slogdet, SQUARE),
    "cholesky": (L.cholesky, DEFINITE),
    "cholesky, upper": (lambda a: L.cholesky(a, upper=True), DEFINITE),
    "eigh": (L.eigh, DEFINITE),
    "eigvalsh": (lambda a: L.eigvalsh(a, UPLO="U"), DEFINITE),
    "qr": (L.qr, SQUARE),
    "qr, complete": (lambda a: L.qr(a, mode="complete"), SQUARE),
    "svd": (L.svd, SQUARE),
    "pinv, rcond": (lambda a: L.pinv(a, 0.5), TALL),
    "pinv, rtol": (lambda a: L.pinv(a, rtol=None), TALL),
    "lstsq": (L.lstsq, TALL, RNG.normal(size=(5, 2))),
    "lstsq, vector": (L.lstsq, TALL, RNG.normal(size=5)),
    "lstsq, wide": (L.lstsq, WIDE, VECTOR),
    "lstsq, square": (lambda a, b: L.lstsq(a, b, rcond=-1), SQUARE[0], PAIR),
    "matrix_rank": (L.matrix_rank, np.outer(VECTOR, VECTOR)),
    "matrix_rank, tol": (lambda a: L.matrix_rank(a, 2.0), SQUARE),
    "matrix_rank, rtol": (lambda a: L.matrix_rank(a, rtol=0.4), SQUARE),
    "matrix_rank of a vector": (L.matrix_rank, VECTOR),
    "tensorinv": (L.tensorinv, RNG.normal(size=(4, 6, 8, 3))),
    "tensorinv, ind": (lambda a: L.tensorinv(a, ind=1), RNG.normal(size=(6, 2, 3))),
    "tensorsolve": (L.tensorsolve, RNG.normal(size=(2, 3, 6)), RNG.normal(size=(2, 3))),
    "tensorsolve, axes": (
        lambda a, b: L.tensorsolve(a, b, axes=(1,)),
        RNG.normal(size=(2, 6, 3)),
        RNG.normal(size=(2, 3)),
    ),
    "multi_dot": (lambda a, b, c: L.multi_dot([a, b, c]), VECTOR, WIDE, TALL),
    "multi_dot of matrices": (lambda a, b, c, d: L.multi_dot([a, b, c, d]), WIDE, TALL, PAIR, PAIR.T),
    "matrix_transpose": (L.matrix_transpose, TENSOR),
    "diagonal": (lambda a: L.diagonal(a, offset=1), TENSOR),
    "trace": (lambda a: L.trace(a, offset=-1), TENSOR),
    "cross": (L.cross, VECTOR, SQUARE),
    "outer": (L.outer, VECTOR, VECTOR),
    "vecdot": (L.vecdot, VECTOR, SQUARE),
    "matmul": (L.matmul, SQUARE, PAIR),
    "tensordot": (lambda a, b: L.tensordot(a, b, axes=1), SQUARE, PAIR),
    "vector_norm": (lambda a: L.vector_norm(a, axis=(0, 2), ord=3), TENSOR),
    "vector_norm of all": (L.vector_norm, TENSOR),
    "matrix_norm": (lambda a: L.matrix_norm(a, ord="nuc", keepdims=True), TENSOR),
    "norm of all": (lambda a: L.norm(a, keepdims=True), TENSOR),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CALLS)
def test_the_results_are_numpys(name, dtype):
    function, *arrays = CALLS[name]
    compare(function, *[a.astype(dtype) for a in arrays])


@pytest.mark.parametrize("matrix", [TALL, WIDE, SQUARE])
def test_matrices_of_every_shape(matrix):
    for function in (
        L.qr,
        L.svdvals,
        L.pinv,
        L.matrix_rank,
        L.cond,
        lambda a: L.qr(a, mode="r"),
        lambda a: L.svd(a, full_matrices=False),
        lambda a: L.svd(a, compute_uv=False),
    ):
        compare(function, matrix)


LOW = RNG.normal(size=(5, 2)) @ RNG.normal(size=(2, 4))


@pytest.mark.parametrize("rcond", [None, -1, 0.3])
@pytest.mark.parametrize("matrix", [LOW, LOW.T, np.ones((4, 2)), np.zeros((3, 2)), WIDE])
def test_least_squares_of_any_rank(matrix, rcond):
    for right in (np.arange(len(matrix)) * 1.0, RNG.normal(size=(len(matrix), 2))):
        x, gaps, rank, values = dc.jit(lambda a, b: L.lstsq(a, b, rcond=rcond))(matrix, right)
        wanted = L.lstsq(matrix, right, rcond=rcond)
        np.testing.assert_allclose(x, wanted[0], rtol=1e-12, atol=1e-12)
        assert rank == wanted[2]
        np.testing.assert_allclose(values, wanted[3], atol=1e-12)
        assert rank == min(matrix.shape) or np.all(np.isnan(gaps))
        assert dc.jit(lambda a, b: L.lstsq(a, b)[0])(matrix.astype("f4"), right).dtype == np.float64


def test_least_squares_of_symbolic_rows_are_nan_without_full_rank():
    f = dc.trace(lambda a, b: L.lstsq(a, b)[0], dc.f64("N", 2), dc.f64("N"))
    assert np.all(np.isnan(f(np.ones((4, 2)), np.arange(4.0))))
    np.testing.assert_allclose(
        f(LOW[:, :2], np.arange(5.0)), L.lstsq(LOW[:, :2], np.arange(5.0))[0], rtol=1e-12
    )


def test_derivatives_of_least_squares_where_the_rank_is_constant():
    left, right, step = RNG.normal(size=(5, 2)), RNG.normal(size=(2, 4)), RNG.normal(size=(5, 2))

    def size(t):
        return np.sum(L.lstsq((left + t * step) @ right, np.arange(5.0), rcond=1e-10)[0] ** 2)

    f, h = dc.trace(size, t=dc.f64()), 1e-4
    assert dc.grad(f)(0.0) == pytest.approx((size(h) - size(-h)) / (2 * h), rel=1e-5)
    bend = (size(h) - 2 * size(0.0) + size(-h)) / h**2
    assert dc.derivative(f, "t", 2)(0.0) == pytest.approx(bend, rel=1e-4)


@pytest.mark.parametrize("n", [-3, -2, -1, 0, 1, 2, 3, 7])
def test_powers(n):
    compare(lambda a: L.matrix_power(a, n), SQUARE)


@pytest.mark.parametrize("order", [None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc"])
def test_norms_of_matrices(order):
    for axes in ((0, 1), (1, 0), (2, 0), (-1, -2)):
        compare(lambda a, axes=axes: L.norm(a, order, axes), TENSOR)
        compare(lambda a, axes=axes: L.norm(a, order, axes, keepdims=True), TENSOR)
    compare(lambda a: L.norm(a, order), TALL)
    compare(lambda a: L.cond(a, order), SQUARE)


@pytest.mark.parametrize("order", [None, 0, 1, -1, 2, -2, 3, 0.5, np.inf, -np.inf])
def test_norms_of_vectors(order):
    compare(lambda a: L.norm(a, order), VECTOR)
    compare(lambda a: L.norm(a, order, axis=1, keepdims=True), TENSOR)


def test_a_singular_matrix_has_an_infinite_condition_number():
    for order in (1, np.inf, "fro"):
        f = dc.trace(lambda a, order=order: np.linalg.cond(a, order), dc.f64(2, 2))
        assert f(np.ones((2, 2))) == np.inf
        assert np.isnan(f(np.full((2, 2), np.nan)))


def test_results_have_the_names_of_numpy():
    def named(a):
        (sign, log), (w, v) = L.slogdet(a), L.eigh(a)
        return L.slogdet(a).logabsdet - log + L.eigh(a).eigenvalues - w, L.eigh(a).eigenvectors - v, sign

    found = dc.trace(named, dc.f64(3, 3))(DEFINITE[0])
    assert not np.any(found[0])
    assert not np.any(found[1])
    assert found[2] == 1
    for function in (L.slogdet, L.eigh, L.qr, L.svd):
        assert BUILDERS[function](np.eye(2))._fields == function(np.eye(2))._fields


def test_every_function_of_numpy_linalg_is_supported_or_refused_with_a_reason():
    functions = [getattr(L, name) for name in L.__all__ if name != "LinAlgError"]
    assert [each for each in functions if each not in BUILDERS and each not in REFUSED] == []
    with pytest.raises(dc.DiffcError, match=r"numpy\.linalg\.eig cannot be traced: its results are complex"):
        dc.trace(lambda a: L.eig(a), dc.f64(2, 2))


def test_what_is_not_supported_says_so():
    for function, text in [
        (lambda a: L.svd(a), "full_matrices=False"),
        (lambda a: L.qr(a, mode="complete"), "use 'reduced' or 'r'"),
        (lambda a: L.qr(a[0]), "matrices in the last two axes"),
        (lambda a: L.eigh(a, UPLO="X"), "UPLO is 'L' or 'U'"),
        (lambda a: L.norm(a, "nuc", axis=0), "ord='nuc' is for matrices"),
        (lambda a: L.norm(a, 3), "ord=3 is none of"),
        (lambda a: L.norm(a[None], 2), "over one axis or two"),
        (lambda a: L.matrix_norm(a[0]), "it takes matrices"),
        (lambda a: L.pinv(a, hermitian=True), "'hermitian' is not supported"),
        (lambda a: L.outer(a, a), "two vectors"),
        (lambda a: L.multi_dot([a]), "two or more"),
        (lambda a: L.tensorinv(a, ind=2), "does not divide the axes"),
        (lambda a: L.lstsq(a, a[0, :1]), "as many rows"),
        (lambda a: L.inv(a), "square matrices"),
    ]:
        with pytest.raises(dc.DiffcError, match=text):
            dc.trace(function, dc.f64(2, 3))


# Derivatives, by kernels


def kernel(function, *types):
    return dc.compile(dc.grad(dc.trace(function, *types)), cache=False)


def test_the_marginal_likelihood_of_a_gaussian_process():
    """d log p / dK = (alpha alpha^T - inv(K))/2: Rasmussen and Williams (2006), equation 5.9."""

    def likelihood(k, y):
        factor = np.linalg.cholesky(k)
        alpha = np.linalg.solve(factor.T, np.linalg.solve(factor, y))
        return -0.5 * y @ alpha - np.sum(np.log(np.diagonal(factor))) - 0.5 * y.shape[0] * np.log(2 * np.pi)

    y = RNG.normal(size=3)
    inverse = np.linalg.inv(DEFINITE[0])
    expected = (np.outer(inverse @ y, inverse @ y) - inverse) / 2
    found = kernel(likelihood, dc.f64("N", "N"), dc.f64("N"))(DEFINITE[0], y)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_least_squares_by_golub_and_pereyra():
    """d(pinv(A) b) for a tall A, by the normal equations, which are exact enough at this condition."""
    b, weights = RNG.normal(size=5), RNG.normal(size=3)
    found = kernel(lambda a, b: weights @ np.linalg.lstsq(a, b)[0], dc.f64("N", 3), dc.f64("N"))(TALL, b)
    gram = np.linalg.inv(TALL.T @ TALL)
    x = gram @ TALL.T @ b
    v = gram @ weights
    expected = np.outer(b - TALL @ x, v) - np.outer(TALL @ v, x)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_least_squares_keep_the_digits_that_normal_equations_lose():
    a = np.vander(np.linspace(0, 1, 16), 11)
    b = a @ np.ones(11)
    assert np.linalg.cond(a) > 1e7
    assert np.abs(np.linalg.solve(a.T @ a, a.T @ b) - 1).max() > 1e-4
    f = dc.trace(lambda a, b: np.linalg.lstsq(a, b)[0], dc.f64(16, 11), dc.f64(16))
    np.testing.assert_allclose(dc.compile(f, cache=False)(a, b), np.ones(11), rtol=1e-7)


@pytest.mark.parametrize("order", [None, 1.5, 2, 3])
def test_the_gradient_of_a_norm_at_0_is_0(order):
    assert not np.any(kernel(lambda x: np.linalg.norm(x, order), dc.f64(3))(np.zeros(3)))


def test_the_spectral_and_the_nuclear_norm():
    u, _, vt = np.linalg.svd(TALL, full_matrices=False)
    by_two = kernel(lambda a: np.linalg.norm(a, 2), dc.f64(5, 3))(TALL)
    np.testing.assert_allclose(by_two, np.outer(u[:, 0], vt[0]), rtol=1e-10)
    by_all = kernel(lambda a: np.linalg.norm(a, "nuc"), dc.f64(5, 3))(TALL)
    np.testing.assert_allclose(by_all, u @ vt, rtol=1e-10)


@pytest.mark.parametrize("n", [-2, 0, 1, 3])
def test_the_gradient_of_the_trace_of_a_power(n):
    """d tr(A**n) = n (A**(n-1))^T."""
    found = kernel(lambda a: np.trace(np.linalg.matrix_power(a, n)), dc.f64(3, 3))(SQUARE[0])
    expected = n * np.linalg.matrix_power(SQUARE[0], n - 1).T
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
