"""Derivatives at the edges: every line of the table in docs/edge-derivatives.md.

Each is computed by forward and by reverse mode, by the reference interpreter and by machine code, from
the graph as it is derived and from the one that the optimiser leaves, in both modes of `math`.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc import autodiff
from diffc.ops import evaluate
from tests.optimized import optimized

INF = math.inf


@dataclass
class Edge:
    """A formula at a point, and what its first (and second) derivative there was chosen to be.

    One written out `by_hand`, such as log(1 + exp(x)), overflows unless the optimiser has seen it.
    """

    formula: str
    point: dict[str, Any]
    first: dict[str, Any]
    second: Any = None
    by_hand: bool = False
    wrt: str = field(init=False)

    def __post_init__(self):
        self.wrt = next(iter(self.first))

    def __str__(self):
        return f"{self.formula} at {', '.join(f'{k}={v}' for k, v in self.point.items())}"

    @cached_property
    def function(self):
        types = {k: f"f64{list(np.shape(v)) if np.ndim(v) else ''}" for k, v in self.point.items()}
        return dc.parse(self.formula, inputs=types)

    def is_finite(self):
        return all(np.all(np.isfinite(each)) for each in self.point.values())

    @property
    def arguments(self):
        return [np.asarray(each, float) if np.ndim(each) else each for each in self.point.values()]


def edge(formula, point, first, second=None, by_hand=False):
    """For a point that is one number or list, the input is x."""
    point = point if isinstance(point, dict) else {"x": point}
    return Edge(formula, point, first if isinstance(first, dict) else {"x": first}, second, by_hand)


STEPS = [
    edge("relu(x)", 0.0, 0.0, 0.0),
    edge("relu(x)*x", 0.0, 0.0, 0.0),
    edge("abs(x)", 0.0, 0.0, 0.0),
    edge("abs(x)", -0.0, 0.0, 0.0),
    edge("sign(x)", 0.0, 0.0, 0.0),
    edge("sign(x)*x", 0.0, 0.0, 0.0),
    edge("floor(x)", 2.0, 0.0, 0.0),
    edge("ceil(x)", 2.0, 0.0, 0.0),
    edge("where(x > 0, 1.0, 0.0)", 0.0, 0.0, 0.0),
    edge("sum(relu(x))", [-1.0, 0.0, 2.0], [0.0, 0.0, 1.0], np.zeros((3, 3))),
]
TIES = [
    edge("maximum(x, y)", {"x": 1.0, "y": 1.0}, {"x": 0.5, "y": 0.5}, 0.0),
    edge("minimum(x, y)", {"x": 1.0, "y": 1.0}, {"x": 0.5, "y": 0.5}, 0.0),
    edge("maximum(x, 0)", 0.0, 0.5, 0.0),
    *(
        edge(formula, {"x": 1.0, "y": 1.0, "z": 1.0}, dict.fromkeys("xyz", 1 / 3), 0.0)
        for formula in (
            *("max(x, y, z)", "min(x, y, z)", "maximum(x, maximum(y, z))", "fmax(fmax(x, y), z)"),
            *("fmin(x, fmin(y, z))", "maximum(max([x, y]), z)", "min([min([x, y]), z])"),
            "-min([-x, -max([y, z])])",
        )
    ),
    edge("max(x, y, z)", {"x": 2.0, "y": 1.0, "z": 2.0}, {"x": 0.5, "y": 0.0, "z": 0.5}, 0.0),
    edge("min(x, y, z)", {"x": 1.0, "y": 1.0, "z": 2.0}, {"x": 0.5, "y": 0.5, "z": 0.0}, 0.0),
    edge(
        "max(max(w, x), max(y, z))",
        {"w": 1.0, "x": 2.0, "y": 2.0, "z": 2.0},
        {"w": 0.0, "x": 1 / 3, "y": 1 / 3, "z": 1 / 3},
        0.0,
    ),
    edge(
        "sum(maximum(maximum(x, y), z))",
        {"x": [1.0, 2.0], "y": 1.0, "z": [1.0, 0.0]},
        {"x": [1 / 3, 1.0], "y": 1 / 3, "z": [1 / 3, 0.0]},
        np.zeros((2, 2)),
    ),
    edge("max(x)", [2.0, 2.0, 1.0], [0.5, 0.5, 0.0], np.zeros((3, 3))),
    edge("min(x)", [2.0, 1.0, 1.0], [0.0, 0.5, 0.5], np.zeros((3, 3))),
    edge("max(x)", [3.0, 3.0, 3.0], [1 / 3, 1 / 3, 1 / 3], np.zeros((3, 3))),
    edge("sum(max(x, axis=1))", [[1.0, 1.0], [0.0, 2.0]], [[0.5, 0.5], [0.0, 1.0]]),
    edge("max(max(x, axis=1))", [[1.0, 1.0], [1.0, 0.0]], [[1 / 3, 1 / 3], [1 / 3, 0.0]]),
    edge("min(min(x, axis=0))", [[1.0, 1.0], [1.0, 2.0]], [[1 / 3, 1 / 3], [1 / 3, 0.0]]),
    edge("maximum(max(x[0:3]), max(x[3:]))", [1.0, 1.0, 1.0, 1.0, 0.0], [0.25] * 4 + [0.0], np.zeros((5, 5))),
    edge("max(maximum(x, x[::-1]))", [1.0, 0.0, 1.0], [0.5, 0.0, 0.5]),
]
CLIPS = [
    edge("clip(x, 0, 1)", at, slope, 0.0) for at, slope in ((0, 1), (1, 1), (0.5, 1), (-0.5, 0), (1.5, 0))
]
ROOTS = [
    edge("sqrt(x)", 0.0, INF),
    edge("norm(x)", [0.0, 0.0], [0.0, 0.0]),
    edge("norm(x)", [3.0, 4.0], [0.6, 0.8]),
    edge("std(x)", [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]),
    edge("hypot(x, y)", {"x": 0.0, "y": 0.0}, {"x": 0.0, "y": 0.0}),
    edge("sum(norm(x, axis=1))", [[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.6, 0.8]]),
]
POWERS = [
    edge("x**0", 0.0, 0.0, 0.0),
    edge("x**1", 0.0, 1.0, 0.0),
    edge("x**2", 0.0, 0.0, 2.0),
    edge("x**3", 0.0, 0.0, 0.0),
    edge("x**5", -2.0, 80.0, -160.0),
    edge("x**-2", 1.0, -2.0, 6.0),
    edge("x**y", {"x": 0.0, "y": 2.0}, {"x": 0.0, "y": 0.0}, 2.0),
    edge("x**y", {"x": 0.0, "y": 1.0}, {"x": 1.0, "y": 0.0}),
    edge("x**y", {"x": 0.0, "y": 0.0}, {"x": 0.0, "y": 0.0}),
    edge("x**y", {"y": 3.0, "x": 0.0}, {"y": 0.0, "x": 0.0}, 0.0),
    edge("sum(x**k)", {"x": [0.0, 0.0, 2.0], "k": [0.0, 1.0, 3.0]}, {"x": [0.0, 1.0, 12.0]}),
]
PRODUCTS = [
    edge("prod(x)", [2.0, 0.0, 3.0], [0.0, 6.0, 0.0], [[0.0, 3.0, 0.0], [3.0, 0.0, 2.0], [0.0, 2.0, 0.0]]),
    edge("prod(x)", [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
    edge(
        "sum(cumprod(x))",
        [0.0, 2.0, 3.0],
        [9.0, 0.0, 0.0],
        [[0.0, 4.0, 2.0], [4.0, 0.0, 0.0], [2.0, 0.0, 0.0]],
    ),
]
ANGLES = [
    edge("atan2(y, x)", {"y": 0.0, "x": 0.0}, {"y": 0.0, "x": 0.0}),
    edge("atan2(y, x)", {"y": 0.0, "x": -1.0}, {"y": -1.0, "x": 0.0}),
    edge("atan2(y, x)", {"y": 3e-200, "x": 4e-200}, {"y": 1.6e199, "x": -1.2e199}),
    edge("atan2(y, x)", {"y": 3e200, "x": 4e200}, {"y": 1.6e-201, "x": -1.2e-201}, 0.0),
    edge("atan2(y, x)", {"y": 3e-100, "x": 4e-100}, {"y": 1.6e99, "x": -1.2e99}, -3.84e198),
    edge("x - 2*floor(x/2)", 2.0, 1.0, 0.0),
    edge("x - y*floor(x/y)", {"y": 2.0, "x": 6.0}, {"y": -3.0, "x": 1.0}, 0.0),
]
BRANCHES = [
    edge("where(x > 0, log(x), 0)", -1.0, 0.0, 0.0),
    edge("where(x > 0, log(x), 0)", 0.0, 0.0, 0.0),
    edge("where(x > 0, x*log(x), x)", 0.0, 1.0, 0.0),
    edge("where(x > 0, sqrt(x), 0)", 0.0, 0.0, 0.0),
    edge("where(x > 0, exp(sqrt(log(x))), x**2)", -1.0, -2.0, 2.0),
    edge("where(x == 0, 1, sin(x)/x)", 0.0, 0.0, 0.0),
    edge("1 + 2*where(x < 1, (1/x)**2, x)", {"x": INF}, {"x": 2.0}, 0.0),
    edge("exp(where(x > 0, log(x), 0))*x", -1.0, 1.0, 0.0),
    edge("sum(where(x > 0, log(x), x))", [-1.0, 0.0, 2.0], [1.0, 1.0, 0.5], np.diag([0.0, 0.0, -0.25])),
    edge("sum(where(x > 0, sqrt(x), 0))**2", [0.0, 4.0], [0.0, 1.0], [[0.0, 0.0], [0.0, 0.0]]),
    edge(
        "sum(where(x > 0, log(x), 0) * y)",
        {"x": [-1.0, 1.0], "y": [1.0, 2.0]},
        {"x": [0.0, 2.0], "y": [0, 0]},
    ),
]
LARGE = [
    edge("softplus(x)", 1000.0, 1.0, 0.0),
    edge("softplus(x)", -1000.0, 0.0, 0.0),
    edge("logsumexp(x)", [1000.0, 1000.0], [0.5, 0.5], [[0.25, -0.25], [-0.25, 0.25]]),
    edge("logsumexp(x)", [-INF, -INF], [0.0, 0.0]),
    edge("logsumexp(x)", [-INF, 0.0], [0.0, 1.0]),
    edge("softmax(x)[0]", [1e300, 0.0], [0.0, 0.0], np.zeros((2, 2))),
    edge("-log_softmax(x)[1]", [800.0, -800.0], [1.0, -1.0], np.zeros((2, 2))),
    edge("log(1 + exp(x))", 1000.0, 1.0, 0.0, by_hand=True),
    edge("log(sigmoid(x))", -1000.0, 1.0, 0.0, by_hand=True),
    edge("log(1 + exp(x)/3)", 1000.0, 1.0, 0.0, by_hand=True),
    edge("log(1/(1 + exp(-x)))", -1000.0, 1.0, 0.0, by_hand=True),
    edge("log(sum(exp(x)))", [1000.0, -1000.0], [1.0, 0.0], np.zeros((2, 2)), by_hand=True),
    edge("(exp(x)/sum(exp(x)))[1]", [800.0, 800.0], [-0.25, 0.25], np.zeros((2, 2)), by_hand=True),
]
EDGES = [*STEPS, *TIES, *CLIPS, *ROOTS, *POWERS, *PRODUCTS, *ANGLES, *BRANCHES, *LARGE]

RELATIVE = 1e-12
"""What a softmax of arguments near 1000 loses: their rounding errors, times their size."""


def parametrized(*hows, cases=EDGES):
    """Every case in every way, less what a way does not promise."""
    pairs = [(case, how) for case in cases for how in hows]
    # math="fast" takes every number for finite.
    promised = {"plain": lambda case: not case.by_hand, "fast": Edge.is_finite}
    pairs = [(case, how) for case, how in pairs if promised.get(how, lambda _: True)(case)]
    return pytest.mark.parametrize(("case", "how"), pairs, ids=[f"{case}-{how}" for case, how in pairs])


def run(graph, arguments, how):
    """Return the outputs, flat."""
    if how == "plain":
        return evaluate(graph, *arguments)
    if how == "optimized":
        return evaluate(optimized(graph), *arguments)
    kernel = dc.compile(dc.Function(graph), math="fast" if how == "fast" else "precise", cache=False)
    found = kernel(*arguments)
    while isinstance(found, tuple) and len(found) == 1:
        (found,) = found
    return list(found) if isinstance(found, tuple) else [found]


def unit_tangents(value):
    """Yield each unit vector of a value's shape."""
    if not np.ndim(value):
        yield 1.0
        return
    for place in np.ndindex(np.shape(value)):
        tangent = np.zeros(np.shape(value))
        tangent[place] = 1.0
        yield tangent


@parametrized("plain", "optimized", "precise", "fast")
def test_reverse(case, how):
    graph = case.function.graph
    if how == "plain":
        derived = autodiff.grad(graph, list(case.first))
    else:
        derived = dc.grad(case.function, list(case.first)).graph
    for found, wanted in zip(run(derived, case.arguments, how), case.first.values(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=RELATIVE, atol=0)


@parametrized("plain", "precise")
def test_forward(case, how):
    for name, wanted in case.first.items():
        graph = case.function.graph
        derived = autodiff.jvp(graph, name) if how == "plain" else dc.jvp(case.function, name).graph
        found = [
            run(derived, [*case.arguments, tangent], how)[1] for tangent in unit_tangents(case.point[name])
        ]
        np.testing.assert_allclose(np.reshape(found, np.shape(wanted)), wanted, rtol=RELATIVE, atol=0)


@parametrized("plain", "optimized", "precise", cases=[case for case in EDGES if case.second is not None])
def test_second_order(case, how):
    graph = case.function.graph
    transforms = [autodiff.hessian] if how == "plain" else [dc.hessian]
    if np.ndim(case.second) == 0:
        scalars = autodiff.derivative if how == "plain" else dc.derivative
        transforms.append(lambda f, wrt: scalars(f, wrt, 2))
    for transform in transforms:
        derived = transform(graph if how == "plain" else case.function, case.wrt)
        derived = derived if how == "plain" else derived.graph
        (found,) = run(derived, case.arguments, how)
        np.testing.assert_allclose(found, case.second, rtol=RELATIVE, atol=1e-12)


@pytest.mark.parametrize(("order", "value"), [(1, 0), (2, 0), (3, 0), (4, 24), (5, 0)])
def test_powers_are_exact_at_zero_to_any_order(order, value):
    assert dc.derivative(dc.parse("x**4"), "x", order)(0.0) == value


@pytest.mark.parametrize(
    ("formula", "point", "value"),
    [
        ("x**0", 0.0, 1.0),
        ("x**y", (0.0, 0.0), 1.0),
        ("logsumexp(x)", np.array([-INF, -INF]), -INF),
        ("logsumexp(x)", np.array([1e308, 0.0]), 1e308),
        ("softplus(x)", 1e308, 1e308),
        ("log(sigmoid(x))", -1e308, -1e308),
    ],
)
def test_values_at_the_edges(formula, point, value):
    arguments = point if isinstance(point, tuple) else (point,)
    types = {"x": "f64[2]"} if np.ndim(point) and not isinstance(point, tuple) else None
    assert dc.parse(formula, inputs=types)(*arguments) == value


@pytest.mark.parametrize("formula", ["softplus(x)", "log(sigmoid(x))", "log(1+exp(x))", "logsumexp([x, -x])"])
@pytest.mark.parametrize("x", [1e308, -1e308, 1e5, -1e5, 710.0, -745.0])
def test_finite_for_every_finite_input(formula, x):
    f = dc.parse(formula, inputs={"x": "f64"})
    for each in (dc.value_and_grad(f), dc.derivative(f, "x", 2)):
        assert np.all(np.isfinite(each(x)))
