"""One tool on one workload, in a process of its own: `python -m tests.bench.one WORKLOAD TOOL SCALE STARTED`.

Prints one JSON object: seconds from the start of the process to the first result, seconds of building and
of the first call alone, the median microseconds of a warm call, and numbers that tell the results apart.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from time import perf_counter, time

import numpy as np

from tests.bench.timing import repeated

ROUNDS = 9


def main() -> None:
    """Measure, and print the figures."""
    name, tool, scale, started = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    workload = import_module(f"tests.bench.workloads.{name}")
    data = workload.inputs(scale)
    before = perf_counter()
    call = getattr(workload, tool)(data)
    results = call()
    first = perf_counter() - before
    process = time() - started
    seconds = repeated(call, ROUNDS, 0.1)
    figures = {
        "microseconds": seconds * 1e6,
        "build_and_first_call": first,
        "process_to_first_result": process,
        "results": [] if tool in ("floor", "primal") else [_sketch(each) for each in results],
    }
    print(json.dumps(figures))


def _sketch(value: object) -> list[float]:
    """Return numbers that differ where arrays do: the largest element, and weighted sums."""
    array = np.asarray(value, np.float64).ravel()
    weights = np.random.default_rng(1).normal(size=(4, array.size))
    scale = float(np.max(np.abs(array), initial=0.0))
    return [scale, *(float(each) for each in weights @ array)]


if __name__ == "__main__":
    main()
