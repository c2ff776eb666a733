"""What is measured beside the loss: how many samples are classified rightly, or how far predictions are off.

| metric             | value                                                                    |
| ------------------ | ------------------------------------------------------------------------ |
| `accuracy`         | the fraction of samples whose largest prediction is that of their class  |
| `binary_accuracy`  | the fraction of numbers on the target's side of 1/2                      |
| `bipolar_accuracy` | the fraction of numbers of the target's sign                             |
| `rms_error`        | the root of the mean squared difference                                  |
| `none`             | nothing                                                                  |
| `auto`             | by the targets: classes, 0 and 1, -1 and 1, anything else, in this order |

Classes are one-hot rows or whole numbers, one for each row of predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.errors import InputError

__all__ = ["METRICS", "measure", "metric_for"]

_Array = NDArray[Any]


def _accuracy(prediction: _Array, target: _Array) -> float:
    numbered = target.ndim < prediction.ndim
    wanted = target if numbered else np.argmax(target, axis=-1)
    return float(np.mean(np.argmax(prediction, axis=-1) == wanted))


def _binary_accuracy(prediction: _Array, target: _Array) -> float:
    return float(np.mean((prediction > 0.5) == (target > 0.5)))


def _bipolar_accuracy(prediction: _Array, target: _Array) -> float:
    return float(np.mean((prediction > 0) == (target > 0)))


def _rms_error(prediction: _Array, target: _Array) -> float:
    return float(np.sqrt(np.mean(np.square(prediction - target), dtype=np.float64)))


_MEASURES: dict[str, Callable[[_Array, _Array], float]] = {
    "accuracy": _accuracy,
    "binary_accuracy": _binary_accuracy,
    "bipolar_accuracy": _bipolar_accuracy,
    "rms_error": _rms_error,
}

METRICS = (*_MEASURES, "none", "auto")
"""The names of all metrics."""


def metric_for(target: _Array, prediction_rank: int) -> str:
    """Return the metric that suits targets and predictions of this rank, as `auto` chooses it."""
    values = np.unique(target)
    if target.dtype.kind == "i" and prediction_rank > target.ndim:
        return "accuracy"
    if target.ndim > 1 and target.shape[-1] > 1 and set(values.tolist()) == {0.0, 1.0}:
        return "accuracy" if bool(np.all(np.sum(target, axis=-1) == 1)) else "binary_accuracy"
    if set(values.tolist()) <= {0.0, 1.0}:
        return "binary_accuracy"
    return "bipolar_accuracy" if set(values.tolist()) == {-1.0, 1.0} else "rms_error"


def measure(metric: str, prediction: _Array, target: _Array) -> float:
    """Return the metric of predictions; raise `InputError` for targets of a shape that does not fit."""
    numbered = metric == "accuracy" and target.dtype.kind == "i" and target.shape == prediction.shape[:-1]
    if prediction.shape != target.shape and not numbered:
        raise InputError(
            f"the metric {metric} compares predictions of the shape {prediction.shape} with targets of the "
            f'shape {target.shape}; choose metric = "none"'
        )
    return _MEASURES[metric](prediction, target)
