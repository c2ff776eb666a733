"""Graphs: names, structure, rebuilding, pickling, and the checker."""

import pickle

import pytest

import diffc as dc
from diffc.errors import DiffcError
from diffc.frontends.formulas import parse
from diffc.ir import Graph, Node, Type, check, flat_tree, substitute
from diffc.ops import evaluate, input_node
from diffc.ops.arithmetic import add, mul
from diffc.ops.elementary import sin

F64 = Type("f64")
X, Y = input_node("x", F64), input_node("y", F64)


def test_defaults():
    assert Graph("f", (X,), (sin(X),)).output_names == ("out",)
    two = Graph("f", (X, Y), (sin(X), mul(X, Y)))
    assert two.output_names == ("out0", "out1")
    assert two.tree == (0, 1)
    assert flat_tree(1) == 0
    with pytest.raises(DiffcError, match="1 outputs have 2 names"):
        Graph("f", (X,), (X,), ("a", "b"))


def test_nodes_start_with_the_inputs_used_or_not():
    graph = Graph("f", (Y, X), (sin(X),))
    assert graph.nodes == [Y, X, sin(X)]
    assert graph.input("y") is Y
    with pytest.raises(DiffcError, match="no input 'z'; its inputs are y, x"):
        graph.input("z")


def test_symbols_in_order_of_appearance():
    graph = parse("sum(x @ w)", {"x": "f64[N, K]", "w": "f64[K, M]"})
    assert graph.symbols == ("N", "K", "M")


def test_provenance_is_no_part_of_the_identity():
    plain = Graph("f", (X,), (sin(X),))
    noted = Graph("f", (X,), (sin(X),), provenance={sin(X): "adjoint of %1"})
    assert plain.digest == noted.digest
    assert "# adjoint of %1" in str(dc.Function(noted))


def test_the_digest_tells_everything_else_apart():
    graphs = [
        Graph("f", (X, Y), (mul(X, Y),)),
        Graph("g", (X, Y), (mul(X, Y),)),
        Graph("f", (Y, X), (mul(X, Y),)),
        Graph("f", (X, Y), (mul(Y, X),)),
        Graph("f", (X, Y), (mul(X, Y),), ("value",)),
        Graph("f", (X, Y), (mul(X, Y),), tree=(0,)),
    ]
    assert len({graph.digest for graph in graphs}) == len(graphs)


def test_substitute_and_map_nodes():
    (node,) = substitute([mul(sin(X), sin(X))], {X: Y})
    assert node is mul(sin(Y), sin(Y))
    graph = Graph("f", (X,), (add(sin(X), 1.0),), provenance={sin(X): "note"})

    def shout(old: Node, inputs):
        return old.replace(inputs) if old.op is not sin else sin(sin(inputs[0]))

    mapped = graph.map_nodes(shout)
    assert mapped.outputs[0] is add(sin(sin(X)), 1.0)
    assert mapped.provenance == {sin(sin(X)): "note"}


def test_pickling_goes_through_the_text():
    f = dc.parse("sum(x)*exp(-k) + 0.1", inputs={"k": "f64", "x": "f32[N]"})
    for each in (f, dc.grad(f, ["k", "x"]), dc.hessian(f, "k")):
        again = pickle.loads(pickle.dumps(each))
        assert str(again) == str(each)
        assert again.graph.outputs[0] is each.graph.outputs[0]
        assert again.graph.tree == each.graph.tree


def ill_formed(case: str) -> Graph:
    if case == "undeclared":
        return Graph("f", (X,), (mul(X, Y),))
    if case == "twice":
        return Graph("f", (X, input_node("x", Type("f32"))), (X,))
    if case == "structure":
        return Graph("f", (X, Y), (X, Y), tree=(0, 0))
    node = object.__new__(Node)
    node.op, node.inputs, node.attrs, node.digest = sin, (X,), {}, b"false"
    node.anytype = Type("f32")
    return Graph("f", (X,), (node,))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("undeclared", "the input 'y' is used but not declared"),
        ("twice", "two inputs have one name"),
        ("structure", "does not name each output once"),
        ("type", "does not have the type that its operation infers"),
    ],
)
def test_the_checker_names_what_is_wrong(case, message):
    with pytest.raises(DiffcError, match=message):
        check(ill_formed(case))


def test_the_checker_returns_a_sound_graph():
    graph = parse("sin(x)*y, x")
    assert check(graph) is graph
    assert evaluate(graph, 0.0, 2.0) == [0.0, 0.0]
