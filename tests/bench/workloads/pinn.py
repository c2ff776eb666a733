"""d/dparameters of the mean of (u_xx + u_yy - sin x)^2, u a network 2-32-32-1 with tanh, 256 points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.workloads.kernels import Call, value_alone, value_and_gradients

POINTS, WIDTH = 256, 32


def inputs(scale: float) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    points = int(POINTS * scale)
    return {
        "x": rng.uniform(size=points), "y": rng.uniform(size=points),
        "W1": rng.normal(size=(2, WIDTH)), "b1": rng.normal(size=WIDTH),
        "W2": rng.normal(size=(WIDTH, WIDTH)) / np.sqrt(WIDTH), "b2": rng.normal(size=WIDTH),
        "W3": rng.normal(size=WIDTH) / np.sqrt(WIDTH), "b3": np.float64(0.1),
    }  # fmt: skip


def u(x: Any, y: Any, p: Any, tanh: Callable[[Any], Any]) -> Any:
    """Return the network's value at a point."""
    W1, b1, W2, b2, W3, b3 = p
    return tanh(tanh(x * W1[0] + y * W1[1] + b1) @ W2 + b2) @ W3 + b3


def _loss() -> Any:
    import diffc as dc

    def residual(x: Any, y: Any, *p: Any) -> Any:
        u_xx = dc.grad(dc.grad(lambda s: u(s, y, p, np.tanh)))(x)
        u_yy = dc.grad(dc.grad(lambda s: u(x, s, p, np.tanh)))(y)
        return u_xx + u_yy - np.sin(x)

    def loss(x: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
        p = W1, b1, W2, b2, W3, b3
        return np.mean(dc.vmap(residual, in_axes=(0, 0, *[None] * 6))(x, y, *p) ** 2)

    return loss


def _traced(data: dict[str, Any]) -> Any:
    import diffc as dc

    return dc.trace(_loss(), *data.values())


def diffc(data: dict[str, Any], parallel: bool = False) -> Call:
    return value_and_gradients(_traced(data), list(data)[2:], list(data.values()), parallel)


def parallel(data: dict[str, Any]) -> Call:
    return diffc(data, parallel=True)


def primal(data: dict[str, Any]) -> Call:
    return value_alone(_traced(data), list(data.values()))


def jax(data: dict[str, Any]) -> Call:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def second(f: Callable[[Any], Any], s: Any) -> Any:
        def first(t: Any) -> Any:
            return jax.jvp(f, (t,), (jnp.ones_like(t),))[1]

        return jax.jvp(first, (s,), (jnp.ones_like(s),))[1]

    def residual(x: Any, y: Any, p: Any) -> Any:
        u_xx = second(lambda s: u(s, y, p, jnp.tanh), x)
        u_yy = second(lambda s: u(x, s, p, jnp.tanh), y)
        return u_xx + u_yy - jnp.sin(x)

    def loss(p: Any, x: Any, y: Any) -> Any:
        return jnp.mean(jax.vmap(residual, in_axes=(0, 0, None))(x, y, p) ** 2)

    f = jax.jit(jax.value_and_grad(loss))
    x, y, *p = map(jnp.asarray, data.values())

    def call() -> list[Any]:
        value, gradients = jax.block_until_ready(f(p, x, y))
        return [value, *gradients]

    return call


def torch(data: dict[str, Any]) -> Call:
    import torch

    torch.set_num_threads(1)
    x, y, *p = (torch.tensor(each, requires_grad=True) for each in data.values())

    def derivative(f: Any, s: Any) -> Any:
        return torch.autograd.grad(f.sum(), s, create_graph=True)[0]

    def call() -> list[Any]:
        W1, b1, W2, b2, W3, b3 = p
        h = torch.tanh(x[:, None] * W1[0] + y[:, None] * W1[1] + b1)
        f = torch.tanh(h @ W2 + b2) @ W3 + b3
        f_x, f_y = torch.autograd.grad(f.sum(), (x, y), create_graph=True)
        value = torch.mean((derivative(f_x, x) + derivative(f_y, y) - torch.sin(x)) ** 2)
        gradients = torch.autograd.grad(value, p, allow_unused=True)
        return [value.detach(), *(torch.zeros(()) if each is None else each for each in gradients)]

    return call


def floor(data: dict[str, Any]) -> Call:
    """Fourteen products with W2 or the like, as many as reverse over the two second derivatives needs."""
    x, w = np.ones((len(data["x"]), WIDTH)), data["W2"]

    def call() -> list[Any]:
        for _ in range(9):
            x @ w
        for _ in range(5):
            x.T @ x
        return []

    return call
