"""Integers on which a program depends, and arguments that `static` names; against the plain function."""

import functools
import math
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import diffc as dc

X = np.arange(1.0, 7.0)
M = X.reshape(2, 3)


def power(x: Any, n: int) -> Any:
    y = 1.0
    for _ in range(n):
        y = y * x
    return y


def halved(x: Any, n: int) -> Any:
    y = np.sum(x)
    while n > 0:
        y, n = y * 0.5, n - 1
    return y


SHAPING: dict[str, Callable[[Any, Any], Any]] = {
    "range": lambda x, n: np.sum(power(x, n)),
    "while": halved,
    "if": lambda x, n: np.sum(x) if n > 2 else np.prod(x),
    "remainder": lambda x, n: np.sum(x) if n % 2 else np.prod(x),
    "zeros": lambda x, n: np.sum(np.zeros(n) + x[0]),
    "a matrix": lambda x, n: np.sum(np.full((n, 2), x[0])),
    "arange": lambda x, n: np.sum(np.arange(n) * x[0]),
    "linspace": lambda x, n: np.sum(np.linspace(0, x[0], n)),
    "a slice": lambda x, n: np.sum(x[:n] * x[-n:]),
    "a step": lambda x, n: np.sum(x[::n]),
    "reshape": lambda x, n: np.sum(x.reshape(n, -1)[0]),
    "roll": lambda x, n: np.roll(x, n) @ x,
    "repeat": lambda x, n: np.sum(np.repeat(x, n)),
    "diff": lambda x, n: np.sum(np.diff(x, n) ** 2),
    "matrix_power": lambda x, n: np.sum(np.linalg.matrix_power(np.diag(x), n)),
    "a list": lambda x, n: [1.0, 2.0, 3.0, 4.0][n] * np.sum(x) + sum([x[0]] * n),
    "a dict": lambda x, n: {2: 1.5, 3: 2.5}[n] * np.sum(x),
    "math": lambda x, n: np.sum(x) / math.factorial(n) * math.sqrt(n),
    "min and max": lambda x, n: x[min(n, 4)] * max(n, 2),
}


@pytest.mark.parametrize("name", SHAPING)
def test_an_integer_may_shape_the_program(name: str) -> None:
    f = SHAPING[name]
    compiled, gradient = dc.jit(f), dc.grad(f)
    for n in (2, 3, 2, np.int64(3), 3):
        np.testing.assert_allclose(compiled(X, n), f(X, n), rtol=1e-13)
        h = 1e-6 * np.eye(6)
        wanted = [(f(X + e, n) - f(X - e, n)) / 2e-6 for e in h]
        np.testing.assert_allclose(gradient(X, n), wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, a: np.sum(x, axis=a),
        lambda x, a: x.max(a),
        lambda x, a: np.cumsum(x, a),
        lambda x, a: np.concatenate([x, x], axis=a),
        lambda x, a: np.stack([x, x], a),
        lambda x, a: np.expand_dims(x, a),
        lambda x, a: np.flip(x, a),
        lambda x, a: np.mean(x, axis=(a,)),
        lambda x, a: np.logaddexp.reduce(x, axis=a),
        lambda x, a: x.shape[a] * x,
    ],
)
def test_an_axis(f: Any, axis: int) -> None:
    np.testing.assert_allclose(dc.jit(f)(M, axis), f(M, axis), rtol=1e-14)


def test_what_depends_on_no_value_is_compiled_once() -> None:
    for f in (lambda x, n: x * n, lambda x, n: x**n, lambda x, n: x[n], lambda x, n: np.where(n > 2, x, -x)):
        compiled = dc.jit(f)
        for n in range(5):
            np.testing.assert_allclose(compiled(X, n), f(X, n))
        assert "1 signatures" in repr(compiled)


def test_the_third_value_is_warned_of_unless_it_is_meant() -> None:
    f = dc.jit(power)
    assert [f(2.0, n) for n in (1, 2, 1, 2)] == [2, 4, 2, 4]
    with pytest.warns(UserWarning, match=r"n shapes the program and changes.*static=\['n'\]"):
        f(2.0, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [f(2.0, n) for n in range(9)] == [2.0**n for n in range(9)]
        meant = dc.jit(power, static="n")
        assert [meant(2.0, n) for n in (*range(9), *range(9))] == [2.0**n for n in range(9)] * 2
    assert "9 signatures" in repr(meant)


def test_values_that_are_not_used_any_more_are_forgotten() -> None:
    f = dc.jit(lambda x, n: x * (2.0 if n >= 0 else 3.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in range(260):
            assert f(1.0, n) == 2.0
    count = int(repr(f).split("compiled for ")[1].split()[0])
    assert 128 <= count <= 256
    assert f(1.0, -1) == 3.0


def test_flags_of_numpy() -> None:
    f = dc.jit(lambda x, flag: x * 2 if flag else x)
    assert [f(1.0, np.bool_(flag)) for flag in (True, False, True)] == [2, 1, 2]


def test_a_second_integer_that_decides_only_in_a_branch() -> None:
    f = dc.jit(lambda x, n, m: x * 10 if n > 2 else power(x, m))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n, m in ((3, 5), (3, 6), (1, 2), (1, 3), (3, 2), (2, 3), (1, 2)):
            assert f(2.0, n, m) == (20 if n > 2 else 2.0**m)


def test_in_nested_functions() -> None:
    f = dc.jit(lambda x, n: dc.grad(power)(x, n) + np.sum(dc.vmap(power, in_axes=(0, None))(X, n)))
    for n in (2, 3):
        assert f(2.0, n) == pytest.approx(n * 2.0 ** (n - 1) + np.sum(X**n))
    assert dc.grad(dc.grad(power))(2.0, 3) == pytest.approx(12.0)
    assert dc.hvp(power)(2.0, 3, 1.0) == pytest.approx(12.0)


def test_what_is_differentiated_by_does_not_decide() -> None:
    with pytest.raises(dc.DiffcError, match=r"is no integer, but one is asked for, by range.*static="):
        dc.grad(power, wrt="n")(2.0, 3)
    with pytest.raises(dc.DiffcError, match="truth value"):
        dc.jit(lambda x, y: x if y > 0 else -x)(2.0, 3.0)


def reshaped(x: Any, shape: Any, mode: str = "all", k: int = 2) -> Any:
    y = np.reshape(x, shape)
    return np.sum(y**k) if mode == "all" else np.sum(y[0]) * k


def test_static_names_positions_and_containers() -> None:
    for static in ("shape", ["shape", "k"], [1, 3], -1, ("mode",)):
        f = dc.grad(reshaped, static=static)
        for shape, k in (((2, 3), 2), ((3, 2), 3), ((6,), 2), ((2, 3), 2)):
            np.testing.assert_allclose(f(X, shape, "all", k), k * X ** (k - 1))
    first = dc.jit(lambda shape, x: np.sum(np.reshape(x, shape)[0]), static="shape")
    for _ in range(2):
        assert [first(s, X) for s in ((2, 3), (3, 2), (6,), [2, 3])] == [6, 3, 1, 6]


def test_numbers_that_are_equal_are_told_apart() -> None:
    for f, give in (
        (dc.jit(lambda k, x: x * k, static="k"), lambda k: k),
        (dc.jit(lambda k, x: x * k[0], static="k"), lambda k: (k,)),
    ):
        for _ in range(2):
            found = [f(give(k), 2) for k in (1, 1.0, True, 0.0, -0.0)]
            assert [(type(each), str(each)) for each in found] == [
                (int, "2"), (float, "2.0"), (int, "2"), (float, "0.0"), (float, "-0.0"),
            ]  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What a function is configured by."""

    rate: float = 0.0
    count: int = 2


def test_static_objects_are_seen_as_they_are() -> None:
    f = dc.grad(lambda x, s: power(x, s.count) if s.rate > 0 else x, static="s")
    assert [f(2.0, Settings(r, n)) for r, n in ((0.0, 2), (1.0, 2), (1.0, 3), (0.0, 3))] == [1, 4, 12, 1]


def test_every_transform_takes_static() -> None:
    def f(x: Any, n: int) -> Any:
        return sum([x**2] * n)

    assert dc.derivative(f, "x", 2, static="n")(2.0, 3) == 6
    assert dc.jvp(f, static="n")(2.0, 3, 1.0) == (12, 12)
    assert dc.vjp(f, static="n")(2.0, 3, 1.0) == (12, 12)
    assert dc.hvp(f, static="n")(2.0, 3, 1.0) == 6
    assert dc.hessian(f, static="n")(2.0, 3) == dc.jacobian(dc.grad(f), static=1)(2.0, 3) == 6
    assert dc.value_and_grad(f, static="n")(2.0, n=3) == (12, 12)
    np.testing.assert_allclose(dc.vmap(f, static="n")(X, 3), 3 * X**2)

    @dc.jit(static="n")
    def decorated(x: Any, n: int) -> Any:
        return f(x, n)

    assert decorated(2.0, 3) == dc.jit(lambda x, n: decorated(x, n))(2.0, 3) == 12
    again = pickle.loads(pickle.dumps(dc.grad(power, static="n")))
    assert again(2.0, 3) == dc.grad(functools.partial(power, n=3))(2.0) == 12


@pytest.mark.parametrize(
    ("static", "arguments", "message"),
    [
        ("m", (2.0, 3), "there is none 'm' among x, n"),
        (2, (2.0, 3), "there is none 2 among x, n"),
        (1.5, (2.0, 3), "static is an argument's name"),
        ("x", (X, 3), "an array of shape"),
        ("n", (2.0, {3}), "n is a set"),
        ("x", (2.0, 3), "x cannot be differentiated by: it is static"),
    ],
)
def test_refused(static: Any, arguments: Any, message: str) -> None:
    with pytest.raises(dc.DiffcError, match=message):
        dc.grad(power, static=static)(*arguments)


def test_a_static_argument_is_known_when_tracing() -> None:
    with pytest.raises(dc.DiffcError, match="static argument, which must be known"):
        dc.jit(lambda x, y: dc.grad(lambda a, b: a * b, static="b")(x, y))(2.0, 3.5)
    with pytest.raises(dc.DiffcError, match="any number of arguments"):
        dc.jit(lambda *args: args[0], static="args")(2.0, 3)
    assert dc.jit(lambda *args: sum([args[0]] * args[1]), static="args_1")(2.0, 3) == 6
