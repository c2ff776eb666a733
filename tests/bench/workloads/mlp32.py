"""A network 784-128-10, sigmoid, softmax cross-entropy, batch 64, float32: value and all gradients."""

from functools import partial
from typing import Any

from tests.bench.workloads import networks


def inputs(scale: float) -> dict[str, Any]:
    return networks.inputs((784, 128, 10), int(64 * scale), "float32")


diffc = partial(networks.diffc, activation="sigmoid")
parallel = partial(networks.diffc, activation="sigmoid", parallel=True)
primal = partial(networks.primal, activation="sigmoid")
jax = partial(networks.jax, activation="sigmoid")
torch = partial(networks.torch, activation="sigmoid")
autograd = partial(networks.autograd, activation="sigmoid")
floor = networks.products
