"""Formulas as graphs."""

from typing import Any

import numpy as np
import pytest

from diffc.errors import DiffcError, SyntaxProblem
from diffc.frontends.formulas import parse
from diffc.ir import Type, check
from diffc.ops import evaluate


def test_free_names_are_scalars_in_order_of_appearance() -> None:
    graph = check(parse("((b + a) * c)**2"))
    assert graph.input_names == ("b", "a", "c")
    assert all(node.type == Type("f64") for node in graph.inputs)
    assert evaluate(graph, 1.0, 2.0, 3.0)[0] == 81.0
    assert graph.name == "f"
    assert graph.tree == 0


def test_declared_inputs_keep_their_order_also_when_unused() -> None:
    graph = check(parse("exp(-k*x**2)", {"unused": "f64", "x": "f64[N]", "k": Type("f64")}, name="bell"))
    assert graph.input_names == ("unused", "x", "k")
    assert str(graph.outputs[0].type) == "f64[N]"
    assert graph.name == "bell"


def test_symbols_of_shapes_are_names() -> None:
    graph = parse("sum(x)/N", {"x": "f64[N]"})
    assert evaluate(graph, np.array([1.0, 2.0, 6.0]))[0] == 3.0
    shadowed = parse("sum(x)/N", {"x": "f64[N]", "N": "f64"})
    assert evaluate(shadowed, np.array([1.0, 2.0, 6.0]), 9.0)[0] == 1.0


def test_several_outputs() -> None:
    graph = check(parse("a*b, a + b"))
    assert [float(each) for each in evaluate(graph, 2.0, 5.0)] == [10.0, 7.0]
    assert graph.tree == (0, 1)
    assert parse("a,").tree == (0,)
    assert parse("[a*b, a + b]").outputs[0].shape == (2,)


def test_constants() -> None:
    assert parse("2*pi").inputs == ()
    assert float(evaluate(parse("2*pi + 0*e"))[0]) == 2 * np.pi
    assert parse("pi*r**2").input_names == ("r",)
    assert parse("pi", {"pi": "f64"}).outputs[0].is_op("input")


def test_names_in_other_alphabets() -> None:
    assert parse("λ*größe + theta_1").input_names == ("λ", "größe", "theta_1")


@pytest.mark.parametrize(
    ("text", "inputs", "problem"),
    [
        ("a + c", {"a": "f64", "b": "f64"}, "unknown name 'c'"),
        ("alhpa", {"alpha": "f64"}, "did you mean 'alpha'?"),
        ("sin", None, "write sin(x)"),
        ("E**x", None, "the name 'E': write e for Euler's number, or declare the inputs"),
        ("I*x", None, "the name 'I': complex numbers are not supported"),
        ("2*oo", None, "the name 'oo': write inf"),
        ("2*π", None, "the name 'π': write pi"),
        ("E**x", {"x": "f64"}, "unknown name 'E': write e for Euler's number"),
        ("log(x, 10)", None, "write log(x), log10(x), log2(x), or log(x)/log(b)"),
        ("reshape([0], [N, 1])*x", {"x": "f64[N]"}, "elements do not fit"),
        ("reshape(2, [3])", None, "elements do not fit"),
        ("a", {"a": "float16"}, "the input 'a': the dtype 'float16'"),
        ("a", {"a": "complex128"}, "complex numbers are not supported"),
        ("a", {"a": 3}, "a type is a text"),
        ("a", {3: "f64"}, "an input's name is a text, not 3"),
        ("a", {"\ud800": "f64"}, "half a character"),
        ("a +", None, "ends too early"),
        ("__import__('os').system('true')", None, "'.system' is not known"),
        ("__import__('os')", None, "unknown function '__import__'"),
        ("(" * 1_000_000, None, "nested more than"),
        ("9**9**9**9", None, "too large"),
    ],
)
def test_problem(text: str, inputs: Any, problem: str) -> None:
    with pytest.raises(DiffcError) as caught:
        parse(text, inputs)
    assert problem in str(caught.value)


def test_what_means_something_elsewhere_can_be_an_input():
    assert parse("E*I*oo", {"E": "f64", "I": "f64", "oo": "f64"}).input_names == ("E", "I", "oo")


@pytest.mark.parametrize(
    "text",
    [
        "1, 5", "[1,5]", "max(1,5)", "x1,2*x", "1,x", "reshape([1,2],(2,1))", "1e308*x", "1e-320*x",
        "0.0e-999*x", "0e99999",
    ],
)  # fmt: skip
def test_what_is_close_to_a_slip_is_none(text: str) -> None:
    parse(text)


def test_only_text_is_a_formula() -> None:
    with pytest.raises(DiffcError, match="a formula is a text, not int"):
        parse(3)  # type: ignore[arg-type]


def test_caret_points_at_the_name() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse("a + b * c", {"a": "f64", "b": "f64"})
    formula, caret = str(caught.value).splitlines()[1:]
    assert formula[caret.index("^")] == "c"
