"""Even powers of norms, roots and absolute values: Hessians where the inner derivative is a convention."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffc as dc

TWO, EYE = np.zeros(2), np.eye(2)
CASES: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "square": (lambda x: np.linalg.norm(x) ** 2, TWO, 2 * EYE),
    "product": (lambda x: np.linalg.norm(x) * np.linalg.norm(x), TWO, 2 * EYE),
    "Gaussian": (lambda x: np.exp(-(np.linalg.norm(x - 1) ** 2)), TWO + 1, -2 * EYE),
    "scaled": (lambda x: np.exp(-((np.linalg.norm(x) / 0.5) ** 2)), TWO, -8 * EYE),
    "multiple": (lambda x: (3 * np.linalg.norm(x)) ** 2, TWO, 18 * EYE),
    "axis": (lambda x: np.sum(np.linalg.norm(x.reshape(1, 2), axis=1, keepdims=True) ** 2), TWO, 2 * EYE),
    "fourth power": (lambda x: np.linalg.norm(x) ** 4, TWO, 0 * EYE),
    "deviation": (lambda x: np.std(x) ** 2, TWO + 3, EYE - 0.5),
    "root": (lambda x: np.sqrt(np.sum(x * x)) ** 2, TWO, 2 * EYE),
    "hypot": (lambda x: np.hypot(x[0], x[1]) ** 2, TWO, 2 * EYE),
    "abs": (lambda x: np.sum(np.abs(x) * np.abs(x)), TWO, 2 * EYE),
    "root of square": (lambda x: np.sum(np.sqrt(x**2) ** 2), TWO, 2 * EYE),
    "cbrt": (lambda x: np.sum(np.cbrt(x) ** 6), TWO, 2 * EYE),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_hessian(name: str, dtype: str) -> None:
    f, x, expected = CASES[name]
    x = x.astype(dtype)
    np.testing.assert_allclose(dc.hessian(f)(x), expected, 1e-6, 1e-6)
    np.testing.assert_allclose(dc.jacobian(dc.grad(f))(x), expected, 1e-6, 1e-6)
    np.testing.assert_allclose(dc.hvp(f)(x, np.ones_like(x)), expected.sum(1), 1e-6, 1e-6)


def test_a_factor_neither_overflows_nor_underflows_first() -> None:
    f = dc.parse("(c*norm(x))**2", {"c": "f64", "x": "f64[2]"})
    for c, r in [(1e-150, 1e150), (1e150, 1e-150), (1e-200, 1e100), (1e200, 1e-100)]:
        np.testing.assert_allclose(f(c, np.array([r, 0])), (c * r) ** 2, 1e-14)


def test_acosh_below_and_at_one() -> None:
    assert np.isnan(dc.jit(np.arccosh)(np.array([-1e308, -1e16, -1e8, -1.0, 0.5]))).all()
    assert dc.grad(np.arccosh)(1.0) == np.inf
