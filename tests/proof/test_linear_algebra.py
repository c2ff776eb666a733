"""Linear algebra: wrong rules are refuted, long arithmetic is right, certificates hold and do not hold."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import diffc as dc
from diffc.ir import Graph, Node, Type
from diffc.ops import REGISTRY, evaluate, input_node
from diffc.ops.arithmetic import add, mul
from diffc.ops.broadcasting import sum_
from diffc.ops.factorizations import eigen_parts
from diffc.ops.matrices import as_row, diagonal
from diffc.ops.products import matmul, swap_last
from diffc.ops.slicing import concatenate
from diffc.proof.implicit import determined, solution_of
from diffc.proof.instances import instances_of
from diffc.proof.matrices import IMPLICIT, MATRIX_OPERATIONS
from diffc.proof.multiprecision import MULTIPRECISION
from diffc.proof.numeric import check_kernel, deviations
from diffc.proof.op_proofs import prove_op


def refuted(name):
    proof = prove_op.__wrapped__(REGISTRY[name])
    assert proof.verdict == "refuted", proof
    return proof.detail


def cholesky_without_the_half(self, node, da):
    inner = REGISTRY["triangular_solve"]
    half = Node.make(inner, (node, da), {"lower": True})
    return matmul(node, Node.make(inner, (node, swap_last(half)), {"lower": True}))


def eigh_without_turning(self, node, da):
    _, vectors = eigen_parts(node)
    inner = matmul(swap_last(vectors), matmul(da, vectors))
    return concatenate([as_row(diagonal(inner)), matmul(vectors, inner)], -2)


WRONG_TANGENTS = {
    "det": lambda self, node, da: mul(node, sum_(diagonal(da), -1)),
    "cholesky": cholesky_without_the_half,
    "eigh": eigh_without_turning,
    "eigvalsh": lambda self, node, da: diagonal(da),
    "qr": lambda self, node, da: mul(node, 0.0),
    "svd": lambda self, node, da: mul(node, 1.0),
    "svdvals": lambda self, node, da: mul(2, RIGHT["svdvals"](self, node, da)),
    "pinv": lambda self, node, da: mul(-1, matmul(node, matmul(da, node))),
}
RIGHT = {name: type(REGISTRY[name]).tangent for name in WRONG_TANGENTS}


@pytest.mark.parametrize("name", WRONG_TANGENTS)
def test_a_wrong_tangent_is_refuted(name, monkeypatch):
    monkeypatch.setattr(type(REGISTRY[name]), "tangent", WRONG_TANGENTS[name])
    detail = refuted(name)
    assert ("differentiated" in detail) == (name in IMPLICIT)


def test_a_solution_that_ignores_its_matrix_is_refuted(monkeypatch):
    def jvp(self, node, tangents):
        return None if tangents[1] is None else node.replace((node.inputs[0], tangents[1]))

    monkeypatch.setattr(type(REGISTRY["solve"]), "jvp", jvp)
    assert "the JVP by" in refuted("solve") or "no JVP" in refuted("solve")


def test_a_solution_transposed_without_its_matrix_transposed_is_refuted(monkeypatch):
    def same(self, node, position, cotangent):
        return node.replace((node.inputs[0], cotangent))

    monkeypatch.setattr(type(REGISTRY["solve"]), "transpose", same)
    assert "pullback" in refuted("solve")


@pytest.mark.parametrize("name", IMPLICIT)
def test_the_equations_determine_the_derivative(name):
    assert all(determined(solution_of(node)) for node in instances_of(name))


def test_the_certificate_says_what_a_factorization_rests_on():
    proof = prove_op(REGISTRY["cholesky"])
    assert proof.basis.startswith("its JVP solves its defining equations differentiated; free symbols")


# Long arithmetic


def matrix(rng, node):
    drawn = rng.normal(size=node.shape)
    if node.shape[-1] == node.shape[-2]:
        drawn = drawn @ drawn.swapaxes(-1, -2) + np.eye(node.shape[-1])
    return drawn


@pytest.mark.parametrize("name", MATRIX_OPERATIONS)
def test_long_arithmetic_agrees_with_numpy(name):
    rng = np.random.default_rng(5)
    for node in instances_of(name):
        arrays = [matrix(rng, each) for each in node.inputs]
        expected = evaluate(Graph("f", node.inputs, (node,)), *arrays)[0]
        numbers = [MULTIPRECISION.array(each) for each in arrays]
        found = MULTIPRECISION.apply(node, numbers, lambda extent: int(str(extent)))
        assert found.shape == expected.shape
        np.testing.assert_allclose(found.astype(float), expected, rtol=1e-12, atol=1e-13)


def test_long_arithmetic_has_fifty_digits():
    a = input_node("a", Type("f64", (3, 3)))
    hilbert = MULTIPRECISION.array(np.array([[1 / (i + j + 1) for j in range(3)] for i in range(3)]))
    low = MULTIPRECISION.apply(Node.make(REGISTRY["cholesky"], (a,)), [hilbert], int)
    assert max(abs(each) for each in (low @ low.T - hilbert).flat) < mpmath.mpf(10) ** -75
    packed = MULTIPRECISION.apply(Node.make(REGISTRY["eigh"], (a,)), [hilbert], int)
    w, v = packed[0], packed[1:]
    assert max(abs(each) for each in (hilbert @ v - v * w).flat) < mpmath.mpf(10) ** -75


@pytest.mark.parametrize("name", ["solve", "cholesky"])
def test_what_numpy_refuses_is_nan_in_long_arithmetic(name):
    node = next(each for each in instances_of(name) if each.shape != (1, 1) and each.rank <= 2)
    bad = np.full(node.inputs[0].shape, -1.0)
    others = [np.ones(each.shape) for each in node.inputs[1:]]
    numbers = [MULTIPRECISION.array(each) for each in (bad, *others)]
    found = MULTIPRECISION.apply(node, numbers, lambda extent: int(str(extent)))
    assert all(mpmath.isnan(each) for each in found.flat)


def test_the_bound_knows_the_condition_of_a_system():
    n = 4
    a, r = input_node("a", Type("f64", (n, n))), input_node("r", Type("f64", (1, n)))
    graph = Graph("f", (a, r), (Node.make(REGISTRY["solve"], (a, r)),))
    hilbert = np.array([[1 / (i + j + 1) for j in range(n)] for i in range(n)])

    def run(*arrays):
        return evaluate(graph, *arrays)[0]

    (found,) = deviations(graph, run, [hilbert, np.ones((1, n))])
    assert found.ulps > 1
    assert found.quotient < 1
    (wrong,) = deviations(graph, lambda *x: run(*x) * (1 + 1e-8), [hilbert, np.ones((1, n))])
    assert wrong.quotient > 16


def test_a_kernel_of_a_positive_definite_matrix_finds_its_domain():
    a = input_node("a", Type("f64", (4, 4)))
    graph = Graph("f", (a,), (Node.make(REGISTRY["cholesky"], (a,)),))
    (check,) = check_kernel(graph, lambda x: evaluate(graph, x)[0])
    assert check.verdict == "measured", check


# Certificates


FORMULAS = {
    "solve": ("sum(solve(A, b)**2)", {"A": "f64[3, 3]", "b": "f64[3]"}),
    "cholesky": ("sum(cholesky(A)**3)", {"A": "f64[2, 2]"}),
    "det": ("det(A)", {"A": "f64[3, 3]"}),
    "det by elimination": ("det(A)", {"A": "f64[4, 4]"}),
    "logdet": ("logdet(A)", {"A": "f64[N, N]"}),
    "inv": ("sum(inv(A)**2)", {"A": "f64[2, 2]"}),
    "eigvalsh": ("sum(eigvalsh(A)**3)", {"A": "f64[2, 2]"}),
    "svdvals": ("sum(svdvals(A)**3)", {"A": "f64[2, 2]"}),
    "pinv": ("sum(pinv(A)**3)", {"A": "f64[3, 2]"}),
    "lstsq": ("sum(lstsq(A, b)**2)", {"A": "f64[3, 2]", "b": "f64[3]"}),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_certificate_holds(name):
    text, inputs = FORMULAS[name]
    certificate = dc.verify(dc.parse(text, inputs=inputs), order=2)
    assert certificate.ok, str(certificate)
    kernels = [check for check in certificate.checks if check.kind.startswith("kernel")]
    assert [check.verdict for check in kernels] == ["measured"] * 3


def test_a_certificate_with_a_wrong_rule_does_not_hold(monkeypatch):
    def doubled(self, node, da):
        return add(RIGHT["det"](self, node, da), RIGHT["det"](self, node, da))

    monkeypatch.setattr(type(REGISTRY["det"]), "tangent", doubled)
    prove_op.cache_clear()
    try:
        certificate = dc.verify(dc.parse("det(A)", inputs={"A": "f64[4, 4]"}), order=1)
    finally:
        prove_op.cache_clear()
    assert not certificate.ok
    assert any(check.subject == "det" and check.verdict == "failed" for check in certificate.failures)
