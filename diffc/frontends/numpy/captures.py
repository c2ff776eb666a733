"""What a traced function takes from outside its arguments: arrays and lists, read anew at each call.

An array that meets a traced value becomes a leaf of the program, and is read where it lies whenever the
program runs. When the trace is over, an array that nothing but the trace holds was made by the function
itself, in its frame that is gone: nobody can change it any more, so that a small one becomes a constant. What
the function changed while it was traced has a leaf for each content that was met.

What is not read as an array but looked into (a mask, a count, a list of choices) decides about the program:
it is kept with what was seen, and the program holds for as long as it is that.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.outside.numbers import Numbers
from diffc.ir import Node, Type, topological
from diffc.ops import constant
from diffc.ops.captured import Captured, Decision, captured_array, captured_op, read_captured, seen

__all__ = ["Captures", "is_local", "memory_of"]

EMBEDDED = 16
"""An array that the function itself makes becomes part of the program up to this many elements."""


class _Record:
    """One object, as the function holds it, and a leaf for each content with which it was met."""

    __slots__ = ("leaves", "original")

    def __init__(self, original: Any) -> None:
        self.original = original
        self.leaves: list[tuple[Any, Node]] = []


class Captures:
    """What a program takes from outside. Shared by a trace and those inside it."""

    def __init__(self) -> None:
        """Start with nothing.

        `outside` gives what stands for things outside while the function runs. `live` has, by their ids, the
        arrays made by the function that have become traced ones, with these.
        """
        self._records: dict[int, _Record] = {}  # a record keeps its object alive: the id stays its own
        self._looked: dict[int, Decision] = {}
        self._handed_on: list[Decision] = []
        self._count = 0
        self._of_node: dict[Node, _Record] = {}
        self._pinned: set[Node] = set()
        self.live: dict[int, tuple[Any, Any]] = {}
        self.outside: Any = None

    def node(self, original: Any, array: Any, dtype: str) -> Node:
        """Return the leaf that stands for an array or a list with the content that it has now.

        Args:
            original: the object as the function holds it; the same one has the same leaf.
            array: its elements as NumPy reads them.
            dtype: the dtype that the program reads them in, by diffc's name.
        """
        record = self._records.get(id(original))
        if record is None:
            record = self._records[id(original)] = _Record(original)
        content = seen(array)
        for known, node in record.leaves:
            if known == content:
                return node
        node = captured_array(f"captured_{self._count}", Type(dtype, tuple(array.shape)))
        self._count += 1
        record.leaves.append((content, node))
        self._of_node[node] = record
        return node

    def pin(self, node: Node) -> None:
        """Have a leaf read anew at each call, even if nothing else holds its object: a path leads there."""
        self._pinned.add(node)

    def elements(self, node: Node) -> Any:
        """Return the elements that a leaf stands for, and note that they decide."""
        record = self._of_node[node]
        self.decide(record.original)
        content = next(content for content, each in record.leaves if each is node)
        return _content(record, content, node.type)

    def decided(self, value: Any) -> Any:
        """Return what was seen of an object when it decided, and forget that; None where it did not."""
        found = self._looked.pop(id(value), None)
        return None if found is None else found.seen

    def look(self, value: Any) -> None:
        """Note the arrays and lists in the arguments of a call that are not read as leaves: they decide.

        Call it when the arguments have been read.
        """
        if is_local(value):
            return  # made by the function itself: what it read of it was so
        value = memory_of(value)
        if id(value) in self._records:
            return
        self.decide(value)
        if isinstance(value, slice):
            self.look((value.start, value.stop, value.step))
        elif isinstance(value, list | tuple):
            for each in cast(Sequence[Any], value):
                if not (isinstance(each, list) and isinstance(value, list)):  # noted with that around it
                    self.look(each)
        elif isinstance(value, dict):
            for each in cast(dict[Any, Any], value).values():
                self.look(each)

    def decide(self, value: Any) -> None:
        """Note that the elements of an array or a list decide, whether or not they are read too."""
        if is_local(value):
            return
        value = memory_of(value)
        if not isinstance(value, np.ndarray | list):
            return
        held: Any = value  # pyright: ignore[reportUnknownVariableType]
        if id(held) not in self._looked and not _is_traced(held):
            self._looked[id(held)] = Decision(held, seen(held))

    def hand_on(self, decisions: Sequence[Decision]) -> None:
        """Note the decisions of a program that becomes part of this one."""
        self._handed_on += decisions

    def finish(self, name: str, outputs: Sequence[Node]) -> tuple[dict[Node, Node], Captured]:
        """Return what replaces leaves, and what the others refer to. The function's frame must be gone.

        Args:
            name: the function's.
            outputs: what it computes. Leaves on which they do not depend are left out.

        Raises:
            TypeProblem: where the function changed what others hold, too.
        """
        self._of_node.clear()
        self.live.clear()
        used = {node for node in topological(outputs) if node.op is captured_op}
        decisions = [*self._handed_on, *self._outside_decisions()]
        replaced: dict[Node, Node] = {}
        values: dict[str, Any] = {}
        for key in list(self._records):
            record = self._records.pop(key)
            record.leaves = [(content, node) for content, node in record.leaves if node in used]
            if not record.leaves:
                continue
            if record.leaves[0][1] in self._pinned or not _only_here(record, "original"):
                _check_unchanged(record, name)
                values[record.leaves[0][1].attrs["name"]] = record.original
                continue
            for content, node in record.leaves:
                array = _content(record, content, node.type)
                if array.size <= EMBEDDED:
                    replaced[node] = constant(array, node.dtype)
                else:
                    values[node.attrs["name"]] = array
        return replaced, Captured(values, decisions)

    def _outside_decisions(self) -> Iterator[Decision]:
        """Yield the decisions about what others can change."""
        for key in list(self._looked):  # a list before the arrays in it, which it holds
            decision = self._looked.pop(key)
            if not _only_here(decision, "value"):
                yield decision


def is_local(value: Any) -> bool:
    """Tell whether a value is an array that a traced function has made."""
    return isinstance(value, np.ndarray) and hasattr(value, "traced_elements")


def memory_of(value: Any) -> Any:
    """Return the array of which one made by the function consists, or the list of which one is a copy.

    Anything else is returned as it is. The array is the same object each time where it is all of the memory.
    """
    if type(value) is Numbers:
        return value.original
    if not is_local(value):
        return value
    plain = np.ndarray.view(value, np.ndarray)
    base = plain.base
    whole = type(base) is np.ndarray and base.shape == plain.shape and base.strides == plain.strides
    return base if whole else plain


def _is_traced(value: Any) -> bool:
    """Tell whether a list was made while tracing: it holds values that are none yet."""
    return isinstance(value, list) and any(
        hasattr(each, "owner") or isinstance(each, Node) for each in cast(list[Any], value)
    )


def _check_unchanged(record: _Record, name: str) -> None:
    if len(record.leaves) > 1 or seen(np.asarray(record.original)) != record.leaves[0][0]:
        raise TypeProblem(
            f"{name} changes {record.original!r:.60} while it is traced, and what is outside {name} holds "
            "it, too: compute a new array instead of changing one in place, or change a copy made inside"
        )


def _content(record: _Record, content: Any, type_: Type) -> Any:
    """Return the elements that an array of the function itself had when it was met."""
    array = np.asarray(record.original)
    if seen(array) != content:
        dtype, shape, data = content
        if len(data) != np.dtype(dtype).itemsize * np.prod(shape, dtype=int):
            raise TypeProblem(
                f"an array of {np.dtype(dtype).name}{list(shape)} is changed while it is traced: it is too "
                "large to keep each content of it; compute new arrays instead"
            )
        array = np.frombuffer(data, dtype).reshape(shape)
    return read_captured("an array", type_, array)


# How many references `sys.getrefcount` counts of an object that one place holds.
_place = [object()]
_ONE = sys.getrefcount(_place[0])


def _only_here(holder: Any, attribute: str) -> bool:
    """Tell whether nothing but an attribute of `holder` refers to an object, nor to the memory it shows."""
    if sys.getrefcount(getattr(holder, attribute)) > _ONE:
        return False
    value = getattr(holder, attribute)
    if type(value) is np.ndarray or is_local(value):
        return _memory_only_here(value)
    if type(value) is list:
        return _items_only_here(value)
    return type(value) is tuple and _items_only_here(value)


def _items_only_here(values: Sequence[Any]) -> bool:
    """Tell whether the items of a list or tuple are numbers, or held by it alone."""
    for k in range(len(values)):
        if isinstance(values[k], bool | int | float | np.generic | str | None):
            continue
        if sys.getrefcount(values[k]) > _ONE:
            return False
        if isinstance(values[k], list | tuple):
            if not _items_only_here(values[k]):
                return False
        elif type(values[k]) is not np.ndarray or not _memory_only_here(values[k]):
            return False
    return True


def _memory_only_here(array: Any) -> bool:
    if weakref.getweakrefcount(array):
        return False
    base = array.base
    if base is None:
        return True
    is_plain = type(base) is np.ndarray or is_local(base)
    del base
    return is_plain and _only_here(array, "base")
