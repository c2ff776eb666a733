"""The benchmark: `python -m tests.bench [scale] [start] [call] [--json FILE]`.

scale  seconds per 1,000 nodes of parse, gradient, optimise, schedule, lower and compile
start  process start to first result, cold and from the cache, beside other tools' where installed
call   microseconds a call, and elementwise functions over 100,000 numbers

Single thread; nothing here is a test, and no test asserts a time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from tests.bench import calls, scale, start  # noqa: E402 - threads are set before NumPy is loaded

BENCHMARKS = {"scale": scale.run, "start": start.run, "call": calls.run}


def main() -> int:
    """Run the benchmarks that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which; all by default")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = parser.parse_args()
    figures = {}
    for name in chosen.names or BENCHMARKS:
        print(f"== {name}", flush=True)
        figures[name] = BENCHMARKS[name]()
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
