"""What a compilation may be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diffc.errors import DiffcError

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """What a compilation may be told."""

    math: Literal["precise", "fast"] = "precise"
    lowering: Literal["llvm", "source"] = "llvm"
    derived: bool = False
    """Whether the graph is a derivative: then the passes that precede derivation have had their turn.
    They would undo what makes derivatives cheap, such as `1 - s` from the forward value of a sigmoid."""
    without: tuple[str, ...] = ()
    """The names of passes that are left out."""

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        if self.math not in ("precise", "fast"):
            raise DiffcError(f"math is 'precise' or 'fast', not {self.math!r}")
        if self.lowering not in ("llvm", "source"):
            raise DiffcError(f"lowering is 'llvm' or 'source', not {self.lowering!r}")
