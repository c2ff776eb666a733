"""The energy of a planar arm of four links at many points: value, gradient and Hessian by its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[], list[Any]]
LINKS, POINTS = 4, 20_000


def inputs(scale: float) -> dict[str, Any]:
    return {"z": np.random.default_rng(0).normal(size=(int(POINTS * scale), 2 * LINKS))}


def energy(q: Any, v: Any, sin: Any, cos: Any) -> Any:
    """Return kinetic and potential energy of unit masses at the ends of unit links."""
    total = angle = x_speed = y_speed = height = 0
    speed = 0
    for k in range(LINKS):
        angle, speed = angle + q[k], speed + v[k]
        x_speed, y_speed = x_speed - sin(angle) * speed, y_speed + cos(angle) * speed
        height = height + sin(angle)
        total = total + (x_speed**2 + y_speed**2) / 2 + 9.81 * height
    return total


def model() -> tuple[Any, list[Any]]:
    import sympy

    symbols = sympy.symbols(f"q:{LINKS} v:{LINKS}")
    return energy(symbols[:LINKS], symbols[LINKS:], sympy.sin, sympy.cos), list(symbols)


def _diffc() -> Any:
    import diffc as dc
    from diffc.functions.function import Function
    from diffc.ir import Graph

    expression, symbols = model()
    f = dc.from_sympy(expression, {"z": symbols}, name="arm")
    parts = (f.graph.outputs[0], dc.grad(f).graph.outputs[0], dc.hessian(f).graph.outputs[0])
    return dc.vmap(Function(Graph("arm", f.graph.inputs, parts), derived=True))


def diffc(data: dict[str, Any]) -> Call:
    import diffc as dc

    kernel = dc.compile(_diffc())
    return lambda: list(kernel(data["z"]))


def parallel(data: dict[str, Any]) -> Call:
    import diffc as dc

    kernel = dc.compile(_diffc(), parallel=True)
    return lambda: list(kernel(data["z"]))


def reused(data: dict[str, Any]) -> Call:
    return _into_given_memory(data, parallel=False)


def parallel_reused(data: dict[str, Any]) -> Call:
    return _into_given_memory(data, parallel=True)


def _into_given_memory(data: dict[str, Any], *, parallel: bool) -> Call:
    import diffc as dc

    kernel = dc.compile(_diffc(), parallel=parallel)
    out = kernel(data["z"])
    return lambda: list(kernel(data["z"], out=out))


def primal(data: dict[str, Any]) -> Call:
    import diffc as dc

    expression, symbols = model()
    kernel = dc.compile(dc.vmap(dc.from_sympy(expression, {"z": symbols})))
    return lambda: [kernel(data["z"])]


def jax(data: dict[str, Any]) -> Call:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def one(z: Any) -> Any:
        return energy(z[:LINKS], z[LINKS:], jnp.sin, jnp.cos)

    f = jax.jit(jax.vmap(lambda z: (one(z), jax.grad(one)(z), jax.hessian(one)(z))))
    z = jnp.asarray(data["z"])
    return lambda: list(jax.block_until_ready(f(z)))


def casadi(data: dict[str, Any]) -> Call:
    import casadi as ca

    z = ca.SX.sym("z", 2 * LINKS)
    value = energy([z[k] for k in range(LINKS)], [z[LINKS + k] for k in range(LINKS)], ca.sin, ca.cos)
    hessian, gradient = ca.hessian(value, z)
    f = ca.Function("arm", [z], [value, gradient, hessian]).map(len(data["z"]))
    points = np.ascontiguousarray(data["z"].T)

    def call() -> list[Any]:
        value, gradient, hessian = f(points)
        count = len(data["z"])
        blocks = np.asarray(hessian.full()).reshape(2 * LINKS, count, 2 * LINKS)
        return [value.full()[0], gradient.full().T, blocks.transpose(1, 0, 2)]

    return call


def _parts() -> tuple[list[Any], list[Any]]:
    value, symbols = model()
    gradient = [value.diff(s) for s in symbols]
    return symbols, [value, *gradient, *(g.diff(s) for g in gradient for s in symbols)]


def lambdify(data: dict[str, Any]) -> Call:
    import sympy

    symbols, parts = _parts()
    f = sympy.lambdify(symbols, parts, "numpy", cse=True)
    columns = list(data["z"].T)

    def call() -> list[Any]:
        value, *rest = (np.broadcast_to(each, columns[0].shape) for each in f(*columns))
        n = 2 * LINKS
        return [value, np.stack(rest[:n], 1), np.stack(rest[n:], 1).reshape(-1, n, n)]

    return call


def numba(data: dict[str, Any]) -> Call:
    """The common subexpressions of lambdify in a loop that Numba compiles."""
    import numba
    import sympy

    symbols, parts = _parts()
    one = numba.njit(error_model="numpy", fastmath=True)(sympy.lambdify(symbols, parts, "math", cse=True))
    n = 2 * LINKS

    @numba.njit(error_model="numpy", fastmath=True)
    def run(z: Any, value: Any, gradient: Any, hessian: Any) -> None:
        for i in range(len(z)):
            found = one(z[i, 0], z[i, 1], z[i, 2], z[i, 3], z[i, 4], z[i, 5], z[i, 6], z[i, 7])
            value[i] = found[0]
            for a in range(n):
                gradient[i, a] = found[1 + a]
                for b in range(n):
                    hessian[i, a, b] = found[1 + n + a * n + b]

    def call() -> list[Any]:
        count = len(data["z"])
        out = np.empty(count), np.empty((count, n)), np.empty((count, n, n))
        run(data["z"], *out)
        return list(out)

    return call


def floor(data: dict[str, Any]) -> Call:
    """The outputs' memory, written once."""
    count, n = len(data["z"]), 2 * LINKS

    def call() -> list[Any]:
        out = [np.empty(count), np.empty((count, n)), np.empty((count, n, n))]
        for each in out:
            each.fill(1.0)
        return out

    return call
