"""Random graphs, their gradients and second derivatives: LLVM and plain Python against the reference."""

from __future__ import annotations

import random

import pytest
from kernel_forms import Forms, check_forms
from random_graphs import Maker, arrays_for, has_negative_extent

from diffc.autodiff import grad
from diffc.ir import Graph
from diffc.ops import REGISTRY
from diffc.ops.broadcasting import sum_

SIZES = (0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33)


def differentiated(graph):
    return grad(graph, [node.attrs["name"] for node in graph.inputs if node.type.is_float])


def sum_of_squares(graph):
    total = None
    for output in graph.outputs:
        part = sum_(REGISTRY["mul"](output, output))
        total = part if total is None else REGISTRY["add"](total, part)
    return Graph("squares", graph.inputs, (total,))


def check_some_sizes(graph, seed, optimized):
    r = random.Random(seed)
    forms = Forms(graph, optimized=optimized)
    for n, m in ((r.choice(SIZES), r.choice(SIZES)), (r.choice(SIZES), 3), (3, 2)):
        if not has_negative_extent(graph, n, m):
            which = ("llvm", "python") if n * m < 50 else ("llvm",)
            check_forms(graph, arrays_for(graph, n, m, seed), forms, which=which)


@pytest.mark.parametrize("seed", range(200))
def test_random_graph(seed):
    steps = (3, 5, 8, 12)[seed % 4]
    check_some_sizes(Maker(seed, steps).graph(), seed, optimized=seed % 2 == 1)


@pytest.mark.parametrize("seed", range(40))
def test_gradient_of_a_random_graph(seed):
    graph = differentiated(Maker(seed, 6, smooth=True).scalar_graph())
    check_some_sizes(graph, seed, optimized=seed % 2 == 0)


@pytest.mark.parametrize("seed", range(12))
def test_second_derivative_of_a_random_graph(seed):
    first = differentiated(Maker(seed, 5, smooth=True).scalar_graph())
    check_some_sizes(differentiated(sum_of_squares(first)), seed, optimized=True)


@pytest.mark.parametrize("seed", range(3))
def test_numba_compiles_without_warnings(seed):
    graph = Maker(seed, 12).graph()
    if not has_negative_extent(graph, 9, 5):
        check_forms(graph, arrays_for(graph, 9, 5, seed), which=("numba",))
