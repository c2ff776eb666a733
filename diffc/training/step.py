"""One step of training as one kernel: the loss, its gradient and the optimiser's update together.

    step(data..., parameters..., state..., number, rate) -> (parameters..., state..., loss)

Parameters and state live in two sets of buffers that take turns: a step reads one and writes the other, so
that nothing is allocated. The kernel is compiled once and serves every size of a batch and every rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.autodiff.selection import fresh_name
from diffc.errors import DiffcError
from diffc.functions.function import Function, compile, value_and_grad
from diffc.ir import Node, Type
from diffc.nn.optimizers import Optimizer
from diffc.ops import input_node
from diffc.training.batches import Batch

__all__ = ["TrainingStep", "step_function"]

_Arrays = Mapping[str, NDArray[Any]]


def step_function(loss: Function, parameters: Sequence[str], optimizer: Optimizer) -> Function:
    """Return one step as a function, as the module's head says.

    State is an input `<slot>_<parameter>`, such as `velocity_W`; the new values are outputs `new_<input>`.

    Raises:
        DiffcError: for a loss that is no scalar, or parameters that are no inputs of it.
    """
    f = value_and_grad(loss, list(parameters))
    derived = f.graph
    value, *gradients = derived.outputs
    taken = [*derived.input_names]

    def fresh(name: str, kind: Type) -> Node:
        taken.append(fresh_name(name, taken))
        return input_node(taken[-1], kind)

    trained = [derived.input(name) for name in parameters]
    state = [
        [fresh(f"{slot}_{name}", node.type) for slot in optimizer.slots]
        for name, node in zip(parameters, trained, strict=True)
    ]
    number, rate = fresh("step", Type("f64")), fresh("rate", Type("f64"))
    new_parameters: list[Node] = []
    new_state: list[Node] = []
    for node, gradient, slots in zip(trained, gradients, state, strict=True):
        new, kept = optimizer.update(node, gradient, slots, number, rate)
        new_parameters.append(new)
        new_state.extend(kept)
    data = [node for node in derived.inputs if node not in trained]
    inputs = (*data, *trained, *(node for slots in state for node in slots), number, rate)
    names = [f"new_{node.attrs['name']}" for node in inputs[len(data) : -2]]
    outputs = (*new_parameters, *new_state, value)
    graph = derived.related(
        f"step_{loss.name}", outputs, (*names, "loss"), inputs=inputs, provenance=derived.provenance
    )
    return Function(graph, derived=True, math=f.math, captured=f.captured)


class TrainingStep:
    """The compiled step with its parameters and state."""

    def __init__(self, loss: Function, parameters: _Arrays, optimizer: Optimizer, cache: bool = True) -> None:
        """Compile the step; begin at these parameters, which are copied, with no state."""
        self.names = tuple(parameters)
        self.count = 0
        self._slots = [f"{slot}/{name}" for name in parameters for slot in optimizer.slots]
        self._kernel = compile(step_function(loss, self.names, optimizer), cache=cache)
        start = [np.array(array, order="C") for array in parameters.values()]
        start += [np.zeros_like(array) for array in start for _ in optimizer.slots]
        self._now, self._next = start, [np.empty_like(array) for array in start]
        self._loss = np.zeros(
            (), np.float64 if self._kernel.signature.outputs[-1].type.dtype == "f64" else "f4"
        )

    def run(self, batch: Batch, rate: float) -> float:
        """Take one step with this learning rate; return the loss before it."""
        self.count += 1
        out = (*self._next, self._loss)
        self._kernel(*batch, *self._now, float(self.count), rate, out=out)
        self._now, self._next = self._next, self._now
        return float(self._loss)

    @property
    def parameters(self) -> dict[str, NDArray[Any]]:
        """The parameters by name: buffers, which the steps after the next one overwrite."""
        return dict(zip(self.names, self._now, strict=False))

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """The optimiser's state by `<slot>/<parameter>`: buffers as well."""
        return dict(zip(self._slots, self._now[len(self.names) :], strict=True))

    def restore(self, state: _Arrays, count: int) -> None:
        """Go on from a state as `state` gave it, after so many steps.

        Raises:
            DiffcError: where it is that of another optimiser.
        """
        own = self.state
        if {name: (each.shape, each.dtype) for name, each in own.items()} != {
            name: (each.shape, each.dtype) for name, each in state.items()
        }:
            raise DiffcError(
                f"the checkpoint's state is that of another optimiser: it holds {_shown(state)}, and "
                f"{_shown(own)} is needed; keep its optimizer and its momentum, or begin a new training"
            )
        for name, array in own.items():
            array[...] = state[name]
        self.count = count


def _shown(state: _Arrays) -> str:
    more = f" and {len(state) - 6} more" if len(state) > 6 else ""
    return (", ".join(list(state)[:6]) or "nothing") + more
