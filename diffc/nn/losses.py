"""Losses: each is a formula of the output p and the target y, and a named way to join the errors.

The first axis counts the samples; an output without one, such as f64[10], is one sample. A sample's loss
joins its outputs, a network's loss the samples: their mean, or their sum. Losses of logits are written so
that they are finite for every finite logit and have the gradient p - y.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from diffc.ir import Node, Type
from diffc.nn.activations import Activation, Sigmoid, Softmax
from diffc.nn.definition import (
    Definition,
    NetworkProblem,
    choice,
    formula_node,
    label,
    non_negative,
    optional,
    positive,
    setting,
)
from diffc.ops import cast, constant, iota
from diffc.ops.arithmetic import mul
from diffc.ops.broadcasting import mean, sum_
from diffc.ops.logic import eq, ge, logical_and, lt, where
from diffc.ops.reshaping import expand_dims

__all__ = [
    "AbsoluteError", "BinaryCrossEntropy", "CategoricalCrossEntropy", "Hinge", "Huber", "Loss",
    "NegativeLogLikelihood", "SigmoidCrossEntropy", "SoftmaxCrossEntropy", "SquaredError",
]  # fmt: skip


@dataclass(frozen=True)
class Loss(Definition, head=True):
    """How far the output is from the target.

    Attributes:
        target: the input that says what is right.
        weight: an input with a number for each sample, by which its loss is multiplied.
        samples: "mean", over the number of samples, or "sum".
        l1: l1*sum(abs(W)) is added for the weights W of each layer, not for biases.
        l2: l2*sum(W**2) is added for the weights W of each layer, not for biases.
    """

    family = "loss"
    kinds: ClassVar = {}
    activation: ClassVar[Activation | None] = None
    """What a loss of logits applies to them for a prediction; None where it takes predictions themselves."""

    target: str = setting(label)
    weight: str | None = setting(optional(label), None)
    samples: str = setting(choice("mean", "sum"), "mean")
    l1: float = setting(non_negative, 0.0)
    l2: float = setting(non_negative, 0.0)

    @abstractmethod
    def of_samples(self, p: Node, y: Node) -> Node:
        """Return the loss of each sample; raise `NetworkProblem` where the target does not fit."""

    def odd_targets(self, y: NDArray[Any], classes: int) -> tuple[NDArray[np.bool_], str] | None:
        """Return where targets mean nothing to the loss, and what would; None where every number does.

        Args:
            y: targets, of the shape that the loss takes.
            classes: the last extent of the output.
        """
        return None

    def apply(self, p: Node, y: Node, weight: Node | None) -> Node:
        """Return the loss, a scalar of p's dtype, without penalties."""
        losses = self.of_samples(p, y)
        if weight is not None:
            if weight.shape != losses.shape:
                wanted = Type(losses.dtype, losses.shape)
                raise NetworkProblem(
                    f"the input {self.weight!r} is {weight.type}; it should be {wanted}", ("weight",)
                )
            losses = mul(losses, cast(weight, p.dtype))
        return mean(losses) if self.samples == "mean" else sum_(losses)

    def misfit(self, p: Node, y: Node, *wanted: Type) -> NetworkProblem:
        """Return what to raise for a target of a wrong type."""
        listed = " or ".join(str(each) for each in wanted)
        return NetworkProblem(
            f"the input {self.target!r} is {y.type}, for an output {p.type} it should be {listed}",
            ("target",),
        )


_SUM_TOLERANCE = 1e-3
"""How far the probabilities of a sample may add up to something else than 1, rounded as they are."""


# Sums or means of errors, one for each output.


@dataclass(frozen=True)
class _OutputLoss(Loss, head=True):
    """A loss with an error for each output; the target has the output's shape.

    Attributes:
        outputs: how a sample's errors become its loss: "mean", "sum", or "half_sum", which is half the sum.
    """

    formula: ClassVar[str]
    """The error of one output."""

    outputs: str = setting(choice("mean", "sum", "half_sum"), "mean")

    def of_samples(self, p: Node, y: Node) -> Node:
        """Return the joined errors of each sample."""
        if y.shape != p.shape:
            raise self.misfit(p, y, p.type)
        errors = formula_node(self.formula, self, {"p": p, "y": cast(y, p.dtype)})
        axes = tuple(range(1 if p.rank > 1 else 0, p.rank))
        if self.outputs == "mean":
            return mean(errors, axes)
        total = sum_(errors, axes)
        return mul(0.5, total) if self.outputs == "half_sum" else total


@dataclass(frozen=True)
class SquaredError(_OutputLoss):
    """(p - y)**2."""

    formula = "(p - y)**2"


@dataclass(frozen=True)
class AbsoluteError(_OutputLoss):
    """abs(p - y); derivative 0 where they are equal."""

    formula = "abs(p - y)"


@dataclass(frozen=True)
class Huber(_OutputLoss):
    """(p - y)**2/2 up to a distance of delta, then linear: delta*(abs(p - y) - delta/2). Huber 1964."""

    delta: float = setting(positive, 1.0)
    formula = "where(abs(p - y) <= delta, (p - y)**2/2, delta*(abs(p - y) - delta/2))"


@dataclass(frozen=True)
class BinaryCrossEntropy(_OutputLoss):
    """-y*log(p) - (1 - y)*log(1 - p) for probabilities p; 0*log(0) is 0."""

    formula = "-where(y == 0, 0, y*log(p)) - where(y == 1, 0, (1 - y)*log(1 - p))"

    def odd_targets(self, y: NDArray[Any], classes: int) -> tuple[NDArray[np.bool_], str] | None:
        """Return what is no probability."""
        return _no_probability(y)


@dataclass(frozen=True)
class SigmoidCrossEntropy(_OutputLoss):
    """The binary cross-entropy of logits p, softplus(p) - y*p; its gradient is sigmoid(p) - y."""

    activation = Sigmoid()
    formula = "softplus(p) - y*p"

    def odd_targets(self, y: NDArray[Any], classes: int) -> tuple[NDArray[np.bool_], str] | None:
        """Return what is no probability."""
        return _no_probability(y)


@dataclass(frozen=True)
class Hinge(_OutputLoss):
    """max(0, 1 - y*p) for targets -1 and 1; derivative 0 where that is 0."""

    formula = "relu(1 - y*p)"

    def odd_targets(self, y: NDArray[Any], classes: int) -> tuple[NDArray[np.bool_], str] | None:
        """Return what is neither -1 nor 1."""
        return np.abs(y) != 1, "-1 or 1"


def _no_probability(y: NDArray[Any]) -> tuple[NDArray[np.bool_], str]:
    return (y < 0) | (y > 1), "a number from 0 to 1"


# Classes along the last axis.


@dataclass(frozen=True)
class _ClassLoss(Loss, head=True):
    """A loss over the classes along the last axis of the output.

    The target gives each class a probability, f64[N, K], or names one, i64[N], counted from 0. A class that
    there is not makes the loss NaN.
    """

    distributed: ClassVar[str]
    """The loss of a sample for probabilities y, p along the last axis."""
    chosen: ClassVar[str]
    """The same where y is true for the right class alone."""

    def of_samples(self, p: Node, y: Node) -> Node:
        """Return the loss of each sample."""
        if p.rank == 0 or not isinstance(p.shape[-1], int):
            raise NetworkProblem(
                f"{self.kind} needs a known number of classes along the last axis, not {p.type}"
            )
        if y.type.is_float and y.shape == p.shape:
            return formula_node(self.distributed, self, {"p": p, "y": cast(y, p.dtype)})
        if y.dtype != "i64" or y.shape != p.shape[:-1]:
            raise self.misfit(p, y, p.type, Type("i64", p.shape[:-1]))
        classes = p.shape[-1]
        right = eq(expand_dims(y, (y.rank,)), iota(classes))
        losses = formula_node(self.chosen, self, {"p": p, "y": right})
        return where(logical_and(ge(y, 0), lt(y, classes)), losses, constant(np.nan, p.dtype))

    def odd_targets(self, y: NDArray[Any], classes: int) -> tuple[NDArray[np.bool_], str] | None:
        """Return class numbers that there are not, and what is below 0."""
        if y.dtype.kind in "iu":
            return (y < 0) | (y >= classes), f"a class number from 0 to {classes - 1}"
        return y < 0, "a number of at least 0"


@dataclass(frozen=True)
class SoftmaxCrossEntropy(_ClassLoss):
    """The cross-entropy of logits p: logsumexp(p) - sum(y*p); its gradient is softmax(p) - y.

    The probabilities y of each sample add up to 1.
    """

    activation = Softmax()
    distributed = "logsumexp(p, axis=-1) - sum(y*p, axis=-1)"
    chosen = "logsumexp(p, axis=-1) - sum(where(y, p, 0), axis=-1)"

    def odd_targets(self, y: NDArray[Any], classes: int) -> tuple[NDArray[np.bool_], str] | None:
        """Return class numbers that there are not, and rows that are no probabilities."""
        if y.dtype.kind in "iu":
            return super().odd_targets(y, classes)
        wrong = np.any(y < 0, axis=-1) | (np.abs(np.sum(y, axis=-1) - 1) > _SUM_TOLERANCE)
        return wrong, "a row of numbers of at least 0 that add up to 1"


@dataclass(frozen=True)
class CategoricalCrossEntropy(_ClassLoss):
    """-sum(y*log(p)) for probabilities p; 0*log(0) is 0."""

    distributed = "-sum(where(y == 0, 0, y*log(p)), axis=-1)"
    chosen = "-sum(where(y, log(p), 0), axis=-1)"


@dataclass(frozen=True)
class NegativeLogLikelihood(_ClassLoss):
    """-sum(y*p) for logarithms of probabilities p, such as those of `log_softmax`."""

    distributed = "-sum(y*p, axis=-1)"
    chosen = "-sum(where(y, p, 0), axis=-1)"
