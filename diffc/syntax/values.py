"""What an expression's values are while it is built: nodes, weak numbers, sequences, slices.

Numbers stay Python numbers while only numbers are involved, so that `2/3*x` and `sqrt(2)*x` have
the dtype of `x`. What is no double, such as 2/3, remembers the expression that it stands for and is rounded
when the program is compiled; integers are exact. Nothing here can take long: the result of an integer
operation has at most 1023 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node, promote, topological
from diffc.ir.dtype import is_float
from diffc.ops import REGISTRY, Elementwise, constant, lift, scalar_value
from diffc.ops.exact import weak
from diffc.ops.powers import pow_
from diffc.ops.slicing import stack

__all__ = [
    "Bundle", "Part", "Value", "Weak", "apply_weak", "as_extent", "as_node", "as_operand", "power_weak",
]  # fmt: skip

Weak: TypeAlias = int | float | bool

_MAX_BITS = 1023
_MAX_EXTENT_NODES = 1000


@dataclass(frozen=True, slots=True)
class Bundle:
    """A list or a tuple that no operation has taken yet; `kind` is "list" or "tuple"."""

    kind: str
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A slice in a subscript; None stands for what the text leaves out."""

    start: Extent | None
    stop: Extent | None
    step: int | None


Value: TypeAlias = "Node | Weak | Bundle | Part | str | EllipsisType | None"


def as_node(value: Value) -> Node:
    """Return a value as a node: a number as a constant, a list as its items joined along a new axis.

    Raises:
        TypeProblem: for what is no array.
    """
    if isinstance(value, Node):
        return value
    if isinstance(value, int | float):
        return lift(value)
    if isinstance(value, Bundle) and value.kind == "list":
        return _stacked([as_operand(each) for each in value.items])
    if isinstance(value, Bundle):
        raise TypeProblem("a tuple is no array: write [a, b]")
    if isinstance(value, str):
        raise TypeProblem("a text is no number and no array; only einsum takes one")
    shown = "None" if value is None else "'...'" if value is ... else "a slice"
    raise TypeProblem(f"{shown} is no number and no array")


def as_operand(value: Value) -> Node | Weak:
    """Return a value as a node, a number as itself."""
    return value if isinstance(value, int | float) else as_node(value)


def _stacked(items: Sequence[Node | Weak]) -> Node:
    if not items:
        raise TypeProblem("an empty list has no type")
    nodes = [each for each in items if isinstance(each, Node)]
    dtype = promote(*(each.dtype for each in nodes))
    for each in items:
        if not isinstance(each, Node) and not is_float(dtype):
            dtype = promote(dtype, lift(each).dtype)
    parts = [lift(each, dtype) for each in items]
    if all(each.is_op("const") for each in parts) and len({each.shape for each in parts}) == 1:
        arrays = [each.op.reference(each.attrs) for each in parts]
        return constant(np.stack(arrays), dtype)
    return stack(parts)


def as_extent(value: Value, what: str) -> Extent:
    """Return an integer, or an array's extent computed with, as an extent.

    `dim(x) - 1` is one; the value of an input is not, because shapes are known when compiling.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 2**63:
            raise TypeProblem(f"{what} must fit into 64 bits")
        return value
    if isinstance(value, Node) and value.rank == 0 and value.dtype == "i64":
        found = _extent_of(value)
        if found is not None:
            return found
    raise TypeProblem(f"{what} must be an integer that is known when compiling, like 2 or N-1")


_EXTENT_RULES: Mapping[str, Callable[..., Extent]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "square": lambda a: a * a,
    "neg": lambda a: -a,
    "floor_divide": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
}


def _extent_of(node: Node) -> Extent | None:
    if not _is_extent(node):
        return None
    found: dict[Node, Extent] = {}
    for each in topological((node,)):
        if each.is_op("dim"):
            found[each] = each.attrs["extent"]
        elif each.is_op("const"):
            found[each] = int(each.op.reference(each.attrs))
        else:
            found[each] = _EXTENT_RULES[each.op.name](*[found[operand] for operand in each.inputs])
    return found[node]


def _is_extent(node: Node) -> bool:
    # Breadth first and bounded: a long computation that is an index must not be walked at each use.
    waiting, seen = [node], {node}
    for each in waiting:
        leaf = each.is_op("dim") or (each.is_op("const") and each.rank == 0 and each.dtype == "i64")
        if not (leaf or each.op.name in _EXTENT_RULES) or len(seen) > _MAX_EXTENT_NODES:
            return False
        if each.is_op("floor_divide", "mod") and not (scalar_value(each.inputs[1]) or 0) > 0:
            return False
        new = [operand for operand in each.inputs if operand not in seen]
        waiting.extend(new)
        seen.update(new)
    return True


_EXACT: Mapping[str, Callable[..., int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "square": lambda a: a * a,
    "abs": lambda a: -a if a < 0 else a,
}


def apply_weak(name: str, *numbers: Weak) -> Weak:
    """Return an elementwise operation's value on Python numbers; raise `TypeProblem` if it is too large."""
    op = REGISTRY[name]
    if not isinstance(op, Elementwise) or len(numbers) != op.arity:
        raise op.problem([lift(each).type for each in numbers], "the number of arguments is wrong")
    if name in _EXACT and all(isinstance(each, int) for each in numbers):
        return _bounded(_EXACT[name](*map(int, numbers)))
    if name == "where":
        dtype = _dtype(op, numbers[1:])
        dtypes = ["bool", dtype, dtype]
    else:
        dtypes = [_dtype(op, numbers)] * len(numbers)
    return weak(Node.make(op, [lift(each, dtype) for each, dtype in zip(numbers, dtypes, strict=True)]))


def _dtype(op: Elementwise, numbers: Sequence[Weak]) -> str:
    # An integer beyond 64 bits is exact only among integers; for anything else it is a float.
    wide = any(isinstance(each, int) and abs(each) >= 2**63 for each in numbers)
    dtype = op.common_dtype(numbers)
    return "f64" if wide and dtype == "i64" else dtype


def power_weak(base: Weak, exponent: Weak) -> Weak:
    """Return base**exponent on Python numbers; raise `TypeProblem` for an integer that is too large."""
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if abs(base) > 1 and int(base).bit_length() * exponent > 2 * _MAX_BITS:
            raise TypeProblem("the power is too large: write the base as a float, like 9.0")
        return _bounded(int(base) ** int(exponent))
    return weak(pow_(lift(base, "f64"), lift(exponent, "f64")))


def _bounded(number: int) -> int:
    if number.bit_length() > _MAX_BITS:
        raise TypeProblem("the integer is too large: write it as a float, like 1e300")
    return number
