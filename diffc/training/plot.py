"""The loss curve as a picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diffc.errors import ArtefactError, DiffcError
from diffc.training.history import Epoch

__all__ = ["SUFFIXES", "draw_history"]

SUFFIXES = (".png", ".svg", ".pdf")
"""The endings of files that can be drawn into."""


def draw_history(path: str | os.PathLike[str], history: Sequence[Epoch]) -> None:
    """Draw the losses of each epoch, and the metric if there is one, into a file (PNG, SVG, PDF).

    Raises:
        DiffcError: without matplotlib.
        ArtefactError: where the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise DiffcError("a picture needs matplotlib: pip install 'diffc[train]'") from None
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes: Any = figure.add_subplot()
    numbers = [each.number for each in history]
    marker = "o" if len(history) == 1 else None
    axes.plot(numbers, [each.loss for each in history], label="training loss", marker=marker)
    validation = [each.validation_loss for each in history]
    if any(each is not None for each in validation):
        axes.plot(numbers, validation, label="validation loss", marker=marker)
    losses = [each.loss for each in history] + [each for each in validation if each is not None]
    axes.set(xlabel="epoch", ylabel="loss", yscale="log" if losses and min(losses) > 0 else "linear")
    measured = [each.metric for each in history]
    if history and history[-1].metric_name is not None:
        other = axes.twinx()
        name = history[-1].metric_name.replace("_", " ")
        other.plot(numbers, measured, color="tab:green", label=name, marker=marker)
        other.set_ylabel(name)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    try:
        figure.savefig(Path(path), dpi=150)
    except OSError as error:
        raise ArtefactError(f"{path}: the picture cannot be written: {error.strerror or error}") from None
