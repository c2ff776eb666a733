"""Forward and backward as functions of their own: what passes between them suffices, symbols included."""

from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc.ir import Dim, evaluate_extent, linear_form

N, M = dc.f64("N"), dc.f64("M")
MATRIX, SCALAR = dc.f64("N", "M"), dc.f64()
POINTS = [(0, 0), (1, 3), (5, 2), (5, 0), (0, 2), (1, 1)]

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "sum": (lambda x: np.sum(x), [N]),
    "mean": (lambda x: np.mean(x), [N]),
    "all but the first": (lambda x: np.sum(x[1:]), [N]),
    "spread": (lambda x: np.sum(x * np.ones((3, 1))), [N]),
    "joined": (lambda x, y: np.sum(np.concatenate([x, y])[::-1]), [N, M]),
    "joined and weighted": (lambda x, y: np.sum(np.concatenate([x, y]) ** 2 * np.sum(y)), [N, M]),
    "outer": (lambda x, y: np.sum(np.outer(x, y)), [N, M]),
    "an array of both extents": (lambda x, y: np.outer(x, y), [N, M]),
    "mean of a matrix": (lambda x: np.mean(x), [MATRIX]),
    "column sums": (lambda x: np.sum(x, axis=0), [MATRIX]),
    "raveled": (lambda x: np.ravel(x)[::-1] * 2, [MATRIX]),
    "stopped": (lambda x: np.sum(dc.stop_gradient(x) * 2) + np.sum(x), [N]),
    "a constant": (lambda x: 3.0, [N]),
    "times the extent": (lambda x: np.sum(x) * x.shape[0], [N]),
    "nonlinear": (lambda x: np.max(x, initial=0.0) + np.sum(np.tanh(x)), [N]),
    "repeated": (lambda x: np.sum(np.repeat(x, 2)), [N]),
    "square": (lambda x: np.sum(x), [dc.f64("N", "N")]),
    "twice the symbol": (lambda x: np.sum(x), [dc.f64(2 * Dim.symbol("N"))]),
    "padded": (lambda x: np.sum(np.pad(x, 2) * 2), [N]),
    "scaled": (lambda x, s: s * np.sum(x), [N, SCALAR]),
    "spread from a number": (lambda x, s: s * np.ones_like(x), [N, SCALAR]),
    "zeros behind": (lambda x, s: np.concatenate([np.zeros_like(x), np.reshape(s, (1,))]), [N, SCALAR]),
    "running sums": (lambda x: np.cumsum(x), [N]),
}


def leaves(value: Any) -> list[np.ndarray]:
    nested = isinstance(value, tuple)
    return [leaf for each in value for leaf in leaves(each)] if nested else [np.asarray(value)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_backward_of_symbolic_extents_is_the_pullback(name: str) -> None:
    function, types = FUNCTIONS[name]
    f = dc.trace(function, *types)
    wrt = list(range(len(types)))
    forward, backward = dc.fwd_and_bwd(f, wrt)
    whole = dc.vjp(f, wrt)
    rng = np.random.default_rng(0)
    for n, m in POINTS:
        values = {"N": n, "M": m}
        if name == "all but the first" and n == 0:
            continue
        arguments = [rng.normal(size=[evaluate_extent(e, values) for e in each.shape]) for each in types]
        value, residuals = forward(*arguments)
        cotangent = rng.normal(size=np.shape(value))
        got, wanted = backward(*residuals, cotangent), whole(*arguments, cotangent)
        for a, b in zip(leaves((value, got)), leaves(wanted), strict=True):
            np.testing.assert_allclose(a, b, 1e-13, strict=True)


def test_what_shows_a_symbol_has_no_elements_and_is_added_only_where_needed() -> None:
    forward, _ = dc.fwd_and_bwd(dc.trace(lambda x, y: np.sum(x) + np.sum(y), N, M), [0, 1])
    assert [str(each) for each in forward.outputs.values()] == ["f64[]", "f64[M, N, 0]"]
    forward, _ = dc.fwd_and_bwd(dc.trace(lambda x, y: np.sum(x**2) + np.sum(y), N, M), [0, 1])
    assert [str(each) for each in forward.outputs.values()] == ["f64[]", "f64[N]", "f64[M, 0]"]
    forward, _ = dc.fwd_and_bwd(dc.trace(lambda x: np.sum(x), dc.f64(3)))
    assert [str(each) for each in forward.outputs.values()] == ["f64[]"]


@pytest.mark.parametrize(
    ("text", "form"),
    [("N", ("N", 1, 0)), ("2*N-1", ("N", 2, -1)), ("N+M", None), ("N**2", None), ("N*M", None), ("3", None)],
)
def test_the_extents_that_show_a_symbol(text: str, form: Any) -> None:
    assert linear_form(dc.ir.parse_extent(text)) == form
