"""Graphs of the operations that routines compute: each alone, in batches, and inside fused programs."""

from __future__ import annotations

from random_graphs import M, N

from diffc.ir import Graph, Node, Type
from diffc.ops import REGISTRY, cast, input_node, iota
from diffc.ops.arithmetic import add, mul, neg
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.elementary import exp, tanh
from diffc.ops.matrices import eye
from diffc.ops.products import matmul, swap_last
from diffc.ops.reshaping import flip, reshape, transpose
from diffc.ops.slicing import slice_
from diffc.ops.sorting import argmax, argmin, argsort, searchsorted, sort, take_along_axis

__all__ = ["ROUTINES", "apply", "array"]


def array(name, *shape, dtype="f64"):
    return input_node(name, Type(dtype, shape))


def apply(name, *inputs, **attrs):
    return Node.make(REGISTRY[name], inputs, attrs)


def firm(x):
    """Return matrices that are far from singular."""
    return add(mul(0.2, x), mul(4.0, eye(x.shape[-1], x.dtype)))


def definite(x):
    """Return symmetric matrices with positive eigenvalues apart from each other."""
    n = x.shape[-1]
    apart = mul(eye(n, x.dtype), cast(iota(n), x.dtype))
    return add(mul(0.02, add(x, swap_last(x))), add(apart, mul(2.0, eye(n, x.dtype))))


v, w, rows, square = array("v", N), array("w", M), array("m", N, M), array("q", N, N)
sides, one = array("r", M, N), array("o", 1, 1)
ints, flags = array("ints", N, dtype="i64"), array("flags", M, N, dtype="bool")
batch, batch_sides = array("qs", 2, N, N), array("rs", 2, M, N)
single, single_sides = array("q32", N, N, dtype="f32"), array("r32", M, N, dtype="f32")
tall, wide = array("tall", N + 2, N), array("wide", 2, N, N + 2)

_x = array("x")
CUBE = Graph("f", (_x,), (mul(_x, mul(_x, _x)),))

ROUTINES = {
    "eigvalsh": ((apply("eigvalsh", definite(square)), apply("eigvalsh", definite(batch))), 0),
    "svdvals": ((apply("svdvals", firm(square)), apply("svdvals", wide)), 0),
    "argsort": ((argsort(v), argsort(rows), argsort(rows, 0), argsort(ints), argsort(flags)), 0),
    "argsort of what was computed": (
        (argsort(tanh(rows)), argsort(sum_(rows, 1)), argsort(flip(v, (0,)))),
        0,
    ),
    "argsort of an index": ((argsort(iota(N)), argsort(broadcast(iota(N), (2, N)))), 0),
    "sort": ((sort(v), sort(rows), sort(rows, 0), sort(rows, None), sort(ints), sort(flags)), 0),
    "sort in f32": ((sort(single), argsort(single_sides, 0)), 0),
    "sort inside": ((mul(sort(exp(v)), v), sum_(sort(rows, 0), 1), neg(sort(transpose(rows)))), 0),
    "take_along_axis": (
        (take_along_axis(rows, argsort(rows)), take_along_axis(rows, argsort(rows, 0), 0)),
        0,
    ),
    "argmax": ((argmax(v), argmax(rows, 0), argmax(rows, 1, True), argmin(ints), argmin(rows, None)), 1),
    "searchsorted": (
        (
            searchsorted(sort(v), w),
            searchsorted(sort(v), sort(v), "right"),
            searchsorted(sort(ints), rows),
            searchsorted(v, sum_(w)),
            apply("searchsorted", sort(rows), sort(rows), side="left"),
        ),
        0,
    ),
    "solve": ((apply("solve", firm(square), sides), apply("solve", firm(batch), batch_sides)), 0),
    "solve in f32": ((apply("solve", firm(single), single_sides),), 0),
    "solve inside": (
        (
            exp(mul(0.1, apply("solve", firm(square), mul(sides, 2.0)))),
            sum_(apply("solve", transpose(firm(square)), transpose(rows)), 0),
        ),
        0,
    ),
    "two routines of one matrix": (
        (apply("solve", firm(square), sides), apply("det", firm(square)), apply("slogdet", firm(square))),
        0,
    ),
    "triangular_solve": (
        (
            apply("triangular_solve", firm(square), sides, lower=True),
            apply("triangular_solve", firm(batch), batch_sides, lower=False),
            apply("triangular_solve", firm(single), single_sides, lower=False),
        ),
        0,
    ),
    "cholesky": ((apply("cholesky", definite(batch)), apply("cholesky", definite(single))), 0),
    "spectral": (
        (
            apply("spectral", definite(square), function=CUBE),
            apply("spectral", definite(square), definite(square), function=CUBE),
            apply("spectral_sum", definite(square), function=CUBE),
        ),
        0,
    ),
    "cholesky of a product": (
        (apply("cholesky", add(matmul(square, transpose(square)), eye(N, "f64"))),),
        0,
    ),
    "det": ((apply("det", firm(batch)), apply("det", firm(single)), mul(v, apply("det", firm(square)))), 0),
    "cofactors": ((apply("cofactors", firm(batch)), apply("cofactors", firm(square))), 0),
    "cofactor_changes": ((apply("cofactor_changes", firm(square), square),), 0),
    "slogdet": ((apply("slogdet", firm(neg(batch))), apply("slogdet", firm(single))), 0),
    "eigh": ((apply("eigh", definite(batch)), apply("eigh", definite(single))), 0),
    "eigenvalues inside": (
        (sum_(exp(mul(0.1, slice_(apply("eigh", definite(square)), (0, 0), (1, N))))),),
        0,
    ),
    "qr": ((apply("qr", tall), apply("qr", firm(batch)), apply("qr", firm(single))), 0),
    "svd": ((apply("svd", definite(square)), apply("svd", definite(single))), 0),
    "pinv": ((apply("pinv", definite(square), rtol=1e-12), apply("pinv", definite(single), rtol=1e-5)), 0),
    "orders of one": (
        (
            apply("eigh", one),
            apply("qr", one),
            apply("svd", one),
            apply("det", one),
            apply("solve", one, one),
            argsort(reshape(one, (1,))),
        ),
        0,
    ),
    "a batch of one": ((apply("det", firm(reshape(square, (1, N, N)))), sort(reshape(v, (1, N)))), 0),
    "an empty batch": ((apply("det", array("none", 0, N, N)), argsort(array("nil", 0, N))), 0),
    "places added": ((add(argsort(v), searchsorted(sort(v), v)),), 0),
}
"""Outputs, and the least N."""
