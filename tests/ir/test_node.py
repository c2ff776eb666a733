"""Nodes: interning, digests, walks without recursion."""

import copy
import gc
import os
import struct
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from diffc import autodiff
from diffc.errors import TypeProblem
from diffc.frontends.formulas import parse
from diffc.ir import Graph, Node, Type, topological
from diffc.ops import constant, evaluate, input_node
from diffc.ops.arithmetic import add, mul, square
from diffc.ops.broadcasting import sum_
from diffc.ops.elementary import exp, sin
from diffc.optimize import optimize
from diffc.syntax import print_graph, read_graph

ROOT = Path(__file__).parent.parent.parent
F64 = Type("f64")


def test_equal_nodes_are_one_object():
    x, y = input_node("x", F64), input_node("y", F64)
    assert input_node("x", F64) is x
    assert input_node("x", Type("f32")) is not x
    assert add(x, y) is add(x, y)
    assert add(x, y) is not mul(x, y)
    assert sin(add(x, y)) is sin(add(x, y))


def test_constants_are_told_apart_by_their_bits():
    assert constant(0.0, "f64") is not constant(-0.0, "f64")
    assert constant(0.0, "f64") is not constant(0.0, "f32")
    assert constant(1, "i64") is not constant(1.0, "f64")
    assert constant(float("nan"), "f64") is constant(float("nan"), "f64")
    other = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000001))[0]
    assert constant(other, "f64") is not constant(float("nan"), "f64")


def test_attributes_are_part_of_the_identity():
    x = input_node("x", Type("f64", (2, 3)))
    rows, columns = sum_(x, 0), sum_(x, 1)
    assert rows is not columns
    assert rows.inputs == columns.inputs == (x,)
    assert sum_(x, -1) is columns


def test_an_ill_typed_node_does_not_exist():
    a, b = input_node("a", Type("f64", (2,))), input_node("b", Type("f64", (3,)))
    with pytest.raises(TypeProblem, match=r"add\(f64\[2\], f64\[3\]\): the shapes do not broadcast"):
        add(a, b)


def test_threads_get_one_node():
    found: list[Node] = []
    start = threading.Barrier(8)

    def build():
        start.wait()
        node = input_node("shared", F64)
        for k in range(500):
            node = add(sin(node), k)
        found.append(node)

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(node is found[0] for node in found)
    assert len(topological(found)) == 1 + 500 * 3


def test_the_table_keeps_nothing_alive():
    x = input_node("only here", F64)
    seen = weakref.ref(square(exp(x)))
    gc.collect()
    assert seen() is None


def test_digests_do_not_depend_on_the_process():
    script = (
        "from diffc.frontends.formulas import parse\n"
        "from diffc import autodiff\n"
        "g = parse('sum(x*exp(-k*x)) + norm(x[1:])*2', {'k': 'f64', 'x': 'f64[N]'})\n"
        "print(g.digest.hex(), autodiff.hessian(g, ['k', 'x']).digest.hex())\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            timeout=60,
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(outputs) == 1
    assert len(outputs.pop().split()) == 2


def test_topological_order_has_inputs_first_and_stops():
    x = input_node("x", F64)
    inner = sin(x)
    outer = mul(inner, add(inner, 1.0))
    order = topological([outer])
    assert all(order.index(each) < order.index(node) for node in order for each in node.inputs)
    assert len(order) == len(set(order)) == 5
    assert x not in topological([outer], stop={inner})
    assert inner in topological([outer], stop={inner})


def chain(length: int) -> str:
    return "sin(" * length + "x" + ")" * length


def flat_sum(length: int) -> str:
    return " + ".join(f"x*{k}.5" for k in range(length))


def every_pass(form, length: int) -> None:
    graph = optimize(parse(form(length)), stage="before")
    derived = optimize(autodiff.grad(graph, "x"), stage="after")
    assert len(graph.nodes) >= length // 2
    (value,) = evaluate(derived, 0.3)
    assert np.isfinite(value)


@pytest.mark.scale
@pytest.mark.parametrize("form", [chain, flat_sum])
def test_large_programs_go_through_every_pass(form):
    """100,000 operations at the default recursion limit."""
    assert sys.getrecursionlimit() <= 1000
    every_pass(form, 100_000)


@pytest.mark.parametrize("form", [chain, flat_sum])
def test_every_pass_takes_linear_time(form, assert_linear):
    assert_linear(lambda length: every_pass(form, length), 500)


@pytest.mark.scale
def test_large_programs_print_and_read_back():
    graph = parse(chain(100_000))
    assert read_graph(print_graph(graph)).outputs[0] is graph.outputs[0]
    assert Graph("f", graph.inputs, graph.outputs).digest == graph.digest


def test_copies_are_the_node_itself():
    node = parse("a*b + 1").outputs[0]
    assert copy.copy(node) is node
    assert copy.deepcopy([node])[0] is node
