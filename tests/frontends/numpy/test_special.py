"""Functions of scipy.special that are no ufuncs: the values and dtypes are SciPy's."""

from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special

import diffc as dc
from diffc.frontends.numpy import builders as builders
from diffc.frontends.numpy.registry import NAMED, documented_name
from diffc.frontends.numpy.tracer import traced, untraced


def builder(name: str, **options: Any) -> Any:
    return lambda x: traced(NAMED[f"scipy.special.{name}"](untraced(x, ""), **options))


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"axis": -1}, {"axis": (0, 1)}])
def test_values(name: str, options: dict[str, Any]) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)) * 300
    plain = getattr(scipy.special, name)
    assert documented_name(plain) == f"scipy.special.{name}"
    got = dc.trace(builder(name, **options), dc.f64("N", 4))(x)
    np.testing.assert_allclose(got, plain(x, **options), rtol=1e-13, atol=1e-300)
    small = x.astype(np.float32) / 300
    got = dc.trace(builder(name, **options), dc.f32(3, 4))(small)
    assert np.asarray(got).dtype == np.asarray(plain(small, **options)).dtype or np.ndim(got) == 0
    np.testing.assert_allclose(got, plain(small, **options), rtol=3e-6)


def test_keepdims_and_derivatives() -> None:
    x = np.random.default_rng(1).normal(size=(2, 3))
    got = dc.trace(builder("logsumexp", axis=1, keepdims=True), dc.f64(2, 3))(x)
    np.testing.assert_allclose(got, scipy.special.logsumexp(x, 1, keepdims=True), rtol=1e-14)
    f = dc.trace(builder("logsumexp"), dc.f64(2, 3))
    p = scipy.special.softmax(x)
    np.testing.assert_allclose(dc.grad(f)(x), p, rtol=1e-12)
    second = np.diag(p.ravel()) - np.outer(p, p)
    np.testing.assert_allclose(dc.hessian(f)(x).reshape(6, 6), second, rtol=1e-11, atol=1e-16)


def test_polygamma_and_refusals() -> None:
    f = dc.trace(lambda x: traced(NAMED["scipy.special.polygamma"](1, untraced(x, ""))), dc.f64())
    assert abs(f(2.5) / scipy.special.polygamma(1, 2.5) - 1) < 1e-14


def weighted(**options: Any) -> Any:
    function = NAMED["scipy.special.logsumexp"]
    return lambda a, b: traced(function(untraced(a, ""), b=untraced(b, ""), **options))


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_weighted_sums_of_exponentials(axis: Any, keepdims: bool) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(3, 4)) * 50, rng.normal(size=(3, 4))
    a[0, 1], b[1, 2], a[2, 3] = -np.inf, 0.0, 900.0
    for weights in (b, np.abs(b), b[:, :1]):
        for return_sign in (False, True):
            options = {"axis": axis, "keepdims": keepdims, "return_sign": return_sign}
            f = dc.trace(weighted(**options), dc.f64(3, 4), dc.f64(*weights.shape))
            with np.errstate(all="ignore"):
                wanted = scipy.special.logsumexp(a, b=weights, **options)
            np.testing.assert_allclose(f(a, weights), wanted, rtol=1e-12)


def test_derivatives_by_weights_that_are_0() -> None:
    a, b = np.array([1.0, 2.0, 800.0]), np.array([1.0, 0.0, 2.0])
    f = dc.trace(weighted(), dc.f64(3), dc.f64(3))
    by_a, by_b = dc.grad(f, [0, 1])(a, b)
    size = f(a, b)
    np.testing.assert_allclose(by_a, b * np.exp(a - size), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(by_b, np.exp(a - size), rtol=1e-12, atol=1e-300)


def test_logarithms_of_the_normal_distribution_are_accurate_in_both_tails() -> None:
    f = dc.parse("log_ndtr(x)")
    first, second = dc.derivative(f, "x"), dc.derivative(f, "x", 2)
    with mpmath.workdps(60):
        for x in (-1e3, -37.5, -20.0, -5.0 - 1e-9, -5.0, -4.9, -1.0, -0.5, 0.0, 1.5, 8.0):
            below = mpmath.erfc(-mpmath.mpf(x) / mpmath.sqrt(2)) / 2
            ratio = mpmath.exp(-(mpmath.mpf(x) ** 2) / 2) / mpmath.sqrt(2 * mpmath.pi) / below
            wanted = (mpmath.log(below), ratio, -ratio * (x + ratio))
            for got, exact in zip((f(x), first(x), second(x)), wanted, strict=True):
                assert abs(got / exact - 1) < 1e-13
    assert f(np.inf) == 0
    assert f(-np.inf) == -np.inf
