"""What operations state about their values, against NumPy's results at numbers that are apt to refute it."""

import itertools

import numpy as np
import pytest

from diffc.ops import Elementwise
from diffc.ops.base import REGISTRY

NUMBERS = (-np.inf, -1e300, -2.5, -1.0, -1e-300, -0.0, 0.0, 1e-300, 0.3, 1.0, 2.5, 710.0, 1e300, np.inf)
ELEMENTWISE = {name: op for name, op in REGISTRY.items() if isinstance(op, Elementwise)}


def results(op):
    """The operands and the result of an operation at all combinations of numbers."""
    for operands in itertools.product(NUMBERS, repeat=op.arity):
        if op.name == "where":
            operands = (operands[0] > 0, *operands[1:])
        with np.errstate(all="ignore"):
            yield operands, float(op.reference({}, *map(np.asarray, operands)))


@pytest.mark.parametrize("name", [name for name, op in ELEMENTWISE.items() if op.moves])
def test_moves(name):
    assert all(result == 0 or result in operands for operands, result in results(REGISTRY[name]))


@pytest.mark.parametrize("name", [name for name, op in ELEMENTWISE.items() if op.sign])
def test_sign(name):
    for _, result in results(REGISTRY[name]):
        assert not np.signbit(result) or np.isnan(result)
        assert result > 0 or REGISTRY[name].sign == "nonnegative"


@pytest.mark.parametrize("name", [name for name, op in ELEMENTWISE.items() if op.keeps_sign])
def test_keeps_sign(name):
    for operands, result in results(REGISTRY[name]):
        if not any(map(np.signbit, operands)):
            assert not np.signbit(result) or np.isnan(result)
        if all(each > 0 for each in operands):
            assert result > 0 or np.isnan(result) or REGISTRY[name].keeps_sign == "nonnegative"


@pytest.mark.parametrize("name", [name for name, op in ELEMENTWISE.items() if op.jumps])
def test_jumps(name):
    """Some two operands that are next to each other have results that are far apart."""
    op = REGISTRY[name]
    grid = [(x, y) for x in (-2.0, -1.5, 0.0, 0.5, 3.0) for y in (-1.0, 0.0, 0.5, 3.0)]
    jumps = []
    for operands in grid if op.arity == 2 else [(x,) for x, _ in grid]:
        for place, side in itertools.product(range(op.arity), (-np.inf, np.inf)):
            moved = [np.nextafter(x, side) if k == place else x for k, x in enumerate(operands)]
            with np.errstate(all="ignore"):
                a, b = (float(op.reference({}, *map(np.asarray, each))) for each in (operands, moved))
            jumps.append(abs(a - b))
    assert max(each for each in jumps if np.isfinite(each)) >= 0.5
