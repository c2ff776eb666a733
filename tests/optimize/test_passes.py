"""What holds of the passes as a whole: values, types, ends, sources, and every structural rewrite."""

import itertools
import random
from typing import Any

import numpy as np
import pytest

from diffc import autodiff
from diffc.ir import Graph, Node, Type, check, parse_type
from diffc.ops import REGISTRY, cast, constant, dim, evaluate, input_node
from diffc.ops.arithmetic import abs_, add, div, maximum, minimum, mul, neg, relu, square, sub
from diffc.ops.broadcasting import broadcast, broadcast_op, sum_, sum_op
from diffc.ops.elementary import cbrt, erf, exp, log, log1p, sigmoid, sin, softplus, sqrt, tanh
from diffc.ops.linalg import solve
from diffc.ops.logic import eq, gt, logical_not, lt, where
from diffc.ops.matrices import as_row, eye, triangle
from diffc.ops.powers import pow_, power
from diffc.ops.products import matmul, swap_last
from diffc.ops.reductions import amax
from diffc.ops.reshaping import flip, reshape, reshape_op, transpose, transpose_op
from diffc.ops.slicing import concatenate, index, pad, slice_, stack
from diffc.ops.softmax import logsumexp
from diffc.ops.spectra import eigh
from diffc.optimize import ALL, Log, Rule, optimize, rewrite, round_constants
from diffc.optimize.rewrite import FunctionRewrite
from diffc.syntax import build, parse_expression
from diffc.syntax.compositions import norm

BINARY = [add, sub, mul, div, maximum, minimum, add, sub, mul]
UNARY = [neg, exp, log, sigmoid, softplus, tanh, sin, square, abs_, relu, log1p, sqrt, neg]


def formula(text: str, **types: str) -> Graph:
    program = parse_expression(text)
    scope = {name: input_node(name, parse_type(types.get(name, "f64"))) for name in program.names}
    return Graph("f", tuple(scope.values()), (build(program, scope),))


def graph_of(output: Node) -> Graph:
    found = Graph("f", (), (output,)).nodes
    return Graph("f", tuple(node for node in found if node.is_op("input")), (output,))


def random_graph(seed: int) -> Graph:
    """A program of 30 steps over scalars, vectors and matrices, with every kind of rearrangement."""
    rng = random.Random(seed)
    dtype = rng.choice(["f64", "f64", "f32"])
    inputs = [
        input_node(name, Type(dtype, shape))
        for name, shape in zip("abcd", [(), (4,), (3, 4), (4,)], strict=True)
    ]
    pool: list[Node] = [*inputs, *(constant(v, dtype) for v in (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -3.0))]
    for _ in range(30):
        x, y = rng.choice(pool), rng.choice(pool)
        kind = rng.randrange(12)
        if kind < 4:
            pool.append(rng.choice(BINARY)(x, y) if compatible(x, y) else neg(x))
        elif kind < 7:
            pool.append(rng.choice(UNARY)(x))
        elif kind == 7:
            pool.append(pow_(abs_(x), rng.choice([0.0, 1.0, 2.0, 3.0, -2.0, 5.0])))
        elif kind == 8 and compatible(x, y):
            condition = rng.choice([lt, gt, eq])(x, y)
            pool.append(where(rng.choice([condition, logical_not(condition)]), x, y))
        else:
            pool.append(rearranged(rng, x))
    return Graph("f", tuple(inputs), tuple(pool[-6:]))


def compatible(x: Node, y: Node) -> bool:
    return all(a == b or 1 in (a, b) for a, b in zip(x.shape[::-1], y.shape[::-1], strict=False))


def rearranged(rng: random.Random, x: Node) -> Node:
    if x.rank == 0:
        return rng.choice([broadcast(x, (3, 4)), reshape(x, (1,)), stack([x, neg(x)])])
    k = rng.randrange(x.rank)
    extent: Any = x.shape[k]
    low = [1 if axis == k else 0 for axis in range(x.rank)]
    choices = [
        transpose(x), flip(x, [k]), sum_(x, k, rng.random() < 0.5), amax(x, k), logsumexp(x, k, True),
        index(x, 0, k), pad(x, low, [2 * e for e in low]), concatenate([x, x], k), reshape(x, (*x.shape, 1)),
        reshape(x, (-1,)), sum_(x), reshape(neg(x), (1, *x.shape)),
    ]  # fmt: skip
    if x.rank < 3:
        choices.append(broadcast(x, (3, *x.shape)))
    if extent > 1:
        starts, sizes = [int(axis == k) for axis in range(x.rank)], list(x.shape)
        sizes[k] = extent - 1
        choices += [
            slice_(x, starts, sizes),
            concatenate([index(x, 0, k), index(x, 1, k)], 0) if x.rank > 1 else x,
        ]
    return rng.choice([each for each in choices if np.prod([int(str(e)) for e in each.shape]) < 500])


@pytest.mark.parametrize("seed", range(120))
def test_random_programs_keep_types_and_values(seed: int) -> None:
    graph = random_graph(seed)
    rng = np.random.default_rng(seed)
    point = [rng.uniform(-2, 2, node.shape) for node in graph.inputs]
    expected = evaluate(graph, *point)
    for stage, math in itertools.product(("before", "after"), ("precise",)):
        log: Log = []
        new = check(optimize(graph, stage=stage, math=math, log=log))
        assert new.inputs == graph.inputs
        for name, before, after in log:
            assert before.type == after.type, name
        loose = 1e-3 if graph.inputs[0].dtype == "f32" else 1e-9
        for x, y, old, out in zip(expected, evaluate(new, *point), graph.outputs, new.outputs, strict=True):
            assert out.type == old.type
            finite = np.isfinite(x) & (np.abs(x) < 1e6)
            np.testing.assert_allclose(y[finite], x[finite], loose, loose)
        assert round_constants(new) is new or stage == "before"
        # Rounding may show a sign or an equality that the expression did not: it is not looked at again.
        new = optimize(graph, stage=stage, math=math, exact=True)
        again = optimize(new, stage=stage, math=math, exact=True)
        assert [a is b for a, b in zip(again.outputs, new.outputs, strict=True)] == [True] * len(new.outputs)


def structural_cases() -> list[Node]:
    """Programs that the builders would have simplified by themselves, made node by node."""
    x, y = input_node("x", parse_type("f64[2, 3]")), input_node("y", parse_type("f64[3]"))
    s, c = input_node("s", parse_type("f64")), input_node("c", parse_type("bool[2, 3]"))
    n = input_node("n", parse_type("f64[N]"))
    r1 = Node.make(reshape_op, (x,), {"shape": (6,)})
    b1 = Node.make(broadcast_op, (y,), {"shape": (2, 3)})
    t1 = Node.make(transpose_op, (x,), {"axes": (1, 0)})
    wide = broadcast(reshape(s, (1, 1)), (2, 3))
    w, v = eigh(mul(eye(3, "f64"), as_row(y)))
    return [
        exp(constant(2.0)),
        neg(constant([1.0, 1.0])),
        constant([2.0, 2.0]),
        Node.make(reshape_op, (r1,), {"shape": (3, 2)}),
        Node.make(broadcast_op, (b1,), {"shape": (4, 2, 3)}),
        Node.make(transpose_op, (t1,), {"axes": (1, 0)}),
        flip(flip(x, [0]), [0, 1]),
        cast(cast(gt(y, 0), "i64"), "f64"),
        matmul(reshape(y, (3, 1)), reshape(y, (1, 3))),
        Node.make(sum_op, (Node.make(sum_op, (x,), {"axes": (0,)}),), {"axes": (0,)}),
        sum_(transpose(x), 0),
        sum_(matmul(x, transpose(x)), 1),
        sum_(matmul(x, transpose(x))),
        sum_(matmul(reshape(n, (1, *n.shape, 1)), reshape(y, (1, 1, 3))), (0, 1)),
        sum_(broadcast(y, (2, 3)), 0),
        add(sum_(n), sum_(broadcast(constant(-2.0), n.shape))),
        mul(broadcast(y, (2, 3)), x),
        mul(reshape(y, (1, 3)), x),
        exp(reshape(y, (3, 1))),
        exp(reshape(neg(y), (3, 1))),
        mul(reshape(y, (3, 1)), reshape(square(y), (3, 1))),
        reshape(neg(x), (6,)),
        matmul(neg(x), transpose(x)),
        slice_(slice_(y, [1], [2]), [1], [1]),
        slice_(wide, [0, 1], [2, 2]),
        index(stack([s, exp(s)]), 1),
        slice_(concatenate([n, y]), [0], n.shape),
        slice_(pad(y, [1], [1]), [1], [2]),
        slice_(pad(y, [2], [1]), [0], [2]),
        pad(pad(y, [1], [0]), [1], [1]),
        concatenate([slice_(y, [0], [1]), slice_(y, [1], [2])]),
        concatenate([broadcast(constant(0.0), (2,)), broadcast(constant(0.0), (1,))]),
        where(constant(True), x, y),
        log(add(exp(s), add(exp(mul(s, 2.0)), exp(neg(s))))),
        log1p(add(exp(s), exp(mul(s, 3.0)))),
        log(mul(exp(s), exp(sin(s)))),
        log1p(neg(erf(s))),
        div(exp(s), add(exp(s), exp(sin(s)))),
        div(transpose(exp(x)), sum_(exp(x), 1)),
        square(mul(s, norm(y))),
        power(norm(y), 4),
        power(cbrt(s), 3),
        where(c, reshape(y, (1, 3)), x),
        Node.make(REGISTRY["slice"], (y,), {"starts": (0,), "sizes": (3,), "steps": (1,)}),
        mul(cast(dim(n.shape[0]), "f64"), n),
        add(pad(s1 := reshape(s, (1,)), [0], [2]), pad(exp(s1), [2], [0])),
        solve(triangle(add(eye(3, "f64"), mul(0.1, as_row(y)))), y),
        matmul(mul(v, exp(w)), swap_last(v)),
        solve(v, y),
        sum_(exp(w)),
    ]


def test_every_structural_rewrite_fires_and_keeps_the_value() -> None:
    seen: set[str] = set()
    rng = np.random.default_rng(0)
    for node in structural_cases():
        graph = graph_of(node)
        log: Log = []
        for stage in ("before", "after"):
            new = check(optimize(graph, stage=stage, log=log))
            assert new.outputs[0].type == node.type
            for size in (0, 2) if graph.symbols else (2,):
                point = [
                    np.abs(rng.normal(size=[e if isinstance(e, int) else size for e in i.shape]))
                    for i in graph.inputs
                ]
                np.testing.assert_allclose(evaluate(new, *point)[0], evaluate(graph, *point)[0], 1e-14)
        seen |= {name for name, _, _ in log}
    names = {each.name for each in ALL if isinstance(each, FunctionRewrite)} | {"join_pads"}
    assert names <= seen, sorted(names - seen)


def test_pads_that_overlap_others_are_joined_with_those_that_follow_them() -> None:
    x, y = input_node("x", Type("f64", (1,))), input_node("y", Type("f64", (4,)))
    at_the_front, behind = pad(x, [0], [4]), pad(y, [1], [0])
    to_the_last, at_the_end = pad(exp(y), [0], [1]), pad(exp(x), [4], [0])
    other = concatenate([y, x])
    node = sub(add(add(sub(at_the_front, other), behind), to_the_last), sub(other, at_the_end))
    new = optimize(graph_of(node), stage="after")
    assert not any(each.is_op("pad") for each in new.nodes)
    point = [np.array([0.7]), np.array([1.0, -2.0, 3.0, 0.5])]
    np.testing.assert_allclose(evaluate(new, *point)[0], evaluate(graph_of(node), *point)[0], 1e-14)


@pytest.mark.parametrize("each", [r for r in ALL if isinstance(r, FunctionRewrite)], ids=lambda r: r.name)
def test_structural_rewrites_say_what_they_do(each: FunctionRewrite) -> None:
    assert "=>" in str(each)


@pytest.mark.parametrize("x", [-1e4, -40.0, 0.0, 40.0, 1e4])
def test_stable_forms_are_finite_far_out(x: float) -> None:
    for text in ("log(1 + exp(x))", "1/(1 + exp(-x))", "log(1/(1 + exp(-x)))", "log(1 - 1/(1 + exp(-x)))"):
        graph = optimize(formula(text), stage="before")
        gradient = optimize(autodiff.value_and_grad(graph), stage="after")
        value, slope = evaluate(gradient, x)
        assert np.isfinite(value)
        assert np.isfinite(slope)


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_product_without_elements_sums_to_zero_beside_what_is_not_finite(axis: int, symbolic: bool) -> None:
    left, right = ((0, 2), (2, 3)) if axis == 0 else ((3, 2), (2, 0))
    kinds = [f"f64{list(shape)}".replace("0", "N" if symbolic else "0") for shape in (left, right)]
    x, y = (input_node(name, parse_type(kind)) for name, kind in zip("xy", kinds, strict=True))
    graph = Graph("f", (x, y), (sum_(matmul(x, y), [axis]),))
    (value,) = evaluate(optimize(graph, stage="before"), np.full(left, np.nan), np.full(right, np.inf))
    assert np.array_equal(value, np.zeros(3))


def test_unused_inputs_stay_and_stop_gradient_goes_last() -> None:
    x, unused = input_node("x", parse_type("f64")), input_node("unused", parse_type("f64"))
    graph = Graph("f", (x, unused), (REGISTRY["stop_gradient"](x),))  # pyright: ignore
    assert optimize(graph, stage="before").outputs == graph.outputs
    after = optimize(graph, stage="after")
    assert after.outputs == (x,)
    assert after.inputs == (x, unused)


def test_precise_keeps_what_fast_removes() -> None:
    for text in ("x + 0", "x*0", "x/x", "(x + y) - y", "x - x", "exp(log(x))", "-(x - y)", "sqrt(x)*sqrt(x)"):
        graph = formula(text)
        precise = optimize(graph, stage="after")
        fast = optimize(graph, stage="after", math="fast")
        assert len(fast.nodes) <= len(precise.nodes)
        assert fast.outputs != precise.outputs, text
    x = formula("x + 0")
    assert np.signbit(evaluate(optimize(x, stage="after"), -0.0)[0]) == np.signbit(-0.0 + 0.0)


def test_provenance_passes_to_what_replaces_a_node() -> None:
    graph = formula("log(1 + exp(x))*2")
    inner = graph.outputs[0].inputs[0]
    marked = Graph("f", graph.inputs, graph.outputs, provenance={inner: "the loss"})
    new = optimize(marked, stage="before")
    assert [text for node, text in new.provenance.items() if node.is_op("softplus")] == ["the loss"]


def test_rules_that_never_end_are_cut_off() -> None:
    there, back = Rule("there", "sin(x) => cos(x)"), Rule("back", "cos(x) => sin(x)")
    grow = Rule("grow", "exp(x) => exp(tanh(x))")
    for rules in ([there, back], [grow], [grow, there, back]):
        check(rewrite(formula("sin(exp(sin(x)))"), rules))


def test_long_programs_take_linear_time(assert_linear) -> None:
    x = input_node("x", parse_type("f64"))

    def derived(length: int) -> Graph:
        y = x
        for k in range(length):
            y = add(sin(mul(y, x)), 0.5) if k % 2 else sub(tanh(mul(y, 2.5)), neg(x))
        before = optimize(graph_of(y), stage="before")
        return optimize(autodiff.grad(before), stage="after")

    assert_linear(derived, 100)
    assert len(derived(1250).nodes) > 5000
