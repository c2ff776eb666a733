"""Inverses of functions that NumPy lacks: of the error function, of its complement, of w e^w.

Their numbers come from the scalar functions here, which find a zero by Newton's method and its kin; generated
source carries the text of the same functions. Source: NIST Digital Library of Mathematical Functions,
sections 7.17 and 4.13.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffc.ir import Node
from diffc.ops.arithmetic import add, div, mul, square
from diffc.ops.base import register
from diffc.ops.constant import pi
from diffc.ops.elementary import exp, sqrt
from diffc.ops.elementwise import Partial, cast
from diffc.ops.gamma import ScalarFunction

__all__ = ["erfcinv", "erfinv", "lambertw"]


def _erfcinv(y: float) -> float:
    """Return the z with erfc(z) = y: inf at 0, -inf at 2, NaN beyond."""
    if not 0.0 < y < 2.0:
        return np.float64(np.inf if y == 0 else -np.inf if y == 2 else np.nan)
    x, rest = 1.0 - y, min(y, 2.0 - y)
    # Winitzki's approximation is within 2 in 1,000.
    w = 0.5 * math.log(rest * (2.0 - rest)) + 4.33
    z = math.sqrt(math.sqrt(w * w - math.log(rest * (2.0 - rest)) / 0.147) - w)
    for _ in range(8):
        if rest < 1e-280:  # erfc rounds too much; its logarithm by the asymptotic series does not
            v = 0.5 / (z * z)
            series = v * (-1.0 + v * (3.0 + v * (-15.0 + v * (105.0 - 945.0 * v))))
            slope = 2.0 * z + 1.0 / z
            step = (math.log(rest) + z * z + math.log(z * math.sqrt(math.pi)) - math.log1p(series)) / -slope
        else:
            # Halley's method, by erf where that is accurate.
            off = abs(x) - math.erf(z) if abs(x) < 0.5 else math.erfc(z) - rest
            step = off * math.exp(z * z) * math.sqrt(math.pi) / 2.0
            step = step / (1.0 - z * step)
        z += step
        if abs(step) <= 1e-9 * z:
            break
    return np.float64(math.copysign(z, x))


def _erfinv(x: float) -> float:
    """Return the z with erf(z) = x: an infinity at -1 and 1, NaN beyond."""
    if not abs(x) < 1.0 or abs(x) < 1e-8:
        scale = math.sqrt(math.pi) / 2.0 if abs(x) < 1.0 else np.inf if abs(x) == 1.0 else np.nan
        return np.float64(x * scale)
    rest = 1.0 - abs(x)
    z = math.sqrt(math.pi) / 2.0 * abs(x)
    if rest < 0.3:
        w = 0.5 * math.log(rest * (2.0 - rest)) + 4.33
        z = math.sqrt(math.sqrt(w * w - math.log(rest * (2.0 - rest)) / 0.147) - w)
    for _ in range(8):
        off = abs(x) - math.erf(z) if rest > 0.5 else math.erfc(z) - rest
        step = off * math.exp(z * z) * math.sqrt(math.pi) / 2.0
        step = step / (1.0 - z * step)
        z += step
        if abs(step) <= 1e-9 * z:
            break
    return np.float64(math.copysign(z, x))


def _lambertw(x: float) -> float:
    """Return the w >= -1 with w exp(w) = x; NaN below -1/e, -1 at the number nearest to it."""
    if not abs(x) < np.inf or x < -0.36787944117144233:
        return np.float64(np.inf if x == np.inf else np.nan)
    if x > 0.3:
        w = math.log1p(x)
        w = w * (1.0 - math.log1p(w) / (2.0 + w))
        for _ in range(8):  # Fritsch, Shafer and Crowley
            z = math.log(x / w) - w
            q = 2.0 * (1.0 + w) * (1.0 + w + 2.0 / 3.0 * z)
            step = z / (1.0 + w) * (q - z) / (q - 2.0 * z)
            w += w * step
            if abs(step) < 1e-5:
                break
        return np.float64(w)
    # In v = w + 1: 1 + (v - 1) exp(v) = e x + 1, whose left side is the sum of (k - 1) v**k / k!.
    rest = max(0.0, math.e * ((x + 0.36787944117144233) - 1.2428753672788363e-17))
    v = math.sqrt(2.0 * rest)
    v = v * (1.0 - v / 3.0 + v * v * (11.0 / 72.0) - v**3 * (43.0 / 540.0) * (v < 1.0))
    for _ in range(60):
        series, term = 0.0, v
        for k in range(2, 30):
            term *= v / k
            series += (k - 1) * term
        step = (rest - series) / (v * math.exp(v)) if v > 0.0 else 0.0
        v += step
        if abs(step) <= 1e-9 * v:
            break
    w = v - 1.0
    # Near 0 the difference has lost digits that this fixed point gives back.
    return np.float64(x * math.exp(-x * math.exp(-w)) if abs(x) < 0.3 else w)


@register
class erfinv(ScalarFunction):
    """The inverse of erf."""

    name, source, summary = "erfinv", "_erfinv({0})", "the inverse of erf"
    library = staticmethod(_erfinv)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (mul(_half_root_of_pi(1, out.dtype), exp(square(out))),)


@register
class erfcinv(ScalarFunction):
    """The inverse of erfc."""

    name, source, summary = "erfcinv", "_erfcinv({0})", "the inverse of erfc"
    library = staticmethod(_erfcinv)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        return (mul(_half_root_of_pi(-1, out.dtype), exp(square(out))),)


@register
class lambertw(ScalarFunction):
    """The inverse of w e**w from -1 on; its derivative at -1/e is inf."""

    name, source = "lambertw", "_lambertw({0})"
    summary = "the w >= -1 with w*exp(w) = x; derivative inf at -1/e"
    library = staticmethod(_lambertw)

    def partials(self, out: Node, *inputs: Node) -> Sequence[Partial]:
        # e**w is x/w, and 1/(e**w (w + 1)) so far more accurate for large x.
        return (div(1, add(inputs[0], exp(out))),)

    def sympy(self, S: Any, *args: Any) -> Any:
        return S.LambertW(*args)


def _half_root_of_pi(sign: int, dtype: str) -> Node:
    return mul(sign / 2, sqrt(cast(pi(), dtype)))
