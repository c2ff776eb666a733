"""A classifier in each tool: layers of one activation, softmax cross-entropy, value and all gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tests.bench.workloads.kernels import Call, value_alone, value_and_gradients


def inputs(sizes: Sequence[int], batch: int, dtype: str) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    data: dict[str, Any] = {"x": rng.uniform(size=(batch, sizes[0]))}
    data["y"] = np.eye(sizes[-1])[rng.integers(0, sizes[-1], batch)]
    for k, (n, m) in enumerate(pairwise(sizes), 1):
        data[f"W{k}"] = rng.normal(size=(n, m)) / np.sqrt(n)
        data[f"b{k}"] = rng.normal(size=m) / 10
    return {name: each.astype(dtype) for name, each in data.items()}


def forward(x: Any, parameters: Sequence[Any], activation: Callable[[Any], Any]) -> Any:
    for k in range(0, len(parameters) - 2, 2):
        x = activation(x @ parameters[k] + parameters[k + 1])
    return x @ parameters[-2] + parameters[-1]


def loss_text(layers: int, activation: str) -> str:
    h = "x"
    for k in range(1, layers):
        h = f"{activation}({h}@W{k} + b{k})"
    h = f"({h}@W{layers} + b{layers})"
    return f"mean(logsumexp({h}, axis=1) - sum({h}*y, axis=1))"


def _function(data: dict[str, Any], activation: str) -> Any:
    import diffc as dc

    kind = "f32" if data["x"].dtype == np.float32 else "f64"
    types = {name: f"{kind}[{','.join(map(str, each.shape))}]" for name, each in data.items()}
    return dc.parse(loss_text((len(data) - 2) // 2, activation), types)


def diffc(data: dict[str, Any], activation: str, parallel: bool = False) -> Call:
    return value_and_gradients(_function(data, activation), list(data)[2:], list(data.values()), parallel)


def primal(data: dict[str, Any], activation: str) -> Call:
    return value_alone(_function(data, activation), list(data.values()))


def jax(data: dict[str, Any], activation: str) -> Call:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    function = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}[activation]

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        h = forward(x, parameters, function)
        return jnp.mean(jax.nn.logsumexp(h, axis=1) - jnp.sum(h * y, axis=1))

    f = jax.jit(jax.value_and_grad(loss))
    x, y, *parameters = map(jnp.asarray, data.values())

    def call() -> list[Any]:
        value, gradients = jax.block_until_ready(f(parameters, x, y))
        return [value, *gradients]

    return call


def torch(data: dict[str, Any], activation: str) -> Call:
    import torch

    torch.set_num_threads(1)
    x, y, *parameters = (torch.from_numpy(each) for each in data.values())
    for each in parameters:
        each.requires_grad_(True)
    function = getattr(torch, activation)

    def call() -> list[Any]:
        value = torch.nn.functional.cross_entropy(forward(x, parameters, function), y)
        return [value.detach(), *torch.autograd.grad(value, parameters)]

    return call


def autograd(data: dict[str, Any], activation: str) -> Call:
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import expit, logsumexp

    function = {"sigmoid": expit, "tanh": anp.tanh}[activation]
    x, y, *parameters = data.values()

    def loss(parameters: Any) -> Any:
        h = forward(x, parameters, function)
        return anp.mean(logsumexp(h, axis=1) - anp.sum(h * y, axis=1))

    f = value_and_grad(loss)

    def call() -> list[Any]:
        value, gradients = f(parameters)
        return [value, *gradients]

    return call


def products(data: dict[str, Any]) -> Call:
    """The matrix products of the forward and the backward pass, by BLAS, and nothing else."""
    x, _, *parameters = data.values()
    weights = parameters[::2]
    values = [x]
    for weight in weights:
        values.append(values[-1] @ weight)

    def call() -> list[Any]:
        for value, weight in zip(values, weights, strict=False):
            value @ weight
        for k in reversed(range(len(weights))):
            values[k].T @ values[k + 1]
            if k:
                values[k + 1] @ weights[k].T
        return []

    return call
