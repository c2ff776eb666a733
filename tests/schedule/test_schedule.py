"""The schedule: fusion, contraction, the memory plan and what extents must satisfy."""

from __future__ import annotations

import itertools

import pytest

import diffc as dc
from diffc.ir import Dim, Graph, Node, Type, evaluate_extent, parse_extent
from diffc.loops.form import Loop
from diffc.loops.printer import print_loops
from diffc.loops.statements import Load, Store
from diffc.loops.walk import walk
from diffc.ops import REGISTRY, constant, input_node, iota
from diffc.ops.broadcasting import sum_
from diffc.ops.indexing import gather
from diffc.ops.recurrence import linear_recurrence
from diffc.ops.reshaping import flip, reshape, transpose, transpose_op
from diffc.ops.slicing import pad, slice_
from tests.loops.steps import planned

N, M = Dim.symbol("N"), Dim.symbol("M")
mul, exp = REGISTRY["mul"], REGISTRY["exp"]


def loops_of(text, **inputs):
    return planned(dc.parse(text, inputs=inputs).graph)


def loop_count(loops):
    return sum(isinstance(item, Loop) for item, _ in walk(loops.body))


def array(name, *shape):
    return input_node(name, Type("f64", shape))


def test_a_chain_is_one_loop_without_memory():
    loops = loops_of("exp(x)*2 + tanh(x)", x="f64[N]")
    assert loop_count(loops) == 1
    assert not loops.work
    assert loops.workspace == 0


def test_a_reduction_joins_the_chain_that_feeds_it():
    loops = loops_of("sum(exp(x)*2)", x="f64[N]")
    assert loop_count(loops) == 1
    assert not loops.work


def test_softmax_is_one_pass_over_the_rows():
    loops = loops_of("exp(x - logsumexp(x, axis=1, keepdims=True))", x="f64[N, M]")
    assert [item.axis.extent for item in loops.body if isinstance(item, Loop)] == [N]


def test_a_row_that_is_used_within_an_iteration_is_contracted():
    x = array("x", N, M)
    row = exp(x)
    total = sum_(row, 1, keepdims=True)
    loops = planned(Graph("f", (x,), (REGISTRY["div"](row, total),)))
    assert all(buffer.type.rank < 2 for buffer in loops.work)


def test_views_need_no_memory():
    x = array("x", N, M)
    loops = planned(Graph("f", (x,), (mul(transpose(flip(x, (0,))), 2.0),)))
    assert not loops.work
    assert "x[-1*i2 + N-1, i1]" in print_loops(loops)


def test_a_reshaped_output_is_written_in_place():
    x = array("x", N, M)
    for shape in ((N * M,), (N, 1, M), (M, N)):
        loops = planned(Graph("f", (x,), (reshape(exp(x), shape), reshape(sum_(x, 1), (N, 1)))))
        assert not loops.work
        assert sum(isinstance(item, Store) for item, _ in walk(loops.body)) == 2


def test_gathers_read_views_in_place():
    x = array("x", N, M)
    at = constant([0, 1])
    for source in (x, transpose(x), slice_(x, (1, 0), (N - 1, M))):
        assert not planned(Graph("f", (x,), (gather(source, at),))).work
    assert len(planned(Graph("f", (x,), (gather(flip(x, (0,)), at),))).work) == 1


def lifetimes(loops):
    found = {}
    for position, item in enumerate(loops.body):
        for inner, _ in walk([item]):
            if isinstance(inner, Load | Store) and inner.buffer.root.role == "work":
                found.setdefault(inner.buffer.root, []).append(position)
    return {buffer: (min(at), max(at)) for buffer, at in found.items()}


def test_buffers_that_live_together_do_not_overlap():
    x, y = array("x", N, M), array("y", N)
    parts = [
        linear_recurrence(x, exp(x)),
        pad(slice_(x, (1, 0), (N - 1, M)), (0, 0), (1, 0)),
        exp(transpose(x)),
    ]
    sums = [sum_(mul(p, 2.0), 0) for p in parts] + [linear_recurrence(y, y), linear_recurrence(exp(y), y)]
    loops = planned(Graph("f", (x, y), tuple(sums)))
    lives = lifetimes(loops)
    for n, m in itertools.product((0, 1, 2, 9), repeat=2):
        values = {"N": n, "M": m}
        for (a, (first, last)), (b, (start, end)) in itertools.combinations(lives.items(), 2):
            if first <= end and start <= last:
                spans = [
                    (evaluate_extent(c.offset, values), 8 * evaluate_extent(c.type.size, values))
                    for c in (a, b)
                ]
                (low, size), (high, more) = sorted(spans)
                assert low + max(size, 0) <= high or min(size, more) <= 0
            for c in (a, b):
                end_of = evaluate_extent(c.offset, values) + 8 * evaluate_extent(c.type.size, values)
                assert evaluate_extent(c.offset, values) >= 0
                assert end_of <= evaluate_extent(loops.workspace, values)


def test_memory_is_used_again():
    text = "cumsum(cumsum(cumsum(cumsum(x))))"
    loops = loops_of(text, x="f64[N]")
    assert len({str(buffer.offset) for buffer in loops.work}) < len(loops.work)


@pytest.mark.parametrize(
    ("text", "needs"),
    [("x[5]", ["N-6"]), ("x[-1]", ["N-1"]), ("x[1:]", ["N-1"]), ("x*2", []), ("sum(x)", [])],
)
def test_requirements(text, needs):
    assert [str(extent) for extent, _ in dc.parse(text, inputs={"x": "f64[N]"}).graph.requirements] == needs


def test_an_index_vector_needs_no_memory():
    x = array("x", N)
    loops = planned(Graph("f", (x,), (mul(x, iota(N)),)))
    assert not loops.work


def test_a_copy_between_two_transpositions():
    # Both reshapes mix axes: the second needs a copy, which the first must not take for its own.
    x = input_node("x", Type("f64", (2, 3, 4)))
    there = Node.make(transpose_op, (Node.make(REGISTRY["exp"], (x,)),), {"axes": (0, 2, 1)})
    back = Node.make(transpose_op, (there,), {"axes": (0, 2, 1)})
    outputs = tuple(Node.make(REGISTRY["sin"], (r,)) for r in (reshape(back, (6, 4)), reshape(there, (8, 3))))
    loops = planned(Graph("g", (x,), outputs))
    text = print_loops(loops)
    assert "reshape_3: f64[6, 4] of transpose_2" in text
    assert "reshape_5: f64[8, 3] of transpose_1" in text


def test_no_plan_needs_less_than_what_is_alive():
    f = dc.parse(
        "sum(tanh(tanh(x @ w) @ v))", inputs={"x": "f64[N, 40]", "w": "f64[40, 50]", "v": "f64[50, 60]"}
    )
    stats = dc.compile(dc.grad(f, ["w", "v"]), cache=False).stats
    least, planned = (parse_extent(stats[key]) for key in ("least_workspace_bytes", "workspace_bytes"))
    for rows in (1, 100, 10_000):
        assert 0 < evaluate_extent(least, {"N": rows}) <= evaluate_extent(planned, {"N": rows})
