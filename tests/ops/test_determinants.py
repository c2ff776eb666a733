"""Determinants: their gradients and Hessians at singular matrices, against minors in long numbers."""

from __future__ import annotations

from itertools import product

import mpmath
import numpy as np
import pytest

import diffc as dc

RNG = np.random.default_rng(3)


def minor(a, rows, columns):
    """Return the determinant without some rows and columns, with 50 digits."""
    rest = np.delete(np.delete(a, rows, 0), columns, 1)
    with mpmath.workdps(50):
        return float(mpmath.det(mpmath.matrix(rest.tolist()))) if rest.size else 1.0


def gradient(a):
    """Return the cofactors."""
    n = len(a)
    return np.array([[(-1) ** (i + j) * minor(a, [i], [j]) for j in range(n)] for i in range(n)])


def hessian(a):
    """Return the signed minors that lack two rows and two columns."""
    result = np.zeros(a.shape * 2)
    for i, j, k, m in product(range(len(a)), repeat=4):
        if i != k and j != m:
            turn = 1 if (i < k) == (j < m) else -1
            result[i, j, k, m] = turn * (-1) ** (i + j + k + m) * minor(a, [i, k], [j, m])
    return result


def matrices(n):
    """Return matrices of full rank, of rank n - 1, n - 2 and less."""
    a = RNG.normal(size=(n, n))
    dependent = a.copy()
    dependent[-1] = a[0] + a[1]
    low = RNG.normal(size=(n, n - 2)) @ RNG.normal(size=(n - 2, n))
    last = [np.diag(np.arange(1.0, n + 1) % n), np.diag([1.0] * (n - 2) + [0.0, 0.0])]
    return [a, np.eye(n), np.zeros((n, n)), np.ones((n, n)), dependent, low, *last]


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_derivatives_at_every_rank(n):
    slope, bend = dc.grad(np.linalg.det), dc.hessian(np.linalg.det)
    for a in matrices(n):
        np.testing.assert_allclose(slope(a), gradient(a), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(bend(a), hessian(a), rtol=1e-12, atol=1e-12)


def test_stacks_and_single_precision():
    stack = np.stack(matrices(4))
    f = dc.trace(lambda a: np.sum(np.linalg.det(a)), dc.f64("M", "N", "N"))
    expected = np.stack([gradient(a) for a in stack])
    np.testing.assert_allclose(dc.grad(f)(stack), expected, rtol=1e-12, atol=1e-12)
    each = dc.vmap(dc.grad(dc.trace(np.linalg.det, dc.f64(4, 4))))
    np.testing.assert_allclose(each(stack), expected, rtol=1e-12, atol=1e-12)
    single = dc.grad(dc.trace(np.linalg.det, dc.f32(4, 4)))(np.diag([1, 2, 3, 0]).astype("f4"))
    np.testing.assert_allclose(single, np.diag([0, 0, 0, 6]), atol=1e-5)


def test_the_third_derivative_divides_and_is_nan_at_singular_matrices():
    def third(a):
        return np.sum(dc.grad(lambda b: np.sum(dc.grad(np.linalg.det)(b) ** 3))(a) ** 2)

    assert np.all(np.isfinite(dc.grad(third)(np.eye(4))))
    assert np.all(np.isnan(dc.grad(third)(np.diag([1.0, 2, 3, 0]))))
    assert np.all(np.isnan(dc.grad(np.linalg.det)(np.full((4, 4), np.nan))))
