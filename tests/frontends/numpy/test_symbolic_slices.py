"""Parts of symbolic axes: what NumPy gives at each size, or an error where an axis is too short."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.ops import evaluate

PARTS = [
    "x[::2]", "x[1::3]", "x[::-1]", "x[::-2]", "x[-1::-3]", "x[-3::2]", "x[:-2:2]", "x[5:2]", "x[2:0:-1]",
    "x[:2]", "x[1:][1:]", "x[-3:]", "x[1:-1:2]", "x[:1:-1]", "x[::2][1::2]", "x[3:][::-2]", "x[:n // 2]",
    "x[n // 2:]", "x[:n // 2] - x[(n + 1) // 2:]", "x[n % 2::2] * x[:n - n % 2:2]", "x[n // 3:2 * n // 3]",
    "np.concatenate([x[::2], x[1::2]]) + x", "np.split(x, 2)[1]", "np.array_split(x, 3)[0]",
    "np.array_split(x, 3)[2]", "np.concatenate(np.array_split(x, 4)) * x", "x[::2].reshape(-1, 1) * x[::2]",
    "x[np.arange(0, n, 2)]", "x[None, ::3].T @ x[None, ::3]", "np.outer(x, x)[::2, 1::2].ravel()",
]  # fmt: skip
WRITES = ["z[::2] += 1", "z[1::3] *= z[1::3]", "z[::-2] = z[::2] ** 2", "z[:n // 2] = 0", "z[-2:] = z[:2]"]
SIZES = (0, 1, 2, 3, 4, 5, 8, 9)


def part(text: str) -> Callable[..., Any]:
    return lambda x: eval(text, {"np": np, "x": x, "n": x.shape[0]})


def written(text: str) -> Callable[..., Any]:
    def function(x: Any) -> Any:
        z = x * 1.0
        exec(text, {"z": z, "n": x.shape[0]})
        return z

    return function


FUNCTIONS = [*((text, part(text)) for text in PARTS), *((text, written(text)) for text in WRITES)]
each = pytest.mark.parametrize(("text", "function"), FUNCTIONS, ids=[text for text, _ in FUNCTIONS])


def numbers(size: int) -> Any:
    return np.random.default_rng(size).uniform(0.5, 2.0, size)


@each
def test_values_at_each_size(text: str, function: Callable[..., Any]) -> None:
    f = dc.trace(lambda x: function(x), dc.f64("N"))
    compiled = dc.compile(f, cache=False)
    refused = []
    for size in SIZES:
        x = numbers(size)
        try:
            got = compiled(x)
        except dc.DiffcError:
            refused.append(size)
            with pytest.raises(dc.DiffcError):
                evaluate(f.graph, x)
            continue
        np.testing.assert_allclose(got, function(x), 1e-13, strict=True)
        np.testing.assert_allclose(evaluate(f.graph, x)[0], function(x), 1e-13, strict=True)
    longest = 1 if "split(x, 2)" not in text else 9
    assert all(size < 4 or size % 2 == longest % 2 == 1 for size in refused)


@each
def test_derivatives_are_those_of_a_known_extent(text: str, function: Callable[..., Any]) -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.sin(function(x) * np.sum(x)))

    symbolic = dc.hessian(dc.trace(loss, dc.f64("N")))
    gradient = dc.grad(dc.trace(loss, dc.f64("N")))
    for size in (4, 5) if "split(x, 2)" not in text else (4, 6):
        x = numbers(size)
        known = dc.trace(loss, dc.f64(size))
        for mine, theirs in ((symbolic, dc.hessian(known)), (gradient, dc.grad(known))):
            np.testing.assert_allclose(
                evaluate(mine.graph, x)[0], evaluate(theirs.graph, x)[0], 1e-11, 1e-11, strict=True
            )


def test_maps_and_the_readable_source_follow() -> None:
    f = dc.trace(lambda x: np.cumsum(x[::-2]) ** 2, dc.f64("N"))
    x = np.stack([numbers(5), numbers(5) + 1])
    np.testing.assert_allclose(dc.vmap(f)(x), np.cumsum(x[:, ::-2], 1) ** 2)
    jacobian = dc.jacobian(f)
    one, other = (dc.compile(jacobian, cache=False, lowering=each)(x[0]) for each in ("llvm", "source"))
    np.testing.assert_allclose(one, other)
    assert dc.verify(f, order=1).ok


def test_equal_extents_are_one() -> None:
    f = dc.trace(lambda x: x[: x.shape[0] // 2], dc.f64("N"))
    assert str(f.graph.outputs[0].type) == "f64[floor(N/2)]"
    assert f.graph.requirements == ()
    assert str(dc.trace(lambda x: x[x.shape[0] // 2 :], dc.f64("N")).graph.outputs[0].type) == (
        "f64[floor((N+1)/2)]"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x[:2]", "element 1 .* which needs N-2 >= 0"),
        ("x[-3:]", "starts at N-3, which needs N-3 >= 0"),
        ("np.split(x, 2)", "2 equal parts of N elements"),
        ("x[4::2]", r"negative \(floor\(\(N\+1\)/2\)-2 = -1\) for N = 1"),
    ],
)
def test_a_short_axis_is_refused_where_numpy_takes_less(text: str, says: str) -> None:
    f = dc.trace(lambda x: part(text)(x), dc.f64("N"))
    with pytest.raises(dc.DiffcError, match=says):
        f(np.ones(1))
