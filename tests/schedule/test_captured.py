"""Captured arrays lie in memory already: nothing copies them, and no loop reads a copy that nothing fills."""

import numpy as np
import pytest

import diffc as dc
from diffc.compiler import Options, Stages
from diffc.loops.statements import Load, Store
from diffc.loops.walk import walk

RNG = np.random.default_rng(1)
W45, V20, I20 = RNG.normal(size=(4, 5)), RNG.normal(size=20), RNG.permutation(20)
SQUARE, STACK = RNG.normal(size=(5, 5)), RNG.normal(size=(2, 3, 4))

PROGRAMS = {
    "reshape": (lambda x: W45 * x.reshape(4, 5), (20,)),
    "reshape of the array": (lambda x: W45.reshape(20) * x, (20,)),
    "vdot": (lambda x: np.vdot(W45, x), (4, 5)),
    "tensordot": (lambda x: np.tensordot(STACK, x, axes=([1, 2], [0, 1])), (3, 4)),
    "einsum of a diagonal": (lambda x: np.einsum("ii,i->i", SQUARE, x), (5,)),
    "einsum of a trace": (lambda x: np.einsum("ii->", SQUARE) * x, (5,)),
    "take_along_axis": (lambda x: np.take_along_axis(W45, np.argsort(x, 1), 1), (4, 5)),
    "gather": (lambda x: V20[I20] * x, (20,)),
    "set": (lambda x: dc.at(V20, np.arange(3)).set(x), (3,)),
    "add": (lambda x: dc.at(V20, np.array([1, 1, 4])).add(x), (3,)),
    "tile": (lambda x: np.tile(x, 4).reshape(4, 5) * W45, (5,)),
    "repeat": (lambda x: np.repeat(x, 4).reshape(4, 5) * W45, (5,)),
    "kron": (lambda x: np.kron(SQUARE, x), (2, 2)),
    "stack": (lambda x: np.stack([V20, x]).reshape(40), (20,)),
    "roll": (lambda x: np.roll(W45, 3) * x, (4, 5)),
    "ravel of a transpose": (lambda x: W45.T.ravel() * x, (20,)),
    "product": (lambda x: SQUARE.reshape(25, 1) @ x.reshape(1, 5), (5,)),
    "solve": (lambda x: np.linalg.solve(SQUARE + 9 * np.eye(5), x.reshape(5, 1)), (5,)),
    "batched": (lambda x: (STACK.reshape(6, 4) @ x).reshape(2, 3), (4,)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_beside_reshapes(name):
    function, shape = PROGRAMS[name]
    x = RNG.normal(size=shape)
    f = dc.trace(function, dc.f64(*shape))
    np.testing.assert_allclose(f(x), np.asarray(_plain(function, x)), rtol=1e-12, atol=1e-12)
    weights = RNG.normal(size=np.shape(f(x)))
    g = dc.grad(dc.trace(lambda x: np.sum(weights * np.cos(function(x))), dc.f64(*shape)))
    steps = 1e-6 * np.eye(x.size).reshape(x.size, *shape)
    loss = lambda x: np.sum(weights * np.cos(_plain(function, x)))  # noqa: E731
    want = np.array([(loss(x + h) - loss(x - h)) / 2e-6 for h in steps]).reshape(shape)
    np.testing.assert_allclose(g(x), want, rtol=1e-5, atol=1e-7)


def _plain(function, x):
    try:
        return function(x)
    except dc.DiffcError:  # `dc.at` takes traced values alone
        y = V20.copy()
        if "set" in PROGRAMS and function is PROGRAMS["set"][0]:
            y[np.arange(3)] = x
        else:
            np.add.at(y, np.array([1, 1, 4]), x)
        return y


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_loop_reads_the_memory_that_it_fills_with_a_copy(name):
    function, shape = PROGRAMS[name]
    loops = Stages(dc.trace(function, dc.f64(*shape)).graph, Options()).planned()
    stores = [item for item, _ in walk(loops.body) if isinstance(item, Store)]
    loads = {item.value: item for item, _ in walk(loops.body) if isinstance(item, Load)}
    copies = [each for each in stores if each.value in loads and loads[each.value].buffer is each.buffer]
    assert not copies
    assert not [each for each in stores if each.buffer.root.role == "constant"]
