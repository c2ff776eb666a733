"""Nodes: frozen, interned values of a program.

Structurally equal nodes are one object, so common subexpressions never exist twice and equality
is `is`. A node's identity is its digest: of its operation's name, its attributes and its inputs'
digests, never of an address or of Python's `hash`. It is therefore the same in every process
and serves interning, cache keys and canonical order alike.
"""

from __future__ import annotations

import os
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias
from weakref import WeakValueDictionary

from diffc.ir.dim import Dim, Extent, dim_symbols, size_of
from diffc.ir.types import AnyType, TupleType, Type

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Attr", "Node", "Operation", "topological", "users_of"]

Array: TypeAlias = "np.ndarray[Any, Any]"
Attr: TypeAlias = "int | float | str | bytes | Dim | Type | tuple[Attr, ...]"


FUNCTION_COST = 20
"""From this cost an element on, an operation is a function rather than arithmetic."""


class Operation(ABC):
    """What the IR and the stages ask of every operation; the families of `diffc.ops` say the rest."""

    name: ClassVar[str]
    """The name under which the operation is registered and printed."""

    cost: ClassVar[int] = 1
    """Cost an element in multiplications, for choosing what to recompute and for `stats`."""

    differentiable: ClassVar[bool] = True
    """False for an operation whose derivative is zero wherever it exists."""

    commutative: ClassVar[bool] = False
    """Whether its two inputs may change places."""

    moves: ClassVar[bool] = False
    """Whether each element of the result is an element of an operand, or zero."""

    exact: ClassVar[bool] = False
    """Whether nothing is rounded although the results are new numbers, as in `floor`."""

    jumps: ClassVar[bool] = False
    """Whether the value jumps where an operand passes some point, as in `floor`."""

    across_elements: ClassVar[bool] = False
    """Whether an element of the result depends on many elements of an operand."""

    sign: ClassVar[Literal["", "nonnegative", "positive"]] = ""
    """The sign that every result has, or it is NaN; nonnegative means a clear sign bit."""

    keeps_sign: ClassVar[Literal["", "nonnegative", "positive"]] = ""
    """The sign that the result has where all operands have it; "positive" means either."""

    @property
    def is_function(self) -> bool:
        """Whether it costs as much as a call of a maths function, which decides how code is shaped."""
        return self.cost >= FUNCTION_COST

    @property
    def rounds(self) -> bool:
        """Whether a result may be a number that had to be rounded."""
        return not (self.exact or self.moves)

    @abstractmethod
    def infer(self, types: Sequence[Any], attrs: Mapping[str, Any]) -> AnyType:
        """Return the result's type; raise `TypeProblem` naming the operation and the types."""

    @abstractmethod
    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return the result computed by NumPy; extents in `attrs` are integers here."""

    def is_constant(self, node: Node) -> bool:
        """Tell whether a node of this operation, whose inputs and type are set, is a constant expression."""
        return False

    def requirements(self, node: Node) -> Iterable[tuple[Extent, str]]:
        """Yield extents that must not be negative where the operation is applied, each with what is wrong."""
        return ()


class Node:
    """One value: an operation applied to inputs. Make one with `Node.make`; never change it."""

    __slots__ = ("__weakref__", "anytype", "attrs", "digest", "inputs", "is_constant", "op")

    op: Operation
    inputs: tuple[Node, ...]
    attrs: Mapping[str, Any]
    anytype: AnyType
    digest: bytes
    is_constant: bool
    """Whether the node is a constant expression: few numbers that depend on nothing but constants."""

    @staticmethod
    def make(op: Operation, inputs: Iterable[Node] = (), attrs: Mapping[str, Any] | None = None) -> Node:
        """Return the one node of this operation, inputs and attributes; raise `TypeProblem`."""
        inputs = tuple(inputs)
        attrs = attrs or {}
        digest = _digest(op.name, inputs, attrs)
        found = _table.get(digest)
        if found is not None:
            return found
        node = object.__new__(Node)
        node.op = op
        node.inputs = inputs
        node.attrs = attrs
        node.anytype = op.infer([each.anytype for each in inputs], attrs)
        node.digest = digest
        node.is_constant = op.is_constant(node)
        with _lock:
            return _table.setdefault(digest, node)

    def replace(self, inputs: Sequence[Node]) -> Node:
        """Return this node's operation applied to other inputs."""
        return self if all(map(_same, inputs, self.inputs)) else Node.make(self.op, inputs, self.attrs)

    @property
    def type(self) -> Type:
        """The array type; raise TypeError for a node with several results."""
        if not isinstance(self.anytype, Type):
            raise TypeError(f"{self.op.name} has several results: read one with item")
        return self.anytype

    @property
    def shape(self) -> tuple[Extent, ...]:
        """The shape of the value."""
        return self.type.shape

    @property
    def dtype(self) -> str:
        """The dtype of the value."""
        return self.type.dtype

    @property
    def rank(self) -> int:
        """The number of axes of the value."""
        return len(self.type.shape)

    @property
    def size(self) -> Extent:
        """The number of elements of the value."""
        return size_of(self.type.shape)

    def symbols(self) -> set[str]:
        """Return the symbols in the node's type and its attributes."""
        found: set[str] = set()
        waiting: list[Any] = [self.anytype, *self.attrs.values()]
        while waiting:
            each = waiting.pop()
            if isinstance(each, Dim):
                found.update(dim_symbols(each))
            elif isinstance(each, Type):
                waiting.extend(each.shape)
            elif isinstance(each, TupleType):
                waiting.extend(each.items)
            elif isinstance(each, tuple):
                waiting.extend(each)  # pyright: ignore[reportUnknownArgumentType]
        return found

    def is_op(self, *names: str) -> bool:
        """Tell whether the node's operation has one of these names."""
        return self.op.name in names

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: Any) -> Node:
        return self

    def __repr__(self) -> str:
        return f"<{self.op.name} : {self.anytype}>"


def _same(a: Node, b: Node) -> bool:
    return a is b


_table: WeakValueDictionary[bytes, Node] = WeakValueDictionary()
_lock = Lock()


def _renew_lock() -> None:
    """Open the table in a forked child: whoever held its lock for a moment is not there."""
    global _lock
    _lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def _digest(name: str, inputs: tuple[Node, ...], attrs: Mapping[str, Any]) -> bytes:
    text = name
    if attrs:
        text += "".join(f"|{key}={_encode(value)}" for key, value in sorted(attrs.items()))
    return blake2b(
        b"%d|" % len(inputs) + b"".join([n.digest for n in inputs]) + text.encode("utf-8", "surrogatepass"),
        digest_size=16,
    ).digest()


def _encode(value: Any) -> str:
    """Return a text that differs whenever two attribute values differ."""
    if isinstance(value, bytes):
        return f"b{len(value)}:{blake2b(value, digest_size=16).hexdigest()}"
    if isinstance(value, float):
        return "f" + struct.pack("<d", value).hex()
    if isinstance(value, tuple):
        return "(" + ",".join(map(_encode, value)) + ")"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, str):
        return f"s{len(value)}:{value}"
    if hasattr(value, "digest"):
        return "g" + value.digest.hex()
    return f"{type(value).__name__}:{value}"


def users_of(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """Return which of the nodes read each node, in order, one once for each place where it reads it."""
    users: dict[Node, list[Node]] = {}
    for node in nodes:
        for each in node.inputs:
            users.setdefault(each, []).append(node)
    return users


def topological(outputs: Iterable[Node], stop: frozenset[Node] | set[Node] = frozenset()) -> list[Node]:
    """Return every node that the outputs need, inputs before users, each once.

    The order is that of a depth-first walk, which is the same in every process. Nodes in `stop`
    are listed but not entered. Iterative: the depth of the graph does not matter.
    """
    order: list[Node] = []
    done: set[Node] = set()
    stack: list[Node] = []
    for output in outputs:
        stack.append(output)
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            waiting = () if node in stop else [each for each in node.inputs if each not in done]
            if waiting:
                stack.extend(reversed(waiting))
            else:
                stack.pop()
                done.add(node)
                order.append(node)
    return order
