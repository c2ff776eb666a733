"""What a layer is: a builder of nodes with parameters."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from diffc.ir import Node, Type
from diffc.nn.definition import Definition
from diffc.nn.initialisers import Initialiser

__all__ = ["Layer", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """An array that is learnt.

    Attributes:
        label: its name within the layer, such as `W`.
        dtype: f64 or f32.
        shape: all extents are numbers.
        initialiser: how its first values are drawn.
        fans: how many inputs and outputs of a unit it joins; (0, 0) where it joins none.
        l1: what the loss gets for the sum of its absolute values; None as the loss says.
        l2: what the loss gets for the sum of its squares; None as the loss says.
    """

    label: str
    dtype: str
    shape: tuple[int, ...]
    initialiser: Initialiser
    fans: tuple[int, int] = (0, 0)
    l1: float | None = 0.0
    l2: float | None = 0.0

    @property
    def type(self) -> Type:
        """Dtype and shape."""
        return Type(self.dtype, self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)


class Layer(Definition, head=True):
    """One step of a network."""

    family = "layer"
    kinds: ClassVar = {}
    name: str | None = None
    """What its parameters' names begin with; their number follows the letter where it is None."""

    @abstractmethod
    def parameters(self, x: Node) -> tuple[Parameter, ...]:
        """Return the layer's parameters for an input; raise `NetworkProblem` where that does not fit."""

    @abstractmethod
    def apply(self, z: Node, parameters: tuple[Node, ...]) -> Node:
        """Return the layer's output; `parameters` are the nodes of what `parameters` returned."""
