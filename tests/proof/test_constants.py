"""Rounded literals: right derivatives hold, and a constant that is off by 1e-15 is refuted and named.

Nothing here has a tolerance: a literal is its double, what is none stays an expression, and the one pass that
rounds is checked constant by constant.
"""

import math

import numpy as np
import pytest
import sympy

import diffc as dc
from diffc import compiler
from diffc.autodiff import transforms
from diffc.ir import Graph, Type, substitute
from diffc.ops import cast, constant, elementary, input_node
from diffc.ops.arithmetic import add, div, mul, neg, square
from diffc.ops.constant import pi
from diffc.ops.elementary import cos, exp, log, sin, sqrt
from diffc.optimize import evaluation, optimize
from diffc.optimize.rule import Rule
from diffc.proof import op_proofs, verification
from diffc.proof.constants import check_constants, expression
from diffc.proof.rewrites import check_rewrites
from tests.optimized import optimized
from tests.proof.formulas import FORMULAS

OFF = 1 + 2.0**-50
"""About 1 + 1e-15."""


@pytest.mark.parametrize("name", FORMULAS)
def test_the_derivatives_of_a_formula_hold_to_order_2(name):
    certificate = dc.verify(dc.parse(FORMULAS[name]), order=2)
    assert certificate.ok, certificate


@pytest.mark.parametrize("name", FORMULAS)
def test_a_constant_that_is_off_is_refuted(name, monkeypatch):
    """The last constant of each formula's gradient is moved by 1e-15 of itself."""
    honest = transforms.grad

    def wrong(graph, wrt):
        result = honest(graph, wrt)
        found = [n for n in result.nodes if n.is_op("const") and n.type.is_float and n.rank == 0]
        numbers = [n for n in found if n.op.reference(n.attrs).item() not in (0, math.inf)]
        if not numbers:
            return result.with_outputs([mul(OFF, each) for each in result.outputs])
        last = numbers[-1]
        moved = constant(last.op.reference(last.attrs).item() * OFF)
        return result.with_outputs(substitute(result.outputs, {last: moved}))

    graph = compiler.optimized_before(dc.parse(FORMULAS[name]).graph)
    monkeypatch.setattr(verification, "grad", wrong)
    certificate = verification.verify_graph(graph, order=1, **compiler.proof_stages(derived=True))
    assert {each.kind for each in certificate.failures} <= {"whole expression"}
    monkeypatch.setattr("diffc.proof.orders.grad", wrong)
    certificate = verification.verify_graph(graph, order=1, **compiler.proof_stages(derived=True))
    failed = {each.kind for each in certificate.failures}
    assert "gradient" in failed, certificate


def test_the_certificate_says_what_was_rounded():
    text = str(dc.verify(dc.parse("0.1*sin(0.3*x)"), order=1))
    assert "constants:                 1 measured (rounded correctly: each within half an ulp" in text


PROGRAMS = {
    "f32": lambda: dc.parse("0.1*sin(0.3*x)/3 + pi", {"x": "f32"}),
    "f32 vectors": lambda: dc.parse("sum(exp(-0.3*x)/sqrt(2*pi))", {"x": "f32[N]"}),
    "f64 vectors": lambda: dc.parse("sum(0.1*x)*sum(0.7*x**2.2)", {"x": "f64[N]"}),
    "integers": lambda: dc.parse("x**2*2/3 + n*x/7", {"x": "f64", "n": "i64"}),
    "small arrays": lambda: dc.parse("sum([0.1, 0.2, 0.4]*x)*0.3", {"x": "f64[3]"}),
    "small arrays of expressions": lambda: dc.parse("sum([0.1*0.3, 1/3, pi]*x**2)", {"x": "f64[3]"}),
    "a captured array": lambda: dc.trace(lambda x: 0.1 * np.sum(np.array([0.1, 0.3]) * x**2), dc.f64(2)),
    "numpy's pi": lambda: dc.trace(lambda x: np.sin(2 * np.pi * x / 3) * 0.7, dc.f64()),
    "GELU": lambda: dc.parse("sum(0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3))))", {"x": "f64[N]"}),
    "erf and log2": lambda: dc.parse("erf(0.3*x) + log2(1.7*x) + log10(0.9*x) + exp2(0.1*x)"),
    "SymPy's rationals": lambda: dc.from_sympy(
        sympy.Rational(1, 3) * sympy.Symbol("x") ** sympy.Rational(7, 3)
        + sympy.pi * sympy.exp(-sympy.Symbol("x") / 7)
        - sympy.E
    ),
    "SymPy in f32": lambda: dc.from_sympy(sympy.sin(sympy.pi * sympy.Symbol("x") / 3), dtype="f32"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_derivatives_of_a_program_hold_to_order_2(name):
    certificate = dc.verify(PROGRAMS[name](), order=2)
    assert certificate.ok, certificate


NETWORK = """
[model]
name = "net"
[inputs]
x = "f64[N, 2]"
y = "f64[N, 1]"
[[layer]]
kind = "dense"
units = 3
activation = "gelu"
[[layer]]
kind = "dense"
units = 2
activation = "gelu_tanh"
[[layer]]
kind = "dense"
units = 1
[loss]
kind = "squared_error"
target = "y"
[derive]
gradient = ["parameters"]
"""


def test_a_network_with_both_forms_of_gelu_holds(tmp_path):
    (tmp_path / "net.toml").write_text(NETWORK)
    certificate = dc.verify(dc.load_model(tmp_path / "net.toml"), order=1)
    assert certificate.ok, certificate


@pytest.fixture
def partials(monkeypatch):
    """Return what gives an operation other partials for one test."""

    def change(op, function):
        monkeypatch.setattr(type(op), "partials", lambda self, out, *inputs: function(*inputs))
        op_proofs.prove_op.cache_clear()

    yield change
    monkeypatch.undo()
    op_proofs.prove_op.cache_clear()


def test_a_wrong_constant_in_a_partial_is_refuted_by_the_operations_name(partials):
    partials(elementary.sin, lambda x: (mul(OFF, cos(x)),))
    failures = dc.verify(dc.parse("0.1*sin(0.3*x)"), order=1).failures
    assert ("operation", "sin") in {(each.kind, each.subject) for each in failures}


def test_the_double_near_a_constant_is_another_number(partials):
    """The error function's derivative has 2/sqrt(pi), not the double near it."""
    assert op_proofs.prove_op(elementary.erf).verdict == "proved"
    partials(elementary.erf, lambda x: (mul(2 / math.sqrt(math.pi), exp(neg(square(x)))),))
    assert op_proofs.prove_op(elementary.erf).verdict == "refuted"


def test_a_rule_with_a_wrong_constant_is_refuted():
    x = input_node("x", Type("f64"))
    rule = Rule("off", f"sin(2*x) => sin({2 * OFF!r}*x)")
    before = sin(mul(2, x))
    (check,) = check_rewrites([("off", before, rule.apply(before))], [rule])
    assert check.verdict == "failed"
    assert check.subject.startswith("off: ")


def test_a_rewrite_in_code_with_a_wrong_constant_is_refuted():
    x = input_node("x", Type("f64"))
    (check,) = check_rewrites([("shifted", sin(mul(0.3, x)), sin(mul(0.3 * OFF, x)))])
    assert check.verdict == "failed"
    assert "with 80 digits" in check.detail
    assert check_rewrites([("same", sin(mul(0.3, x)), sin(mul(x, 0.3)))])[0].ok


def test_a_fold_that_rounds_is_refuted():
    before = mul(constant(0.1), constant(0.3))
    (check,) = check_rewrites([("fold", before, constant(0.1 * 0.3))])
    assert check.verdict == "failed"
    (check,) = check_rewrites([("fold", mul(constant(0.5), constant(3.0)), constant(1.5))])
    assert (check.verdict, check.basis) == ("proved", "constants, equal in exact arithmetic")


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_a_constant_that_is_off_by_one_ulp_is_refuted_by_its_expression(dtype):
    before = optimize(_constant_graph(mul(0.1, log(2.0)), dtype), stage="before").outputs[0]
    (right,) = optimize(_constant_graph(mul(0.1, log(2.0)), dtype), stage="after").outputs
    (check,) = check_constants([(before, right)])
    assert check.ok
    for side in (-np.inf, np.inf):
        number = right.op.reference(right.attrs)
        (check,) = check_constants([(before, constant(np.nextafter(number, number.dtype.type(side))))])
        assert check.verdict == "failed"
        assert "log(2.0)" in check.subject
        assert "off by" in check.detail


def _constant_graph(node, dtype):
    return Graph("f", (), (cast(node, dtype),))


def test_a_compiler_that_rounds_badly_is_refuted_by_name(monkeypatch):
    honest = evaluation._Rounding.rounded
    monkeypatch.setattr(
        evaluation._Rounding, "rounded", lambda self, node: np.nextafter(honest(self, node), np.inf)
    )
    failures = dc.verify(dc.parse("x/3/7"), order=1).failures
    assert [each.kind for each in failures] == ["constants"]
    assert failures[0].subject.startswith("div(div(1.0, 7.0), 3.0) => 0.04761904761904762")


def test_a_literal_is_its_double():
    """0.30000000000000004 is 0.1 + 0.2 rounded, and another number than 0.1 + 0.2."""
    f, g = dc.parse("(0.1 + 0.2)*x"), dc.parse("0.30000000000000004*x")
    assert f.graph.outputs != g.graph.outputs
    assert optimized(f.graph).outputs == optimized(g.graph).outputs


def test_expressions_are_shown_as_formulas():
    assert expression(div(1.0, sqrt(mul(2.0, pi())))) == "div(1.0, sqrt(mul(2.0, pi)))"
    assert expression(add(constant([0.1, 0.2]), 0.3)) == "add([0.1 0.2], 0.3)"


def test_a_users_gradient_is_refuted_as_far_as_the_tolerance_says():
    right = lambda x: 0.1 * 0.3 * np.cos(0.3 * x)  # noqa: E731
    dc.testing.assert_derivatives("0.1*sin(0.3*x)", order=1, gradient=right, rtol=1e-15)
    with pytest.raises(AssertionError, match="your gradient by x"):
        dc.testing.assert_derivatives(
            "0.1*sin(0.3*x)", order=1, gradient=lambda x: right(x) * (1 + 4e-15), rtol=1e-15
        )
