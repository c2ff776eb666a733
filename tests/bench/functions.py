"""Microseconds of the elementary functions over 100,000 numbers, beside JAX and NumPy, in f64 and f32.

Each tool runs in a process of its own on one core: `python -m tests.bench.functions TOOL` is that process.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.timing import repeated

COUNT = 100_000
TOOLS = ("diffc", "jax", "numpy")
ABOVE_ZERO, INSIDE, ANY = (0.1, 5.0), (-0.9, 0.9), (-5.0, 5.0)
DOMAINS = {
    "exp": ANY, "exp2": ANY, "expm1": ANY, "log": ABOVE_ZERO, "log2": ABOVE_ZERO, "log10": ABOVE_ZERO,
    "log1p": ABOVE_ZERO, "sin": ANY, "cos": ANY, "tan": ANY, "asin": INSIDE, "acos": INSIDE, "atan": ANY,
    "sinh": ANY, "cosh": ANY, "tanh": ANY, "asinh": ANY, "acosh": (1.1, 5.0), "atanh": INSIDE, "sigmoid": ANY,
    "softplus": ANY, "erf": ANY, "erfc": ANY, "sqrt": ABOVE_ZERO, "cbrt": ANY, "power": ABOVE_ZERO,
    "arctan2": ANY, "hypot": ANY, "mod": ANY, "fmod": ANY, "logaddexp": ANY, "gammaln": ABOVE_ZERO,
    "digamma": ABOVE_ZERO,
}  # fmt: skip
BINARY = ("power", "arctan2", "hypot", "mod", "fmod", "logaddexp")
FORMULAS = {"power": "x**y", "arctan2": "atan2(x, y)"}


def run() -> dict[str, Any]:
    """Print and return microseconds: one line a function."""
    tools = [tool for tool in TOOLS if importlib.util.find_spec(tool)]
    figures = {tool: _measured(tool) for tool in tools}
    print(f"{COUNT:,} numbers".ljust(20) + "".join(f"{tool:>10s}" for tool in tools) + f"{'best/diffc':>12s}")
    for label, ours in figures["diffc"].items():
        others = [figures[tool][label] for tool in tools if tool != "diffc" and label in figures[tool]]
        texts = [f"{figures[t][label]:10.1f}" if label in figures[t] else " " * 10 for t in tools]
        print(f"{label:20s}" + "".join(texts) + (f"{min(others) / ours:12.2f}" if others else ""))
    return figures


def _measured(tool: str) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.functions", tool]
    if hasattr(os, "sched_getaffinity"):
        command = ["taskset", "-c", str(min(os.sched_getaffinity(0))), *command]
    done = subprocess.run(
        command, env=dict(os.environ, JAX_PLATFORMS="cpu"), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def _figures(tool: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for dtype in ("f64", "f32"):
        for name, domain in DOMAINS.items():
            rng = np.random.default_rng(0)
            kind = np.float64 if dtype == "f64" else np.float32
            arrays = [rng.uniform(*domain, COUNT).astype(kind) for _ in range(1 + (name in BINARY))]
            call = _CALLS[tool](name, arrays, dtype)
            if call is not None:
                found[f"{name} {dtype}"] = repeated(call) * 1e6
    return found


def _diffc(name: str, arrays: list[Any], dtype: str) -> Callable[[], Any]:
    import diffc as dc

    inputs = dict(zip("xy", [f"{dtype}[N]"] * len(arrays), strict=False))
    kernel = dc.compile(dc.parse(FORMULAS.get(name, f"{name}({', '.join(inputs)})"), inputs))
    out = np.empty_like(arrays[0])
    return lambda: kernel(*arrays, out=out)


def _jax(name: str, arrays: list[Any], dtype: str) -> Callable[[], Any] | None:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    places = (jnp, jax.nn, jax.scipy.special)
    function = next((getattr(place, name) for place in places if hasattr(place, name)), None)
    if function is None:
        return None
    compiled, given = jax.jit(function), [jnp.asarray(each) for each in arrays]
    return lambda: jax.block_until_ready(compiled(*given))


def _numpy(name: str, arrays: list[Any], dtype: str) -> Callable[[], Any] | None:
    function = getattr(np, name, None)
    out = np.empty_like(arrays[0])
    return None if function is None else lambda: function(*arrays, out=out)


_CALLS = {"diffc": _diffc, "jax": _jax, "numpy": _numpy}

if __name__ == "__main__":
    print(json.dumps(_figures(sys.argv[1])))
