"""Derivatives printed as formulas: the text, and that it means what the graph computes."""

from __future__ import annotations

import numpy as np
import pytest

import diffc as dc
from diffc.ops import evaluate
from diffc.syntax.formula_printer import MAX_FORMULA, formulas_of
from tests.optimized import optimized

SCALARS = [
    "((a + b)*c)**2",
    "a - (b - c)/(a*b)/c - (-a)",
    "-(a + b)*(a - b)/-(a*b)",
    "a**b**c",
    "(-a)**2*(a*b)**2",
    "a*(b/c)*(b/c)",
    "softplus(a) - b*log(sigmoid(a))",
    "where(a > b and not (b >= c), a**-1.5, 1)",
    "(not (a < b and b < c) or a > c)*a",
    "max(a, b) - min(b, c) + abs(-a)",
    "a + a + 3*a*b + b*a",
    "1e300*a + 0.1",
]
ARRAYS = [
    ("sum(exp(-k*x**2))", {"k": "f64", "x": "f64[4]"}),
    ("x[0]*x[1] + x[2]**-1.5 + x[::2] @ x[1:3]", {"x": "f64[4]"}),
    ("sum(M.T @ M) + sum(M[:, 1:])", {"M": "f64[2, 3]"}),
    ("var(x)", {"x": "f64[N]"}),
    ("logsumexp(M, axis=1) @ max(M, axis=1)", {"M": "f64[2, 3]"}),
]


def check(f: dc.Function, g: dc.Function) -> None:
    graph = optimized(g.graph, derived=g.derived)
    formulas = formulas_of(graph)
    rng = np.random.default_rng(0)
    shapes = [[each if isinstance(each, int) else 5 for each in kind.shape] for kind in f.inputs.values()]
    values = [rng.uniform(0.5, 2, shape) for shape in shapes]
    expected = evaluate(graph, *values)
    if formulas.statements:
        return
    for text, value in zip(formulas.outputs, expected, strict=True):
        assert len(text) <= MAX_FORMULA
        if "pad(" in text or "recurrence(" in text:
            continue  # operations that the language does not have
        again = dc.parse(text, {name: str(kind) for name, kind in f.inputs.items()})
        np.testing.assert_allclose(evaluate(again.graph, *values)[0], value, rtol=1e-12)


@pytest.mark.parametrize("text", SCALARS)
def test_scalars_read_back(text):
    f = dc.parse(text)
    for g in (f, dc.grad(f, list(f.inputs)), dc.hessian(f, list(f.inputs))):
        check(f, g)


@pytest.mark.parametrize(("text", "inputs"), ARRAYS)
def test_arrays_read_back(text, inputs):
    f = dc.parse(text, inputs)
    check(f, f)
    check(f, dc.grad(f, list(inputs)))


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("((a + b)*c)**2", "((a + b)*c)**2"),
        ("a*b*a", "a**2*b"),
        ("a + b*2 + a", "2*a + 2*b"),
        ("-(a - b)", "-(a - b)"),
        ("a - (b + c)", "a - b - c"),
        ("a/(b*c)", "a/(b*c)"),
        ("a/b/c", "a/b/c"),
        ("a*(b/c)", "a*(b/c)"),
        ("(a + b)/c", "(a + b)/c"),
        ("(-a)**2.5", "(-a)**2.5"),
        ("where(a > 0, 2, a)", "where(a > 0, 2.0, a)"),
        ("x[0]", "x[0]"),
        ("x[1:]", "x[1:]"),
        ("x[::2]", "x[::2]"),
        ("2*N", "2*N"),
    ],
)
def test_texts(text, formula):
    inputs = {"x": "f64[N]"} if text == "2*N" else {"x": "f64[4]"} if "x" in text else None
    graph = optimized(dc.parse(text, inputs).graph)
    assert sorted(formulas_of(graph).outputs[0]) == sorted(formula)  # terms may come in another order


def test_long_graphs_take_linear_time():
    f = dc.parse(" + ".join(f"sin({k}*x)*x" for k in range(1, 1500)))
    formulas = formulas_of(optimized(dc.grad(f).graph, derived=True))
    assert formulas.statements
    assert max(len(text) for _, text in formulas.statements) < 4 * MAX_FORMULA
