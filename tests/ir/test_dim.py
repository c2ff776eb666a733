"""Dimensions: polynomials in canonical form."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffc.errors import DiffcError, TypeProblem
from diffc.ir import Dim, dim_symbols, evaluate_extent, parse_extent, size_of, substitute_extent
from diffc.ir.dim import fold_extent, linear_form, may_be_negative

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


@pytest.mark.parametrize(
    ("extent", "text"),
    [
        ((N + 1) // 2, "floor((N+1)/2)"),
        (-(-N // 2), "floor((N+1)/2)"),
        (N - N // 2, "floor((N+1)/2)"),
        (N // 2 + (N + 1) // 2, "N"),
        (N * (M // 2) + (M + 1) // 2 * N, "M*N"),
        (N - N // 3 - (N + 1) // 3, "floor((N+2)/3)"),
        (N - N // 3, "N-floor(N/3)"),
        ((7 * N + 5) // 3, "2*N+floor((N+2)/3)+1"),
        ((2 * N + 5) // 4, "floor(N/2)+1"),
        (((N + 1) // 2 + 1) // 2, "floor((N+3)/4)"),
        ((N // 2 + 3 * M) // 2, "M+floor((N+2*M)/4)"),
        (4 * N // 2, "2*N"),
        ((2 * M * N) // 3 * N, "N*floor((2*M*N)/3)"),
        (N % 2, "-N+2*floor((N+1)/2)"),
        ((N - 3) // 2, "floor((N+1)/2)-2"),
    ],
)
def test_quotients(extent, text):
    assert str(extent) == text.replace("floor((N+2*M)/4)", "floor((2*M+N)/4)")
    assert parse_extent(str(extent)) == extent
    assert pickle.loads(pickle.dumps(extent)) == extent


def combined(parts):
    a, b, sign = parts
    return a + b if sign == "+" else a - b if sign == "-" else a * b


def quotient(parts):
    extent, divisor = parts
    try:
        return extent // divisor
    except TypeProblem:  # a quotient of others
        return extent


extents = st.recursive(
    st.integers(-4, 4) | st.sampled_from([N, M]),
    lambda inner: (
        st.tuples(inner, inner, st.sampled_from(["+", "-", "*"])).map(combined)
        | st.tuples(inner, st.integers(1, 5)).map(quotient)
    ),
    max_leaves=8,
)


def at_all(extent):
    return [evaluate_extent(extent, {"N": n, "M": m}) for n in range(7) for m in range(5)]


@given(extents, extents, st.integers(1, 5))
def test_quotients_agree_with_numbers(a, b, divisor):
    pairs = list(zip(at_all(a), at_all(b), strict=True))
    assert at_all(a + b) == [x + y for x, y in pairs]
    assert at_all(a - b) == [x - y for x, y in pairs]
    assert at_all(a * b) == [x * y for x, y in pairs]
    assert at_all(quotient((a, divisor))) in ([x // divisor for x, _ in pairs], at_all(a))
    assert (a + b) - b == a
    assert 0 - (0 - a) == a
    assert parse_extent(str(a)) == a
    assert may_be_negative(a) or min(at_all(a)) >= 0
    assert at_all(substitute_extent(a, {"N": 2 * M + 1})) == [
        evaluate_extent(a, {"N": 2 * m + 1, "M": m}) for _ in range(7) for m in range(5)
    ]


@pytest.mark.parametrize(
    ("extent", "may"),
    [
        (N - 1, True),
        (N - 2 * (N // 2), False),
        (2 * (N // 2) - N, True),
        (N - N // 3, False),
        (3 * (N // 3) - N, True),
        (N - 2 * ((N + 1) // 2), True),
        ((N // 2) * (N - 2 * (N // 2)), False),
        (N // 200 - N // 300, True),  # which it is not: there are too many remainders to try
    ],
)
def test_what_may_be_negative(extent, may):
    assert may_be_negative(extent) == may


def test_a_quotient_is_no_symbol():
    assert not (N // 2).is_symbol
    assert linear_form(N // 2) is None
    assert linear_form(2 * N + 1) == ("N", 2, 1)
    assert dim_symbols(N // 2 * M + (N + K) // 3) == ("K", "M", "N")


@pytest.mark.parametrize("divisor", [0, -2])
def test_a_quotient_is_by_a_positive_integer(divisor):
    with pytest.raises(DiffcError, match="positive integer"):
        N // divisor


def test_a_quotient_of_quotients_is_refused():
    with pytest.raises(TypeProblem, match="quotient of others"):
        (N // 2 * M + 1) // 2


def test_the_fold_gives_numbers_and_code():
    extent = 2 * N * M * M - N + 3
    values = {"N": 5, "M": 7}
    numbers = (int, values.__getitem__, int.__mul__, int.__add__, int.__floordiv__)
    for each in (extent, (extent + 2) // 3):
        assert fold_extent(each, *numbers) == evaluate_extent(each, values)
    texts = (str, "n_{}".format, "({} * {})".format, "({} + {})".format, "({} // {})".format)
    assert fold_extent(extent, *texts) == "(((0 + (((2 * n_M) * n_M) * n_N)) + (-1 * n_N)) + 3)"
    assert fold_extent(N // 2, *texts) == "(0 + (1 * ((0 + (1 * n_N)) // 2)))"
    assert fold_extent(4, *texts) == "4"


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
        "floor(N/0)",
        "floor(N/M)",
        "floor(N)",
        "floor(N/2",
        "floor((N+1/2)",
        "floor(floor(N/2)/3)",
        "floor(" * 400,
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
