"""What is decided about a graph, before anything is placed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from diffc.ir import Dim, Graph, Type
from diffc.ops import REGISTRY, constant, input_node, iota
from diffc.ops.constant import iota_op
from diffc.ops.indexing import gather
from diffc.ops.linalg import solve_rows
from diffc.ops.products import matmul
from diffc.ops.reshaping import reshape, transpose
from diffc.ops.slicing import slice_
from diffc.schedule.decide import decide
from diffc.schedule.decide.products import BlasProduct, LoopProduct

N = Dim.symbol("N")
exp, sub = REGISTRY["exp"], REGISTRY["sub"]


def array(name, *shape):
    return input_node(name, Type("f64", shape))


def turned(x):
    return transpose(x, (1, 0))


def every_second(x):
    rows, columns = x.shape
    return slice_(x, (0, 0), (rows, columns // 2), (1, 2))


def decided(*outputs):
    found = dict.fromkeys(each for node in outputs for each in _above(node))
    return decide(Graph("f", tuple(each for each in found if each.is_op("input")), outputs))


def _above(node):
    for each in node.inputs:
        yield from _above(each)
    yield node


X, Y = array("x", 200, 300), array("y", 300, 100)


def test_what_lies_well_is_not_copied():
    assert not decided(
        matmul(X, Y), solve_rows(array("a", 4, 4), array("r", 2, 4)), reshape(X, (300, 200))
    ).bases.copied


def test_what_blas_or_a_routine_cannot_read_is_copied():
    a, x = turned(array("a", 4, 4)), every_second(X)
    decisions = decided(matmul(x, array("z", 150, 100)), solve_rows(a, array("r", 2, 4)))
    assert decisions.bases.copied == {a, x}
    assert decisions.bases.copied <= decisions.computed


def test_a_copy_is_read_by_all_who_read_through_it():
    view = turned(array("a", 20, 30))
    flat = reshape(view, (600,))
    decisions = decided(exp(flat), exp(view))
    assert decisions.bases.copied == {view}
    assert decisions.aliases == {flat}
    assert decisions.bases.whole(view)[0] is view


def test_rows_of_numbers_are_copied_for_a_gather():
    numbers = iota(7)
    decisions = decided(gather(numbers, constant([1, 2])))
    assert decisions.bases.copied == {numbers}
    assert [base.op for base, _ in decisions.gathers.values()] == [iota_op]


def test_an_output_is_written_by_its_computation_once():
    row = exp(array("x", 6))
    shaped = reshape(row, (2, 3))
    x = array("y", 6)
    outputs = decided(shaped, row, x, slice_(row, (1,), (4,), (1,))).outputs
    assert outputs.written == {row: 0}
    assert outputs.late == (1, 2, 3)


def test_a_value_that_readers_compute_is_not_computed_for_itself():
    difference = sub(array("x", 100, 90), array("m", 90))
    decisions = decided(matmul(array("w", 5, 100), difference))
    assert decisions.recomputed == {difference}
    assert difference not in decisions.computed


LOOPS = {
    "dot products": (array("x", N, 40), turned(array("w", 5, 40)), (0, 1, 2), None),
    "lanes over the columns": (array("x", N, 5), array("w", 5, 40), (0, 1, 2), 1),
    "outer products": (turned(array("x", N, 5)), array("w", N, 40), (2, 0, 1), None),
    "one column, added up in the cache": (turned(array("x", N, 8)), array("v", N, 1), (2, 0), None),
    "one column, lanes over the rows": (turned(array("x", 8, N)), array("v", 8, 1), (0, 2), 0),
    "neither lies well": (array("x", N, 5), every_second(array("w", 5, 80)), (0, 2, 1), None),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_of_a_product(name):
    a, b, order, vector = LOOPS[name]
    product = matmul(a, b)
    plan = decided(product).products[product]
    assert isinstance(plan, LoopProduct)
    assert (plan.order, plan.vector) == (order, vector)


def test_a_large_product_is_a_call_of_blas():
    product = matmul(X, turned(array("z", N, 300)))
    plan = decided(product).products[product]
    assert isinstance(plan, BlasProduct)
    assert (plan.a.transposed, plan.a.leading) == (False, 300)
    assert (plan.b.transposed, plan.b.leading) == (True, 300)


def test_decisions_depend_on_the_graph_alone_and_stay():
    graph = (exp(reshape(turned(X), (60_000,))), matmul(X, Y))
    decisions = decided(*graph)
    assert decisions == decided(*graph)
    with pytest.raises(FrozenInstanceError):
        decisions.aliases = frozenset()
