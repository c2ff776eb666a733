"""What NumPy changes in place is changed: each function gives with and without a trace the same numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffc as dc

RNG = np.random.default_rng(0)


def alias(x: Any) -> Any:
    a = x * 1.0
    c = a
    c += 1
    return a, np.sum(c)


def rows(x: Any) -> Any:
    z = x * 1.0
    for row in z:
        row /= np.sum(row**2)
    return z


def overlap(x: Any) -> Any:
    y = x.copy()
    y[1:] += y[:-1]
    y[:, 1:] = y[:, :-1]
    return y


def elements(x: Any) -> Any:
    y = x * 2
    for i in range(1, len(x)):
        y[i] = y[i - 1] * x[i] + 1
        y[i, 0] = y[i, -1]
    return y


def transposed(x: Any) -> Any:
    y = x.copy()
    t = y.T
    t[0] = 5
    y[1, 1] = 7
    np.swapaxes(y, 0, 1)[-1] *= 2
    return t + 0, y


def raveled(x: Any) -> Any:
    y = x * 1.0
    r = y.ravel()
    r[::2] *= 3
    y[0] = 1
    y.reshape(-1)[1] = 4
    return r, y


def raveled_copy(x: Any) -> Any:
    y = x * 1.0
    r = y[:, 1:].ravel()
    r[::2] *= 3
    y[0] = 1
    return r, y


def flat(x: Any) -> Any:
    y = x * 1.0
    y.flat[::4] = 0
    y.T.flat[1] = 9
    return y


def masks(x: Any) -> Any:
    y = x.copy()
    y[y < 0] = 0
    y[:, 0][y[:, 0] > 0.5] = 0.5
    return y


def outputs(x: Any) -> Any:
    y = x.copy()
    np.add(y, 1, out=y)
    np.multiply(y, y, y)
    np.exp(-y, out=y, where=y > 1)
    np.clip(y, 0, 2, out=y)
    np.sum(y, axis=0, out=y[0])
    return y


def filled(x: Any) -> Any:
    y = x @ x.T
    np.fill_diagonal(y, [1, 2])
    z = x.copy()
    z[0].fill(3)
    return y, z


def nested(x: Any) -> Any:
    y = x.copy()
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i][j] = y[i, j - 1] * 2
    return y


def in_order(x: Any) -> Any:
    y = x.copy()
    y.sort()
    y.sort(axis=0)
    return y


def split(x: Any) -> Any:
    y = x.copy()
    a, b = np.array_split(y, 2, axis=1)
    a += np.sum(b)
    np.vsplit(y, len(y))[1][...] = 2
    return y, a


def read_only_views(x: Any) -> Any:
    y = x.copy()
    d, b = np.diagonal(y), np.broadcast_to(y[0], (3, *y[0].shape))
    y[0, 0] = 9
    return d * 1, b * 1


def exchanged(x: Any) -> Any:
    y = x.copy()
    y[[0, 1]] = y[[1, 0]]
    y[0, 0], y[1, 1] = y[1, 1], y[0, 0]
    return y


def added(x: Any) -> Any:
    y = x.copy()
    np.add.at(y, [0, 0, 1], 1.5)
    np.multiply.at(y, ([0, 0, 1], [1, 1, 0]), y[0, 0])
    return y


def put(x: Any) -> Any:
    y = x.copy()
    np.put(y, [0, -1], [1, 2])
    np.putmask(y, y > 1, [7, 8, 9])
    np.place(y, y < 0, [1, 2])
    np.put_along_axis(y, np.argmax(y, 1)[:, None], 99, 1)
    np.copyto(y, x, where=x > 0)
    return y


def reversed_views(x: Any) -> Any:
    y = x.copy()
    v = y[::-1]
    v[0] = 1
    w = v[:2]
    w[:] += v[0]
    y -= 1
    return v, w, y


def views_of_views(x: Any) -> Any:
    y = x.copy()
    v = y[1:]
    u = v[:, 1:]
    u[...] = 0
    y += 1
    u *= 2
    v[0, 0] = -5
    return y, v, u


def names_of_numbers(x: Any) -> Any:
    total = np.sum(x)
    before = total
    total += 1
    for k in range(2):
        x = x + 0
        x[k] += k
    return total, before, x


def triangle(x: Any) -> Any:
    y = np.zeros_like(x)
    for i in range(x.shape[0]):
        y[i] = x[i] * i
        for j in range(x.shape[1]):
            y[i, j] += np.sum(y[i])
    return y


def made_here(x: Any) -> Any:
    y, e = np.zeros(x.shape), np.empty(x.shape[1])
    first, weights = y[0], np.ones((2, 2))
    weights[0, 1] = 3  # no traced value: a plain array
    e[:] = x[0]
    e[::2] = 1
    y[0] = e
    first += 1
    y[1] = 2 * first
    return y, weights @ y[:2], first


def scratch(x: Any) -> Any:
    e, y = np.zeros(x.shape[1]), 0.0
    for k in range(2):
        e[:] = 0
        e[k] = 1
        y = y + (k + 1) * np.sum(e * x)
    return y


def listed(x: Any) -> Any:
    c, s = np.cos(x[0, 0]), np.sin(x[0, 0])
    rotation = np.array([[c, -s], [s, c]])
    same = np.asarray(rotation)
    same[0, 0] = 2
    return rotation, np.array([x[0], x[1]]), np.array([1, c]), np.mean([c, s]), np.array(rotation)[0]


def copied(x: Any) -> Any:
    y = x.copy()
    others = [y.copy(), np.copy(y), y + 0, y.astype(float), y[[0, 1]], y.flatten(), np.array(y)]
    same = y.astype(float, copy=False)
    y[:] = 0
    return *others, same


FUNCTIONS: list[Callable[..., Any]] = [
    alias, rows, overlap, elements, transposed, raveled, raveled_copy, flat, masks, outputs, filled, nested,
    in_order, split, read_only_views, exchanged, added, put, reversed_views, views_of_views, names_of_numbers,
    triangle, made_here, scratch, listed, copied,
]  # fmt: skip


def listed_values(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(2, 4), (2, 2), (3, 5)], ids=str)
@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_same_numbers_with_and_without_a_trace(f: Any, shape: tuple[int, int], dtype: Any) -> None:
    if f is filled and shape[0] > 2:
        shape = (2, 5)
    x = RNG.normal(size=shape).astype(dtype)
    given = x.copy()
    wanted, got = listed_values(f(x.copy())), listed_values(dc.jit(f)(x))
    np.testing.assert_array_equal(x, given)
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-12 if dtype is np.float64 else 2e-5)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_their_derivatives(f: Any) -> None:
    def total(x: Any) -> Any:
        return sum(np.sum(np.sin(each)) for each in listed_values(f(x)))

    x = RNG.normal(size=(2, 4))
    found = dc.grad(total)(x)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        slope = (total(x + step) - total(x - step)) / 2e-6
        assert found[place] == pytest.approx(slope, abs=2e-7)


def test_an_argument_is_changed_by_each_call() -> None:
    def step(w: Any, x: Any) -> Any:
        w += x
        w[0] *= 2
        return np.sum(w)

    f, w, plain = dc.jit(step), np.zeros(3), np.zeros(3)
    for k in range(3):
        assert f(w, np.full(3, k)) == step(plain, np.full(3, k))
        np.testing.assert_array_equal(w, plain)
    for layout in (np.zeros(6)[::2], np.zeros(6)[::-2], np.zeros(3, np.float32)):
        plain = layout.copy()
        assert f(layout, np.ones(3)) == step(plain, np.ones(3))
        np.testing.assert_array_equal(layout, plain)
    box, number = np.array(1.0), 1.0

    def inc(x: Any) -> Any:
        x += 1
        return x * 2

    g = dc.jit(inc)
    assert g(number) == 4.0
    assert g(box) == 4.0
    assert g(box) == 6.0
    assert box == 3.0


def test_an_argument_that_cannot_be_changed() -> None:
    def step(w: Any, x: Any) -> Any:
        w += x
        return np.sum(w)

    f, w = dc.jit(step), np.zeros(4)
    with pytest.raises(dc.DiffcError, match="shares memory"):
        f(w, w)
    with pytest.raises(dc.DiffcError, match="shares memory"):
        f(w[1:], w[:-1])
    w.flags.writeable = False
    with pytest.raises(dc.DiffcError, match="read-only"):
        f(w, np.ones(4))
    np.testing.assert_array_equal(w, 0)
    for refused in (dc.grad(step), dc.vmap(step)):
        with pytest.raises(dc.DiffcError, match=r"changes its argument w .*x\.copy\(\)"):
            refused(np.zeros((2, 3)), np.ones((2, 3)))
    with pytest.raises(dc.DiffcError, match="changes a list or a dict"):
        dc.jit(lambda p: p.update(a=1.0) or 1.0)({"a": 2.0})


REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "another dtype": (lambda n, x: n.__iadd__(0.5), "Cannot cast the output of add from float64 to int64"),
    "true division": (lambda n, x: n.__itruediv__(2), "Cannot cast the output of"),
    "a larger shape": (lambda n, x: x[0].__iadd__(x), "does not broadcast"),
    "too many values": (lambda n, x: x.copy().__setitem__(0, x), "does not broadcast"),
    "values for a mask": (lambda n, x: x.copy().__setitem__(x > 0, x[0]), "write x = np.where"),
    "a number": (lambda n, x: np.sum(x).__setitem__(0, 1.0), "is a number, not an array"),
    "a read-only view": (lambda n, x: np.diagonal(x.copy()).__iadd__(1), "read-only"),
    "an index outside": (lambda n, x: x.copy().__setitem__(7, 1.0), "outside axis 0"),
    "an array of unknown layout": (
        lambda n, x: np.ravel(x.T * 2).__iadd__(1),
        "depends on how NumPy lays it out",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    f, message = REFUSED[name]
    with pytest.raises(dc.DiffcError, match=message):
        dc.jit(lambda n, x: (f(n, x), np.sum(x))[1])(np.arange(3), np.ones((2, 2)))


def test_the_order_of_an_argument_decides_about_views() -> None:
    def f(x: Any) -> Any:
        y = x * 2.0
        np.ravel(y)[0] = 7
        return y

    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(dc.jit(f)(x), f(x))
    with pytest.raises(dc.DiffcError, match=r"pass np\.ascontiguousarray"):
        dc.jit(f)(np.asfortranarray(x))


def test_an_inner_function_does_not_change_an_outer_array() -> None:
    def outer(x: Any) -> Any:
        y = x.copy()

        def inner(t: Any) -> Any:
            y[0] = t
            return np.sum(y * t)

        return dc.grad(inner)(2.0)

    with pytest.raises(dc.DiffcError, match="is changed in place by a function inside it"):
        dc.jit(outer)(np.ones(2))


def test_a_loop_over_elements_makes_no_copies() -> None:
    def running(x: Any) -> Any:
        y = np.zeros(len(x))
        y[0] = x[0]
        for i in range(1, len(x)):
            y[i] = 0.5 * y[i - 1] + x[i]
        return y

    def count(n: int) -> int:
        return len(dc.trace(running, dc.f64(n)).graph.nodes)

    assert count(400) < 2.2 * count(200)
    x = RNG.normal(size=50)
    np.testing.assert_allclose(dc.jit(running)(x), running(x), rtol=1e-14)


def test_symbolic_extents() -> None:
    def f(x: Any) -> Any:
        y = x.copy()
        y[1:] -= x[:-1]
        y[0] = 0
        y[-1] *= 2
        y[y > 1] = 1
        y[x.argmax()] = 5
        return y

    g = dc.trace(f, dc.f64("N"))
    for n in (1, 2, 7):
        x = RNG.normal(size=n)
        np.testing.assert_allclose(g(x), f(x), rtol=1e-15)
