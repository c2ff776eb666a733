"""The dtypes of results for integers, truth values and f32: NumPy's, with the same values."""

from typing import Any

import numpy as np
import pytest

import diffc as dc

INTEGERS = {
    "i": np.array([3, -1, 0, 7, 2]), "k": np.array([1, 2, -2, 0, 5]), "m": np.arange(-4, 5).reshape(3, 3),
}  # fmt: skip
TRUTHS = {
    "i": np.array([True, False, True, True, False]), "k": np.array([True, True, False, False, False]),
    "m": np.array([[True, False, True], [False, False, True], [True, True, False]]),
}  # fmt: skip
OF_BOTH = [
    "np.outer(i, k)", "np.kron(m, i)", "np.vecdot(m, m)", "np.matvec(m[None], m)", "np.vecmat(m, m[None])",
    "np.convolve(i, k)", "np.correlate(i, k, 'same')", "np.polyval(k, i)", "np.polyadd(i, k[:2])",
    "np.quantile(m, [0.3, 0.9], axis=1, method='higher')", "np.quantile(m, 0.37, axis=0, method='nearest')",
    "np.fix(m)", "np.sum(m, 0, initial=3)", "m @ m", "np.dot(m, m)", "np.max(m, axis=1, initial=False)",
    "np.linalg.multi_dot([m, m, m])", "np.maximum(i, k)",
]  # fmt: skip
CASES = [
    *((text, INTEGERS) for text in OF_BOTH), *((text, TRUTHS) for text in OF_BOTH),
    *(
        (text, INTEGERS) for text in (
            "np.fabs(i)", "np.reciprocal(i)", "np.linalg.matrix_power(m, 5)", "np.linalg.matrix_power(m, 1)",
            "np.sum(m, 1, initial=2.5)", "np.prod(m, 1, initial=-2.5)", "np.min(m, 0, initial=0.5)",
            "np.max(m, 0, initial=0.5, where=m < 2)", "np.average(m, axis=0, weights=[1, 2, 3])",
            "np.stack(np.average(m, axis=0, weights=[1, 2, 3], returned=True))",
        )
    ),
]  # fmt: skip


def call(text: str, names: list[str]) -> Any:
    return lambda *arrays: eval(text, {"np": np, **dict(zip(names, arrays, strict=True))})


@pytest.mark.parametrize(("text", "arrays"), CASES, ids=lambda each: each if isinstance(each, str) else "")
def test_integers_and_truth_values(text: str, arrays: dict[str, Any]) -> None:
    f = call(text, list(arrays))
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = f(*arrays.values())
    np.testing.assert_allclose(dc.jit(f)(*arrays.values()), wanted, 1e-14, strict=True)


def test_the_square_of_an_integer_matrix_to_the_power_0_is_1() -> None:
    power = dc.jit(lambda m: np.linalg.matrix_power(m, 0))
    np.testing.assert_array_equal(power(INTEGERS["m"]), np.eye(3, dtype=int), strict=True)


@pytest.mark.parametrize(
    "text",
    [
        "np.fabs(x)", "np.sum(x, initial=1.5)[None]", "np.max(x, initial=0.5)[None]", "np.reciprocal(x)",
        "np.quantile(x, [0.3, 0.4])", "np.cov(x, x)", "np.corrcoef(x, x)", "np.interp(x, np.sort(x), x)",
        "np.average(x, weights=x)[None]", "np.outer(x, x)", "np.polyval(x, x)",
    ],
)  # fmt: skip
def test_f32_stays_f32(text: str) -> None:
    x = np.array([0.5, 2.0, 1.25, 3.0], np.float32)
    f = call(text, ["x"])
    got = dc.jit(f)(x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, f(x), 1e-6)
