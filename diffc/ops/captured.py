"""A captured array: an array that a program refers to without containing it.

Its name and its type are part of the program, its elements are not: a `Function` binds them, and a kernel
reads them where they lie, at each call. The same program on other data is therefore the same code.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from diffc.errors import InputError, OutdatedError, TypeProblem
from diffc.ir import Graph, Node, Type
from diffc.ops.base import DTYPES, Array, Leaf, register

__all__ = [
    "Captured", "Decision", "captured_array", "captured_arrays", "captured_op", "is_captured",
    "read_captured", "seen",
]  # fmt: skip


@register
class captured_op(Leaf):
    """A constant array that is bound when the program is loaded."""

    name = "captured"
    summary = "an array that a function refers to; bound by name, not contained"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the declared type."""
        return attrs["type"]

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Raise: the Function knows the array, the graph does not."""
        raise TypeProblem(
            f"the captured array {attrs['name']!r} has no value here: keep it with its Function"
        )


def captured_array(name: str, type_: Type) -> Node:
    """Return the captured array of this name and type."""
    return Node.make(captured_op, (), {"name": name, "type": type_})


def is_captured(value: object) -> bool:
    """Tell whether a value is a captured array."""
    return isinstance(value, Node) and value.op is captured_op


def captured_arrays(graph: Graph) -> dict[str, Node]:
    """Return the captured arrays of a graph by name."""
    return {node.attrs["name"]: node for node in graph.nodes if node.op is captured_op}


class Decision(NamedTuple):
    """An array or a list whose elements decided about a program, such as a mask about a shape.

    `seen` is what they were then. The program holds for as long as they are that.
    """

    value: Any
    seen: Any

    def check(self) -> None:
        """Raise `OutdatedError` where the elements are others now."""
        if not _same(seen(self.value), self.seen):
            raise OutdatedError(
                f"{self.value!r:.60} was read when the function was traced, as a mask, a place, a count or a "
                "shape, and its elements have changed: trace the function again"
            )


class Captured(Mapping[str, Any]):
    """What a program refers to outside itself, by name: arrays, and lists that are read as arrays. Immutable.

    Each is the very object that the traced function saw, whatever its layout and dtype; see `read_captured`.
    None of the arrays can be resized while it is held here, so that no memory moves under a kernel.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, decisions: Sequence[Decision] = ()) -> None:
        """Hold values and decisions; `values` may be another one of these, whose decisions are held too."""
        self._values = dict(values or {})
        self.decisions = (*(values.decisions if isinstance(values, Captured) else ()), *decisions)
        # NumPy resizes no array that a weak reference points to, not even with refcheck=False.
        self._pins = [weakref.ref(each) for value in self._values.values() for each in _owners(value)]

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Captured {', '.join(self._values)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Captured, (self._values, self.decisions)


def _owners(value: Any) -> Iterator[Array]:
    """Yield an array and those whose memory it shows."""
    while isinstance(value, np.ndarray):
        yield value
        value = value.base


def read_captured(name: str, type_: Type, value: Any) -> Array:
    """Return the elements that a captured value has now, aligned and C-contiguous; the value itself if it is.

    Raises:
        OutdatedError: where its shape or dtype is another one than when the function was traced.
    """
    try:
        array = np.asarray(value)
        kind = "i64" if array.dtype.kind in "iu" else array.dtype
        fits = array.shape == type_.shape and (kind == type_.dtype or kind == DTYPES[type_.dtype])
        if array.dtype == np.uint64 and array.size and array.max() >= 1 << 63:
            raise InputError(f"{name}, which the function refers to, holds an integer of 2**63 or more")
        if fits:
            return np.require(array, DTYPES[type_.dtype], ["C", "A"])
        now = f"{array.dtype} of the shape {array.shape}"
    except (ValueError, TypeError) as problem:
        now = f"no array ({problem})"
    raise OutdatedError(
        f"{name}, which the function refers to, was {type_} when it was traced and is {now} now: trace the "
        "function again"
    )


_COPIED = 1 << 24
"""Of more bytes than this not the elements are kept, but their digest."""


def seen(value: Any) -> Any:
    """Return what can be compared to find whether an array's elements, or a list's items, have changed.

    The bytes of an array's elements; their digest where it is large. An item of a list that is neither a list
    nor a number is told by its identity alone.
    """
    if isinstance(value, np.ndarray):
        array = cast(Array, value)
        if array.nbytes <= _COPIED:
            return array.dtype, array.shape, array.tobytes()
        from hashlib import blake2b

        return array.dtype, array.shape, blake2b(np.ascontiguousarray(array).data.cast("B")).digest()
    if isinstance(value, list | tuple):
        return [seen(each) if isinstance(each, list | tuple) else each for each in cast(list[Any], value)]
    return value


def _same(now: Any, then: Any) -> bool:
    if isinstance(now, list) and isinstance(then, list):
        pairs = zip(cast(list[Any], now), cast(list[Any], then), strict=False)
        return len(now) == len(then) and all(_same(a, b) for a, b in pairs)  # pyright: ignore[reportUnknownArgumentType]
    if now is then:
        return True
    plain = (bool, int, float, str, tuple)
    return type(now) is type(then) and isinstance(now, plain) and now == then
