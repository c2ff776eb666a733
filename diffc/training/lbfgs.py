"""L-BFGS: SciPy's, on the compiled loss and gradient of all samples at once.

Liu & Nocedal, On the limited memory BFGS method for large scale optimization, 1989. What SciPy remembers of
the curvature cannot be taken out of it: a continued training begins with the parameters alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffc.functions.function import Function, compile, value_and_grad
from diffc.training.batches import Batch
from diffc.training.session import Session

__all__ = ["PackedLoss", "descend"]

_OPTIONS = {"ftol": 1e-14, "gtol": 1e-9, "maxfun": 10**9, "maxls": 50}
"""SciPy's defaults stop at a loss that is equal in eight digits, which is early for a fit."""


class PackedLoss:
    """The loss and its gradient as functions of one f64 vector; the parameters are views of it."""

    def __init__(
        self, loss: Function, parameters: dict[str, NDArray[Any]], data: Batch, cache: bool = True
    ) -> None:
        """Compile the loss with its gradient; `data` is what the loss takes beside the parameters."""
        derived = value_and_grad(loss, list(parameters))
        self._kernel = compile(derived, cache=cache)
        self._parameters = {name: np.array(each, order="C") for name, each in parameters.items()}
        self._gradients = [np.empty_like(each) for each in self._parameters.values()]
        rest = iter(data)
        self._inputs = [
            self._parameters[name] if name in parameters else next(rest) for name in derived.inputs
        ]
        first = next(iter(derived.outputs.values()))
        self._value = np.zeros((), np.float64 if first.dtype == "f64" else np.float32)
        self.size = sum(each.size for each in self._gradients)

    def pack(self) -> NDArray[np.float64]:
        """Return the parameters as a vector."""
        return np.concatenate([each.ravel() for each in self._parameters.values()]).astype(np.float64)

    def unpack(self, vector: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """Return a vector's parameters: buffers that the next call overwrites."""
        start = 0
        for each in self._parameters.values():
            each[...] = vector[start : start + each.size].reshape(each.shape)
            start += each.size
        return self._parameters

    def __call__(self, vector: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient."""
        self.unpack(vector)
        self._kernel(*self._inputs, out=(self._value, *self._gradients))
        gradient = np.concatenate([each.ravel() for each in self._gradients]).astype(np.float64)
        return float(self._value), gradient


def descend(loss: PackedLoss, session: Session, iterations: int) -> str:
    """Run L-BFGS; each iteration is an epoch of the session. Return why it stopped."""
    from scipy.optimize import minimize

    stopped: list[str] = []

    def finish(intermediate_result: Any) -> None:
        parameters = loss.unpack(intermediate_result.x)
        reason = session.finish_epoch(
            float(intermediate_result.fun), 1.0, parameters, {}, session.last.steps + 1
        )
        if reason is not None:
            stopped.append(reason)
            raise StopIteration

    options = {**_OPTIONS, "maxiter": iterations}
    found = minimize(loss, loss.pack(), jac=True, method="L-BFGS-B", callback=finish, options=options)
    if stopped:
        return stopped[0]
    if not np.isfinite(found.fun):
        return "diverged"
    return "epochs" if found.status == 1 else "converged"
