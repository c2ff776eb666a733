"""The IR's text: printing and re-reading is the identity, and hostile text is refused with its place."""

import random
import struct

import numpy as np
import pytest

from diffc.errors import SyntaxProblem
from diffc.ir import Dim, Graph, Node, Type, check, parse_type
from diffc.ops import REGISTRY, arithmetic, constant, dim, input_node
from diffc.syntax import build, parse_expression, print_graph, read_graph

X = input_node("x", parse_type("f32[N, 3]"))
V = input_node("v", parse_type("f64[5]"))
A = input_node("a", parse_type("f64"))
ODD = input_node("x; import os", parse_type("f64"))
SCOPE = {"x": X, "v": V, "a": A, "odd": ODD, "N": dim(Dim.symbol("N"))}


def graph_of(*texts: str, **more: object) -> Graph:
    outputs = tuple(build(parse_expression(text), SCOPE) for text in texts)
    return Graph("f", (X, V, A, ODD), outputs, **more)  # type: ignore[arg-type]


def assert_round_trip(graph: Graph) -> str:
    text = print_graph(graph)
    again = read_graph(text)
    assert print_graph(again) == text
    assert again.digest == graph.digest
    assert all(one is other for one, other in zip(again.outputs, graph.outputs, strict=True))
    assert again.tree == graph.tree
    assert again.output_names == graph.output_names
    check(again)
    return text


def test_example() -> None:
    a, b = input_node("a", parse_type("f64")), input_node("b", parse_type("f64[N, 3]"))
    total = build(parse_expression("sum(a + b, axis=1)"), {"a": a, "b": b})
    text = """\
graph f(%a: f64[], %b: f64[N, 3])
  %0 = add %a, %b            : f64[N, 3]
  %1 = sum %0 {axes=(1,)}    : f64[N]  # adjoint of %3
  return %1"""
    assert print_graph(Graph("f", (a, b), (total,), provenance={total: "adjoint of %3"})) == text
    assert print_graph(read_graph(text)) == text
    assert read_graph(text).provenance == {total: "adjoint of %3"}


@pytest.mark.parametrize(
    "texts",
    [
        ("2/3*x",),
        ("a", "1", "a"),
        ("sum(x, axis=0) @ x.T", "x[N-1]", "reshape(x, -1)"),
        ("where(v > 0.1, v, nan)", "-inf + 0*v", "cumsum(v)"),
        ("v[[0, -1]]", "v[::-1]", "True and v > a", "arange(N + 1)"),
        ("odd + a", "f32(a)", "std(v)", "softmax(x)"),
    ],
)
def test_round_trip(texts: tuple[str, ...]) -> None:
    assert_round_trip(graph_of(*texts))


def bits(pattern: int, kind: str) -> np.generic:
    name, dtype = {"f64": ("<Q", np.float64), "f32": ("<I", np.float32)}[kind]
    return np.frombuffer(struct.pack(name, pattern), dtype)[0]


CONSTANTS = [
    0.0, -0.0, 0.1, 1e-320, 1.7976931348623157e308, np.inf, -np.inf, np.nan, 2**63 - 1, -(2**63), True,
    np.float32(0.1), np.float32(1e-45), np.float32(np.inf), np.float32(np.nan), np.float32(16777216),
    bits(0xFFF8000000000001, "f64"), bits(0x7FF0000000000001, "f64"), bits(0x7FA00001, "f32"),
    np.array([1.5, -0.0, np.nan]), np.array([[1, 2], [3, 4]]), np.array([True, False]), np.zeros((0, 3)),
    np.array([bits(0x7FA00001, "f32"), 0.1], np.float32), np.arange(100.0), np.float32([[1e30]]),
    np.arange(40).reshape(2, 20), np.ones((2, 0, 3), np.float32), np.array([[[1.0]]]),
]  # fmt: skip


@pytest.mark.parametrize("number", CONSTANTS, ids=lambda each: repr(each)[:20])
def test_constants_are_exact(number: object) -> None:
    assert_round_trip(Graph("c", (), (constant(number),)))
    assert_round_trip(Graph("c", (), (constant(number),), provenance={constant(number): "here"}))


def test_random_floats_are_exact() -> None:
    generator = random.Random(4)
    for _ in range(300):
        f64 = constant(bits(generator.getrandbits(64), "f64"))
        f32 = constant(bits(generator.getrandbits(32), "f32"))
        assert_round_trip(Graph("c", (), (f64, f32)))


def test_random_graphs() -> None:
    generator = random.Random(7)
    for _ in range(20):
        nodes: list[Node] = [A, ODD, constant(2.5), V]
        for _ in range(30):
            op = generator.choice([arithmetic.add, arithmetic.mul, arithmetic.neg, arithmetic.sub])
            nodes.append(op(*generator.choices(nodes, k=op.arity)))
        assert_round_trip(Graph("r", (A, V, ODD), tuple(generator.choices(nodes, k=3))))


@pytest.mark.parametrize(
    ("names", "tree", "line"),
    [
        ((), (), "return %0, %1, %2"),
        (("a", "b", "c"), (), "return a = %0, b = %1, c = %2"),
        (("value", "d_a", "d b"), (0, (1, 2)), 'return value = %0, (d_a = %1, "d b" = %2)'),
        ((), ((0,), (), 1, 2), "return (%0,), (), %1, %2"),
        ((), ((0, 1, 2),), "return ((%0, %1, %2),)"),
        ((), (2, (0, 1)), "return [2] %2, ([0] %0, [1] %1)"),
    ],
)
def test_structure_of_outputs(names: tuple[str, ...], tree: object, line: str) -> None:
    text = assert_round_trip(graph_of("a + 1", "a + 2", "a + 3", output_names=names, tree=tree))
    renumbered = text.splitlines()[-1].strip()
    assert renumbered == line


def test_one_output_in_a_tuple() -> None:
    assert print_graph(graph_of("a", tree=(0,))).endswith("return (%a,)")
    assert_round_trip(graph_of("a", tree=(0,)))
    assert_round_trip(Graph("none", (A,), ()))


@pytest.mark.parametrize("name", ["x; import os", "", "0", 'say "x"\n# : {', "λ", "a b", "\u2028"])
def test_odd_names(name: str) -> None:
    node = input_node(name, parse_type("f64"))
    text = assert_round_trip(Graph(name, (node,), (arithmetic.neg(node),), (name,)))
    assert len(text.split("\n")) == 3


@pytest.mark.parametrize("remark", ["adjoint of %1", "", " x ", '"quoted"', "two\nlines", "# : f64", "λ"])
def test_provenance(remark: str) -> None:
    out = arithmetic.neg(A)
    graph = Graph("p", (A,), (out,), provenance={out: remark})
    assert read_graph(assert_round_trip(graph)).provenance == {out: remark}


def test_attributes() -> None:
    inner = Graph("body", (V,), (arithmetic.add(V, 1),))
    middle = Graph("middle", (V,), (Node.make(REGISTRY["flip"], (V,), {"axes": (0,), "body": inner}),))
    attrs = {
        "axes": (0,), "body": inner, "again": (middle, inner), "type": Type("f64", (3, Dim.symbol("N"))),
        "reserved": Dim.symbol("inf"), "extent": 2 - Dim.symbol("N"), "nan": float("nan"), "float": -0.0,
        "bytes": b"\x00#", "nested": ((), ((1,), 2)), "text": 'a{,}#: "\n', "yes": True, "integer": -3,
    }  # fmt: skip
    node = Node.make(REGISTRY["flip"], (V,), attrs)
    text = assert_round_trip(Graph("outer", (V,), (node,)))
    assert text.count("graph body") == 1
    assert text.index("graph body") < text.index("graph middle") < text.index("graph outer")


HEAD = "graph f(%a: f64[], %v: f64[5])\n"


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("", "'graph ' is expected", 1),
        ("import os", "'graph ' is expected", 1),
        ("graph f(", "'%' is expected", 1),
        ("graph f(%a)", "':' is expected", 1),
        ("graph f(%a: c64[])\n return %a", "complex", 1),
        ("graph f(%a: f64[N//2])\n return %a", "cannot read", 1),
        ("graph f(%a: f64[], %a: f64[])", "two inputs are named", 1),
        (HEAD, "is expected here", 2),
        (HEAD + "  %0 = add %a, %b : f64[]\n", "%b is not defined", 2),
        (HEAD + "  %0 = add %a, %0 : f64[]\n", "%0 is not defined", 2),
        (HEAD + "  %0 = add %a, %a : f64[]\n  %0 = neg %a\n", "%0 is defined twice", 3),
        (HEAD + "  %0 = addd %a, %a\n", "did you mean 'add'?", 2),
        (HEAD + '  %0 = input {name="q"}\n', "unknown operation 'input'", 2),
        (HEAD + "  %0 = add %a\n", "it takes 2 arguments", 2),
        (HEAD + "  %0 = add %a, 2\n", "the dtypes differ", 2),
        (HEAD + "  %0 = add %a, %v : f64[]\n", "the type is f64[5], not f64[]", 2),
        (HEAD + "  %0 = sum %v : f64[]\n", "does not take these", 2),
        (HEAD + "  %0 = matmul %v : f64[]\n", "does not take these", 2),
        (HEAD + "  %0 = sum %v {axes=(1}\n", "',' or ')' is expected", 2),
        (HEAD + "  %0 = softmax %v {axs=(0,)}\n", "does not take these", 2),
        (HEAD + "  %0 = softmax %v {axes=(1,)}\n", "its axes are not (1,)", 2),
        (HEAD + "  %0 = softmax %v {axes=0}\n", "its axes are not 0", 2),
        (HEAD + "  %0 = sum %v {axes=(5,)}\n", "its axes are not (5,)", 2),
        (HEAD + "  %0 = max %v {axes=(0, 0)}\n", "its axes are not (0, 0)", 2),
        (HEAD + "  %0 = dim {extend=N}\n", "does not take these", 2),
        (HEAD + "  %0 = add %a, 1e309\n", "too large for f64", 2),
        (HEAD + "  %0 = add %a, -1e-999\n", "too small for f64", 2),
        (HEAD + "  %0 = const 1e39f32\n", "too large for f32", 2),
        (HEAD + "  %0 = sum %v {axes=(1,), axes=2}\n", "given twice", 2),
        (HEAD + "  %0 = sum %v {axes=@1}\n", "@1 is not defined", 2),
        (HEAD + "  %0 = sum %v {axes=" + "(" * 1000 + "\n", "nested more than", 2),
        (HEAD + "  %0 = add %a, %a,\n", "a value", 2),
        (HEAD + "  %0 = neg %a } : f64[]\n", "the line should end", 2),
        (HEAD + "  %0 = const [1.0, 2.0] : f64[3]\n", "does not have the shape", 2),
        (HEAD + "  %0 = const [1.0] : f64[99999999999]\n", "does not have the shape", 2),
        (HEAD + "  %0 = const [1.0] : f64[N]\n", "symbolic", 2),
        (HEAD + "  %0 = const [[1.0], 2.0] : f64[2]\n", "does not have the shape", 2),
        (HEAD + "  %0 = const [1.0] : i64[1]\n", "is no i64", 2),
        (HEAD + '  %0 = const base64"AAAA" : f64[1]\n', "3 bytes do not fit", 2),
        (HEAD + '  %0 = const base64"A" : f64[1]\n', "damaged", 2),
        (HEAD + "  return 99999999999999999999\n", "64 bits", 2),
        (HEAD + "  return nan:0\n", "not those of a NaN", 2),
        (HEAD + "  return " + "9" * 5000 + "\n", "is no number", 2),
        (HEAD + "  return x = %a, %v\n", "all outputs or none", 2),
        (HEAD + "  return [1] %a\n", "a place of its own", 2),
        (HEAD + "  return " + "(" * 100_000 + "\n", "nested more than", 2),
        (HEAD + "  return %a\n  return %a\n", "goes on", 3),
        (HEAD + '  return "\\q" = %a\n', "damaged", 2),
        ('graph f(%"\\ud800": f64[])\n', "half a character", 1),
        ("@0 = " + HEAD + "  return %a\n@0 = " + HEAD + "  return %a\n", "@0 is defined twice", 3),
    ],
)
def test_problem(text: str, problem: str, line: int) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        read_graph(text)
    assert problem in str(caught.value)
    assert f"(line {line}, column" in str(caught.value)


def test_damaged_text_never_gives_another_error() -> None:
    graph = graph_of("sum(x, axis=0)", "v[::-1] + a", "where(v > 0.1, v, nan)", "v[[0, -1]]", "odd")
    text = print_graph(graph)
    generator = random.Random(3)
    for _ in range(1500):
        start = generator.randrange(len(text))
        end = start + generator.randrange(4)
        damaged = (
            text[:start] + generator.choice(["", "(", "%", '"', "-", "9", " ", "\n", "[", "x"]) + text[end:]
        )
        try:
            read_graph(damaged)
        except SyntaxProblem:
            continue


def test_comments_and_empty_lines() -> None:
    text = "# a graph\n\ngraph f(%a: f64)\n  # here\n\n  %7 = neg %a\r\n  return %7\n# the end"
    assert read_graph(text).outputs == (arithmetic.neg(A),)


def large_graph(size: int) -> Graph:
    node: Node = A
    for k in range(size):
        node = arithmetic.mul(arithmetic.add(node, float(k)), A)
    return Graph("large", (A,), (node,))


@pytest.mark.scale
def test_large_graph() -> None:
    graph = large_graph(25_000)
    text = print_graph(graph)
    assert text.count("\n") == 50_001
    assert read_graph(text).outputs[0] is graph.outputs[0]


def test_texts_are_written_and_read_in_linear_time(assert_linear) -> None:
    assert_linear(lambda size: read_graph(print_graph(large_graph(size))), 500)
