"""The Gaussian-mixture objective of the AD literature, value and gradient: n = 1000, d = 10, K = 25.

Srajer, Kukelova, Fitzgibbon: A benchmark of selected algorithmic differentiation tools, 2018. L_k has
exp(q_k) on its diagonal and l_k below it, column by column; gamma = 1, m = 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.bench.workloads.kernels import Call, value_alone, value_and_gradients

N, D, K = 1000, 10, 25


def inputs(scale: float) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "alpha": rng.normal(size=K), "mu": rng.normal(size=(K, D)), "q": rng.normal(size=(K, D)),
        "below": rng.normal(size=(K, D * (D - 1) // 2)), "x": rng.normal(size=(int(N * scale), D)),
    }  # fmt: skip


def places() -> Any:
    """Return where each element of L is found in (l, 0)."""
    found = np.full((D, D), D * (D - 1) // 2)
    found.T[np.triu_indices(D, 1)] = np.arange(D * (D - 1) // 2)
    return found


def objective(alpha: Any, mu: Any, q: Any, below: Any, x: Any, np: Any, logsumexp: Any) -> Any:
    """Return the objective; `np` is the tool's NumPy."""
    padded = np.concatenate([below, np.zeros((K, 1))], axis=1)
    factors = padded[:, places()] + np.exp(q)[:, :, None] * np.eye(D)
    centred = x[None, :, :] - mu[:, None, :]
    scaled = centred @ np.swapaxes(factors, 1, 2)
    inner = (alpha + np.sum(q, axis=1))[:, None] - 0.5 * np.sum(scaled**2, axis=2)
    data = np.sum(logsumexp(inner, 0)) - x.shape[0] * logsumexp(alpha, 0)
    return data + 0.5 * (np.sum(np.exp(q) ** 2) + np.sum(below**2))


def _numpy_logsumexp(z: Any, axis: int) -> Any:
    return np.logaddexp.reduce(z, axis=axis)


def _traced(data: dict[str, Any]) -> Any:
    import diffc as dc

    return dc.trace(
        lambda alpha, mu, q, below, x: objective(alpha, mu, q, below, x, np, _numpy_logsumexp), *data.values()
    )


def diffc(data: dict[str, Any], parallel: bool = False) -> Call:
    return value_and_gradients(_traced(data), ["alpha", "mu", "q", "below"], list(data.values()), parallel)


def parallel(data: dict[str, Any]) -> Call:
    return diffc(data, parallel=True)


def primal(data: dict[str, Any]) -> Call:
    return value_alone(_traced(data), list(data.values()))


def jax(data: dict[str, Any]) -> Call:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def loss(p: Any, x: Any) -> Any:
        return objective(*p, x, jnp, lambda z, axis: jax.nn.logsumexp(z, axis=axis))

    f = jax.jit(jax.value_and_grad(loss))
    *p, x = map(jnp.asarray, data.values())

    def call() -> list[Any]:
        value, gradients = jax.block_until_ready(f(p, x))
        return [value, *gradients]

    return call


def torch(data: dict[str, Any]) -> Call:
    import torch

    torch.set_num_threads(1)
    *p, x = (torch.tensor(each) for each in data.values())
    for each in p:
        each.requires_grad_(True)
    where, unit, column = torch.tensor(places()), torch.eye(D, dtype=torch.float64), torch.zeros(K, 1)

    def call() -> list[Any]:
        alpha, mu, q, below = p
        factors = torch.cat([below, column], 1)[:, where] + torch.exp(q)[:, :, None] * unit
        scaled = (x[None] - mu[:, None]) @ factors.transpose(1, 2)
        inner = (alpha + q.sum(1))[:, None] - 0.5 * (scaled**2).sum(2)
        value = torch.logsumexp(inner, 0).sum() - len(x) * torch.logsumexp(alpha, 0)
        value = value + 0.5 * ((torch.exp(q) ** 2).sum() + (below**2).sum())
        return [value.detach(), *torch.autograd.grad(value, p)]

    return call


def autograd(data: dict[str, Any]) -> Call:
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    *p, x = data.values()
    f = value_and_grad(lambda p: objective(*p, x, anp, logsumexp))

    def call() -> list[Any]:
        value, gradients = f(p)
        return [value, *gradients]

    return call


def floor(data: dict[str, Any]) -> Call:
    """The three products of each component, by BLAS."""
    x, factor = data["x"], np.ones((D, D))
    scaled = x @ factor

    def call() -> list[Any]:
        for _ in range(K):
            x @ factor
            scaled @ factor
            scaled.T @ x
        return []

    return call
