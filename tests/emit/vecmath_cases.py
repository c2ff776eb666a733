"""The maths functions' true values from 50-digit mpmath, and arguments of all magnitudes and hard ones."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import mpmath
import numpy as np
from vecmath_kernels import DTYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmath_kernels import Array

INF = float("inf")


class Case(NamedTuple):
    """A function's true values and the arguments where it is hard."""

    reference: Callable[..., Any]
    hard: tuple[float, ...] = ()
    low: float = -INF
    high: float = INF


# The multiples of pi/2 nearest to a float, down to the worst of the whole f64 range (Muller, table 11.1).
_NEAR_POLES = (
    *np.arange(1, 60) * (np.pi / 2),
    *(2.0**k * np.pi for k in range(8, 60, 3)),
    6381956970095103 * 2.0**797,
)
_NEAR_ONE = (*(1 - 2.0**-k for k in range(1, 53)), *(1 + 2.0**-k for k in range(1, 53)))
_NEAR_TWO = tuple(1 + each for each in _NEAR_ONE)
_NEAR_ROOT = tuple(1.4616321449683622 * each for each in _NEAR_ONE)
# Around the integers the functions of gamma change from a sum to a series.
_STEPS = (*np.arange(1.0, 26.0), *(k - 2.0**-50 for k in range(1, 26)), *np.arange(0.3, 40, 0.7))
_ORDERS = (1, 2, 3, 8, 20)
"""Orders of polygamma; the code of those between differs in numbers only."""
_NEAR_OVERFLOW = (709.7, 709.78, 710.4, -708.3, -708.4, -720.1, -745.1, 88.7, 89.4, -87.3, -100.2, -103.9)


# The worst of three million random numbers, in f64 and in f32.
_HARD_TANH = (0.25836193207586333, 0.25617313)
_HARD_ATANH = (0.461343949486978, 0.46105778)
_NEAR_SINH_OF_HALF = (*np.arange(0.51, 0.53, 0.0005), 0.5211, 0.52109)
# Where the power of two changes, with a quotient at either end of its interval, and numbers just below 1.
_NEAR_STEPS_OF_ATANH = (
    *np.arange(0.24, 0.26, 0.0005),
    *np.arange(0.535, 0.555, 0.0005),
    *np.arange(0.725, 0.74, 0.001),
    *(1 - k * 2.0**-53 for k in range(1, 9)),
    *(1 - k * 2.0**-24 for k in range(1, 9)),
)


_NEAR_STEPS_OF_INVERSE = (*np.arange(0.9985, 0.9997, 1e-5), *(1 - k * 2.0**-22 for k in range(1, 60)))
_TAILS_OF_ERFC = (
    *np.exp2(-np.arange(0.5, 1074, 4.7)),
    *np.arange(4e-4, 1.2e-3, 1e-5),
    *(2 - 2.0**-k for k in range(1, 52)),
)
_NEAR_BRANCH = tuple(-1 / np.e + 2.0**-k for k in range(1, 54))


def _real_cube_root(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


def _complement_of_erf(x: Any) -> Any:
    # mpmath overflows beyond.
    return mpmath.erfc(max(min(x, 100), -100))


def _inverse_of_erfc(y: Any) -> Any:
    """Return the inverse of erfc; near 0 by Halley's method on erfc itself."""
    if y > 0.5:
        with mpmath.workdps(400 if abs(y - 1) < 1e-3 else 80):
            return mpmath.erfinv(1 - y) if y < 1.5 else -_inverse_of_erfc(2 - y)
    z = mpmath.sqrt(-mpmath.log(y))
    for _ in range(60):
        step = (mpmath.erfc(z) - y) * mpmath.exp(z * z) * mpmath.sqrt(mpmath.pi) / 2
        z += step / (1 - z * step)
        if abs(step) < 1e-20:
            break
    return z


def _inverse_of_erf(x: Any) -> Any:
    with mpmath.workdps(400):
        return _inverse_of_erfc(1 - x)


CASES = {
    "exp": Case(mpmath.exp, _NEAR_OVERFLOW),
    "exp2": Case(
        lambda x: mpmath.power(2, x), (*np.arange(-1075.5, 1024, 37.25), 1023.9999999, 127.99999, -149.3)
    ),
    "expm1": Case(mpmath.expm1, (*_NEAR_OVERFLOW, -36.0, -40.5, 0.3465, -0.3466)),
    "log": Case(mpmath.log, _NEAR_ONE, low=0.0),
    "log2": Case(lambda x: mpmath.log(x) / mpmath.log(2), _NEAR_ONE, low=0.0),
    "log10": Case(mpmath.log10, (*_NEAR_ONE, *(10.0**k for k in range(-30, 30))), low=0.0),
    "log1p": Case(mpmath.log1p, (*(-1 + 2.0**-k for k in range(1, 53)), *_NEAR_ONE), low=-1.0),
    "sqrt": Case(mpmath.sqrt, low=0.0),
    "cbrt": Case(_real_cube_root, (*_NEAR_ONE, *(float(k**3) for k in range(20)))),
    "sin": Case(mpmath.sin, _NEAR_POLES),
    "cos": Case(mpmath.cos, _NEAR_POLES),
    "tan": Case(mpmath.tan, _NEAR_POLES),
    "asin": Case(mpmath.asin, (*_NEAR_ONE, 0.49999, 0.50001), low=-1.0, high=1.0),
    "acos": Case(mpmath.acos, (*_NEAR_ONE, 0.49999, 0.50001), low=-1.0, high=1.0),
    "atan": Case(mpmath.atan, (*_NEAR_ONE, 0.41421356, 2.41421356)),
    "sinh": Case(mpmath.sinh, (*_NEAR_OVERFLOW, 39.9, 40.1, 18.373690416896782, 0.34851888594198716)),
    "cosh": Case(mpmath.cosh, _NEAR_OVERFLOW),
    "tanh": Case(mpmath.tanh, (*np.arange(17.5, 19.5, 0.01), *np.arange(7.5, 9.5, 0.01), *_HARD_TANH)),
    "asinh": Case(mpmath.asinh, (*_NEAR_ONE, *_NEAR_SINH_OF_HALF, 1.3e154, 1e300)),
    "atanh": Case(mpmath.atanh, (*_NEAR_ONE, *_NEAR_STEPS_OF_ATANH, *_HARD_ATANH), low=-1.0, high=1.0),
    "sigmoid": Case(lambda x: 1 / (1 + mpmath.exp(-x)), _NEAR_OVERFLOW),
    "softplus": Case(lambda x: mpmath.log1p(mpmath.exp(x)), (*_NEAR_OVERFLOW, 36.7, 37.5, -36.7)),
    "logaddexp": Case(lambda x, y: max(x, y) + mpmath.log1p(mpmath.exp(-abs(x - y)))),
    "erf": Case(mpmath.erf, (*_NEAR_ONE, 5.8, 5.95, 6.1)),
    "erfc": Case(_complement_of_erf, (*np.arange(-6, 28, 0.07), 0.84999, 0.85001, 26.54, 9.19, 10.05, 10.2)),
    "erfinv": Case(_inverse_of_erf, (*_NEAR_ONE, *_NEAR_STEPS_OF_INVERSE), low=-1.0, high=1.0),
    "erfcinv": Case(_inverse_of_erfc, (*_NEAR_ONE, *_TAILS_OF_ERFC), low=0.0, high=2.0),
    "lambertw": Case(
        lambda x: mpmath.lambertw(x).real, (*_NEAR_BRANCH, *np.arange(-0.36, 0.8, 0.004)), low=-1 / np.e
    ),
    "atan2": Case(mpmath.atan2),
    "pow": Case(mpmath.power),
    "hypot": Case(lambda x, y: mpmath.sqrt(x * x + y * y)),
    "gammaln": Case(mpmath.loggamma, (*_NEAR_ONE, *_NEAR_TWO, *_STEPS), low=0.0),
    "digamma": Case(mpmath.digamma, (*_NEAR_ONE, *_NEAR_ROOT, *_STEPS), low=0.0),
    **{f"polygamma_{n}": Case(functools.partial(mpmath.psi, n), _STEPS, low=0.0) for n in _ORDERS},
}


def _random_arguments(name: str, kind: str) -> Array:
    """Return arguments of all magnitudes, both signs, near powers of two and at the hard places."""
    generator = np.random.default_rng(7)
    info = np.finfo(DTYPES[kind])
    bits = int(-np.log2(float(info.smallest_subnormal)))
    exponents = np.concatenate([generator.uniform(-bits, info.maxexp, 300), generator.uniform(-12, 10, 400)])
    wide = np.exp2(np.minimum(exponents, info.maxexp - 1e-6))
    near_powers = np.ldexp(1.0, np.arange(-60, 60, 4))
    hard = np.asarray(CASES[name].hard)
    positive = np.concatenate([wide, near_powers, hard, generator.uniform(0, 4, 200)])
    positive = positive[np.abs(positive) <= float(info.max)].astype(info.dtype)
    positive = np.concatenate([positive, np.nextafter(positive, info.dtype.type(INF))])
    both = np.concatenate([positive, -positive])
    return both[np.isfinite(both) & (both > CASES[name].low) & (both < CASES[name].high)]


def _arguments(name: str, kind: str) -> tuple[Array, ...]:
    generator = np.random.default_rng(8)
    limit = 250.0 if kind == "f64" else 30.0
    if name == "atan2":
        y, x = 10.0 ** generator.uniform(-limit, limit, (2, 600)) * generator.choice([-1, 1], (2, 600))
        y[:300] = x[:300] * generator.uniform(-4, 4, 300)
        edge = 150.0 if kind == "f64" else 18.0  # quotients down to the subnormals
        y[300:400] = 10.0 ** generator.uniform(-edge - 15, -edge, 100)
        x[300:400] = 10.0 ** generator.uniform(edge - 15, edge + 5, 100)
    elif name == "logaddexp":
        # Apart from sums near 1 of the exponentials, where the result is small beside its operands.
        x = np.concatenate([generator.normal(size=300) * 5, 10.0 ** generator.uniform(-20, 4, 300)])
        x *= generator.choice([-1, 1], 600)
        y = x + generator.normal(size=600) * 10.0 ** generator.uniform(-18, 2, 600)
        total = np.logaddexp(x, y)
        apart = np.abs(total) > 0.25 * np.maximum(np.abs(x), np.abs(y))
        x, y = x[apart], y[apart]
    elif name == "hypot":
        x = 10.0 ** generator.uniform(-3, 3, 900) * generator.choice([-1, 1], 900)
        x[300:] = 10.0 ** generator.uniform(-limit * 1.28, limit * 1.23, 600)
        y = x * generator.uniform(-3, 3, 900)
        y[600:] = x[600:] * 10.0 ** generator.uniform(-20, 0, 300)
    elif name == "pow":
        x = 10.0 ** generator.uniform(-limit, limit, 900)
        x[:300] = generator.uniform(0.5, 2, 300)
        x[:200] = generator.uniform(0.9, 1.1, 200)  # where the logarithm is a series alone
        x[300:400] = 1 + generator.uniform(-1e-3, 1e-3, 100)
        # Exponents that spread the results from the smallest subnormal to overflow.
        extremes = (-740.0, 709.0) if kind == "f64" else (-102.0, 88.0)
        y = generator.uniform(*extremes, 900) / np.log(x)
        y[800:] = generator.integers(-3, 4, 100)
    else:
        return (_random_arguments(name, kind),)
    return (y if name == "atan2" else x).astype(DTYPES[kind]), (x if name == "atan2" else y).astype(
        DTYPES[kind]
    )


@functools.cache
def arguments_and_truth(name: str, kind: str) -> tuple[tuple[Array, ...], list[Any]]:
    """Return the arguments of a function and its true values there."""
    arguments = _arguments(name, kind)
    with mpmath.workdps(50):
        rows = zip(*[x.tolist() for x in arguments], strict=True)
        return arguments, [CASES[name].reference(*map(mpmath.mpf, row)) for row in rows]


def ulps(result: float, true: Any, kind: str) -> float:
    """Return |result - true| in units in the last place of the true value; inf counts as the range's edge."""
    info = np.finfo(DTYPES[kind])
    edge = mpmath.ldexp(1, info.maxexp)
    if np.isnan(result):
        return INF
    _, exponent = mpmath.frexp(true)
    smallest = info.minexp - info.nmant
    unit = mpmath.ldexp(1, max(min(int(exponent), info.maxexp) - info.nmant - 1, smallest))
    bounded = [max(-edge, min(edge, mpmath.mpf(v))) for v in (result, true)]
    return float(abs(bounded[0] - bounded[1]) / unit)
