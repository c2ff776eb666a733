"""Types, promotion and broadcasting."""

import itertools

import numpy as np
import pytest

from diffc.errors import DiffcError, TypeProblem
from diffc.ir import Dim, TupleType, Type, broadcast_shapes, parse_type, promote
from diffc.ops.base import DTYPES

N, M = Dim.symbol("N"), Dim.symbol("M")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("f64", "f64[]"),
        ("f64[]", "f64[]"),
        (" f32 [ N , 10 ] ", "f32[N, 10]"),
        ("float64[2*N-1]", "f64[2*N-1]"),
        ("int", "i64[]"),
        ("bool[0]", "bool[0]"),
    ],
)
def test_reading_and_printing(text, shown):
    assert str(parse_type(text)) == shown
    assert parse_type(shown) == parse_type(text)


def test_a_scalar_is_one_type():
    assert parse_type("f64") == Type("f64") == Type("f64", ())
    assert hash(parse_type("f64")) == hash(Type("f64"))
    assert Type("f64") != Type("f32")
    assert Type("f64", (N,)) != Type("f64", (M,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("complex128", "complex numbers are not supported"),
        ("c64[N]", "complex numbers are not supported"),
        ("f16", "it is not supported"),
        ("f64[", "cannot read the type"),
        ("f64[N,]", "ends too early"),
        ("", "cannot read the type"),
        ("f64[-1]", "negative"),
        ("f64[" + ",".join("1" * 17) + "]", "at most 16 axes"),
    ],
)
def test_refused(text, message):
    with pytest.raises(DiffcError, match=message):
        parse_type(text)


@pytest.mark.parametrize("pair", list(itertools.product(DTYPES, repeat=2)), ids=" ".join)
def test_promotion_is_numpys(pair):
    names = {np.dtype(kind): name for name, kind in DTYPES.items()}
    assert promote(*pair) == names[np.result_type(*[DTYPES[name] for name in pair])]


@pytest.mark.parametrize(
    ("shapes", "result"),
    [
        (((), (3,)), (3,)),
        (((2, 1), (3,)), (2, 3)),
        (((N,), (1,)), (N,)),
        (((N, 1), (1, M)), (N, M)),
        (((N,), (M,)), None),
        (((N,), (3,)), None),
        (((N,), (N - 1,)), None),
        (((2,), (3,)), None),
        (((0,), (1,)), (0,)),
        ((), ()),
    ],
)
def test_broadcasting(shapes, result):
    assert broadcast_shapes(*shapes) == result


def test_a_symbol_is_never_one():
    """N may be 1 at run time; a kernel compiled for every N must not stretch it."""
    assert broadcast_shapes((N,), (5,)) is None


def test_size_and_tuple():
    assert Type("f64", (N, 3)).size == 3 * N
    assert str(TupleType((Type("f64"), Type("i64", (N,))))) == "(f64[], i64[N])"
    assert TupleType((Type("f64"),)) == TupleType((Type("f64"),))


def test_negative_extent():
    with pytest.raises(TypeProblem, match="negative"):
        Type("f64", (-1,))
