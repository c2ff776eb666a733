"""What cannot be traced is refused by a DiffcError that says what to write instead."""

import math
from collections import UserList
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import diffc as dc

X = np.arange(1.0, 4.0)


def assign(x: Any) -> Any:
    x[0] = 1.0
    return x


def add_to(x: Any) -> Any:
    x[0] += 1.0
    return x


def loop(x: Any) -> Any:
    while np.sum(x) > 1:
        x = x / 2
    return x


CHANGED = r"changes its argument x, which a Function cannot: .* x\.copy\(\)"

REFUSED: dict[str, tuple[Any, str]] = {
    "if": (lambda x: x if x[0] > 0 else -x, r"np\.where\(condition, a, b\)"),
    "while": (loop, r"np\.where\(condition, a, b\)"),
    "and": (lambda x: (x[0] > 0) and (x[1] > 0), "& | ~ for logic"),
    "not": (lambda x: not x[0], "& | ~ for logic"),
    "max": (lambda x: max(x[0], x[1]), r"np\.maximum for the larger"),
    "float": (lambda x: float(x[0]), r"float\(\) of it is asked for"),
    "int": (lambda x: int(x[0]), r"write x\.astype\(int\)"),
    "complex": (lambda x: complex(x[0]), "the real and the imaginary part"),
    "format": (lambda x: f"{x[0]:.3f}", "return the value and format"),
    "range": (lambda x: [x[k] for k in range(np.sum(x).astype(int))], r"functools\.partial"),
    "range of a float": (lambda x: range(x[0]), r"is no integer, but one is asked for, by range\(\)"),
    "list index by a float": (lambda x: [1, 2][x[0]], r"is no integer.*x\[i\.astype\(int\)\]"),
    "zeros": (lambda x: np.zeros(x[0]), "must be an integer that is known when"),
    "comb": (lambda x: math.comb(x[0], 2), "is no integer"),
    "len of a scalar": (lambda x: len(x[0]), r"is a scalar, without an axis, but len\(\) of it"),
    "loop over a scalar": (lambda x: [*x[0]], "is a scalar, without an axis, but its elements are asked for"),
    "pow with a modulus": (lambda x: pow(x, 2, 3), r"write x\*\*y % m"),
    "axis": (lambda x: np.sum(x, axis=1.5), "sum: an axis must be an integer that is known when tracing"),
    "traced axis": (lambda x: np.flip(x, x[0]), "an axis must be an integer that is known when tracing"),
    "dtype": (lambda x: x.astype("abc"), "the dtype 'abc' is not supported: use float64"),
    "slice": (lambda x: x[0:1.5], r"start, stop and step of a slice are integers, not 1\.5"),
    "order of a norm": (lambda x: np.linalg.norm(x, ord=x[0]), "ord must be a number that is known"),
    "repeats": (lambda x: np.repeat(x, 1.5), "repeats must be integers"),
    "list index": (lambda x: [1, 2][x[0].astype(int)], "known when tracing"),
    "math": (lambda x: math.sin(x[0]), r"write np\.sin\(x\) instead of math\.sin\(x\)"),
    "math.floor": (lambda x: math.floor(x[0]), r"np\.sin\(x\) instead of math\.sin"),
    "assign": (assign, CHANGED),
    "add to": (add_to, CHANGED),
    "None": (lambda x: None, "returns None: is its return statement missing"),
    "text": (lambda x: "a", "must return arrays and numbers.*texts"),
    "set": (lambda x: {1}, "must return arrays and numbers"),
    "nothing": (lambda x: (), "returns no array and no number"),
    "key": (lambda x: {x[0]: 1}, "not hashable"),
    "attribute": (lambda x: x.summ(), r"no attribute 'summ'; did you mean 'sum'"),
    "item": (lambda x: x.item(), "3 elements do not fit"),
    "sort": (lambda x: x.sort(), CHANGED),
    "out": (lambda x: np.sin(x, out=x), CHANGED),
    "where": (lambda x: np.sin(x, where=x > 0), r"np\.where\(mask, np\.sin"),
    "at": (lambda x: np.add.at(x, 0, 1), CHANGED),
    "complex number": (lambda x: x * 1j, "complex numbers are not supported"),
    "eig": (lambda x: np.linalg.eig(np.diag(x)), r"np\.linalg\.eigh"),
    "unique": (lambda x: np.unique(x), "outside the traced function"),
    "mask": (lambda x: x[x > 1], r"np\.where\(mask, x, 0\)"),
    "shapes": (lambda x: x + np.ones(4), r"f64\[3\].*f64\[4\]|shape"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    f, message = REFUSED[name]
    with pytest.raises(dc.DiffcError, match=message):
        dc.trace(f, X)


@pytest.mark.parametrize(
    "f", [lambda x: sum(each for each in x), lambda x: x * len(x), lambda x: np.stack([*x])]
)
def test_symbolic_axis_is_not_iterated(f: Any) -> None:
    with pytest.raises(dc.DiffcError, match="symbolic extent N: compute with the whole array"):
        dc.trace(f, dc.f64("N"))


def test_leaked_value() -> None:
    kept: UserList[Any] = UserList()  # a list whose changes are not seen

    def leak(x: Any) -> Any:
        kept.append(x)
        return x

    dc.trace(leak, X)
    for use in (lambda: kept[0] + 1, lambda: np.sum(kept[0]), lambda: dc.trace(lambda x: x + kept[0], X)):
        with pytest.raises(dc.DiffcError, match="used after the tracing of leak has ended"):
            use()


def test_value_in_another_thread() -> None:
    def f(x: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: x + 1).result()

    with pytest.raises(dc.DiffcError, match="in another thread"):
        dc.trace(f, X)


def test_unknown_keyword_is_named() -> None:
    with pytest.raises(dc.DiffcError, match=r"numpy\.sum: got an unexpected keyword argument 'foo'; what is"):
        dc.trace(lambda x: x.sum(foo=1), X)
    with pytest.raises(dc.DiffcError, match=r"numpy\.sum: got an unexpected keyword argument 'foo'; what is"):
        dc.trace(lambda x: np.sum(x, foo=1), X)  # pyright: ignore[reportCallIssue]


def test_errors_of_the_function_itself_are_its_own() -> None:
    def wrong(x: Any) -> Any:
        raise ValueError("setting an array element is not what is wrong here")

    with pytest.raises(ValueError, match="is not what is wrong here"):
        dc.trace(wrong, X)
    assert dc.grad(np.sin)(0.0) == 1  # a failed trace leaves nothing behind


def test_round() -> None:
    assert dc.jit(lambda x: round(x, 1))(2.345) == round(2.345, 1)
    assert dc.jit(lambda x: round(x))(2.5) == 2
