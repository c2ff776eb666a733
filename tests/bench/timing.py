"""How the benchmarks measure time."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any


def once(action: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long one run took, in seconds, and its result."""
    started = perf_counter()
    result = action()
    return perf_counter() - started, result


def repeated(action: Callable[[], Any], rounds: int = 7, budget: float = 0.05) -> float:
    """Return the median over rounds of the seconds a run takes, each round long enough to be measured."""
    action()
    single = max(once(action)[0], 1e-7)
    count = max(1, int(budget / single))

    def many() -> None:
        for _ in range(count):
            action()

    return median(once(many)[0] / count for _ in range(rounds))
