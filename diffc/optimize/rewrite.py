"""What the driver applies: rewrites, each with the root and operands that make it worth trying.

A `Rule` is a rewrite that is data; a `FunctionRewrite` is a named function, for changes of shape.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from diffc.ir import Node

__all__ = ["Rewrite", "Stage", "FunctionRewrite", "function_rewrite"]

Stage: TypeAlias = Literal["before", "any", "after"]
"""When a rewrite holds: before differentiation only, always, or after it only.

`after` is for what preserves the value and changes a derivative at an edge; `before` for what would
undo the sharing that derivatives are written for.
"""


class Rewrite(ABC):
    """A local change: a node and what stands in its place, of the same type and the same value."""

    name: str
    note: str
    stage: Stage
    math: Literal["precise", "fast"]

    @abstractmethod
    def wants(self, op: str, operands: Sequence[str]) -> bool:
        """Tell by the names of a node's operation and its first two operands' whether to try."""

    @abstractmethod
    def apply(self, node: Node) -> Node | None:
        """Return what replaces the node, or None."""

    def active(self, stage: str, math: str) -> bool:
        """Tell whether the rewrite is allowed at a stage ("before" or "after") and a mode."""
        return self.stage in ("any", stage) and (self.math == "precise" or math == "fast")


@dataclass(frozen=True, eq=False)
class FunctionRewrite(Rewrite):
    """A rewrite that needs code. Its first docstring line reads "before => after"."""

    function: Callable[[Node], Node | None]
    roots: frozenset[str]
    operands: frozenset[str]
    stage: Stage = "any"
    math: Literal["precise", "fast"] = "precise"

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The function's name."""
        return self.function.__name__

    @property
    def note(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The function's docstring."""
        return self.function.__doc__ or ""

    def __str__(self) -> str:
        return self.note.splitlines()[0]

    def wants(self, op: str, operands: Sequence[str]) -> bool:
        """Compare with the roots, and with the operands where the rewrite names some."""
        if op not in self.roots:
            return False
        return not self.operands or any(each in self.operands for each in operands)

    def apply(self, node: Node) -> Node | None:
        """Call the function."""
        return self.function(node)


def function_rewrite(
    *roots: str, operands: Sequence[str] = (), stage: Stage = "any"
) -> Callable[[Callable[[Node], Node | None]], FunctionRewrite]:
    """Make a rewrite of a function for nodes of these operations, with one of these among its operands."""

    def decorate(function: Callable[[Node], Node | None]) -> FunctionRewrite:
        return FunctionRewrite(function, frozenset(roots), frozenset(operands), stage)

    return decorate
