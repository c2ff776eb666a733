"""Parts of arrays: slice and its transpose pad; concatenate, whose transposes are slices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Dim, Extent, Node, Type, promote, shown
from diffc.ops.base import Array, Linear, register
from diffc.ops.broadcasting import with_leading_axis
from diffc.ops.elementwise import cast
from diffc.ops.reshaping import expand_dims, normal_axis, reshape

__all__ = ["concatenate", "index", "pad", "slice_", "stack"]


@register
class slice_op(Linear):
    """Elements start, start+step, ... of each axis; `sizes` many."""

    name = "slice"
    summary = "the elements start, start+step, ... of each axis"
    cost = 0
    moves = True
    rearranges = True
    keeps_sign = "positive"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type of the part; where extents are integers the part must lie inside."""
        shape = types[0].shape
        for axis, (start, size, step) in enumerate(
            zip(attrs["starts"], attrs["sizes"], attrs["steps"], strict=True)
        ):
            last = start + (size - 1) * step
            outside = isinstance(last - shape[axis], int) and last - shape[axis] >= 0
            if (outside and size != 0) or (isinstance(start, int) and start < 0) or step < 1:
                raise self.problem(types, f"the part {start}:{last + 1}:{step} of axis {axis} lies outside")
        return types[0].with_shape(attrs["sizes"])

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return the basic slice."""
        parts = zip(attrs["starts"], attrs["sizes"], attrs["steps"], strict=True)
        return arrays[0][tuple(slice(start, start + size * step, step) for start, size, step in parts)]

    def requirements(self, node: Node) -> Iterator[tuple[Extent, str]]:
        """Ask that every part lies inside, unless it has no elements."""
        a = node.attrs
        parts = zip(node.inputs[0].shape, a["starts"], a["sizes"], a["steps"], strict=True)
        for axis, (extent, start, size, step) in enumerate(parts):
            last = start + (size - 1) * step
            # Where the part is empty nothing is read: then its size, a factor, makes the polynomial 0.
            times = 1 if isinstance(size, int) and size > 0 else size
            yield times * start, f"a part of axis {axis} of {shown(node.inputs[0])} starts at {start}"
            read = f"element {last} of axis {axis} of {shown(node.inputs[0])} is read"
            yield times * (extent - last - 1), read

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Put the cotangent where the part was, zeros around it."""
        lows, highs, steps = node.attrs["starts"], [], node.attrs["steps"]
        for extent, start, size, step in zip(node.inputs[0].shape, lows, node.shape, steps, strict=True):
            highs.append(extent - start - (size - 1) * step - 1 if step != 1 else extent - start - size)
        return pad(cotangent, lows, highs, [step - 1 for step in steps])

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Take the whole new axis."""
        a = node.attrs
        return slice_(inputs[0], (0, *a["starts"]), (inputs[0].shape[0], *a["sizes"]), (1, *a["steps"]))


def slice_(
    x: Node, starts: Sequence[Extent], sizes: Sequence[Extent], steps: Sequence[int] | None = None
) -> Node:
    """Return the part of `x` with these starts and sizes, every step-th element."""
    steps = tuple(steps or (1,) * x.rank)
    if tuple(sizes) == x.shape and all(step == 1 for step in steps):
        return x
    return Node.make(slice_op, (x,), {"starts": tuple(starts), "sizes": tuple(sizes), "steps": steps})


def index(x: Node, position: Extent, axis: int = 0) -> Node:
    """Return `x` at one position of an axis, which is dropped; a negative integer counts from the end."""
    axis = normal_axis(axis, x.rank, "indexing")
    extent = x.shape[axis]
    if isinstance(position, int):
        if isinstance(extent, int) and not -extent <= position < extent:
            raise TypeProblem(f"the index {position} is outside axis {axis} of {x.type}")
        if position < 0:
            position = extent + position
    starts: list[Extent] = [0] * x.rank
    sizes = list(x.shape)
    starts[axis], sizes[axis] = position, 1
    return reshape(slice_(x, starts, sizes), x.shape[:axis] + x.shape[axis + 1 :])


@register
class pad_op(Linear):
    """Zeros before, after and between the elements of each axis; negative numbers cut, symbols never do."""

    name = "pad"
    summary = "zeros before, after and between the elements of each axis; negative amounts cut"
    moves = True
    keeps_sign = "nonnegative"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the type of the padded array."""
        shape: list[Extent] = []
        for extent, low, high, gap in zip(
            types[0].shape, attrs["lows"], attrs["highs"], attrs["gaps"], strict=True
        ):
            spread = extent + (extent - 1) * gap if gap else extent
            shape.append(low + spread + high)
        return types[0].with_shape(tuple(shape))

    def requirements(self, node: Node) -> Iterator[tuple[Extent, str]]:
        """Ask that symbolic amounts are not negative."""
        for amount in (*node.attrs["lows"], *node.attrs["highs"]):
            if isinstance(amount, Dim):
                yield amount, f"a padding has the amount {amount}"

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Place the elements that remain inside; zeros elsewhere."""
        (x,) = arrays
        lows, highs, gaps = attrs["lows"], attrs["highs"], attrs["gaps"]
        shape = [
            low + (n + (n - 1) * gap) + high
            for n, low, high, gap in zip(x.shape, lows, highs, gaps, strict=True)
        ]
        result = np.zeros(shape, x.dtype)
        source, target = [], []
        for n, extent, low, gap in zip(x.shape, shape, lows, gaps, strict=True):
            places = low + np.arange(n) * (gap + 1)
            inside = np.flatnonzero((places >= 0) & (places < extent))
            source.append(inside)
            target.append(places[inside])
        result[np.ix_(*target)] = x[np.ix_(*source)]
        return result

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Take the elements back: leave what was added, add zeros for what was cut, skip the gaps."""
        shape, lows, highs, gaps = (
            node.inputs[0].shape,
            *(node.attrs[key] for key in ("lows", "highs", "gaps")),
        )
        # A slice takes the elements from where they stand; where some were cut, zeros come in their places.
        cut = [_is_cut(low) or _is_cut(high) for low, high in zip(lows, highs, strict=True)]
        before = [-low if c else 0 for c, low in zip(cut, lows, strict=True)]
        after = [-high if c else 0 for c, high in zip(cut, highs, strict=True)]
        starts = [0 if c else low for c, low in zip(cut, lows, strict=True)]
        return slice_(pad(cotangent, before, after), starts, shape, [gap + 1 for gap in gaps])

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Leave the new axis alone."""
        a = node.attrs
        return pad(inputs[0], (0, *a["lows"]), (0, *a["highs"]), (0, *a["gaps"]))


def _is_cut(amount: Extent) -> bool:
    return isinstance(amount, int) and amount < 0


def pad(x: Node, lows: Sequence[Extent], highs: Sequence[Extent], gaps: Sequence[int] | None = None) -> Node:
    """Return `x` with zeros before, after and between its elements along each axis."""
    lows, highs, gaps = tuple(lows), tuple(highs), tuple(gaps or (0,) * x.rank)
    if not any(each != 0 for each in (*lows, *highs, *gaps)):
        return x
    return Node.make(pad_op, (x,), {"lows": lows, "highs": highs, "gaps": gaps})


@register
class concatenate_op(Linear):
    """Arrays one after the other along an axis."""

    name = "concatenate"
    summary = "arrays one after the other along an axis"
    moves = True
    rearranges = True

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Add up the extents along the axis; the others must agree."""
        axis = attrs["axis"]
        first = types[0]
        total: Extent = 0
        for each in types:
            same = each.rank == first.rank and each.dtype == first.dtype
            if not same or any(
                a != b for k, (a, b) in enumerate(zip(each.shape, first.shape, strict=True)) if k != axis
            ):
                raise self.problem(types, f"the dtypes and the shapes off axis {axis} must agree")
            total = total + each.shape[axis]
        return first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :]))

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Return numpy.concatenate."""
        return np.concatenate(arrays, attrs["axis"])

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Take the input's part of the cotangent."""
        axis = node.attrs["axis"]
        start: Extent = 0
        for each in node.inputs[:position]:
            start = start + each.shape[axis]
        starts: list[Extent] = [0] * node.rank
        starts[axis] = start
        return slice_(cotangent, starts, node.inputs[position].shape)

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Concatenate one axis further right, inputs without the new axis repeated along it."""
        whole = with_leading_axis(inputs, batched)
        return Node.make(concatenate_op, whole, {"axis": node.attrs["axis"] + 1})


def concatenate(parts: Sequence[Node], axis: int = 0) -> Node:
    """Return the arrays one after the other along an axis, brought to one dtype."""
    if not parts:
        raise TypeProblem("concatenate: there is nothing to concatenate")
    if parts[0].rank == 0:
        raise TypeProblem("concatenate: scalars have no axis; use stack")
    dtype = promote(*(each.dtype for each in parts))
    parts = [cast(each, dtype) for each in parts]
    axis = normal_axis(axis, parts[0].rank, "concatenate")
    return parts[0] if len(parts) == 1 else Node.make(concatenate_op, parts, {"axis": axis})


def stack(parts: Sequence[Node], axis: int = 0) -> Node:
    """Return arrays of one shape joined along a new axis."""
    if not parts:
        raise TypeProblem("stack: there is nothing to stack")
    if any(each.shape != parts[0].shape for each in parts):
        raise TypeProblem(f"stack: the shapes differ: {', '.join(str(each.type) for each in parts)}")
    axis = normal_axis(axis, parts[0].rank + 1, "stack")
    return concatenate([expand_dims(each, (axis,)) for each in parts], axis)
