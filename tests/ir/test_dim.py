"""Dimensions: polynomials in canonical form."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffc.errors import DiffcError, TypeProblem
from diffc.ir import Dim, dim_symbols, evaluate_extent, parse_extent, size_of, substitute_extent
from diffc.ir.dim import fold_extent

N, M, K = Dim.symbol("N"), Dim.symbol("M"), Dim.symbol("K")


@pytest.mark.parametrize(
    ("extent", "text"),
    [
        (N, "N"),
        (N - 1, "N-1"),
        (2 * N * M, "2*M*N"),
        (M * N * 2, "2*M*N"),
        (1 - N, "-N+1"),
        (N * N + 3, "N**2+3"),
        ((N + 1) * (N - 1), "N**2-1"),
        (N + M - K, "-K+M+N"),
    ],
)
def test_canonical_text(extent, text):
    assert str(extent) == text
    assert parse_extent(text) == extent


def test_symbols_that_cancel_leave_an_int():
    assert N - N == 0
    assert type(N - N) is int
    assert type(N + 5 - N) is int
    assert type(0 * N) is int
    assert (N + M) - M == N


def test_order_of_building_does_not_matter():
    assert (N + M) * (N - M) == N * N - M * M
    assert hash((N + M) * (N - M)) == hash(N * N - M * M)
    assert N != M
    assert N != 1


@pytest.mark.parametrize(
    ("total", "divisor", "quotient"),
    [(6 * N * M, 2 * N, 3 * M), (2 * N + 4, 2, N + 2), (N + 1, N + 1, 1), (N + 1, 2, None), (N, M, None)],
)
def test_divide(total, divisor, quotient):
    assert total.divide(divisor) == quotient


def test_values_and_substitution():
    extent = 2 * N * M - K + 1
    assert evaluate_extent(extent, {"N": 3, "M": 4, "K": 5}) == 20
    assert substitute_extent(extent, {"N": M, "K": 1}) == 2 * M * M
    assert dim_symbols(extent) == ("K", "M", "N")
    assert size_of((N, 3, M)) == 3 * M * N
    assert size_of(()) == 1


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=5), st.integers(0, 7))
def test_arithmetic_agrees_with_numbers(coefficients, value):
    extent = 0
    for power, coefficient in enumerate(coefficients):
        term = coefficient
        for _ in range(power):
            term = term * N
        extent = extent + term
    assert evaluate_extent(extent, {"N": value}) == sum(c * value**p for p, c in enumerate(coefficients))
    assert parse_extent(str(extent)) == extent


def test_the_fold_gives_numbers_and_code():
    extent = 2 * N * M * M - N + 3
    values = {"N": 5, "M": 7}
    assert fold_extent(extent, int, values.__getitem__, int.__mul__, int.__add__) == evaluate_extent(
        extent, values
    )
    code = fold_extent(extent, str, "n_{}".format, "({} * {})".format, "({} + {})".format)
    assert code == "(((0 + (((2 * n_M) * n_M) * n_N)) + (-1 * n_N)) + 3)"
    assert fold_extent(4, str, str, max, max) == "4"


def test_pickling():
    assert pickle.loads(pickle.dumps(2 * N - 1)) == 2 * N - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "N M",
        "N+",
        "*N",
        "(N)",
        "N**9",
        "N**0",
        "N**-1",
        "N/2",
        "1.5",
        "N**N",
        "9" * 19,
        "N+" * 600 + "N",
        "N\x00",
    ],
)
def test_refused_texts(text):
    with pytest.raises(DiffcError):
        parse_extent(text)


def test_refused_names_and_sizes():
    with pytest.raises(DiffcError, match="letters, digits"):
        Dim.symbol("N-1")
    with pytest.raises(TypeProblem, match="more than 64 terms"):
        parse_extent("+".join(f"A{k}" for k in range(65)))
