"""Kernels of one process do not know of each other: each is right, whatever was compiled and freed before."""

import gc

import numpy as np
import pytest

import diffc as dc
from diffc.ops import evaluate

RNG = np.random.default_rng(0)


def differences(x):
    return x[None] - x[:, None]


PROGRAMS = {
    "gauss": lambda x: np.sum(np.exp(-np.sum(differences(x) ** 2, -1))),
    "pairwise squares": lambda x: np.sum(np.sum(differences(x) ** 2, -1) ** 2),
    "pairwise cubes": lambda x: np.sum(np.sum(differences(x) ** 2, -1) ** 3),
    "outer squares": lambda x: np.sum((x[:, :, None] * x[:, None, :]) ** 2),
    "variance": lambda x: np.sum(np.var(x, 0) ** 2),
    "softmax": lambda x: np.sum((np.exp(x) / np.sum(np.exp(x), 1, keepdims=True)) ** 2),
    "log of sums": lambda x: np.log(np.sum(np.exp(x @ x.T))),
    "cosine": lambda x: np.sum((x @ x.T) / (1 + np.sum(x**2, 1)[:, None] * np.sum(x**2, 1))),
    "distances": lambda x: np.sum(np.sqrt(np.sum(differences(x) ** 2, -1) + 1)),
    "energy": lambda x: np.sum(
        1 / (np.sum(differences(x) ** 2, -1) + np.eye(len(x))) ** 3 * (1 - np.eye(len(x)))
    ),
}


def check_hessian(function, x, **options):
    h = dc.hessian(dc.trace(function, dc.f64(*x.shape)))
    kernel = dc.compile(h, cache=False, **options)
    (want,) = evaluate(h.embedded().graph, x)
    np.testing.assert_allclose(kernel(x), want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3)])
@pytest.mark.parametrize("lowering", ["llvm", "source"])
def test_hessians_one_after_the_other(shape, lowering):
    x = RNG.normal(size=shape)
    for function in PROGRAMS.values():
        check_hessian(function, x, lowering=lowering)


def test_tables_do_not_take_one_block_for_another_that_was_freed():
    """Without a collector, as while compiling, what dies is freed at once, and its place taken."""
    x = RNG.normal(size=(5, 2))
    gc.disable()
    try:
        for power in range(2, 7):
            for function in PROGRAMS.values():
                check_hessian(function, x)
            check_hessian(lambda x, power=power: np.sum(np.sum(differences(x) ** 2, -1) ** power), x)
    finally:
        gc.enable()
