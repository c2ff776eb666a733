"""Parts of arrays: slices, concatenations and pads that meet."""

from __future__ import annotations

from collections.abc import Sequence

from diffc.ir import Extent, Node
from diffc.ops.broadcasting import broadcast, zeros
from diffc.ops.slicing import pad, slice_
from diffc.optimize.facts import number_of
from diffc.optimize.rewrite import FunctionRewrite, function_rewrite

__all__ = ["STRUCTURAL"]

_MAX_PARTS = 256
"""Parts of unequal extent are searched one by one; a concatenation of more is left alone."""


@function_rewrite("slice")
def whole_slice(node: Node) -> Node | None:
    """x[:] => x."""
    x, attrs = node.inputs[0], node.attrs
    return x if node.shape == x.shape and all(step == 1 for step in attrs["steps"]) else None


@function_rewrite("slice", operands=("slice",))
def slice_of_slice(node: Node) -> Node | None:
    """x[2:][3:] => x[5:]."""
    x, inner, outer = node.inputs[0].inputs[0], node.inputs[0].attrs, node.attrs
    triples = list(zip(inner["starts"], inner["steps"], outer["starts"], outer["steps"], strict=True))
    starts = [a + s * b for a, s, b, _ in triples]
    ends = [start + (size - 1) * s * t - extent for start, size, extent, (_, s, _, t) in
            zip(starts, node.shape, x.shape, triples, strict=True)]  # fmt: skip
    # Where one of these is known to lie outside only an empty part can be meant, of an extent that is not.
    if any(isinstance(start, int) and start < 0 for start in starts):
        return None
    if any(isinstance(end, int) and end >= 0 for end in ends):
        return None
    return slice_(x, starts, node.shape, [s * t for _, s, _, t in triples])


@function_rewrite("slice", operands=("broadcast",))
def slice_of_broadcast(node: Node) -> Node | None:
    """broadcast(x, [N])[2:5] => broadcast(x, [3])."""
    wide, attrs = node.inputs[0], node.attrs
    x = wide.inputs[0]
    missing = wide.rank - x.rank
    kept = [x.shape[k] == wide.shape[k + missing] for k in range(x.rank)]
    starts = [attrs["starts"][k + missing] if keep else 0 for k, keep in enumerate(kept)]
    sizes = [attrs["sizes"][k + missing] if keep else 1 for k, keep in enumerate(kept)]
    steps = [attrs["steps"][k + missing] if keep else 1 for k, keep in enumerate(kept)]
    return broadcast(slice_(x, starts, sizes, steps), node.shape)


@function_rewrite("slice", operands=("concatenate",))
def slice_of_concatenate(node: Node) -> Node | None:
    """concatenate([x, y])[k:m] => the slice of the one part in which it lies; stack([x, y])[1] => y."""
    joined, attrs = node.inputs[0], node.attrs
    axis = joined.attrs["axis"]
    start, size = attrs["starts"][axis], attrs["sizes"][axis]
    if attrs["steps"][axis] != 1:
        return None
    parts = joined.inputs
    if size == 1 and joined.shape[axis] == len(parts) and isinstance(start, int):
        if all(each.shape[axis] == 1 for each in parts[: start + 1]):
            return _moved(node, parts[start], axis, 0)
    elif len(parts) > _MAX_PARTS:
        return None
    offset: Extent = 0
    for part in parts:
        shift = start - offset
        over = shift + size - part.shape[axis]
        if isinstance(shift, int) and shift >= 0 and isinstance(over, int) and over <= 0:
            return _moved(node, part, axis, shift)
        offset = offset + part.shape[axis]
    return None


def _moved(node: Node, x: Node, axis: int, start: Extent) -> Node:
    starts = list(node.attrs["starts"])
    starts[axis] = start
    return slice_(x, starts, node.shape, node.attrs["steps"])


@function_rewrite("slice", operands=("pad",))
def slice_of_pad(node: Node) -> Node | None:
    """pad(x)[part] => x[part] where the part lies inside x, and zeros where it lies outside."""
    padded, attrs = node.inputs[0], node.attrs
    x = padded.inputs[0]
    if any(padded.attrs["gaps"]):
        return None
    starts: list[Extent] = []
    inside = True
    for axis, (start, size, step) in enumerate(
        zip(attrs["starts"], attrs["sizes"], attrs["steps"], strict=True)
    ):
        first = start - padded.attrs["lows"][axis]
        last = first + (size - 1) * step
        beyond = last - x.shape[axis]
        past = first - x.shape[axis]
        if (isinstance(last, int) and last < 0) or (isinstance(past, int) and past >= 0):
            return zeros(node.type)
        inside = inside and isinstance(first, int) and first >= 0 and isinstance(beyond, int) and beyond < 0
        starts.append(first)
    return slice_(x, starts, node.shape, attrs["steps"]) if inside else None


@function_rewrite("pad", operands=("pad", "broadcast"))
def merge_pads(node: Node) -> Node | None:
    """pad(pad(x)) => pad(x) where neither cuts or spreads; the pad of zeros is zeros."""
    x, attrs = node.inputs[0], node.attrs
    if x.is_op("broadcast"):
        number = number_of(x)
        return zeros(node.type) if number is not None and number == 0 else None
    if any((*attrs["gaps"], *x.attrs["gaps"])) or not (_adds(attrs) and _adds(x.attrs)):
        return None
    lows = [a + b for a, b in zip(attrs["lows"], x.attrs["lows"], strict=True)]
    return pad(x.inputs[0], lows, [a + b for a, b in zip(attrs["highs"], x.attrs["highs"], strict=True)])


def _adds(attrs: object) -> bool:
    amounts: Sequence[Extent] = (*attrs["lows"], *attrs["highs"])  # pyright: ignore
    return all(isinstance(each, int) and each >= 0 for each in amounts)


@function_rewrite("concatenate")
def concatenate_of_slices(node: Node) -> Node | None:
    """concatenate([x[:2], x[2:]]) => x; parts that are one number are that number, broadcast."""
    axis, parts = node.attrs["axis"], node.inputs
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    if first.is_op("slice"):
        return _source(node, first, axis)
    if first.is_op("broadcast") and number_of(first) is not None:
        same = all(each.is_op("broadcast") and each.inputs[0] is first.inputs[0] for each in parts)
        return broadcast(first.inputs[0], node.shape) if same else None
    return None


def _source(node: Node, first: Node, axis: int) -> Node | None:
    source, starts = first.inputs[0], list(first.attrs["starts"])
    if any(step != 1 for step in first.attrs["steps"]):
        return None
    for part in node.inputs:
        if not part.is_op("slice") or part.inputs[0] is not source or part.attrs["starts"] != tuple(starts):
            return None
        if part.attrs["steps"] != first.attrs["steps"]:
            return None
        starts[axis] = starts[axis] + part.shape[axis]
    return slice_(source, first.attrs["starts"], node.shape)


STRUCTURAL: tuple[FunctionRewrite, ...] = (
    whole_slice,
    slice_of_slice,
    slice_of_broadcast,
    slice_of_concatenate,
    slice_of_pad,
    merge_pads,
    concatenate_of_slices,
)
