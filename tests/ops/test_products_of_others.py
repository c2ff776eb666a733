"""Derivatives of products whose partial products leave the range of their format, against exact rationals."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

import diffc as dc

RANGES = {
    "f8": ([0, 1e200, 1e-200, -1e300, 1e-300, 3.0], 1e-14),
    "f4": ([0, 1e30, 1e-30, -1e35, 1e-35, 3.0], 1e-6),
}


def exact(x, left_out):
    """Return the product of the other elements, rounded once: an infinity where it is too large."""
    product = Fraction(1)
    for k, each in enumerate(x):
        product *= 1 if k in left_out else Fraction(float(each))
    largest = Fraction(float(np.finfo(x.dtype).max))
    if abs(product) > largest:
        return np.inf if product > 0 else -np.inf
    return float(product)


def gradient(x):
    return np.array([exact(x, {k}) for k in range(len(x))])


def curvature(x):
    result = np.zeros((len(x), len(x)))
    for i, j in combinations(range(len(x)), 2):
        result[i, j] = result[j, i] = exact(x, {i, j})
    return result


def close(found, expected, dtype):
    tiny = {"f8": 1e-305, "f4": 1e-36}[dtype]
    np.testing.assert_allclose(found, expected, RANGES[dtype][1], tiny)


@pytest.mark.parametrize("dtype", RANGES)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 12])
def test_gradient_and_hessian(dtype, length):
    g, h = dc.grad(np.prod), dc.hessian(np.prod)
    hv, reverse = dc.hvp(np.prod), dc.grad(lambda x, v: np.sum(dc.grad(np.prod)(x) * v))
    draw = np.random.default_rng(length)
    for _ in range(20):
        weights = [0.1, *[0.18] * 5]
        x = draw.choice(RANGES[dtype][0], length, p=weights).astype(dtype)
        first, second = gradient(x), curvature(x)
        close(g(x), first, dtype)
        close(h(x), second, dtype)
        unit = np.eye(length, dtype=dtype)[0]
        if np.isfinite(second).all():
            close(hv(x, unit), second[0], dtype)
            close(reverse(x, unit), second[0], dtype)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_symbolic_extent(n):
    f = dc.parse("prod(x)", {"x": "f64[N]"})
    x = np.array([1e200, 1e200, 1e-200, 1e-200, 2.0])[:n]
    close(dc.grad(f)(x), gradient(x), "f8")
    close(dc.hessian(f)(x), curvature(x), "f8")


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (1, 0)])
def test_axes(axis):
    x = np.array([[1e200, 1e-200, 2.0], [1e200, 1e-200, 0.5]])
    found = dc.grad(lambda x: np.sum(np.prod(x, axis=axis)))(x)
    whole = (0, 1) if axis is None else tuple(np.atleast_1d(axis) % 2)
    lines = {(0, 1): [x.ravel()], (0,): x.T, (1,): x}[tuple(sorted(whole))]
    expected = np.array([gradient(line) for line in lines])
    np.testing.assert_allclose(found, expected.T if whole == (0,) else expected.reshape(2, 3), 1e-14)


def test_many_factors():
    x = np.where(np.arange(5000) % 100 < 50, 1e3, 1e-3)
    np.testing.assert_allclose(dc.grad(np.prod)(x), 1 / x, 1e-11)
    batch = np.stack([x, x[::-1], np.ones(5000)])
    np.testing.assert_allclose(dc.vmap(dc.grad(np.prod))(batch), 1 / batch, 1e-11)


def test_infinities_and_nan():
    g = dc.grad(np.prod)
    np.testing.assert_array_equal(g(np.array([np.inf, 2.0, 3.0])), [6, np.inf, np.inf])
    np.testing.assert_array_equal(g(np.array([np.inf, 0.0, 3.0])), [0, np.inf, np.nan])
    np.testing.assert_array_equal(g(np.array([np.nan, 0.0, 3.0])), [0, np.nan, np.nan])


def test_ordinary_products_keep_every_bit():
    x = np.random.default_rng(0).uniform(-3, 3, 30)
    found = dc.grad(np.prod)(x)
    before, after = np.cumprod(np.r_[1, x[:-1]]), np.cumprod(np.r_[1, x[:0:-1]])[::-1]
    np.testing.assert_array_equal(found, before * after)
