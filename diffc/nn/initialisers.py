"""Initialisers: how a parameter's first values are drawn.

All values are functions of the seed alone: the same bits on every machine (see `diffc.nn.sampling`).
The scales: Glorot & Bengio 2010; He, Zhang, Ren & Sun 2015; LeCun, Bottou, Orr & Müller 1998.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from diffc.nn.definition import Definition, NetworkProblem, positive, real, setting
from diffc.nn.sampling import Stream

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Initialiser", "LecunNormal",
    "LecunUniform", "Normal", "Ones", "Uniform", "Zeros",
]  # fmt: skip

Floats = NDArray[np.float64]


class Initialiser(Definition, head=True):
    """How an array's first values are drawn."""

    family = "initialiser"
    kinds: ClassVar = {}

    @abstractmethod
    def draw(self, stream: Stream, shape: tuple[int, ...], fans: tuple[int, int]) -> Floats:
        """Return an array; `fans` are the numbers of inputs and of outputs that the parameter joins."""


@dataclass(frozen=True)
class Constant(Initialiser):
    """`value` everywhere."""

    value: float = setting(real)

    def draw(self, stream: Stream, shape: tuple[int, ...], fans: tuple[int, int]) -> Floats:
        """Return the value everywhere."""
        return np.full(shape, self.value)


@dataclass(frozen=True)
class Zeros(Initialiser):
    """0 everywhere."""

    def draw(self, stream: Stream, shape: tuple[int, ...], fans: tuple[int, int]) -> Floats:
        """Return zeros."""
        return np.zeros(shape)


@dataclass(frozen=True)
class Ones(Initialiser):
    """1 everywhere."""

    def draw(self, stream: Stream, shape: tuple[int, ...], fans: tuple[int, int]) -> Floats:
        """Return ones."""
        return np.ones(shape)


@dataclass(frozen=True)
class Uniform(Initialiser):
    """Uniform from `low` to `high`."""

    low: float = setting(real, -0.05)
    high: float = setting(real, 0.05)

    def __post_init__(self) -> None:
        """Refuse bounds in the wrong order."""
        super().__post_init__()
        if not self.low < self.high:
            raise NetworkProblem(f"low must be below high: {self.low} and {self.high}")

    def draw(self, stream: Stream, shape: tuple[int, ...], fans: tuple[int, int]) -> Floats:
        """Return low + (high - low)*u for u uniform in [0, 1)."""
        return self.low + (self.high - self.low) * stream.uniform(shape)


@dataclass(frozen=True)
class Normal(Initialiser):
    """Normal with mean 0 and standard deviation `std`."""

    std: float = setting(positive, 0.05)

    def draw(self, stream: Stream, shape: tuple[int, ...], fans: tuple[int, int]) -> Floats:
        """Return std times standard normal numbers."""
        return self.std * stream.normal(shape)


class _Scaled(Initialiser, head=True):
    """Mean 0 and a variance given by the fans."""

    normal: ClassVar[bool]

    @staticmethod
    @abstractmethod
    def variance(inputs: int, outputs: int) -> float:
        """Return the variance for a number of inputs and of outputs."""

    def draw(self, stream: Stream, shape: tuple[int, ...], fans: tuple[int, int]) -> Floats:
        """Return normal numbers, or uniform ones of the same variance."""
        if fans == (0, 0):
            raise NetworkProblem(f"{self.kind} is for weights; a parameter that joins no units has no fans")
        deviation = math.sqrt(self.variance(*fans))
        if self.normal:
            return deviation * stream.normal(shape)
        bound = math.sqrt(3.0) * deviation
        return bound * (2.0 * stream.uniform(shape) - 1.0)


def _glorot(inputs: int, outputs: int) -> float:
    return 2.0 / (inputs + outputs)


def _he(inputs: int, outputs: int) -> float:
    return 2.0 / inputs


def _lecun(inputs: int, outputs: int) -> float:
    return 1.0 / inputs


@dataclass(frozen=True)
class GlorotUniform(_Scaled):
    """Uniform with variance 2/(inputs + outputs): the bound is sqrt(6/(inputs + outputs))."""

    normal = False
    variance = staticmethod(_glorot)


@dataclass(frozen=True)
class GlorotNormal(_Scaled):
    """Normal with variance 2/(inputs + outputs)."""

    normal = True
    variance = staticmethod(_glorot)


@dataclass(frozen=True)
class HeUniform(_Scaled):
    """Uniform with variance 2/inputs: the bound is sqrt(6/inputs)."""

    normal = False
    variance = staticmethod(_he)


@dataclass(frozen=True)
class HeNormal(_Scaled):
    """Normal with variance 2/inputs."""

    normal = True
    variance = staticmethod(_he)


@dataclass(frozen=True)
class LecunUniform(_Scaled):
    """Uniform with variance 1/inputs: the bound is sqrt(3/inputs)."""

    normal = False
    variance = staticmethod(_lecun)


@dataclass(frozen=True)
class LecunNormal(_Scaled):
    """Normal with variance 1/inputs."""

    normal = True
    variance = staticmethod(_lecun)
