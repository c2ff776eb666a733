"""Derivatives by every element at once, with the zeros known instead of stored.

The derivative of a value by a basis (the elements that are differentiated by, or those of an output that
is pulled back) has the axes of both. Where it starts it is an identity, and much of what follows keeps it
diagonal along some axes: an entry differs from 0 only where an axis of the basis and one of the value point
to the same place. Such a pair is a tie. A `Term` holds what stands on the diagonals, its core, and the
ties; a derivative is the sum of a few terms, such as the diagonals of a banded matrix.

A product that contracts a tied axis multiplies by no identity: it reads the other factor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeVar

from diffc.ir import Extent, Node
from diffc.ops import cast, constant_like, iota
from diffc.ops.arithmetic import add, mul, sub
from diffc.ops.broadcasting import broadcast, full, zeros
from diffc.ops.constant import dim, scalar_value
from diffc.ops.indexing import scatter_add
from diffc.ops.logic import eq, logical_and, where
from diffc.ops.reshaping import moveaxis, reshape, transpose
from diffc.ops.slicing import pad

__all__ = ["Term", "Tie", "collected", "dense", "identity", "is_zero"]

MAX_TERMS = 8
"""A derivative of more terms than this is stored with its zeros."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Tie:
    """An entry is 0 unless the basis axis is at `place` when the value's axis is at 0, 1, ...

    The place is an offset from the position along the value's axis, or a vector of known places.
    """

    axis: int
    place: Extent | Node = 0


@dataclass(frozen=True)
class Term:
    """One term: a core with the axes of the basis and of the value, of extent 1 where the basis is tied.

    The basis comes first, or last where the derivative is wanted so: no step then needs another order.
    """

    core: Node
    basis: tuple[Extent, ...]
    ties: tuple[Tie | None, ...]
    basis_last: bool

    @property
    def shape(self) -> tuple[Extent, ...]:
        """The shape of the value."""
        count = len(self.basis)
        return self.core.shape[: self.core.rank - count] if self.basis_last else self.core.shape[count:]

    @property
    def free(self) -> tuple[Extent, ...]:
        """The core's extents along the basis."""
        return self.core.shape[len(self.shape) :] if self.basis_last else self.core.shape[: len(self.basis)]

    @property
    def tied(self) -> set[int]:
        """The axes of the value that are tied."""
        return {tie.axis for tie in self.ties if tie is not None}

    def ordered(self, of_basis: Iterable[_Item], of_value: Iterable[_Item]) -> tuple[_Item, ...]:
        """Return what belongs to the core's axes, in their order."""
        return (*of_value, *of_basis) if self.basis_last else (*of_basis, *of_value)

    def axis(self, axis: int) -> int:
        """Return where the core has an axis of the value."""
        return axis if self.basis_last else axis + len(self.basis)

    def basis_axis(self, k: int) -> int:
        """Return where the core has an axis of the basis."""
        return k + len(self.shape) if self.basis_last else k

    def beside(self, other: Node) -> Node:
        """Return another value in the shape in which it broadcasts against the core."""
        behind = len(self.basis) if self.basis_last and other.rank else 0
        return reshape(other, (*other.shape, *(1,) * behind))

    def with_core(self, core: Node) -> Term:
        """Return the term with another core."""
        return replace(self, core=core)

    def moved(self, core: Node, axes: Mapping[int, int]) -> Term:
        """Return the term with another core, in which the tied axes stand elsewhere."""
        return replace(self, core=core, ties=tuple(t and replace(t, axis=axes[t.axis]) for t in self.ties))

    def reshaped(self, shape: Sequence[Extent], axes: Mapping[int, int]) -> Term:
        """Return the term of the reshaped value, where no tied axis is split or merged."""
        return self.moved(reshape(self.core, self.ordered(self.free, shape)), axes)

    def aligned(self, rank: int) -> Term:
        """Return the term of a value with new axes of extent 1 in front, as broadcasting adds them."""
        missing = rank - len(self.shape)
        return self.reshaped((*(1,) * missing, *self.shape), {axis: axis + missing for axis in self.tied})

    def broadcast(self, shape: Sequence[Extent]) -> Term:
        """Return the term of the value broadcast to a shape."""
        aligned = self.aligned(len(shape))
        return aligned.with_core(broadcast(aligned.core, self.ordered(self.free, shape)))

    def untied(self, axes: Iterable[int]) -> Term:
        """Return the same term with its zeros stored along some axes of the value."""
        chosen = self._tied_to(axes)
        return self._freed(chosen, self._stored(chosen)) if chosen else self

    def dense(self, beside: Node | None = None) -> Node:
        """Return the term with all its zeros, or with what stands in their places."""
        return self._stored(self._tied_to(self.tied), beside)

    def is_beside(self, other: Term) -> bool:
        """Tell whether the two have no place in common, as two diagonals of one matrix have none."""
        return any(
            a is not None and b is not None and a.axis == b.axis and _apart(a.place, b.place)
            for a, b in zip(self.ties, other.ties, strict=True)
        )

    def contracted(self, axes: Iterable[int], factor: Node | None = None) -> Term:
        """Return the term times a factor, summed over some tied axes of the value, which stay with extent 1.

        Each entry is a sum of one number: what stands on the diagonal stands along the basis then. The
        factor broadcasts against the value.
        """
        chosen = self._tied_to(axes)
        order = list(range(self.core.rank))
        for k in chosen:
            here, there = self.basis_axis(k), self._tied_axis(k)
            order[here], order[there] = there, here
        core = transpose(self.core, order)
        if factor is not None:
            missing = self.core.rank - len(self.basis) - factor.rank
            shape = self.ordered((1,) * len(self.basis), ((1,) * missing + factor.shape))
            factor = transpose(reshape(factor, shape), order)
            core = factor if _is_number(core, 1) else mul(core, factor)
            core = broadcast(core, self._product_shape(factor, order))
        for k in chosen:
            tie = self.ties[k]
            assert tie is not None
            core = _placed(core, self.basis_axis(k), tie.place, self.basis[k])
        return self._freed(chosen, core)

    def _product_shape(self, factor: Node, order: Sequence[int]) -> tuple[Extent, ...]:
        extents = (self.core.shape[axis] for axis in order)
        return tuple(b if a == 1 else a for a, b in zip(extents, factor.shape, strict=True))

    def _tied_to(self, axes: Iterable[int]) -> list[int]:
        """Return the axes of the basis that are tied to some of the value."""
        wanted = set(axes)
        return [k for k, tie in enumerate(self.ties) if tie is not None and tie.axis in wanted]

    def _tied_axis(self, k: int) -> int:
        """Return where the core has the axis that is tied to an axis of the basis."""
        tie = self.ties[k]
        assert tie is not None
        return self.axis(tie.axis)

    def _stored(self, chosen: Sequence[int], beside: Node | None = None) -> Node:
        """Return the core with the zeros beside some of its diagonals, or with what stands there."""
        if not chosen:
            return self.core
        shape = list(self.core.shape)
        for k in chosen:
            shape[self.basis_axis(k)] = self.basis[k]
        on_diagonal = reduce(logical_and, map(self._on_diagonal, chosen))
        if beside is None and _is_number(self.core, 1):
            return broadcast(cast(on_diagonal, self.core.dtype), shape)
        zero = constant_like(0, self.core.dtype)
        return broadcast(where(on_diagonal, self.core, zero if beside is None else beside), shape)

    def _on_diagonal(self, k: int) -> Node:
        """Return where entries may differ from 0 along a basis axis and the axis that is tied to it."""
        tie, axis = self.ties[k], self._tied_axis(k)
        assert tie is not None
        place = tie.place if isinstance(tie.place, Node) else _counted(self.core.shape[axis], tie.place)
        rank = self.core.rank
        return eq(_along(iota(self.basis[k]), self.basis_axis(k), rank), _along(place, axis, rank))

    def _freed(self, chosen: Sequence[int], core: Node) -> Term:
        ties = tuple(None if k in chosen else tie for k, tie in enumerate(self.ties))
        return replace(self, core=core, ties=ties)


def identity(value: Node, *, basis_last: bool) -> list[Term]:
    """Return the derivative of a value by itself; axes of extent 1 need no tie."""
    ties = tuple(None if extent == 1 else Tie(axis) for axis, extent in enumerate(value.shape))
    term = Term(value, (), (), basis_last)
    core = full(1, value.type.with_shape(term.ordered((1,) * value.rank, value.shape)))
    return [Term(core, value.shape, ties, basis_last)]


def collected(terms: Iterable[Term], basis: tuple[Extent, ...]) -> list[Term]:
    """Return terms of one value as few as they can be: equal ties are added up, many are stored."""
    found: dict[object, Term] = {}
    for term in terms:
        each = term.contracted([axis for axis in term.tied if term.shape[axis] == 1])
        key = (each.basis, each.ties)
        known = found.get(key)
        found[key] = each if known is None else known.with_core(_sum(known.core, each.core))
    few = list(found.values())
    if len(few) <= MAX_TERMS:
        return few
    return [stored(dense(few, basis), few[0].shape, basis, few[0].basis_last)]


def dense(terms: Sequence[Term], basis: tuple[Extent, ...]) -> Node:
    """Return the whole derivative: the axes of the basis and those of the value, in the terms' order."""
    alike: dict[object, list[Term]] = {}
    for term in terms:
        alike.setdefault(term.basis, []).append(term)
    shape = terms[0].ordered(basis, terms[0].shape)
    return reduce(_sum, [reshape(_together(each), shape) for each in alike.values()])


def _together(terms: Sequence[Term]) -> Node:
    """Return the sum of terms of one basis; those that have no place in common need no addition."""
    total = terms[0].dense()
    for k, term in enumerate(terms[1:], 1):
        disjoint = all(term.is_beside(each) for each in terms[:k])
        total = term.dense(total) if disjoint else _sum(total, term.dense())
    return total


def _apart(a: Extent | Node, b: Extent | Node) -> bool:
    if isinstance(a, Node) or isinstance(b, Node):
        return False
    distance = a - b
    return isinstance(distance, int) and distance != 0


def stored(whole: Node, shape: Sequence[Extent], basis: tuple[Extent, ...], basis_last: bool) -> Term:
    """Return a whole derivative as one term without ties."""
    term = Term(whole, basis, (None,) * len(basis), basis_last)
    return term.with_core(reshape(whole, term.ordered(basis, shape)))


def is_zero(node: Node) -> bool:
    """Tell whether a value is the number 0, possibly broadcast."""
    return _is_number(node, 0)


def _is_number(node: Node, number: float) -> bool:
    while node.is_op("broadcast", "reshape", "transpose"):
        node = node.inputs[0]
    return scalar_value(node) == number


def _sum(a: Node, b: Node) -> Node:
    """Return a + b; a negated term is subtracted."""
    return sub(a, b.inputs[0]) if b.is_op("neg") else add(a, b)


def _along(vector: Node, axis: int, rank: int) -> Node:
    """Return a vector that lies along one of many axes."""
    shape: list[Extent] = [1] * rank
    shape[axis] = vector.shape[0]
    return reshape(vector, shape)


def _counted(count: Extent, start: Extent) -> Node:
    """Return start, start + 1, ... as many as asked for."""
    if start == 0:
        return iota(count)
    return add(iota(count), start if isinstance(start, int) else dim(start))


def _placed(core: Node, axis: int, place: Extent | Node, extent: Extent) -> Node:
    """Return a core with the entries along an axis put at their places of an axis of this extent."""
    if isinstance(place, Node):
        front = moveaxis(core, axis, 0)
        base = zeros(front.type.with_shape((extent, *front.shape[1:])))
        return moveaxis(scatter_add(base, place, front), 0, axis)
    lows: list[Extent] = [0] * core.rank
    highs: list[Extent] = [0] * core.rank
    lows[axis], highs[axis] = place, extent - place - core.shape[axis]
    return pad(core, lows, highs)
