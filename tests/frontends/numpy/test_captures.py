"""What a traced function takes from outside is read at each call: NumPy's values before and after changes."""

import pickle
import threading
from collections import UserList
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.errors import OutdatedError

V = np.arange(1.0, 5.0)
M = np.arange(12.0).reshape(3, 4) / 7


class Plain(np.ndarray):
    """A subclass that adds nothing."""


class Own(np.ndarray):
    """A subclass with a product of its own, as np.matrix has."""

    def __mul__(self, other: Any) -> Any:
        return self @ other


def put(*changes: Any) -> Callable[[Any], None]:
    """Return what changes items: `put(0, 9.0)` sets item 0."""

    def change(array: Any) -> None:
        for place, value in zip(changes[::2], changes[1::2], strict=True):
            array[place] = value

    return change


def fill(value: Any) -> Callable[[Any], None]:
    return put(..., value)


def product(a: Any, x: Any) -> Any:
    return np.sum(a * x) + a * x


def read_only(array: Any) -> Any:
    view = array.view()
    view.flags.writeable = False
    return view


BASE = np.arange(4.0)
LIVE: dict[str, tuple[Any, Callable[[Any, Any], Any], Any, Callable[[Any], None]]] = {
    "no axes": (lambda: np.array(2.0), product, V, fill(5.0)),
    "size 0": (lambda: np.zeros(0), lambda a, x: np.concatenate([a, x]), V, fill(1.0)),
    "size 1": (lambda: np.ones(1), product, V, fill(5.0)),
    "size 4": (lambda: np.arange(4.0), product, V, fill(5.0)),
    "size 40": (lambda: np.ones(40), product, np.arange(40.0), fill(5.0)),
    "i64": (lambda: np.arange(4), product, V, fill(5)),
    "i32": (lambda: np.arange(4, dtype=np.int32), product, V, fill(5)),
    "u8": (lambda: np.arange(4, dtype=np.uint8), product, V, fill(5)),
    "u64": (lambda: np.arange(4, dtype=np.uint64), product, V, fill(5)),
    "bool": (lambda: np.array([True, False, True, True]), product, V, put(1, True, 0, False)),
    "f32": (lambda: np.arange(4, dtype=np.float32), product, V, fill(0.5)),
    "strided": (lambda: np.arange(8.0)[::2], product, V, fill(5.0)),
    "reversed": (lambda: np.arange(4.0)[::-1], product, V, fill(5.0)),
    "a part": (lambda: np.arange(9.0)[3:7], product, V, fill(5.0)),
    "misaligned": (lambda: np.frombuffer(bytearray(33), np.float64, 4, 1), product, V, fill(5.0)),
    "transposed": (lambda: np.arange(12.0).reshape(4, 3).T, lambda a, x: a @ x, V, fill(2.0)),
    "Fortran": (lambda: np.asfortranarray(M), lambda a, x: a @ x, V, put((1, 2), 9.0)),
    "broadcast": (lambda: np.broadcast_to(BASE, (3, 4)), product, V, lambda _: BASE.__iadd__(1.0)),
    "read-only": (lambda: read_only(BASE), product, V, lambda _: BASE.__iadd__(1.0)),
    "subclass": (lambda: np.arange(4.0).view(Plain), product, V, fill(5.0)),
    "exponent": (lambda: np.array(2.0), lambda a, x: x**a, V, fill(3.0)),
    "list": (lambda: [1.0, 2.0, 3.0, 4.0], lambda a, x: x * a, V, put(0, 9.0)),
    "list of lists": (lambda: [[1.0, 2.0]] * 2, lambda a, x: x[:2] * a, V, lambda a: put(0, 9.0)(a[1])),
    "in a list": (lambda: [np.ones(4), V], lambda a, x: np.stack([*a, x]), V, lambda a: put(0, 9.0)(a[0])),
    "in a dict": (lambda: {"w": np.ones(4)}, lambda a, x: a["w"] * x, V, lambda a: fill(9.0)(a["w"])),
    "in a tuple": (lambda: (np.ones(4),), lambda a, x: np.select([x > 2], a), V, lambda a: put(3, 9.0)(a[0])),
    "place": (lambda: np.array(1), lambda a, x: x[a], V, fill(2)),
    "places": (lambda: np.array([0, 2]), lambda a, x: x[a], V, put(0, 1)),
    "places, i32": (lambda: np.array([0, 2], np.int32), lambda a, x: x[a], V, put(0, 1)),
    "places from the end": (lambda: np.array([0, 2]), lambda a, x: x[a], V, put(0, -1)),
    "places in two axes": (lambda: np.array([0, 2]), lambda a, x: x[a, a], M, put(0, 1)),
    "list of places": (lambda: [0, 1], lambda a, x: x[a], V, put(0, 3)),
    "take": (lambda: np.array([1, 2]), lambda a, x: np.take(x, a), V, put(0, 3)),
    "take, clipped": (lambda: np.array([1, 9]), lambda a, x: np.take(x, a, None, None, "clip"), V, put(0, 0)),
    "condition": (lambda: np.arange(4) > 2, lambda a, x: np.where(a, x, 0), V, put(0, True)),
    "where=": (lambda: np.arange(4) > 2, lambda a, x: np.sum(x, where=a), V, put(0, True)),
    "bound": (lambda: np.array(2.0), lambda a, x: np.clip(x, 0, a), V, fill(3.0)),
    "convolve": (lambda: np.array([1.0, 2, 1]), lambda a, x: np.convolve(x, a, "same"), V, put(0, 3.0)),
    "polyval": (lambda: np.array([1.0, 2, 1]), lambda a, x: np.polyval(a, x), V, put(0, 3.0)),
    "solve": (lambda: np.eye(4) * 2, lambda a, x: np.linalg.solve(a, x), V, put((0, 0), 4.0)),
    "quantile": (lambda: np.array([0.2, 0.5]), lambda a, x: np.quantile(x, a), V, put(0, 0.3)),
    "edges": (lambda: np.array([1.0, 2, 3]), lambda a, x: np.searchsorted(a, x) * x, V, put(0, 1.5)),
    "dc.at": (lambda: np.array([1, 1]), lambda a, x: dc.at(x, a).add(1.0), V, put(0, 3)),
}  # fmt: skip

DECIDES: dict[str, tuple[Any, Callable[[Any, Any], Any], Any, Callable[[Any], None]]] = {
    "mask": (lambda: np.array([True, False, True, False]), lambda a, x: x[a], V, put(1, True)),
    "mask of one": (lambda: np.arange(2) > 0, lambda a, x: x[:2][a], V, put(0, True, 1, False)),
    "list as a mask": (lambda: [True, False, True, True], lambda a, x: x[a], V, put(1, True)),
    "bound of a slice": (lambda: np.array(1), lambda a, x: x[a:], V, fill(2)),
    "counts": (lambda: np.array([1, 2, 0, 1]), lambda a, x: np.repeat(x, a), V, put(2, 2)),
    "one count": (lambda: np.array(2), lambda a, x: np.repeat(x, a), V, fill(3)),
    "widths": (lambda: [1, 2], lambda a, x: np.pad(x, a), V, put(0, 0)),
    "widths in an array": (lambda: np.array([1, 2]), lambda a, x: np.pad(x, a), V, put(0, 0)),
    "shift": (lambda: np.array(1), lambda a, x: np.roll(x, a), V, fill(2)),
    "delete": (lambda: np.array([1, 2]), lambda a, x: np.delete(x, a), V, put(0, 3)),
    "insert": (lambda: np.array([1, 2]), lambda a, x: np.insert(x, a, 0.0), V, put(0, 0)),
    "compress": (lambda: np.array([True, False, True]), lambda a, x: np.compress(a, x), V, put(1, True)),
    "tile": (lambda: np.array([2, 1]), lambda a, x: np.tile(x, a), V, put(1, 2)),
    "split": (lambda: np.array([1, 3]), lambda a, x: np.split(x, a)[0], V, put(0, 2)),
    "shape": (lambda: np.array([2, 2]), lambda a, x: np.reshape(x, a), V, put(0, 4, 1, 1)),
    "shape in a list": (lambda: [2, 2], lambda a, x: x.reshape(a), V, put(0, 4, 1, 1)),
    "order of axes": (lambda: [1, 0], lambda a, x: np.transpose(x, a), M, lambda a: a.reverse()),
    "choices": (lambda: [1.0, 2.0], lambda a, x: np.select([x > 2, x > 1], a), V, put(0, 9.0)),
    "bincount": (lambda: np.array([1, 2, 1, 0]), lambda a, x: np.bincount(a, x), V, put(0, 3)),
    "grown list": (lambda: [1.0], lambda a, x: x * a, V, lambda a: a.extend([2.0, 3.0, 4.0])),
    "list with other numbers": (lambda: [1, 2, 3, 4], lambda a, x: x * a, V, put(0, 1.5)),
    "grown list of places": (lambda: [0, 1], lambda a, x: x[a], V, lambda a: a.append(3)),
}  # fmt: skip


@pytest.mark.parametrize("name", [*LIVE, *DECIDES])
def test_what_is_outside_is_read_at_each_call(name: str) -> None:
    make, use, x, change = {**LIVE, **DECIDES}[name]
    a = make()
    f = dc.jit(lambda x: use(a, x))
    np.testing.assert_allclose(f(x), use(a, x), rtol=1e-12)
    change(a)
    np.testing.assert_allclose(f(x), use(a, x), rtol=1e-12)
    np.testing.assert_allclose(f(x), use(a, x), rtol=1e-12)  # by the short way through a call


@pytest.mark.parametrize("name", LIVE)
def test_a_function_reads_what_is_outside_at_each_call(name: str) -> None:
    make, use, x, change = LIVE[name]
    a = make()
    f = dc.trace(lambda x: use(a, x), x)
    kernel, source = dc.compile(f), dc.compile(f, lowering="source")
    change(a)
    for run in (f, kernel, source):
        np.testing.assert_allclose(run(x), use(a, x), rtol=1e-12)


@pytest.mark.parametrize("name", DECIDES)
def test_a_function_is_refused_where_what_decided_about_it_has_changed(name: str) -> None:
    make, use, x, change = DECIDES[name]
    a = make()
    f = dc.trace(lambda x: use(a, x), x)
    kernel = dc.compile(f)
    np.testing.assert_allclose(kernel(x), use(a, x), rtol=1e-12)
    change(a)
    for run in (f, kernel, lambda x: dc.jit(lambda y: f(y))(x)):
        with pytest.raises(OutdatedError, match="trace the function again"):
            run(x)


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.ma.array([1.0, 2], mask=[0, 1]), "masked arrays"), (Own(2), "the type Own"),
        (np.ones(2, np.float16), "float16"), (np.ones(2, complex), "complex"), (np.ones(2, ">f8"), "astype"),
    ],
)  # fmt: skip
def test_refused_arrays(array: Any, problem: str) -> None:
    with pytest.raises(dc.DiffcError, match=problem):
        dc.jit(lambda x: x * array)(np.ones(2))


def test_integers_beyond_64_bits_are_refused_when_they_come() -> None:
    a = np.arange(3, dtype=np.uint64)
    f = dc.jit(lambda x: x * a)
    assert f(2.0).tolist() == [0, 2, 4]
    a[0] = 2**63
    with pytest.raises(dc.DiffcError, match="holds an integer of"):
        f(2.0)


def test_an_array_of_another_type_in_place_means_a_new_trace() -> None:
    a = np.arange(6.0)
    f, g = dc.jit(lambda x: np.sum(a * x, -1)), dc.trace(lambda x: np.sum(a * x), dc.f64(6))
    assert f(np.ones(6)) == g(np.ones(6)) == 15
    a.shape = (2, 3)
    assert f(np.ones(3)).tolist() == [3, 12]
    with pytest.raises(OutdatedError, match=r"was f64\[6\].* is float64 of the shape \(2, 3\) now"):
        g(np.ones(6))
    a.shape = (6,)
    a.dtype = np.int64
    with pytest.raises(OutdatedError, match="int64"):
        g(np.ones(6))


def test_memory_does_not_move_under_a_function() -> None:
    base = np.arange(6.0)
    view = base[1:4]
    f = dc.trace(lambda x: np.sum(view * x), dc.f64())
    with pytest.raises(ValueError, match="resize"):
        base.resize(60_000, refcheck=False)
    assert f(1.0) == 6


def test_a_result_may_not_overlap_a_captured_array() -> None:
    a = np.arange(4.0)
    kernel = dc.compile(dc.trace(lambda x: a[::-1] * 1.0 + a * x, V))
    out = np.empty(4)
    assert kernel(V, out=out) is out
    with pytest.raises(dc.DiffcError, match="overlaps captured_0"):
        kernel(V, out=a)
    assert a.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [0, 1, 3, 17, 40])
def test_transforms_read_captured_arrays(size: int) -> None:
    a, x = np.arange(1.0, size + 1), np.linspace(0.5, 2, size)
    energy = lambda x: np.sum(a * x**3)  # noqa: E731
    rows = np.stack([x, 2 * x])
    functions: list[tuple[Any, Callable[[], Any]]] = [
        (lambda: dc.grad(energy)(x), lambda: 3 * a * x**2),
        (lambda: dc.hessian(energy)(x), lambda: np.diag(6 * a * x)),
        (lambda: dc.jit(dc.grad(dc.jit(energy)))(x), lambda: 3 * a * x**2),
        (lambda: dc.vmap(energy)(rows), lambda: np.sum(a * rows**3, -1)),
        (lambda: dc.jacobian(lambda x: a * x)(x), lambda: np.diag(a)),
        (lambda: dc.grad(lambda x: np.sum(a * dc.grad(energy)(x)))(x), lambda: 6 * a * a * x),
    ]
    transforms = [dc.grad(energy), dc.vmap(energy)]
    f = dc.trace(energy, x)
    forward, backward = dc.fwd_and_bwd(f)
    for factor in (1.0, -2.0):
        a *= factor
        for found, expected in functions:
            np.testing.assert_allclose(found(), expected(), rtol=1e-12)
        np.testing.assert_allclose(transforms[0](x), 3 * a * x**2, rtol=1e-12)
        np.testing.assert_allclose(transforms[1](rows), np.sum(a * rows**3, -1), rtol=1e-12)
        value, *residuals = forward(x)
        flat = residuals[0] if residuals and isinstance(residuals[0], tuple) else tuple(residuals)
        assert value == pytest.approx(np.sum(a * x**3))
        np.testing.assert_allclose(backward(*flat, 1.0), 3 * a * x**2, rtol=1e-12)
        np.testing.assert_allclose(f.embedded()(x), np.sum(a * x**3), rtol=1e-12)


def test_a_saved_kernel_has_the_elements_of_the_time(tmp_path: Path) -> None:
    a, b = np.arange(8, dtype=np.int32)[::2], np.ones(4)
    f = dc.trace(lambda x: a * x + b, V)
    kernel = dc.compile(f)
    a[0] = 7
    kernel.save(tmp_path / "k")
    a[0], b[:] = 0, 0
    loaded = dc.load(tmp_path / "k")
    np.testing.assert_array_equal(loaded(V), np.array([7, 2, 4, 6]) * V + 1)
    loaded.save(tmp_path / "again")
    np.testing.assert_array_equal(dc.load(tmp_path / "again")(V), loaded(V))
    np.testing.assert_array_equal(kernel(V), a * V)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(f))(V), a * V)
    assert "captured" in str(f)
    with pytest.raises(dc.DiffcError, match="make them arguments"):
        _ = kernel.jitted


def test_a_kernel_in_blocks_reads_captured_arrays() -> None:
    a = np.ones((4000, 64))
    strided = np.ones((4000, 128))[:, ::2]
    f = dc.trace(lambda x: np.sum(np.exp(a * x) * strided), dc.f64(64))
    kernel = dc.compile(f, parallel=2)
    x = np.linspace(0, 1, 64)
    for factor in (1.0, 0.5):
        a *= factor
        strided *= factor
        assert kernel(x) == pytest.approx(np.sum(np.exp(a * x) * strided), rel=1e-12)


def test_threads_read_the_same_array() -> None:
    a, found = np.arange(8.0)[::2], []
    kernel = dc.compile(dc.trace(lambda x: a * x, V))

    def work() -> None:
        found.extend(kernel(V) for _ in range(200))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 800
    assert all(np.array_equal(each, a * V) for each in found)


def test_what_the_function_makes_itself_is_a_constant() -> None:
    def f(x: Any) -> Any:
        kernel = np.array([-1.0, 2.0, -1.0])
        rows = [[1.0, 2.0], [3.0, 4.0]]
        mixed = np.convolve(x, kernel, "valid") @ np.eye(2)
        return mixed + np.array([1.0, 0.0])[:1] + (rows @ x[:2]) + x[[0, 1]]

    traced = dc.trace(f, V)
    assert not traced.captured
    np.testing.assert_allclose(traced(V), f(V), rtol=1e-12)


def test_scratch_arrays_have_a_value_for_each_use() -> None:
    def f(x: Any) -> Any:
        e, basis, y = np.zeros(x.size), [0.0] * x.size, 0.0
        for k in range(3):
            e[:] = 0
            e[k] = 1
            basis[k] = 1.0
            y = y + (k + 1) * np.sum(e * x) + np.sum(basis * x)
        e[:] = 99
        return y

    for size in (3, 16, 17, 100):
        x = np.ones(size)
        assert dc.jit(f)(x) == f(x)
        np.testing.assert_array_equal(dc.grad(f)(x), np.r_[4, 4, 4, np.zeros(size - 3)])


def test_an_array_that_is_kept_where_nobody_looks_must_not_change() -> None:
    kept: UserList[Any] = UserList()  # a list whose changes are not seen

    def late(x: Any) -> Any:
        e = np.ones(4)
        kept.append(e)
        y = e * x
        e[:] = 0
        return y

    with pytest.raises(dc.DiffcError, match="late changes array"):
        dc.jit(late)(V)


def test_an_array_that_is_kept_outside_is_read_anew() -> None:
    kept: UserList[Any] = UserList()

    def f(x: Any) -> Any:
        kept.append(np.ones(4))
        return kept[-1] * x

    g = dc.jit(f)
    np.testing.assert_array_equal(g(V), V)
    kept[0][:] = 3
    np.testing.assert_array_equal(g(V), 3 * V)
