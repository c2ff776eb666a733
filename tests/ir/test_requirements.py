"""What is assumed of symbols: recorded while a program is built, kept by transforms, checked at each call."""

import pickle
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.errors import TypeProblem
from diffc.ir import Dim, Graph, Type, require, require_other, unmet
from diffc.ir.requirements import Requirement, recording, strongest
from diffc.ops import evaluate, input_node
from diffc.syntax import print_graph, read_graph

N, M = Dim.symbol("N"), Dim.symbol("M")


def test_integers_are_decided_at_once_and_symbols_recorded() -> None:
    with recording() as recorder:
        require(0, "never")
        require(N, "a symbol is not negative by itself")
        require(N - 3, "three")
        with pytest.raises(TypeProblem, match="too few"):
            require(-1, "too few")
    assert recorder.requirements("f", ["N"]) == (Requirement(N - 3, "f: three"),)
    assert recorder.requirements("f", ["M"]) == ()


def test_the_strongest_of_those_that_differ_by_a_number_is_kept() -> None:
    given = [Requirement(*each) for each in ((N - 1, "a"), (N - 4, "b"), (N - 2, "c"), (N - M, "d"))]
    assert [each.problem for each in strongest(given)] == ["b", "d"]


@pytest.mark.parametrize("extent", range(5))
def test_a_value_that_an_extent_must_not_have(extent: int) -> None:
    with recording() as recorder:
        require_other(N, 2, "two")
    found = unmet(recorder.requirements("f", ["N"]), {"N": extent})
    assert found == ("f: two" if extent == 2 else None)


def refused(function: Any, n: int, *types: Any) -> str:
    f = dc.trace(function, *(types or [dc.f64("N")]))
    with pytest.raises(dc.DiffcError) as kernel:
        f(np.ones(n))
    with pytest.raises(dc.DiffcError):
        evaluate(f.graph, np.ones(n))
    return str(kernel.value)


DEAD = {
    "zeros like a part": lambda x: np.zeros_like(x[:3]),
    "the size of a part": lambda x: x[:3].size + np.sum(x),
    "the extent of a part": lambda x: np.sum(x) / x[:3].shape[0],
    "an element that nothing uses": lambda x: (x[2], np.sum(x))[1],
    "a factor that is folded": lambda x: np.sum(x) + np.sum(np.zeros_like(x[:3]) * 2),
}


@pytest.mark.parametrize("name", DEAD)
def test_what_is_assumed_outlives_the_values_that_asked_for_it(name: str) -> None:
    f = dc.trace(DEAD[name], dc.f64("N"))
    np.testing.assert_allclose(f(np.ones(3)), DEAD[name](np.ones(3)))
    message = refused(DEAD[name], 2)
    assert message == "f: element 2 of axis 0 of x: f64[N] is read, which needs N-3 >= 0"
    assert f.graph.requirements[0].problem == message


def test_every_transform_keeps_what_is_assumed() -> None:
    def f(x: Any) -> Any:
        return np.sum(x**2) * x[:3].size

    g = dc.trace(f, dc.f64("N"))
    for each in (
        dc.grad(g), dc.value_and_grad(g), dc.hessian(g), dc.jvp(g), dc.vjp(g), dc.hvp(g), dc.jacobian(g),
        dc.vmap(g), dc.vmap(dc.grad(g)), dc.fwd_and_bwd(g)[0], pickle.loads(pickle.dumps(g)),
    ):  # fmt: skip
        assert each.graph.assumed == g.graph.assumed != ()
        assert read_graph(str(each)).digest == each.graph.digest
    with pytest.raises(dc.DiffcError, match=r"f: element 2 of axis 0 of x: f64\[N\] is read"):
        dc.grad(g)(np.ones(2))


def test_a_function_that_is_called_within_another_brings_what_it_assumes() -> None:
    inner = dc.trace(lambda x: np.sum(x) * x[:3].size, dc.f64("N"))
    outer = dc.trace(lambda y: inner(y[1:]), dc.f64("K"))
    np.testing.assert_allclose(outer(np.ones(4)), 9)
    with pytest.raises(dc.DiffcError, match="needs K-4 >= 0"):
        outer(np.ones(3))
    with pytest.raises(TypeProblem, match="element 2 of axis 0"):
        dc.trace(lambda y: inner(y), dc.f64(2))


def test_nested_traces_assume_for_the_outer_one() -> None:
    def f(x: Any) -> Any:
        return dc.grad(lambda y: np.sum(y * y) * y[:3].size)(x)

    np.testing.assert_allclose(dc.trace(f, dc.f64("N"))(np.ones(4)), np.full(4, 6.0))
    assert "element 2 of axis 0 of y: f64[N] is read" in refused(f, 2)


def test_formulas_and_their_text() -> None:
    f = dc.parse("sum(x) + 0*sum(x[:3])", {"x": "f64[N]"})
    text = print_graph(f.graph)
    assert "  requires N-3 >= 0  # f: element 2 of axis 0 of x: f64[N] is read\n" in text
    assert print_graph(read_graph(text)) == text
    bare = read_graph("graph f(%x: f64[N])\n  requires N-3 >= 0\n  return %x")
    assert bare.assumed == (Requirement(N - 3, ""),)
    for wrong in ("requires N-3 > 0", "requires", "requires N-3 >= 0 0"):
        with pytest.raises(dc.DiffcError):
            read_graph(f"graph f(%x: f64[N])\n  {wrong}\n  return %x")


def test_what_is_assumed_is_part_of_the_digest() -> None:
    x = input_node("x", Type("f64", (N,)))
    plain, other = Graph("f", (x,), (x,)), Graph("f", (x,), (x,), assumed=(Requirement(N - 1, "one"),))
    assert plain.digest != other.digest


def test_a_program_in_blocks_checks_first() -> None:
    f = dc.trace(lambda x, y: np.sum(np.exp(np.sin(x)) * y[:3].size), dc.f64("N"), dc.f64("M"))
    kernel = dc.compile(f, parallel=2, cache=False)
    x = np.linspace(0, 1, 2_000_000)
    np.testing.assert_allclose(kernel(x, np.ones(3)), 3 * np.sum(np.exp(np.sin(x))))
    with pytest.raises(dc.DiffcError, match=r"^f: element 2 of axis 0 of y: f64\[M\] is read, which needs"):
        kernel(x, np.ones(2))
