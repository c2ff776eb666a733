"""Where diffc and its references differ and may: each entry says when, and why. Nothing else is muted.

The conventions are those of `docs/edge-derivatives.md`. An entry looks at one output at a time and returns
the elements that it excuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["AGREED", "AS_WRITTEN", "Case"]


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
