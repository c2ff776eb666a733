"""Dataclasses, classes of attrs and registered ones among the arguments and the results; against JAX."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import diffc as dc

X = np.array([0.3, -0.7, 1.2])


@dataclass
class Layer:
    """Weights, and what is none."""

    w: np.ndarray
    b: float
    depth: int = 2
    name: str = "layer"
    activation: Any = np.tanh
    flag: bool = True
    nothing: None = None

    def __post_init__(self) -> None:
        if not isinstance(self.b, int | float):
            raise TypeError("b is no number")

    def __call__(self, x: Any) -> Any:
        for _ in range(self.depth):
            x = self.activation(self.w * x + self.b)
        return x if self.flag else -x


@dataclass(frozen=True, slots=True)
class Frozen:
    """A nested one."""

    scale: Any
    layer: Any = None
    rest: list[Any] = field(default_factory=list)


@dataclass
class Derived:
    """One with a property that is computed once."""

    w: Any

    @cached_property
    def square(self) -> Any:
        return self.w**2


@dc.register_structure
class Line:
    """A class with attributes."""

    def __init__(self, slope: Any, offset: Any) -> None:
        self.slope, self.offset = slope, offset

    def at(self, x: Any) -> Any:
        return self.slope * x + self.offset


class Quantity:
    """A value with a unit, registered below."""

    def __init__(self, value: Any, unit: str) -> None:
        assert unit
        self.value, self.unit = value, unit


dc.register_structure(Quantity, lambda q: ((q.value,), q.unit), lambda unit, parts: Quantity(*parts, unit))


class OfAttrs:
    """What attrs leaves on a class."""

    __attrs_attrs__ = (SimpleNamespace(name="a", type="float"), SimpleNamespace(name="n", type=int))

    def __init__(self, a: Any, n: Any) -> None:
        self.a, self.n = a, n


LAYER = Layer(np.array([1.0, 2.0, 3.0]), 0.5)


def loss(layer: Any, x: Any) -> Any:
    return np.sum(layer(x) ** 2)


def flat(p: Any, x: Any) -> Any:
    w, b = p
    for _ in range(2):
        x = np.tanh(w * x + b)
    return np.sum(x**2)


def test_the_gradient_is_an_object_with_what_is_no_float_as_it_was() -> None:
    w, b = dc.grad(flat)((LAYER.w, 0.5), X)
    for transform in (dc.grad(loss), dc.jit(dc.grad(loss)), lambda p, x: dc.value_and_grad(loss)(p, x)[1]):
        found = transform(LAYER, X)
        assert type(found) is Layer
        np.testing.assert_allclose(found.w, w, rtol=1e-14)
        assert found.b == pytest.approx(b)
        assert (found.depth, found.name, found.activation, found.flag) == (2, "layer", np.tanh, True)
    assert dc.grad(loss)(replace(LAYER, b=1), X).b == pytest.approx(dc.grad(flat)((LAYER.w, 1.0), X)[1])
    assert dc.grad(loss, wrt=["x", "layer"])(LAYER, X)[1].b == pytest.approx(b)
    assert dc.grad(loss, wrt="layer_b")(LAYER, X) == pytest.approx(b)


def test_higher_derivatives_and_directions() -> None:
    wanted = dc.hessian(flat)((LAYER.w, 0.5), X)
    hessian = dc.hessian(loss)(LAYER, X)
    np.testing.assert_allclose(hessian.w.w, wanted[0][0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(hessian.b.w, wanted[1][0], rtol=1e-12, atol=1e-14)
    assert hessian.name == hessian.w.name == "layer"
    product = dc.hvp(loss)(LAYER, X, LAYER)
    np.testing.assert_allclose(product.w, dc.hvp(flat)((LAYER.w, 0.5), X, (LAYER.w, 0.5))[0], rtol=1e-12)
    assert dc.jvp(loss)(LAYER, X, LAYER) == pytest.approx(dc.jvp(flat)((LAYER.w, 0.5), X, (LAYER.w, 0.5)))
    value, pulled = dc.vjp(lambda p: replace(Frozen(p.w, None), scale=p.w * 2))(LAYER, Frozen(np.ones(3)))
    assert (type(value), type(pulled)) == (Frozen, Layer)
    np.testing.assert_array_equal(pulled.w, [2, 2, 2])
    assert value.layer is None


def test_integers_and_flags_of_an_object() -> None:
    f, g = dc.jit(loss), dc.grad(loss)
    for depth, flag, name in ((2, True, "a"), (3, True, "a"), (2, False, "b"), (2, True, "a")):
        layer = replace(LAYER, depth=depth, flag=flag, name=name)
        assert f(layer, X) == pytest.approx(loss(layer, X))
        found = g(layer, X)
        assert (found.depth, found.flag, found.name) == (depth, flag, name)
        assert found.b == pytest.approx(
            (loss(replace(layer, b=0.5 + 1e-6), X) - loss(layer, X)) / 1e-6, rel=1e-4
        )
    state = dc.jit(lambda s: OfAttrs(s.a * 2, s.n + 1))
    made = OfAttrs(1.0, 0)
    for k in range(5):
        made = state(made)
        assert (made.a, made.n) == (2.0 ** (k + 1), k + 1)
    assert "1 signatures" in repr(state)
    assert vars(dc.grad(lambda s: s.a**2 * s.n)(OfAttrs(3, 2))) == {"a": 12.0, "n": 2}
    assert vars(dc.grad(lambda s: s.a**2 * s.n)(OfAttrs(3.0, np.int64(5)))) == {"a": 30.0, "n": 5}


def test_nested_and_frozen() -> None:
    given = Frozen(2.0, LAYER, [3.0, X])
    found = dc.grad(lambda f: f.scale * loss(f.layer, X) + np.sum(f.rest[0] * f.rest[1]))(given)
    assert found.scale == pytest.approx(loss(LAYER, X))
    np.testing.assert_allclose(found.layer.w, 2 * dc.grad(loss)(LAYER, X).w)
    assert found.rest[0] == pytest.approx(np.sum(X))
    np.testing.assert_array_equal(found.rest[1], [3, 3, 3])
    np.testing.assert_allclose(dc.vmap(loss, in_axes=(None, 0))(LAYER, np.stack([X, -X])), [
        loss(LAYER, X), loss(LAYER, -X),
    ])  # fmt: skip
    assert dc.grad(lambda p: p.square * p.square)(Derived(2.0)).w == 32.0


def test_an_object_outside_is_differentiated_by_as_an_argument() -> None:
    class Model:
        def __init__(self) -> None:
            self.layer, self.rate = replace(LAYER), 0.1

        def step(self, x: Any) -> Any:
            gradient = dc.grad(loss)(self.layer, x)
            self.layer = Frozen(self.layer.w - self.rate * gradient.w, gradient.b)
            return gradient

    model = Model()
    wanted = dc.grad(loss)(LAYER, X)
    found = dc.jit(model.step)(X)
    np.testing.assert_allclose(found.w, wanted.w)
    np.testing.assert_allclose(model.layer.scale, LAYER.w - 0.1 * wanted.w)
    assert model.layer.layer == pytest.approx(wanted.b)


OFFSET = 1.0


@dataclass
class Shifted:
    """One whose method reads a global."""

    w: Any

    def value(self) -> Any:
        return self.w + OFFSET


def test_what_methods_read_is_compared_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    f = dc.jit(lambda s: s.value())
    assert f(Shifted(2.0)) == 3.0
    monkeypatch.setattr(f"{__name__}.OFFSET", 5.0)
    assert f(Shifted(2.0)) == 7.0


def test_registered_classes() -> None:
    found = dc.grad(lambda line: np.sum(line.at(X) ** 2))(Line(1, 2.0))
    assert type(found) is Line
    assert found.slope == pytest.approx(np.sum(2 * (X + 2) * X))
    assert found.offset == pytest.approx(np.sum(2 * (X + 2)))
    double = dc.jit(lambda q: Quantity(q.value * 2, q.unit + "2"))
    for unit in ("m", "kg", "m"):
        made = double(Quantity(X, unit))
        np.testing.assert_array_equal(made.value, 2 * X)
        assert made.unit == unit + "2"
    assert "2 signatures" in repr(double)
    pulled = dc.grad(lambda q: np.sum(q.value**2))(Quantity(X, "m"))
    assert pulled.unit == "m"
    np.testing.assert_array_equal(pulled.value, 2 * X)
    stopped = dc.grad(lambda q: np.sum(dc.stop_gradient(q).value * q.value))(Quantity(X, "m"))
    np.testing.assert_array_equal(stopped.value, X)


def test_as_in_jax() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)

    @dataclass
    class Params:
        w: Any
        b: Any

    dc.register_structure(Params, lambda p: ((p.w, p.b), None), lambda _, parts: Params(*parts))
    jax.tree_util.register_pytree_node(Params, lambda p: ((p.w, p.b), None), lambda _, parts: Params(*parts))

    def f(np: Any, p: Any, x: Any) -> Any:
        return np.sum(np.tanh(p["a"].w * x + p["a"].b) * p["c"][0])

    p = {"a": Params(np.array([1.0, -2.0, 0.5]), 0.3), "c": [2.0, 3.0]}
    for name in ("grad", "hessian"):
        mine = getattr(dc, name)(lambda p, x: f(np, p, x))(p, X)
        theirs = getattr(jax, name)(lambda p, x: f(jax.numpy, p, x))(p, X)
        assert jax.tree.structure(mine) == jax.tree.structure(theirs)
        for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_arrays_of_an_object_are_changed_in_place() -> None:
    def step(p: Any, x: Any) -> Any:
        p.w += x
        p.w[0] = 5.0
        return np.sum(p.w)

    f = dc.jit(step)
    for _ in range(3):
        mine, plain = copy.deepcopy(LAYER), copy.deepcopy(LAYER)
        assert f(mine, X) == pytest.approx(step(plain, X))
        np.testing.assert_array_equal(mine.w, plain.w)
    with pytest.raises(dc.DiffcError, match="changes its argument p_w in place"):
        dc.grad(step)(copy.deepcopy(LAYER), X)


def change(p: Any, name: str, value: Any) -> Any:
    setattr(p, name, value)
    return p.b


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda p: change(p, "b", p.b * 2), r"changes .* an object that is passed to it \(p_b\)"),
        (lambda p: change(p, "w", p.w * 2), r"\(p_w\)"),
        (lambda p: change(p, "depth", p.depth + 1), r"\(p_depth\)"),
        (lambda p: change(p, "name", "other"), r"\(p_name\)"),
        (lambda p: change(p, "w", [p.w]), "an object that is passed to it"),
        (lambda p: change(p, "more", p.b), "adds the attribute 'more' to a Layer"),
    ],
)
def test_fields_are_not_assigned_to(f: Any, message: str) -> None:
    for transform in (dc.jit, dc.grad):
        given = copy.deepcopy(LAYER)
        with pytest.raises(dc.DiffcError, match=message):
            transform(f)(given)
        assert (given.b, given.depth, given.name) == (0.5, 2, "layer")


def test_refused() -> None:
    with pytest.raises(dc.DiffcError, match=r"\(q_rest\)"):
        dc.jit(lambda q: setattr(q, "unit", "z") or q.value)(Quantity(X, "m"))
    with pytest.raises(dc.DiffcError, match="q_rest is a list"):
        dc.jit(lambda q: q.value)(Quantity(X, ["m"]))  # type: ignore[arg-type]
    with pytest.raises(dc.DiffcError, match="contains itself"):
        dc.jit(lambda p: p.scale)(_around())
    with pytest.raises(dc.DiffcError, match="'layer_w': it is i64"):
        dc.grad(loss)(replace(LAYER, w=np.arange(3)), X)
    with pytest.raises(dc.DiffcError, match="a traced value in it"):
        dc.jit(lambda x: Quantity(x, (x,)))(X)
    for given in (3, dict, float):
        with pytest.raises(dc.DiffcError, match="register_structure"):
            dc.register_structure(given)  # type: ignore[arg-type]
    with pytest.raises(dc.DiffcError, match="both flatten and unflatten"):
        dc.register_structure(Quantity, lambda q: ((), None))


def _around() -> Any:
    given = Derived(1.0)
    given.w = given
    return Frozen(given)


def test_transforms_of_objects_are_traced_and_pickled() -> None:
    f = dc.trace(lambda p, x: loss(p, x), Layer(LAYER.w, 0.5, 2, None), X)  # type: ignore[arg-type]
    assert list(f.inputs) == ["p_w", "p_b", "x"]
    assert f(LAYER.w, 0.5, X) == pytest.approx(loss(LAYER, X))
    again = pickle.loads(pickle.dumps(dc.grad(loss)))
    np.testing.assert_allclose(again(LAYER, X).w, dc.grad(loss)(LAYER, X).w)
