"""Functions: what they are made of, what they refuse."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import sympy

import diffc as dc
from diffc.errors import DiffcError


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


def test_what_inspection_shows():
    f = dc.parse("a*x**2", inputs={"a": "f64", "x": "f64"})
    assert str(inspect.signature(f)) == "(a, x)"
    assert str(inspect.signature(dc.grad(f))) == "(a, x)"
    assert (f.__name__, dc.grad(f).__name__, dc.Function.__name__) == ("f", "grad_f", "Function")
    assert str(inspect.signature(dc.parse("y", inputs={"y": "f64", "lambda": "f64"}))) == "(x0, x1, /)"
    assert "graph" in inspect.signature(dc.Function).parameters
    assert "static graph" in (inspect.getdoc(f) or "")


def cube(x):
    """Return the cube."""
    return x**3


@pytest.mark.parametrize(
    "transform",
    [dc.jit, dc.grad, dc.value_and_grad, dc.jacobian, dc.hessian, dc.vmap],
    ids=lambda f: f.__name__,
)
def test_a_transform_of_a_plain_function_looks_like_it(transform):
    assert str(inspect.signature(transform(cube))) == "(x)"
    assert transform(cube).__doc__ == "Return the cube."
    assert transform(cube).__name__ in ("cube", f"{transform.__name__}_cube")


@pytest.mark.parametrize("take", [dc.compile, dc.verify], ids=["compile", "verify"])
def test_what_is_no_function_is_told_how_to_become_one(take):
    with pytest.raises(
        DiffcError, match=r"got function: make one of a plain function .* dc\.trace\(f, dc\.f64"
    ):
        take(cube)
    for transformed in (dc.grad(cube), dc.jit(cube)):
        with pytest.raises(DiffcError, match=r"trace the plain function first, as in dc\.grad\(dc\.trace"):
            take(transformed)
    with pytest.raises(DiffcError, match=r"make one of a formula with dc\.parse"):
        take("x**3")
    with pytest.raises(DiffcError, match=r"make one with dc\.trace, dc\.parse or dc\.from_sympy"):
        take(3)


@pytest.mark.parametrize("value", [np.arange(3), np.int64(3), np.array([True])], ids=str)
def test_integers_are_told_to_become_floats(value):
    with pytest.raises(DiffcError, match=r"by 'x': it is .*; give it floats, as with x\.astype\(float\)"):
        dc.grad(lambda x: np.sum(x**2))(value)
    assert dc.grad(lambda x: np.sum(x**2))(value.astype(float)) is not None


def test_the_package_shows_its_public_names():
    shown = {name for name in dir(dc) if not name.startswith("_")}
    assert shown == set(dc.__all__)
    assert (Path(dc.__file__).parent / "py.typed").exists()
