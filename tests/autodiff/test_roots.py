"""Smooth functions of a norm, an absolute value or a root: gradients and Hessians where that is 0."""

import numpy as np
import pytest

import diffc as dc

norm, EYE = np.linalg.norm, np.eye(2)
ROOTS = {
    "norm": norm,
    "root": lambda x: np.sqrt(np.sum(x**2)),
    "hypot": lambda x: np.hypot(x[0], x[1]),
    "axis": lambda x: norm(x.reshape(1, 2), axis=1)[0],
    "kept axis": lambda x: norm(x, keepdims=True)[0],
}
SMOOTH = {
    "1 - cos": (lambda r: 1 - np.cos(r), 1),
    "cosh of a multiple": (lambda r: np.cosh(3 * r), 9),
    "r sin": (lambda r: r * np.sin(r), 2),
    "r tanh": (lambda r: r * np.tanh(r), 2),
    "sinc": (np.sinc, -(np.pi**2) / 3),
    "log cosh": (lambda r: np.log(np.cosh(r)), 1),
    "root of 1 + r**2": (lambda r: np.sqrt(1 + r**2), 1),
    "exp cos": (lambda r: np.exp(np.cos(r)), -np.e),
    "Matern 3/2": (lambda r: (1 + r) * np.exp(-r), -1),
}
KINKED = {"r": lambda r: r, "exp(-r)": lambda r: np.exp(-r), "(r - 1)**2": lambda r: (r - 1) ** 2}


@pytest.mark.parametrize("function", SMOOTH)
@pytest.mark.parametrize("root", ROOTS)
def test_hessian_at_zero(function, root):
    f, curvature = SMOOTH[function]

    def h(x):
        return f(ROOTS[root](x))

    for x in (np.zeros(2), np.zeros(2, "f4")):
        np.testing.assert_allclose(dc.grad(h)(x), 0, atol=1e-6)
        np.testing.assert_allclose(dc.hessian(h)(x), curvature * EYE, 1e-6, 1e-6)
    np.testing.assert_allclose(dc.hvp(h)(np.zeros(2), np.ones(2)), [curvature] * 2, 1e-12)
    np.testing.assert_allclose(dc.grad(lambda x: dc.grad(h)(x)[0])(np.zeros(2)), [curvature, 0], 1e-12, 1e-12)


@pytest.mark.parametrize("function", SMOOTH)
@pytest.mark.parametrize("root", ["abs(x)", "hypot(x, 0)", "sqrt(x**2)", "abs(2*x)/2"])
def test_scalars(function, root):
    f, curvature = SMOOTH[function]
    r = dc.parse(root)
    h = dc.trace(lambda x: f(r(x)), dc.f64())
    assert dc.grad(h)(0.0) == pytest.approx(0, abs=1e-12)
    for second in (dc.derivative(h, "x", 2), dc.hessian(h), dc.grad(dc.grad(h))):
        assert second(0.0) == pytest.approx(curvature, rel=1e-12)


@pytest.mark.parametrize("function", KINKED)
def test_what_is_not_smooth_keeps_its_convention(function):
    for root in ("norm", "hypot", "axis"):

        def h(x, r=ROOTS[root]):
            return KINKED[function](r(x))

        np.testing.assert_array_equal(dc.grad(h)(np.zeros(2)), [0, 0])
        np.testing.assert_array_equal(dc.hessian(h)(np.zeros(2)), np.zeros((2, 2)))


def test_pairs_at_equal_points():
    p = np.array([[0.5, 1.0], [1.5, 3.0], [0.5, 1.0]])

    def kernel(p):
        r = norm(p[:, None] - p[None], axis=-1)
        return np.sum((1 + r) * np.exp(-r))

    np.testing.assert_allclose(dc.hessian(kernel)(p)[0, :, 2, :], 2 * EYE, 1e-12, 1e-12)


def test_other_places_of_a_chain_are_not_the_root():
    # |x0| |x1| has no second derivative where one is 0 and the other is not.
    def f(x):
        r = norm(x[:, None], axis=1)
        return np.sum(r[1:] * r[:-1])

    np.testing.assert_array_equal(np.diag(dc.hessian(f)(np.array([0.0, 2.0]))), [0, 0])


def test_away_from_zero_nothing_changes():
    x = np.array([0.3, -0.2])
    for f, _ in SMOOTH.values():

        def h(x, f=f):
            return f(norm(x))

        g = dc.grad(h)
        rows = [(g(x + 1e-5 * each) - g(x - 1e-5 * each)) / 2e-5 for each in EYE]
        np.testing.assert_allclose(dc.hessian(h)(x), rows, 1e-6, 1e-6)
