"""What commands print: text that any terminal takes, arrays for people, and JSON."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

__all__ = ["indented", "json_text", "plain", "print_json", "print_text", "shown"]

_SHORT = 24


def print_text(text: str) -> None:
    """Print a text; what the terminal's encoding lacks is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def print_json(value: Any) -> None:
    """Print one JSON value."""
    print(json_text(value))


def json_text(value: Any) -> str:
    """Return JSON in ASCII; floats that it lacks are the texts "inf", "-inf" and "nan"."""
    return json.dumps(plain(value), indent=1, allow_nan=False)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: arrays as lists, infinities and NaN as texts."""
    if isinstance(value, np.ndarray | np.generic):
        array = cast("np.ndarray[Any, Any]", np.asarray(value))
        items = array.tolist()
        return items if array.dtype.kind != "f" or bool(np.isfinite(array).all()) else plain(items)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast(Sequence[Any], value)]
    return value


def shown(value: Any) -> str:
    """Return a number or an array for people: a long array with its middle left out."""
    array = np.asarray(value)
    if array.ndim == 0:
        return str(array.item())
    return np.array2string(array, threshold=_SHORT, edgeitems=3, separator=", ", floatmode="unique")


def indented(text: str, by: int = 2) -> str:
    """Return a text with its lines moved right."""
    return "\n".join(" " * by + line if line else line for line in text.rstrip().split("\n"))
