"""Functions of scipy.special that are no ufuncs: the values and dtypes are SciPy's."""

from typing import Any

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
    with pytest.raises(dc.DiffcError, match="positive weights"):
        dc.trace(builder("logsumexp", b=2.0), dc.f64(3))
