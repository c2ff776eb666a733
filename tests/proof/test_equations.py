"""Derivative graphs, equation by equation: the published examples, wrong nodes, masks, and size."""

import numpy as np
import pytest

from diffc.autodiff import derivative, grad
from diffc.autodiff.forward import pushforward
from diffc.autodiff.reverse import pullback
from diffc.ir import Graph, Node, parse_type, substitute, topological
from diffc.ops import REGISTRY, constant, constant_like, evaluate, input_node
from diffc.ops.arithmetic import abs_, add, div, maximum, minimum, mul, square, sub
from diffc.ops.broadcasting import broadcast, mean, sum_
from diffc.ops.elementary import cos, exp, log, sin, sqrt, tanh
from diffc.ops.indexing import gather
from diffc.ops.logic import gt, where
from diffc.ops.powers import pow_
from diffc.ops.products import matmul
from diffc.ops.reductions import amax, prod
from diffc.ops.softmax import logsumexp
from diffc.proof.equations import check_forward, check_reverse, labels


def inp(name, type_="f64"):
    return input_node(name, parse_type(type_))


A, B, C = inp("a"), inp("b"), inp("c")
Z1 = add(A, B)
Z2 = mul(Z1, C)
LECTURE = Graph("f", (A, B, C), (square(Z2),))
ONE = constant(1.0)


def at(node, *values):
    return float(evaluate(Graph("at", (A, B, C), (node,)), *values)[0])


def test_adjoints_of_the_lecture_example():
    """((a+b)*c)**2 at a=1, b=2, c=2, drawn by hand: 1, 12 at (a+b)c, 24 at a+b, then 24, 24, 36."""
    _, adjoints = pullback(LECTURE.outputs, [ONE], [A, B, C])
    found = [at(adjoints[n], 1, 2, 2) for n in (LECTURE.outputs[0], Z2, Z1, A, B, C)]
    assert found == [1, 12, 24, 24, 24, 36]
    checks = check_reverse(LECTURE.outputs, [ONE], [A, B, C], adjoints, label=labels(LECTURE))
    assert [check.verdict for check in checks] == ["proved"] * 6


def test_second_order_of_the_lecture_example():
    """From df/db: 24 by c, 8 by z1 = a+b, and 8 by a and by b."""
    (first,) = grad(LECTURE, "b").outputs
    shares, adjoints = pullback([first], [ONE], [A, B, C])
    assert [at(each, 1, 2, 2) for each in shares] == [8, 8, 24]
    assert at(adjoints[Z1], 1, 2, 2) == 8
    checks = check_reverse([first], [ONE], [A, B, C], adjoints)
    assert all(check.verdict == "proved" for check in checks)
    assert at(derivative(LECTURE, "a", "c").outputs[0], 1, 2, 2) == 24


def check_both(output, wrt, orders=2):
    outputs = [output]
    for order in range(orders):
        cotangents = [inp(f"ct{order}_{k}", str(o.type)) for k, o in enumerate(outputs)]
        shares, adjoints = pullback(outputs, cotangents, wrt)
        nodes = topological(outputs)
        seeds = {node: inp(f"t{k}", str(node.type)) for k, node in enumerate(wrt)}
        found = zip(nodes, pushforward(nodes, seeds), strict=True)
        tangents = {node: tangent for node, tangent in found if tangent is not None}
        checks = check_reverse(outputs, cotangents, wrt, adjoints)
        checks += check_forward(outputs, seeds, tangents)
        assert checks
        assert all(check.verdict == "proved" for check in checks), [c for c in checks if not c.ok]
        outputs = [share for share in shares if share is not None]


V, M, W, X, Y = (
    inp("v", "f64[6]"),
    inp("m", "f64[3,3]"),
    inp("w", "f64[3,1]"),
    inp("x", "f64[N,4]"),
    inp("y", "f64[N,5]"),
)
U, BIAS = inp("u", "f64[4,5]"), inp("bias", "f64[5]")
LAYER = add(matmul(X, U), BIAS)
PROGRAMS = {
    "elementary": (mul(sin(mul(A, B)), exp(div(A, C))), [A, B, C], 3),
    "power": (pow_(A, B), [A, B], 3),
    "where": (where(gt(A, 0), mul(log(A), B), sin(B)), [A, B], 3),
    "extrema": (mul(maximum(A, B), minimum(B, C)), [A, B, C], 2),
    "condition-shared": (add(maximum(A, B), where(gt(A, B), mul(A, B), cos(A))), [A, B], 2),
    "reuse-of-output": (mul(exp(A), add(A, exp(A))), [A], 3),
    "network": (mean(square(sub(tanh(LAYER), Y))), [U, BIAS], 3),
    "cross-entropy": (mean(sum_(mul(Y, sub(LAYER, logsumexp(LAYER, 1, True))), 1)), [U, BIAS], 2),
    "norm": (sqrt(sum_(square(V))), [V], 3),
    "masked-vector": (sum_(where(gt(V, 0), sqrt(V), mul(V, V))), [V], 3),
    "product": (prod(V), [V], 2),
    "maximum": (amax(mul(V, V)), [V], 2),
    "gather": (sum_(exp(gather(V, constant([0, 1, 1, 5])))), [V], 2),
    "softmax": (sum_(square(div(exp(M), sum_(exp(M), 1, True)))), [M], 2),
    "broadcast": (sum_(mul(maximum(M, W), pow_(add(square(W), 1), M))), [M, W], 2),
    "masked-kink": (sum_(where(gt(V, 0), sqrt(V), abs_(V))), [V], 2),
    "matmul-square": (sum_(matmul(M, M)), [M], 2),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    check_both(*PROGRAMS[name])


def wrong(adjoints, node, change):
    """Return the adjoints of a derivative graph in which one node is changed, and all that follow."""
    old = adjoints[node]
    new = change(old)
    names = list(adjoints)
    return dict(zip(names, substitute([adjoints[n] for n in names], {old: new}), strict=True))


def replaced_by(name):
    return lambda node: Node.make(REGISTRY[name], node.inputs, node.attrs)


def test_a_wrong_node_is_named():
    wrt = [A, B, C]
    output = sin(mul(mul(A, B), C))
    _, adjoints = pullback([output], [inp("ct")], wrt)
    damaged = wrong(adjoints, mul(A, B), replaced_by("add"))
    assert damaged[mul(A, B)].is_op("add")
    checks = check_reverse(
        [output], [inp("ct")], wrt, damaged, label=labels(Graph("f", tuple(wrt), (output,)))
    )
    (failed,) = [check for check in checks if not check.ok]
    assert failed.subject.startswith("adjoint of %0 = <mul")
    assert "the graph has  %c + d(%1)\nit should be   %c*d(%1)" in failed.detail
    assert "numeric witness" in failed.basis


@pytest.mark.parametrize("name", ["sub", "div", "maximum"])
def test_a_wrong_accumulation_is_caught(name):
    output = mul(sin(A), exp(A))
    _, adjoints = pullback([output], [ONE], [A])
    damaged = wrong(adjoints, A, replaced_by(name))
    assert [c.verdict for c in check_reverse([output], [ONE], [A], damaged)].count("failed") == 1


def test_a_missing_adjoint_and_a_missing_term_are_caught():
    output = mul(sin(A), exp(B))
    _, adjoints = pullback([output], [ONE], [A, B])
    del adjoints[A]
    assert [c.ok for c in check_reverse([output], [ONE], [A, B], adjoints)].count(False) == 1
    output = mul(sin(A), exp(A))
    _, adjoints = pullback([output], [ONE], [A])
    adjoints[A] = adjoints[A].inputs[0]
    assert [c.ok for c in check_reverse([output], [ONE], [A], adjoints)].count(False) == 1


def test_a_wrong_structural_share_is_caught():
    output = sum_(square(matmul(M, W)))
    _, adjoints = pullback([output], [ONE], [M, W])
    adjoints[W] = matmul(M, adjoints[matmul(M, W)])
    (failed,) = [c for c in check_reverse([output], [ONE], [M, W], adjoints) if not c.ok]
    assert "adjoint of" in failed.subject


def test_a_sum_over_the_wrong_axis_is_caught():
    output = sum_(mul(M, inp("row", "f64[3]")))
    row = inp("row", "f64[3]")
    _, adjoints = pullback([output], [ONE], [row])
    adjoints[row] = sum_(mul(ONE, M), 1)
    assert not all(c.ok for c in check_reverse([output], [ONE], [row], adjoints))


def test_a_wrong_tangent_is_caught():
    output = mul(sin(A), exp(B))
    nodes, seeds = topological([output]), {A: inp("da"), B: inp("db")}
    tangents = dict(zip(nodes, pushforward(nodes, seeds), strict=True))
    right = tangents[sin(A)]
    damaged = mul(seeds[A], sin(A))
    found = substitute([t for t in tangents.values() if t], {right: damaged})
    tangents = dict(zip([n for n, t in tangents.items() if t], found, strict=True))
    (failed,) = [c for c in check_forward([output], seeds, tangents) if not c.ok]
    assert failed.subject.startswith("tangent of <sin")


SLOW_OR_NEUTRAL = {"broadcast", "extrema", "matmul-square", "gather", "masked-kink"}


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - SLOW_OR_NEUTRAL))
def test_every_mutation_is_caught(name):
    """Each node of the derivative graph, replaced by another operation: some equation fails."""
    output, wrt, _ = PROGRAMS[name]
    seed = inp("ct")
    _, adjoints = pullback([output], [seed], wrt)
    others = {
        "add": "sub",
        "sub": "add",
        "mul": "div",
        "div": "mul",
        "neg": "square",
        "exp": "cos",
        "sign": "square",
        "cos": "exp",
    }
    primal = set(topological([output]))
    names, mutated = list(adjoints), 0
    for old in topological(adjoints.values()):
        other = others.get(old.op.name)
        if other is None or old in primal:
            continue
        mutated += 1
        new = replaced_by(other)(old)
        damaged = dict(zip(names, substitute([adjoints[n] for n in names], {old: new}), strict=True))
        assert not all(c.ok for c in check_reverse([output], [seed], wrt, damaged)), old
    assert mutated


def test_a_wrong_partial_shows_in_every_equation(monkeypatch):
    monkeypatch.setattr(type(tanh), "partials", lambda self, out, *inputs: (add(1, square(out)),))
    output = tanh(mul(A, tanh(B)))
    _, adjoints = pullback([output], [ONE], [A, B])
    checks = check_reverse([output], [ONE], [A, B], adjoints)
    assert [c.verdict for c in checks].count("failed") == 2


def checks_of_a_chain(length):
    node = A
    for k in range(length):
        node = sin(add(mul(node, B), k % 3))
    _, adjoints = pullback([node], [constant_like(1, "f64")], [A, B])
    return check_reverse([node], [constant_like(1, "f64")], [A, B], adjoints)


@pytest.mark.scale
def test_a_graph_of_ten_thousand_nodes_is_checked():
    checks = checks_of_a_chain(3_400)
    assert len(checks) > 10_000
    assert all(check.ok for check in checks)


def test_a_graph_is_checked_in_linear_time(assert_linear):
    assert_linear(checks_of_a_chain, 100)


def test_the_memory_of_verdicts_does_not_confuse_equations():
    """The same structure with other constants or another consumer is another equation."""
    for scale in (2.0, 3.0):
        output = mul(A, scale)
        _, adjoints = pullback([output], [inp("ct")], [A])
        assert all(c.ok for c in check_reverse([output], [inp("ct")], [A], adjoints))
        adjoints[A] = mul(inp("ct"), scale + 1)
        assert not all(c.ok for c in check_reverse([output], [inp("ct")], [A], adjoints))
    assert np.isfinite(at(LECTURE.outputs[0], 1, 2, 2))


def test_a_branch_outside_the_domain_of_the_other_is_checked_as_well():
    """d|v| for v < 0, where the root in the other branch is not real."""
    output = sum_(where(gt(V, 0), sqrt(V), abs_(V)))
    _, adjoints = pullback([output], [ONE], [V])
    sign = Node.make(REGISTRY["sign"], (V,))
    damaged = dict(adjoints)
    (damaged[V],) = substitute([adjoints[V]], {sign: maximum(sign, 0.5)})
    assert damaged[V] is not adjoints[V]
    assert not all(c.ok for c in check_reverse([output], [ONE], [V], damaged))


def test_the_elements_that_attain_a_maximum_are_not_set_aside():
    """x == max(x) is no tie that could be left out: some element attains it."""
    top = amax(V, keepdims=True)
    for output in (mul(amax(V), exp(sum_(V))), sum_(mul(maximum(V, top), V))):
        _, adjoints = pullback([output], [ONE], [V])
        attained = [n for n in topological([adjoints[V]]) if n.is_op("eq")]
        assert attained
        damaged = dict(adjoints)
        (damaged[V],) = substitute([adjoints[V]], {attained[0]: gt(V, broadcast(top, V.shape))})
        assert not all(c.ok for c in check_reverse([output], [ONE], [V], damaged))
