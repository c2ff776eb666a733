"""Functions: what they are made of, what they refuse."""

import pytest
import sympy

import diffc as dc


@pytest.mark.parametrize("graph", [3, "x", None])
def test_a_function_of_no_graph(graph):
    with pytest.raises(dc.DiffcError, match="a Function holds a Graph"):
        dc.Function(graph)


@pytest.mark.parametrize("name", [3, "", None])
def test_a_name_that_is_no_text(name):
    for make in (lambda: dc.parse("x", name=name), lambda: dc.from_sympy(sympy.Symbol("x"), name=name)):
        with pytest.raises(dc.DiffcError, match="name is a text"):
            make()


@pytest.mark.parametrize("inputs", [["x"], "x", 3])
def test_inputs_that_are_no_mapping(inputs):
    with pytest.raises(dc.DiffcError, match="inputs gives each name its type"):
        dc.parse("x", inputs=inputs)


def test_a_cache_that_is_neither_true_nor_false():
    with pytest.raises(dc.DiffcError, match="cache is True or False"):
        dc.compile(dc.parse("x"), cache="no")


@pytest.mark.parametrize(
    "formula", ["hypot(x, 1)", "hypot(x, 0.5)", "hypot(2, x)", "clip(x, 0, 1)", "exp2(x)", "log10(x)"]
)
def test_a_number_leaves_single_precision_alone(formula):
    """hypot(x, 1) squared the 1 as an integer, which made f64 of an f32."""
    f = dc.parse(formula, inputs={"x": "f32"})
    for g in (f, dc.grad(f), dc.derivative(f, "x", 2)):
        assert [each.dtype for each in g.outputs.values()] == ["f32"]
