"""The benchmark: `python -m tests.bench [NAME ...] [--scales 0.1 1 10] [--json FILE] [--picture FILE]`.

scalar arm mlp mlp32 small pinn gmm   diffc beside its peers: microseconds, first results, floors, agreement
scale   seconds per 1,000 nodes of parse, gradient, optimise, schedule, lower and compile
start   process start to first result, cold and from the cache
call    microseconds a call
functions  the elementary functions over 100,000 numbers, beside JAX's and NumPy's
training  microseconds an epoch of a network, beside Torch and scikit-learn; also `-m tests.bench.training`

Peers are those that are installed (`pip install -e ".[bench]"`). Single thread each, but for `parallel`;
nothing here is a test, and no test asserts a time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from tests.bench import calls, compare, functions, scale, start, training  # noqa: E402 - threads are set before NumPy is loaded
from tests.bench.workloads import WORKLOADS  # noqa: E402

BENCHMARKS = {"scale": scale.run, "start": start.run, "call": calls.run}
BENCHMARKS |= {"functions": functions.run, "training": training.run}


def main() -> int:
    """Run the benchmarks that were named, or all."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = [*WORKLOADS, *BENCHMARKS]
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all by default")
    parser.add_argument("--scales", nargs="+", type=float, default=[1.0], help="multiples of the batch")
    parser.add_argument("--tools", nargs="+", help="only these tools")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--picture", type=Path, help="also draw the workloads' figures")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}: choose from {', '.join(known)}")
    names = chosen.names or known
    figures: dict[str, object] = {}
    workloads = [name for name in names if name in WORKLOADS]
    options = {"tools": chosen.tools} if chosen.tools else {}
    compared = compare.run(workloads, chosen.scales, **options)
    figures.update(compared)
    for name in names:
        if name in BENCHMARKS:
            print(f"== {name}", flush=True)
            figures[name] = BENCHMARKS[name]()
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")
    if chosen.picture and compared:
        compare.draw(compared, chosen.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
