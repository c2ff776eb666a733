"""NumPy's and SciPy's ufuncs on traced values: values and dtypes are NumPy's, others are refused."""

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.special

import diffc as dc
from diffc.ops import evaluate

REFUSED = [
    "bitwise_count", "frexp", "gcd", "isnat", "lcm", "ldexp", "left_shift", "nextafter", "right_shift",
    "spacing",
]  # fmt: skip
PRODUCTS = ["matmul", "matvec", "vecdot", "vecmat"]
TRUTH = ["bitwise_and", "bitwise_or", "bitwise_xor", "invert"]
LOGICAL = ["logical_and", "logical_or", "logical_not", "logical_xor"]
INTEGERS = [
    "absolute", "add", "ceil", "equal", "floor", "floor_divide", "fmax", "fmin", "fmod", "greater", "less",
    "maximum", "minimum", "multiply", "negative", "not_equal", "positive", "remainder", "sign", "square",
    "subtract", "divide", "sqrt", "exp", "trunc", "divmod", "hypot", "float_power",
]  # fmt: skip
SPECIAL = [
    "betaln", "binom", "cbrt", "entr", "erf", "erfc", "erfcinv", "erfinv", "exp2", "expit", "expm1", "exprel",
    "gamma", "gammaln", "huber", "kl_div", "log1p", "log_expit", "log_ndtr", "loggamma", "logit", "ndtr",
    "pseudo_huber", "psi", "rel_entr", "xlog1py", "xlogy",
]  # fmt: skip
UFUNCS: dict[str, np.ufunc] = {
    each.__name__: each
    for each in (getattr(np, name) for name in dir(np))
    if isinstance(each, np.ufunc) and each.__name__ not in (*REFUSED, *PRODUCTS, *TRUTH)
}
EDGES = np.array([-np.inf, -2.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 1.5, 2.5, 40.0, np.inf, np.nan])
NORMAL = np.array([-0.9, -0.5, -0.1, 0.3, 0.7, 1.0, 1.3, 2.7])


def check(f: Any, *args: Any, tolerance: float | None = None) -> None:
    """Compare a function's traced values, by the interpreter, and their dtypes with those of NumPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = f(*args)
        given = evaluate(dc.trace(f, *args).graph, *args)
    wanted = expected if isinstance(expected, tuple) else (expected,)
    assert len(given) == len(wanted)
    for mine, theirs in zip(given, map(np.asarray, wanted), strict=True):
        assert np.asarray(mine).dtype == theirs.dtype
        if theirs.dtype.kind != "f":
            np.testing.assert_array_equal(mine, theirs)
            continue
        rtol = tolerance or (2e-6 if theirs.dtype == np.float32 else 4e-15)
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("values", [EDGES, NORMAL], ids=["edges", "normal"])
@pytest.mark.parametrize("name", UFUNCS)
def test_ufunc(name: str, values: Any, dtype: Any) -> None:
    x = values.astype(dtype)
    args = [x] if UFUNCS[name].nin == 1 else [x[:, None], x]
    check(UFUNCS[name], *args)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SPECIAL)
def test_special(name: str, dtype: Any) -> None:
    ufunc = getattr(scipy.special, name)
    x = np.array([-0.9, -0.45, 0.0, 0.3, 1.0, 2.7, np.nan], dtype)
    if name in ("betaln", "kl_div", "pseudo_huber"):  # sums, which cancel and are no numbers at some edges
        x = np.array([0.3, 1.0, 2.7], dtype)
    check(
        ufunc,
        *([x] if ufunc.nin == 1 else [x[:, None], np.abs(x)]),
        tolerance=1e-5 if dtype == np.float32 else 1e-14,
    )


def test_special_functions_of_integers() -> None:
    check(scipy.special.gammaln, np.array([1, 4, 7]), tolerance=1e-14)
    check(lambda x: scipy.special.huber(1.5, x), np.array([-3, 0, 1, 2]))


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_polygamma(n: int) -> None:
    """SciPy's own in a traced function, and dc.polygamma, which takes arrays and traced values."""
    x = np.array([-1.5, -0.3, 0.4, 1.0, 30.0])
    expected = scipy.special.polygamma(n, x)
    inner = dc.jit(lambda x: dc.polygamma(n, x)), dc.jit(lambda x: scipy.special.polygamma(n, x))
    for run in (*inner, lambda x: dc.polygamma(n, x)):
        np.testing.assert_allclose(run(x), expected, rtol=1e-13)
    assert dc.jit(lambda x: dc.polygamma(n, x))(x.astype(np.float32)).dtype == np.float32
    assert dc.grad(lambda x: dc.polygamma(n, x))(1.7) == pytest.approx(scipy.special.polygamma(n + 1, 1.7))


def test_polygamma_of_an_unknown_order_is_refused() -> None:
    orders: list[Any] = [-1, 1.0, "2"]
    for order in orders:
        with pytest.raises(dc.DiffcError, match="n is an integer that is known when"):
            dc.trace(lambda x, order=order: dc.polygamma(order, x), 1.0)
    with pytest.raises(dc.DiffcError, match="known when tracing"):
        dc.trace(lambda x: dc.polygamma(x, x), 1.0)
    with pytest.raises(dc.DiffcError, match="n is an integer that is known when"):
        dc.trace(lambda x: scipy.special.polygamma(x, x), 1.0)
    assert dc.trace(lambda x: scipy.special.polygamma(1, x), 1.0)(0.5) == pytest.approx(np.pi**2 / 2)


@pytest.mark.parametrize("name", INTEGERS)
def test_integers(name: str) -> None:
    x = np.array([-5, -2, 1, 3, 7])
    check(UFUNCS[name], *([x] if UFUNCS[name].nin == 1 else [x[:, None], x]))


@pytest.mark.parametrize("name", [*TRUTH, *LOGICAL, "equal", "add", "multiply", "not_equal"])
def test_truth_values(name: str) -> None:
    x = np.array([False, True])
    ufunc = getattr(np, name)
    check(ufunc, *([x] if ufunc.nin == 1 else [x[:, None], x]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [name for name, each in UFUNCS.items() if each.nin == 2])
def test_python_numbers_are_weak(name: str, dtype: Any) -> None:
    x = NORMAL.astype(dtype)
    check(lambda x: UFUNCS[name](x, 2.5), x)
    check(lambda x: UFUNCS[name](3, x), x)
    check(lambda x, number: UFUNCS[name](x, number), x, 2)


@pytest.mark.parametrize("axis", [0, 1, None, (0, 1)])
@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum", "logical_and", "logical_or"])
def test_reduce(name: str, axis: Any) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    check(lambda x: UFUNCS[name].reduce(x, axis=axis), x)
    check(lambda x: UFUNCS[name].reduce(x, axis=axis, keepdims=True), x)


def test_reduce_without_an_axis_is_over_the_first() -> None:
    x = np.arange(6.0).reshape(2, 3)
    check(np.add.reduce, x)
    check(np.logaddexp.reduce, x)


@pytest.mark.parametrize("name", ["add", "multiply"])
@pytest.mark.parametrize("axis", [0, 1])
def test_accumulate(name: str, axis: int) -> None:
    check(lambda x: UFUNCS[name].accumulate(x, axis=axis), np.random.default_rng(0).normal(size=(3, 4)))


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "arctan2", "maximum", "less"])
def test_outer(name: str) -> None:
    check(UFUNCS[name].outer, np.arange(3.0), np.arange(4.0).reshape(2, 2) - 1.5)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    ufunc = getattr(np, name)
    x = np.arange(3.0)
    with pytest.raises(dc.DiffcError, match=f"{name} cannot be traced: "):
        dc.trace(lambda x: ufunc(*(x,) * ufunc.nin), x)


@pytest.mark.parametrize("name", TRUTH)
def test_bits_of_numbers_are_refused(name: str) -> None:
    ufunc = getattr(np, name)
    with pytest.raises(dc.DiffcError, match="truth values only"):
        dc.trace(lambda x: ufunc(*(x,) * ufunc.nin), np.arange(3))


@pytest.mark.parametrize("name", ["j0", "betainc", "ellipk"])
def test_other_special_functions_are_refused(name: str) -> None:
    ufunc = getattr(scipy.special, name)
    with pytest.raises(dc.DiffcError, match=f"{name} is not supported"):
        dc.trace(lambda x: ufunc(*(x,) * ufunc.nin), np.arange(3.0))


def test_derivatives_at_special_places() -> None:
    gradients = dc.vmap(dc.grad(scipy.special.xlogy, [0, 1]))(np.array([0.0, 2.0]), np.array([4.0, 3.0]))
    np.testing.assert_allclose(gradients, [[np.log(4), np.log(3)], [0, 2 / 3]], rtol=1e-14)
    gradients = dc.vmap(dc.grad(scipy.special.xlog1py, [0, 1]))(np.array([0.0, 2.0]), np.array([4.0, 3.0]))
    np.testing.assert_allclose(gradients, [[np.log(5), np.log(4)], [0, 0.5]], rtol=1e-14)
    points = np.array([-1.5, -1.0, 0.0, 2.3])
    np.testing.assert_array_equal(dc.vmap(dc.grad(lambda x: np.modf(x)[0]))(points), np.ones(4))
    exprel = dc.vmap(dc.grad(scipy.special.exprel))(np.array([0.0, 1.0]))
    np.testing.assert_allclose(exprel, [0.5, 1.0], rtol=1e-14)


ASKED: list[Any] = [
    lambda x, y: np.less(x, y, dtype=bool),
    lambda x, y: np.equal(x, y, dtype=bool, casting="unsafe"),
    lambda x, y: np.less(x, 1, dtype=bool),
    lambda x, y: np.less.outer(x, y, dtype=bool),
    lambda x, y: np.signbit(x, dtype=bool),
    lambda x, y: np.logical_and(x, y, dtype=bool),
    lambda x, y: np.divide(3, x, dtype=np.float32),
    lambda x, y: np.maximum(x, 2, dtype=np.float32),
    lambda x, y: np.add(x > 0, y > 0, dtype=int),
    lambda x, y: np.sin(x > 0, dtype=np.float32),
    lambda x, y: np.maximum(x > 0, y > 0, dtype=float),
    lambda x, y: np.add(x, y, dtype=int, casting="unsafe"),
    lambda x, y: np.divmod(x, y, dtype=float),
    lambda x, y: np.add(x, x, casting="no"),
]
IMPOSSIBLE: list[Any] = [
    lambda x, y: np.divide(3, x, dtype=np.int64),
    lambda x, y: np.maximum(x, y, dtype=np.int64),
    lambda x, y: np.less(x, y, dtype=float),
    lambda x, y: np.sin(x, dtype=int),
    lambda x, y: np.multiply(x, y, dtype=bool),
    lambda x, y: np.add(x, 1 * (y > 0), casting="no"),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("f", ASKED)
def test_the_dtype_asked_for_is_that_of_the_result(f: Any, dtype: Any) -> None:
    check(f, np.array([0.5, -1.7, 2.3], dtype), np.array([0.25, -1.7, 2.9]))


@pytest.mark.parametrize("f", IMPOSSIBLE)
def test_dtypes_that_numpy_refuses_are_refused(f: Any) -> None:
    x, y = np.array([0.5, -1.7, 2.3]), np.array([0.25, -1.7, 2.9])
    with pytest.raises(TypeError):
        f(x, y)
    with pytest.raises(dc.DiffcError, match="NumPy refuses these dtypes"):
        dc.trace(f, x, y)
