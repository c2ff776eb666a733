"""Gathers: which array is read, at rows that are only known when the kernel runs."""

from __future__ import annotations

from diffc.ir import Node
from diffc.ops.constant import iota_op
from diffc.schedule.views import Bases, DimIndex, Read

__all__ = ["ROW", "gathered", "gathers_in_place"]

ROW = -1
"""The dimension that stands for the computed row."""


def gathers_in_place(node: Node, bases: Bases) -> bool:
    """Tell whether a gather can read its source where that lies; else the source must be copied first."""
    base, index = gathered(node, bases)
    return base.op is not iota_op and all(at.factor == 1 for at in index if at.dim == ROW)


def gathered(node: Node, bases: Bases) -> Read:
    """Return what a gather reads, and the index there in the gather's dimensions and `ROW`."""
    source, indices = node.inputs
    rows = (DimIndex() if e == 1 else DimIndex(0, k + indices.rank) for k, e in enumerate(source.shape[1:]))
    return bases.resolve(source, (DimIndex(0, ROW), *rows))
