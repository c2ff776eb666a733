"""An equation is refuted at points of the program alone, never by values that the program does not take."""

import pytest

from diffc.autodiff.reverse import pullback
from diffc.ir import parse_type
from diffc.ops import input_node
from diffc.ops.arithmetic import abs_, add, maximum, mul, neg, square, sub
from diffc.ops.broadcasting import sum_
from diffc.ops.elementary import exp, log, sin
from diffc.proof.equations import check_reverse
from diffc.proof.frontier import LocalEquation, Product
from diffc.proof.points import Points


def inp(name, type_="f64"):
    return input_node(name, parse_type(type_))


X, Y, V, CT = inp("x"), inp("y"), inp("v", "f64[3]"), inp("ct")


def evidence(node, claimed, *terms):
    equation = LocalEquation("e", node, claimed, list(terms))
    return Points([node, *equation.roots]).evidence(equation)


def test_what_depends_is_not_taken_apart():
    """sin(x) and square(sin(x)) are no two values: x - x is 0 whatever one reads below."""
    claimed = sub(square(sin(X)), square(sin(X)))
    found = evidence(X, claimed, mul(CT, sub(exp(log(square(Y))), square(Y))))
    assert not found.refuted
    assert found.held == 3


@pytest.mark.parametrize("relative", [1e-3, 1e-6, 1e-9])
def test_a_small_error_is_refuted_with_its_point(relative):
    node = mul(X, Y)
    wrong = mul(mul(CT, Y), 1 + relative)
    found = evidence(X, wrong, Product(CT, node, 0))
    assert found.refuted.startswith("numeric witness: ")
    assert "x=" in found.refuted
    assert "ct=" in found.refuted
    assert found.claimed != found.expected


def test_kinks_and_what_is_not_finite_are_left_out():
    assert not evidence(X, CT, Product(CT, abs_(mul(X, 0)), 0)).held
    assert not evidence(X, CT, Product(CT, log(neg(square(X))), 0)).held
    assert evidence(X, None, Product(CT, maximum(X, add(square(X), 9)), 0)).held == 3


def test_one_wrong_element_of_an_array_is_enough():
    output = sum_(square(V))
    _, adjoints = pullback([output], [CT], [V])
    wrong = {**adjoints, V: add(adjoints[V], mul(CT, [0.0, 0.0, 1e-5]))}
    (failed,) = [check for check in check_reverse([output], [CT], [V], wrong) if not check.ok]
    assert failed.verdict == "failed"
    assert "at [2]" in failed.basis


def test_large_programs_are_run_in_doubles():
    big = inp("big", "f64[110,110]")
    output = sum_(sin(mul(big, Y)))
    _, adjoints = pullback([output], [CT], [big, Y])
    node = mul(big, Y)
    right = Points([output, CT, *adjoints.values()])
    equation = LocalEquation("e", node, adjoints[node], [Product(adjoints[sin(node)], sin(node), 0)])
    assert right.evidence(equation).held
    equation.claimed = mul(adjoints[node], 1.001)
    assert Points([output, CT, equation.claimed]).evidence(equation).refuted
