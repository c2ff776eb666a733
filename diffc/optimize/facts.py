"""What is known of a value without running it: its sign, and whether it is a constant.

The facts are those of IEEE numbers, not of real ones: exp(-1000) is 0, so that `exp` is nonnegative
and not positive. A fact says nothing about NaN: every fact reads "or NaN". Nonnegative means that
the sign bit is clear, so that -0.0 is not nonnegative.

`PREDICATES` are the conditions that a rule can name. Each takes what the rule bound (nodes, or the
axes of a reduction) and may answer False wherever it is not sure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from struct import Struct
from typing import Any

from diffc.ir import Node, broadcast_shapes
from diffc.ops import scalar_value
from diffc.ops.exact import estimate

__all__ = ["PREDICATES", "is_constant", "near", "nonnegative", "number_of", "positive"]

_UNPACK = {
    name: Struct(code).unpack for name, code in (("f64", "=d"), ("f32", "=f"), ("i64", "=q"), ("bool", "=?"))
}

_MAX_DEPTH = 6
"""How far a sign is looked for; a deeper one is rarely what a rule waits for."""


def number_of(node: Node) -> float | int | bool | None:
    """Return the number that a scalar constant, or a broadcast of one, consists of; else None."""
    if node.op.name == "broadcast":
        node = node.inputs[0]
    if node.op.name != "const":
        return None
    type_ = node.attrs["type"]
    # Scalars are asked for all the time; unpacking one is ten times faster than making an array of it.
    return scalar_value(node) if type_.shape else _UNPACK[type_.dtype](node.attrs["data"])[0]


def is_constant(node: Node) -> bool:
    """Tell whether the node is one known number, a double or an expression, possibly broadcast."""
    if node.op.name == "broadcast":
        node = node.inputs[0]
    return node.is_constant and (not node.rank or scalar_value(node) is not None)


def near(node: Node) -> float | int | bool | None:
    """Return about the number that a constant expression is, with its sign: not to be tested for equality.

    A constant gives exactly its number; an expression whose sign is not clear None.
    """
    number = number_of(node)
    return estimate(node.inputs[0] if node.op.name == "broadcast" else node) if number is None else number


def positive(node: Node, depth: int = 0) -> bool:
    """Tell whether every element is > 0 or NaN."""
    number = near(node)
    if number is not None:
        return number > 0
    if depth > _MAX_DEPTH:
        return False
    name = node.op.name
    if name == "add":
        a, b = node.inputs
        # Rounding never takes a sum below its larger nonnegative term.
        return (positive(a, depth + 1) and nonnegative(b, depth + 1)) or (
            nonnegative(a, depth + 1) and positive(b, depth + 1)
        )
    if name == "maximum":
        return any(positive(each, depth + 1) for each in node.inputs)
    if node.op.keeps_sign == "positive":
        return all(positive(each, depth + 1) for each in node.inputs)
    return node.op.sign == "positive"


def nonnegative(node: Node, depth: int = 0) -> bool:
    """Tell whether every element has a clear sign bit or is NaN."""
    number = near(node)
    if number is not None:
        return math.copysign(1, number) > 0 if isinstance(number, float) else number >= 0
    if depth > _MAX_DEPTH:
        return False
    if node.op.sign:
        return node.type.is_float or not node.inputs  # the square of an integer may wrap
    if node.op.keeps_sign:
        return all(nonnegative(each, depth + 1) for each in node.inputs)
    return positive(node, depth)


def _normal_product(a: Node, b: Node) -> bool:
    """Tell whether the product of two constants neither overflows nor loses digits."""
    x, y = near(a), near(b)
    if x is None or y is None or not a.type.is_float:
        return False
    smallest, largest = (2.0**-126, 2.0**128) if a.dtype == "f32" else (2.0**-1022, math.inf)
    return smallest <= abs(float(x) * float(y)) < largest


def _power_of_two(c: Node) -> bool:
    """Tell whether both c and 1/c are exact normal numbers."""
    number = number_of(c)
    if number is None or not c.type.is_float or not math.isfinite(number) or number == 0:
        return False
    mantissa, exponent = math.frexp(number)
    return abs(mantissa) == 0.5 and abs(exponent - 1) <= (126 if c.dtype == "f32" else 1022)


def _constant_along(m: Node, axes: tuple[int, ...], x: Node) -> bool:
    """Tell whether m broadcasts into x and has the same value along these axes of x."""
    if broadcast_shapes(m.shape, x.shape) != x.shape:
        return False
    missing = x.rank - m.rank
    return all(axis < missing or m.shape[axis - missing] == 1 for axis in axes)


def _reduced(m: Node, axes: tuple[int, ...], x: Node) -> bool:
    """Tell whether m has no more axes than x has without these, so that expanding it fits x."""
    return m.rank <= x.rank - len(axes)


def _negative_number(c: Node) -> bool:
    number = near(c)
    return isinstance(number, float | int) and math.copysign(1, number) < 0 and not math.isnan(number)


PREDICATES: dict[str, Callable[..., Any]] = {
    "constant": is_constant,
    "positive": positive,
    "nonnegative": nonnegative,
    "negative_constant": _negative_number,
    "boolean": lambda c: c.dtype == "bool",
    "product": lambda x: x.op.name == "mul",
    "normal_product": _normal_product,
    "power_of_two": _power_of_two,
    "constant_along": _constant_along,
    "reduced": _reduced,
}
"""The conditions of rules by name."""
