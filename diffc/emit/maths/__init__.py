"""Vector maths: elementary functions written once against the emitter, for f64 and f32 and any lane count.

All are free of branches but where a rare lane needs more: huge angles, powers out of the usual range, huge
quotients, points at the origin or far out. NaN, infinities, signed zeros, gradual underflow and overflow are
those of IEEE 754 and NumPy. One file a family; each polynomial's comment says how it was made.
"""

from __future__ import annotations

from diffc.emit.interface import MathsTable
from diffc.emit.maths.cube_root import cbrt
from diffc.emit.maths.digamma import digamma
from diffc.emit.maths.error_function import erf, erfc
from diffc.emit.maths.exponential import exp, exp2, expm1
from diffc.emit.maths.hyperbolic import cosh, sinh, tanh
from diffc.emit.maths.hypotenuse import hypot
from diffc.emit.maths.inverse_error_function import erfcinv, erfinv
from diffc.emit.maths.inverse_hyperbolic import asinh, atanh
from diffc.emit.maths.inverse_trigonometric import acos, asin, atan, atan2
from diffc.emit.maths.lambert import lambertw
from diffc.emit.maths.log_gamma import gammaln
from diffc.emit.maths.logarithm import log, log1p, log2, log10
from diffc.emit.maths.logistic import logaddexp, sigmoid, softplus
from diffc.emit.maths.polygamma import polygamma
from diffc.emit.maths.power import ipow, power
from diffc.emit.maths.remainder import floor_divide, fmod, mod
from diffc.emit.maths.selection import maximum, minimum, sign, sqrt
from diffc.emit.maths.trigonometric import cos, sin, tan
from diffc.ops.gamma import MAX_ORDER

__all__ = ["FUNCTIONS", "MAX_ULP", "ipow"]

FUNCTIONS: MathsTable = {
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "log": log,
    "log2": log2,
    "log10": log10,
    "log1p": log1p,
    "sqrt": sqrt,
    "cbrt": cbrt,
    "hypot": hypot,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "asin": asin,
    "acos": acos,
    "atan": atan,
    "atan2": atan2,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asinh": asinh,
    "atanh": atanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "logaddexp": logaddexp,
    "erf": erf,
    "erfc": erfc,
    "erfinv": erfinv,
    "erfcinv": erfcinv,
    "lambertw": lambertw,
    "gammaln": gammaln,
    "digamma": digamma,
    **{f"polygamma_{n}": polygamma(n) for n in range(1, MAX_ORDER + 1)},
    "pow": power,
    "sign": sign,
    "minimum": minimum,
    "maximum": maximum,
    "mod": mod,
    "fmod": fmod,
    "floor_divide": floor_divide,
}
"""The vector maths of every back end."""

MAX_ULP: dict[str, float] = dict.fromkeys(FUNCTIONS, 1.0) | {
    "tanh": 1.3,
    "atanh": 1.05,
    "erfinv": 1.3,
    "erfcinv": 1.3,
    "lambertw": 1.2,
}
"""The largest error of each function over its whole range, in units in the last place of the true value.

For the functions of gamma that range begins at 0: between the poles below it they have zeros. `tanh` passes 1
between 0.25 and 0.7 only, `atanh` near 0.46, and `lambertw` beyond 0.3, where its form changes.
"""
