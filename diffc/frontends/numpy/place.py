"""Places: what a traced array is. A place holds a node now, and another one after it has been written to.

A name in the function leads to a place, so that what one name writes another one sees. A view is a place
whose elements are those of another one: it reads its node from the base again once that has changed, and what
is written to it is put into the base. That is NumPy's memory, without any memory.

Elements and rows that are written one by one are kept apart, and joined when the whole array is asked for: a
loop over n elements makes n small nodes, not n arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.indexing import index
from diffc.frontends.numpy.replacing import fitted, replaced
from diffc.frontends.numpy.tracing import Trace, active
from diffc.ir import Node
from diffc.ops import cast, constant, scalar_value
from diffc.ops.indexing import gather
from diffc.ops.reshaping import reshape
from diffc.ops.slicing import concatenate, slice_

__all__ = ["Place", "View"]


@dataclass(slots=True)
class View:
    """How a place shows the elements of another one.

    `get` reads them from the base's node, `put` returns the base's node with others; without `put` the view
    is read-only. `move` makes such a view of a NumPy array. `key` is set where the view is `base[key]` with
    integers alone. `settle` tells, when the first of the two is written to, whether NumPy would have made a
    view or a copy; it raises where that depends on the layout of an array that is not known.
    """

    base: Place
    get: Callable[[Node], Node]
    put: Callable[[Node, Node], Node] | None
    move: Callable[[Any], Any]
    key: tuple[int, ...] | None = None
    settle: Callable[[], bool] | None = None


class Place:
    """A node that can be replaced, by writing to the place or to one that shares its elements."""

    __slots__ = ("_changes", "_node", "_pieces", "_seen", "_view", "origin", "owner")

    origin: Node
    owner: Trace

    def __init__(self, node: Node, owner: Trace, view: View | None = None) -> None:
        """Hold a node of a trace, read from the base where there is a view.

        `origin` is the node as it was first: what it was computed of tells how NumPy would lay it out.
        """
        self.origin = node
        self._node = node
        self.owner = owner
        self._view = view
        self._changes = 0
        self._seen = 0 if view is None else view.base.changes
        self._pieces: dict[tuple[int, ...], Node] = {}

    @property
    def node(self) -> Node:
        """The node that the place holds now."""
        if self._view is not None:
            self._renew()
        elif self._pieces:
            self._node = _joined(self._node, self._pieces)
            self._pieces = {}
        return self._node

    @property
    def shown_as(self) -> View | None:
        """How the place shows another one, as far as it is settled; None for a place of its own."""
        return self._view if self._is_view() else None

    @property
    def changes(self) -> int:
        """How often the elements have been written to."""
        place = self
        while place._view is not None:
            place = place._view.base
        return place._changes

    @property
    def is_changed(self) -> bool:
        """Whether the elements were written to, here or through a view."""
        return self.changes > 0

    def _renew(self) -> None:
        """Read the node anew where the base has changed. Iterative: views of views may be many."""
        changes, chain = self.changes, []
        place = self
        while place._view is not None and place._seen != changes:
            chain.append(place)
            place = place._view.base
        for each in reversed(chain):
            view = each._view
            assert view is not None
            if not each._is_view():
                changes = 0
                continue
            if view.base._view is None and changes:
                each._node = view.base._part(view)
            elif changes:
                each._node = view.get(view.base._node)
            each._seen = changes

    def _is_view(self) -> bool:
        """Tell whether this is a view, and make it a place of its own where NumPy would have copied."""
        view = self._view
        if view is not None and view.settle is not None:
            if not view.settle():
                self._view = None
            view.settle = None
        return self._view is not None

    def stay_a_view(self) -> None:
        """Take this place for a view, whatever the layout of the base is."""
        if self._view is not None:
            self._view.settle = None

    def _part(self, view: View) -> Node:
        """Return what a view of this place, which is no view itself, reads."""
        if view.key is not None and view.key in self._pieces:
            return self._pieces[view.key]
        return view.get(self.node)

    def element(self, key: Any) -> Node:
        """Return the part that a key names, without joining the pieces where it is one of them."""
        if self._view is None and self._pieces:
            place = _integers(key, self._node)
            if place is not None:
                depth = len(next(iter(self._pieces)))  # that of all of them
                if len(place) >= depth:
                    piece = self._pieces.get(place[:depth])
                    return index(self._node, place) if piece is None else index(piece, place[depth:])
            rows = self._rows(key)
            if rows is not None:
                return rows
        return index(self.node, key)

    def _rows(self, key: Any) -> Node | None:
        """Return some rows that are joined without the others; None where they cannot be told apart."""
        extent = self._node.shape[0]
        if not isinstance(key, slice) or not isinstance(extent, int):
            return None
        bounds = (key.start, key.stop, key.step)
        if not all(each is None or isinstance(each, int) for each in bounds):
            return None
        chosen = range(*key.indices(extent))
        rest = {each: piece for each, piece in self._pieces.items() if each[0] in chosen}
        if {len(each) for each in self._pieces} != {1} or chosen.step != 1 or not len(chosen):
            return None
        base = slice_(
            self._node, (chosen[0], *(0,) * (self._node.rank - 1)), (len(chosen), *self._node.shape[1:])
        )
        return _joined(base, {(row - chosen[0],): piece for (row,), piece in rest.items()})

    def write(self, node: Node) -> None:
        """Replace all elements, in the base too where this is a view."""
        self._check_writable()
        place, written = self, list[Place]()
        while place._is_view():
            view = place._view
            assert view is not None
            if view.put is None:
                raise TypeProblem(
                    "assignment destination is read-only: NumPy gives a view that cannot be written"
                )
            new = view.put(view.base.node, node)
            place._node = node
            written.append(place)
            place, node = view.base, new
        place._node = node
        place._pieces = {}
        place._changes += 1
        for each in written:
            each._seen = place._changes

    def assign(self, key: Any, value: Node) -> None:
        """Write a value to the part that a key names."""
        self._check_writable()
        here: Place = self
        place = _integers(key, here._node)
        while place is not None and here._view is not None and here._view.key is not None:
            place, here = (*here._view.key, *place), here._view.base
        if place is not None and here._view is None and here._take_piece(place, value):
            return
        self.write(replaced(self.node, key, value))

    def _take_piece(self, place: tuple[int, ...], value: Node) -> bool:
        """Keep a part that is written, apart from the rest; return whether that can be."""
        lead = self._node.shape[: len(place)]
        if not all(isinstance(extent, int) for extent in lead) or not place:
            return False
        if any(len(each) != len(place) for each in self._pieces):
            self._node, self._pieces = self.node, {}
        piece = fitted(cast(value, self._node.dtype), self._node.shape[len(place) :], "the chosen elements")
        self._pieces[place] = piece
        self._changes += 1
        return True

    def _check_writable(self) -> None:
        trace = active.get()
        if trace is not self.owner:
            raise TypeProblem(
                f"an array of {self.owner.name} is changed in place by a function inside it that is "
                "differentiated or mapped: return the new values from that function instead"
            )


def _integers(key: Any, node: Node) -> tuple[int, ...] | None:
    """Return the place that a key names by integers known when tracing, counted from the front; else None.

    An index outside its axis has none.
    """
    found: list[int] = []
    items = key if isinstance(key, tuple) else (key,)
    if len(items) > node.rank:
        return None
    for item, extent in zip(items, node.shape, strict=False):
        number = item
        if isinstance(item, Node):
            number = scalar_value(item) if item.rank == 0 and item.dtype == "i64" else None
        if (
            isinstance(number, bool)
            or not isinstance(number, int | np.integer)
            or not isinstance(extent, int)
        ):
            return None
        if not -extent <= number < extent:
            return None
        found.append(int(number) % extent)
    return tuple(found)


def _joined(base: Node, pieces: dict[tuple[int, ...], Node]) -> Node:
    """Return an array with pieces at their places: each run of them joined, parts of `base` between."""
    if not pieces:
        return base
    depth = len(next(iter(pieces)))
    lead: Sequence[int] = [extent for extent in base.shape[:depth] if isinstance(extent, int)]
    rest = base.shape[depth:]
    count = int(np.prod(lead, dtype=np.int64))
    flat = {int(np.ravel_multi_index(place, lead)): piece for place, piece in pieces.items()}
    rows = reshape(base, (count, *rest))
    order = sorted(flat)
    gaps = sum(b - a > 1 for a, b in zip([-1, *order], [*order, count], strict=True))
    parts: list[Node] = []
    if gaps <= max(4, len(order) // 4):
        last = -1
        for k in [*order, count]:
            if k - last > 1:
                parts.append(slice_(rows, (last + 1, *(0,) * len(rest)), (k - last - 1, *rest)))
            if k < count:
                parts.append(reshape(flat[k], (1, *rest)))
            last = k
        return reshape(concatenate(parts), base.shape)
    places = np.arange(count)
    places[order] = count + np.arange(len(order))
    joined = concatenate([rows, *(reshape(flat[k], (1, *rest)) for k in order)])
    return reshape(gather(joined, constant(places)), base.shape)
