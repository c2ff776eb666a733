"""Learning-rate schedules: the factor on the learning rate, by how far the training has come.

A schedule is a function of the epoch, a real number that counts steps as fractions, so that it means the same
for every batch size. All begin with factor 1; before them the rate may grow linearly from 0 (`warmup`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["SCHEDULES", "Schedule"]

Factor: TypeAlias = Callable[["Schedule", float], float]


@dataclass(frozen=True)
class Schedule:
    """A schedule and its numbers.

    Attributes:
        kind: a name in `SCHEDULES`.
        epochs: when it ends, for those that end.
        warmup: for how many epochs the factor first grows from 0 to 1.
        step_epochs: after how many epochs each the factor falls, for `step`.
        factor: by what it falls: each time for `step`, each epoch for `exponential`, in all for `linear`
            and `cosine`.
    """

    kind: str = "constant"
    epochs: float = 1.0
    warmup: float = 0.0
    step_epochs: float = 10.0
    factor: float = 0.0

    def at(self, epoch: float, step: float = 0.0) -> float:
        """Return the factor for a step that begins after so many epochs and takes the fraction `step` of one.

        Within the warm-up it is that of the step's end, so that the first step moves already.
        """
        if epoch < self.warmup:
            return min(1.0, (epoch + step) / self.warmup)
        return SCHEDULES[self.kind](self, epoch - self.warmup)

    def progress(self, epoch: float) -> float:
        """Return how much of the time after the warm-up is over, from 0 to 1."""
        span = self.epochs - self.warmup
        return min(1.0, epoch / span) if span > 0 else 1.0


def _constant(schedule: Schedule, epoch: float) -> float:
    return 1.0


def _step(schedule: Schedule, epoch: float) -> float:
    return schedule.factor ** math.floor(epoch / schedule.step_epochs)


def _exponential(schedule: Schedule, epoch: float) -> float:
    return schedule.factor**epoch


def _linear(schedule: Schedule, epoch: float) -> float:
    return 1.0 + (schedule.factor - 1.0) * schedule.progress(epoch)


def _cosine(schedule: Schedule, epoch: float) -> float:
    """Half a cosine (Loshchilov & Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017)."""
    falling = (1.0 + math.cos(math.pi * schedule.progress(epoch))) / 2
    return schedule.factor + (1.0 - schedule.factor) * falling


SCHEDULES: dict[str, Factor] = {
    "constant": _constant,
    "step": _step,
    "exponential": _exponential,
    "linear": _linear,
    "cosine": _cosine,
}
"""The schedules by name."""
