"""Systems with a triangular matrix: which are found, values and derivatives; against NumPy and SciPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import approx_fprime

import diffc as dc
from diffc.ir import Graph, Type
from diffc.ops import input_node
from diffc.ops.constant import iota
from diffc.ops.linalg import solve
from diffc.ops.logic import eq, ge, gt, le, lt, where
from diffc.ops.matrices import as_column, as_row
from tests.optimized import optimized

RNG = np.random.default_rng(0)


def positive(*shape: int) -> np.ndarray:
    a = RNG.normal(size=shape)
    return a @ np.swapaxes(a, -1, -2) + 3 * np.eye(shape[-1])


def names(graph: Graph) -> set[str]:
    return {node.op.name for node in optimized(graph).nodes}


TRIANGLES: dict[str, Callable[[Any], Any]] = {
    "factor": np.linalg.cholesky,
    "its transpose": lambda a: np.linalg.cholesky(a).T,
    "twice transposed": lambda a: np.linalg.cholesky(a).T.T,
    "negated": lambda a: -np.linalg.cholesky(a),
    "negated transpose": lambda a: (-np.linalg.cholesky(a)).T,
    "upper factor": lambda a: np.linalg.cholesky(a, upper=True),
    "lower part": np.tril,
    "upper part": np.triu,
    "transposed lower part": lambda a: np.tril(a).T,
    "inner lower part": lambda a: np.tril(a, -1 + 1),
}
OTHERS: dict[str, Callable[[Any], Any]] = {
    "full": lambda a: a,
    "product": lambda a: np.linalg.cholesky(a) @ a,
    "above the diagonal": lambda a: np.tril(a, 1),
    "sum": lambda a: np.linalg.cholesky(a) + np.eye(4)[::-1],
    "turned": lambda a: np.linalg.cholesky(a)[::-1],
}


@pytest.mark.parametrize("name", TRIANGLES)
@pytest.mark.parametrize("sides", [(), (3,)], ids=["vector", "matrix"])
def test_triangles_are_found(name: str, sides: tuple[int, ...]) -> None:
    a, b = positive(4, 4), RNG.normal(size=(4, *sides))

    def f(a: Any, b: Any) -> Any:
        return np.linalg.solve(TRIANGLES[name](a), b)

    traced = dc.trace(f, a, b)
    assert "triangular_solve" in names(traced.graph)
    assert "solve" not in names(traced.graph)
    np.testing.assert_allclose(traced(a, b), f(a, b), rtol=1e-12)

    def loss(flat: Any) -> Any:
        square = flat.reshape(4, 4)  # made symmetric: NumPy's factor reads one triangle only
        return np.sum(f((square + square.T) / 2, b) ** 2)

    gradient = dc.grad(loss)(a.ravel())
    np.testing.assert_allclose(gradient, approx_fprime(a.ravel(), loss), rtol=1e-4, atol=1e-5)
    curvature = dc.hessian(loss)(a.ravel())
    differences = approx_fprime(a.ravel(), lambda x: np.asarray(dc.grad(loss)(x)))
    np.testing.assert_allclose(curvature, differences, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", OTHERS)
def test_other_matrices_are_left_alone(name: str) -> None:
    a, b = positive(4, 4), RNG.normal(size=4)

    def f(a: Any, b: Any) -> Any:
        return np.linalg.solve(OTHERS[name](a), b)

    traced = dc.trace(f, a, b)
    assert "triangular_solve" not in names(traced.graph)
    np.testing.assert_allclose(traced(a, b), f(a, b), rtol=1e-12)


def test_what_is_kept_must_be_a_triangle_and_the_rest_zero() -> None:
    a, count, b = input_node("a", Type("f64", (4, 4))), iota(4), input_node("b", Type("f64", (4,)))
    down, across = as_column(count), as_row(count)
    for compare, left, right, x, y, lower in (
        (ge, down, across, a, 0.0, True),
        (gt, down, across, a, 0.0, True),
        (le, down, across, a, 0.0, False),
        (lt, down, across, a, 0.0, False),
        (ge, across, down, a, 0.0, False),
        (lt, across, down, a, 0.0, True),
        (lt, across, down, 0.0, a, False),
        (ge, count, down, 0.0, a, True),
        (ge, down, across, a, 1.0, None),
        (ge, down, down, a, 0.0, None),
        (ge, count, 2, a, 0.0, None),
        (eq, down, across, a, 0.0, None),
    ):
        graph = optimized(Graph("f", (a, b), (solve(where(compare(left, right), x, y), b),)))
        found = [node.attrs["lower"] for node in graph.nodes if node.is_op("triangular_solve")]
        assert found == ([] if lower is None else [lower])


def test_of_any_extent_and_in_batches() -> None:
    def f(a: Any, b: Any) -> Any:
        factor = np.linalg.cholesky(a)
        return np.linalg.solve(np.swapaxes(factor, -1, -2), np.linalg.solve(factor, b))

    one = dc.trace(f, dc.f64("N", "N"), dc.f64("N", "K"))
    many = dc.trace(f, dc.f64("B", "N", "N"), dc.f64("B", "N", "K"))
    assert "solve" not in names(one.graph) | names(many.graph)
    for n in (0, 1, 5):
        a, b = positive(2, n, n), RNG.normal(size=(2, n, 3))
        expected = np.array([cho_solve(cho_factor(x), y) if n else y for x, y in zip(a, b, strict=True)])
        np.testing.assert_allclose(many(a, b), expected, rtol=1e-11)
        np.testing.assert_allclose(one(a[0], b[0]), expected[0], rtol=1e-11)


def test_singular_and_indefinite_matrices_give_nan() -> None:
    lower = dc.trace(lambda a, b: np.linalg.solve(np.tril(a), b), dc.f64(3, 3), dc.f64(3))
    assert np.isnan(lower(np.array([[1.0, 5, 5], [2, 0, 5], [3, 4, 1]]), np.ones(3))).all()
    factor = dc.trace(lambda a, b: np.linalg.solve(np.linalg.cholesky(a), b), dc.f64(3, 3), dc.f64(3))
    assert np.isnan(factor(-np.eye(3), np.ones(3))).all()


def test_in_single_precision() -> None:
    f = dc.trace(lambda a, b: np.linalg.solve(np.linalg.cholesky(a), b), dc.f32(4, 4), dc.f32(4))
    assert "solve" not in names(f.graph)
    a, b = positive(4, 4).astype("f4"), np.ones(4, "f4")
    found = f(a, b)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.linalg.solve(np.linalg.cholesky(a), b), rtol=1e-5)
