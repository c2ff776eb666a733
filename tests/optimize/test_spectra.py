"""Functions of symmetric matrices in the spellings that people use, compiled, where eigenvalues are equal."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from numpy.linalg import eigh, eigvalsh

import diffc as dc

W = np.array([[1.0, 2, 0.5], [2, 5, -1], [0.5, -1, 0.2]])
B = np.array([0.3, -1.2, 0.7])
TURN = np.array([[0.3, -1.0, 0.5], [-1.0, 0.2, 0.9], [0.5, 0.9, -0.7]])
BASIS = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]


def reading(build):
    """Return <W, f(a)> as a function of a, from what makes f(a) of eigenvalues and eigenvectors."""
    return lambda a: np.sum(build(*eigh(a)) * W)


MATRICES = {
    "scaled columns": lambda e, v: (v * np.exp(e)) @ v.T,
    "scaled from the left": lambda e, v: (np.exp(e) * v) @ v.T,
    "diag": lambda e, v: v @ np.diag(np.exp(e)) @ v.T,
    "diag, the right product first": lambda e, v: v @ (np.diag(np.exp(e)) @ v.T),
    "an identity times the values": lambda e, v: v @ (np.eye(3) * np.exp(e)) @ v.T,
    "scaled rows": lambda e, v: v @ (np.exp(e)[:, None] * v.T),
    "einsum": lambda e, v: np.einsum("ij,j,kj->ik", v, np.exp(e), v),
    "einsum of a diagonal": lambda e, v: np.einsum("ij,jk,lk->il", v, np.diag(np.exp(e)), v),
    "dot": lambda e, v: v.dot(np.diag(np.exp(e))).dot(v.T),
    "multi_dot": lambda e, v: np.linalg.multi_dot([v, np.diag(np.exp(e)), v.T]),
    "two halves": lambda e, v: (v * np.exp(e / 2)) @ (v * np.exp(e / 2)).T,
    "the inverse": lambda e, v: v @ np.diag(np.exp(e)) @ np.linalg.inv(v),
    "a solution": lambda e, v: v @ np.diag(np.exp(e)) @ np.linalg.solve(v, np.eye(3)),
    "divided": lambda e, v: (v / np.exp(-e)) @ v.T,
    "negated twice": lambda e, v: -(v * -np.exp(e)) @ v.T,
    "a factor outside": lambda e, v: 2 * ((v * (np.exp(e) / 2)) @ v.T),
}
VECTORS = {
    "applied to a vector": lambda e, v: v @ (np.exp(e) * (v.T @ B)),
    "a quadratic form": lambda e, v: B @ v @ np.diag(np.exp(e)) @ v.T,
    "a row vector": lambda e, v: ((B @ v) * np.exp(e)) @ v.T,
    "under a solution": lambda e, v: np.linalg.solve((v * np.exp(-e)) @ v.T, B),
}
SUMS = {
    "trace": (lambda a: np.trace((lambda e, v: (v * np.exp(e)) @ v.T)(*eigh(a))), mpmath.exp),
    "squares": (lambda a: np.sum(eigvalsh(a) ** 2), lambda x: x**2),
    "product with itself": (lambda a: eigvalsh(a) @ eigvalsh(a), lambda x: x**2),
    "logarithms": (lambda a: np.log(eigvalsh(a)).sum(), mpmath.log),
    "entropy": (lambda a: -np.sum(eigvalsh(a) * np.log(eigvalsh(a))), lambda x: -x * mpmath.log(x)),
    "mean": (lambda a: np.mean(eigh(a)[0] ** 3), lambda x: x**3 / 3),
    "the norm's square": (lambda a: np.linalg.norm(eigvalsh(a)) ** 2, lambda x: x**2),
    "a constant factor": (lambda a: np.sum(3.0 * np.sqrt(eigvalsh(a))), lambda x: 3 * mpmath.sqrt(x)),
}
GAPS = [(0, 0), (1e-12, 1e-12), (1e-6, 0), (0.3, 0), (1, 3)]


def matrix(gaps):
    if not any(gaps):
        return np.eye(3)
    a = (BASIS * (1 + np.cumsum([0, *gaps]))) @ BASIS.T
    return (a + a.T) / 2


def derivatives(value, a):
    """Return the first two derivatives along TURN."""
    with mpmath.workdps(70):
        step = mpmath.mpf(10) ** -20
        middle, turn = mpmath.matrix(a.tolist()), mpmath.matrix(TURN.tolist())
        ahead, here, behind = (value(middle + sign * step * turn) for sign in (1, 0, -1))
        return float(here), float((ahead - behind) / (2 * step)), float((ahead - 2 * here + behind) / step**2)


def matrix_value(weights):
    def value(a):
        values, vectors = mpmath.eigsy(a)
        return sum(
            mpmath.exp(values[k]) * weights[i, j] * vectors[i, k] * vectors[j, k]
            for k in range(3) for i in range(3) for j in range(3)
        )  # fmt: skip

    return value


def agrees(f, value, gaps):
    a = matrix(gaps)
    here, first, second = derivatives(value, a)
    assert dc.jit(f)(a) == pytest.approx(here, rel=1e-13, abs=1e-13)
    assert np.sum(dc.grad(f)(a) * TURN) == pytest.approx(first, rel=1e-13)
    assert np.sum(dc.hvp(f)(a, TURN) * TURN) == pytest.approx(second, rel=1e-12, abs=1e-12)
    assert np.einsum("ijkm,ij,km", dc.hessian(f)(a), TURN, TURN) == pytest.approx(
        second, rel=1e-12, abs=1e-12
    )


@pytest.mark.parametrize("name", MATRICES)
def test_functions_of_matrices(name):
    for gaps in GAPS:
        agrees(reading(MATRICES[name]), matrix_value(W), gaps)


@pytest.mark.parametrize("name", VECTORS)
def test_functions_of_matrices_times_vectors(name):
    for gaps in GAPS:
        agrees(lambda a: VECTORS[name](*eigh(a)) @ B, matrix_value(np.outer(B, B)), gaps)


@pytest.mark.parametrize("name", SUMS)
def test_sums_over_eigenvalues(name):
    f, function = SUMS[name]
    for gaps in GAPS:
        agrees(f, lambda a: sum(map(function, mpmath.eigsy(a, eigvals_only=True))), gaps)


def test_the_upper_triangle_is_read_where_it_is_asked_for():
    """As in NumPy; the gradient is that of the symmetric matrix."""
    lower = np.tril(matrix((1, 3))) + np.triu(np.full((3, 3), 9.0), 1)
    for uplo, a in (("L", lower), ("U", lower.T), ("u", lower.T)):

        def f(x, uplo=uplo):
            e, v = eigh(x, uplo)
            return np.sum(((v * np.exp(e)) @ v.T) * W)

        assert dc.jit(f)(a) == pytest.approx(f(a), rel=1e-13)
        found = dc.grad(f)(a)
        np.testing.assert_allclose(found, dc.grad(reading(MATRICES["diag"]))(matrix((1, 3))), rtol=1e-12)
        assert dc.jit(lambda x, uplo=uplo: eigvalsh(x, uplo))(a) == pytest.approx(
            eigvalsh(a, uplo), rel=1e-13
        )


def test_invariant_subspaces_with_equal_eigenvalues_inside():
    """The projector on a pair, and what is projected and scaled, by the last columns."""
    a = np.diag([1.0, 4.0, 4.0])

    def projected(x):
        _, v = eigh(x)
        return np.sum((v[:, -2:] @ v[:, -2:].T) * W)

    def scaled(x):
        e, v = eigh(x)
        return np.sum(((v[:, 1:] * np.sqrt(e[1:])) @ v[:, 1:].T) * W)

    expected = np.zeros((3, 3))
    expected[0, 1:] = expected[1:, 0] = W[0, 1:] / 3
    np.testing.assert_allclose(dc.grad(projected)(a), expected, rtol=1e-13)
    slopes = np.array([[0, 2 / 3, 2 / 3], [2 / 3, 1 / 4, 1 / 4], [2 / 3, 1 / 4, 1 / 4]])
    np.testing.assert_allclose(dc.grad(scaled)(a), slopes * W, rtol=1e-13)
    assert np.isfinite(dc.hessian(scaled)(a)).all()


def test_stacks_of_matrices_and_symbolic_extents():
    stack = np.stack([np.eye(3), matrix((0.3, 0)), matrix((1, 3))])

    def f(a):
        e, v = eigh(a)
        return np.sum(((v * np.exp(e)[:, None, :]) @ v.swapaxes(1, 2)) * W)

    single = dc.grad(reading(MATRICES["diag"]))
    expected = np.stack([single(a) for a in stack])
    np.testing.assert_allclose(dc.grad(f)(stack), expected, rtol=1e-12)
    np.testing.assert_allclose(dc.vmap(single)(stack), expected, rtol=1e-12)

    def weighted(a, w):
        e, v = eigh(a)
        return np.sum(((v * np.exp(e)) @ v.T) * w)

    general = dc.trace(weighted, "f64[N, N]", "f64[N, N]")
    np.testing.assert_allclose(dc.compile(dc.grad(general, "a"))(stack[1], W), expected[1], rtol=1e-12)
    for n in (0, 1):
        assert dc.compile(dc.grad(general, "a"))(np.eye(n), np.eye(n)) == pytest.approx(np.e * np.eye(n))
    totals = dc.grad(lambda a: np.sum(np.log(eigvalsh(a)) * np.array([[1.0], [2.0], [3.0]])))(stack)
    inverses = np.linalg.inv(stack) * np.array([1, 2, 3]).reshape(3, 1, 1)
    np.testing.assert_allclose(totals, inverses, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_dtypes(dtype):
    f = dc.grad(reading(MATRICES["scaled columns"]))
    found = f(np.eye(3, dtype=dtype))
    np.testing.assert_allclose(found, np.e * W, rtol=1e-5 if dtype == np.float32 else 1e-14)


def test_what_depends_on_the_choice_of_vectors_is_nan_and_what_does_not_is_not():
    identity = np.eye(3)
    for f in (
        lambda a: eigh(a)[1][0, 0],
        lambda a: np.sum(eigh(a)[1] ** 3),
        lambda a: np.sum((eigh(a)[1] * np.arange(3.0)) @ eigh(a)[1].T * W),
        lambda a: np.sum(np.linalg.svd(a)[0] ** 3),
    ):
        assert np.isnan(dc.grad(f)(identity)).any()
        assert np.isfinite(dc.grad(f)(matrix((1, 3)))).all()
    nothing = dc.grad(lambda a: np.sum((lambda e, v: v @ v.T)(*eigh(a)) * W))(identity)
    np.testing.assert_allclose(nothing, 0, atol=1e-15)


def test_vectors_alone_are_left_alone():
    text = str(dc.trace(lambda a: (lambda e, v: (v * np.exp(e)[::-1]) @ v.T)(*eigh(a)), dc.f64(3, 3)))
    assert "spectral" not in text
