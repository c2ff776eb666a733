"""Rows: where lanes lie a row apart, stores or loads of neighbouring columns become those of whole rows.

    y[i, 0] = a; y[i, 1] = b; ...  with i along the lanes  =>  the vectors a, b, ... are transposed and stored

Element by element, eight lanes of eight columns take 64 stores; as rows they take 8, and 24 shuffles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from diffc.emit.interface import Emitter, Value
from diffc.ir import Extent
from diffc.loops.form import Block
from diffc.loops.places import Affine, Axis, Buffer, Index, flattened
from diffc.loops.statements import Load, Store
from diffc.loops.walk import walk

__all__ = ["Rows"]

Address = Callable[[Load | Store, int], Value]
"""Returns where the element of a lane lies that a statement reads or writes."""

IsNonTemporal = Callable[[Buffer, Index, int], bool]
"""Tells whether so many elements from a place on are written by non-temporal stores."""


@dataclass
class _Group:
    """Statements for neighbouring columns, in order, and the values of those that came by."""

    columns: list[Load | Store]
    values: dict[Load | Store, Value] = field(default_factory=dict[Load | Store, Value])


class Rows:
    """The groups of one vector loop."""

    def __init__(self, e: Emitter, body: Block, axis: Axis, lanes: int) -> None:
        """Find the groups among the statements of a loop's body whose lanes run over an axis."""
        self.e = e
        self.lanes = lanes
        items = [item for item, _ in walk(body)]
        loads = [item for item in items if isinstance(item, Load)]
        stores = [item for item in items if isinstance(item, Store)]
        read, written = ({item.buffer.root for item in each} for each in (loads, stores))
        once = [[item for item in loads if item.buffer.root not in written]]
        once += [[item for item in stores if item.buffer.root not in read]]
        self._groups: dict[Load | Store, _Group] = {}
        for found in once:
            for columns in _neighbours(found, axis, lanes):
                group = _Group(columns)
                self._groups.update(dict.fromkeys(columns, group))

    def load(self, item: Load, address: Address) -> Value | None:
        """Return the lanes' elements, from the rows of its group; None for a load without one."""
        group = self._groups.get(item)
        if group is None:
            return None
        if not group.values:
            kind = item.buffer.type.dtype
            rows = [
                self.e.load(address(group.columns[0], lane), kind, self.lanes) for lane in range(self.lanes)
            ]
            columns = _transposed(self.e, rows)
            group.values = dict(zip(group.columns, columns, strict=True))
        return group.values.pop(item)

    def store(self, item: Store, value: Value, address: Address, is_non_temporal: IsNonTemporal) -> bool:
        """Keep the lanes' elements, and write the rows of the group with its last; False without a group."""
        group = self._groups.get(item)
        if group is None:
            return False
        group.values[item] = value
        width = len(group.columns)
        if len(group.values) == width:
            vectors = _transposed(self.e, [group.values[each] for each in group.columns])
            group.values = {}
            for lane in range(self.lanes):
                place, start = divmod(lane * width, self.lanes)
                vector = vectors[place]
                if width < self.lanes:
                    vector = self.e.shuffle(vector, range(start, start + width))
                first = group.columns[0]
                if is_non_temporal(first.buffer, first.index, width):
                    self.e.store_non_temporal(vector, address(first, lane))
                else:
                    self.e.store(vector, address(first, lane))
        return True


def _neighbours(items: Sequence[Load | Store], axis: Axis, lanes: int) -> Iterator[list[Load | Store]]:
    """Yield lists of statements for neighbouring columns: as many as there are lanes; fewer for stores."""
    times = Counter(item.buffer.root for item in items)
    rows: dict[tuple[Buffer, Extent, tuple[tuple[Axis, Extent], ...]], dict[int, Load | Store]] = {}
    for item in items:
        flat = flattened(item.index, item.buffer.type.shape)
        distance = dict(flat.terms).get(axis, 0)
        if _lies_apart(flat, distance) and isinstance(flat.constant, int) and _is_plain(item):
            rows.setdefault((item.buffer, distance, flat.terms), {})[flat.constant] = item
    for (buffer, distance, _), row in rows.items():
        # Where a buffer is also written otherwise, or one place twice, the order of the stores counts.
        if len(row) == times[buffer.root] or isinstance(next(iter(row.values())), Load):
            yield from _runs(row, lanes, distance)


def _runs(row: dict[int, Load | Store], lanes: int, distance: Extent) -> Iterator[list[Load | Store]]:
    """Yield the groups of one row: runs of columns, as long as a vector or a power of two below it."""
    left = sorted(row)
    while left:
        start = left[0]
        run = next((k for k, at in enumerate(left) if at != start + k), len(left))
        width = min(lanes, 1 << (run.bit_length() - 1))
        is_load = isinstance(row[start], Load)
        overlaps = isinstance(distance, int) and abs(distance) < width
        if width > 1 and not overlaps and not (is_load and width < lanes):
            yield [row[at] for at in left[:width]]
        left = left[width:]


def _lies_apart(flat: Affine, distance: Extent) -> bool:
    return flat.dynamic is None and distance not in (0, 1)


def _is_plain(item: Load | Store) -> bool:
    kind = item.buffer.type.dtype
    return kind in ("f64", "f32") and not (isinstance(item, Store) and item.accumulate is not None)


def _transposed(e: Emitter, vectors: Sequence[Value]) -> list[Value]:
    """Return the elements of vectors lane by lane: all of lane 0, all of lane 1, ..., in as many vectors."""
    found = list(vectors)
    lanes = found[0].lanes
    zips = [[lane // 2 + start + lanes * (lane % 2) for lane in range(lanes)] for start in (0, lanes // 2)]
    half = len(found) // 2
    for _ in range(half.bit_length()):
        pairs = zip(found[:half], found[half:], strict=True)
        found = [e.shuffle(left, indices, right) for left, right in pairs for indices in zips]
    return found
