"""Activations: each is a formula of z in diffc's expression language, and its settings.

Every one is a layer of its own too: `Dense(32, activation="tanh")` is `Dense(32)` followed by `Tanh()`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from diffc.ir import Node
from diffc.nn.definition import formula_node, positive, real, setting
from diffc.nn.layer import Layer, Parameter
from diffc.ops import cast
from diffc.ops.arithmetic import mul

__all__ = [
    "Activation", "Elu", "Gelu", "GeluTanh", "LeakyRelu", "Linear", "LogSoftmax", "Relu", "Sigmoid", "Silu",
    "Softmax", "Softplus", "Step", "Tanh",
]  # fmt: skip


class Activation(Layer, head=True):
    """A function of one array, elementwise or over its last axis."""

    family = "activation"
    kinds: ClassVar = {}
    formula: ClassVar[str]
    """The value, where z is the argument and every setting a number; true and false are 1 and 0."""
    initialiser: ClassVar[str] = "glorot_uniform"
    """How the weights before it are drawn where nothing else is said."""

    def apply(self, z: Node, parameters: tuple[Node, ...] = ()) -> Node:
        """Return the activation of z, in z's dtype."""
        return cast(formula_node(self.formula, self, {"z": z}), z.dtype)

    def parameters(self, x: Node) -> tuple[Parameter, ...]:
        """Return none: an activation has no parameters."""
        return ()


@dataclass(frozen=True)
class Linear(Activation):
    """The identity: z."""

    formula = "z"


@dataclass(frozen=True)
class Step(Activation):
    """1 where z >= 0, else 0; its derivative is 0 everywhere, so nothing before it learns."""

    formula = "z >= 0"


@dataclass(frozen=True)
class _Sloped(Activation, head=True):
    """A function of slope*z; `formula` has z for that product."""

    slope: float = setting(positive, 1.0)

    def apply(self, z: Node, parameters: tuple[Node, ...] = ()) -> Node:
        """Return the activation of z; a slope of 1 leaves no trace."""
        return super().apply(z if self.slope == 1 else mul(self.slope, z))


@dataclass(frozen=True)
class Sigmoid(_Sloped):
    """The logistic function 1 / (1 + exp(-slope*z))."""

    formula = "sigmoid(z)"


@dataclass(frozen=True)
class Tanh(_Sloped):
    """The hyperbolic tangent of slope*z."""

    formula = "tanh(z)"


@dataclass(frozen=True)
class Relu(Activation):
    """max(z, 0); derivative 0 at 0."""

    formula = "relu(z)"
    initialiser = "he_normal"


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """z where z > 0, else slope*z; derivative `slope` at 0. Maas, Hannun & Ng 2013."""

    slope: float = setting(real, 0.01)
    formula = "where(z > 0, z, slope*z)"
    initialiser = "he_normal"


@dataclass(frozen=True)
class Elu(Activation):
    """z where z > 0, else alpha*(exp(z) - 1); derivative `alpha` at 0. Clevert et al. 2016."""

    alpha: float = setting(real, 1.0)
    formula = "where(z > 0, z, alpha*expm1(z))"
    initialiser = "he_normal"


@dataclass(frozen=True)
class Gelu(Activation):
    """z times the normal distribution function of z. Hendrycks & Gimpel 2016."""

    formula = "z*(1 + erf(z/sqrt(2)))/2"
    initialiser = "he_normal"


@dataclass(frozen=True)
class GeluTanh(Activation):
    """Hendrycks & Gimpel's approximation of `Gelu` with a hyperbolic tangent: (1 + tanh(u))/2 = sigmoid(2 u).

    Beyond 32 the sigmoid is 0 or 1; without the bounds the cube would overflow, and its slope times 0 is NaN.
    """

    formula = "z*sigmoid(sqrt(8/pi)*(clip(z, -32, 32) + 0.044715*clip(z, -32, 32)**3))"
    initialiser = "he_normal"


@dataclass(frozen=True)
class Silu(Activation):
    """z*sigmoid(z), also called swish."""

    formula = "z*sigmoid(z)"
    initialiser = "he_normal"


@dataclass(frozen=True)
class Softplus(Activation):
    """log(1 + exp(z)), finite for every finite z."""

    formula = "softplus(z)"


@dataclass(frozen=True)
class Softmax(Activation):
    """exp(z) / sum(exp(z)) over the last axis, finite for every finite z."""

    formula = "softmax(z, axis=-1)"


@dataclass(frozen=True)
class LogSoftmax(Activation):
    """log(softmax(z)) over the last axis, finite for every finite z."""

    formula = "log_softmax(z, axis=-1)"
