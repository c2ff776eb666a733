"""Sliding windows: NumPy's values at every shape, and the gradients of what they mean."""

from typing import Any

import numpy as np
import pytest

import diffc as dc

windows = np.lib.stride_tricks.sliding_window_view
CASES = [
    ((5,), 3, None), ((5,), 5, None), ((5,), 1, None), ((3, 4), (2, 2), None), ((3, 4), 2, 1),
    ((3, 4), 3, -2), ((3, 4), (2, 3), (1, 1)), ((3, 4), (3, 1), (1, 0)), ((40,), 20, 0), ((2, 3, 4), 2, 1),
    ((0, 3), 2, 1),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "window", "axis"), CASES)
def test_windows(shape: tuple[int, ...], window: Any, axis: Any) -> None:
    x = np.random.default_rng(1).normal(size=shape)

    def f(x: Any) -> Any:
        return windows(x, window, axis)

    np.testing.assert_array_equal(dc.jit(f)(x), f(x), strict=True)
    symbolic = dc.trace(f, dc.f64(*"KLMN"[: len(shape)]))
    np.testing.assert_array_equal(symbolic(x), f(x), strict=True)
    # Each element is counted as often as there are windows with it.
    counts = np.zeros(x.size)
    np.add.at(counts, windows(np.arange(x.size).reshape(shape), window, axis).ravel(), 1)
    gradient = dc.grad(lambda x: np.sum(windows(x, window, axis) ** 2))(x)
    np.testing.assert_allclose(gradient, 2 * x * counts.reshape(shape), 1e-13)


@pytest.mark.parametrize(
    ("window", "axis", "says"),
    [(6, None, "a window of 6"), ((2, 2), None, "2 lengths for 1 axes"), (-1, None, "no length -1"),
     (2, 1, "axis 1")],
)  # fmt: skip
def test_what_is_refused(window: Any, axis: Any, says: str) -> None:
    with pytest.raises(dc.DiffcError, match=says):
        dc.jit(lambda x: windows(x, window, axis))(np.ones(5))


def test_a_view_is_of_what_its_array_is_now() -> None:
    def f(x: Any) -> Any:
        z = x * 1.0
        v = windows(z, 2)
        z[1] = 5.0
        return np.sum(v, 1)

    np.testing.assert_allclose(dc.jit(f)(np.arange(4.0)), f(np.arange(4.0)))
