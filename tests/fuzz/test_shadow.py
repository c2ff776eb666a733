"""The shadow memory: right kernels pass at every size, and each planted fault is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import diffc as dc
from diffc import compiler
from diffc.loops.form import Loop, Loops
from diffc.loops.library import MatMul, Routine
from diffc.loops.places import Affine
from diffc.loops.statements import Load, Store
from diffc.loops.walk import walk
from diffc.ops import evaluate
from tests.fuzz import shadow

rng = np.random.default_rng(5)


def scheduled(f: Callable[..., Any], *types: Any) -> tuple[dc.Function, Loops]:
    """Return a function traced, and its schedule, which is the test's own to spoil."""
    traced = dc.trace(f, *types)
    return traced, compiler.Stages(traced.graph, compiler.Options()).planned()


def two_reads(x: Any) -> Any:
    s = np.cumsum(x)
    return s[::-1] * np.sum(s) + s


def statements(loops: Loops, kind: type) -> list[Any]:
    return [item for item, _ in walk(loops.body) if isinstance(item, kind)]


@pytest.mark.parametrize("n", [0, 1, 2, 7])
@pytest.mark.parametrize(
    "f",
    [
        two_reads,
        lambda x: np.linalg.norm(x) * np.pad(x, 2),
        lambda x: np.outer(x, x) @ np.outer(x, x + 1) @ x,
        lambda x: np.sort(x) + x[np.argsort(x)],
        lambda x: np.concatenate([x, x[::-1], np.cumsum(x)]).reshape(3, -1).T,
        lambda x: dc.at(np.zeros(4), np.array([1, 1, 3])).add(np.sum(x)),
    ],
)
def test_right_kernels_pass(f, n):
    traced, loops = scheduled(f, dc.f64("N"))
    x = rng.normal(size=n)
    status, outputs = shadow.run(loops, [x], traced.captured, {"N": n})
    assert status == 0
    np.testing.assert_allclose(outputs[0], evaluate(traced.graph, x)[0], 1e-12, 1e-12)


@pytest.mark.parametrize(
    "f",
    [
        np.linalg.inv,
        np.linalg.cholesky,
        np.linalg.eigvalsh,
        np.linalg.det,
        lambda a: np.linalg.solve(a, a[:, :2]),
    ],
)
def test_routines_pass(f):
    a = np.eye(4) + 0.1 * np.ones((4, 4))
    traced, loops = scheduled(f, dc.f64(4, 4))
    status, outputs = shadow.run(loops, [a], traced.captured, {})
    assert status == 0
    np.testing.assert_allclose(outputs[0], f(a), 1e-10, 1e-12)


def spoilt(f: Callable[..., Any], spoil: Callable[[Loops], None], *shape: Any, n: int = 5) -> str:
    """Return what the shadow memory says about a schedule with a planted fault."""
    traced, loops = scheduled(f, dc.f64(*shape))
    sizes = [n if isinstance(extent, str) else extent for extent in shape]
    shadow.run(loops, [rng.normal(size=sizes)], traced.captured, {"N": n})
    spoil(loops)
    with pytest.raises(shadow.Fault) as found:
        shadow.run(loops, [rng.normal(size=sizes)], traced.captured, {"N": n})
    return str(found.value)


def without_first_store(loops: Loops) -> None:
    """Drop the store that fills a buffer of the workspace."""
    for item, _ in walk(loops.body):
        if isinstance(item, Loop):
            for each in item.body:
                if isinstance(each, Store) and each.buffer.role == "work":
                    item.body.remove(each)
                    return
    raise AssertionError("no store into the workspace")


def test_a_store_that_is_missing():
    assert "never written" in spoilt(two_reads, without_first_store, "N")


def test_an_output_with_a_gap():
    def spoil(loops):
        loop = [item for item, _ in walk(loops.body) if isinstance(item, Loop)][-1]
        loop.axis = replace(loop.axis, extent=loop.axis.extent - 1)

    assert "never written" in spoilt(lambda x: 2 * x, spoil, "N")


@pytest.mark.parametrize(("shift", "said"), [(1, "index 5"), (-1, "index -1")])
def test_an_index_out_of_range(shift, said):
    def spoil(loops):
        (load,) = statements(loops, Load)
        load.index = (replace(load.index[0], constant=shift),)

    assert said in spoilt(lambda x: 2 * x, spoil, "N")


def test_a_store_out_of_range():
    def spoil(loops):
        (store,) = statements(loops, Store)
        store.index = (replace(store.index[0], constant=1),)

    assert "index 5" in spoilt(lambda x: 2 * x, spoil, "N")


def test_an_input_that_is_written():
    def spoil(loops):
        (store,) = statements(loops, Store)
        store.buffer = loops.inputs[0]

    assert "an input is written" in spoilt(lambda x: 2 * x, spoil, "N")


def test_buffers_that_overlap_while_both_are_needed():
    def f(x):
        a, b = np.cumsum(x), np.cumsum(x * x)
        return a[::-1] * b + b[::-1] * a

    def spoil(loops):
        first, second, *_ = [buffer for buffer in loops.work if buffer.type.rank == 1]
        second.offset = first.offset

    assert "overwritten by another buffer" in spoilt(f, spoil, "N")


def test_buffers_that_overlap_in_part():
    def f(x):
        a, b = np.cumsum(x), np.cumsum(x * x)
        return a[::-1] * b + b[::-1] * a

    def spoil(loops):
        first, second, *_ = [buffer for buffer in loops.work if buffer.type.rank == 1]
        second.offset = first.offset + 8

    assert "another buffer" in spoilt(f, spoil, "N", n=40)


def test_a_product_over_its_own_factor():
    def spoil(loops):
        (product, *_) = statements(loops, MatMul)
        product.out = replace(product.out, buffer=product.a.buffer)

    assert "overlaps what it reads" in spoilt(
        lambda x: np.tanh(np.cumsum(x, 0) @ np.cumsum(x, 1)), spoil, 64, 64
    )


def test_a_routine_over_its_own_input():
    def spoil(loops):
        (routine, *_) = statements(loops, Routine)
        routine.out = replace(routine.out, buffer=routine.inputs[0].buffer)

    assert "overlaps what it reads" in spoilt(
        lambda x: np.tanh(np.linalg.inv(np.cumsum(x, 0) + 9 * np.eye(5))), spoil, 5, 5
    )


def test_a_gather_beyond_its_check():
    """A place that is computed is beyond what the static checker decides."""

    def spoil(loops):
        load = next(each for each in statements(loops, Load) if any(at.dynamic for at in each.index))
        load.index = tuple(Affine(1, at.terms, at.dynamic) if at.dynamic else at for at in load.index)

    assert "index 5" in spoilt(lambda x: x[np.argsort(x)], spoil, "N")
