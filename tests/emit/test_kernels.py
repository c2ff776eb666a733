"""Every operation and every way to place one: LLVM and plain Python against the NumPy reference."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_forms import Forms, check_forms
from random_graphs import M, N, arrays_for
from routine_graphs import ROUTINES

import diffc as dc
from diffc.errors import InputError
from diffc.functions.function import Function
from diffc.ir import Graph, Node, Type
from diffc.ops import REGISTRY, Elementwise, cast, constant, dim, evaluate, input_node, iota
from diffc.ops.broadcasting import broadcast, mean, sum_
from diffc.ops.constant import pi
from diffc.ops.indexing import gather, scatter_add
from diffc.ops.logic import where
from diffc.ops.products import matmul
from diffc.ops.recurrence import linear_recurrence
from diffc.ops.reductions import amax, any_, prod
from diffc.ops.reshaping import flip, reshape, transpose
from diffc.ops.slicing import concatenate, index, pad, slice_, stack
from diffc.ops.softmax import logsumexp, softmax
from diffc.syntax.compositions import cumprod, cumsum

SIZES = (0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33)
add, mul, neg, exp, lt, sub, tanh = (REGISTRY[n] for n in ("add", "mul", "neg", "exp", "lt", "sub", "tanh"))


def array(name, *shape, dtype="f64"):
    return input_node(name, Type(dtype, shape))


v, w, m, s = array("v", N), array("w", M), array("m", N, M), array("s")
t = array("t", M, N)
k3 = array("k3", N, 3)
cube = array("cube", 2, N, M)
flags = array("flags", N, dtype="bool")
ints = array("ints", N, dtype="i64")
big, wide = array("big", N, 40), array("wide", 40, 40)


def graph_of(*outputs):
    seen = {}
    stack_ = list(outputs)
    while stack_:
        node = stack_.pop()
        if node.is_op("input"):
            seen[node.attrs["name"]] = node
        stack_.extend(node.inputs)
    for node in (v, w):
        seen[node.attrs["name"]] = node
    return Graph("g", tuple(seen[name] for name in sorted(seen)), outputs)


def check_all_sizes(graph, *, least=0, sizes=SIZES, python=(0, 1, 5, 9)):
    forms = Forms(graph)
    for n in sizes:
        if n < least:
            continue
        for columns in {max(least, 3), max(least, n // 2), 8} if "M" in graph.symbols else {3}:
            which = ("llvm", "python") if n in python else ("llvm",)
            check_forms(graph, arrays_for(graph, n, columns, n), forms, which=which, runs=2)


# -- elementwise operations: each in every dtype that it takes ---------------------------------------------


def operand(name, dtype, op):
    if dtype == "bool":
        return array(name, N, dtype="bool")
    x = array(name, N, dtype=dtype)
    if op in ("log", "sqrt", "pow", "div"):
        return add(REGISTRY["abs"](x), 1)
    if op in ("asin", "acos", "log1p"):
        return mul(x, 0.25 if dtype != "i64" else 1)
    return x


ELEMENTWISE = [
    (name, dtype)
    for name, op in REGISTRY.items()
    if isinstance(op, Elementwise)
    for dtype in {
        "float": ("f64", "f32"),
        "number": ("f64", "f32", "i64"),
        "bool": ("bool",),
        "any": ("f64", "f32", "i64", "bool"),
    }[op.domain]
]


@pytest.mark.parametrize(("name", "dtype"), ELEMENTWISE)
def test_elementwise(name, dtype):
    op = REGISTRY[name]
    operands = [operand(f"x{k}", dtype, name) for k in range(op.arity)]
    if name == "where":
        operands[0] = array("c", N, dtype="bool")
    if name == "polygamma":
        operands[0] = 2
    check_all_sizes(graph_of(op(*operands)), python=(0, 9))


@pytest.mark.parametrize("source", ["f64", "f32", "i64", "bool"])
@pytest.mark.parametrize("target", ["f64", "f32", "i64", "bool"])
def test_cast(source, target):
    check_all_sizes(graph_of(cast(array("x", N, dtype=source), target)), python=(0, 9))


def test_every_operation_has_a_case():
    tested = {name for name, _ in ELEMENTWISE} | {"cast", "input", "const", "captured"}
    for graphs in (STRUCTURED, CORNERS, PRODUCTS, ROUTINES):
        for outputs, _ in graphs.values():
            tested |= {node.op.name for node in graph_of(*outputs).nodes}
    assert tested >= set(REGISTRY)


# -- operations that know about axes -----------------------------------------------------------------------

STRUCTURED = {
    "sum over all": ((sum_(m),), 0),
    "sum over the first axis": ((sum_(m, 0),), 0),
    "sum over the last axis": ((sum_(m, 1),), 0),
    "sum over a middle axis": ((sum_(cube, 1),), 0),
    "sum over outer axes": ((sum_(cube, (0, 2)),), 0),
    "sum of integers": ((sum_(ints),), 0),
    "mean": ((mean(v),), 1),
    "max": ((amax(m), amax(m, 0), amax(m, 1), amax(ints)), 0),
    "max of truth values": ((amax(flags),), 0),
    "prod": ((prod(v), prod(m, 0), prod(m, 1), prod(ints)), 0),
    "products of others": (
        (Node.make(REGISTRY["prod_of_others"], (v,)), Node.make(REGISTRY["half_exponents"], (v,))),
        4,
    ),
    "determined": ((Node.make(REGISTRY["determined"], (m, lt(m, 0.0)), {"zeros": True}),), 0),
    "any": ((any_(flags), any_(lt(m, 0.0), 0), any_(lt(m, -1.9), 1)), 0),
    "logsumexp": ((logsumexp(m), logsumexp(m, 0), logsumexp(m, 1)), 0),
    "softmax": ((softmax(m), softmax(m, 0), softmax(m, None)), 0),
    "transpose": ((transpose(m), add(m, transpose(t)), neg(transpose(cube, (2, 0, 1)))), 0),
    "reshape": ((reshape(m, (N * M,)), reshape(add(m, 1), (M, N)), reshape(transpose(m), (N * M,))), 0),
    "reshape of a reshape": ((reshape(transpose(reshape(neg(m), (M, N))), (N * M,)),), 0),
    "flip": ((flip(v, (0,)), neg(flip(m, (0, 1))), flip(m, (1,))), 0),
    "broadcast": ((broadcast(v, (3, N)), broadcast(s, (N, M)), broadcast(reshape(v, (N, 1)), (N, M))), 0),
    "slice": ((slice_(v, (1,), (N - 1,)), neg(slice_(m, (1, 0), (N - 1, M - 1)))), 1),
    "slice with steps": ((slice_(k3, (0, 0), (N, 2), (1, 2)), neg(slice_(k3, (0, 1), (N, 1), (1, 2)))), 0),
    "element": ((index(v, 0), index(v, -1), index(m, 0, 1)), 1),
    "difference": ((sub(slice_(v, (1,), (N - 1,)), slice_(v, (0,), (N - 1,))),), 1),
    "pad": ((pad(v, (2,), (1,)), pad(m, (1, 0), (0, N)), pad(neg(v), (1,), (-1,)), pad(v, (-1,), (1,))), 0),
    "pad with gaps": ((pad(v, (0,), (2,), (2,)), pad(k3, (0, 1), (0, 1), (0, 1))), 0),
    "pad with gaps that cuts": ((pad(v, (-1,), (1,), (2,)),), 1),
    "pad by extents": ((pad(v, (M,), (N,)), pad(v, (N * M,), (0,))), 0),
    "concatenate": ((concatenate([v, w, v]), concatenate([neg(m), m], 1), concatenate([m, exp(m)], 0)), 0),
    "concatenate views": ((concatenate([flip(v, (0,)), broadcast(s, (2,)), iota(N)]),), 0),
    "stack": ((stack([v, neg(v)]), stack([s, s, mul(s, s)])), 0),
    "iota": ((iota(N), mul(v, iota(N)), flip(iota(N), (0,))), 0),
    "dim": ((dim(N * M + 1), mul(v, dim(N))), 0),
    "recurrence of integers": ((linear_recurrence(ints, ints), cumsum(flags), cumprod(ints)), 0),
    "recurrence": ((linear_recurrence(v, v), linear_recurrence(m, tanh(m))), 0),
    "recurrence of rank 3": ((linear_recurrence(cube, neg(cube)),), 0),
    "gather": (
        (gather(v, constant([0, -1, 0])), gather(m, constant([0, -1]), 1), gather(k3, constant(2), 1)),
        1,
    ),
    "gather from views": (
        (
            gather(flip(v, (0,)), iota(N)),
            gather(slice_(m, (1, 0), (N - 1, M)), constant([-1])),
            gather(iota(N), iota(N)),
        ),
        2,
    ),
    "gather from constants": (
        (gather(constant([1.0, 2.0]), constant([1, 1, 0])), gather(broadcast(constant(0.5), (N,)), iota(N))),
        0,
    ),
    "gather from what was computed": ((gather(exp(m), iota(N)), gather(sum_(m, 0), iota(M))), 0),
    "scatter_add": (
        (scatter_add(v, iota(N), v), scatter_add(neg(m), mul(iota(N), 0), m), scatter_add(k3, iota(N), k3)),
        0,
    ),
}


@pytest.mark.parametrize("name", STRUCTURED)
def test_structured(name):
    outputs, least = STRUCTURED[name]
    check_all_sizes(graph_of(*outputs), least=least)


PRODUCTS = {
    "by BLAS": ((matmul(big, wide),), 0),
    "transposed by BLAS": ((matmul(transpose(big), big), matmul(wide, transpose(big))), 0),
    "of parts": ((matmul(slice_(big, (0, 1), (N, 39)), slice_(wide, (1, 0), (39, 30))),), 0),
    "of what was computed": ((neg(matmul(exp(mul(big, 0.1)), transpose(wide))),), 0),
    "of repeated rows": ((matmul(broadcast(array("r", 1, 40), (N, 40)), wide),), 0),
    "symbolic": ((matmul(m, t), matmul(t, m)), 0),
    "batched": ((matmul(cube, transpose(cube, (0, 2, 1))),), 0),
    "batched along a symbol": (
        (matmul(broadcast(wide, (N, 40, 40)), broadcast(transpose(wide), (N, 40, 40))),),
        0,
    ),
    "with vectors": ((matmul(m, w), matmul(v, m), matmul(v, v)), 0),
    "outer": ((matmul(reshape(v, (N, 1)), reshape(w, (1, M))),), 0),
    "small": ((matmul(k3, array("q", 3, 3)), matmul(transpose(k3), k3)), 0),
    "in f32": ((matmul(array("f", N, 40, dtype="f32"), array("g", 40, 40, dtype="f32")),), 0),
    "part in f32": (
        (matmul(slice_(array("f", N, 40, dtype="f32"), (0, 1), (N, 35)), array("h", 35, 40, dtype="f32")),),
        0,
    ),
    "empty": ((matmul(array("e", N, 0), array("d", 0, 40)), matmul(array("z", 0, 40), wide)), 0),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_matrix_product(name):
    outputs, least = PRODUCTS[name]
    check_all_sizes(graph_of(*outputs), least=least, sizes=(0, 1, 2, 5, 17), python=(0, 2, 17))


@pytest.mark.parametrize("name", ROUTINES)
def test_routine(name):
    outputs, least = ROUTINES[name]
    check_all_sizes(graph_of(*outputs), least=least, sizes=(0, 1, 2, 5, 9, 33), python=(0, 1, 5, 33))


@pytest.mark.parametrize("name", ROUTINES)
def test_numba_runs_routines(name):
    outputs, least = ROUTINES[name]
    graph = graph_of(*outputs)
    check_forms(graph, arrays_for(graph, max(4, least), 3), which=("numba",))


twice = exp(m)
CORNERS = {
    "inputs as outputs": ((v, s, m, v), 0),
    "one value twice": ((twice, twice, sum_(twice)), 0),
    "constants": ((constant(2.0), constant([[1.0, 2.0]]), constant(np.zeros((0, 3))), constant(True)), 0),
    "constants that are rounded last": ((pi(), mul(REGISTRY["div"](pi(), 3.0), s)), 0),
    "views": ((transpose(m), reshape(v, (1, N)), broadcast(s, (4,)), flip(v, (0,))), 0),
    "scalars": ((add(s, s), sum_(v), dim(N), mul(constant(2.0), constant(3.0))), 0),
    "numbers in where": ((where(flags, 1.0, 0.0), REGISTRY["div"](1.0, where(lt(s, 9.0), 0.0, s))), 0),
    "empty sums divided": ((REGISTRY["div"](1.0, sum_(v)), REGISTRY["pow"](0.0, sub(sum_(v), 1.0))), 0),
    "dtypes in one loop": (
        (cast(lt(v, 0.0), "f32"), mul(cast(v, "f32"), 2), cast(flags, "i64"), add(ints, v)),
        0,
    ),
    "a product also stored": ((mul(v, v), add(mul(v, v), 1.0), sum_(mul(v, v))), 0),
    "a product used inside": ((add(mul(s, s), v), sub(mul(s, 2.0), mul(v, v)), sub(1.0, mul(v, s))), 0),
    "a row in the cache": ((sum_(mul(exp(sub(m, sum_(m, 1, keepdims=True))), 0.5), 1),), 0),
    "extents of one": ((sum_(array("u", N, 1), 1), matmul(array("a1", 1, N), array("b1", N, 1))), 0),
    "rank four": ((sum_(array("r4", 2, N, 1, 3), (1, 3)), neg(transpose(array("r4", 2, N, 1, 3)))), 0),
    "inner extents of three": ((mul(k3, 2.0), sum_(mul(k3, k3)), add(k3, reshape(v, (N, 1)))), 0),
    "no elements": ((exp(array("n0", 0)), sum_(array("n0", 0)), sum_(array("n1", 0, N), 0)), 0),
}


@pytest.mark.parametrize("name", CORNERS)
def test_corner(name):
    outputs, least = CORNERS[name]
    check_all_sizes(graph_of(*outputs), least=least)


def test_a_recurrence_does_not_use_its_first_factor():
    a, b = array("a", 3), array("b", 3)
    graph = Graph("g", (a, b), (linear_recurrence(a, b),))
    for first in (np.inf, np.nan, -1.0):
        check_forms(graph, [np.array([first, 2.0, 3.0]), np.array([-0.0, 1.0, 1.0])])


def test_symbols_of_linear_extents():
    x = input_node("x", Type("f64", (2 * N + 1,)))
    y = input_node("y", Type("f64", (M - 1,)))
    graph = Graph("g", (x, y), (sum_(x), mul(y, dim(N + M)), broadcast(dim(N), (N, M))))
    forms = Forms(graph)
    forms.symbols = lambda inputs: {"N": (inputs[0].size - 1) // 2, "M": inputs[1].size + 1}
    for n, columns in ((0, 1), (1, 2), (8, 9)):
        inputs = [np.arange(2 * n + 1.0), np.arange(columns - 1.0)]
        for run in (forms.llvm, forms.python):
            _, (total, scaled, full) = run(*inputs)
            assert total == inputs[0].sum()
            np.testing.assert_array_equal(scaled, inputs[1] * (n + columns))
            np.testing.assert_array_equal(full, np.full((n, columns), n))


# -- checks ------------------------------------------------------------------------------------------------


def test_an_index_outside_fails_in_every_lane():
    at = array("at", M, dtype="i64")
    graph = Graph("g", (v, at), (gather(v, at), scatter_add(v, at, gather(v, at))))
    forms = Forms(graph)
    for size in (1, 8, 19):
        for bad in range(size):
            for value in (5, -6):
                rows = np.zeros(size, np.int64)
                rows[bad] = value
                assert forms.llvm(np.ones(5), rows)[0] == forms.python(np.ones(5), rows)[0] > 0


@pytest.mark.parametrize(("text", "least"), [("x[5] + x[-1]", 6), ("x[1:] - x[:-1]", 1), ("sum(x[2:])", 2)])
def test_parts_that_lie_outside_are_refused(text, least):
    kernel = dc.compile(dc.parse(text, inputs={"x": "f64[N]"}), cache=False)
    kernel(np.ones(least))
    with pytest.raises(InputError, match=r"needs|negative"):
        kernel(np.ones(least - 1))


def test_a_padding_by_an_unknown_sign_does_not_cut():
    kernel = dc.compile(Function(graph_of(pad(v, (0,), (M - N,)), neg(w))), cache=False)
    for n, columns in ((2, 5), (3, 3), (0, 2), (0, 0)):
        x = np.arange(1.0, n + 1)
        np.testing.assert_array_equal(kernel(x, np.ones(columns))[0], np.pad(x, (0, columns - n)))
    with pytest.raises(InputError, match="needs M-N >= 0"):
        kernel(np.ones(3), np.ones(2))


def test_a_negative_extent_holds_no_index():
    graph = Graph("g", (v,), (gather(v, constant([0])),))
    assert Forms(graph).llvm(np.ones(0))[0] == Forms(graph).python(np.ones(0))[0] == 1


# -- through the public kernel -----------------------------------------------------------------------------


def test_layouts_and_read_only_inputs():
    kernel = dc.compile(Function(graph_of(add(m, transpose(t)), sum_(m, 0))), cache=False)
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(20, 14)), rng.normal(size=(7, 20))
    strided = rng.normal(size=40)[::2]
    a.flags.writeable = False
    for left, right in ((a[::2, ::2], b[:, ::2]), (np.asfortranarray(a[:10, :7]), b[::-1, 10:])):
        total, columns = kernel(m=left, t=right, v=strided[:10], w=np.zeros(7))
        np.testing.assert_array_equal(total, left + right.T)
        np.testing.assert_allclose(columns, left.sum(0), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["sum over a middle axis", "gather", "pad with gaps", "recurrence"])
def test_numba_runs_the_source(name):
    outputs, _ = STRUCTURED[name]
    graph = graph_of(*outputs)
    check_forms(graph, arrays_for(graph, 9, 5), which=("numba",))


@pytest.mark.parametrize("name", ["of parts", "part in f32", "batched"])
def test_numba_runs_products(name):
    graph = graph_of(*PRODUCTS[name][0])
    check_forms(graph, arrays_for(graph, 9, 5), which=("numba",))


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("*".join(f"x{k}" for k in range(2500)), 2500),
        ("*".join(f"(x + {k})" for k in range(20_000)), 1),
        ("exp(-" * 3000 + "x" + ")" * 3000, 1),
    ],
)
def test_long_chains_do_not_recurse(text, inputs):
    function = dc.parse(text)
    assert len(function.inputs) == inputs
    kernel = dc.compile(function, cache=False)
    assert kernel(*[1.0] * inputs) == pytest.approx(float(evaluate(function.graph, *[1.0] * inputs)[0]))
    assert kernel.source.count("\n") > 2500
