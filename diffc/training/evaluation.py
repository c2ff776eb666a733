"""The loss and the metric of samples that are not trained with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import InputError
from diffc.functions.function import Function, compile
from diffc.training.data import Samples
from diffc.training.metrics import measure, metric_for

__all__ = ["Evaluation"]

_ROWS = 4096
"""Samples are taken so many at a time, which bounds the memory."""


class Evaluation:
    """What is measured of a set of samples: the mean loss, and a metric of the predictions."""

    def __init__(self, loss: Function, samples: Samples, cache: bool = True) -> None:
        """Measure `loss`; it is compiled when it is first needed."""
        self._loss, self._samples, self._cache = loss, samples, cache
        self._predict: Function | None = None
        self.metric: str | None = None
        self._target = ""
        self._kernels: dict[Function, Any] = {}

    def with_metric(self, predict: Function, metric: str, target: str | None = None) -> Evaluation:
        """Measure the predictions too; `auto` chooses by the targets, `none` measures nothing.

        Args:
            predict: a function of data and parameters that gives an array with a row a sample.
            metric: the name of a metric.
            target: what they are compared with; without it the one data input that `predict` does not take.

        Raises:
            InputError: where `predict` takes what the loss does not, or it is not plain what the target is.
        """
        if unknown := [name for name in predict.inputs if name not in self._loss.inputs]:
            raise InputError(f"{predict.name} takes {', '.join(unknown)}, which the loss does not")
        data = self._samples.arrays
        targets = [name for name in data if name not in predict.inputs] if target is None else [target]
        ranks = [kind.rank for kind in predict.outputs.values()]
        plain = len(targets) == 1 and targets[0] in data and len(ranks) == 1 and ranks[0] > 0
        if metric == "none" or (metric == "auto" and not plain):
            return self
        if not plain:
            found = ", ".join(map(str, predict.outputs.values()))
            raise InputError(
                f"the metric {metric} compares one array of predictions with one target; "
                f"{predict.name} gives {found}, and the targets are {', '.join(targets)}"
            )
        (self._target,) = targets
        (kind,) = predict.outputs.values()
        if metric == "accuracy" and kind.shape[-1] == 1:
            raise InputError(
                f"the metric accuracy compares classes, and {predict.name} gives {kind}, one alone; "
                "choose binary_accuracy, bipolar_accuracy or rms_error"
            )
        self.metric = metric_for(data[self._target], ranks[0]) if metric == "auto" else metric
        self._predict = predict
        return self

    def loss(self, parameters: Mapping[str, NDArray[Any]]) -> float:
        """Return the mean loss; that of each part counts by its number of samples."""
        total = 0.0
        for part in self._parts():
            total += part.count * float(self._call(self._loss, part, parameters))
        return total / self._samples.count

    def measured(self, parameters: Mapping[str, NDArray[Any]]) -> float | None:
        """Return the metric, or None where there is none."""
        if self._predict is None or self.metric is None:
            return None
        predict = self._predict
        found = [np.asarray(self._call(predict, part, parameters)) for part in self._parts()]
        prediction = np.concatenate(found) if len(found) > 1 else found[0]
        return measure(self.metric, prediction, self._samples.arrays[self._target])

    def _parts(self) -> Sequence[Samples]:
        samples = self._samples
        if not samples.rows or samples.count <= _ROWS:
            return [samples]
        return [samples.take(slice(start, start + _ROWS)) for start in range(0, samples.count, _ROWS)]

    def _call(self, f: Function, part: Samples, parameters: Mapping[str, NDArray[Any]]) -> Any:
        if f not in self._kernels:
            self._kernels[f] = compile(f, cache=self._cache)
        values = {**part.arrays, **parameters}
        return self._kernels[f](*[values[name] for name in f.inputs])
