"""The maths functions' special values exactly, and what is exact everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from vecmath_kernels import BINARY, DTYPES, LANES, SHAPES, compiled, same

INF, NAN = float("inf"), float("nan")
_PI = float(np.pi)
_E = float(np.e)
SPECIAL: dict[str, tuple[tuple[tuple[float, ...], float], ...]] = {
    "exp": (((0.0,), 1.0), ((-0.0,), 1.0), ((INF,), INF), ((-INF,), 0.0), ((800.0,), INF), ((-800.0,), 0.0)),
    "exp2": (
        *(((float(k),), 2.0**k) for k in range(-126, 128, 7)),
        ((INF,), INF),
        ((-INF,), 0.0),
        ((1024.0,), INF),
        ((-1080.0,), 0.0),
    ),
    "log2": (
        *(((2.0**k,), float(k)) for k in range(-126, 128, 7)),
        ((0.0,), -INF),
        ((-0.0,), -INF),
        ((INF,), INF),
        ((-1.0,), NAN),
        ((-INF,), NAN),
    ),
    "log10": (
        *(((10.0**k,), float(k)) for k in range(11)),
        ((0.0,), -INF),
        ((-0.0,), -INF),
        ((INF,), INF),
        ((-1.0,), NAN),
        ((-INF,), NAN),
    ),
    "cbrt": (
        *(((float(k**3),), float(k)) for k in range(-20, 21) if k),
        ((0.0,), 0.0),
        ((-0.0,), -0.0),
        ((INF,), INF),
        ((-INF,), -INF),
    ),
    "expm1": (
        ((0.0,), 0.0),
        ((-0.0,), -0.0),
        ((INF,), INF),
        ((-INF,), -1.0),
        ((800.0,), INF),
        ((-90.0,), -1.0),
    ),
    "log": (((0.0,), -INF), ((-0.0,), -INF), ((1.0,), 0.0), ((INF,), INF), ((-1.0,), NAN), ((-INF,), NAN)),
    "log1p": (((0.0,), 0.0), ((-0.0,), -0.0), ((-1.0,), -INF), ((INF,), INF), ((-2.0,), NAN), ((-INF,), NAN)),
    "sqrt": (((0.0,), 0.0), ((-0.0,), -0.0), ((4.0,), 2.0), ((INF,), INF), ((-1.0,), NAN)),
    "sin": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), NAN), ((-INF,), NAN)),
    "cos": (((0.0,), 1.0), ((-0.0,), 1.0), ((INF,), NAN), ((-INF,), NAN)),
    "tan": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), NAN), ((-INF,), NAN)),
    "asin": (
        ((0.0,), 0.0),
        ((-0.0,), -0.0),
        ((1.0,), _PI / 2),
        ((-1.0,), -_PI / 2),
        ((1.1,), NAN),
        ((-INF,), NAN),
    ),
    "acos": (((1.0,), 0.0), ((-1.0,), _PI), ((0.0,), _PI / 2), ((1.1,), NAN), ((-1.1,), NAN), ((INF,), NAN)),
    "atan": (((0.0,), 0.0), ((-0.0,), -0.0), ((1.0,), _PI / 4), ((INF,), _PI / 2), ((-INF,), -_PI / 2)),
    "sinh": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), INF), ((-INF,), -INF), ((-711.0,), -INF)),
    "cosh": (((0.0,), 1.0), ((-0.0,), 1.0), ((INF,), INF), ((-INF,), INF), ((-711.0,), INF)),
    "tanh": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), 1.0), ((-INF,), -1.0), ((1e9,), 1.0)),
    "asinh": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), INF), ((-INF,), -INF)),
    "atanh": (((0.0,), 0.0), ((-0.0,), -0.0), ((1.0,), INF), ((-1.0,), -INF), ((1.1,), NAN), ((-INF,), NAN)),
    "sigmoid": (((0.0,), 0.5), ((-0.0,), 0.5), ((INF,), 1.0), ((-INF,), 0.0), ((-800.0,), 0.0)),
    "softplus": (((INF,), INF), ((-INF,), 0.0), ((800.0,), 800.0), ((-800.0,), 0.0)),
    "erf": (((0.0,), 0.0), ((-0.0,), -0.0), ((INF,), 1.0), ((-INF,), -1.0), ((7.0,), 1.0)),
    "erfc": (((0.0,), 1.0), ((-0.0,), 1.0), ((INF,), 0.0), ((-INF,), 2.0), ((30.0,), 0.0), ((-7.0,), 2.0)),
    "erfinv": (
        *(((x,), x) for x in (0.0, -0.0)),
        ((1.0,), INF),
        ((-1.0,), -INF),
        *(((x,), NAN) for x in (1.1, -2.0, INF, -INF)),
    ),
    "erfcinv": (
        ((1.0,), 0.0),
        *(((x,), INF) for x in (0.0, -0.0)),
        ((2.0,), -INF),
        *(((x,), NAN) for x in (-1e-30, 2.1, INF, -INF)),
    ),
    "lambertw": (
        *(((x,), x) for x in (0.0, -0.0, INF)),
        ((_E,), 1.0),
        *(((x,), NAN) for x in (-0.4, -INF)),
    ),
    "gammaln": (
        *(((at,), INF) for at in (0.0, -0.0, -1.0, -7.0, -1e17, INF, -INF)),
        ((1.0,), 0.0),
        ((2.0,), 0.0),
    ),
    "digamma": (
        ((0.0,), -INF),
        ((-0.0,), INF),
        ((-1.0,), NAN),
        ((-1e17,), NAN),
        ((INF,), INF),
        ((-INF,), NAN),
    ),
    "polygamma_1": (*(((at,), INF) for at in (0.0, -0.0, -1.0, -1e17, -INF)), ((INF,), 0.0)),
    "polygamma_2": (*(((at,), -INF) for at in (0.0, -0.0, -1.0, -1e17, -INF)), ((INF,), -0.0)),
    "sign": (((0.0,), 0.0), ((-0.0,), 0.0), ((-3.0,), -1.0), ((1e-40,), 1.0), ((-INF,), -1.0), ((INF,), 1.0)),
}
_EDGES = (0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, 1e-40, -1e-40, 1e30, -1e30, INF, -INF, NAN)
_NUMPY = {
    "pow": np.power,
    "atan2": np.arctan2,
    "mod": np.mod,
    "fmod": np.fmod,
    "floor_divide": np.floor_divide,
    "logaddexp": np.logaddexp,
    "hypot": np.hypot,
    "minimum": np.minimum,
    "maximum": np.maximum,
}


@pytest.mark.parametrize(("kind", "lanes"), SHAPES)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, kind: str, lanes: int) -> None:
    """Zeros with their signs, infinities and NaN give exactly the documented results."""
    dtype = DTYPES[kind]
    rows = (*SPECIAL[name], ((NAN,), NAN))
    x, expected = np.array([row[0][0] for row in rows], dtype), np.array([row[1] for row in rows], dtype)
    results = compiled(name, kind, lanes)(x)
    assert same(results, expected).all(), dict(zip(x.tolist(), results.tolist(), strict=True))


@pytest.mark.parametrize(("kind", "lanes"), SHAPES)
@pytest.mark.parametrize("name", BINARY)
def test_special_pairs_as_numpy(name: str, kind: str, lanes: int) -> None:
    """Every pair of edge values gives NumPy's class, sign and value (to two ulps)."""
    dtype = DTYPES[kind]
    a, b = (grid.ravel().astype(dtype) for grid in np.meshgrid(_EDGES, _EDGES))
    results = compiled(name, kind, lanes)(a, b)
    with np.errstate(all="ignore"):
        expected = _NUMPY[name](a, b)
        close = np.abs(results - expected) <= 2 * np.spacing(np.abs(expected))
    signs = np.signbit(results) == np.signbit(expected)
    if name in ("minimum", "maximum"):
        signs |= results == 0  # of two zeros either may be returned
    right = same(results, expected) | ((close | (results == expected)) & signs)
    wrong = np.flatnonzero(~right)
    assert not wrong.size, [(a[i], b[i], results[i], expected[i]) for i in wrong[:5]]


@pytest.mark.parametrize("name", ["mod", "fmod", "floor_divide"])
@pytest.mark.parametrize("kind", DTYPES)
def test_division_with_remainder_is_numpys_to_the_bit(name: str, kind: str) -> None:
    """The remainder is exact for every pair of bit patterns, and next to the multiples of a divisor."""
    generator = np.random.default_rng(3)
    integer = np.iinfo(np.int64 if kind == "f64" else np.int32)
    x, y = generator.integers(integer.min, integer.max, (2, 4000), integer.dtype).view(DTYPES[kind])
    y[:1000] = generator.normal(size=1000)
    multiples = y[:1000] * np.floor(np.exp2(generator.uniform(0, 60, 1000))).astype(DTYPES[kind])
    x[:1000] = np.nextafter(multiples, multiples * generator.integers(0, 3, 1000).astype(DTYPES[kind]))
    y[1000:1100] = np.finfo(DTYPES[kind]).smallest_subnormal * generator.integers(-9, 9, 100)
    with np.errstate(all="ignore"):
        expected, results = _NUMPY[name](x, y), compiled(name, kind, LANES[kind][1])(x, y)
    assert same(results, expected).all()
