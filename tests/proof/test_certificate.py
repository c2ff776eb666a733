"""Certificates: of whole programs, what they say, and that they survive JSON."""

import json

import pytest

from diffc.autodiff import grad
from diffc.errors import DiffcError
from diffc.ir import Graph, parse_type, substitute
from diffc.ops import evaluate, input_node
from diffc.ops.arithmetic import add, mul, square
from diffc.ops.broadcasting import sum_
from diffc.ops.elementary import exp, sin, tanh
from diffc.ops.logic import gt
from diffc.ops.slicing import index
from diffc.proof import Certificate, Check, op_proofs, verify_graph


def inp(name, type_="f64"):
    return input_node(name, parse_type(type_))


A, B, C, V = inp("a"), inp("b"), inp("c"), inp("v", "f64[3]")
LECTURE = Graph("f", (A, B, C), (square(mul(add(A, B), C)),))


def reference(graph):
    def run(*arguments):
        values = evaluate(graph, *arguments)
        return values[0] if graph.tree == 0 else nested(graph.tree, values)

    return run


def nested(tree, values):
    return values[tree] if isinstance(tree, int) else tuple(nested(each, values) for each in tree)


def test_the_lecture_example_has_a_certificate():
    certificate = verify_graph(LECTURE, order=3, kernel=reference)
    assert certificate.ok, str(certificate)
    kinds = {check.kind for check in certificate.checks}
    assert {"operation", "gradient", "hessian", "whole expression", "kernel, hessian"} <= kinds
    assert {f"reverse equation, order {k}" for k in (1, 2, 3)} <= kinds


def test_the_mixed_derivative_is_24_where_a_lecture_prints_12():
    """d2f / da dc = 4 (a+b) c."""
    import sympy

    certificate = verify_graph(LECTURE)
    (check,) = [c for c in certificate.checks if c.subject == "d2 f / da dc"]
    assert check.verdict == "proved"
    a, b, c = sympy.symbols("a b c")
    value = sympy.parse_expr(check.detail, {"a": a, "b": b, "c": c})
    assert sympy.expand(value - 4 * (a + b) * c) == 0
    assert value.subs({a: 1, b: 2, c: 2}) == 24


def test_the_report():
    text = str(verify_graph(LECTURE, order=1))
    assert text.splitlines()[0] == "certificate of f, derivatives to order 1: holds"
    assert "  operation:                 3 proved" in text
    bad = Certificate("g", (Check("rewrite", "r", "failed", "numbers", "before 1\nafter 2"),), 2)
    assert str(bad).splitlines() == [
        "certificate of g, derivatives to order 2: DOES NOT HOLD",
        "  rewrite:                   1 failed",
        "FAILED rewrite: r",
        "    before 1",
        "    after 2",
        "    numbers",
    ]
    assert not bad.ok
    assert not Certificate("empty", ()).ok


def test_json_round_trip():
    certificate = verify_graph(Graph("h", (V,), (sum_(sin(V)),)), kernel=reference)
    assert Certificate.from_json(certificate.to_json()) == certificate
    table = json.loads(certificate.to_json())
    assert table["ok"] is True
    table["checks"][0]["verdict"] = "believed"
    for text in ("", "{}", "[]", json.dumps(table), json.dumps({**table, "format": "other", "checks": []})):
        with pytest.raises(DiffcError, match="no certificate"):
            Certificate.from_json(text)


def test_a_wrong_partial_is_caught_and_named(monkeypatch):
    monkeypatch.setattr(type(tanh), "partials", lambda self, out, *inputs: (add(1, square(out)),))
    monkeypatch.setattr("diffc.proof.verification.prove_op", op_proofs.prove_op.__wrapped__)
    certificate = verify_graph(Graph("f", (A, B), (tanh(mul(A, B)),)), order=1)
    failed = {check.kind: check for check in certificate.failures}
    assert failed["operation"].subject == "tanh"
    assert "the partial of tanh by argument 0" in failed["operation"].detail
    assert "reverse equation, order 1" in failed
    assert "whole expression" in failed


def test_a_wrong_optimizer_is_caught():
    def optimizer(graph, stage):
        (output,) = graph.outputs[:1]
        if stage != "after":
            return graph, []
        changed = mul(2, output)
        return graph.with_outputs([changed, *graph.outputs[1:]]), [("doubling", output, changed)]

    certificate = verify_graph(Graph("f", (A,), (mul(sin(A), exp(A)),)), order=1, optimizer=optimizer)
    assert {check.kind for check in certificate.failures} == {"rewrite", "whole expression"}


def test_a_gradient_that_is_not_what_was_checked_is_caught(monkeypatch):
    def other(graph, wrt):
        result = grad(graph, wrt)
        return result.with_outputs(substitute(result.outputs, {C: B}))

    monkeypatch.setattr("diffc.proof.orders.grad", other)
    certificate = verify_graph(LECTURE, order=1)
    assert [check.kind for check in certificate.failures] == ["gradient"]


def test_a_wrong_kernel_is_caught():
    def kernel(graph):
        run = reference(graph)
        return lambda a, b, c: run(a, b, float(c) * (1 + 1e-9))

    failures = verify_graph(LECTURE, order=1, kernel=kernel).failures
    assert [check.kind for check in failures] == ["kernel, value", "kernel, gradient"]


def test_a_kernel_that_cannot_be_made_is_a_failed_check():
    def kernel(graph):
        raise DiffcError("no such instruction")

    failures = verify_graph(LECTURE, order=0, kernel=kernel).failures
    assert [check.detail for check in failures] == ["no such instruction"]


def test_vectors_components_and_constant_derivatives():
    packed = Graph("p", (V,), (mul(sin(index(V, 0)), exp(mul(index(V, 1), index(V, 2)))),))
    for graph in (packed, Graph("q", (A, B), (mul(A, B),)), Graph("l", (A, B), (add(A, B),))):
        assert verify_graph(graph, order=3, kernel=reference).ok
    mixed = Graph("m", (V, A), (sum_(mul(exp(mul(V, A)), V)),))
    certificate = verify_graph(mixed, kernel=reference)
    assert certificate.ok, str(certificate)
    assert [c.verdict for c in certificate.checks if c.kind == "hessian"] == ["measured"]
    assert verify_graph(Graph("vec", (V,), (sin(V),)), kernel=reference).ok


def test_unusable_input_is_an_error():
    with pytest.raises(DiffcError, match="order"):
        verify_graph(LECTURE, order=9)
    with pytest.raises(DiffcError, match="no input"):
        verify_graph(LECTURE, "z")
    with pytest.raises(DiffcError, match="no output"):
        verify_graph(Graph("b", (A,), (gt(A, 0),)))
