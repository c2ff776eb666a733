"""Process start to first result: imports included, cold and with the kernel in the cache."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from statistics import median
from time import perf_counter

FORMULA = "((a + b) * c)**2"
PROGRAMS = {
    "python -c pass": "pass",
    "numpy": "import numpy",
    "diffc (import)": "import numpy, diffc",
    "diffc": (
        f"import diffc as dc; k = dc.compile(dc.value_and_grad(dc.parse({FORMULA!r}), ['a', 'b', 'c']));"
        "assert k(1., 2., 2.) == (36., (24., 24., 36.))"
    ),
    "diffc, source by Numba": (
        f"import diffc as dc; k = dc.compile(dc.value_and_grad(dc.parse({FORMULA!r}), ['a', 'b', 'c']),"
        "lowering='source'); assert k(1., 2., 2.)[0] == 36."
    ),
    "jax": (
        "import jax; jax.config.update('jax_enable_x64', True);"
        "g = jax.jit(jax.value_and_grad(lambda a, b, c: ((a + b) * c)**2, (0, 1, 2))); print(g(1., 2., 2.))"
    ),
    "torch": (
        "import torch; x = [torch.tensor(v, requires_grad=True) for v in (1., 2., 2.)];"
        "(((x[0] + x[1]) * x[2])**2).backward()"
    ),
    "sympy lambdify": (
        "import sympy as S; a, b, c = S.symbols('a b c'); f = ((a + b) * c)**2;"
        "print(S.lambdify((a, b, c), [f, f.diff(a), f.diff(b), f.diff(c)])(1., 2., 2.))"
    ),
}


def run(rounds: int = 5) -> dict[str, float]:
    """Print and return the median seconds of each program; diffc also without its cache."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in PROGRAMS.items():
            if name in ("jax", "torch") and importlib.util.find_spec(name) is None:
                continue
            if name == "diffc":
                figures["diffc, cold"] = median(_seconds(text, f"{folder}/{k}") for k in range(rounds))
            _seconds(text, folder)
            label = "diffc, cached" if name == "diffc" else name
            figures[label] = median(_seconds(text, folder) for _ in range(rounds))
    for name, value in figures.items():
        print(f"{name:26s}{value:10.3f} s")
    return figures


def _seconds(text: str, cache: str) -> float:
    environment = {**os.environ, "DIFFC_CACHE_DIR": cache}
    started = perf_counter()
    subprocess.run([sys.executable, "-c", text], check=True, env=environment, stdout=subprocess.DEVNULL)
    return perf_counter() - started
