"""Formulas become nodes: their values are those that Python and NumPy give for the same text."""

import math
import random
from typing import Any

import numpy as np
import pytest

from diffc.errors import SyntaxProblem, TypeProblem
from diffc.ir import Graph, Node, parse_type
from diffc.ops import evaluate, input_node, scalar_value
from diffc.syntax import FUNCTIONS, ExpressionProblem, build, build_outputs, parse_expression
from diffc.syntax.functions import ALIASES

INPUTS: dict[str, tuple[str, Any]] = {
    "a": ("f64", 0.7),
    "b": ("f64", -1.3),
    "k": ("i64", 3),
    "v": ("f64[5]", np.array([0.3, -1.2, 0.0, 2.5, 0.9])),
    "w": ("f64[N]", np.array([1.0, 4.0, -2.0, 0.5])),
    "m": ("f64[3, 5]", np.arange(15.0).reshape(3, 5) / 7 - 0.8),
    "t": ("f32[3]", np.array([0.25, 1.5, -2.0], np.float32)),
    "i": ("i64[2]", np.array([2, -1])),
}
NODES = {name: input_node(name, parse_type(type_)) for name, (type_, _) in INPUTS.items()}


def formula(text: str) -> Node:
    return build(parse_expression(text), NODES)


def value(text: str) -> Any:
    graph = Graph("f", tuple(NODES.values()), (formula(text),))
    return evaluate(graph, *[each for _, each in INPUTS.values()])[0]


def python(text: str) -> Any:
    names = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")}
    arrays = {name: np.asarray(each) if np.ndim(each) else each for name, (_, each) in INPUTS.items()}
    extra = {"pi": math.pi, "e": math.e, "ln": np.log, "max": np.maximum, "min": np.minimum, "N": 4}
    return eval(text, {"__builtins__": {}}, {**names, **extra, **arrays})


@pytest.mark.parametrize(
    "text",
    [
        "a + b*k - 2/3",
        "-a**2 + 2**-a",
        "2**3**2",
        "-2**2",
        "7 - 3 - 2",
        "2/3*a",
        "k/2 + k*k",
        "(a + b) * (a - b) / (1 + a**2)",
        "-7 // 2 * a + 7 % -3 - 7 % 3 // 2",
        "v // 0.5 % a - -v % 2**2",
        "k // 2 % 3 + i % 2 - -i // 3 * 2",
        "t % 0.3 - t // 0.1",
        "sqrt(2)*a + exp(a)*sin(b) - log(a) + tanh(a*b)",
        "ln(a) + arctan2(a, b) + arcsin(a) + arccos(a) + arctan(b)",
        "pi*e*a",
        "sum(m)",
        "sum(m, axis=0)",
        "sum(m, 1, keepdims=True) * m",
        "mean(m, axis=(0, 1)) + mean(v)",
        "prod(v) + prod(m, axis=1)",
        "std(v) + var(m, axis=0)",
        "maximum(v, 0) + minimum(v, a)",
        "max(a, b) + min(a, 2)",
        "abs(v) + sign(v) + floor(v) + ceil(v)",
        "where(v > 0, v, -v)",
        "where(v > 0, 1, 0)",
        "(v > 0) == (v >= 0.3)",
        "clip(v, -1, 1)",
        "clip(v, a, 0.8)",
        "m @ v",
        "v @ m.T",
        "dot(v, v)",
        "outer(w, v)",
        "transpose(m)",
        "transpose(m, (1, 0))",
        "m.T[0]",
        "m[1]",
        "m[-1, 2]",
        "m[:, 1]",
        "m[1:, ::2]",
        "m[::-1, 1:4]",
        "m[..., 0]",
        "m[None, 1]",
        "v[:, None] * v",
        "v[::-1]",
        "v[::-2]",
        "v[3:0:-1]",
        "v[-2:]",
        "v[:-1] - v[1:]",
        "v[10:]",
        "v[4:1]",
        "v[i]",
        "m[:, i]",
        "m[0, i]",
        "w[1:] - w[:-1]",
        "w[::-1]",
        "w[-1] + w[0]",
        "v[k]",
        "reshape(m, (5, 3))",
        "reshape(m, (-1,))",
        "reshape(m, -1)",
        "concatenate([v, w])",
        "concatenate([m, m], axis=1)",
        "stack([v, v + 1])",
        "broadcast_to(v, (2, 5))",
        "sort(v)",
        "sort(m, axis=0) + sort(m, 1)",
        "argsort(-m, axis=0)",
        "argmax(v) + argmin(m)",
        "argmax(m, axis=1) - argmin(m, 1)",
        "diag(v) + eye(5)",
        "diag(m[:, :3])",
        "trace(m[:, :3] @ m[:, :3])",
        "ones(5)*v + zeros(5)",
        "ones((2, 3)) + zeros((3, 1, 3))",
        "linspace(0, 1, 5)",
        "linspace(v[0], v[1], 4)",
        "linspace(0, 1, 1)",
        "linspace(2, 3, 0)",
        "expand_dims(v, 0)",
        "flip(m, 0)",
        "cumsum(v)",
        "cumsum(m, axis=1)",
        "cumprod(v)",
        "square(v) + hypot(a, b)",
        "log2(8.0) + log10(1000.0) + exp2(a)",
        "arange(3) * a",
        "any(v > 2) + 0*a",
        "all(v > 2) + 0*a",
        "2*t",
        "t**2 + 0.5",
        "2**t",
        "1e3*t",
        "t*v[:3]",
        "i + 1",
        "i/2",
        "i*t[1:]",
        "0*a + 1e308*10",
        "True + k",
        "a*10**30",
        "0*k + 10**15 * 10**3",
    ],
)
def test_value(text: str) -> None:
    with np.errstate(all="ignore"):
        expected = python(text)
    actual = value(text)
    assert actual.shape == np.shape(expected)
    if isinstance(expected, np.ndarray):
        assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-6 if actual.dtype == np.float32 else 1e-13)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a, b, 2]", [0.7, -1.3, 2]),
        ("[[1, 2], [3, 4.5]]", [[1, 2], [3, 4.5]]),
        ("max(v)", 2.5),
        ("min(m, axis=1)", np.min(INPUTS["m"][1], axis=1)),
        ("max(a, b, 2)", 2.0),
        ("norm(v)", np.linalg.norm(INPUTS["v"][1])),
        ("norm(m, axis=1)", np.linalg.norm(INPUTS["m"][1], axis=1)),
        ("norm(0*v)", 0.0),
        ("std(0*v)", 0.0),
        ("softmax(1000*v)", [0, 0, 0, 1, 0]),
        ("sum(softmax(m), axis=-1)", [1, 1, 1]),
        ("exp(log_softmax(v)) - softmax(v)", np.zeros(5)),
        ("logsumexp(v)", np.log(np.sum(np.exp(INPUTS["v"][1])))),
        ("not a > b", False),
        ("a > b and k == 3 or False", True),
        ("dim(m, 1)*dim(m)", 15),
        ("sum(w)/dim(w)", 3.5 / 4),
        ("w[dim(w) - 2:]", [-2, 0.5]),
        ("reshape(w, (dim(w), 1))[:, 0]", INPUTS["w"][1]),
        ("w[::3]", INPUTS["w"][1][::3]),
        ("w[-2::-2]", INPUTS["w"][1][-2::-2]),
        ("flatten(m)[7]", 0.2),
        ("stop_gradient(a)", 0.7),
        ("m[i, i]", INPUTS["m"][1][[2, -1], [2, -1]]),
        ("gather(m, i, axis=1)[0]", INPUTS["m"][1][0, [2, -1]]),
        ("1/0", np.inf),
        ("f32(a)", np.float32(0.7)),
        ("i64(2.7*a)", 1),
        ('einsum("ij,j->i", m, v)', INPUTS["m"][1] @ INPUTS["v"][1]),
        ("einsum('ij, kj', m, m)", INPUTS["m"][1] @ INPUTS["m"][1].T),
        ('einsum("ii->i", m @ m.T)', np.diag(INPUTS["m"][1] @ INPUTS["m"][1].T)),
        ('einsum("i,ij,j->", m[:, 0], m, v)', INPUTS["m"][1][:, 0] @ INPUTS["m"][1] @ INPUTS["v"][1]),
        ('einsum("...,i", a, w)', 0.7 * INPUTS["w"][1]),
    ],
)
def test_value_of_own_functions(text: str, expected: Any) -> None:
    np.testing.assert_allclose(value(text), expected, rtol=1e-12, atol=1e-15)


def test_random_formulas_agree_with_python() -> None:
    generator = random.Random(20)

    def random_text(depth: int) -> str:
        if depth == 0:
            return generator.choice(["a", "b", "v", "w[0]", "2", "0.5", "3", "m[1]"])
        left, right = random_text(depth - 1), random_text(generator.randrange(depth))
        return generator.choice(
            [
                f"{left} + {right}",
                f"{left} - {right}",
                f"{left} * {right}",
                f"({left}) / (2 + ({right})**2)",
                f"-{left}",
                f"({left})**2",
                f"sin({left})",
                f"where({left} < {right}, {left}, {right})",
                f"maximum({left}, {right})",
                f"({left} - {right})",
                f"-tanh({left})**2 * {right}",
            ]
        )

    for _ in range(150):
        text = random_text(generator.randrange(1, 7))
        with np.errstate(all="ignore"):
            expected = python(text)
        np.testing.assert_allclose(value(text), expected, rtol=1e-9, atol=1e-12, err_msg=text)


def test_weak_numbers_keep_f32() -> None:
    for text in ["2/3*t", "sqrt(2)*t", "pi*t", "t**2", "2**t", "t**0.5", "max(t, 0)", "clip(t, 0, 1)"]:
        assert formula(text).dtype == "f32", text
    assert formula("clip(2, 0, 1)*t").dtype == "f32"


def test_integers_are_exact() -> None:
    assert scalar_value(formula("2**62 - 1 + 2**62")) == 2**63 - 1
    assert scalar_value(formula("3**0")) == 1
    assert scalar_value(formula("2**-1")) == 0.5


@pytest.mark.parametrize(
    ("text", "problem", "position"),
    [
        ("9**9**9**9", "too large", 4),
        ("10**400", "too large", 2),
        ("(2**1000)*(2**1000)", "too large", 9),
        ("y + a", "unknown name 'y'", 0),
        ("a + sine(a)", "did you mean 'sin'?", 4),
        ("__import__('os')", "unknown function '__import__'", 0),
        ("__import__(a)", "unknown function '__import__'", 0),
        ("eval(a)", "unknown function 'eval'", 0),
        ("a(b)", "write a*(...)", 0),
        ("sin + 1", "write sin(x)", 0),
        ("sin(a, b)", "write sin(x)", 0),
        ("atan2(a)", "write atan2(y, x)", 0),
        ("sum(v, axes=0)", "did you mean 'axis'?", 0),
        ("sum(v, x=a)", "given twice", 0),
        ("sum()", "'x' is missing", 0),
        ("sum(v, a)", "axis must be an integer", 0),
        ("sum(v, 1)", "there is no axis 1", 0),
        ("sum(v, keepdims=2)", "keepdims must be True or False", 0),
        ("a + v + m[:, :2]", "shapes do not broadcast", 6),
        ("v @ w", "extents differ", 2),
        ("a @ v", "multiplied with *", 2),
        ("v[7]", "outside axis 0", 1),
        ("a[0]", "1 indices for f64[]", 1),
        ("v[1.5]", "an index is an integer", 1),
        ("v[v > 0]", "use where", 1),
        ("v[v]", "write i64(...)", 1),
        ("v[::0]", "not 0", 1),
        ("m[..., ...]", "at most once", 1),
        ("v[:a]", "known when compiling", 2),
        ("reshape(v, (k, 2))", "known when compiling", 0),
        ("reshape(v, (2, 2))", "5 elements do not fit", 0),
        ("a + None", "None is no number", 2),
        ("a + (a, b)", "write [a, b]", 2),
        ("[]", "empty list", 0),
        ("[a, v]", "shapes differ", 0),
        ("diag(a)", "a vector or a square matrix", 0),
        ("trace(m)", "a square matrix", 0),
        ("ones(a)", "known when compiling", 0),
        ("eye(-1)", "an extent is negative", 0),
        ("linspace(v, 1, 3)", "it takes scalars", 0),
        ("if_(a)", "unknown function 'if_'", 0),
        ("einsum(m, v)", 'write einsum("ij,jk->ik", a, b)', 0),
        ('einsum("ij,j->k", m, v)', "'k' of the output is in no operand", 0),
        ('einsum("ij,j", m)', "2 subscripts for 1 operands", 0),
        ('einsum("ij")', "is missing: write einsum(subscripts, *operands)", 0),
        ('a + "b"', "only einsum takes one", 2),
        ('sum(v, axis="0")', "axis must be an integer", 0),
        ("concatenate(v)", "list of arrays", 0),
        ("i*10**30", "does not fit into 64 bits", 1),
        ("[" * 20 + "1" + "]" * 20, "at most 16 axes", 2),
    ],
)
def test_problem(text: str, problem: str, position: int) -> None:
    with pytest.raises(ExpressionProblem) as caught:
        formula(text)
    assert problem in str(caught.value)
    assert caught.value.position == position
    assert isinstance(caught.value, SyntaxProblem)
    assert isinstance(caught.value, TypeProblem)


def test_names_come_before_constants() -> None:
    node = input_node("e", parse_type("f64"))
    assert build(parse_expression("e"), {"e": node}) is node
    number = build(parse_expression("e"), {})
    assert number.is_op("exp")
    assert evaluate(Graph("f", (), (number,))) == [math.e]


def test_several_outputs() -> None:
    outputs = build_outputs(parse_expression("a*b, 2"), NODES)
    assert isinstance(outputs, tuple)
    assert [each.dtype for each in outputs] == ["f64", "i64"]


@pytest.mark.parametrize("text", ["+".join(["a"] * 100_000), "sin(" * 10_000 + "a" + ")" * 10_000])
def test_large_formulas(text: str) -> None:
    assert formula(text).shape == ()


def test_table_of_functions() -> None:
    for name, function in FUNCTIONS.items():
        assert function.name == name
        assert function.doc
        assert function.signature.startswith(f"{name}(")
    for alias, name in ALIASES.items():
        assert alias not in FUNCTIONS
        assert name in FUNCTIONS
