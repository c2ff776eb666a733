"""When two results agree: tolerances that the program itself gives, so that no false alarm drowns a true one.

A fixed tolerance is wrong for random programs: one is too strict for a difference of large numbers and too
lax for everything else. So the interpreter runs again with every rounded value moved by up to four units in
the last place (`noisy`), and JAX with its arguments moved so; how far the result moves says what its digits
are worth. The tolerance of an element is 40 times that spread and 20 times the largest one of its array, as
few runs may spare an element, and some units of the largest element or of 1, which values on the way are
about, as terms cancel. Where even these runs disagree on whether an element is finite, it is not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["difference", "tolerance"]


def tolerance(want: Any, runs: Sequence[Any], unit: float, units: float) -> Any:
    """Return how far each element may be off; NaN where nothing can be said."""
    with np.errstate(all="ignore"):
        spread = np.zeros(want.shape)
        for run in runs:
            moved = np.abs(np.asarray(run, float) - np.asarray(want, float))
            moved = np.where(np.asarray(run) == want, 0.0, moved)
            spread = np.maximum(spread, np.where(np.isnan(run) & np.isnan(want), 0.0, moved))
        largest = np.max(np.abs(want), initial=1, where=np.isfinite(want))
        widest = np.max(spread, initial=0, where=np.isfinite(spread))
        return 40 * spread + 20 * widest + units * unit * largest


def difference(
    got: Any, want: Any, runs: Sequence[Any], unit: float = 2.0**-52, units: float = 64.0
) -> tuple[Any, str] | None:
    """Return which elements differ, and a text about the worst; None where the arrays agree.

    Args:
        got: what is compared.
        want: the reference.
        runs: what the reference gives when it is disturbed.
        unit: the last place of 1 in the coarsest dtype that the program computes in.
        units: how many units in the last place of the largest element are forgiven.
    """
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return np.array(True), f"shape {got.shape}, expected {want.shape}"
    if not want.size:
        return None
    if want.dtype.kind != "f" or got.dtype.kind != "f":
        stable = (
            np.all([np.asarray(run) == want for run in runs], axis=0) if runs else np.full(want.shape, True)
        )
        wrong = stable & (got != want)
        return (wrong, _worst(got, want, wrong, 0 * want)) if np.any(wrong) else None
    unit = float(max(unit, np.finfo(got.dtype).eps, np.finfo(want.dtype).eps))
    allowed = tolerance(want, runs, unit, units)
    with np.errstate(all="ignore"):
        close = (
            (np.abs(np.asarray(got, float) - want) <= allowed)
            | (got == want)
            | (np.isnan(got) & np.isnan(want))
        )
        wrong = ~close & ~np.isnan(allowed) & ~np.isinf(allowed)
    return (wrong, _worst(got, want, wrong, allowed)) if np.any(wrong) else None


def _worst(got: Any, want: Any, wrong: Any, allowed: Any) -> str:
    with np.errstate(all="ignore"):
        off = np.abs(np.asarray(got, float) - np.asarray(want, float)) / (np.asarray(allowed, float) + 1e-300)
    off = np.where(wrong, np.nan_to_num(off, nan=np.inf), -1)
    at = tuple(int(k) for k in np.unravel_index(int(np.argmax(off)), np.shape(off)))
    count = f"{int(np.sum(wrong))} of {np.size(wrong)} elements" if np.size(wrong) > 1 else "the number"
    return f"{count}, at {at}: {got[at]!s}, expected {want[at]!s} within {float(np.asarray(allowed)[at]):.2g}"
