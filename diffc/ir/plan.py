"""A program in blocks: graphs that run once, between graphs that run block by block along one axis.

    BlockPlan  = BlockStep*
    BlockStep  = Graph, reads, writes: in blocks, or once

A step reads the program's inputs and constants and what earlier steps wrote, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffc.ir.dim import Extent
from diffc.ir.graph import Graph
from diffc.ir.requirements import Requirement
from diffc.ir.types import Type

__all__ = ["START", "BlockPlan", "Read", "BlockStep", "Write"]

START = "start"
"""What a step in blocks reads under this name is the place where the block begins."""


@dataclass(frozen=True, slots=True)
class Read:
    """An input of a step: the value's name in the plan, and its axis that is cut into blocks, if any."""

    name: str
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """An output of a step: kept whole, its `axis` cut, or combined over the blocks by `add`, `mul`, `max`."""

    name: str
    type: Type
    axis: int | None = None
    combine: str = ""


@dataclass(frozen=True)
class BlockStep:
    """One graph of a plan, with its inputs and outputs in order: run in blocks, or once."""

    graph: Graph
    reads: tuple[Read, ...]
    writes: tuple[Write, ...]
    in_blocks: bool


@dataclass(frozen=True)
class BlockPlan:
    """The steps in order; the names of the graph's inputs and outputs; constants that are cut."""

    steps: tuple[BlockStep, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, np.ndarray[Any, Any]]
    extent: Extent
    """The extent of the axis that is cut into blocks."""
    cost: Extent
    """The work for one place of that axis, in multiplications."""
    requirements: tuple[Requirement, ...] = ()
    """What the symbols must satisfy at each call."""
