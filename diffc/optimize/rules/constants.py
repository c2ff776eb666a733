"""Folding of constants: what depends on nothing is computed once, by the NumPy reference."""

from __future__ import annotations

import numpy as np

from diffc.ir import Node, Type
from diffc.ops import REGISTRY, Leaf, constant, scalar_value
from diffc.ops.broadcasting import broadcast
from diffc.optimize.rewrite import Structural, structural

__all__ = ["STRUCTURAL", "fold"]

_MAX_SIZE = 1024
"""Larger constants are left to run time: they would be stored in every cache entry."""

_FOLDED = [name for name, op in REGISTRY.items() if not isinstance(op, Leaf) and name != "broadcast"]


@structural(*_FOLDED, operands=("const",))
def fold(node: Node) -> Node | None:
    """f(1.0, 2.0) => 3.0, where the result has few elements; equal elements become one scalar."""
    if not all(each.op.name == "const" for each in node.inputs):
        return None
    type_ = node.anytype
    if not isinstance(type_, Type) or not isinstance(type_.size, int) or type_.size > _MAX_SIZE:
        return None
    if any(map(_symbolic, node.attrs.values())):
        return None
    with np.errstate(all="ignore"):
        value = node.op.reference(node.attrs, *[each.op.reference(each.attrs) for each in node.inputs])
    result = constant(value, node.dtype)
    number = scalar_value(result)
    return result if number is None else broadcast(constant(number, node.dtype), node.shape)


@structural("const")
def uniform_constant(node: Node) -> Node | None:
    """[2.0, 2.0, 2.0] => broadcast(2.0)."""
    number = scalar_value(node) if node.rank else None
    return None if number is None else broadcast(constant(number, node.dtype), node.shape)


def _symbolic(value: object) -> bool:
    return any(map(_symbolic, value)) if isinstance(value, tuple) else not isinstance(value, int | str)


STRUCTURAL: tuple[Structural, ...] = (fold, uniform_constant)
