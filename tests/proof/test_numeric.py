"""Kernels against long arithmetic: benign rounding passes, wrong digits do not."""

import mpmath
import numpy as np
import pytest

from diffc.autodiff import grad, hessian
from diffc.errors import DiffcError
from diffc.ir import Graph, parse_type
from diffc.ops import evaluate, input_node
from diffc.ops.arithmetic import add, mul, sub
from diffc.ops.broadcasting import sum_
from diffc.ops.elementary import exp, log, softplus, sqrt
from diffc.ops.indexing import gather
from diffc.ops.products import matmul
from diffc.ops.reductions import amax, prod
from diffc.ops.softmax import logsumexp
from diffc.proof.numeric import check_kernel, deviations, flatten


def inp(name, type_="f64"):
    return input_node(name, parse_type(type_))


A, B, V, M, K = inp("a"), inp("b"), inp("v", "f64[N]"), inp("m", "f64[N, 4]"), inp("k", "i64[2]")
F = inp("f", "f32[3]")


def reference(graph):
    def run(*arguments):
        values = evaluate(graph, *arguments)

        def nest(tree):
            return values[tree] if isinstance(tree, int) else tuple(nest(each) for each in tree)

        return nest(graph.tree)

    return run


GRAPHS = {
    "softplus": Graph("f", (V,), (sum_(softplus(V)),)),
    "logsumexp": Graph("f", (M,), (logsumexp(M, (0, 1)),)),
    "prod": Graph("f", (V,), (mul(prod(V), amax(V)),)),
    "gather": Graph("f", (V, K), (sum_(exp(gather(V, K))),)),
    "f32": Graph("f", (F,), (sum_(sqrt(exp(F))),)),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_reference_is_within_rounding(name):
    graph = GRAPHS[name]
    wrt = [node.attrs["name"] for node in graph.inputs if node.type.is_float]
    for each in (graph, grad(graph, wrt), hessian(graph, wrt)):
        (check,) = check_kernel(each, reference(each))
        assert check.verdict == "measured", check
        assert check.basis.startswith("mpmath, 50 digits; ")


def test_cancellation_is_explained_by_the_bound():
    graph = Graph("f", (A, B), (sub(add(exp(A), mul(B, 1e-12)), exp(A)),))
    (found,) = deviations(graph, reference(graph), [1.0, 1.0])
    assert found.ulps > 1e3
    assert found.quotient < 4
    assert check_kernel(graph, reference(graph))[0].ok


def test_a_wrong_kernel_is_refuted_with_place_and_amount():
    graph = Graph("f", (V,), (exp(V),))

    def wrong(v):
        out = np.exp(v)
        out[min(1, len(out) - 1)] *= 1 + 1e-12
        return out

    (check,) = check_kernel(graph, wrong)
    assert check.verdict == "failed"
    assert "out[1] is" in check.detail
    assert "times what rounding explains" in check.detail


def test_points_outside_the_domain_are_drawn_again():
    graph = Graph("f", (A, B), (add(log(A), sqrt(sub(1, B))),))
    (check,) = check_kernel(graph, reference(graph), samples=4)
    assert check.basis.startswith("mpmath, 50 digits; 4 points")
    empty = Graph("f", (A,), (log(sub(-1, mul(A, A))),))
    assert check_kernel(empty, reference(empty))[0].verdict == "unknown"


def test_overflow_to_infinity_is_right_where_the_true_value_overflows():
    graph = Graph("f", (A,), (exp(A),))
    (found,) = deviations(graph, reference(graph), [800.0])
    assert found.quotient == 0
    (found,) = deviations(graph, lambda a: -np.inf, [800.0])
    assert found.quotient == np.inf


def test_long_arithmetic_has_fifty_digits():
    graph = Graph("f", (A,), (sub(sqrt(A), 1.0),))
    (found,) = deviations(graph, lambda a: 0.0, [2.0])
    with mpmath.workdps(60):
        assert found.expected == mpmath.nstr(mpmath.sqrt(2) - 1, 20)


def test_a_large_program_is_compared_with_the_reference_and_says_so():
    big = inp("big", "f64[300, 300]")
    graph = Graph("f", (big,), (sum_(matmul(big, big)),))
    (check,) = check_kernel(graph, reference(graph))
    assert check.ok
    assert check.basis.startswith("the NumPy reference")
    assert not check_kernel(graph, lambda x: 1.001 * reference(graph)(x))[0].ok


def test_a_wrong_shape_is_an_error():
    graph = Graph("f", (V,), (exp(V),))
    with pytest.raises(DiffcError, match="shape"):
        deviations(graph, lambda v: np.exp(v)[:1], [np.ones(3)])


def test_flatten():
    assert flatten(((1, 2), 3), ((2, 0), 1)) == [2, 3, 1]
