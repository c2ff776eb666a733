"""Every operation's derivative is proved; a wrong one is refuted; both modes agree, to second order."""

import numpy as np
import pytest

from diffc.autodiff.forward import pushforward
from diffc.autodiff.reverse import pullback
from diffc.ir import Graph, Node, Type
from diffc.ops import REGISTRY, Elementwise, Leaf, cast, constant, evaluate, input_node
from diffc.ops.arithmetic import add, mul, neg, square
from diffc.ops.base import DTYPES
from diffc.ops.broadcasting import full, sum_
from diffc.ops.slicing import pad
from diffc.proof.instances import INSTANCES, instances_of
from diffc.proof.multiprecision import MULTIPRECISION
from diffc.proof.op_proofs import prove_op

STRUCTURAL = [n for n, op in REGISTRY.items() if not isinstance(op, Elementwise | Leaf)]


@pytest.mark.parametrize("name", REGISTRY)
def test_the_derivative_is_proved(name):
    proof = prove_op(REGISTRY[name])
    assert proof.verdict == "proved", proof
    assert proof.basis


def test_every_structural_operation_has_instances():
    assert set(INSTANCES) == set(STRUCTURAL)


def refuted(name):
    proof = prove_op.__wrapped__(REGISTRY[name])
    assert proof.verdict == "refuted", proof
    return proof


WRONG_PARTIALS = {
    "tanh": lambda out, x: (add(1, square(out)),),
    "sin": lambda out, x: (REGISTRY["sin"](x),),
    "div": lambda out, x, y: (REGISTRY["div"](1, y), REGISTRY["div"](out, y)),
    "erf": lambda out, x: (mul(1.1283791, REGISTRY["exp"](neg(square(x)))),),
    "maximum": lambda out, x, y: (REGISTRY["where"](REGISTRY["gt"](y, x), 1.0, 0.0), 0.0),
    "relu": lambda out, x: (1.0,),
    "pow": lambda out, x, y: (mul(y, out), mul(out, REGISTRY["log"](x))),
}


@pytest.mark.parametrize("name", WRONG_PARTIALS)
def test_a_wrong_partial_is_refuted(name, monkeypatch):
    monkeypatch.setattr(
        type(REGISTRY[name]), "partials", lambda self, out, *inputs: WRONG_PARTIALS[name](out, *inputs)
    )
    assert f"the partial of {name} by argument" in refuted(name).detail


def test_a_function_that_denies_its_derivative_is_refuted(monkeypatch):
    monkeypatch.setattr(type(REGISTRY["abs"]), "differentiable", False)
    refuted("abs")


def test_a_wrong_transpose_of_slice_is_refuted(monkeypatch):
    def shifted(self, node, position, cotangent):
        starts = node.attrs["starts"]
        sizes = zip(node.inputs[0].shape, starts, node.shape, node.attrs["steps"], strict=True)
        highs = [extent - (size - 1) * step - 1 for extent, _, size, step in sizes]
        return pad(cotangent, [0] * node.rank, highs, [s - 1 for s in node.attrs["steps"]])

    monkeypatch.setattr(type(REGISTRY["slice"]), "transpose", shifted)
    assert "<T(x), y> = <x, T*(y)>" in refuted("slice").detail


def test_a_transpose_of_another_type_is_refuted(monkeypatch):
    monkeypatch.setattr(type(REGISTRY["sum"]), "transpose", lambda self, node, position, cotangent: cotangent)
    assert "the transpose by argument 0 is" in refuted("sum").detail


def test_a_wrong_jvp_is_refuted(monkeypatch):
    monkeypatch.setattr(
        type(REGISTRY["prod"]), "jvp", lambda self, node, tangents: sum_(tangents[0], node.attrs["axes"])
    )
    assert "the JVP by" in refuted("prod").detail


def test_a_nonlinear_operation_is_no_linear_one(monkeypatch):
    monkeypatch.setattr(type(REGISTRY["flip"]), "reference", lambda self, attrs, x: x * x)
    assert "is linear" in refuted("flip").detail


# On numbers


def elementwise_instance(op):
    dtypes = ["bool", "f64", "f64"] if op.name == "where" else ["f64"] * op.arity
    return Node.make(op, [input_node(f"x{k}", Type(d, (3,))) for k, d in enumerate(dtypes)])


def differentiable_instances():
    for name, op in REGISTRY.items():
        nodes = [] if isinstance(op, Leaf) or not op.differentiable else instances_of(name)
        if isinstance(op, Elementwise) and op.differentiable:
            nodes = [elementwise_instance(op)]
        for k, node in enumerate(nodes):
            if node.type.is_float and any(each.type.is_float for each in node.inputs):
                yield pytest.param(node, id=f"{name}-{k}")


CASES = list(differentiable_instances())


def tolerance_of(node):
    return 1e-5 if "f32" in {each.dtype for each in (node, *node.inputs)} else 1e-11


def value(node, rng):
    if node.dtype == "bool":
        return rng.random(node.shape) < 0.5
    drawn = rng.uniform(0.1, 0.9, node.shape)
    if node.rank > 1 and node.shape[-1] == node.shape[-2]:
        drawn += node.shape[-1] * np.eye(node.shape[-1])  # positive definite, for cholesky
    return np.asarray(drawn, DTYPES[node.dtype])


def dots(pairs):
    return sum(float(np.sum(np.asarray(a, np.float64) * b)) for a, b in pairs)


def gradients(outputs, seeds, moving):
    """Return the cotangents, zeros where nothing passes (to the sign that copysign takes)."""
    shares, _ = pullback(outputs, seeds, moving)
    return [full(0, n.type) if share is None else share for n, share in zip(moving, shares, strict=True)]


@pytest.mark.parametrize("node", CASES)
def test_forward_and_reverse_agree(node):
    rng = np.random.default_rng(1)
    inputs = list(dict.fromkeys(n for n in node.inputs if n.is_op("input")))
    moving = [n for n in inputs if n.type.is_float]
    directions = [input_node(f"d{k}", n.type) for k, n in enumerate(moving)]
    seed = input_node("y", node.type)
    (tangent,) = pushforward([node], dict(zip(moving, directions, strict=True)))
    shares = gradients([node], [seed], moving)
    points = [value(n, rng) for n in inputs]
    vectors, cotangent = [value(n, rng) for n in directions], value(seed, rng)
    (push,) = evaluate(Graph("push", (*inputs, *directions), (tangent,)), *points, *vectors)
    pull = evaluate(Graph("pull", (*inputs, seed), tuple(shares)), *points, cotangent)
    left, right = dots([(push, cotangent)]), dots(zip(pull, vectors, strict=True))
    assert left == pytest.approx(right, rel=tolerance_of(node), abs=tolerance_of(node))


@pytest.mark.parametrize("node", CASES)
def test_second_order_is_symmetric_and_commutes(node):
    """u H v == v H u for f = sum(w * op(x)**2), by forward over reverse and by reverse over forward."""
    rng = np.random.default_rng(2)
    inputs = list(dict.fromkeys(n for n in node.inputs if n.is_op("input")))
    moving = [n for n in inputs if n.type.is_float]
    weight = input_node("w", node.type)
    output = sum_(mul(weight, square(node)))
    u, v = ([input_node(f"{c}{k}", n.type) for k, n in enumerate(moving)] for c in "uv")
    arguments = (*inputs, weight, *u, *v)
    one = constant(1.0)
    first = gradients([output], [cast(one, node.dtype)], moving)
    over = pushforward(first, dict(zip(moving, v, strict=True)))
    (along,) = pushforward([output], dict(zip(moving, v, strict=True)))
    back = [None] * len(moving)
    if along is not None and not along.is_op("const"):
        back, _ = pullback([along], [cast(one, node.dtype)], moving)
    terms = [[sum_(mul(a, t)) for a, t in zip(u, ts, strict=True) if t is not None] for ts in (over, back)]
    graph = Graph("second", arguments, tuple(each for row in terms for each in row))
    values = [value(n, rng) for n in arguments]
    swapped = [*values[: -2 * len(u)], *values[-len(u) :], *values[-2 * len(u) : -len(u)]]
    count = len(terms[0])
    runs = evaluate(graph, *values), evaluate(graph, *swapped)
    results = [sum(map(float, part)) for each in runs for part in (each[:count], each[count:])]
    expected = [results[0]] * 4
    assert results == pytest.approx(expected, rel=10 * tolerance_of(node), abs=10 * tolerance_of(node))


@pytest.mark.parametrize("name", [n for n, op in REGISTRY.items() if isinstance(op, Elementwise)])
def test_the_sympy_form_is_the_reference(name):
    op = REGISTRY[name]
    rng = np.random.default_rng(3)
    for _ in range(8):
        truth = op.domain == "bool"
        args = [rng.random() < 0.5 if truth else float(rng.uniform(0.1, 0.9)) for _ in range(op.arity)]
        if name == "where":
            args[0] = bool(rng.random() < 0.5)
        for k in op.parameters:
            args[k] = float(rng.integers(1, 5))
        expected = op.numpy(*map(np.asarray, args))
        got = MULTIPRECISION.scalar(op, *[MULTIPRECISION.number(each) for each in args])
        assert float(got) == pytest.approx(float(expected), rel=1e-14)
