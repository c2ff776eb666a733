"""Notes: "adjoint of %k" behind a line is the derivative by the value that the same text calls %k.

Each note of a printed text is held against forward mode: the program is cut at %k, which becomes an input.
"""

import re

import numpy as np
import pytest

import diffc as dc
from diffc import autodiff
from diffc.compiler import Options, Stages
from diffc.ir import Adjoint, Graph, substitute
from diffc.ops import evaluate, input_node
from diffc.optimize import optimize
from diffc.syntax import print_graph, read_graph

RNG = np.random.default_rng(6)

FORMULAS = [
    "((a + b)*c)**2",
    "exp(a*b)/(1 + exp(a*b)) + a*b",
    "log(1 + exp(a*b)) + (1 + exp(a*b))**2",
    "log(1 + exp(a))*b",
    "a*b*sin(b*a)",
    "sin(a) + sin(a)*cos(sin(a))",
    "-(a*b) + c*(-(a*b))**3",
    "(2*a)*(3*b) - (6*(a*b))**2",
    "abs(exp(a))*c + exp(a)",
    "sqrt(a*a + b*b + 1)*c",
    "tanh(a + b)*tanh(a - b)/(2 + c*c)",
    "where(a*b > 0, a*b*c, exp(a*b))",
    "maximum(a*b, c)*maximum(a, 0)",
    "(a*b)**3 + (a*b)**2 + a*b",
    "x[0]*x[1] + sin(x[2])*x[0]",
    "sum(exp(x)*x)",
    "sum(softmax(x)*x)",
    "logsumexp(a*x)*sum(x)",
    "-sum(y*log(softmax(x)))",
    "sum((x - mean(x))**2)",
    "sum(cumsum(x)*x)*prod(x)",
    "norm(x)*a + norm(x)**2",
    "sum(tanh(x @ w)**2)",
    "sum(max(x)*x[1:])",
    "sum(softmax(w @ y[:2]))*a",
]
TYPES = {"a": "f64", "b": "f64", "c": "f64", "x": "f64[3]", "y": "f64[3]", "w": "f64[3, 2]"}

PROGRAMS = {
    "network": (
        lambda v, w, x, y: np.mean((np.tanh(np.tanh(x @ w) @ v) - y) ** 2),
        (4,),
        (3, 4),
        (5, 3),
        (5,),
    ),
    "classes": (
        lambda w, x, y: -np.sum(y * np.log(np.exp(x @ w) / np.sum(np.exp(x @ w), 1, keepdims=True))) / 5,
        (3, 4),
        (5, 3),
        (5, 4),
    ),
    "constants": (lambda x: np.sum(np.arange(4.0) * np.sin(x * np.array([1.5, 2.0, 0.3, 4.0]))), (4,)),
    "pairs": (lambda x: np.sum(np.exp(-np.sum((x[:, None] - x) ** 2, -1))), (4, 2)),
    "places": (lambda x: np.sum(x[np.array([0, 2, 2])] ** 2 * x[0]), (3,)),
    "products of matrices": (lambda a, b: np.sum((a @ b) ** 2 * (a @ b)), (3, 4), (4, 2)),
    "stacks of columns": (lambda a, b: np.sum(np.exp(a @ b) * (a @ b)), (6, 40, 3), (6, 3, 2)),
    "determinant": (lambda a: np.log(np.linalg.det(a @ a.T + 4 * np.eye(4))), (4, 4)),
}


def functions():
    for text in FORMULAS:
        yield text, dc.parse(text, inputs=TYPES)
    for name, (function, *shapes) in PROGRAMS.items():
        yield name, dc.trace(function, *[dc.f64(*shape) for shape in shapes])


FUNCTIONS = dict(functions())


def derivatives(f):
    """The graphs of first and second derivatives by all inputs, as derived."""
    names = [name for name in f.inputs if f.inputs[name].is_float]
    yield dc.grad(f, names).graph
    yield dc.value_and_grad(f, names).graph
    yield dc.vjp(f, names).graph
    first = dc.parse("sum(g*g)", inputs={"g": str(f.inputs[names[0]])}).graph
    gradient = dc.grad(f, names[0]).graph
    (squared,) = substitute(first.outputs, {first.inputs[0]: gradient.outputs[0]})
    again = dc.Function(Graph("squared", gradient.inputs, (squared,)))
    yield dc.value_and_grad(again, names).graph
    yield dc.grad(again, names).graph


def stages(graph):
    """A graph of derivatives as it is, and after each of the passes that follow."""
    yield graph
    yield optimize(graph, stage="after")
    yield optimize(graph, stage="after", math="fast")
    yield Stages(graph, Options(derived=True)).planned().graph


def check_notes(graph, noted):
    """Hold every note that the text shows against forward mode; count them in `noted`."""
    text = print_graph(graph)
    again = read_graph(text)
    assert print_graph(again) == text
    point = [RNG.uniform(0.5, 1.5, node.shape) for node in graph.inputs]
    given = [p for node, p in zip(graph.inputs, point, strict=True) if node.attrs["name"].startswith("ct_")]
    for line in text.splitlines():
        if "# adjoint" in line:
            noted.append(line)
    shown = {node: origin for node, origin in again.provenance.items() if isinstance(origin, Adjoint)}
    assert len(shown) == text.count("# adjoint of")
    for adjoint, origin in shown.items():
        (by,) = origin.of
        known = graph.provenance[adjoint]
        assert isinstance(known, Adjoint)
        assert by in graph.nodes
        (value, at) = evaluate(Graph("v", graph.inputs, (adjoint, by)), *point)
        stand_in = input_node("stand_in", by.type)
        outputs = substitute(known.outputs, {by: stand_in})
        cut = Graph("cut", (*graph.inputs, stand_in), tuple(outputs))
        direction = RNG.normal(size=np.shape(at))
        pushed = autodiff.jvp(cut, "stand_in")
        tangents = evaluate(pushed, *point, at, direction)[len(outputs) :]
        wanted = sum(np.sum(w * t) for w, t in zip(given or [1.0], tangents, strict=True))
        assert np.sum(value * direction) == pytest.approx(wanted, rel=1e-9, abs=1e-9), (text, adjoint)
        # What was differentiated, as the notes know it, is the function itself.
        if graph.output_names[0] == "value":
            np.testing.assert_allclose(
                evaluate(Graph("p", graph.inputs, known.outputs), *point)[0],
                evaluate(graph, *point)[0],
                rtol=1e-12,
            )
            assert known.outputs == graph.outputs[:1]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_note_is_the_derivative_by_the_value_it_names(name):
    noted = []
    for graph in derivatives(FUNCTIONS[name]):
        for each in stages(graph):
            check_notes(each, noted)
    assert noted


def test_a_negated_or_scaled_value_is_no_adjoint():
    """The adjoint of a*b is the cotangent; its negative is not."""
    f = dc.parse("-(c*(a*b))")
    text = dc.compile(dc.grad(f, ["a", "b", "c"]), cache=False).stages["optimized"]
    for line in text.splitlines():
        assert not re.search(r"= neg .*# adjoint of %0", line)


def test_a_note_goes_when_another_reader_of_its_value_goes():
    """log(1 + exp(x)) becomes softplus: what is left of 1 + exp(x) has another derivative."""
    x = dc.parse("log(1 + exp(x)) + (1 + exp(x))**2").graph
    derived = autodiff.value_and_grad(x)
    inner = x.outputs[0].inputs[1].inputs[0]
    assert any(inner in origin.of for origin in derived.provenance.values())
    after = optimize(optimize(derived, stage="before"), stage="after")
    assert not any(inner in origin.of for origin in after.provenance.values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_source_names_what_it_shows(name):
    f = FUNCTIONS[name]
    names = list(f.inputs)
    text = dc.compile(dc.value_and_grad(f, names), cache=False).stages["source"]
    code = re.sub(r"#.*", "", text)
    for noted in re.findall(r"adjoint of (\S+)", text):
        assert re.search(rf"\b{re.escape(noted)}\b *(=|,|\))", code), noted
    assert "adjoint of %" not in text


def test_reading_keeps_notes_and_numbers_do_not_matter():
    text = """\
graph g(%a: f64[], %b: f64[])
  %7 = sin %a                : f64[]
  %9 = mul %7, %b            : f64[]  # adjoint of %7
  return %9"""
    graph = read_graph(text)
    (origin,) = graph.provenance.values()
    assert origin.of == (graph.outputs[0].inputs[0],)
    assert "# adjoint of %0" in print_graph(graph)
    assert print_graph(read_graph(print_graph(graph))) == print_graph(graph)


def test_array_constants_are_counted():
    f = dc.trace(lambda x: np.sum(np.sin(x * np.array([1.0, 2.0, 3.0]))), dc.f64(3))
    text = dc.compile(dc.value_and_grad(f), cache=False).stages["expanded"]
    source = dc.compile(dc.value_and_grad(f), cache=False).stages["source"]
    for number, op in re.findall(r"%(\d+) = (\w+) ", text):
        if op in ("mul", "sin", "cos"):
            assert re.search(rf"\bv{number} = ", source), (number, op)
