"""Random numbers that are the same bits on every machine and with every NumPy.

NumPy promises the raw bits of PCG64 for a seed, but neither its distributions' streams nor the last bit of
its logarithm. So the distributions are made here, of operations that IEEE 754 rounds correctly: + - * / sqrt.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["Stream"]

Floats = NDArray[np.float64]


class Stream:
    """The numbers that follow from one seed, drawn in order."""

    def __init__(self, seed: int) -> None:
        """Start at the beginning."""
        self._bits = np.random.PCG64(seed)

    def uniform(self, shape: tuple[int, ...]) -> Floats:
        """Return numbers in [0, 1): the upper 53 bits of each draw."""
        return (self._raw(shape) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, shape: tuple[int, ...]) -> Floats:
        """Return standard normal numbers: the quantiles of uniform ones in (0, 1)."""
        return _normal_quantile(((self._raw(shape) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)

    def _raw(self, shape: tuple[int, ...]) -> NDArray[np.uint64]:
        return np.asarray(self._bits.random_raw(math.prod(shape)), np.uint64).reshape(shape)


# Wichura, Algorithm AS241: The percentage points of the normal distribution, Applied Statistics 37, 1988:
# numerator and denominator for the middle, the sides and the tails, the highest power first.

_MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_SIDES = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
     4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)  # fmt: skip
_TAILS = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def _normal_quantile(p: Floats) -> Floats:
    q = p - 0.5
    middle = q * _ratio(_MIDDLE, 0.180625 - q * q)
    r = np.sqrt(-_log(np.minimum(p, 1.0 - p)))
    outer = np.where(r <= 5.0, _ratio(_SIDES, r - 1.6), _ratio(_TAILS, r - 5.0))
    return np.where(np.abs(q) <= 0.425, middle, np.copysign(outer, q))


def _ratio(table: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    numerator, denominator = (_polynomial(coefficients, x) for coefficients in table)
    return numerator / denominator


def _polynomial(coefficients: tuple[float, ...], x: Floats) -> Floats:
    total = np.zeros_like(x)
    for each in coefficients:
        total = total * x + each
    return total


_ATANH = tuple(1.0 / k for k in range(27, 0, -2))


def _log(x: Floats) -> Floats:
    """Return log(x) = log(m) + e*log(2) for x = m * 2**e; log(m) = 2*atanh((m - 1)/(m + 1))."""
    m, e = np.frexp(x)
    low = m < math.sqrt(0.5)
    m, e = np.where(low, 2.0 * m, m), np.where(low, e - 1, e)
    s = (m - 1.0) / (m + 1.0)
    return 2.0 * s * _polynomial(_ATANH, s * s) + e * 0.6931471805599453
