"""What a handler works with."""

from __future__ import annotations

from dataclasses import dataclass

from diffc.schedule.decide import Decisions
from diffc.schedule.placement import LoopNests
from diffc.schedule.reading import Reading
from diffc.schedule.storage import Storage

__all__ = ["Placing"]


@dataclass(frozen=True, slots=True)
class Placing:
    """A program under construction: what was decided, the memory, the loops, and what was read in them."""

    decisions: Decisions
    storage: Storage
    nests: LoopNests
    reading: Reading
