"""Layers with parameters or with shapes of their own; the activations are layers too."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from diffc.ir import Node
from diffc.nn.activations import Activation
from diffc.nn.definition import (
    NetworkProblem,
    count,
    flag,
    formula_node,
    label,
    non_negative,
    optional,
    positive,
    setting,
)
from diffc.nn.initialisers import Initialiser, Ones, Zeros
from diffc.nn.layer import Layer, Parameter
from diffc.ops.reshaping import reshape

__all__ = ["Dense", "Flatten", "LayerNorm"]


@dataclass(frozen=True)
class Dense(Layer):
    """activation(x @ W + b) over the last axis of x; W has the shape [inputs, units], b [units].

    Attributes:
        units: how many outputs.
        activation: a kind of activation, or one with its settings.
        bias: whether b is there.
        weights: the initialiser of W; by the activation where it is None: `he_normal` for those like relu,
            else `glorot_uniform`.
        biases: the initialiser of b.
        name: parameters are called `<name>_W` and `<name>_b`, not by a number.
        l1: the loss gets l1*sum(abs(W)); as the loss says where it is None.
        l2: the loss gets l2*sum(W**2); as the loss says where it is None.
    """

    units: int = setting(count)
    activation: Activation | str = setting(Activation.of, "linear")  # noqa: RUF009
    bias: bool = setting(flag, True)
    weights: Initialiser | str | None = setting(optional(Initialiser.of), None)  # noqa: RUF009
    biases: Initialiser | str = setting(Initialiser.of, "zeros")  # noqa: RUF009
    name: str | None = setting(optional(label), None)
    l1: float | None = setting(optional(non_negative), None)
    l2: float | None = setting(optional(non_negative), None)

    def parameters(self, x: Node) -> tuple[Parameter, ...]:
        """Return W and b."""
        inputs = _features(x)
        initialiser = Initialiser.of(self.weights or Activation.of(self.activation).initialiser)
        fans = (inputs, self.units)
        weights = Parameter("W", x.dtype, fans, initialiser, fans, self.l1, self.l2)
        if not self.bias:
            return (weights,)
        return weights, Parameter("b", x.dtype, (self.units,), Initialiser.of(self.biases))

    def apply(self, z: Node, parameters: tuple[Node, ...]) -> Node:
        """Return activation(z @ W + b)."""
        activation = Activation.of(self.activation)
        scope: dict[str, Node] = dict(zip(("W", "b"), parameters, strict=False))
        return activation.apply(formula_node("z @ W + b" if self.bias else "z @ W", self, {**scope, "z": z}))


@dataclass(frozen=True)
class Flatten(Layer):
    """All axes but the first, which counts the samples, as one."""

    def parameters(self, x: Node) -> tuple[Parameter, ...]:
        """Return none."""
        return ()

    def apply(self, z: Node, parameters: tuple[Node, ...]) -> Node:
        """Return z of shape [N, K] from [N, ...]."""
        if z.rank < 2:
            raise NetworkProblem(f"flatten needs samples and features, not {z.type}")
        numbers = [each for each in z.shape[1:] if isinstance(each, int)]
        if len(numbers) < z.rank - 1:
            raise NetworkProblem(f"flatten needs numbers in all extents but the first, not {z.type}")
        return reshape(z, (z.shape[0], prod(numbers)))


@dataclass(frozen=True)
class LayerNorm(Layer):
    """gain * (x - mean) / sqrt(variance + epsilon) + shift over the last axis. Ba, Kiros & Hinton 2016.

    Attributes:
        epsilon: what keeps the root away from 0.
        name: parameters are called `<name>_gain` and `<name>_shift`, not by a number.
    """

    epsilon: float = setting(positive, 1e-5)
    name: str | None = setting(optional(label), None)

    def parameters(self, x: Node) -> tuple[Parameter, ...]:
        """Return gain, at first 1, and shift, at first 0."""
        shape = (_features(x),)
        return Parameter("gain", x.dtype, shape, Ones()), Parameter("shift", x.dtype, shape, Zeros())

    def apply(self, z: Node, parameters: tuple[Node, ...]) -> Node:
        """Return the normalised z."""
        gain, shift = parameters
        scope = {"z": z, "gain": gain, "shift": shift}
        mean, variance = "mean(z, axis=-1, keepdims=True)", "var(z, axis=-1, keepdims=True)"
        return formula_node(f"gain*(z - {mean})/sqrt({variance} + epsilon) + shift", self, scope)


def _features(x: Node) -> int:
    """Return the extent of the last axis, which parameters take as theirs."""
    if x.rank and isinstance(x.shape[-1], int):
        return x.shape[-1]
    raise NetworkProblem(
        f"the last extent of its input must be a number, not {x.type}: it is that of parameters"
    )
