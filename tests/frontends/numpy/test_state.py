"""What a trace must not leave behind or take along: its own values, and random numbers."""

import copy
import functools
import math
import pickle
import random
import threading
import time
import types
from collections import UserList
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffc as dc

RNG = np.random.default_rng(1)
MODULE = types.ModuleType("module")
MODULE.rng = np.random.default_rng(2)  # type: ignore[attr-defined]


class Model:
    """Something with generators of its own."""

    shared = np.random.default_rng(5)

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)

    def noisy(self, x: Any) -> Any:
        return x * self.rng.normal()

    def noisy_by_class(self, x: Any) -> Any:
        return x * Model.shared.normal()

    def __call__(self, x: Any) -> Any:
        return self.noisy(x)


class Slotted:
    __slots__ = ("rng",)

    def __init__(self) -> None:
        self.rng = random.Random(3)

    def noisy(self, x: Any) -> Any:
        return x * self.rng.random()


def helper() -> Any:
    return RNG.normal(size=2)


def by_default(x: Any, rng: Any = np.random.RandomState(3)) -> Any:  # noqa: B008
    return x + rng.normal()


def shuffled(x: Any) -> Any:
    order = [0, 1, 2]
    random.shuffle(order)
    return x[order]


draw = np.random.default_rng(7).normal
pool = {"rngs": [np.random.default_rng(8)]}
DRAWS: dict[str, Callable[[Any], Any]] = {
    "np.random": lambda x: x + np.random.normal(),
    "np.random, an array": lambda x: x * np.random.rand(3),
    "np.random.permutation": lambda x: x[np.random.permutation(3)],
    "random": lambda x: x + random.random(),
    "random.shuffle": shuffled,
    "a global": lambda x: x + RNG.normal(),
    "a global, in another function": lambda x: x[:2] + helper(),
    "a module": lambda x: x + MODULE.rng.normal(),
    "an attribute": Model().noisy,
    "an attribute of the class": Model().noisy_by_class,
    "a callable": Model(),
    "slots": Slotted().noisy,
    "a default": by_default,
    "a bound method": lambda x: x + draw(),
    "a container": lambda x: x + pool["rngs"][0].normal(),
    "functools.partial": functools.partial(lambda x, rng: x + rng.normal(), rng=np.random.default_rng(4)),
    "without a seed": lambda x: x + np.random.default_rng().normal(),
    "without a seed, the older kind": lambda x: x + np.random.RandomState().normal(),
    "in a function inside": lambda x: dc.grad(lambda y: np.sum(y * RNG.normal()))(x),
    "in a jitted function inside": lambda x: dc.jit(lambda y: y * np.random.normal())(x),
}


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers_are_refused(name: str) -> None:
    with pytest.raises(dc.DiffcError, match=r"random numbers .*draw them outside and pass them"):
        dc.jit(DRAWS[name])(np.ones(3))


def test_a_generator_as_an_argument_is_refused() -> None:
    with pytest.raises(dc.DiffcError, match="random numbers from a Generator"):
        dc.jit(lambda x, rng: x + rng.normal())(1.0, np.random.default_rng(0))


def test_random_numbers_that_are_the_same_in_every_call() -> None:
    f = dc.jit(lambda x: x + np.random.default_rng(0).normal())
    assert f(1.0) == 1.0 + np.random.default_rng(0).normal()
    assert dc.jit(lambda x: (RNG, x)[1])(1.0) == 1.0  # nothing is drawn


def test_random_numbers_outside_of_traces() -> None:
    f = dc.jit(lambda x, noise: x + noise)
    state = np.random.get_state()[1].tolist()
    assert f(0.0, RNG.normal()) != f(0.0, RNG.normal())
    assert np.random.get_state()[1].tolist() == state
    assert np.random.default_rng().normal() != np.random.default_rng().normal()


def kept_values() -> UserList[Any]:
    kept: UserList[Any] = UserList()  # a list whose changes are not seen

    def f(x: Any) -> Any:
        kept.extend([x, np.sum(x)])
        return np.sum(x)

    dc.trace(f, dc.f64(3))
    dc.trace(f, dc.f64("N", 2))
    dc.trace(f, dc.i64())
    return kept


USES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "an operator": ("numpy.add", lambda v: v + 1),
    "on the right": ("numpy.multiply", lambda v: 2 * v),
    "a ufunc": ("numpy.sin", np.sin),
    "a method of a ufunc": ("numpy.add.reduce", lambda v: np.add.reduce(v)),
    "a function": ("numpy.sum", np.sum),
    "a list": ("numpy.concatenate", lambda v: np.concatenate([v, v])),
    "a method": ("numpy.mean", lambda v: v.mean()),
    "a part": (r"x\[i\]", lambda v: v[0]),
    "an assignment": (r"x\[i\] = v", lambda v: v.__setitem__(0, 1)),
    "bool": ("bool", bool),
    "float": ("float", float),
    "int": ("int", int),
    "complex": ("complex", complex),
    "math": ("float", math.sin),
    "format": ("format", lambda v: f"{v:.3f}"),
    "hash": ("hash", hash),
    "a loop": ("a loop", list),
    "len": (r"len\(x\)", len),
    "an array": (r"np\.array", np.asarray),
    "an array of it": (r"np\.array|float", lambda v: np.array([v, v])),
    "pickle": ("pickle", pickle.dumps),
    "copy": ("copy", copy.copy),
    "comparison": ("numpy.equal", lambda v: v == 1),
    "an attribute": (r"x\.strides", lambda v: v.strides),
    "another trace": ("numpy.add", lambda v: dc.jit(lambda x: x + v)(1.0)),
    "the result of another trace": ("the result of f", lambda v: dc.jit(lambda x: v)(1.0)),
    "an argument": ("grad_f", lambda v: dc.grad(lambda x: np.sum(x))(v)),
    "a Function's argument": ("array", lambda v: dc.parse("x*x")(v)),
    "dc.at": ("array|dc.at", lambda v: dc.at(v, 0).set(1.0)),
    "dc.stop_gradient": ("dc.stop_gradient", dc.stop_gradient),
}


@pytest.mark.parametrize("name", USES)
def test_a_value_that_outlives_its_trace(name: str) -> None:
    operation, use = USES[name]
    for value in kept_values():
        with pytest.raises(dc.DiffcError, match=f"{operation}.*a value of f is used after the tracing of f"):
            use(value)


def test_a_value_that_outlives_its_trace_is_printed_as_such() -> None:
    for value in kept_values():
        for text in (repr(value), str(value), f"{value}", str([value])):
            assert "in f, whose tracing has ended" in text
    symbolic = kept_values()[2]
    with pytest.raises(dc.DiffcError, match=r"x\.shape: a value of f"):
        _ = symbolic.shape


def test_a_generator_that_goes_on_later() -> None:
    kept: UserList[Any] = UserList()  # a list whose changes are not seen

    def f(x: Any) -> Any:
        kept.append(x * k for k in range(3))
        return x

    dc.jit(f)(1.0)
    with pytest.raises(dc.DiffcError, match=r"numpy\.multiply: a value of f is used after"):
        next(kept[0])


def test_an_inner_value_in_the_outer_function() -> None:
    kept: UserList[Any] = UserList()  # a list whose changes are not seen

    def outer(x: Any) -> Any:
        dc.grad(lambda y: (kept.append(y), y * x)[1])(x)
        return x + kept[0]

    with pytest.raises(dc.DiffcError, match=r"numpy\.add: a value of f is used after the tracing of f"):
        dc.jit(outer)(1.0)


def test_random_numbers_of_another_thread_are_not_the_function_s():
    leave = threading.Event()

    def other():
        while not leave.wait(0.05):
            random.random()

    def slow(x):
        time.sleep(0.01)
        return np.sum(np.sin(x))

    thread = threading.Thread(target=other)
    thread.start()
    try:
        for _ in range(40):
            assert dc.jit(slow)(np.zeros(3)) == 0
        with pytest.raises(dc.DiffcError, match="draws random numbers by Python's random"):
            dc.jit(lambda x: x * random.random())(np.zeros(3))
    finally:
        leave.set()
        thread.join()
