"""The history of a training: one record an epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Epoch", "from_columns", "to_columns"]


@dataclass(frozen=True)
class Epoch:
    """What happened in one epoch.

    Attributes:
        number: from 1.
        loss: the mean over the epoch's samples, each before the step that it took part in, as far as
            `time_limit` let it come; for `lbfgs` the loss after the iteration.
        rate: the learning rate of the last step.
        seconds: since the training began; a continued training adds to those before.
        validation_loss: the mean over the validation samples after the epoch.
        metric: of the validation samples where there are any, else of the training samples.
        metric_name: what the metric is, a name of `diffc.training.metrics`.
    """

    number: int
    loss: float
    rate: float
    seconds: float
    validation_loss: float | None = None
    metric: float | None = None
    metric_name: str | None = None

    @property
    def monitored(self) -> float:
        """The loss by which the training is judged."""
        return self.loss if self.validation_loss is None else self.validation_loss


_COLUMNS = tuple(each.name for each in fields(Epoch) if each.name not in ("number", "metric_name"))


def to_columns(history: Sequence[Epoch]) -> dict[str, NDArray[np.float64]]:
    """Return each field but the number and the name as an f64 array, with NaN for what is missing."""
    return {
        name: np.array([_number(getattr(each, name)) for each in history], np.float64) for name in _COLUMNS
    }


def from_columns(
    columns: Mapping[str, NDArray[Any]], count: int, metric_name: str | None
) -> tuple[Epoch, ...] | None:
    """Return the history of `count` epochs that `to_columns` wrote, or None where it is none."""
    if set(columns) != set(_COLUMNS) or any(each.shape != (count,) for each in columns.values()):
        return None
    lists: dict[str, list[Any]] = {name: each.astype(np.float64).tolist() for name, each in columns.items()}
    for name in ("validation_loss", "metric"):
        lists[name] = [None if each != each else each for each in lists[name]]
    rows = zip(*[lists[name] for name in _COLUMNS], strict=True)
    return tuple(
        Epoch(k, **dict(zip(_COLUMNS, row, strict=True)), metric_name=metric_name)
        for k, row in enumerate(rows, 1)
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
