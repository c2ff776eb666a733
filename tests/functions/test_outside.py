"""What a plain function reads and writes outside its arguments is read and written at each call."""

import math
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import diffc as dc

X = np.arange(1.0, 4.0)
DATA = np.array([3.0, 4.0, 5.0])
RATE = 0.5
TABLE = {"w": np.ones(3), "depth": 2}
COUNT = 0


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass
class Config:
    rate: float = 0.1
    steps: int = 2


class Base:
    shift = 1.0

    def shifted(self, x: Any) -> Any:
        return x + self.shift


class Net(Base):
    decay = 0.5

    def __init__(self) -> None:
        self.w = np.ones(3)
        self.rate = 0.1
        self.layers = [np.ones(3), np.full(3, 2.0)]
        self.config = Config()
        self.count = 0
        self.history: dict[str, Any] = {}
        self.act: Callable[[Any], Any] = np.tanh

    @property
    def scale(self) -> float:
        return self.rate * 2

    @staticmethod
    def squared(x: Any) -> Any:
        return x * x

    def shifted(self, x: Any) -> Any:
        return super().shifted(x) * self.scale

    def loss(self, x: Any) -> Any:
        y = self.act(self.shifted(self.w * x))
        for _ in range(self.config.steps):
            y = self.squared(y)
        return np.sum(y) * self.decay + sum(np.sum(each * x) for each in self.layers) * self.config.rate

    def __call__(self, x: Any) -> Any:
        return self.loss(x)

    def step(self, x: Any) -> Any:
        gradient = self.w * np.sum(x)
        self.w -= self.rate * gradient
        self.count += 1
        self.history["last"] = np.sum(gradient)
        self.layers[0] = self.layers[0] * 2
        return np.sum(self.w)


def programs(f: Any) -> int:
    return sum(map(len, f._programs.values()))


CHANGES: dict[str, Callable[[Net], Any]] = {
    "an array refilled": lambda net: net.w.__setitem__(0, 5.0),
    "an array replaced": lambda net: setattr(net, "w", np.arange(3.0)),
    "an array of another dtype": lambda net: setattr(net, "w", np.ones(3, np.float32)),
    "an array of another shape": lambda net: setattr(net, "w", np.ones((2, 3))),
    "an array that became a number": lambda net: setattr(net, "w", 2.0),
    "an array in a list refilled": lambda net: net.layers[1].fill(7.0),
    "an array in a list replaced": lambda net: net.layers.__setitem__(1, np.full(3, -1.0)),
    "a list that grew": lambda net: net.layers.append(np.ones(3)),
    "a list replaced": lambda net: setattr(net, "layers", [np.ones(3)]),
    "a number": lambda net: setattr(net, "rate", 0.7),
    "a number of a class": lambda net: setattr(type(net), "decay", 0.25),
    "a number of a base class": lambda net: setattr(Base, "shift", -1.0),
    "a number that hides that of the class": lambda net: setattr(net, "decay", 3.0),
    "a number in an object": lambda net: setattr(net.config, "rate", 0.3),
    "a count": lambda net: setattr(net.config, "steps", 1),
    "an object": lambda net: setattr(net, "config", Config(0.9, 3)),
    "a function": lambda net: setattr(net, "act", np.sin),
    "a function of the user's": lambda net: setattr(net, "act", lambda x: x * DATA[0]),
    "a method": lambda net: setattr(type(net), "squared", staticmethod(lambda x: x * x * x)),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("transform", [dc.jit, dc.grad], ids=["jit", "grad"])
def test_what_an_object_holds_is_read_at_each_call(name: str, transform: Any) -> None:
    class Own(Net):
        pass

    before = Base.shift
    net = Own()
    if name == "a method":
        Own.squared = staticmethod(lambda x: x * x)  # type: ignore[method-assign]
    f = transform(net.loss)
    anew = transform(lambda x: net.loss(x))
    f(X)
    f(X)
    try:
        CHANGES[name](net)
        np.testing.assert_allclose(f(X), anew(X), rtol=1e-12)
        if transform is dc.jit:
            np.testing.assert_allclose(f(X), net.loss(X), rtol=1e-12)
    finally:
        Base.shift = before


def test_globals_closures_and_defaults() -> None:
    global DATA, RATE
    factor = 2.0

    def f(x: Any, offset: Any = DATA) -> Any:
        return np.sum(x * DATA * RATE * factor + offset)

    g = dc.jit(f)
    kept = DATA, RATE
    try:
        assert g(X) == pytest.approx(f(X))
        DATA = np.array([1.0, 0.0, 2.0])
        assert g(X) == pytest.approx(f(X))
        RATE = 3.0
        assert g(X) == pytest.approx(f(X))
        factor = -1.0
        assert g(X) == pytest.approx(f(X))
        kept[0][1] = 9.0
        assert g(X) == pytest.approx(f(X))
        f.__defaults__ = (np.zeros(3),)
        assert g(X) == pytest.approx(f(X))
    finally:
        DATA, RATE = kept
        DATA[1] = 4.0


def test_arrays_outside_are_computed_with_at_each_call() -> None:
    data = np.arange(6.0).reshape(2, 3)
    uses: list[Callable[[Any], Any]] = [
        lambda x: x * np.sum(data), lambda x: data.T[0, 0] + x, lambda x: 2 * data @ x,
        lambda x: x * data[1, 2], lambda x: x + data.max(axis=0), lambda x: x * len(data),
        lambda x: x * data.shape[0] + data.mean(), lambda x: np.sum(np.stack([x, *data]), axis=0),
        lambda x: x * np.linalg.norm(data), lambda x: x * float(data[0, 1]),
        lambda x: x[: int(data[0, 2])], lambda x: x * math.sin(data[1, 0]),
        lambda x: x * 2 if data[0, 0] > 3 else x, lambda x: x[data[0] > 1.5],
        lambda x: x * np.asarray(data)[0], lambda x: x * np.unique(data).size,
        lambda x: x * sum(data[0].tolist()), lambda x: x * np.array([row.sum() for row in data])[0],
        lambda x: np.array([*data[0], x[0]]),
    ]  # fmt: skip
    functions = [dc.jit(use) for use in uses]
    for content in (data.copy(), np.full((2, 3), 3.0), np.arange(6.0).reshape(2, 3)[::-1], data.copy() + 1):
        data[...] = content
        for f, use in zip(functions, uses, strict=True):
            np.testing.assert_allclose(f(X), use(X), rtol=1e-12)
    replaced = data * 2 + 1
    data = replaced
    for f, use in zip(functions, uses, strict=True):
        np.testing.assert_allclose(f(X), use(X), rtol=1e-12)


def test_a_training_loop_makes_few_kernels() -> None:
    net, plain = Net(), Net()

    def update(model: Any, x: Any) -> Any:
        return model.w * model.rate * x

    f = dc.jit(lambda x: update(net, x))
    for k in range(1000):
        net.w, net.rate = np.full(3, k / 7), 0.1 / (k + 1)
        plain.w, plain.rate = net.w, net.rate
        np.testing.assert_allclose(f(X), update(plain, X), rtol=1e-14)
    assert programs(f) <= 3


def test_a_flag_that_goes_to_and_fro_makes_two_kernels() -> None:
    state = SimpleNamespace(training=True)
    f = dc.jit(lambda x: x * 2 if state.training else x)
    for k in range(10):
        state.training = k % 2 == 0
        np.testing.assert_array_equal(f(X), X * 2 if state.training else X)
    assert programs(f) == 2


def test_a_number_that_shapes_the_program_is_told() -> None:
    state = SimpleNamespace(n=1)
    f = dc.jit(lambda x: sum(x * k for k in range(state.n)) + x)

    def run() -> None:
        for n in range(1, 6):
            state.n = n
            np.testing.assert_array_equal(f(X), sum(X * k for k in range(n)) + X)

    with pytest.warns(UserWarning, match=r"state\.n .*is traced anew for each value"):
        run()


def test_what_is_written_outside_is_written_at_each_call() -> None:
    net, plain = Net(), Net()
    f = dc.jit(net.step)
    for k in range(4):
        x = X * k
        assert f(x) == pytest.approx(plain.step(x))
        np.testing.assert_allclose(net.w, plain.w)
        np.testing.assert_allclose(net.layers[0], plain.layers[0])
        assert net.count == plain.count == k + 1
        assert net.history["last"] == pytest.approx(plain.history["last"])


def test_globals_and_variables_around_are_written() -> None:
    global COUNT
    total = 0.0
    buffer = np.zeros(4)

    def f(x: Any) -> Any:
        global COUNT
        nonlocal total
        COUNT += 1
        total = total + np.sum(x)
        buffer[1:] += x
        buffer[0] = total
        return total

    g = dc.jit(f)
    for k in range(4):
        assert g(X) == total == (k + 1) * 6
        np.testing.assert_array_equal(buffer[1:], (k + 1) * X)
        assert buffer[0] == total
    assert COUNT == 4
    COUNT = 0
    for transform in (dc.grad, dc.vmap, dc.hessian):
        with pytest.raises(dc.DiffcError, match=r"changes (total|COUNT|buffer|the)"):
            transform(f)(X)
    assert COUNT == 0
    assert total == 24


def test_what_cannot_be_written_again_is_refused() -> None:
    log: list[Any] = []
    table = {"a": 1.0}
    numbers = [1.0, 2.0]
    for f in (
        lambda x: (log.append(x), x)[1],
        lambda x: (table.pop("a"), x)[1],
        lambda x: (numbers.__setitem__(0, 3.0), x)[1],
    ):
        with pytest.raises(dc.DiffcError, match=r"changes (log|table|numbers)"):
            dc.jit(f)(X)
    assert not log
    assert table == {"a": 1.0}
    assert numbers == [1.0, 2.0]


def test_two_names_of_one_array() -> None:
    a = np.ones(3)
    b = a

    def f(x: Any) -> Any:
        return np.sum(a * x) + 2 * np.sum(b)

    g = dc.jit(f)
    assert g(X) == f(X)
    a[0] = 7
    assert g(X) == f(X)
    b = np.zeros(3)
    assert g(X) == f(X)
    a = b
    assert g(X) == f(X)


def test_functions_of_many_kinds() -> None:
    net = Net()
    scale = np.array([1.0, 2.0, 3.0])

    def helper(x: Any, *, by: Any = scale) -> Any:
        return x * by * TABLE["w"] ** TABLE["depth"]

    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            return helper(y) + net(y)

        return np.sum(inner(x)) + Pair(x, scale).second[0]

    for f in (outer, net, partial(helper, by=scale), net.loss, lambda x: helper(Pair(x, 1.0).first)):
        g = dc.jit(f)
        np.testing.assert_allclose(g(X), f(X), rtol=1e-13)
        scale[0] += 1
        net.w[1] += 1
        TABLE["depth"] += 1
        np.testing.assert_allclose(g(X), f(X), rtol=1e-13)
    TABLE["depth"] = 2


def test_stand_ins_pass_for_what_they_stand_for() -> None:
    net = Net()

    def f(x: Any) -> Any:
        assert isinstance(net, Net)
        assert isinstance(net, Base)
        assert isinstance(net.w, np.ndarray)
        assert isinstance(x, np.ndarray)
        assert not isinstance(np.sum(x), np.ndarray)
        assert type(net).decay == Net.decay
        assert net.__class__ is Net
        assert net.act is np.tanh
        assert net.w.shape == (3,)
        assert hasattr(net, "loss")
        assert not hasattr(net, "nothing")
        assert "depth" in TABLE
        return x

    np.testing.assert_array_equal(dc.jit(f)(X), X)


def test_the_users_own_are_never_rebound() -> None:
    """Another thread sees its globals and objects while a function is traced."""
    net, seen = Net(), set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.update({type(net.w), type(DATA), type(net.layers[0]), type(TABLE["w"])})

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        for k in range(5):
            dc.jit(lambda x, k=k: net.loss(x) + np.sum(DATA) * TABLE["w"] + k)(X)
    finally:
        stop.set()
        thread.join()
    assert seen == {np.ndarray}


def test_a_trace_is_of_what_is_there_now() -> None:
    net = Net()
    f = dc.trace(net.loss, dc.f64(3))
    first = f(X)
    net.rate = 5.0
    assert f(X) == first  # a Function is of the numbers at that moment
    with pytest.raises(dc.DiffcError, match=r"self\.w, which a Function cannot"):
        dc.trace(net.step, dc.f64(3))


class Layer:
    """Objects of it are made inside the traced function: its methods run as they are."""

    scale = 2.0

    def __init__(self, w: Any) -> None:
        self.w = w

    def apply(self, x: Any) -> Any:
        return self.w * x * self.scale * RATE + np.sum(DATA)


def test_classes_of_which_objects_are_made_inside() -> None:
    global RATE, DATA

    def f(x: Any) -> Any:
        return Layer(x).apply(x)

    g = dc.jit(f)
    kept = RATE, DATA
    try:
        np.testing.assert_allclose(g(X), f(X))
        RATE = 7.0
        np.testing.assert_allclose(g(X), f(X))
        DATA[0] += 1
        np.testing.assert_allclose(g(X), f(X))
        DATA = np.ones(3)
        np.testing.assert_allclose(g(X), f(X))
        Layer.scale = 5.0
        np.testing.assert_allclose(g(X), f(X))
    finally:
        RATE, DATA, Layer.scale = *kept, 2.0
        DATA[0] -= 1


class Thing:
    n = 1.0

    def by_type(self, x: Any) -> Any:
        return x * type(self).n

    def by_class(self, x: Any) -> Any:
        return x * self.__class__.n

    @classmethod
    def scaled(cls, x: Any) -> Any:
        return x * RATE

    def by_class_method(self, x: Any) -> Any:
        return type(self).scaled(x)

    @classmethod
    def counted(cls, x: Any) -> Any:
        cls.n += 1
        return x


class Mode(Enum):
    FAST = 1
    SLOW = 2


class Own(list[Any]):
    pass


def test_objects_and_functions_that_are_arguments() -> None:
    thing: Any = Thing()
    thing.w, thing.n = np.ones(3), 0
    gradient = dc.grad(lambda x, model: np.sum(model.w * x**2))
    np.testing.assert_array_equal(gradient(X, thing), 2 * X)
    thing.w = np.full(3, 9.0)
    np.testing.assert_array_equal(gradient(X, thing), 18 * X)

    def count(model: Any, x: Any) -> Any:
        model.n += 1
        return x * model.n

    f = dc.jit(count)
    for k in range(1, 4):
        np.testing.assert_array_equal(f(thing, X), k * X)
    assert thing.n == 3
    factor = 1.0
    apply = dc.jit(lambda function, x: function(x))

    def scaled(x: Any) -> Any:
        return x * factor

    np.testing.assert_array_equal(apply(scaled, X), X)
    factor = 3.0
    np.testing.assert_array_equal(apply(scaled, X), 3 * X)


@pytest.mark.parametrize("name", ["by_type", "by_class"])
def test_attributes_of_a_class_by_its_object(name: str) -> None:
    thing = Thing()
    f = dc.jit(getattr(thing, name))
    np.testing.assert_array_equal(f(X), X)
    Thing.n = 5.0
    try:
        np.testing.assert_array_equal(f(X), 5 * X)
        with pytest.raises(dc.DiffcError, match=r"Thing\.n, of a class"):
            dc.jit(lambda x: Thing.counted(x))(X)
        assert Thing.n == 5.0
    finally:
        Thing.n = 1.0


def test_class_methods_read_outside_at_each_call() -> None:
    global RATE
    f, kept = dc.jit(Thing().by_class_method), RATE
    np.testing.assert_array_equal(f(X), RATE * X)
    RATE = 7.0
    try:
        np.testing.assert_array_equal(f(X), 7 * X)
    finally:
        RATE = kept


def test_what_is_compared_or_a_key() -> None:
    mode, thing, operation = Mode.FAST, Thing(), np.sum

    def own(x: Any) -> Any:
        return x

    table: dict[Any, float] = {Mode.FAST: 2.0, thing: 3.0, own: 5.0, np.sum: 7.0}

    def f(x: Any) -> Any:
        assert mode is Mode.FAST
        assert operation is np.sum
        return x * table[mode] * table[thing] * table[own] * table[operation]

    np.testing.assert_array_equal(dc.jit(f)(X), 210 * X)


def test_containers_of_other_kinds() -> None:
    numbers, chosen = Own([2.0]), {1}
    f = dc.jit(lambda x: x * numbers[0] * (3 if 2 in chosen else 1))
    np.testing.assert_array_equal(f(X), 2 * X)
    numbers[0] = 5.0
    np.testing.assert_array_equal(f(X), 5 * X)
    chosen.add(2)
    np.testing.assert_array_equal(f(X), 15 * X)
    with pytest.raises(dc.DiffcError, match="changes chosen"):
        dc.jit(lambda x: (chosen.add(7), x)[1])(X)
    assert chosen == {1, 2}
    steps = iter([1.0, 2.0])
    with pytest.raises(dc.DiffcError, match="is an iterator"):
        dc.jit(lambda x: x * next(steps))(X)


def test_what_is_absent_may_come() -> None:
    thing = SimpleNamespace()
    f = dc.jit(lambda x: x * (thing.b if hasattr(thing, "b") else 1.0) * getattr(thing, "c", 1.0))
    np.testing.assert_array_equal(f(X), X)
    thing.b = 2.0
    np.testing.assert_array_equal(f(X), 2 * X)
    thing.c = 3.0
    np.testing.assert_array_equal(f(X), 6 * X)


def test_attributes_of_functions_and_modules_imported_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("imported_inside")
    module.k, module.w = 2.0, np.ones(3)
    monkeypatch.setitem(sys.modules, "imported_inside", module)

    def f(x: Any) -> Any:
        import imported_inside as inside  # pyright: ignore[reportMissingImports]

        f.calls += 1  # type: ignore[attr-defined]
        return x * inside.k * inside.w * f.calls  # type: ignore[attr-defined]

    f.calls = 0  # type: ignore[attr-defined]
    g = dc.jit(f)
    np.testing.assert_array_equal(g(X), 2 * X)
    module.k, module.w[:] = 5.0, 2.0
    np.testing.assert_array_equal(g(X), 20 * X)
    assert f.calls == 2  # type: ignore[attr-defined]
