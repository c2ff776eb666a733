"""Constant expressions: which of them are constants, and about what numbers the others are.

A literal is its double. `1/4`, `0.5*3` and `sqrt(4)` are doubles again and fold into one; `1/3`, `0.1*0.3`
and `log(2)` are none and stay expressions, until the last pass of the optimiser rounds each of them once
(`diffc.optimize.round_constants`). Until then rules and proofs see what was meant.

What has no fraction, an infinity or NaN among its operands, a truth value or an integer, is what IEEE
arithmetic makes of it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from diffc.ir import Node, topological
from diffc.ops.base import DTYPES, Array
from diffc.ops.broadcasting import broadcast
from diffc.ops.constant import Unrounded, const, constant, pi_op, scalar_value
from diffc.ops.number_systems import Objects
from diffc.ops.rationals import fractions_of, rounded

__all__ = ["estimate", "folded", "folded_or_itself", "weak"]

_SHAKE, _APART = 1e-9, 1e-4
"""An estimate counts where moving what it is computed from by the one moves it by less than the other."""

_estimates: WeakKeyDictionary[Node, float | None] = WeakKeyDictionary()
_pairs: WeakKeyDictionary[Node, tuple[Array, Array]] = WeakKeyDictionary()
_values: WeakKeyDictionary[Node, Array] = WeakKeyDictionary()


def folded(node: Node) -> Node | None:
    """Return the constant that a constant expression is exactly; None where it is no number of its dtype."""
    if not node.is_constant or node.op is const or node.op is pi_op:
        return None
    if node.is_op("neg") and node.inputs[0].is_op("neg"):
        return node.inputs[0].inputs[0]
    result = _by_reference(node) if all(each.op is const for each in node.inputs) else None
    if result is None:
        values = fractions_of(node)
        if values is None:
            return _decided(node)
        numbers = [rounded(each, node.dtype) for each in values.flat]
        if any(not math.isfinite(a) or a != b for a, b in zip(numbers, values.flat, strict=True)):
            return None
        result = np.asarray(numbers, DTYPES[node.dtype]).reshape(values.shape)
    folded_ = constant(result, node.dtype)
    number = scalar_value(folded_)
    return folded_ if number is None else broadcast(constant(number, node.dtype), node.shape)


def _by_reference(node: Node) -> Array | None:
    """Return what IEEE arithmetic makes of constants, where it rounds nothing or fractions do not apply."""
    arrays = [const.reference(each.attrs) for each in node.inputs]
    with np.errstate(all="ignore"):
        value = np.asarray(node.op.reference(node.attrs, *arrays))
    if not node.type.is_float or node.op.moves:
        return value
    special = not all(np.all(np.isfinite(each)) for each in arrays) or np.any(np.isnan(value))
    pole = node.is_op("div") and not np.all(arrays[1])
    if special or pole:
        return value
    exact = fractions_of(node)
    # Where a result is zero the sign is IEEE's too.
    return value if exact is not None and _are(value, exact) else None


def _are(value: Array, exact: Objects) -> bool:
    if value.shape != exact.shape or not np.all(np.isfinite(value)):
        return False
    return all(Fraction(float(a)) == b for a, b in zip(value.flat, exact.flat, strict=True))


def _decided(node: Node) -> Node | None:
    """Return the truth value of a comparison whose sides are clearly apart."""
    if not node.is_op("lt", "le", "gt", "ge", "eq", "ne") or node.rank or not node.inputs[0].type.is_float:
        return None
    a, b = map(estimate, node.inputs)
    if a is None or b is None or abs(a - b) <= _APART * max(abs(a), abs(b)):
        return None
    return constant(bool(node.op.reference({}, np.asarray(a), np.asarray(b))))


def folded_or_itself(node: Node) -> Node:
    """Return the constant that a node is exactly, or the node."""
    return folded(node) or node


def estimate(node: Node) -> float | None:
    """Return about the number that a scalar expression is, with its sign; None where that is not clear."""
    found = scalar_value(node)
    if found is not None:
        return float(found)
    if node not in _estimates:
        _estimates[node] = _estimated(node)
    return _estimates[node]


def _estimated(node: Node) -> float | None:
    if not node.is_constant or node.rank or not node.type.is_float:
        return None
    exact = fractions_of(node)
    if exact is not None:
        near = float(rounded(exact.item(), "f64"))
        return near if math.isfinite(near) and near else None
    known: Any = _pairs
    for each in topological((node,), stop=known):
        if each not in _pairs:
            _pairs[each] = _shaken(each)
    first, second = (float(each) for each in _pairs[node])
    return first if math.isfinite(first) and abs(first - second) < _APART * abs(first) else None


def _shaken(node: Node) -> tuple[Array, Array]:
    """Return the value in doubles, and what it becomes where each result on the way is moved, up or down."""
    inputs = [_pairs[each] for each in node.inputs]
    by = _SHAKE if node.digest[0] & 1 else -_SHAKE
    with np.errstate(all="ignore"):
        plain, moved = (
            np.asarray(node.op.reference(node.attrs, *[each[k] for each in inputs])) for k in (0, 1)
        )
        return plain, moved * (1 + by) if node.type.is_float else moved


def weak(node: Node) -> float | int | bool:
    """Return a scalar constant expression of f64 as a weak number: one that is no double remembers itself."""
    node = folded_or_itself(node)
    number = scalar_value(node)
    if number is not None:
        return number
    value = _near(node).item()
    return Unrounded(value, node) if node.type.is_float else value


def _near(node: Node) -> Array:
    """Return a constant expression in doubles; what a longer one grows from is there already."""
    known: Any = _values
    with np.errstate(all="ignore"):
        for each in topological((node,), stop=known):
            if each not in _values:
                arrays = [_values[operand] for operand in each.inputs]
                _values[each] = np.asarray(each.op.reference(each.attrs, *arrays))
    return _values[node]
