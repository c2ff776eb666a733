"""A network 2-16-16-2, tanh, softmax cross-entropy, batch 32, float64: value and all gradients."""

from functools import partial
from typing import Any

from tests.bench.workloads import networks


def inputs(scale: float) -> dict[str, Any]:
    return networks.inputs((2, 16, 16, 2), int(32 * scale), "float64")


diffc = partial(networks.diffc, activation="tanh")
parallel = partial(networks.diffc, activation="tanh", parallel=True)
primal = partial(networks.primal, activation="tanh")
jax = partial(networks.jax, activation="tanh")
torch = partial(networks.torch, activation="tanh")
autograd = partial(networks.autograd, activation="tanh")
floor = networks.products
