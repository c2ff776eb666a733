"""Arrays that a function makes by NumPy and then writes traced values to, with views made before it."""

from collections import UserList
from typing import Any

import numpy as np
import pytest

import diffc as dc

X = np.array([1.0, 2.0, 3.0, 4.0])


def reshaped(x: Any) -> Any:
    y = np.zeros(4)
    y[0] = x[0]
    z = np.reshape(y, (2, 2))
    z *= x[1]
    return np.sum(y)


def split_and_raveled(x: Any) -> Any:
    e = np.zeros(4)
    e[0] = x[0]
    a, _ = np.split(e, 2)
    a += 1
    f = np.ravel(e)
    e[1] = 5
    return e * 1, f * 1


def diagonal_before(x: Any) -> Any:
    e = np.zeros((2, 2))
    d = np.diagonal(e)
    e[0, 0] = x[0]
    e[1, 1] = x[1]
    return d.sum()


def flipped_before(x: Any) -> Any:
    b = np.zeros(4, dtype=bool)
    c = np.flip(b)
    b[:] = x > 1
    return np.where(c, x, 0)


def copies(x: Any) -> Any:
    e = np.zeros(4).copy()
    e[0] = x[0]
    h = np.zeros((2, 2)).astype(float).T.copy()
    h[0] = x[1]
    return e, h


def read_before(x: Any) -> Any:
    e = np.zeros(4)
    y = x * e
    e[:] = 1
    e[0] = x[1]
    return y + e


def another_name(x: Any) -> Any:
    e = np.zeros((2, 2))
    r = e[0]
    e = e + x[0]
    r[0] = x[1]
    return r * 1, e


def outputs(x: Any) -> Any:
    o = np.empty(3)
    np.subtract(x[1:], x[:-1], out=o)
    np.cumsum(o, out=o)
    p = np.zeros(4)
    np.exp(x, out=p, where=x > 2)
    return o, p


def methods(x: Any) -> Any:
    e = np.zeros(4)
    e.fill(x[0])
    h = np.zeros(4)
    h.put([1], x[2])
    h.flat[0] = x[1]
    return e, h, np.ones(4).dot(x), np.zeros(4).clip(0, x)


def the_same(x: Any) -> Any:
    x = x.copy()
    y = np.ascontiguousarray(x)
    y[0] = 100
    z = np.real(x)
    z[1] = 7
    w = np.array(x, copy=None)
    w[2] = 3
    return x


def the_same_by_layout(x: Any) -> Any:
    x = x.reshape(2, 2).copy()
    y = np.ascontiguousarray(x)
    y[0] = 100
    t = np.ascontiguousarray(x.T)
    t[0] = -1
    f = np.asfortranarray(x)
    f[1, 1] = 8
    return x, t


def nan_to_num(x: Any) -> Any:
    y = x.copy()
    y[0] = np.nan
    z = np.nan_to_num(y, copy=False)
    z += 1
    return y


def views_before(x: Any) -> Any:
    e = np.zeros((2, 2))
    vs = [
        np.transpose(e),
        np.moveaxis(e, 0, 1),
        np.rot90(e),
        np.flip(e),
        e[::-1, ::-1],
        np.broadcast_to(e, (2, 2, 2)),
        np.einsum("ii->i", e),
        e.T,
        np.ascontiguousarray(e),
        np.swapaxes(e, 0, 1),
    ]
    e[0, 1] = x[0]
    e[1, 1] = x[2]
    vs[0][1, 1] = 9
    return [v * 1 for v in vs]


def small_integers(x: Any) -> Any:
    n = np.zeros(4, np.int32)
    n[1] = 2
    return x[n]


FUNCTIONS = [
    reshaped,
    split_and_raveled,
    diagonal_before,
    flipped_before,
    copies,
    read_before,
    another_name,
    outputs,
    methods,
    the_same,
    the_same_by_layout,
    nan_to_num,
    views_before,
    small_integers,
]


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_same_numbers_with_and_without_a_trace(f: Any) -> None:
    for wanted, got in zip(listed(f(X.copy())), listed(dc.jit(f)(X)), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-14)


@pytest.mark.parametrize("f", [each for each in FUNCTIONS if each is not nan_to_num])
def test_their_derivatives(f: Any) -> None:
    def total(x: Any) -> Any:
        return sum(np.sum(np.sin(each)) for each in listed(f(x)))

    x = X + 0.1  # away from the jumps
    found = dc.grad(total)(x)
    for k in range(4):
        step = np.zeros(4)
        step[k] = 1e-6
        slope = (total(x + step) - total(x - step)) / 2e-6
        assert found[k] == pytest.approx(slope, abs=1e-7)


def test_memory_of_others_is_never_written_to() -> None:
    """What NumPy gives may show an array that the function has not made and that no name leads to."""
    kept = UserList([np.ones(3), memoryview(np.ones(3))])  # a list whose items are not seen

    def not_copied(x: Any) -> Any:
        y = np.array(kept[0], copy=None)
        y[0] = x[0]
        return y

    def by_name(x: Any) -> Any:
        y = np.array(object=kept[0], copy=None)
        y[0] = x[0]
        return y

    def beside(x: Any) -> Any:
        _, y = np.atleast_1d(np.zeros(3), kept[0])
        y[0] = x[0]
        return y

    def buffer(x: Any) -> Any:
        y = np.asarray(kept[1])
        y[0] = x[0]
        return y

    for f in (not_copied, by_name, beside, buffer):
        with pytest.raises(dc.DiffcError, match="has no value while"):
            dc.jit(f)(X)
        for each in kept:
            np.testing.assert_array_equal(each, np.ones(3))


def test_what_cannot_become_traced_is_refused() -> None:
    def integers(x: Any) -> Any:
        n = np.zeros(4, np.int32)
        n[0] = x[0]
        return n

    def columns(x: Any) -> Any:
        y = np.zeros((2, 2), order="F")
        y[0] = x[0]
        return y

    for f in (integers, columns):
        with pytest.raises(dc.DiffcError, match="in the order 'C'"):
            dc.jit(f)(X)
