"""Where diffc and its references differ and may: each entry says when, and why. Nothing else is muted.

The conventions are those of `docs/edge-derivatives.md`. An entry looks at one output at a time and returns
the elements that it excuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["AGREED", "AS_WRITTEN", "WIDENING", "Case", "stays_f32"]


@dataclass(frozen=True)
class Case:
    """One output that differs, diffc's and a reference's; `kink` tells whether the function has one there."""

    got: Any
    want: Any
    kink: Callable[[], bool]


@dataclass(frozen=True)
class Agreed:
    """A difference that is meant."""

    name: str
    reason: str
    excuses: Callable[[Case], Any]


def _other_nan(case: Case) -> Any:
    return np.isnan(case.want) & ~np.isnan(np.asarray(case.got, float))


def _kink(case: Case) -> Any:
    return np.full(np.shape(case.want), case.kink())


AGREED = (
    Agreed(
        "NaN in JAX",
        "at 0 of a norm, a standard deviation, a root under `where`, or an infinite partial derivative times "
        "0, diffc has the conventional slope where JAX has NaN",
        _other_nan,
    ),
    Agreed(
        "kink",
        "the slopes from both sides differ (ties of max, bounds of clip, abs at 0, values swapped in a sort, "
        "a jump): each has its own convention there",
        _kink,
    ),
)
"""Every difference to JAX that is not reported."""

AS_WRITTEN = (
    Agreed(
        "NaN as written",
        "the interpreter runs the program as it is written; a stable form has a value where that has none,"
        " such as the slope of log(sum(exp(x))) of nothing, and so has x/x under math='fast'",
        _other_nan,
    ),
)
"""Every difference to the interpreter that is not reported."""

WIDENING = (
    *("corrcoef", "cov", "geomspace", "interp", "vander"),
    *("nanpercentile", "nanquantile", "percentile", "quantile"),  # these for several probabilities
)
"""Functions of which NumPy gives f64 even for f32: here f32 stays f32 (docs/numpy-functions.md, "In f32")."""

_WIDENING_CALL = re.compile(rf"\bnp\.({'|'.join(WIDENING)})\(")


def stays_f32(source: str, got: Any, want: Any) -> bool:
    """Tell whether a result is f32 where NumPy's is f64 because the program calls a function that widens."""
    return (got, want) == (np.float32, np.float64) and _WIDENING_CALL.search(source) is not None
