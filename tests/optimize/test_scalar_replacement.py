"""Tiny arrays taken apart into their elements: when it is done, values and derivatives; against NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import diffc as dc
from diffc.ir import Graph, check
from diffc.ops import evaluate
from diffc.optimize import Log
from diffc.optimize.scalar_replacement import MAX_ELEMENTS, scalar_replacement
from diffc.proof.rewrites import check_rewrites


def slope(state: Any, rates: Any) -> Any:
    u, v = state
    a, b, c, d = rates
    return np.stack([(a - b * v) * u, (d * u - c) * v])


def end(state: Any, rates: Any, steps: int = 12, length: float = 0.25) -> Any:
    for _ in range(steps):
        k1 = slope(state, rates)
        k2 = slope(state + length / 2 * k1, rates)
        k3 = slope(state + length / 2 * k2, rates)
        state = state + length / 6 * (k1 + 2 * k2 + 2 * k3 + slope(state + length * k3, rates))
    return state


STATE, RATES = np.array([1.0, 0.5]), np.array([0.6, 0.8, 0.5, 0.7])


def operations(graph: Graph, *names: str) -> int:
    return sum(node.is_op(*names) for node in graph.nodes)


def test_a_solver_of_two_unknowns_becomes_scalar() -> None:
    graph = dc.trace(end, STATE, RATES).graph
    new = check(scalar_replacement(graph))
    assert len(new.nodes) < 0.8 * len(graph.nodes)
    assert operations(new, "concatenate") == 1
    assert operations(new, "slice") == 6
    np.testing.assert_allclose(evaluate(new, STATE, RATES)[0], end(STATE, RATES), rtol=1e-14)
    assert scalar_replacement(new) is new


def test_derivatives_of_the_solver_are_those_of_the_flow() -> None:
    steps = 60
    jacobian = dc.jacobian(lambda s, r: end(s, r, steps, 3 / steps))(STATE, RATES)

    def variation(_: float, y: np.ndarray) -> np.ndarray:
        (u, v), (a, b, c, d) = y[:2], RATES
        field = np.array([[a - b * v, -b * u], [d * v, d * u - c]])
        return np.concatenate([slope(y[:2], RATES), (field @ y[2:].reshape(2, 2)).ravel()])

    start = np.concatenate([STATE, np.eye(2).ravel()])
    flow = solve_ivp(variation, (0, 3), start, rtol=1e-11, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(jacobian, flow[2:].reshape(2, 2), rtol=1e-6)
    hessian = dc.hessian(lambda s: np.sum(end(s, RATES) ** 2))(STATE)
    gradient = dc.grad(lambda s: np.sum(end(s, RATES) ** 2))
    sides = [(gradient(STATE + e) - gradient(STATE - e)) / 2e-5 for e in 1e-5 * np.eye(2)]
    np.testing.assert_allclose(hessian, sides, rtol=1e-7)


def each_step(function: Callable[[Any, int], Any]) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        for k in range(5):
            x = function(np.stack([x[1], x[0] * x[1] + 1]), k)
        return x

    return f


BODIES: dict[str, Callable[[Any], Any]] = {
    "constant arrays": each_step(lambda x, k: x * np.array([1.0, 0.5]) + k),
    "arrays from outside": lambda x: each_step(lambda y, _: y + np.sin(x) * x[0])(x),
    "one element for all": each_step(lambda x, _: x * x[:1] + np.full(2, 0.1)),
    "choices": each_step(lambda x, _: np.where(x > 0.1, np.maximum(x, 0.2), -x)),
    "integers": each_step(lambda x, _: (x > 0.1) * 2 + x),
    "also as a whole": lambda x: np.sum(
        np.stack([each_step(lambda y, _: np.tanh(y))(x * c) for c in (1.0, 2.0)])
    ),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_the_value_stays(name: str, dtype: str) -> None:
    x = np.array([0.3, -0.7], dtype)
    graph = dc.trace(BODIES[name], x).graph
    log: Log = []
    new = check(scalar_replacement(graph, log=log))
    assert operations(new, "concatenate") < operations(graph, "concatenate")
    assert len(new.nodes) <= len(graph.nodes)
    assert [node.type for node in new.outputs] == [node.type for node in graph.outputs]
    for found, expected in zip(evaluate(new, x), evaluate(graph, x), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(
        dc.jit(BODIES[name])(x), BODIES[name](x), rtol=1e-13 if dtype == "f8" else 1e-5
    )
    checks = check_rewrites(log)
    assert checks
    assert {each.verdict for each in checks} == {"measured"}


OTHERS: dict[str, Callable[[Any], Any]] = {
    "nothing is read": lambda x: 2 * np.stack([x[0], x[1]]),
    "nothing is computed": lambda x: np.stack([x[0], x[1]])[0] + x[2],
    "used as a whole": lambda x: sum(np.linalg.norm(np.sin(np.stack([x[0], c * x[1]]))) for c in range(5)),
    "long": lambda x: np.sin(np.stack([x[0]] * (MAX_ELEMENTS + 1)) * x[1])[2],
    "of rows": lambda x: np.sin(np.stack([x, 2 * x]))[0],
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_would_not_gain_stays_as_it_is(name: str) -> None:
    graph = dc.trace(OTHERS[name], dc.f64(3)).graph
    assert scalar_replacement(graph) is graph


def test_any_extent() -> None:
    graph = dc.trace(lambda x: (2 * np.concatenate([x, x]))[0], dc.f64("N")).graph
    assert scalar_replacement(graph) is graph
