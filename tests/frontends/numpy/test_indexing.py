"""Indices of every kind that NumPy has: the values are NumPy's, with known and with traced index arrays."""

from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.ops import evaluate

X = np.random.default_rng(0).normal(size=(4, 5, 6))
I = np.array([0, -1, 2])  # noqa: E741
J = np.array([[1], [3]])
KEYS: list[Any] = [
    0, -1, np.s_[1:3], np.s_[::-1], np.s_[..., None], np.s_[None, 0], np.s_[1, ..., 2], np.s_[::2, ::-2],
    np.s_[3:0:-1],
    I, np.s_[:, I], np.s_[I, :, I], np.s_[:, I, I], np.s_[J, I], np.s_[:, J, I], np.s_[J, :, I],
    np.s_[0, :, I], np.s_[:, 0, I], np.s_[I, 0], np.s_[I, None, I], np.s_[I, ..., 0], np.s_[:, None, I],
    np.s_[None, I, :, J], X[:, :, 0] > 0, X > 0, np.s_[0, X[0] > 0], np.s_[[0, 2]], np.s_[[], 1],
    np.s_[np.int64(2)], np.s_[np.array(1)], np.s_[I, I, I], np.s_[I, 0, I], np.s_[1:3, I, None, I],
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_part(key: Any) -> None:
    f = dc.trace(lambda x: x[key], X)
    np.testing.assert_array_equal(evaluate(f.embedded().graph, X)[0], X[key])


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_part_by_traced_indices(key: Any) -> None:
    items = key if isinstance(key, tuple) else (key,)
    arrays = [each for each in items if isinstance(each, np.ndarray) and each.dtype != bool and each.ndim]

    def part(x: Any, *indices: Any) -> Any:
        following = iter(indices)
        return x[tuple(next(following) if any(each is a for a in arrays) else each for each in items)]

    f = dc.trace(part, X, *arrays)
    np.testing.assert_array_equal(evaluate(f.embedded().graph, X, *arrays)[0], X[key])


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
@pytest.mark.parametrize("how", ["set", "add", "multiply", "min", "max"])
def test_update(key: Any, how: str) -> None:
    values = np.random.default_rng(1).normal(size=X[key].shape)
    expected = X.copy()
    if how == "set":
        expected[key] = values
    else:
        {"add": np.add, "multiply": np.multiply, "min": np.minimum, "max": np.maximum}[how].at(
            expected, key, values
        )
    np.testing.assert_array_equal(getattr(dc.at(X, key), how)(values), expected)
    f = dc.trace(lambda x, v: getattr(dc.at(x, key), how)(v), X, values)
    np.testing.assert_allclose(evaluate(f.embedded().graph, X, values)[0], expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (7, "outside axis 0"), ([7], "outside axis 0"), (np.s_[0, 0, 0, 0], "4 indices"), (1.5, "i64"),
        (True, "not a truth value"), ("a", "texts are no numbers"), (np.s_[..., ...], "at most once"),
    ],
)  # fmt: skip
def test_refused(key: Any, problem: str) -> None:
    with pytest.raises(dc.DiffcError, match=problem):
        dc.trace(lambda x: x[key], X)


def test_traced_mask_is_refused() -> None:
    with pytest.raises(dc.DiffcError, match=r"np\.where"):
        dc.trace(lambda x: x[x > 0], X)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("x[i]", (3, 0)), ("x[i]", (0, 3)), ("x[:, i]", (0, 3)), ("x[i, i]", (0, 0)), ("x[i[0]]", (3, 0)),
        ("np.take(x, i, axis=0)", (3, 0)), ("dc.at(x, i).add(1.0)", (3, 0)), ("x[i[0], 0:0]", (3, 2)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("named", [False, True])
def test_an_index_outside_is_an_error_where_the_result_has_no_elements(
    text: str, shape: tuple[int, ...], named: bool
) -> None:
    f = dc.trace(
        lambda x, i: eval(text, {"x": x, "i": i, "np": np, "dc": dc}),
        dc.f64(*("MK" if named else shape)), dc.i64(1),
    )  # fmt: skip
    with pytest.raises(dc.DiffcError, match="outside"):
        f(np.zeros(shape), np.array([5]))
