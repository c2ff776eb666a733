"""What a traced function writes outside itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffc.frontends.numpy.outside.paths import Path

__all__ = ["Write"]


@dataclass(frozen=True, slots=True)
class Write:
    """A value that a function leaves at a path; without a path it cannot be put there again.

    `label` says what is written, in the words of an error.
    """

    path: Path | None
    value: Any
    label: str
