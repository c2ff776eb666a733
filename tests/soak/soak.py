"""What runs at once, and the figures of it."""

from __future__ import annotations

import faulthandler
import gc
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffc as dc
from tests.soak.work import WORK

_PATIENCE = 120.0
"""What takes so many seconds hangs: a compilation takes a tenth of one, on a busy machine ten."""

_THREADS = {"programs": 2, "calls": 2, "shapes": 2, "cache": 1, "texts": 1}
"""How many threads do each kind of work."""


class _Run:
    """The state of one soak."""

    def __init__(self, seconds: float, seed: int) -> None:
        self.end = time.monotonic() + seconds
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.beats: dict[str, float] = {}
        self.lock = threading.Lock()

    def work(self, name: str, number: int) -> None:
        """Do one kind of work again and again."""
        draw = random.Random(f"{self.seed} {name} {number}")
        step = WORK[name](draw)
        while time.monotonic() < self.end:
            self.beats[f"{name} {number}"] = time.monotonic()
            self.count(f"{name}", step)
        del self.beats[f"{name} {number}"]

    def count(self, name: str, step: Callable[[], Counter[str]]) -> None:
        """Do one step, and count what it did."""
        try:
            done = step()
        except BaseException:
            done = Counter({"failures": 1})
            with self.lock:
                if len(self.failures) < 20:
                    self.failures.append(f"{name}: {traceback.format_exc(limit=-6)}")
        with self.lock:
            self.counts += done

    def fork(self, draw: random.Random) -> None:
        """Fork, have the child compile and call what is new, and wait for it."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.alarm(int(_PATIENCE))
                faulthandler.dump_traceback_later(_PATIENCE / 2)
                WORK["programs"](draw)()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, state = os.waitpid(child, 0)
        self.counts["forks"] += 1
        code = os.waitstatus_to_exitcode(state)
        if code == -signal.SIGALRM:
            self.counts["hangs"] += 1
        elif code:
            self.counts["failures"] += 1
            self.failures.append(f"a forked child ended with {code}")


def soak(seconds: float, seed: int = 0) -> dict[str, Any]:
    """Run for so many seconds; return the figures."""
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork.*", category=DeprecationWarning)
    start = time.monotonic()
    run, draw = _Run(seconds, seed), random.Random(seed)
    dc.parse("a*b")(1.0, 2.0)
    memory = _resident()
    threads = [
        threading.Thread(target=run.work, args=(name, k), daemon=True)
        for name, count in _THREADS.items()
        for k in range(count)
    ]
    for each in threads:
        each.start()
    hung: set[str] = set()
    while any(each.is_alive() for each in threads):
        time.sleep(draw.uniform(0, 0.4))
        if time.monotonic() < run.end:
            run.fork(draw)
        late = {name for name, beat in list(run.beats.items()) if time.monotonic() - beat > _PATIENCE} - hung
        if late:
            faulthandler.dump_traceback(all_threads=True)
            hung |= late
            run.counts["hangs"] += len(late)
        if hung and time.monotonic() > run.end + _PATIENCE:
            break
    return {
        "seconds": round(time.monotonic() - start, 1),
        **{name: run.counts[name] for name in ("calls", "kernels", "shapes", "forks", "texts", "damages")},
        "surprises": run.counts["surprises"],
        "MB at start": memory,
        "MB at end": _resident(),
        "maps": _maps(),
        "hangs": run.counts["hangs"],
        "failures": run.counts["failures"],
        "first failures": "\n".join(run.failures),
    }


def _resident() -> float:
    gc.collect()
    try:
        return round(
            int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6, 1
        )
    except OSError:
        return 0.0


def _maps() -> int:
    try:
        return Path("/proc/self/maps").read_text().count("\n")
    except OSError:
        return 0
