"""Elementwise functions against NumPy, SciPy and mpmath: values, edges, dtypes and derivatives."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy.special as special

import diffc as dc

INF, NAN = np.inf, np.nan
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, 3.0, -7.0, 1e-300, 1e300, INF, -INF, NAN])
DTYPES = {"f64": np.float64, "f32": np.float32}


def kernel(formula, **inputs):
    return dc.compile(dc.parse(formula, inputs=inputs), cache=False)


def same(found, expected, ulps=0.0):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype
    if expected.dtype == bool:
        np.testing.assert_array_equal(found, expected)
        return
    with np.errstate(all="ignore"):
        near = np.abs(found - expected) <= ulps * np.spacing(np.abs(expected))
    right = near | (found == expected) | ((found != found) & (expected != expected))
    assert right.all(), (found[~right], expected[~right])


UNARY = {
    "rint": (np.rint, 0),
    "trunc": (np.trunc, 0),
    "ceil": (np.ceil, 0),
    "cbrt": (np.cbrt, 2),
    "exp2": (np.exp2, 2),
    "log2": (np.log2, 2),
    "log10": (np.log10, 2),
    "sinc": (np.sinc, 4),
    "deg2rad": (np.deg2rad, 0),
    "rad2deg": (np.rad2deg, 2),
    "reciprocal": (np.reciprocal, 0),
    "positive": (np.positive, 0),
    "arcsinh": (np.arcsinh, 4),
    "arccosh": (np.arccosh, 4),
    "arctanh": (np.arctanh, 4),
    "log_expit": (special.log_expit, 2),
    "erfc": (lambda x: np.asarray([math.erfc(each) for each in x], x.dtype), 2),
    "exprel": (special.exprel, 4),
}
BINARY = {
    "mod": (np.mod, 0),
    "fmod": (np.fmod, 0),
    "floor_divide": (np.floor_divide, 0),
    "copysign": (np.copysign, 0),
    "fmax": (np.fmax, 0),
    "fmin": (np.fmin, 0),
    "maximum": (np.maximum, 0),
    "minimum": (np.minimum, 0),
    "heaviside": (np.heaviside, 0),
    "logaddexp": (np.logaddexp, 2),
    "logaddexp2": (np.logaddexp2, 4),
    "xlogy": (special.xlogy, 2),
    "xlog1py": (special.xlog1py, 2),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_unary_values(name, dtype):
    """Edges, and ordinary numbers of both signs; the zero of a sinc's numerator to an absolute bound."""
    reference, ulps = UNARY[name]
    x = np.concatenate([EDGES, np.random.default_rng(1).normal(size=200) * 3])
    if name == "sinc":
        x = x[(np.abs(x) < 0.9) | (x != x)]
    with np.errstate(all="ignore"):
        x = x.astype(DTYPES[dtype])
        same(kernel(f"{name}(x)", x=f"{dtype}[N]")(x), reference(x), ulps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_binary_values(name, dtype):
    """Every pair of edges, and ordinary numbers."""
    reference, ulps = BINARY[name]
    rng = np.random.default_rng(2)
    with np.errstate(all="ignore"):
        x, y = (grid.ravel() for grid in np.meshgrid(EDGES, EDGES))
        x, y = (np.concatenate([a, rng.normal(size=200) * 3]).astype(DTYPES[dtype]) for a in (x, y))
        if name.startswith("logaddexp"):
            # The sum cancels where the result is near 0: there no relative bound holds, NumPy's own neither.
            apart = ~(np.abs(reference(x, y)) < 0.1 * np.maximum(np.abs(x), np.abs(y)))
            x, y = x[apart], y[apart]
        same(kernel(f"{name}(x, y)", x=f"{dtype}[N]", y=f"{dtype}[N]")(x, y), reference(x, y), ulps)


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "signbit"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_predicates(name, dtype):
    with np.errstate(over="ignore"):
        x = EDGES.astype(DTYPES[dtype])
    same(kernel(f"{name}(x)", x=f"{dtype}[N]")(x), getattr(np, name)(x))


def test_predicates_of_integers():
    x = np.array([-2, 0, 3])
    for name in ("isnan", "isinf", "isfinite", "signbit"):
        same(kernel(f"{name}(x)", x="i64[N]")(x), getattr(np, name)(x))


def test_logical_xor():
    x, y = np.array([0.0, 2.0, 0.0, NAN]), np.array([0, 0, 1, 1])
    same(kernel("logical_xor(x, y)", x="f64[N]", y="i64[N]")(x, y), np.logical_xor(x, y))


@pytest.mark.parametrize("lowering", ["llvm", "source"])
@pytest.mark.parametrize("name", ["mod", "fmod", "floor_divide", "fmax", "fmin"])
def test_integers(name, lowering):
    """Exact, with NumPy's results for a divisor 0 and where the quotient overflows."""
    least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    values = np.array([0, 1, -1, 2, -3, 7, -7, 2**53 + 1, least, least + 1, most])
    x, y = (grid.ravel() for grid in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        f = dc.parse(f"{name}(x, y)", inputs={"x": "i64[N]", "y": "i64[N]"})
        run = dc.compile(f, cache=False, lowering=lowering)
        same(run(x, y), getattr(np, name)(x, y))


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "rint"])
def test_rounding_keeps_integers(name):
    """As in NumPy since 2.1, floor, ceil and trunc do; rint makes floats of them."""
    x = np.array([-3, 0, 2**53 + 1])
    for lowering in ("llvm", "source"):
        f = dc.parse(f"{name}(x)", inputs={"x": "i64[N]"})
        same(dc.compile(f, cache=False, lowering=lowering)(x), getattr(np, name)(x))


# -- derivatives -------------------------------------------------------------------------------------------

POINTS = (-2.7, -1.3, -0.6, -0.01, 0.0, 0.02, 0.7, 1.4, 2.6)
SMOOTH = {
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "exp2": lambda x: mpmath.power(2, x),
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "log10": lambda x: mpmath.log(x) / mpmath.log(10),
    "sinc": lambda x: mpmath.sincpi(x),
    "asinh": mpmath.asinh,
    "acosh": mpmath.acosh,
    "atanh": mpmath.atanh,
    "log_sigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
    "erfc": mpmath.erfc,
    "exprel": lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1),
    "rad2deg": mpmath.degrees,
    "reciprocal": lambda x: 1 / x,
}


def inside(name, x):
    """Return whether a function is analytic around x."""
    if name in ("log2", "log10"):
        return x > 0
    return {"cbrt": x != 0, "reciprocal": x != 0, "acosh": x > 1, "atanh": abs(x) < 1}.get(name, True)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_against_mpmath(name, order):
    function = dc.derivative(dc.parse(f"{name}(x)"), "x", order)
    for x in POINTS:
        if inside(name, x):
            with mpmath.workdps(60):
                # Coefficients by contour integration: quotients that are 0/0 at the point stay away from it.
                expected = float(mpmath.taylor(SMOOTH[name], mpmath.mpf(x), order, singular=True)[order])
                expected *= float(mpmath.factorial(order))
            assert function(x) == pytest.approx(expected, rel=1e-9, abs=1e-9), x


def gradient(formula, *point):
    """Return the gradient by x and y at a point, from the formula as it is and compiled."""
    function = dc.grad(dc.parse(formula, inputs={"x": "f64", "y": "f64"}), wrt=("x", "y"))
    found = tuple(map(float, function(*point)))
    compiled = tuple(map(float, dc.compile(function, cache=False)(*point)))
    np.testing.assert_array_equal(found, compiled)
    return found


@pytest.mark.parametrize(
    ("formula", "point", "expected"),
    [
        ("mod(x, y)", (7.5, 2.0), (1.0, -3.0)),
        ("mod(x, y)", (-7.5, 2.0), (1.0, 4.0)),
        ("mod(x, y)", (4.0, 2.0), (1.0, -2.0)),
        ("mod(x, y)", (1.0, 0.1), (1.0, -9.0)),  # 1.0 / 0.1 rounds to 10, the remainder is that of 9
        ("fmod(x, y)", (-7.5, 2.0), (1.0, 3.0)),
        ("fmod(x, y)", (1.0, 0.1), (1.0, -9.0)),
        ("floor_divide(x, y)", (7.5, 2.0), (0.0, 0.0)),
        ("rint(x) + trunc(x) + ceil(x) + floor(x) + y", (2.0, 1.0), (0.0, 1.0)),
        ("fmax(x, y)", (1.0, 1.0), (0.5, 0.5)),
        ("fmin(x, y)", (1.0, 2.0), (1.0, 0.0)),
        ("fmax(x, y)", (NAN, 2.0), (0.0, 1.0)),
        ("fmin(x, y)", (1.0, NAN), (1.0, 0.0)),
        ("heaviside(x, y)", (0.0, 0.5), (0.0, 1.0)),
        ("heaviside(x, y)", (2.0, 0.5), (0.0, 0.0)),
        ("copysign(x, y)", (-2.0, 3.0), (-1.0, 0.0)),
        ("copysign(x, y)", (2.0, -0.0), (-1.0, 0.0)),
        ("copysign(x, y)", (0.0, 1.0), (0.0, 0.0)),
        ("cbrt(x) + y", (0.0, 0.0), (INF, 1.0)),
        ("cbrt(x) + y", (-0.0, 0.0), (INF, 1.0)),
        ("logaddexp(x, y)", (-INF, -INF), (0.0, 0.0)),
        ("logaddexp(x, y)", (INF, INF), (0.5, 0.5)),
        ("logaddexp(x, y)", (INF, 1.0), (1.0, 0.0)),
        ("logaddexp(x, y)", (-INF, 1.0), (0.0, 1.0)),
        ("logaddexp(x, y)", (3.0, 3.0), (0.5, 0.5)),
        ("xlogy(x, y)", (0.0, 0.0), (0.0, 0.0)),
        ("xlogy(x, y)", (0.0, 1.0), (0.0, 0.0)),
        ("xlogy(x, y)", (0.0, np.e), (1.0, 0.0)),
        ("xlogy(x, y)", (2.0, 1.0), (0.0, 2.0)),
        ("xlogy(x, y)", (0.0, -1.0), (0.0, 0.0)),
        ("xlog1py(x, y)", (0.0, -1.0), (0.0, 0.0)),
        ("xlog1py(x, y)", (3.0, 1.0), (np.log(2.0), 1.5)),
    ],
)
def test_gradients_at_edges(formula, point, expected):
    assert gradient(formula, *point) == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_logaddexp_at_a_tie_to_second_order():
    """The tie is no kink: the second derivative is a quarter."""
    hessian = dc.hessian(dc.parse("logaddexp(x[0], x[1])", inputs={"x": "f64[2]"}))
    np.testing.assert_allclose(hessian(np.array([3.0, 3.0])), [[0.25, -0.25], [-0.25, 0.25]], rtol=1e-15)


@pytest.mark.parametrize("name", ["sinc", "exprel", "asinh", "log_sigmoid"])
def test_many_derivatives_at_0_are_finite(name):
    function = dc.parse(f"{name}(x)")
    for order in range(9):
        assert np.isfinite(function(0.0)), order
        function = dc.derivative(function, "x", 1)


def test_names_of_numpy():
    """NumPy's own names are understood."""
    formula = "true_divide(multiply(x, y), subtract(x, negative(y))) + remainder(x, y) + radians(x) + fix(y)"
    x, y = 7.5, 2.25
    expected = x * y / (x + y) + x % y + np.radians(x) + np.trunc(y)
    assert dc.parse(formula)(x, y) == pytest.approx(expected, rel=1e-15)


def test_numbers_alone_stay_weak():
    assert kernel("x*log2(8) + mod(7, 4)*x + cbrt(27.0)", x="f32")(np.float32(1)) == np.float32(9)
