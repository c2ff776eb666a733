"""Optimisers as graph builders: from a parameter, its gradient and its state to the new ones.

An optimiser computes nothing itself. `update` returns nodes, so that loss, gradient and update become one
graph and one kernel. The learning rate and the number of the step are nodes too: a schedule changes the rate
without another compilation.

Weight decay is decoupled from the gradient in every optimiser: p <- p - rate*weight_decay*p beside the
update itself (Loshchilov & Hutter, Decoupled Weight Decay Regularization, 2019); Adam with it is AdamW.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from diffc.ir import Node
from diffc.ops import cast
from diffc.ops.arithmetic import add, div, mul, square, sub
from diffc.ops.elementary import sqrt
from diffc.ops.powers import pow_

__all__ = ["OPTIMIZERS", "Adam", "Nesterov", "Optimizer", "RMSprop", "SGD"]


@dataclass(frozen=True)
class Optimizer(ABC):
    """A rule of descent. Its fields are constants of the kernel; the learning rate is an input of it."""

    weight_decay: float = 0.0

    @property
    def slots(self) -> tuple[str, ...]:
        """What it remembers of each parameter: names of arrays of its shape, zero before the first step."""
        return ()

    @abstractmethod
    def direction(self, gradient: Node, state: Sequence[Node], step: Node) -> tuple[Node, tuple[Node, ...]]:
        """Return what `rate` times is subtracted from the parameter, and the new state.

        Args:
            gradient: the loss's derivative by the parameter.
            state: one node for each of `slots`.
            step: the number of this step, from 1, an f64 scalar.
        """

    def update(
        self, parameter: Node, gradient: Node, state: Sequence[Node], step: Node, rate: Node
    ) -> tuple[Node, tuple[Node, ...]]:
        """Return the new parameter, of its dtype and shape, and the new state; `rate` is an f64 scalar."""
        descent, new_state = self.direction(gradient, state, step)
        if self.weight_decay:
            descent = add(descent, mul(self.weight_decay, parameter))
        return sub(parameter, mul(cast(rate, parameter.dtype), descent)), new_state


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, with momentum if that is not 0: v <- momentum*v + g; p <- p - rate*v.

    Robbins & Monro, A Stochastic Approximation Method, 1951; the momentum is the heavy ball of Polyak, Some
    methods of speeding up the convergence of iteration methods, 1964.
    """

    momentum: float = 0.0

    @property
    def slots(self) -> tuple[str, ...]:
        """The velocity, if there is momentum."""
        return ("velocity",) if self.momentum else ()

    def direction(self, gradient: Node, state: Sequence[Node], step: Node) -> tuple[Node, tuple[Node, ...]]:
        """Return the velocity."""
        if not self.momentum:
            return gradient, ()
        velocity = add(mul(self.momentum, state[0]), gradient)
        return velocity, (velocity,)


@dataclass(frozen=True)
class Nesterov(SGD):
    """Nesterov's momentum: v <- momentum*v + g; p <- p - rate*(g + momentum*v).

    The gradient is wanted at the place to which the velocity leads; the parameters here are those places
    (Sutskever, Martens, Dahl & Hinton, On the importance of initialization and momentum in deep learning,
    2013, equations 3 and 4, in the variables of Bengio, Boulanger-Lewandowski & Pascanu, Advances in
    Optimizing Recurrent Networks, 2013).
    """

    momentum: float = 0.9

    def direction(self, gradient: Node, state: Sequence[Node], step: Node) -> tuple[Node, tuple[Node, ...]]:
        """Return the gradient and what the new velocity adds to it."""
        velocity, new_state = super().direction(gradient, state, step)
        return (add(gradient, mul(self.momentum, velocity)) if new_state else velocity), new_state


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """s <- decay*s + (1 - decay)*g**2; p <- p - rate*g/(sqrt(s) + epsilon).

    Tieleman & Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012.
    """

    decay: float = 0.9
    epsilon: float = 1e-8

    @property
    def slots(self) -> tuple[str, ...]:
        """The mean of the squared gradients."""
        return ("square_mean",)

    def direction(self, gradient: Node, state: Sequence[Node], step: Node) -> tuple[Node, tuple[Node, ...]]:
        """Return the gradient over the root of its mean square."""
        mean = add(mul(self.decay, state[0]), mul(1.0 - self.decay, square(gradient)))
        return div(gradient, add(sqrt(mean), self.epsilon)), (mean,)


@dataclass(frozen=True)
class Adam(Optimizer):
    """m <- b1*m + (1-b1)*g; s <- b2*s + (1-b2)*g**2; p <- p - rate*m'/(sqrt(s') + epsilon).

    m' = m/(1 - b1**t) and s' = s/(1 - b2**t) in step t, from 1 (Kingma & Ba, Adam: A Method for Stochastic
    Optimization, 2015, algorithm 1).
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    @property
    def slots(self) -> tuple[str, ...]:
        """The means of the gradients and of their squares."""
        return ("first_moment", "second_moment")

    def direction(self, gradient: Node, state: Sequence[Node], step: Node) -> tuple[Node, tuple[Node, ...]]:
        """Return the corrected mean over the root of the corrected mean square."""
        first = add(mul(self.beta1, state[0]), mul(1.0 - self.beta1, gradient))
        second = add(mul(self.beta2, state[1]), mul(1.0 - self.beta2, square(gradient)))
        mean, mean_square = _corrected(first, self.beta1, step), _corrected(second, self.beta2, step)
        return div(mean, add(sqrt(mean_square), self.epsilon)), (first, second)


def _corrected(moment: Node, beta: float, step: Node) -> Node:
    """Return the moment over 1 - beta**step, which f32 would lose digits of."""
    return div(moment, cast(sub(1.0, pow_(beta, step)), moment.dtype))


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "nesterov": Nesterov,
    "rmsprop": RMSprop,
    "adam": Adam,
}
"""The optimisers by the name under which a setting asks for them."""
