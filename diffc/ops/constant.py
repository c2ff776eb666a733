"""Nodes without inputs: inputs, constants, pi, `dim` and `iota`; and weak literals.

A constant is keyed by dtype and bits: 0.0 and -0.0 differ, and NaN equals itself. A literal is its double;
what is no double, such as pi and 1/3, stays an expression until the last pass of the optimiser, which
rounds it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Dim, Extent, Node, Type
from diffc.ir.dtype import is_float
from diffc.ops.base import DTYPES, REGISTRY, Array, Leaf, register

__all__ = ["Unrounded", "constant", "constant_like", "dim", "input_node", "iota", "pi", "scalar_value"]


@register
class input_op(Leaf):
    """A named parameter of the graph."""

    name = "input"
    summary = "a named parameter of the graph"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the declared type."""
        return attrs["type"]

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Raise: an input's value comes from the caller."""
        raise TypeProblem(f"the input {attrs['name']!r} has no value")


def input_node(name: str, type_: Type) -> Node:
    """Return the input of this name and type."""
    return Node.make(input_op, (), {"name": name, "type": type_})


@register
class const(Leaf):
    """A constant array, by dtype, shape and bits."""

    name = "const"
    summary = "a constant, keyed by dtype and bits"

    def is_constant(self, node: Node) -> bool:
        """Tell that it is one."""
        return True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type that the attributes state."""
        return attrs["type"]

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return the constant as an array that must not be changed."""
        type_ = attrs["type"]
        return np.frombuffer(attrs["data"], DTYPES[type_.dtype]).reshape(type_.shape)


def constant(value: Any, dtype: str | None = None) -> Node:
    """Return a constant from a number or an array; without `dtype` it is f64, f32, i64 or bool by the value.

    Raises:
        TypeProblem: for a dtype that is none of these (complex and object arrays, strings).
    """
    array = np.asarray(value)
    if dtype is None:
        dtype = next((name for name, kind in DTYPES.items() if array.dtype == kind), None)
        if dtype is None and array.dtype.kind in "iu":
            dtype = "i64"
        if dtype is None:
            raise TypeProblem(
                f"a constant of dtype {array.dtype} is not supported: use float64, float32, int64 or bool"
            )
    try:
        array = np.ascontiguousarray(array, DTYPES[dtype]).reshape(array.shape)
    except OverflowError:
        raise TypeProblem(f"the integer {str(value)[:40]} does not fit into 64 bits") from None
    return Node.make(const, (), {"type": Type(dtype, array.shape), "data": array.tobytes()})


def constant_like(number: float | bool, dtype: str) -> Node:
    """Return a Python number as a weak constant: it takes the dtype of what it meets."""
    if isinstance(number, Unrounded) and is_float(dtype):
        node = number.node
        return node if dtype == "f64" else Node.make(REGISTRY["cast"], (node,), {"dtype": dtype})
    if isinstance(number, int) and not isinstance(number, bool) and not -(2**63) <= number < 2**63:
        if dtype == "i64":
            raise TypeProblem(f"the integer {number} does not fit into 64 bits")
        number = float(number)
    return constant(number, dtype)


def scalar_value(node: Node) -> float | int | bool | None:
    """Return the number that a constant consists of, or None: for other nodes and for varied arrays."""
    if node.op is not const:
        return None
    array = const.reference(node.attrs)
    if array.size == 0:
        return None
    first = array.flat[0]
    if array.size > 1 and array.tobytes() != np.broadcast_to(first, array.shape).tobytes():
        return None
    return first.item()


@register
class pi_op(Leaf):
    """The number pi itself, not the double near it."""

    name = "pi"
    summary = "pi, exactly: rounded with the expression that it is part of"

    def is_constant(self, node: Node) -> bool:
        """Tell that it is one."""
        return True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return f64."""
        return Type("f64")

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return the nearest double."""
        return np.asarray(np.pi)


def pi() -> Node:
    """Return pi."""
    return Node.make(pi_op)


class Unrounded(float):
    """A weak number that is no double: a float beside the constant expression, of f64, that it stands for.

    Whatever computes with the float alone gets a double, as with any literal.
    """

    __slots__ = ("node",)

    node: Node

    def __new__(cls, value: float, node: Node) -> Unrounded:
        """Return the number of an expression; `value` is near it."""
        number = super().__new__(cls, value)
        number.node = node
        return number


@register
class dim_op(Leaf):
    """The value of an extent."""

    name = "dim"
    summary = "the value of an extent, an i64 scalar"
    sign = "nonnegative"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return i64."""
        if not isinstance(attrs["extent"], int | Dim):
            raise self.problem(types, "it is the value of an extent")
        return Type("i64")

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return the extent's value."""
        return np.asarray(attrs["extent"], np.int64)


def dim(extent: Extent) -> Node:
    """Return an extent's value as a node; a constant where it is an integer."""
    return constant(extent, "i64") if isinstance(extent, int) else Node.make(dim_op, (), {"extent": extent})


@register
class iota_op(Leaf):
    """The numbers 0, 1, ..., extent-1."""

    name = "iota"
    summary = "0, 1, ..., extent-1 as i64"
    sign = "nonnegative"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return a vector of i64."""
        return Type("i64", (attrs["extent"],))

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.arange."""
        return np.arange(attrs["extent"], dtype=np.int64)


def iota(extent: Extent) -> Node:
    """Return 0, 1, ..., extent-1."""
    return Node.make(iota_op, (), {"extent": extent})
