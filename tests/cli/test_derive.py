"""`diffc derive`: formulas, code, values, and every way to ask for nonsense."""

from __future__ import annotations

import json

import pytest


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_formulas_code_and_values(diffc):
    result = diffc("derive", "((a+b)*c)**2", "--wrt", "a", "b", "--at", "a=1", "b=2", "c=2")
    assert (result.status, result.err) == (0, "")
    found = lines(result.out)
    assert found[0] == "f(a, b, c) = ((a+b)*c)**2"
    assert "df/da = 2*(a + b)*c**2" in found
    assert "df/dc" not in result.out
    assert "at a = 1, b = 2, c = 2" in found
    assert "f     = 36.0" in found
    assert "df/db = 24.0" in found


def test_second_order(diffc):
    found = lines(
        diffc("derive", "((a+b)*c)**2", "--order", "2", "--wrt", "a,c", "--at", "a=1", "b=2", "c=2").out
    )
    assert "d2f/da2   = 2*c**2" in found
    assert "d2f/da dc = 4*(a + b)*c" in found
    assert "d2f/dc2   = 18.0" in found


def test_hessian_as_a_matrix(diffc):
    out = diffc("derive", "((a+b)*c)**2", "--hessian", "--at", "a=1", "b=2", "c=2").out
    assert "[[ 8.,  8., 24.],\n   [ 8.,  8., 24.],\n   [24., 24., 18.]]" in out


def test_higher_orders(diffc):
    found = lines(diffc("derive", "x**3*y", "--order", "4", "--at", "x=2", "y=1").out)
    assert "d3f/dx2 dy  = 6*x" in found
    assert "d3f/dx2 dy  = 12.0" in found
    assert "d4f/dx3 dy  = 6" in found


def test_arrays(diffc):
    arguments = ["derive", "sum(exp(-k*x**2))", "--inputs", "k:f64", "x:f64[N]", "--at", "k=1", "x=[0, 1]"]
    out = diffc(*arguments).out
    assert "df/dx = -2*x*k*exp(-x**2*k)  : f64[N]" in lines(out)
    assert "-0.7357588823428847]" in out
    assert "d2f/dx2" in diffc(*arguments, "--order", "2").out


def test_several_outputs(diffc):
    found = lines(diffc("derive", "a*b, a/b", "--at", "a=3", "b=2").out)
    assert "f(a, b) = a*b, a/b" in found
    assert "dout0/da = b" in found
    assert "dout1/da = 0.5" in found


def test_shared_values_become_statements(diffc):
    out = diffc("derive", "tanh(a/b)*atan2(a, b)*exp(a*b)", "--order", "2").out
    assert "%0 = " in out
    assert "d2f/da db = " in out


def test_json(diffc):
    result = diffc("derive", "log(x)", "--at", "x=0", "--json")
    report = json.loads(result.out, parse_constant=pytest.fail)
    assert list(report) == [
        "command",
        "formula",
        "inputs",
        "wrt",
        "order",
        "statements",
        "outputs",
        "source",
        "at",
    ]
    value, first = report["outputs"]
    assert (value["label"], value["value"]) == ("f", "-inf")
    assert (first["label"], first["name"], first["value"]) == ("df/dx", "d_x", "inf")
    assert first["formula"] == "1/x"
    assert "def kernel(" in report["source"]


def test_an_input_called_f_and_one_called_out(diffc):
    out = diffc("derive", "f*out", "--at", "f=3", "out=2").out
    assert "df_/df   = out" in lines(out)
    assert "df_/dout = 3.0" in lines(out)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("((a+b)*c", "'(' is not closed"),
        ("a+b)", "')' closes nothing"),
        ("a + ", "ends too early"),
        ("", "the formula is empty"),
        ("sni(x)", "unknown function 'sni'; did you mean 'sin'?"),
        ("sin(x, y)", "2 arguments are too many: write sin(x)"),
        ("sin()", "the argument 'x' is missing"),
        ("(" * 1_000_000, "nested more than"),
        ("9**9**9**9*x", "too large"),
        ("__import__('os')", "^"),
        ("__import__(os)", "unknown function '__import__'"),
        ("x.__class__", "only .T"),
        ("x\0y", "^"),
        ("2*3", "no f64 or f32 input"),
        ("x > 1", "bool"),
    ],
)
def test_bad_formulas(refused, formula, says):
    refused("derive", formula, says=says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--at", "x"], "'x' is not NAME=VALUE"),
        (["--at", "=1"], "is not NAME=VALUE"),
        (["--at", "x=1", "x=2"], "'x' is given twice"),
        (["--at", "x=two"], "the value of 'x': a number or a list"),
        (["--at", "x="], "a value is missing"),
        (["--at", "x=1 2"], "cannot stand here"),
        (["--at", "x=[1,2"], "a ']' is missing"),
        (["--at", "x=[1,,2]"], "cannot stand here"),
        (["--at", "x=1+1"], "'+1' cannot stand here"),
        (["--at", "x=__import__('os')"], "a number or a list"),
        (["--at", "x=" + "[" * 100_000], "nested more than"),
        (["--at", "x=[1,2]"], "x: expected a scalar"),
        (["--at", "y=1"], "f has no input 'y'; it takes x: f64"),
        (["--at", "x=" + "9" * 400], "too large"),
        (["--wrt", "y"], "no input 'y'"),
        (["--wrt", "x", "--inputs", "x:i64"], "cannot be differentiated by 'x'"),
        (["--order", "21"], "--order is an integer from 0 to 20"),
        (["--order", "-1"], "--order"),
        (["--order", "two"], "invalid int value"),
        (["--inputs", "x"], "is not NAME:TYPE"),
        (["--inputs", "x:f16"], "the dtype 'f16'"),
        (["--inputs", "x:c128"], "c128"),
        (["--inputs", "x:f64", "x:f64"], "is given twice"),
        (["--inputs", "y:f64"], "unknown name 'x'"),
        (["--math", "quick"], "invalid choice"),
        (["--order", "3", "--inputs", "x:f64[3]"], "are by scalar inputs only"),
    ],
)
def test_bad_options(refused, options, says):
    refused("derive", "sum(x**2)" if "x:f64[3]" in options else "x**2", *options, says=says)


def test_too_many_derivatives(refused):
    formula = "*".join(f"x{k}" for k in range(40))
    refused("derive", formula, "--order", "4", says="more than 5000 derivatives")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        (" -2.5e3 ", -2500.0),
        ("+.5", 0.5),
        ("1.", 1.0),
        ("-inf", float("-inf")),
        ("true", True),
        ("[]", []),
        ("[1, [2., false], ]", [1, [2.0, False]]),
    ],
)
def test_values(text, value):
    from diffc.cli.values import read_value

    found = read_value(text)
    assert found == value
    assert type(found) is type(value)
