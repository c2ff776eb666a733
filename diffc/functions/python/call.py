"""One call of a transform, taken apart: its leaves, what each is to the program, and the program's key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from diffc.autodiff.selection import is_integer
from diffc.errors import DiffcError
from diffc.frontends.numpy.operands import is_weak
from diffc.frontends.numpy.parameters import Arguments, is_box
from diffc.frontends.numpy.specs import type_of
from diffc.frontends.numpy.structure import Branch, Static, flatten, is_count, leaf_count
from diffc.frontends.numpy.tracer import Traced
from diffc.ir import Type

__all__ = ["Call", "Chosen", "Leaf", "call_of", "chosen"]

Leaf: TypeAlias = Type | Static

Chosen: TypeAlias = int | str | Sequence[int | str]
"""Arguments by position or by name: one, or a sequence of them."""


def chosen(given: Any) -> tuple[int | str, ...]:
    """Return positions and names as a tuple; raise `DiffcError` for anything else."""
    found = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
    if not all(isinstance(each, str) or is_integer(each) for each in found):
        raise DiffcError(f"static is an argument's name, its position, or a list of them, not {given!r:.60}")
    return found


@dataclass(frozen=True)
class Call:
    """One call of a transform: the function's arguments, the type of each leaf, and further values.

    `weak` tells which leaves are Python numbers, `more` has the leaves of tangents, vectors or cotangents.
    """

    arguments: Arguments
    types: tuple[Leaf, ...]
    weak: tuple[bool, ...]
    more: tuple[Any, ...] = ()

    @property
    def key(self) -> Any:
        """What decides about the code: two calls with one key run the same kernel."""
        boxes = tuple(k for k, leaf in enumerate(self.arguments.leaves) if is_box(leaf))
        return self.arguments.structure, self.types, self.weak, boxes

    @property
    def counts(self) -> set[int]:
        """The leaves that are integers or flags in a field of an object which is not there for numbers."""
        pairs = zip(is_count(self.arguments.structure), self.arguments.leaves, strict=True)
        return {k for k, (is_field, leaf) in enumerate(pairs) if is_field and _is_count(leaf)}

    @property
    def numbers(self) -> list[int]:
        """The leaves that are numbers and part of the program."""
        kinds = enumerate(self.types)
        return [k for k, kind in kinds if isinstance(kind, Static) and isinstance(kind.value, _NUMBERS)]

    @property
    def has_whole(self) -> bool:
        """Whether a container is one leaf, as `static` has it."""
        statics = [kind.value for kind in self.types if isinstance(kind, Static)]
        return any(flatten(each)[1] is not None for each in statics)

    @property
    def inputs(self) -> list[Any]:
        """The leaves that are inputs of the graph."""
        pairs = zip(self.arguments.leaves, self.types, strict=True)
        return [leaf for leaf, kind in pairs if isinstance(kind, Type)]

    @property
    def given(self) -> list[Any]:
        """All leaves in the order in which a call has them."""
        structure = self.arguments.structure
        assert isinstance(structure, Branch)
        first = leaf_count(structure.items[0])
        leaves = self.arguments.leaves
        return [*leaves[:first], *self.more, *leaves[first:]]

    @property
    def order(self) -> tuple[int, ...] | None:
        """The kernel's inputs among the leaves of the call as written; None where it takes all as they are.

        As written, the further values stand behind the arguments by position, before those by name.
        """
        structure = self.arguments.structure
        assert isinstance(structure, Branch)
        first, more = leaf_count(structure.items[0]), len(self.more)
        inputs = [k for k, kind in enumerate(self.types) if isinstance(kind, Type)]
        order = (*self.placed(inputs), *range(first, first + more))
        return None if order == tuple(range(len(self.types) + more)) else order

    def placed(self, leaves: Sequence[int]) -> tuple[int, ...]:
        """Return where leaves of the arguments stand among those of the call as written."""
        structure = self.arguments.structure
        assert isinstance(structure, Branch)
        first = leaf_count(structure.items[0])
        return tuple(k if k < first else k + len(self.more) for k in leaves)

    def values(self, leaves: Sequence[int]) -> tuple[Any, ...]:
        """Return the numbers that leaves are."""
        return tuple(np.asarray(self.arguments.leaves[k]).item() for k in leaves)

    def positions(self, leaves: Sequence[int]) -> list[int]:
        """Return the positions of leaves among the inputs; raise `DiffcError` for a static one."""
        inputs = (k for k, kind in enumerate(self.types) if isinstance(kind, Type))
        places = {leaf: k for k, leaf in enumerate(inputs)}
        for leaf in leaves:
            if leaf not in places:
                value = self.arguments.leaves[leaf]
                why = (
                    "it is static"
                    if isinstance(value, Static)
                    else f"it is {value!r:.60}, no number and no array"
                )
                raise DiffcError(f"{self.arguments.names[leaf]} cannot be differentiated by: {why}")
        return [places[leaf] for leaf in leaves]


def call_of(arguments: Arguments) -> Call:
    """Return a call with these arguments.

    Raises:
        DiffcError: for one that is no array, no number and cannot be part of a program.
    """
    arguments = replace(arguments, leaves=tuple(map(_as_leaf, arguments.leaves)))
    types = [_leaf_type(name, leaf) for name, leaf in zip(arguments.names, arguments.leaves, strict=True)]
    return Call(arguments, tuple(types), tuple(map(_is_weak, arguments.leaves)))


def _as_leaf(leaf: Any) -> Any:
    """Return an object that is as good as an array, such as a data frame's column, as an array."""
    if isinstance(leaf, Traced | np.ndarray | np.generic) or not hasattr(leaf, "__array__"):
        return leaf
    return np.asarray(leaf)


def _is_count(leaf: Any) -> bool:
    """Tell whether a leaf is a scalar integer or flag."""
    if isinstance(leaf, Traced):
        return not leaf.node.rank and leaf.node.dtype in ("i64", "bool")
    return isinstance(leaf, int | np.integer | np.bool_)


_NUMBERS = (int, float, np.ndarray, np.generic)


def _leaf_type(name: str, leaf: Any) -> Leaf:
    if isinstance(leaf, Traced):
        return leaf.node.type
    value = leaf.value if isinstance(leaf, Static) else leaf
    if value is not leaf or isinstance(leaf, bool) or not isinstance(leaf, _NUMBERS):
        try:
            hash(value)
        except TypeError:
            raise DiffcError(
                f"{name} is a {type(value).__name__}, which is no array and not hashable either: have the "
                "function find it by a name instead, or see dc.register_structure"
            ) from None
        return Static(value)
    try:
        return type_of(leaf)
    except DiffcError as problem:
        raise DiffcError(f"{name}: {problem}") from None


def _is_weak(leaf: Any) -> bool:
    return leaf.weak if isinstance(leaf, Traced) else is_weak(leaf)
