"""The checker of Loops finds what is planted: programs that are right in all but one thing."""

from dataclasses import replace

import numpy as np
import pytest

import diffc as dc
from diffc.errors import DiffcError
from diffc.ir import Dim, Graph, Type
from diffc.loops import checker
from diffc.loops.form import (
    Block,
    Loop,
    Loops,
    Outlined,
    OutlinedCall,
    Place,
)
from diffc.loops.places import Affine, Axis, Buffer, Scalar
from diffc.loops.statements import Accumulate, BoundsCheck, Compute, Load, Store
from diffc.loops.walk import walk
from diffc.ops import REGISTRY, constant, input_node
from diffc.ops.captured import captured_array
from diffc.ops.indexing import gather
from diffc.ops.linalg import solve
from diffc.ops.products import matmul
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import concatenate, pad, slice_
from diffc.schedule import assembly
from diffc.schedule.decide import copies
from tests.loops.steps import planned

N = Dim.symbol("N")
exp, mul, add = REGISTRY["exp"], REGISTRY["mul"], REGISTRY["add"]
ROW, COLUMN = Axis(1, 3), Axis(2, 4)
FAULT = "which is a fault in diffc"


def check_loops(loops):
    checker.check_loops(loops, "the schedule")


def at(axis, constant=0, factor=1):
    return Affine(constant, ((axis, factor),))


def array(name, role, *shape, position=0):
    return Buffer(name, Type("f64", shape), role, position)


def value(number, dtype="f64"):
    return Scalar(number, dtype)


def program(body, *, work=(), inputs=None, out=None, constants=()):
    """A program over x: f64[3, 4] that is to write y: f64[3, 4]."""
    inputs = inputs or [array("x", "input", 3, 4)]
    out = out or array("y", "output", 3, 4)
    nodes = tuple(input_node(each.name, each.type) for each in inputs)
    graph = Graph("f", nodes, (nodes[0],))
    loops = Loops(graph, inputs, list(constants), [out], list(work), Block(body), [], {})
    loops.workspace = sum(each.type.size * 8 for each in work)
    return loops


def copy_loop(source, target, first=1, axes=(ROW, COLUMN)):
    """for i in 3: for j in 4: v = source[i, j]; w = exp v; target[i, j] = w"""
    index = tuple(map(at, axes))
    inner = [
        Load(value(first), source, index),
        Compute(value(first + 1), exp, (value(first),), "f64"),
        Store(target, index, value(first + 1)),
    ]
    return Loop(axes[0], body=Block([Loop(axes[1], body=Block(inner))]))


def right():
    x, y = array("x", "input", 3, 4), array("y", "output", 3, 4)
    loop = copy_loop(x, y)
    return program([loop], inputs=[x], out=y), loop, loop.body[0].body


def test_a_right_program_passes():
    check_loops(right()[0])


def test_a_value_is_defined_before_it_is_used():
    loops, _, body = right()
    body[0], body[1] = body[1], body[0]
    with pytest.raises(DiffcError, match="v1 is used where it is not defined, " + FAULT):
        check_loops(loops)


def test_a_value_is_seen_in_its_block_alone():
    loops, loop, body = right()
    loop.body.append(body.pop())
    with pytest.raises(DiffcError, match=r"v2 is used where it is not defined|i2 is used outside"):
        check_loops(loops)


def test_a_value_is_defined_once():
    loops, _, body = right()
    body.insert(1, replace(body[0]))
    with pytest.raises(DiffcError, match="v1 is defined twice"):
        check_loops(loops)


def test_axes_stay_in_their_loops():
    loops, _, body = right()
    body[0].index = (at(ROW), at(Axis(7, 4)))
    with pytest.raises(DiffcError, match="i7 is used outside its loop"):
        check_loops(loops)


def test_an_axis_has_one_loop():
    loops, loop, _ = right()
    loop.body[0].axis = ROW
    with pytest.raises(DiffcError, match="axis of two loops"):
        check_loops(loops)


def test_each_dimension_has_an_index():
    loops, _, body = right()
    body[0].index = (at(ROW),)
    with pytest.raises(DiffcError, match="is indexed by 1 numbers"):
        check_loops(loops)


@pytest.mark.parametrize("index", [at(COLUMN, 1), at(COLUMN, -1), at(COLUMN, 0, 2), Affine(4)])
def test_indices_lie_in_their_axis(index):
    loops, _, body = right()
    body[0].index = (at(ROW), index)
    with pytest.raises(DiffcError, match="is indexed by"):
        check_loops(loops)


def test_inputs_are_not_written():
    loops, _, body = right()
    body[2].buffer = loops.inputs[0]
    with pytest.raises(DiffcError, match="the input x is written to"):
        check_loops(loops)


def test_only_buffers_of_the_program_are_touched():
    loops, _, body = right()
    body[0].buffer = array("z", "work", 3, 4)
    with pytest.raises(DiffcError, match="z is no buffer of the program"):
        check_loops(loops)


def test_an_output_is_written_everywhere():
    loops, loop, body = right()
    loop.body[0].axis = Axis(2, 3)
    body[0].index = body[2].index = (at(ROW), at(Axis(2, 3)))
    with pytest.raises(DiffcError, match="an output is not written everywhere"):
        check_loops(loops)


def test_memory_is_written_before_it_is_read():
    x, y, w = array("x", "input", 3, 4), array("y", "output", 3, 4), array("w", "work", 3, 4)
    first, second = copy_loop(x, w), copy_loop(w, y, 3, (Axis(3, 3), Axis(4, 4)))
    check_loops(program([first, second], inputs=[x], out=y, work=[w]))
    with pytest.raises(DiffcError, match="memory is read before anything has written it: work w"):
        check_loops(program([second, first], inputs=[x], out=y, work=[w]))


def test_memory_that_is_read_was_written_everywhere():
    x, y, w = array("x", "input", 3, 4), array("y", "output", 3, 4), array("w", "work", 3, 4)
    first, second = copy_loop(x, w), copy_loop(w, y, 3, (Axis(3, 3), Axis(4, 4)))
    first.body[0].body[2].index = (at(ROW), Affine(2))
    with pytest.raises(DiffcError, match="read before anything has written it"):
        check_loops(program([first, second], inputs=[x], out=y, work=[w]))


def test_a_copy_does_not_read_itself():
    x, y, w = array("x", "input", 3, 4), array("y", "output", 3, 4), array("w", "work", 3, 4)
    own, second = copy_loop(w, w), copy_loop(w, y, 3, (Axis(3, 3), Axis(4, 4)))
    with pytest.raises(DiffcError, match="read before anything has written it"):
        check_loops(program([own, second], inputs=[x], out=y, work=[w]))


def test_a_round_reads_what_it_has_written_itself():
    """w[j] = exp x[i, j], then y[i, j] = exp w[j]: right in this order, wrong in the other."""
    x, y, w = array("x", "input", 3, 4), array("y", "output", 3, 4), array("w", "work", 4)
    inner = [copy_loop(x, y, 1).body[0], copy_loop(x, y, 3, (ROW, Axis(3, 4))).body[0]]
    inner[0].body[2].buffer, inner[0].body[2].index = w, (at(COLUMN),)
    inner[1].body[0].buffer, inner[1].body[0].index = w, (at(Axis(3, 4)),)
    check_loops(program([Loop(ROW, body=Block(inner))], inputs=[x], out=y, work=[w]))
    with pytest.raises(DiffcError, match="read before anything has written it"):
        check_loops(program([Loop(ROW, body=Block(inner[::-1]))], inputs=[x], out=y, work=[w]))


def test_a_reduction_in_memory_begins_with_its_identity():
    x, y = array("x", "input", 3, 4), array("y", "output", 4)
    body = Block([Load(value(1), x, (at(ROW), at(COLUMN))), Store(y, (at(COLUMN),), value(1), "add")])
    sums = Loop(ROW, "reduction", body=Block([Loop(COLUMN, body=body)]))
    fill = Loop(Axis(3, 4), body=Block([Store(y, (at(Axis(3, 4)),), 0.0)]))
    check_loops(program([fill, sums], inputs=[x], out=y))
    with pytest.raises(DiffcError, match="read before anything has written it: output y"):
        check_loops(program([sums], inputs=[x], out=y))


def sum_of_rows():
    x, y = array("x", "input", 3, 4), array("y", "output", 3)
    total = value(9)
    body = Block([Load(value(1), x, (at(ROW), at(COLUMN))), Accumulate(total, "add", (value(1),))])
    inner = Loop(COLUMN, "reduction", accumulators=[(total, "add")], body=body)
    outer = Loop(ROW, body=Block([inner, Store(y, (at(ROW),), total)]))
    return program([outer], inputs=[x], out=y), inner, outer


def test_a_sum_is_read_behind_its_loop():
    loops, inner, outer = sum_of_rows()
    check_loops(loops)
    inner.body.append(outer.body.pop())
    with pytest.raises(DiffcError, match="v9 is read in the loop that adds it up"):
        check_loops(loops)


def test_a_sum_is_added_to_in_its_own_way():
    loops, inner, _ = sum_of_rows()
    inner.body[1].how = "mul"
    with pytest.raises(DiffcError, match="v9 is added to by mul"):
        check_loops(loops)


def test_a_computed_index_was_checked():
    x, y = array("x", "input", 3, 4), array("y", "output", 4)
    k, row = Scalar(1, "i64"), Scalar(2, "i64")
    checked = [Compute(k, REGISTRY["add"], (1, 1), "i64"), BoundsCheck(row, k, 3, 1)]
    load = Load(value(3), x, (Affine(0, (), row), at(COLUMN)))
    loop = Loop(COLUMN, body=Block([load, Store(y, (at(COLUMN),), value(3))]))
    check_loops(program([*checked, loop], inputs=[x], out=y))
    load.index = (Affine(0, (), k), at(COLUMN))
    with pytest.raises(DiffcError, match="v1 is an index into x that nothing has checked"):
        check_loops(program([*checked, loop], inputs=[x], out=y))


def test_a_checked_index_may_not_reach_beyond_the_axis():
    x, y = array("x", "input", 3, 4), array("y", "output", 4)
    row = Scalar(2, "i64")
    load = Load(value(3), x, (Affine(1, (), row), at(COLUMN)))
    loop = Loop(COLUMN, body=Block([load, Store(y, (at(COLUMN),), value(3))]))
    with pytest.raises(DiffcError, match="elements 4 to 15 of 12 are touched"):
        check_loops(program([BoundsCheck(row, 1, 3, 1), loop], inputs=[x], out=y))


def test_buffers_that_share_memory_are_not_alive_together():
    x, y = array("x", "input", 3, 4), array("y", "output", 3, 4)
    v, w = array("v", "work", 3, 4), array("w", "work", 3, 4, position=1)
    axes = [(Axis(2 * k + 3, 3), Axis(2 * k + 4, 4)) for k in range(3)]
    body = [copy_loop(x, v, 1, axes[0]), copy_loop(v, w, 3, axes[1]), copy_loop(w, y, 5, axes[2])]
    loops = program(body, inputs=[x], out=y, work=[v, w])
    w.offset = 96
    check_loops(loops)
    w.offset = 88
    with pytest.raises(DiffcError, match="w and v share memory while both are alive"):
        check_loops(loops)
    w.offset = 104
    with pytest.raises(DiffcError, match="w lies outside the workspace"):
        check_loops(loops)


def test_nests_are_given_what_they_take():
    x, y = array("x", "input", 3, 4), array("y", "output", 3, 4)
    p, q = array("p0", "work", 12), array("p1", "work", 12)
    body = Block([Load(value(1), p, (at(COLUMN),)), Store(q, (at(COLUMN),), value(1))])
    nest = Outlined(0, Loop(COLUMN, body=body), (p, q), ())
    calls = [
        OutlinedCall(nest, (Place(x, Affine(4 * k)), Place(y, Affine(4 * k))), (), None) for k in range(3)
    ]
    check_loops(program(calls, inputs=[x], out=y))
    with pytest.raises(DiffcError, match="an output is not written everywhere"):
        check_loops(program(calls[:2], inputs=[x], out=y))
    with pytest.raises(DiffcError, match="elements 9 to 12 of 12 are touched"):
        check_loops(program([*calls, replace(calls[2], places=(Place(x, Affine(9)), calls[2].places[1]))],
                            inputs=[x], out=y))  # fmt: skip


# -- faults that the scheduler had ------------------------------------------------------------------


def scheduled_unchecked(monkeypatch, graph):
    monkeypatch.setenv("DIFFC_CHECK", "0")
    loops = planned(graph)
    monkeypatch.setenv("DIFFC_CHECK", "1")
    return loops


def test_a_captured_array_among_the_copies_is_found(monkeypatch):
    w, x = captured_array("w", Type("f64", (4, 5))), input_node("x", Type("f64", (20,)))
    graph = Graph("f", (x,), (mul(w, reshape(x, (4, 5))), reshape(w, (20,))))
    right = copies._copies_for
    monkeypatch.setattr(copies, "_copies_for", lambda node, bases: [*right(node, bases), w])
    loops = scheduled_unchecked(monkeypatch, graph)
    with pytest.raises(DiffcError, match="memory is read before anything has written it"):
        check_loops(loops)


def test_an_opening_in_a_foreign_loop_is_found(monkeypatch):
    """What is to be filled at the beginning of each round stands elsewhere: nothing fills it here."""
    graph = dc.hessian(dc.trace(lambda x: np.sum(np.sum((x[:, None] - x) ** 2, -1) ** 2), dc.f64(7, 3))).graph
    right = assembly._with_stores

    def faulty(block, openings, stores):
        return right(block, dict.fromkeys(openings, Block()), stores)

    loops = planned(graph)
    if not any(isinstance(item, Store) and item.accumulate for item, _ in walk(loops.body)):
        pytest.fail("the program adds up nothing in memory: it cannot show the fault")
    monkeypatch.setattr(assembly, "_with_stores", faulty)
    loops = scheduled_unchecked(monkeypatch, graph)
    with pytest.raises(DiffcError, match="read before anything has written it"):
        check_loops(loops)


@pytest.mark.parametrize("extent", [1, 3, N, N + 1])
def test_programs_as_they_are_scheduled_pass(extent):
    x = input_node("x", Type("f64", (extent, extent)))
    rows = concatenate([x, exp(x)], 1)
    for output in (
        pad(slice_(x, (0, 0), (extent, 1)), (0, 1), (2, 0)),
        matmul(x, rows),
        gather(rows, constant([0])),
        solve(add(x, x), x),
    ):
        check_loops(planned(Graph("f", (x,), (output,))))
