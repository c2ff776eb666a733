"""The bookkeeping of a training: history, the best parameters, when to stop, when to write a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import ArtefactError
from diffc.training.checkpoint import Checkpoint, write_checkpoint
from diffc.training.evaluation import Evaluation
from diffc.training.history import Epoch

__all__ = ["Session"]

_Arrays = Mapping[str, NDArray[Any]]

_SECONDS = 10.0
"""A checkpoint is written after an epoch if the last one is older than this, and at the end."""


class Session:
    """What a driver of the training tells at the end of each epoch, and what follows from it.

    `last` is the training after its last sound epoch. It is replaced in one assignment, so that an interrupt
    at any moment finds a whole one.
    """

    def __init__(
        self,
        start: Checkpoint,
        training: Evaluation,
        validation: Evaluation | None,
        path: str | os.PathLike[str] | None = None,
        on_epoch: Callable[[Epoch], None] | None = None,
    ) -> None:
        """Begin at a checkpoint, which may be that of epoch 0."""
        self._training, self._validation = training, validation
        self._path, self._on_epoch = path, on_epoch
        self._history = list(start.history)
        self._last = replace(start, history=())
        past = start.history[-1].seconds if start.history else 0.0
        self._began = perf_counter()
        self._origin = self._began - past
        self._deadline = self._began + (start.settings.time_limit or float("inf"))
        self._written = self._began
        self._best = self._history[start.best_epoch - 1].monitored if start.best_epoch else float("inf")

    @property
    def last(self) -> Checkpoint:
        """The training after its last sound epoch."""
        return replace(self._last, history=tuple(self._history[: self._last.epoch]))

    def finish_epoch(
        self, loss: float, rate: float, parameters: _Arrays, state: _Arrays, steps: int
    ) -> str | None:
        """Record an epoch; return why to stop, or None to go on.

        A loss or parameters that are not finite are not recorded: then `last` stays what it was.
        """
        if not np.isfinite(loss) or not all(bool(np.isfinite(each).all()) for each in parameters.values()):
            return "diverged"
        measured = self._validation or self._training
        validation_loss = None if self._validation is None else self._validation.loss(parameters)
        metric = measured.measured(parameters)
        number, seconds = self._last.epoch + 1, perf_counter() - self._origin
        epoch = Epoch(number, loss, rate, seconds, validation_loss, metric, measured.metric)
        before = self._last
        kept = {name: each.copy() for name, each in parameters.items()}
        best, best_epoch = before.best, before.best_epoch
        if epoch.monitored < self._best:
            self._best, best_epoch = epoch.monitored, number
            best = kept if before.settings.patience else {}
        del self._history[before.epoch :]  # left by an interrupt between the next two lines
        self._history.append(epoch)
        self._last = replace(
            before,
            parameters=kept,
            state={name: each.copy() for name, each in state.items()},
            best=best,
            best_epoch=best_epoch,
            epoch=number,
            steps=steps,
        )
        if self._on_epoch is not None:
            self._on_epoch(epoch)
        if perf_counter() - self._written > _SECONDS:
            self._write_if_possible()
        return self._reason(epoch, before.parameters)

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return perf_counter() >= self._deadline

    def _write_if_possible(self) -> None:
        """Write the checkpoint; a full disk ends no training that may write again later."""
        try:
            self.write()
        except ArtefactError:
            self._written = perf_counter()

    def write(self) -> None:
        """Write the checkpoint, if the training has a place for it."""
        if self._path is not None:
            write_checkpoint(self._path, self.last)
            self._written = perf_counter()

    def _reason(self, epoch: Epoch, before: _Arrays) -> str | None:
        settings, last = self._last.settings, self._last
        if settings.target_loss is not None and epoch.monitored <= settings.target_loss:
            return "target"
        if settings.patience and epoch.number - last.best_epoch >= settings.patience:
            return "patience"
        if settings.min_update is not None and _change(last.parameters, before) <= settings.min_update:
            return "updates"
        return "time" if self.late else None


def _change(now: _Arrays, before: _Arrays) -> float:
    """Return the largest change of any number."""
    changes = [np.abs(each - before[name]).max(initial=0.0) for name, each in now.items()]
    return float(max(changes, default=0.0))
