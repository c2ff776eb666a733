"""Rearrangements that meet, with empty parts and extents 0 and 1: they keep the values that NumPy gives."""

import random
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

import diffc as dc
from diffc.errors import DiffcError
from diffc.ir import Dim, Extent, Graph, Node, Type, check, evaluate_extent
from diffc.ops import evaluate, input_node
from diffc.ops.arithmetic import add, mul, sub
from diffc.ops.broadcasting import broadcast, full, sum_
from diffc.ops.reshaping import expand_dims, flip, reshape, transpose
from diffc.ops.slicing import concatenate, pad, slice_
from diffc.optimize import optimize

N, M = Dim.symbol("N"), Dim.symbol("M")
KINDS = ["part", "part", "join", "join", "pad", "pads", "reshape", "order", "spread", "combine"]
SIZES = [(0, 0), (0, 2), (1, 1), (2, 0), (3, 2), (1, 3)]


def rearranged(rng: random.Random, x: Node, extents: list[Extent]) -> Node:
    """Return one rearrangement of a value; raise `DiffcError` where the drawn numbers do not fit."""
    axis = rng.randrange(x.rank)
    whole, extent = list(x.shape), x.shape[axis]
    none: list[Extent] = [0] * x.rank

    def part(start: Extent, size: Extent, step: int = 1) -> Node:
        sizes = [*whole[:axis], size, *whole[axis + 1 :]]
        return slice_(x, [start if k == axis else 0 for k in range(x.rank)], sizes, _at(axis, step, x.rank))

    match rng.choice(KINDS):
        case "part":
            start = rng.choice([0, 0, 1, *extents])
            return part(start, rng.choice([0, 1, 1, 2, *extents, extent - start]), rng.choice([1, 1, 1, 2]))
        case "join":
            parts = [x, flip(x, [axis]), part(0, 0), part(0, 1), part(1, extent - 1), part(0, extent - 1)]
            return concatenate(rng.choices(parts, k=rng.randrange(2, 4)), axis)
        case "pad":
            lows, highs = list(none), list(none)
            lows[axis], highs[axis] = rng.choice([0, 1, -1, *extents]), rng.choice([0, 1, -1, *extents])
            return pad(x, lows, highs, [rng.choice([0, 0, 0, 1])] * x.rank)
        case "pads":
            terms = rng.choices([x, flip(x, [axis]), part(0, 1), sum_(x, axis, keepdims=True)], k=3)
            low, high = rng.randrange(3), rng.randrange(3)
            padded = [
                pad(term, [rng.choice([low, high, 0]) for _ in none], [rng.choice([high, low]) for _ in none])
                for term in terms
            ]
            return rng.choice([add, sub])(add(padded[0], padded[1]), padded[2])
        case "reshape":
            return reshape(x, rng.choice([(-1,), (*x.shape, 1), (1, *x.shape), (x.size,)]))
        case "order":
            return rng.choice([transpose(x, rng.sample(range(x.rank), x.rank)), flip(x, [axis])])
        case "spread":
            wide = expand_dims(x, (axis,))
            return broadcast(wide, (*x.shape[:axis], rng.choice([1, *extents]), *x.shape[axis:]))
        case _:
            others = [flip(x, [axis]), full(2.0, x.type), sum_(x), sum_(x, axis, keepdims=True), part(0, 1)]
            return rng.choice([add, sub, mul])(x, rng.choice(others))


def _at(axis: int, step: int, rank: int) -> list[int]:
    return [step if k == axis else 1 for k in range(rank)]


def chain(seed: int) -> Graph:
    """Return a program that makes sense at some extents; others the rules may refuse, as a call would."""
    rng = random.Random(seed)
    while True:
        graph = drawn(rng)
        if any(holds(graph, {"N": n, "M": m}) for n, m in SIZES):
            return graph


def drawn(rng: random.Random) -> Graph:
    """Return two chains of rearrangements of one input, and their sum where there is one."""
    extents: list[Extent] = rng.choice([[0, 1, 2, 3], [1, 2], [2, N, M]])
    shape = tuple(rng.choice(extents) for _ in range(rng.choice([1, 1, 2])))
    x = input_node("x", Type("f64", shape))
    symbols = input_node("s", Type("f64", (N, M)))
    ends: list[Node] = []
    for _ in range(2):
        node = x
        for _ in range(rng.randrange(2, 7)):
            try:
                new = rearranged(rng, node, extents)
            except DiffcError:
                continue
            node = new if new.rank <= 3 else node
        ends.append(node)
    with suppress(DiffcError):
        ends.append(add(*ends))
    return Graph("f", (x, symbols), tuple(ends))


def holds(graph: Graph, values: dict[str, int]) -> bool:
    return all(evaluate_extent(extent, values) >= 0 for extent, _ in graph.requirements)


def points(graph: Graph) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Yield arguments, and what NumPy makes of them, at the extents at which the program makes sense."""
    symbolic = any(node.symbols() for node in graph.nodes if node.attrs.get("name") != "s")
    for n, m in SIZES if symbolic else SIZES[:1]:
        values = {"N": n, "M": m}
        if holds(graph, values):
            shapes = [[evaluate_extent(e, values) for e in node.shape] for node in graph.inputs]
            arguments = [np.random.default_rng(n + 5 * m).normal(size=shape) for shape in shapes]
            yield arguments, evaluate(graph, *arguments)


@pytest.mark.parametrize("seed", range(300))
def test_chains_of_rearrangements_keep_their_values(seed: int) -> None:
    graph = chain(seed)
    before = check(optimize(check(graph), stage="before"))
    after = check(optimize(before, stage="after"))
    for arguments, wanted in points(graph):
        for new in (before, after):
            for a, b in zip(evaluate(new, *arguments), wanted, strict=True):
                np.testing.assert_allclose(a, b, 1e-12, 1e-12, strict=True)


@pytest.mark.parametrize("seed", range(300, 312))
def test_kernels_of_chains_of_rearrangements(seed: int) -> None:
    graph = chain(seed)
    kernel = dc.compile(dc.Function(graph), cache=False)
    for arguments, wanted in points(graph):
        got = kernel(*arguments)
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_allclose(np.asarray(a), b, 1e-12, 1e-12, strict=True)


@pytest.mark.parametrize("n", range(5))
def test_a_slice_of_parts_of_which_one_is_empty(n: int) -> None:
    x = np.arange(1.0, n + 1)
    for k in range(n + 1):
        for stop in range(1, 3):
            if 2 * n - k >= stop:
                f = dc.trace(lambda x, k=k, stop=stop: np.concatenate([x[k:], x])[:stop], dc.f64(n))
                np.testing.assert_array_equal(f(x), np.concatenate([x[k:], x])[:stop])


def test_slices_that_only_empty_parts_can_satisfy_are_not_joined() -> None:
    x = input_node("x", Type("f64", (N,)))
    before = slice_(slice_(x, (N - 4,), (2,)), (2 - N,), (N // 4,))  # together they start at -2
    beyond = slice_(slice_(x, (N - 2,), (N // 3,)), (3 - N // 5,), (N // 5,))  # they end behind N
    for part in (before, beyond):
        assert optimize(Graph("f", (x,), (part,)), stage="after").outputs == (part,)
