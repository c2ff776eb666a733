"""Functions that people write in many ways, each finite and right far from 0, at every shape.

The tables list what is written; what is meant is computed with SciPy, or in 50 digits.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.special import logsumexp

import diffc as dc

SCALES = [1.0, 1e3, 1e4]
CROSS_ENTROPY = {
    "quotient": "-sum(Y*log(exp(z)/sum(exp(z), axis=1, keepdims=True)))",
    "column": "-sum(Y*log(exp(z)/sum(exp(z), axis=1)[:, None]))",
    "reshape": "-sum(Y*log(exp(z)/reshape(sum(exp(z), axis=1), [-1, 1])))",
    "transposed": "-sum(Y*log((exp(z).T/sum(exp(z), axis=1)).T))",
    "transposed first": "-sum(Y.T*log(exp(z.T)/sum(exp(z.T), axis=0)))",
    "difference": "-sum(Y*(z - log(sum(exp(z), axis=1, keepdims=True))))",
    "two logarithms": "-sum(Y*(log(exp(z)) - log(sum(exp(z), axis=1, keepdims=True))))",
    "shifted": "-sum(Y*log(exp(z - max(z, axis=1, keepdims=True))"
    "/sum(exp(z - max(z, axis=1, keepdims=True)), axis=1, keepdims=True)))",
    "product": "-sum(Y*log(exp(z)*(1/sum(exp(z), axis=1, keepdims=True))))",
}
SHAPES = [(1, 3), (2, 1), (1, 1), (3, 4), (0, 3)]


def transposed(z: Any, y: Any) -> Any:
    e = np.exp(z)
    return -np.sum(y * np.log((e.T / e.sum(1)).T))


def kept(z: Any, y: Any) -> Any:
    e = np.exp(z)
    return -np.sum(y * np.log(e / e.sum(axis=1, keepdims=True)))


def column(z: Any, y: Any) -> Any:
    e = np.exp(z)
    return -np.sum(y * np.log(e / e.sum(1)[:, None]))


def shifted(z: Any, y: Any) -> Any:
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return -np.sum(y * np.log(e / np.sum(e, axis=1).reshape(-1, 1)))


def labelled(z: Any, y: Any) -> Any:
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return -np.sum(y.sum(axis=1) * np.log(p[:, 0]))


def samples(shape: tuple[int, int], scale: float, dtype: str) -> tuple[Any, Any]:
    """Logits of both signs, and the first class as the label of every sample."""
    rng = np.random.default_rng(3)
    z = (scale * rng.uniform(-1, 1, shape)).astype(dtype)
    y = np.zeros(shape, dtype)
    y[:, 0] = 1
    return z, y


def holds(f: Any, z: Any, y: Any) -> None:
    """Compare a cross-entropy and its gradient with SciPy's logsumexp."""
    lse = logsumexp(z.astype("f8"), axis=1, keepdims=True)
    tolerance = 1e-13 if z.dtype == "f8" else 2e-6
    value, gradient = dc.value_and_grad(f)(z, y)
    scale = max(1.0, np.abs(z).max(initial=0))
    np.testing.assert_allclose(value, np.sum(y * (lse - z)), tolerance, tolerance * scale)
    np.testing.assert_allclose(gradient, np.exp(z - lse) - y, 0, tolerance * scale)


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("spelling", CROSS_ENTROPY)
def test_cross_entropy_as_text(spelling: str, shape: tuple[int, int], dtype: str) -> None:
    name = {"f8": "f64", "f4": "f32"}[dtype] + str(list(shape))
    f = dc.parse(CROSS_ENTROPY[spelling], {"z": name, "Y": name})
    for scale in SCALES:
        holds(f, *samples(shape, scale, dtype))


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("f", [transposed, kept, column, shifted, labelled], ids=lambda f: f.__name__)
def test_cross_entropy_in_numpy(f: Callable[..., Any], shape: tuple[int, int], dtype: str) -> None:
    for scale in SCALES:
        holds(f, *samples(shape, scale, dtype))


SCALARS = [
    "-log(exp(b)/(exp(a)+exp(b)+exp(c)))",
    "log(1+exp(a)+exp(b))",
    "log(exp(a)+exp(b)+1)",
    "log(1+(exp(a)+exp(b)))",
    "log(2+3*exp(a))",
    "log(exp(a)+exp(-a))",
    "log(exp(a)+exp(b))-log(exp(c)+exp(b))",
    "log(0.5*exp(a)+0.25*exp(b)+exp(c))",
    "log((exp(a)+exp(b))/2)",
    "log((exp(a)+exp(b)+exp(c))/3)",
    "log(exp(a)*exp(b))",
    "log(exp(a)/exp(b))",
    "exp(a)/(exp(a)+exp(b))",
    "exp(a)/(exp(a)+exp(b)+exp(c))",
    "exp(a)/(2*exp(a)+3*exp(b))",
    "(b*exp(a)+c*exp(a))/(exp(a)+exp(b))",
    "1/(exp(a)+exp(-a))",
    "exp(a/2)/(exp(a/2)+exp(b/2))",
    "(1-exp(-2*a))/(1+exp(-2*a))",
    "(1-exp(-a))/(1+exp(-a))",
    "(exp(a)-exp(-a))/(exp(a)+exp(-a))",
    "(exp(a)-exp(b))/(exp(a)+exp(b))",
    "2/(1+exp(-2*a))-1",
    "1-2/(1+exp(2*a))",
    "exp(a)/(1+exp(a))",
    "1/(1+exp(-a))",
    "(exp(2*a)-1)/(exp(2*a)+1)",
    "(exp(a)-1)/(exp(a)+1)",
]
POINTS = [(0.5, -1.25, 2.0), (1e3, 0.0, -1e3), (-1e3, 0.0, 1e3), (-1e3, -1e3, -990.0), (1e4, 1e4, -1e4)]


@cache
def truth(text: str, names: tuple[str, ...], point: tuple[float, ...]) -> tuple[float, list[float]]:
    """Value and slopes, with so many digits that exp(-1e4) beside 1 and a tiny step keep some."""
    function = eval(f"lambda {', '.join(names)}: {text}", {"exp": mpmath.exp, "log": mpmath.log})
    largest = max(map(abs, point))
    with mpmath.workdps(100 + int(largest)):
        at, step = list(map(mpmath.mpf, point)), mpmath.mpf(10) ** -(30 + int(largest / 2.2))
        value = function(*at)
        moved = [function(*(x + step * (j == k) for j, x in enumerate(at))) for k in range(len(at))]
        return float(value), [float((each - value) / step) for each in moved]


@pytest.mark.parametrize("text", SCALARS)
@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("frontend", ["text", "numpy"])
def test_of_scalars(text: str, dtype: str, frontend: str) -> None:
    names = tuple(sorted(set(re.findall(r"\b[abc]\b", text))))
    f = dc.parse(text, dict.fromkeys(names, dtype))
    if frontend == "numpy":
        body = eval(f"lambda {', '.join(names)}: {text}", {"exp": np.exp, "log": np.log})
        f = dc.trace(body, *[dc.f64() if dtype == "f64" else dc.f32() for _ in names])
    derivative = dc.value_and_grad(f, wrt=tuple(range(len(names))))
    eps = 4e-16 if dtype == "f64" else 2e-7
    for point in POINTS:
        value, slopes = truth(text, names, point[: len(names)])
        got, gradient = derivative(*point[: len(names)])
        bound = 8 * eps * max(1.0, *map(abs, point))
        np.testing.assert_allclose(got, value, bound, 8 * eps, err_msg=str(point))
        np.testing.assert_allclose(gradient, slopes, bound, bound, err_msg=str(point))


@pytest.mark.parametrize("text", ["log1p(-erf(x))", "log1p(erf(x))", "log(0.5*(1 + erf(x)))"])
def test_logarithms_of_what_erf_leaves(text: str) -> None:
    """The value and the derivative agree with 50 digits, where erf itself has rounded to 1, too."""

    def exact(x: Any) -> Any:
        erf = mpmath.erf(x)
        inner = {"log1p(-erf(x))": 1 - erf, "log1p(erf(x))": 1 + erf, "log(0.5*(1 + erf(x)))": (1 + erf) / 2}
        return mpmath.log(inner[text])

    f = dc.parse(text)
    with mpmath.workdps(400):
        for x in (-20.0, -3.0, -0.1, 0.0, 0.7, 3.0, 20.0):
            wanted, slope = exact(mpmath.mpf(x)), mpmath.diff(exact, mpmath.mpf(x))
            # Near 0 the logarithm is that of a number near 1, which is rounded.
            assert f(x) == pytest.approx(float(wanted), rel=1e-14, abs=1e-15)
            assert dc.grad(f)(x) == pytest.approx(float(slope), rel=1e-13, abs=1e-300)
