"""Which axes of a program's values go together, and along which of them it can be cut into blocks.

Two axes are one class where an operation reads and writes them in step: the rows of a matrix product and
those of its left factor, every axis of elementwise operands. Along a class the program can be cut into blocks
if each operation either carries the axis through or reduces it by a sum, a product or a maximum; an
operation that relates different places of an axis (a slice, a recurrence, a gather from it) breaks the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from diffc.ir import Extent, Graph, Node
from diffc.ops import Elementwise

__all__ = ["REDUCTIONS", "AxisClasses", "Place"]

Place: TypeAlias = tuple[Node, int]
"""One axis of one value."""

REDUCTIONS: Mapping[str, str] = {
    "sum": "add", "matmul": "add", "scatter_add": "add", "prod": "mul", "max": "max", "any": "max",
}  # fmt: skip
"""How the results of the blocks are combined, for each operation that reduces an axis."""


class AxisClasses:
    """The classes of the axes of a graph's values: a union-find over (value, axis). Linear in the graph."""

    def __init__(self, graph: Graph) -> None:
        """Join the axes that each operation carries through, and break the classes that it mixes up."""
        self._parent: dict[Place, Place] = {}
        self._broken: set[Place] = set()
        for node in graph.nodes:
            rule = _RULES.get(node.op.name)
            if rule is None:
                rule = _elementwise if isinstance(node.op, Elementwise) else _unknown
            rule(self, node)
        for node in graph.nodes:
            seen: set[Place] = set()
            for axis, extent in enumerate(node.shape):
                root = self.find((node, axis))
                if root in seen and extent != 1:
                    self.break_(root)
                seen.add(root)

    def find(self, place: Place) -> Place:
        """Return the representative of an axis's class."""
        path: list[Place] = []
        while (parent := self._parent.get(place, place)) != place:
            path.append(place)
            place = parent
        for each in path:
            self._parent[each] = place
        return place

    def join(self, a: Place, b: Place) -> None:
        """Make two axes of one extent one class; axes of extent 1 stay by themselves."""
        if _extent(a) == 1 and _extent(b) == 1:
            return
        if _extent(a) != _extent(b):
            self.break_(a)
            self.break_(b)
            return
        a, b = self.find(a), self.find(b)
        if a != b:
            self._parent[a] = b
            if a in self._broken:
                self._broken.add(b)

    def break_(self, place: Place) -> None:
        """Note that blocks along this axis do not compute what the whole does."""
        self._broken.add(self.find(place))

    def whole(self, place: Place) -> bool:
        """Whether the program can be cut into blocks along this axis."""
        return self.find(place) not in self._broken


def _extent(place: Place) -> Extent:
    return place[0].shape[place[1]]


# How each operation relates the axes of its inputs to those of its result.


def _elementwise(classes: AxisClasses, node: Node) -> None:
    for operand in node.inputs:
        missing = node.rank - operand.rank
        for axis, extent in enumerate(operand.shape):
            if extent == node.shape[axis + missing]:
                classes.join((operand, axis), (node, axis + missing))


def _transpose(classes: AxisClasses, node: Node) -> None:
    for axis, source in enumerate(node.attrs["axes"]):
        classes.join((node.inputs[0], source), (node, axis))


def _reduction(classes: AxisClasses, node: Node) -> None:
    (x,) = node.inputs
    kept = [axis for axis in range(x.rank) if axis not in node.attrs["axes"]]
    for axis, source in enumerate(kept):
        classes.join((x, source), (node, axis))


def _normalisation(classes: AxisClasses, node: Node) -> None:
    (x,) = node.inputs
    axes = node.attrs["axes"]
    _break_all(classes, [(x, axis) for axis in axes])
    if node.rank == x.rank:
        for axis in range(x.rank):
            classes.join((x, axis), (node, axis))
    else:
        _reduction(classes, node)


def _reshape(classes: AxisClasses, node: Node) -> None:
    """Join the axes that stand alone: those with equal extents, and equal products before them."""
    (x,) = node.inputs
    left, right = _offsets(x.shape), _offsets(node.shape)
    matched = {key: axis for axis, key in enumerate(left) if key is not None}
    sources: set[int] = set()
    for axis, key in enumerate(right):
        if key is not None and key in matched:
            classes.join((x, matched[key]), (node, axis))
            sources.add(matched[key])
        elif node.shape[axis] != 1:
            classes.break_((node, axis))
    _break_all(classes, [(x, k) for k, extent in enumerate(x.shape) if k not in sources and extent != 1])


def _offsets(shape: tuple[Extent, ...]) -> list[tuple[Extent, Extent] | None]:
    before: Extent = 1
    found: list[tuple[Extent, Extent] | None] = []
    for extent in shape:
        found.append((before, extent) if extent != 1 else None)
        before = before * extent
    return found


def _matmul(classes: AxisClasses, node: Node) -> None:
    a, b = node.inputs
    for axis in range(node.rank - 2):
        classes.join((a, axis), (node, axis))
        classes.join((b, axis), (node, axis))
    rows, columns = node.rank - 2, node.rank - 1
    classes.join((a, rows), (node, rows))
    classes.join((b, columns), (node, columns))
    classes.join((a, columns), (b, rows))


def _gather(classes: AxisClasses, node: Node) -> None:
    x, indices = node.inputs
    classes.break_((x, 0))
    for axis in range(indices.rank):
        classes.join((indices, axis), (node, axis))
    for axis in range(1, x.rank):
        classes.join((x, axis), (node, axis + indices.rank - 1))


def _scatter_add(classes: AxisClasses, node: Node) -> None:
    base, indices, rows = node.inputs
    _break_all(classes, [(base, 0), (node, 0)])
    for axis in range(indices.rank):
        classes.join((indices, axis), (rows, axis))
    for axis in range(1, base.rank):
        classes.join((base, axis), (node, axis))
        classes.join((rows, axis + indices.rank - 1), (node, axis))


def _along(changed: Callable[[Node], Iterable[int]]) -> Callable[[AxisClasses, Node], None]:
    """Return the rule of an operation that keeps the axes but mixes up the places of some."""

    def rule(classes: AxisClasses, node: Node) -> None:
        mixed = set(changed(node))
        for operand in node.inputs:
            for axis in range(node.rank):
                if axis in mixed:
                    _break_all(classes, [(operand, axis), (node, axis)])
                else:
                    classes.join((operand, axis), (node, axis))

    return rule


def _sliced(node: Node) -> list[int]:
    return [axis for axis, extent in enumerate(node.inputs[0].shape) if node.shape[axis] != extent]


def _padded(node: Node) -> list[int]:
    a = node.attrs
    return [k for k, each in enumerate(zip(a["lows"], a["highs"], a["gaps"], strict=True)) if any(each)]


def _leaf(classes: AxisClasses, node: Node) -> None:
    """Leave the axes of an input, a constant or `iota` by themselves."""


def _unknown(classes: AxisClasses, node: Node) -> None:
    for each in (*node.inputs, node):
        _break_all(classes, [(each, axis) for axis in range(each.rank)])


def _break_all(classes: AxisClasses, places: Iterable[Place]) -> None:
    for place in places:
        classes.break_(place)


_RULES: Mapping[str, Callable[[AxisClasses, Node], None]] = {
    "input": _leaf, "const": _leaf, "iota": _leaf, "dim": _leaf,
    "cast": _elementwise, "broadcast": _elementwise, "transpose": _transpose, "reshape": _reshape,
    "matmul": _matmul,
    "sum": _reduction, "prod": _reduction, "max": _reduction, "any": _reduction,
    "logsumexp": _normalisation, "softmax": _normalisation,
    "gather": _gather, "scatter_add": _scatter_add,
    "flip": _along(lambda node: node.attrs["axes"]), "recurrence": _along(lambda node: (0,)),
    "half_exponents": _along(lambda node: (0,)), "prod_of_others": _along(lambda node: (0,)),
    "concatenate": _along(lambda node: (node.attrs["axis"],)),
    "slice": _along(_sliced), "pad": _along(_padded),
}  # fmt: skip
