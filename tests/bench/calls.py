"""Microseconds a call: call overhead, and elementwise functions over 100,000 numbers beside NumPy's."""

from __future__ import annotations

import numpy as np

import diffc as dc
from tests.bench.timing import repeated

FUNCTIONS = ("exp", "log", "sin", "cos", "tanh", "sigmoid", "erf", "sqrt")
COUNT = 100_000


def run() -> dict[str, float]:
    """Print and return microseconds."""
    figures: dict[str, float] = {}
    scalar = dc.compile(dc.value_and_grad(dc.parse("((a + b) * c)**2"), ["a", "b", "c"]))
    figures["three numbers, value and gradient"] = repeated(lambda: scalar(1.0, 2.0, 2.0)) * 1e6
    names = [f"x{k}" for k in range(10)]
    many = dc.compile(dc.parse("+".join(names), dict.fromkeys(names, "f64[N]")))
    arrays = [np.ones(3) for _ in names]
    figures["ten arrays of 3"] = repeated(lambda: many(*arrays)) * 1e6
    x = np.random.default_rng(0).uniform(0.1, 5.0, COUNT)
    out = np.empty_like(x)
    for name in FUNCTIONS:
        kernel = dc.compile(dc.parse(f"{name}(x)", {"x": "f64[N]"}))
        figures[f"{name} of {COUNT:,}"] = repeated(lambda k=kernel: k(x, out=out)) * 1e6
        if hasattr(np, name):
            function = getattr(np, name)
            figures[f"numpy.{name} of {COUNT:,}"] = repeated(lambda f=function: f(x, out=out)) * 1e6
    for name, value in figures.items():
        print(f"{name:36s}{value:10.2f} us")
    return figures
