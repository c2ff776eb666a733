"""Rewrites cite proved rules; a wrong rule, or a wrong application, is caught and named."""

import sympy

from diffc.ir import Dim, parse_type
from diffc.ops import constant, input_node
from diffc.ops.arithmetic import abs_, add, mul, relu, sub
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.elementary import exp, log
from diffc.ops.reshaping import reshape, transpose
from diffc.proof.rewrites import check_rewrites, prove_rule


class Rule:
    def __init__(self, name, before, after, conditions=()):
        self.name, self.sides = name, ((before,), (after,), tuple(conditions))

    def sympy_sides(self, S):
        return self.sides


class Code:
    def __init__(self, name):
        self.name = name


x = sympy.Symbol("x", real=True)
X, M = input_node("x", parse_type("f64")), input_node("m", parse_type("f64[N, 3]"))
LOG_EXP = Rule("log_exp", sympy.log(sympy.exp(x, evaluate=False), evaluate=False), x)


def test_a_rule_is_proved_once_and_cited():
    (check,) = check_rewrites([("log_exp", log(exp(X)), X)], [LOG_EXP])
    assert (check.verdict, check.basis) == ("proved", "its rule is proved by SymPy")
    assert prove_rule(LOG_EXP) is prove_rule(LOG_EXP)


def test_a_rule_holds_under_its_condition():
    assert prove_rule(Rule("abs", sympy.Abs(x), x, [x > 0])).verdict == "zero"
    assert prove_rule(Rule("abs", sympy.Abs(x), x)).verdict == "nonzero"
    assert prove_rule(Rule("truth", sympy.Not(x < 0), x >= 0)).verdict == "zero"
    assert prove_rule(Code("shapes")) is None


def test_a_wrong_rule_is_caught_even_where_numbers_agree():
    rule = Rule("relu_is_x", sympy.Max(x, 0), x)
    (check,) = check_rewrites([("relu_is_x", relu(exp(X)), exp(X))], [rule])
    assert check.verdict == "failed"
    assert check.detail == "its rule does not hold"


def test_a_wrong_application_is_caught_by_numbers():
    (check,) = check_rewrites([("log_exp", log(exp(X)), mul(X, 2))], [LOG_EXP])
    assert check.verdict == "failed"
    assert "before" in check.detail
    assert "x=" in check.detail


def test_code_is_run_for_several_extents():
    n = Dim.symbol("N")
    turned = transpose(transpose(M, (1, 0)), (1, 0))
    good = ("shapes", sum_(transpose(M, (1, 0)), 0), sum_(M, 1))
    bad = ("shapes", reshape(transpose(M, (1, 0)), (n * 3,)), reshape(M, (n * 3,)))
    first, second = check_rewrites([good, bad], [Code("shapes")])
    assert turned is M
    assert (first.verdict, first.basis) == ("measured", "the rule is code: both sides run on numbers")
    assert second.verdict == "failed"
    assert "N" in second.detail


def test_a_condition_that_rests_on_the_program_is_seen():
    deep = exp(X)
    for _ in range(12):
        deep = add(deep, 1)
    (check,) = check_rewrites([("positive", abs_(deep), deep)], [Code("positive")])
    assert check.ok


def test_types_must_agree():
    (check,) = check_rewrites([("widen", X, broadcast(X, (2,)))])
    assert check.verdict == "failed"


def test_not_a_number_on_the_left_is_no_evidence():
    zero = constant(0.0)
    (check,) = check_rewrites([("cancel", mul(log(sub(X, X)), zero), mul(zero, X))])
    assert check.ok
