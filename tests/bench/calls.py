"""Microseconds a call that has next to nothing to compute."""

from __future__ import annotations

import numpy as np

import diffc as dc
from tests.bench.timing import repeated


def run() -> dict[str, float]:
    """Print and return microseconds."""
    figures: dict[str, float] = {}
    scalar = dc.compile(dc.value_and_grad(dc.parse("((a + b) * c)**2"), ["a", "b", "c"]))
    figures["three numbers, value and gradient"] = repeated(lambda: scalar(1.0, 2.0, 2.0)) * 1e6
    names = [f"x{k}" for k in range(10)]
    many = dc.compile(dc.parse("+".join(names), dict.fromkeys(names, "f64[N]")))
    arrays = [np.ones(3) for _ in names]
    figures["ten arrays of 3"] = repeated(lambda: many(*arrays)) * 1e6
    for name, value in figures.items():
        print(f"{name:36s}{value:10.2f} us")
    return figures
