"""Constant expressions: what folds is exact, what does not is rounded once and correctly."""

import math
import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from diffc.ir import Graph, Node, Type
from diffc.ops import cast, constant, input_node, lift, scalar_value
from diffc.ops.arithmetic import abs_, add, div, maximum, mul, neg, square, sub
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.constant import Unrounded, constant_like, pi
from diffc.ops.elementary import cbrt, cos, exp, exp2, log, log2, log10, sin, sqrt
from diffc.ops.exact import estimate, folded, weak
from diffc.ops.factorizations import cholesky
from diffc.ops.logic import eq, gt, lt, where
from diffc.ops.powers import pow_
from diffc.ops.rationals import fractions_of, rounded
from diffc.ops.reshaping import reshape
from diffc.ops.rounding import floor, rint
from diffc.ops.slicing import concatenate, slice_
from diffc.optimize import round_constants


def c(value):
    return constant(float(value))


def number(node: Node):
    """Return what a constant expression folds to, None where it stays."""
    result = folded(node)
    return None if result is None else scalar_value(result)


def last(node: Node):
    """Return what the last pass makes of a constant expression."""
    (output,) = round_constants(Graph("f", (), (node,))).outputs
    return output.op.reference(output.attrs)


EXACT = {
    "a sum": (lambda: add(c(0.5), c(0.25)), 0.75),
    "a product": (lambda: mul(c(0.1), c(2)), 0.2),
    "a quotient": (lambda: div(c(1), c(4)), 0.25),
    "a difference of near numbers": (lambda: sub(c(2.2), c(1)), 1.2000000000000002),
    "a square": (lambda: square(c(1.5)), 2.25),
    "a power": (lambda: pow_(c(1.5), c(3)), 3.375),
    "a negative power": (lambda: pow_(c(2), c(-3)), 0.125),
    "a half power": (lambda: pow_(c(6.25), c(1.5)), 15.625),
    "a root": (lambda: sqrt(c(6.25)), 2.5),
    "a cube root": (lambda: cbrt(c(-3.375)), -1.5),
    "a power of two": (lambda: exp2(c(-3)), 0.125),
    "a binary logarithm": (lambda: log2(c(0.125)), -3.0),
    "a decimal logarithm": (lambda: log10(c(1000)), 3.0),
    "exp of 0": (lambda: exp(c(0)), 1.0),
    "log of 1": (lambda: log(c(1)), 0.0),
    "cos of 0": (lambda: cos(c(0)), 1.0),
    "an absolute value": (lambda: abs_(c(-0.1)), 0.1),
    "a maximum": (lambda: maximum(c(0.1), c(0.2)), 0.2),
    "three thirds": (lambda: mul(div(c(1), c(3)), c(3)), 1.0),
    "a floor of what is no double": (lambda: floor(div(c(10), c(3))), 3.0),
    "a tie to even": (lambda: rint(c(2.5)), 2.0),
    "a choice": (lambda: where(lt(c(1), c(2)), c(0.1), div(c(1), c(3))), None),
    "a double negation": (lambda: neg(neg(c(0.1))), 0.1),
    "a truth": (lambda: gt(div(c(1), c(3)), c(1 / 3)), True),
    "an untruth": (lambda: eq(add(c(0.1), c(0.2)), c(0.3)), False),
    "integers": (lambda: mul(constant(3), constant(-4)), -12),
    "integers that wrap": (lambda: add(constant(2**63 - 1), constant(1)), -(2**63)),
    "a cast to integers": (lambda: cast(div(c(10), c(3)), "i64"), 3),
    "infinity": (lambda: add(c(math.inf), c(1)), math.inf),
    "a pole": (lambda: div(c(1), c(0)), math.inf),
    "a negative pole": (lambda: div(c(1), c(-0.0)), -math.inf),
    "a negative zero": (lambda: mul(c(-1), c(0)), -0.0),
    "the greatest": (lambda: mul(c(2.0**1000), c(2.0**23)), 2.0**1023),
    "a subnormal": (lambda: mul(c(2.0**-1000), c(2.0**-74)), 2.0**-1074),
}


@pytest.mark.parametrize("name", EXACT)
def test_what_is_exact_folds(name):
    make, value = EXACT[name]
    node = make()
    if name == "a choice":
        assert number(where(constant(True), c(0.1), c(0.2))) == 0.1
        return
    found = number(node)
    assert type(found) is type(value)
    assert found == value
    assert not isinstance(value, float) or math.copysign(1, found) == math.copysign(1, value)


def test_nan_folds():
    assert math.isnan(number(sub(c(math.inf), c(math.inf))))
    assert math.isnan(number(log(c(-1))))


INEXACT = {
    "a sum": lambda: add(c(0.1), c(0.2)),
    "a product": lambda: mul(c(0.1), c(0.3)),
    "a third": lambda: div(c(1), c(3)),
    "a root": lambda: sqrt(c(2)),
    "pi": lambda: mul(pi(), c(1)),
    "log 2": lambda: log(c(2)),
    "a power": lambda: pow_(c(2), c(0.3)),
    "an overflow": lambda: mul(c(1e200), c(1e200)),
    "an underflow": lambda: mul(c(1e-200), c(1e-200)),
    "a rounded subnormal": lambda: mul(c(3 * 2.0**-1000), c(2.0**-75)),
    "beyond 2**53": lambda: add(c(2.0**53), c(1)),
    "in f32": lambda: mul(constant(0.1, "f32"), constant(0.3, "f32")),
    "a cast": lambda: Node.make(cast(input_node("x", Type("f64")), "f32").op, (c(0.1),), {"dtype": "f32"}),
}


@pytest.mark.parametrize("name", INEXACT)
def test_what_rounds_stays(name):
    node = INEXACT[name]()
    assert node.is_constant
    assert folded(node) is None


def test_what_depends_on_something_is_no_constant():
    x = input_node("x", Type("f64"))
    assert not mul(x, 0.1).is_constant
    assert not broadcast(c(0.1), (3,)).is_constant
    assert not mul(constant(np.ones(3000)), 0.1).is_constant
    assert mul(constant([0.1, 0.2]), 0.1).is_constant


def test_arrays_fold_where_all_elements_do():
    assert folded(mul(constant([0.5, 0.25]), 3.0)) is constant([1.5, 0.75])
    assert folded(mul(constant([0.5, 0.1]), 3.0)) is None
    assert folded(mul(constant([0.5, 0.5]), 3.0)) is broadcast(c(1.5), (2,))
    assert folded(slice_(constant([0.1, 0.2]), [1], [1])) is not None
    assert folded(sum_(constant([0.1, 0.2]))) is None
    assert folded(sum_(constant([0.5, 0.25]))) is c(0.75)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_random_expressions_are_rounded_correctly(seed, dtype):
    """Against mpmath with 60 digits: no other number of the dtype is nearer."""
    rng = random.Random(seed)
    numbers = [rng.choice([0.1, 0.3, 0.7, 2.2, 3.0, 7.0, 1.7, 0.044715]) for _ in range(3)]
    kind = {"f64": np.float64, "f32": np.float32}[dtype]
    pool = [(constant(v, dtype), mpmath.mpf(float(kind(v)))) for v in numbers]
    pool.append((constant_like(weak(pi()), dtype), None))
    with mpmath.workdps(60):
        pool[-1] = (pool[-1][0], +mpmath.pi)
        for _ in range(5):
            (a, x), (b, y) = rng.choice(pool), rng.choice(pool)
            binary = [(add, x + y), (mul, x * y), (div, x / y)]
            unary = [(sqrt, mpmath.sqrt(x)), (log, mpmath.log(x)), (exp, mpmath.exp(x)), (sin, mpmath.sin(x))]
            op, value = rng.choice([each for each in [*binary, *unary] if isinstance(each[1], mpmath.mpf)])
            pool.append((op(a, b) if op in (add, mul, div) else op(a), value))
            pool = [each for each in pool if 1e-20 < abs(each[1]) < 1e20]
        for node, value in pool:
            got = last(node)
            error = abs(mpmath.mpf(float(got)) - value)
            for side in (-np.inf, np.inf):
                assert abs(mpmath.mpf(float(np.nextafter(got, got.dtype.type(side)))) - value) >= error


def test_products_are_rounded_once():
    assert last(mul(mul(c(0.1), c(0.3)), c(0.7))) == float(Fraction(0.1) * Fraction(0.3) * Fraction(0.7))
    assert last(mul(mul(c(0.1), c(0.1)), c(0.3))) != 0.1 * 0.1 * 0.3
    assert last(sub(add(c(0.1), c(0.2)), c(0.3))) == float(Fraction(0.1) + Fraction(0.2) - Fraction(0.3))


def test_f32_is_rounded_once():
    third = constant_like(weak(div(c(1), c(3))), "f32")
    assert last(third) == np.float32(1 / 3)
    # One and a half units above 1, and less than f64 shows: through f64 it would be a tie, and go to even.
    value = Fraction(1) + 3 * Fraction(1, 2**24) - Fraction(1, 2**60)
    assert rounded(value, "f32") == np.float32(1 + 2.0**-23)
    assert np.float32(float(value)) == np.float32(1 + 2.0**-22)


def test_overflow_and_underflow():
    assert last(mul(c(1e200), c(1e200))) == math.inf
    assert last(mul(mul(c(1e200), c(1e200)), c(1e-300))) == 1e100
    assert last(mul(c(1e-200), c(1e-200))) == 0
    assert last(exp(c(1000))) == math.inf
    assert last(log(c(0))) == -math.inf


def test_what_is_exactly_zero_is_zero():
    assert last(sin(pi())) == 0
    assert last(sub(square(sqrt(c(2))), c(2))) == 0


def test_matrices_of_constants_are_left_to_numpy():
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    np.testing.assert_array_equal(last(cholesky(constant(a))), np.linalg.cholesky(a))


def test_a_list_of_expressions_becomes_one_array():
    parts = concatenate([reshape(mul(c(0.1), c(0.3)), (1,)), broadcast(c(0.5), (1,))], 0)
    assert last(parts).tolist() == [0.03, 0.5]


def test_an_estimate_has_a_sign_or_is_none():
    assert estimate(c(-0.1)) == -0.1
    assert estimate(mul(pi(), c(1e-30))) == pytest.approx(math.pi * 1e-30)
    assert estimate(sub(log(c(2)), c(0.7))) == pytest.approx(math.log(2) - 0.7)
    assert estimate(sin(pi())) is None
    assert estimate(sub(square(sqrt(c(2))), c(2))) is None
    assert estimate(sin(mul(pi(), c(1e22)))) is None


def test_comparisons_of_what_is_no_fraction():
    assert number(lt(sqrt(c(2)), c(1.5))) is True
    assert number(gt(pi(), c(22 / 7))) is None or number(gt(pi(), c(3.2))) is False
    assert number(eq(square(sqrt(c(2))), c(2))) is None


def test_a_weak_number_remembers_what_it_is():
    third = weak(div(c(1), c(3)))
    assert isinstance(third, Unrounded)
    assert third == 1 / 3
    assert lift(third, "f64") is div(c(1), c(3))
    assert lift(third, "f32").dtype == "f32"
    assert not isinstance(weak(div(c(1), c(4))), Unrounded)


def test_long_fractions_stay_expressions():
    node = c(0.1)
    for _ in range(12):
        node = square(node)
    assert fractions_of(node) is None
    assert last(node) == 0.0


def test_a_deep_expression_does_not_recurse():
    node = c(0.1)
    for _ in range(3000):
        node = add(node, c(0.1))
    assert last(node) == float(Fraction(0.1) * 3001)
