"""How the epochs of a training are shown: a bar on a terminal, a few lines elsewhere, JSON for machines."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any, Protocol

from diffc.cli.output import plain, print_text
from diffc.training import Epoch

__all__ = [
    "Bar",
    "Display",
    "JsonLines",
    "Lines",
    "Silence",
    "display_for",
    "epoch_record",
    "epoch_text",
    "print_json_line",
]

_LINES = 10
"""How many epochs are shown where there is no terminal."""


class Display(Protocol):
    """What is told of every epoch."""

    def show(self, epoch: Epoch) -> None:
        """Show an epoch."""
        ...

    def close(self) -> None:
        """Take away what should not stay."""
        ...


def display_for(*, as_json: bool, quiet: bool, epochs: int, done: int) -> Display:
    """Return the display that fits the options and where stderr goes; `done` epochs were there before."""
    if as_json:
        return JsonLines()
    if quiet:
        return Silence()
    if bool(getattr(sys.stderr, "isatty", bool)()):
        try:
            return Bar(epochs, done)
        except ImportError:  # tqdm belongs to the extra `train`
            pass
    return Lines(epochs)


class Silence:
    """Shows nothing."""

    def show(self, epoch: Epoch) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Leave nothing."""


class JsonLines(Silence):
    """One line of JSON an epoch on stdout."""

    def show(self, epoch: Epoch) -> None:
        """Print the epoch's record."""
        print_json_line(epoch_record(epoch))


class Lines(Silence):
    """Some ten of the epochs as lines on stdout."""

    def __init__(self, epochs: int) -> None:
        """Choose which."""
        self._epochs = epochs
        self._every = max(1, -(-epochs // _LINES))

    def show(self, epoch: Epoch) -> None:
        """Print a line for the first and every so many epochs."""
        if epoch.number in (1, self._epochs) or epoch.number % self._every == 0:
            print_text(f"epoch {epoch.number:>{len(str(self._epochs))}}  {epoch_text(epoch)}")


class Bar:
    """A bar on stderr, which is taken away at the end."""

    def __init__(self, epochs: int, done: int) -> None:
        """Begin where `done` of the epochs are over; raise `ImportError` without tqdm."""
        from tqdm import tqdm

        self._bar: Any = tqdm(
            total=epochs, initial=done, unit="epoch", file=sys.stderr, leave=False, dynamic_ncols=True
        )

    def show(self, epoch: Epoch) -> None:
        """Move the bar and show the losses behind it."""
        self._bar.set_postfix_str(epoch_text(epoch), refresh=False)
        self._bar.update()

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


def print_json_line(value: Any) -> None:
    """Print a value as JSON on one line, in one piece: `print` may be interrupted before the newline."""
    sys.stdout.write(json.dumps(plain(value), allow_nan=False) + "\n")
    sys.stdout.flush()


def epoch_record(epoch: Epoch) -> dict[str, Any]:
    """Return an epoch for JSON."""
    values = asdict(epoch)
    return {"epoch": values.pop("number"), **values}


def epoch_text(epoch: Epoch) -> str:
    """Return what an epoch measured, in a line."""
    text = f"loss {epoch.loss:.6g}"
    if epoch.validation_loss is not None:
        text += f"  validation loss {epoch.validation_loss:.6g}"
    if epoch.metric is not None and epoch.metric_name is not None:
        text += f"  {epoch.metric_name.replace('_', ' ')} {epoch.metric:.4f}"
    return text
