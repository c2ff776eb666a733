"""The functions of gamma against SciPy and mpmath: values, edges, dtypes, derivatives, source."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import scipy.special as special

import diffc as dc

INF, NAN = np.inf, np.nan
POINTS = np.concatenate([np.random.default_rng(0).uniform(0, 30, 60), [1e-8, 1.0, 2.0, 1e5]])
BELOW = -np.random.default_rng(1).uniform(0.01, 8, 30)
EDGES = np.array([0.0, -1.0, -4.0, INF, NAN])
FORMULAS = {
    "gammaln(x)": special.gammaln,
    "digamma(x)": special.digamma,
    "polygamma(1, x)": lambda x: special.polygamma(1, x),
    "polygamma(2, x)": lambda x: special.polygamma(2, x),
    "polygamma(7, x)": lambda x: special.polygamma(7, x),
    "loggamma(x)": special.loggamma,
    "gamma(x/4)": lambda x: special.gamma(x / 4),
    # SciPy's own is off by 1e-12 at 1e5; beta(x, 2) is 1/(x*(x + 1)).
    "betaln(x, 2)": lambda x: -np.log(np.abs(x * (x + 1))),
    "logit(x/31)": lambda x: special.logit(x / 31),
    "entr(x)": special.entr,
    "rel_entr(x, 2)": lambda x: special.rel_entr(x, 2),
    "kl_div(x, 2)": lambda x: special.kl_div(x, 2),
    "huber(1.5, x)": lambda x: special.huber(1.5, x),
    "pseudo_huber(1.5, x)": lambda x: special.pseudo_huber(1.5, x),
}


@pytest.mark.parametrize("lowering", ["llvm", "source"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_values(formula, lowering):
    kernel = dc.compile(dc.parse(formula, inputs={"x": "f64[N]"}), cache=False, lowering=lowering)
    # Of infinities and at other poles these two are differences without a value.
    edges = EDGES[[0, -1]] if formula.startswith(("betaln", "kl_div")) else EDGES
    x = np.concatenate([POINTS, BELOW, edges])
    with np.errstate(all="ignore"):
        expected = FORMULAS[formula](x)
    np.testing.assert_allclose(kernel(x), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("formula", FORMULAS)
def test_f32_stays_f32(formula):
    kernel = dc.compile(dc.parse(formula, inputs={"x": "f32[N]"}), cache=False)
    x = np.concatenate([POINTS[:-1], BELOW]).astype(np.float32)
    with np.errstate(all="ignore"):
        expected = FORMULAS[formula](x.astype(np.float64)).astype(np.float32)
    found = kernel(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-4 if "gamma(x/4)" in formula else 1e-5, atol=1e-5)


@pytest.mark.parametrize("order", [1, 2, 3, 7])
@pytest.mark.parametrize(
    ("formula", "reference"),
    [
        ("gammaln(x)", lambda x: mpmath.log(abs(mpmath.gamma(x)))),
        ("digamma(x)", mpmath.digamma),
        ("gamma(x)", mpmath.gamma),
        ("polygamma(2, x)", lambda x: mpmath.psi(2, x)),
        ("betaln(x, 2.5)", lambda x: mpmath.log(abs(mpmath.beta(x, 2.5)))),
        ("logit(x/9)", lambda x: mpmath.log(x / 9 / (1 - x / 9))),
        ("pseudo_huber(1.5, x)", lambda x: 2.25 * (mpmath.sqrt(1 + (x / 1.5) ** 2) - 1)),
    ],
)
def test_derivatives_against_mpmath(formula, reference, order):
    function = dc.derivative(dc.parse(formula), "x", order)
    for x in (0.3, 1.0, 1.46, 2.7, 8.3) + ((-0.6, -1.7) if "gamma(" in formula and order < 3 else ()):
        with mpmath.workdps(60):
            if "gamma(x" in formula and "gammaln" in formula:
                expected = float(mpmath.psi(order - 1, x))
            else:
                expected = float(mpmath.diff(reference, mpmath.mpf(x), order))
        assert function(x) == pytest.approx(expected, rel=1e-9, abs=1e-9), x


def test_gradients_by_several():
    f = dc.parse("betaln(a, b) + kl_div(a, b) + huber(a, b)", inputs={"a": "f64", "b": "f64"})
    a, b, step = 0.7, 1.9, 1e-6

    def value(a, b):
        return special.betaln(a, b) + special.kl_div(a, b) + special.huber(a, b)

    expected = [
        (value(a + step, b) - value(a - step, b)) / (2 * step),
        (value(a, b + step) - value(a, b - step)) / (2 * step),
    ]
    np.testing.assert_allclose(dc.grad(f, ["a", "b"])(a, b), expected, rtol=1e-8)


def test_derivatives_of_divergences_at_the_edges():
    """Where x is 0 the branch is constant; outside nothing passes."""
    for formula in ("rel_entr(x, y)", "kl_div(x, y)"):
        assert np.isfinite(dc.grad(dc.parse(formula), ["x", "y"])(0.0, 1.0)).all()
        assert dc.grad(dc.parse(formula), ["x", "y"])(-1.0, 1.0) == (0.0, 0.0)
    assert dc.grad(dc.parse("huber(x, y)"), ["x", "y"])(-1.0, 1.0) == (0.0, 0.0)


def test_slopes_at_the_poles():
    slope = dc.grad(dc.parse("gammaln(x)"))
    assert (slope(0.0), slope(-0.0)) == (-INF, INF)
    assert np.isnan(slope(-3.0))
    assert dc.derivative(dc.parse("gammaln(x)"), "x", 2)(-3.0) == INF


def test_orders():
    with pytest.raises(dc.DiffcError, match=r"n is an integer that is known when compiling, not -1"):
        dc.parse("polygamma(-1, x)")
    with pytest.raises(dc.DiffcError, match=r"known when compiling, not f64\[\]"):
        dc.parse("polygamma(n, x)")
    with pytest.raises(dc.DiffcError, match="for the numbers n from 1 to 20 only"):
        dc.compile(dc.parse("polygamma(21, x)"), cache=False)
    assert dc.parse("x*polygamma(1, 1) + psi(1)")(6.0) == pytest.approx(np.pi**2 - np.euler_gamma, rel=1e-15)
    assert str(dc.parse("polygamma(0, x)").graph) == str(dc.parse("digamma(x)").graph)


# -- hypot -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1.0, 1e200, 1e307])
def test_hypot_of_any_size(scale):
    f = dc.parse("hypot(x, y)")
    for run in (f, dc.compile(f, lowering="source", cache=False)):
        assert run(3 * scale, -4 * scale) == pytest.approx(5 * scale, rel=1e-12)
    assert dc.grad(f, ["x", "y"])(3 * scale, -4 * scale) == pytest.approx((0.6, -0.8), rel=1e-12)
    (row, _) = dc.hessian(f, ["x", "y"])(3 * scale, -4 * scale)
    if 1e-300 < scale < 1e300:
        assert row == pytest.approx((0.128 / scale, 0.096 / scale), rel=1e-12)


def test_hypot_of_an_infinity_and_nan():
    f = dc.parse("hypot(x, y)")
    for run in (f, dc.compile(f, lowering="source", cache=False)):
        assert run(INF, NAN) == INF == run(NAN, -INF)
        assert np.isnan(run(NAN, 1.0))
    assert dc.grad(f, ["x", "y"])(0.0, 0.0) == (0.0, 0.0)
    assert np.isnan(dc.grad(f, ["x", "y"])(INF, NAN)).all()
