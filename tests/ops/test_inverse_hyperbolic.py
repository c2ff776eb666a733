"""Derivatives of asinh and atanh where their textbook forms overflow or cancel."""

import mpmath
import numpy as np
import pytest

import diffc as dc


def slopes(name, x, order):
    """Return the derivative of an order at a point, from the formula as it is and compiled, in f64."""
    function = dc.derivative(dc.parse(f"{name}(x)"), "x", order)
    return float(function(x)), float(dc.compile(function, cache=False)(x))


@pytest.mark.parametrize("x", [0.0, 1e-300, -3e-9, 0.7, -40.0, 1e9, -1e153, 1e200, 1.7e308])
def test_slope_of_asinh(x):
    with mpmath.workdps(400):
        expected = float(1 / mpmath.sqrt(1 + mpmath.mpf(x) ** 2))
    assert slopes("asinh", x, 1) == pytest.approx((expected, expected), rel=1e-15, abs=0)


@pytest.mark.parametrize("x", [0.0, -3e-9, 0.7, -40.0, 1e9, -1e100])
def test_second_derivative_of_asinh(x):
    with mpmath.workdps(400):
        expected = float(-mpmath.mpf(x) / mpmath.sqrt(1 + mpmath.mpf(x) ** 2) ** 3)
    assert slopes("asinh", x, 2) == pytest.approx((expected, expected), rel=1e-14, abs=0)


@pytest.mark.parametrize("x", [0.0, 1e-300, 0.3, -0.9999, 1 - 2.0**-53, -1 + 2.0**-40])
def test_slopes_of_atanh(x):
    with mpmath.workdps(60):
        rest = 1 - mpmath.mpf(x) ** 2
        first, second = float(1 / rest), float(2 * mpmath.mpf(x) / rest**2)
    assert slopes("atanh", x, 1) == pytest.approx((first, first), rel=1e-15, abs=0)
    # Near 0 the slopes of 1 - x and 1 + x cancel: there the error is small beside 1.
    assert slopes("atanh", x, 2) == pytest.approx((second, second), rel=1e-14, abs=2e-16)


@pytest.mark.parametrize("name", ["asinh", "atanh"])
def test_f32_stays_f32(name):
    x = np.linspace(-0.9, 0.9, 37, dtype=np.float32)
    function = dc.parse(f"sum({name}(x))", inputs={"x": "f32[N]"})
    gradient = dc.compile(dc.grad(function), cache=False)(x)
    assert gradient.dtype == np.float32
    wide = x.astype(np.float64)
    expected = 1 / np.sqrt(1 + wide**2) if name == "asinh" else 1 / ((1 - wide) * (1 + wide))
    np.testing.assert_allclose(gradient, expected, rtol=3e-7)
