"""What Python itself asks of arguments (kinds, repetitions, texts), and of lists of numbers outside."""

from __future__ import annotations

import numbers
import operator

import numpy as np
import pytest

import diffc as dc

W = [1.0, 2.0]


def kinds(x):
    """Return which branches a value takes, as a number."""
    asked = (float, int, np.ndarray, (int, float), numbers.Real, np.floating, np.integer, int | float)
    return sum(2**k for k, each in enumerate(asked) if isinstance(x, each))


@pytest.mark.parametrize(
    "value", [2.0, 3, np.float64(2.0), np.float32(2.0), np.int64(3), np.ones(2), np.ones((2, 2), np.float32)]
)
def test_isinstance_answers_as_it_does_of_what_is_passed(value):
    assert dc.jit(lambda x: x * 1 if x is None else np.sum(x * 0) + kinds(x))(value) == kinds(value)


def test_isinstance_of_results_and_of_other_things():
    def f(x):
        total = x.sum()
        assert isinstance(total, np.float64)
        assert isinstance(total, float)
        assert not isinstance(total, np.ndarray)
        assert isinstance([x], list)
        assert isinstance("a", str)
        return total

    assert dc.grad(f)(np.ones(2)) == pytest.approx([1.0, 1.0])


def test_an_integer_repeats_lists_tuples_and_texts():
    def f(x, n):
        parts = [x, 2 * x] * n
        more = n * (x,)
        return 0.0 * x + sum(parts) + sum(more) + len("ab" * n)

    for n in (0, 1, 3):
        assert dc.jit(f)(2.0, n) == f(2.0, n)
        assert dc.grad(f)(2.0, n) == 4 * n


def test_an_integer_in_a_text_is_its_number():
    table = {"w1": 2.0, "w2": 5.0}
    f = dc.grad(lambda x, n: x * table[f"w{n}"])
    assert [f(1.0, 1), f(1.0, 2), f(1.0, 1)] == [2.0, 5.0, 2.0]


@pytest.mark.parametrize(
    "read",
    [
        lambda: W * 2, lambda: 2 * W, lambda: W.copy(), lambda: [3.0, *W], lambda: operator.add([3.0], W),
        lambda: operator.add(W, [3.0]), lambda: list(W), lambda: list(reversed(W)), lambda: sorted(W),
        lambda: [W.index(W[-1]), W.count(2.0)], lambda: [float(W < [1.5, 0.0])],
        lambda: [max(W), min(W), sum(W)],
    ],
)  # fmt: skip
def test_a_list_of_numbers_outside_is_read_anew_however_it_is_looked_into(read):
    f = dc.jit(lambda x: x * sum((k + 1) * each for k, each in enumerate(read())))
    plain = lambda: sum((k + 1) * each for k, each in enumerate(read()))  # noqa: E731
    try:
        assert f(2.0) == 2 * plain()
        W[:] = [3.0, 7.0]
        assert f(2.0) == 2 * plain()
        W.append(4.0)
        assert f(2.0) == 2 * plain()
    finally:
        W[:] = [1.0, 2.0]
