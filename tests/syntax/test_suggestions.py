"""Suggestions: what is near is named, what only looks alike is not."""

import pytest

from diffc.syntax import FUNCTIONS
from diffc.syntax.functions import ALIASES
from diffc.syntax.suggestions import instead_of_function, nearest

KNOWN = [*FUNCTIONS, *ALIASES]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sni", "sin"), ("sine", "sin"), ("Sin", "sin"), ("SQRT", "sqrt"), ("ReLU", "relu"), ("sgn", "sign"),
        ("softMax", "softmax"), ("log_sum_exp", "logsumexp"), ("LogSumExp", "logsumexp"), ("tg", "tan"),
        ("binomial", "binom"), ("average", "mean"), ("clamp", "clip"), ("determinant", "det"), ("siñ", "sin"),
    ],
)  # fmt: skip
def test_near_names(name, meant):
    assert instead_of_function(name, KNOWN) == f"; did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("factorial", "gamma(x + 1)"), ("cot", "1/tan(x)"), ("Sec", "1/cos(x)"),
        ("if", "where(condition, x, y)"), ("len", "dim(x)"), ("mse", "mean((x - y)**2)"),
        ("tile", "broadcast_to(x, shape)"), ("gelu", "x*erfc(-x/sqrt(2))/2"), ("Phi", "erfc(-x/sqrt(2))/2"),
        ("probit", "-sqrt(2)*erfcinv(2*x)"), ("elu", "where(x > 0, x, expm1(x))"), ("nthroot", "x**(1/y)"),
    ],
)  # fmt: skip
def test_functions_by_another_form(name, written):
    assert instead_of_function(name, KNOWN) == f": write {written}"


@pytest.mark.parametrize(
    "name", ["median", "integrate", "kron", "zeta", "quantile", "cross", "unique", "erfi", "rand"]
)
def test_what_is_far_is_not_suggested(name):
    assert instead_of_function(name, KNOWN) == ""


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("ReLU", ["linear", "relu"], "relu"), ("LeakyReLU", ["relu", "leaky_relu"], "leaky_relu"),
        ("swish", ["silu", "relu"], "silu"), ("mse", ["squared_error", "hinge"], "squared_error"),
        ("BCE", ["binary_cross_entropy"], "binary_cross_entropy"), ("Dense", ["dense"], "dense"),
        ("împuts", ["inputs", "outputs"], "inputs"), ("NAME", ["name", "math"], "name"),
        ("ｎａｍｅ", ["name", "math"], "name"), ("learning-rate", ["learning_rate"], "learning_rate"),
    ],
)  # fmt: skip
def test_names_of_other_kinds(name, known, meant):
    assert nearest(name, known) == f"; did you mean '{meant}'?"


def test_what_is_written_instead_is_known():
    from diffc.frontends.formulas import parse
    from diffc.syntax import suggestions

    inputs = {"x": "f64[3]", "y": "f64[3]", "condition": "bool", "a": "f64[3, 3]", "b": "f64[3, 3]"}
    for written in suggestions._FUNCTIONS.values():
        if written and "axis" not in written and "shape" not in written:
            parse(written, inputs)
