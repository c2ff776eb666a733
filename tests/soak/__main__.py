"""The soak test: `python -m tests.soak --minutes M [--json F] [--seed K]`.

Threads that compile, call and let go of kernels, forks at any moment, ever new shapes, a cache that others
damage, and mutated texts: all at once in one process, for as long as is asked. It prints figures; the exit
status is 1 if a result was wrong, something raised that should not, or anything hung.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    parser.add_argument("--seed", type=int, default=0, help="what is drawn at random")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DIFFC_CACHE_DIR"] = os.path.join(folder, "cache")
        from tests.soak.soak import soak

        figures = soak(60 * chosen.minutes, chosen.seed)
    for name, value in figures.items():
        print(f"{name:24} {value:,}" if isinstance(value, int) else f"{name:24} {value}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.flush()
    # Threads that hang would keep the process from its end.
    os._exit(1 if figures["hangs"] or figures["failures"] else 0)


if __name__ == "__main__":
    main()
