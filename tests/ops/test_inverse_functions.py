"""erfinv, erfcinv, lambertw and factorial2 against mpmath and SciPy: values, edges, derivatives, proofs."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import special

import diffc as dc
from diffc.ops import REGISTRY

INF, NAN = np.inf, np.nan


def lambertw(x):
    return mpmath.lambertw(x).real


def erfcinv(y):
    with mpmath.workdps(400):
        return mpmath.erfinv(1 - mpmath.mpf(y))


TRUE = {
    "erfinv": (mpmath.erfinv, (-0.99999, -0.7, -1e-20, 0.0, 1e-9, 0.3, 0.51, 0.9, 0.9999999)),
    "erfcinv": (erfcinv, (1e-280, 1e-30, 1e-3, 0.04, 0.49, 0.8, 1.0, 1.0 + 2e-16, 1.3, 1.999)),
    "lambertw": (
        lambertw,
        (-0.36787, -0.3, -1e-12, 0.0, 1e-300, 0.1, 0.29, 0.31, 1.0, 20.0, 1e9, 1e300),
    ),
    "factorial2": (mpmath.fac2, (-3.0, -1.0, -0.5, 0.0, 1.0, 2.5, 6.0, 7.0, 11.3, 21.0)),
}


@pytest.mark.parametrize("lowering", ["llvm", "source"])
@pytest.mark.parametrize("name", TRUE)
def test_values(name, lowering):
    reference, points = TRUE[name]
    kernel = dc.compile(dc.parse(f"{name}(x)", inputs={"x": "f64[N]"}), cache=False, lowering=lowering)
    with mpmath.workdps(50):
        expected = [float(reference(mpmath.mpf(x))) for x in points]
    rtol = 1e-13 if name == "factorial2" else 5e-16
    np.testing.assert_allclose(kernel(np.array(points)), expected, rtol=rtol, atol=0)


@pytest.mark.parametrize("name", ["erfinv", "erfcinv", "lambertw"])
def test_references_are_within_2_ulp(name):
    """NumPy's side is a code of its own, not the kernels'."""
    generator = np.random.default_rng(3)
    points = {
        "erfinv": generator.uniform(-1, 1, 300),
        "erfcinv": np.concatenate([generator.uniform(0, 2, 200), 10 ** generator.uniform(-307, 0, 200)]),
        "lambertw": np.concatenate([generator.uniform(-0.36, 1, 300), 10 ** generator.uniform(0, 300, 100)]),
    }[name]
    found = REGISTRY[name].numpy(points)
    with mpmath.workdps(50):
        expected = np.array([float(TRUE[name][0](mpmath.mpf(x))) for x in points.tolist()])
    assert (np.abs(found - expected) <= 2 * np.spacing(np.abs(expected))).all()


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("name", TRUE)
def test_derivatives(name, order):
    function = dc.derivative(dc.parse(f"{name}(x)"), "x", order)
    for x in (0.05, 0.4, 0.9):
        with mpmath.workdps(60):
            expected = float(mpmath.diff(TRUE[name][0], mpmath.mpf(x), order))
        assert function(x) == pytest.approx(expected, rel=1e-12), x


def test_edges():
    for function, points in (
        (special.erfinv, (0.0, 1.0, -1.0, 1.1, -INF, NAN)),
        (special.erfcinv, (1.0, 0.0, 2.0, -0.1, 2.1, INF, NAN)),
    ):
        formula = dc.parse(f"{function.__name__}(x)")
        np.testing.assert_array_equal([formula(x) for x in points], function(np.array(points)))
    w, slope = dc.parse("lambertw(x)"), dc.grad(dc.parse("lambertw(x)"))
    branch = -0.36787944117144233
    assert [w(x) for x in (branch, 0.0, INF)] == [-1.0, 0.0, INF]
    assert [slope(x) for x in (branch, 0.0, INF)] == [INF, 1.0, 0.0]
    assert np.isnan([w(-0.4), w(-INF), w(NAN)]).all()
    assert dc.grad(dc.parse("erfinv(x)"))(1.0) == INF
    assert dc.grad(dc.parse("erfcinv(x)"))(0.0) == -INF


@pytest.mark.parametrize("name", ["erfinv", "erfcinv", "lambertw"])
def test_derivatives_are_proved(name):
    assert dc.verify(dc.parse(f"{name}(x)*y"), order=2).ok


@pytest.mark.parametrize("name", TRUE)
def test_f32_and_whole_arrays(name):
    x = np.linspace(0.05, 0.95, 37, dtype=np.float32)
    gradient = dc.grad(dc.parse(f"sum({name}(x)**2)", inputs={"x": "f32[N]"}))(x)
    assert gradient.dtype == np.float32
    wide = dc.grad(dc.parse(f"sum({name}(x)**2)", inputs={"x": "f64[N]"}))(x.astype(float))
    np.testing.assert_allclose(gradient, wide, rtol=1e-5)


def test_traced_scipy():
    def loss(v):
        return np.sum(special.erfinv(v) * special.erfcinv(v)) + np.sum(special.lambertw(v).real)

    v = np.array([0.1, 0.5])
    assert dc.jit(loss)(v) == pytest.approx(loss(v), rel=1e-14)
    step = 1e-6
    expected = [(loss(v + step * e) - loss(v - step * e)) / (2 * step) for e in np.eye(2)]
    np.testing.assert_allclose(dc.grad(loss)(v), expected, rtol=1e-8)
    with pytest.raises(dc.DiffcError, match="only the principal branch"):
        dc.jit(lambda v: special.lambertw(v, -1))(v)
