"""The maths functions give the same bits in every form: scalars, vectors, inlined or called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from vecmath_kernels import DTYPES, LANES, Compiled, compiled, same

from diffc.emit.maths import ipow

if TYPE_CHECKING:
    from diffc.emit.interface import Emitter, Value


@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh"])
def test_lane_counts_agree_to_the_bit(name: str) -> None:
    """Scalar code and every vector width do the same arithmetic, huge lanes among usual ones included."""
    generator = np.random.default_rng(4)
    x = generator.normal(size=64) * 5
    x[::7] *= 1e15
    expected = compiled(name, "f64", 1)(x)
    for lanes in (2, 4, 8, 16):
        assert same(compiled(name, "f64", lanes)(x), expected).all()


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("name", ["exp", "sin", "pow"])
def test_out_of_line_functions_are_thesame(name: str, kind: str) -> None:
    """Vectors pass through real calls unchanged."""
    x = np.geomspace(1e-3, 1e15, 64).astype(DTYPES[kind])
    arguments = (x, x[::-1] / x.max()) if name == "pow" else (x,)
    lanes = LANES[kind][1]
    called = compiled(name, kind, lanes, inline=False)(*arguments)
    assert same(called, compiled(name, kind, lanes)(*arguments)).all()


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 7, 10])
def test_ipow(n: int) -> None:
    """Repeated squaring gives the power to a few ulps."""

    def body(e: Emitter, x: Value) -> Value:
        return ipow(e, x, n)

    x = np.linspace(-3, 3, 50)
    np.testing.assert_array_almost_equal_nulp(Compiled(body, 1, "f64", 4)(x), x**n, nulp=8)
