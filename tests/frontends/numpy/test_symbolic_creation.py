"""New arrays of symbolic extents: what NumPy makes, at each size, of the calls' own texts."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.frontends.numpy.calling import call_function
from diffc.frontends.numpy.tracer import traced, untraced
from diffc.ops import evaluate


class Routed:
    """`np` as a traced function may reach it: calls and subscripts of what is in it go to the builders."""

    def __init__(self, path: str = "") -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        found = reduce(getattr, [*self._path.split(".")[1:], name], np)
        return found if name in ("float32", "int64", "nan", "float64") else Routed(f"{self._path}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = reduce(getattr, self._path.split(".")[1:], np)
        return traced(call_function(function, untraced(args, ""), untraced(kwargs, "")))

    def __getitem__(self, key: Any) -> Any:
        return self(key)


CALLS = [
    "np.zeros(x.shape)", "np.zeros(n, dtype=np.float32)", "np.zeros((2, n + 1), int)", "np.empty((n, 0))",
    "np.ones((x.shape[0], 1))", "np.ones(n, bool)", "np.full((n, 2), 3)", "np.full((n, 2), 3.5)",
    "np.full((n, 3), x)", "np.full(n, True)", "np.full(n, 2, dtype=np.float32)", "np.full((2, n), n)",
    "np.eye(n)", "np.eye(n, 2)", "np.eye(2, n, k=1)", "np.eye(n, k=-1, dtype=int)", "np.eye(n, k=n)",
    "np.identity(n)", "np.identity(n, bool)", "np.tri(n)", "np.tri(n, 2, -1, dtype=np.float32)",
    "np.tri(2, n, 1)", "np.arange(n)", "np.arange(1, n + 1)", "np.arange(n, dtype=float)",
    "np.arange(float(0), n)", "np.arange(n, 0, -1)", "np.arange(0, 2 * n, 2)", "np.arange(2 * n, 0, -2)",
    "np.arange(stop=n)", "np.arange(0, 1, 0.3)", "np.arange(n) * x[:, 0]",
    "np.arange(start=n, stop=2 * n, dtype=np.float32)", "np.linspace(0, 1, n)",
    "np.linspace(0, 1, n + 1, endpoint=False)", "np.linspace(x[:, 0], 2, n)",
    "np.linspace(0, 1, n, retstep=True)", "np.linspace(n, 2 * n, 3)",
    "np.linspace(0, 1, n, dtype=np.float32)", "np.logspace(0, 2, n)", "np.logspace(0, 2, n, base=2)",
    "np.geomspace(1, 8, n)", "np.geomspace(1, 8, n, endpoint=False)", "np.mgrid[0:n]", "np.mgrid[0:n, 1:3]",
    "np.mgrid[0:n, 0:1:3j]", "np.ogrid[0:n, 0:2]", "np.ogrid[1:n + 1]", "np.indices((n, 2))",
    "np.indices((2, n), dtype=float)", "np.indices((n, 2), sparse=True)",
    "np.fromfunction(lambda i, j: i + 2 * j, (n, 3))",
    "np.fromfunction(lambda i: i * y[0], (n,), dtype=int)", "np.array([1, n])",
    "np.array([[n, 1], [2.5, n]])", "np.array((y, 2 * y))", "np.array([y[0], 1.0], ndmin=2)",
    "np.array([y[0], 2], dtype=int)", "np.array([[y[0], y[1]], [0, 1]])", "np.array(y, copy=False)",
    "np.asarray([y[0], 1])", "np.asarray(x)", "np.asanyarray([y, [1, 2, 3]])", "np.asarray_chkfinite(y)",
    "np.ascontiguousarray(y[0])", "np.array([y > 0, [True, False, True]])", "np.array([])",
    "np.array([n > 2, True])", "np.hstack([np.ones((x.shape[0], 1)), x])",
    "np.stack([np.zeros(n), np.arange(n)])", "np.r_[y, 1.0]", "np.r_[0:n, 5]", "np.r_[0:1:5j, y]",
    "np.r_[y[0], 2, [3, 4], y]", "np.r_['0,2', y, y]", "np.r_['0,2,0', y, y]", "np.r_['1', x, x]",
    "np.r_['-1,3', y, y]", "np.r_[1, 2, n]", "np.r_[x, np.zeros((n, 3))]", "np.c_[y, y]",
    "np.c_[x, np.ones(n)]", "np.c_[x, x]", "np.c_[1, n]", "np.c_[0:n, np.ones(n)]",
    "np.block([[np.eye(n), np.zeros((n, 1))], [np.ones((1, n)), 1]])", "np.block([y, 1.0, [2, 3]][:2])",
    "np.arange(0, n, 2)", "np.arange(n, -1, -3)", "np.arange(1, n + 2, 3)", "np.arange(n // 2, n, 2)",
    "np.zeros((n // 2, n % 2))", "np.zeros(max(0, 0))", "np.zeros([n, 2])", "np.zeros((n, n, n)).sum(0)",
]  # fmt: skip


def function(text: str, module: Any) -> Callable[..., Any]:
    return lambda x, y: eval(text, {"np": module, "x": x, "y": y, "n": x.shape[0]})


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


@pytest.mark.parametrize("text", CALLS)
def test_what_numpy_makes_at_each_size(text: str) -> None:
    program = dc.trace(function(text, Routed()), dc.f64("N", 3), dc.f64(3))
    y = np.array([0.5, -1.5, 2.5])
    for size in (0, 1, 2, 5):
        x = np.random.default_rng(size).normal(size=(size, 3))
        try:
            with np.errstate(all="ignore"):
                wanted = listed(function(text, np)(x, y))
        except ValueError:
            with pytest.raises(dc.DiffcError):
                evaluate(program.graph, x, y)
            continue
        given = listed(evaluate(program.graph, x, y))
        compiled = listed(program(x, y)) if size == 2 else given
        for mine, kernel, other in zip(given, compiled, wanted, strict=True):
            assert np.shape(mine) == np.shape(other), text
            assert np.asarray(mine).dtype == np.asarray(other).dtype, text
            if "empty" not in text:
                np.testing.assert_allclose(mine, other, rtol=1e-6 if "32" in text else 1e-13, err_msg=text)
                np.testing.assert_allclose(kernel, other, rtol=1e-6 if "32" in text else 1e-13, err_msg=text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("np.arange(n, 10, n)", "known integer other than 0"),
        ("np.zeros(y[0])", "known when compiling"), ("np.zeros(-1)", "negative"), ("np.eye(y)", "extent"),
        ("np.geomspace(0, 1, n)", "zero"), ("np.zeros(n, complex)", "complex"),
        ("np.mgrid[0]", "slices"), ("np.r_['c', y]", "integers"), ("np.arange(y[0], y[0] + 3)", "known"),
        ("np.full(n, y)", "broadcast"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(dc.DiffcError, match=says):
        dc.trace(function(text, Routed()), dc.f64("N", 3), dc.f64(3))


def test_an_extent_of_less_than_nothing_is_refused_at_the_call() -> None:
    program = dc.trace(function("np.zeros(n - 2)", Routed()), dc.f64("N", 3), dc.f64(3))
    with pytest.raises(dc.DiffcError, match="negative"):
        program(np.ones((1, 3)), np.ones(3))


def test_a_scalar_type_converts() -> None:
    f = dc.trace(lambda x: traced(call_function(np.float32, [untraced(x, "")], {})), dc.f64(2))
    assert f(np.ones(2)).dtype == np.float32


def test_derivatives_pass_through_what_is_made() -> None:
    text = "np.sum(np.hstack([np.ones((n, 1)), x]) ** 3 * np.arange(n).reshape(n, 1))"
    f = dc.trace(function(text, Routed()), dc.f64("N", 3), dc.f64(3))
    x = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_allclose(dc.grad(f)(x, np.ones(3)), 3 * x**2 * np.arange(4.0)[:, None], rtol=1e-12)
    second = np.diag((6 * x * np.arange(4.0)[:, None]).ravel()).reshape(4, 3, 4, 3)
    np.testing.assert_allclose(dc.hessian(f)(x, np.ones(3)), second, rtol=1e-12)
