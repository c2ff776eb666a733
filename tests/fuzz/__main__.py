"""The fuzzer: `python -m tests.fuzz [--texts] [--seconds S] [--programs N] [--seed K] [--no-jax]`.

Plain NumPy functions as people write them are drawn at random, one process for all of them, and each is
tried in every way (`docs/fuzzing.md`). What fails is shrunk to a few lines and printed as a test. With
`--texts` formulas, models, IR texts, manifests and command lines are mutated instead. The exit status is 1 if
anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

os.environ["DIFFC_CHECK"] = "1"  # graphs and loops are checked behind every step
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from tests.fuzz.kinds import KINDS  # noqa: E402 - threads are set before NumPy is loaded
from tests.fuzz.run import Failure, Summary, fuzz  # noqa: E402
from tests.fuzz.texts import fuzz_texts  # noqa: E402


def main() -> int:
    """Run the fuzzer as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, help="stop after this time (60, unless --programs is given)")
    parser.add_argument("--programs", type=int, help="stop after so many programs")
    parser.add_argument("--seed", type=int, default=0, help="which programs: the same seed, the same ones")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--no-jax", action="store_true", help="do not compare with JAX")
    parser.add_argument("--shrink", type=int, default=250, help="how many smaller programs to try, at most")
    parser.add_argument("--texts", action="store_true", help="mutate texts instead: all that reads one")
    parser.add_argument("--json", type=Path, help="also write what was found to this file")
    chosen = parser.parse_args()
    seconds = 60.0 if chosen.seconds is None and chosen.programs is None else chosen.seconds
    if chosen.texts:
        return _texts(chosen.seed, chosen.programs, seconds)
    progress = _Progress()
    summary = fuzz(
        chosen.seed,
        kinds=chosen.kinds,
        programs=chosen.programs,
        seconds=seconds,
        jax=not chosen.no_jax,
        shrinking=chosen.shrink,
        each=progress.show,
    )
    progress.close()
    _print(summary)
    if chosen.json:
        chosen.json.write_text(json.dumps(summary.as_json(), indent=1) + "\n", encoding="utf-8")
    return 1 if summary.failures else 0


class _Progress:
    """Prints failures as they come, above a bar on a terminal."""

    def __init__(self) -> None:
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(unit=" programs")

    def show(self, summary: Summary, failure: Failure | None) -> None:
        if self._bar is not None:
            self._bar.update()
            self._bar.set_postfix(failed=len(summary.failures), refresh=False)
        if failure is not None:
            again = "" if failure.again else "  # not again when it was tried again: run the same seeds"
            text = f"\n# seed {failure.seed}{again}\n{failure.test}\n"
            self._bar.write(text) if self._bar is not None else print(text, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _texts(seed: int, count: int | None, seconds: float | None) -> int:
    summary = fuzz_texts(seed, count=count, seconds=seconds)
    for failure in summary.failures:
        print(failure)
    for family, counts in summary.outcomes.items():
        print(f"{family:10}", *(f"{name} {number}" for name, number in sorted(counts.items())))
    return 1 if summary.failures else 0


def _print(summary: Summary) -> None:
    names = sorted({name for counts in summary.outcomes.values() for name in counts})
    print(f"{'':16}", *(f"{name:>13}" for name in names))
    for kind, counts in summary.outcomes.items():
        print(f"{kind:16}", *(f"{counts[name] or '':>13}" for name in names))
    for title, table in (("refused", summary.refusals), ("beside JAX", summary.notes)):
        for text, count in table.most_common(12):
            print(f"{title} {count:5}  {text.splitlines()[0]}")
    print(f"{summary.programs} programs, {len(summary.failures)} failed")


if __name__ == "__main__":
    sys.exit(main())
