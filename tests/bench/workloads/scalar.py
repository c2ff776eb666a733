"""((a + b) * c)**2, value and gradient, one call with three floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[], list[Any]]
TEXT = "((a + b) * c)**2"


def inputs(scale: float) -> dict[str, Any]:
    return {"a": 1.0, "b": 2.0, "c": 2.0}


def diffc(data: dict[str, Any]) -> Call:
    import diffc as dc

    kernel = dc.compile(dc.value_and_grad(dc.parse(TEXT), ["a", "b", "c"]))
    a, b, c = data.values()

    def call() -> list[Any]:
        value, gradient = kernel(a, b, c)
        return [value, *gradient]

    return call


def primal(data: dict[str, Any]) -> Call:
    import diffc as dc

    kernel = dc.compile(dc.parse(TEXT))
    a, b, c = data.values()
    return lambda: kernel(a, b, c)


def jax(data: dict[str, Any]) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    f = jax.jit(jax.value_and_grad(lambda a, b, c: ((a + b) * c) ** 2, (0, 1, 2)))
    a, b, c = data.values()

    def call() -> list[Any]:
        value, gradient = f(a, b, c)
        return [value, *gradient]

    return call


def torch(data: dict[str, Any]) -> Call:
    import torch

    torch.set_num_threads(1)
    parameters = [torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in data.values()]

    def call() -> list[Any]:
        a, b, c = parameters
        value = ((a + b) * c) ** 2
        return [value.detach(), *torch.autograd.grad(value, parameters)]

    return call


def casadi(data: dict[str, Any]) -> Call:
    import casadi as ca

    a, b, c = (ca.SX.sym(name) for name in "abc")
    value = ((a + b) * c) ** 2
    f = ca.Function("f", [a, b, c], [value, ca.jacobian(value, ca.vertcat(a, b, c))])
    x, y, z = data.values()

    def call() -> list[Any]:
        found, gradient = f(x, y, z)
        return [float(found), *np.asarray(gradient)[0]]

    return call


def autograd(data: dict[str, Any]) -> Call:
    from autograd import value_and_grad

    f = value_and_grad(lambda x: ((x[0] + x[1]) * x[2]) ** 2)
    point = np.array(list(data.values()))

    def call() -> list[Any]:
        value, gradient = f(point)
        return [value, *gradient]

    return call


def lambdify(data: dict[str, Any]) -> Call:
    import sympy

    symbols = sympy.symbols("a b c")
    a, b, c = symbols
    value = ((a + b) * c) ** 2
    f = sympy.lambdify(symbols, [value, *(value.diff(s) for s in symbols)], "math", cse=True)
    x, y, z = data.values()
    return lambda: f(x, y, z)


def numba(data: dict[str, Any]) -> Call:
    import numba

    @numba.njit
    def f(a: float, b: float, c: float) -> tuple[float, ...]:
        s = a + b
        t = s * c
        return t * t, 2 * t * c, 2 * t * c, 2 * t * s

    a, b, c = data.values()
    return lambda: list(f(a, b, c))


def floor(data: dict[str, Any]) -> Call:
    """The call of a built-in function with three floats."""
    a, b, c = data.values()
    return lambda: max(a, b, c)
