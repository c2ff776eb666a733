"""Masks, bins, shares, truth values: as in NumPy, or refused; what is looked into is seen at each call."""

import itertools
from functools import partial

import numpy as np
import pytest

import diffc as dc
from diffc.ops import evaluate

X = np.array([0.5, -1.0, 2.0, 0.25, 3.0])
MASK = np.array([True, False, True, False, True])
TABLE = np.arange(15.0).reshape(3, 5)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[:, MASK],
        lambda x: x[..., MASK],
        lambda x: x[None, :, MASK],
        lambda x: x[TABLE > 4],
        lambda x: x[1, MASK],
        lambda x: x[[True, False, True]],
    ],
)
def test_masks_of_their_axes(function):
    np.testing.assert_array_equal(dc.jit(function)(TABLE), function(TABLE))


@pytest.mark.parametrize(
    "function", [lambda x: x[[True, False]], lambda x: x[:, MASK[:3]], lambda x: x[(TABLE > 4).T]]
)
def test_masks_of_other_axes_are_refused(function):
    with pytest.raises(dc.DiffcError, match="a mask of shape"):
        dc.jit(function)(TABLE)


def test_a_mask_says_what_a_symbol_must_be():
    f = dc.trace(lambda x: x[MASK], dc.f64("N"))
    np.testing.assert_array_equal(f(X), X[MASK])
    for other in (X[:4], np.arange(7.0)):
        with pytest.raises(dc.DiffcError, match="a mask of shape"):
            f(other)


@pytest.mark.parametrize("kind", [list, np.array])
def test_bins_that_turn_around(kind):
    bins = kind([-1.0, 0.0, 1.0])
    f = dc.jit(lambda x: np.digitize(x, bins))
    np.testing.assert_array_equal(f(X), np.digitize(X, bins))
    bins[:] = [1.0, 0.0, -1.0]
    np.testing.assert_array_equal(f(X), np.digitize(X, bins))


METHODS = (
    "interpolated_inverted_cdf", "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower",
    "higher", "nearest", "midpoint",
)  # fmt: skip
INFINITE = [
    np.array(list(itertools.product([-np.inf, 1, 2, np.inf, np.nan], repeat=n))) for n in (1, 2, 3, 4)
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", [np.quantile, np.nanquantile])
def test_quantiles_of_infinities(function, method):
    for rows, share in itertools.product(INFINITE, (0.0, 0.1, 0.25, 0.5, 0.6, 0.75, 1.0, 0, 1)):
        quantile = partial(function, q=share, axis=1, method=method)
        found = evaluate(dc.trace(lambda x, f=quantile: f(x), dc.f64(*rows.shape)).graph, rows)[0]
        np.testing.assert_allclose(found, quantile(rows), rtol=1e-14)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", [np.median, np.nanmedian])
def test_medians_of_infinities(function):
    for rows in INFINITE:
        np.testing.assert_array_equal(dc.jit(lambda x: function(x, axis=1))(rows), function(rows, axis=1))
    f = dc.trace(np.median, dc.f64("N"))
    for x in ([-np.inf, 1.0], [1e308], [np.inf, 1e308, 1e308], [1.0, 5.0]):
        assert f(np.array(x)) == np.median(x)


def test_shares_that_change():
    share = np.array([0.2, 0.5])
    f = dc.jit(lambda x: np.quantile(x, share))
    np.testing.assert_allclose(f(X), np.quantile(X, share), atol=1e-15)
    share[0] = 0.9
    np.testing.assert_allclose(f(X), np.quantile(X, share), atol=1e-15)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.quantile(x, 2.0),
        lambda x: np.quantile(x, np.nan),
        lambda x: np.percentile(x, [-1, 120]),
        lambda x: np.nanquantile(x, 1.5),
        lambda x: np.sum(x, dtype=bool),
        lambda x: np.prod(x, dtype=bool),
        lambda x: np.cumsum(x, dtype=bool),
        lambda x: np.add.reduce(x > 0, dtype=bool),
    ],
)
def test_what_has_no_value_here_is_refused(function):
    with pytest.raises(dc.DiffcError):
        dc.jit(function)(X)


@pytest.mark.parametrize(
    "function",
    [
        np.dot,
        np.matmul,
        np.inner,
        lambda a, b: np.einsum("ij,j->i", a, b),
        lambda a, b: np.tensordot(a, b, axes=1),
        np.maximum,
        np.minimum,
    ],
)
def test_products_of_truth_values_are_truth_values(function):
    a, b = TABLE[:, :3] > 5, np.array([True, False, True])
    got = dc.jit(function)(a, b)
    assert got.dtype == bool
    np.testing.assert_array_equal(got, function(a, b))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.partition(x, 9),
        lambda x: np.argpartition(x, [1, -9]),
        lambda x: np.bincount([0, 1, 2, 0, -1], weights=x),
        lambda x: x + np.uint64(2**63),
        lambda x: np.trace(x[:, None] * x, dtype=bool),
    ],
)
def test_what_lies_outside_is_refused(function):
    with pytest.raises(dc.DiffcError):
        dc.jit(function)(X)


def test_places_of_a_partition_need_a_symbol_that_is_larger():
    f = dc.trace(lambda x: np.partition(x, 3), dc.f64("N"))
    np.testing.assert_array_equal(f(X), np.sort(X))
    with pytest.raises(dc.DiffcError, match="kth 3 lies outside"):
        f(X[:2])
