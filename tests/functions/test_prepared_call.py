"""Calls of transforms after the first: every kind of argument, told apart and passed on; against NumPy."""

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.functions.python.prepared_call import call_key, rebuilder

Pair = namedtuple("Pair", ["first", "second"])


class Number(float):
    """A subclass of float."""


def combine(a: Any, b: Any = 2.0, /, *rest: Any, scale: Any = 3.0, kind: str = "sum", **more: Any) -> Any:
    total = a * b + sum(rest, 0.0) * scale
    for name in more:
        total = total - more[name]
    return np.sum(total) if kind == "sum" else np.mean(total) * (2 if kind is None else 1)


X, Y = np.linspace(0.1, 1.1, 12).reshape(3, 4), np.linspace(-2.0, 3.0, 12).reshape(3, 4)

ARGUMENTS: dict[str, tuple[Callable[..., Any], list[tuple[tuple[Any, ...], dict[str, Any]]]]] = {
    "arrays": (combine, [((X, Y), {}), ((Y, X), {}), ((X[:2], Y[:2]), {}), ((X, Y[0]), {})]),
    "numbers": (combine, [((1.5, 2.5), {}), ((2, 2.5), {}), ((2.5, 1), {}), ((np.float64(1.5), True), {})]),
    "NumPy's scalars": (
        combine,
        [
            ((a, b), {"scale": np.bool_(b > 1)})
            for a in (np.float32(1.5), np.int64(7), np.int32(-2), np.bool_(True), np.array(2.5, "f4"))
            for b in (np.float32(0.25), 3.0, np.array(5))
        ],
    ),
    "defaults": (combine, [((X,), {}), ((X, 4.0), {}), ((X, 4.0, 1.0), {}), ((X, 5.0, 1.0, 2.0), {})]),
    "by name": (
        combine,
        [
            ((X,), {"scale": 2.0}),
            ((X, Y), {"c": 1.0, "d": Y}),
            ((X, Y), {"d": 1.0, "c": Y}),
            ((X, Y), {"d": Y, "c": 2.0}),
            ((X, Y, 1.0), {"scale": 2.0}),
        ],
    ),
    "texts and flags": (combine, [((X,), {"kind": k}) for k in ("sum", "mean", None, "sum")]),
    "truth and one": (lambda x, n: x * (3 if n is True else n), [((2.0, n), {}) for n in (True, 1, 1.0)]),
    "functions": (lambda f, x: np.sum(f(x)), [((f, X), {}) for f in (np.sin, np.cos, abs, lambda x: x * x)]),
    "partial": (lambda f, x: f(x), [((partial(combine, b), 3.0), {}) for b in (2.0, 5.0)]),
    "layouts": (combine, [((each, Y), {}) for each in (X, X[::-1], np.asfortranarray(X), X.copy())]),
    "dtypes": (combine, [((X.astype(d), 2.0), {}) for d in ("f8", "i8", "i4", "?")]),
    "no axes": (combine, [((np.array(each), np.int64(3)), {}) for each in (1.5, 2, True)]),
    "subclass": (combine, [((Number(1.5), 1.0), {}), ((1.5, Number(3.0)), {})]),
    "containers": (
        lambda p: np.sum(p[0] * p[1]),
        [((p,), {}) for p in ([X, Y], (X, Y), Pair(Y, X), [X, 2.0], {0: X, 1: Y}, {1: X, 0: Y[0]})],
    ),
    "lists of numbers": (lambda p: p[0] - p[-1], [((p,), {}) for p in ([1.0, 2.0], [3.0, 1.0], [1.0, 2, 3])]),
    "nested": (
        lambda p: np.sum(p["a"][0] * p["b"]["c"]),
        [
            ((p,), {})
            for p in (
                {"a": [X], "b": {"c": 2.0}},
                {"a": (X, Y), "b": {"c": Y}},
                {"b": {"c": Y}, "a": [X]},
                OrderedDict(b={"c": Y}, a=[X]),
            )
        ],
    ),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_any_call_is_what_numpy_computes(name: str) -> None:
    function, calls = ARGUMENTS[name]
    jitted = dc.jit(function)
    for args, kwargs in [*calls, *calls, *reversed(calls)]:
        value, expected = jitted(*args, **kwargs), function(*args, **kwargs)
        np.testing.assert_allclose(value, expected, rtol=1e-14)
        assert np.asarray(value).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("wrt", [0, "p", ["p"], [0, "w"], ("w", 0)])
def test_gradients_have_their_structure_again(wrt: Any) -> None:
    def loss(p: Any, w: Any) -> Any:
        return np.sum(p["a"] ** 2 * w) + p["b"][0] * p["b"][1]

    gradient = dc.grad(loss, wrt)
    for scale in (1.0, 2.0):
        p, w = {"a": X * scale, "b": Pair(3.0, scale)}, Y + scale
        by = {
            "p": {"a": 2 * p["a"] * w, "b": Pair(scale, 3.0)},
            "w": p["a"] ** 2,
        }
        names = [{0: "p"}.get(each, each) for each in (wrt if isinstance(wrt, list | tuple) else [wrt])]
        found = gradient(p, w=w)
        for name, each in zip(names, found if isinstance(wrt, list | tuple) else (found,), strict=True):
            if name == "w":
                np.testing.assert_allclose(each, by["w"], rtol=1e-14)
            else:
                assert list(each) == ["a", "b"]
                assert isinstance(each["b"], Pair)
                np.testing.assert_allclose(each["a"], by["p"]["a"], rtol=1e-14)
                assert each["b"] == by["p"]["b"]


def test_values_behind_the_arguments_stay_before_those_by_name() -> None:
    def f(x: Any, scale: Any = 1.0) -> Any:
        return np.sin(x) * scale

    for x, v, scale in ((X, Y, 2.0), (Y, X, 3.0), (X, Y, 4.0)):
        value, tangent = dc.jvp(f)(x, v, scale=scale)
        np.testing.assert_allclose(tangent, np.cos(x) * v * scale, rtol=1e-14)
    forward, backward = dc.jvp(f), dc.vjp(f)
    for x, v, scale in ((X, Y, 2.0), (Y, X, 3.0)):
        value, tangent = forward(x, v, scale=scale)
        np.testing.assert_allclose(value, f(x, scale), rtol=1e-14)
        np.testing.assert_allclose(tangent, np.cos(x) * v * scale, rtol=1e-14)
        np.testing.assert_allclose(backward(x, v, scale=scale)[1], np.cos(x) * v * scale, rtol=1e-14)
    with pytest.raises(dc.DiffcError, match="d_x"):
        forward(X, Y[0], scale=2.0)


def test_an_integer_that_is_differentiated_by_is_a_float() -> None:
    gradient = dc.grad(lambda x: x**2 / 2)
    assert [gradient(3), gradient(4), gradient(2.5), gradient(np.float32(1.5))] == [3.0, 4.0, 2.5, 1.5]
    assert type(gradient(3)) is float


def test_a_float32_argument_stays_float32() -> None:
    double = dc.jit(lambda x, s: x * s)
    for _ in range(2):
        assert double(X.astype("f4"), 2.0).dtype == np.float32
        assert double(X.astype("f4"), np.float64(2)).dtype == np.float64
        assert double(X, np.float32(2)).dtype == np.float64


def test_arrays_of_a_closure_are_read_at_every_call() -> None:
    weights = np.ones(40)
    f = dc.grad(lambda x: np.sum(weights * x))
    x = np.zeros(40)
    for value in (1.0, 5.0):
        weights[:] = value
        np.testing.assert_array_equal(f(x), np.full(40, value))


def test_a_later_call_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    f = dc.value_and_grad(lambda p, x, kind: np.sum(p["w"] * x) if kind == "sum" else np.mean(x))
    first = f({"w": X}, Y, kind="sum")
    monkeypatch.setattr(type(f), "read_call", None)
    again = f({"w": X.copy()}, Y.copy(), kind="sum")
    assert again[0] == first[0]
    np.testing.assert_array_equal(again[1]["w"], first[1]["w"])
    with pytest.raises(TypeError):
        f({"w": X}, Y, kind="mean")


def test_a_call_inside_a_trace_is_traced() -> None:
    inner = dc.grad(lambda x: np.sum(x**3))
    inner(X)
    outer = dc.jit(lambda y: np.sum(inner(X) * y) + np.sum(inner(y)))
    for y in (X, Y):
        assert outer(y) == pytest.approx(np.sum(3 * X**2 * y) + np.sum(3 * y**2), rel=1e-13)


def test_many_threads_call_one_transform() -> None:
    f = dc.value_and_grad(lambda x, s: np.sum(np.tanh(x) * s))

    def work(k: int) -> None:
        x = np.full(1 + k % 3, 0.1 * k)
        for _ in range(50):
            value, gradient = f(x, float(k))
            np.testing.assert_allclose(value, len(x) * np.tanh(0.1 * k) * k, rtol=1e-13, atol=1e-300)
            np.testing.assert_allclose(gradient, k / np.cosh(x) ** 2, rtol=1e-13, atol=1e-300)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))


def test_calls_that_differ_have_keys_that_differ() -> None:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {}),
        ((1.0,), {}),
        ((1,), {}),
        ((True,), {}),
        ((np.float64(1),), {}),
        ((np.array(1.0),), {}),
        ((np.array(1.0), ()), {}),
        ((1.0, ()), {}),
        ((np.ones(3),), {}),
        ((np.ones(3, "f4"),), {}),
        ((np.ones((3, 1)),), {}),
        (((1.0,),), {}),
        (([1.0],), {}),
        (({"a": 1.0},), {}),
        (({"b": 1.0},), {}),
        ((), {"a": 1.0}),
        ((), {"b": 1.0}),
        ((1.0, 1.0), {}),
        (((1.0, 1.0),), {}),
        (((1.0,), 1.0), {}),
        (("a",), {}),
        (("b",), {}),
        ((None,), {}),
    ]
    keys = [call_key(args, kwargs, []) for args, kwargs in calls]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert call_key((Number(1.0),), {}, []) is None
    assert call_key((), {"p": OrderedDict(a=1.0)}, []) is None


def test_tuples_are_arranged_by_the_kernel_itself() -> None:
    from diffc.frontends.numpy.structure import flatten

    assert rebuilder(flatten((1, (2, 3)))[1]) is None
    for value in ([1, (2, [3])], {"a": 1, "b": (2,)}, (Pair(1, 2), 3), ({"a": 1}, (2, 3))):
        build = rebuilder(flatten(value)[1])
        assert build is not None
        assert build(_as_tuples(value)) == value


def _as_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(map(_as_tuples, value.values()))
    return tuple(map(_as_tuples, value)) if isinstance(value, list | tuple) else value
