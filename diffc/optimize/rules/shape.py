"""Broadcasts, reshapes, transposes, casts and sums: rearrangements that cancel, merge or move.

Broadcasts move towards the result, so that less is computed, and vanish into operations that broadcast
anyway. Reshapes that add axes move towards the result too; those that drop axes stay, as scalars are
cheaper than arrays of one element.
"""

from __future__ import annotations

import math

from diffc.ir import Extent, Node, broadcast_shapes, size_of
from diffc.ops import REGISTRY, Elementwise, cast, dim
from diffc.ops.arithmetic import mul, neg
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.products import matmul
from diffc.ops.reshaping import flip, reshape, transpose
from diffc.optimize.facts import number_of
from diffc.optimize.rewrite import FunctionRewrite, function_rewrite

__all__ = ["STRUCTURAL"]

_ELEMENTWISE = [name for name, op in REGISTRY.items() if isinstance(op, Elementwise)]


@function_rewrite(*_ELEMENTWISE, operands=("broadcast",))
def hoist_broadcast(node: Node) -> Node | None:
    """f(broadcast(x), y) => broadcast(f(x, y)), which is f(x, y) where y brings the shape along."""
    inputs = [each.inputs[0] if each.is_op("broadcast") else each for each in node.inputs]
    return broadcast(node.replace(inputs), node.shape)


@function_rewrite(*_ELEMENTWISE, "broadcast", operands=("reshape",))
def drop_leading_axes(node: Node) -> Node | None:
    """f(reshape(x, [1, N]), y) => f(x, y) for x of shape [N], where f broadcasts to the same shape."""
    inputs = list(node.inputs)
    for k, each in enumerate(node.inputs):
        if each.is_op("reshape"):
            inner = each.inputs[0]
            if each.shape == (1,) * (each.rank - inner.rank) + inner.shape:
                others = [o.shape for j, o in enumerate(inputs) if j != k]
                if node.is_op("broadcast") or broadcast_shapes(inner.shape, *others) == node.shape:
                    inputs[k] = inner
    result = node.replace(inputs)
    return None if result is node else result


@function_rewrite(*(name for name in _ELEMENTWISE if name != "neg"), "cast", operands=("reshape",))
def hoist_reshape(node: Node) -> Node | None:
    """f(reshape(x, [N, 1])) => reshape(f(x), [N, 1]); likewise for operands that are reshaped alike."""
    shape: tuple[Extent, ...] | None = None
    inputs: list[Node] = []
    for each in node.inputs:
        if each.is_op("reshape") and each.shape == node.shape and each.rank > each.inputs[0].rank:
            inner = each.inputs[0]
            if shape is not None and inner.shape != shape:
                return None
            shape = inner.shape
            inputs.append(inner)
        elif each.rank == 0:
            inputs.append(each)
        else:
            return None
    return None if shape is None else reshape(node.replace(inputs), node.shape)


@function_rewrite("reshape", "transpose", "matmul", operands=("neg",))
def hoist_negation(node: Node) -> Node | None:
    """reshape(-x) => -reshape(x); matmul(-x, y) => -matmul(x, y): the sign moves to what absorbs it."""
    inputs = [each.inputs[0] if each.is_op("neg") else each for each in node.inputs]
    signs = sum(each.is_op("neg") for each in node.inputs)
    return neg(node.replace(inputs)) if signs == 1 else node.replace(inputs)


@function_rewrite("reshape")
def merge_reshapes(node: Node) -> Node | None:
    """reshape(reshape(x)) => reshape(x); reshape(x) => x for the same shape; a broadcast number stays one."""
    x = node.inputs[0]
    if x.is_op("reshape", "const") or x.shape == node.shape:
        return reshape(x, node.shape)
    if x.is_op("broadcast") and x.inputs[0].rank == 0:
        return broadcast(x.inputs[0], node.shape)
    return None


@function_rewrite("broadcast")
def merge_broadcasts(node: Node) -> Node | None:
    """broadcast(broadcast(x)) => broadcast(x); broadcast(x) => x for the same shape."""
    x = node.inputs[0]
    if x.shape == node.shape:
        return x
    return broadcast(x.inputs[0], node.shape) if x.is_op("broadcast") else None


@function_rewrite("transpose")
def merge_transposes(node: Node) -> Node | None:
    """transpose(transpose(x)) => transpose(x), or x; reshape(x) where only axes of extent 1 move."""
    x, axes = node.inputs[0], node.attrs["axes"]
    if x.is_op("transpose") or axes == tuple(range(node.rank)):
        return transpose(x, axes)
    if x.is_op("broadcast") and x.inputs[0].rank == 0:
        return broadcast(x.inputs[0], node.shape)
    moved = [axis for axis in axes if x.shape[axis] != 1]
    return reshape(x, node.shape) if moved == sorted(moved) else None


@function_rewrite("matmul")
def outer_product(node: Node) -> Node | None:
    """matmul(x, y) => x*y for a column x and a row y."""
    x, y = node.inputs
    return mul(x, y) if x.shape[-1] == 1 else None


@function_rewrite("flip", operands=("flip", "broadcast"))
def merge_flips(node: Node) -> Node | None:
    """flip(flip(x)) => flip(x) along the axes that only one of them turns; a broadcast number stays one."""
    x, axes = node.inputs[0], set(node.attrs["axes"])
    if x.is_op("flip"):
        return flip(x.inputs[0], sorted(axes ^ set(x.attrs["axes"])))
    return x if x.inputs[0].rank == 0 else None


@function_rewrite("cast")
def merge_casts(node: Node) -> Node | None:
    """cast(cast(x)) => cast(x), where the dtype between loses nothing; cast(x) => x for the same dtype."""
    x = node.inputs[0]
    if x.dtype == node.dtype:
        return x
    if x.is_op("broadcast"):
        return broadcast(cast(x.inputs[0], node.dtype), node.shape)
    if x.is_op("cast"):
        kept = x.inputs[0].dtype == "bool" or (x.inputs[0].dtype, x.dtype) == ("f32", "f64")
        return cast(x.inputs[0], node.dtype) if kept else None
    return None


@function_rewrite("sum")
def merge_sums(node: Node) -> Node | None:
    """sum(sum(x)) => sum(x) over the axes of both; sum(x) => x without axes."""
    x, axes = node.inputs[0], node.attrs["axes"]
    if not axes:
        return x
    if x.is_op("sum"):
        inner = x.attrs["axes"]
        left = [k for k in range(x.inputs[0].rank) if k not in inner]
        return sum_(x.inputs[0], sorted({*inner, *(left[k] for k in axes)}))
    units = [k for k in axes if x.shape[k] == 1]
    if units:
        shape = [extent for k, extent in enumerate(x.shape) if k not in units]
        rest = [k - sum(u < k for u in units) for k in axes if k not in units]
        return sum_(reshape(x, shape), rest)
    return None


@function_rewrite("sum", operands=("transpose",))
def sum_of_transpose(node: Node) -> Node | None:
    """sum(transpose(x), axis=0) => sum(x, axis=1) for two axes; the rest of more keeps its order."""
    order = node.inputs[0].attrs["axes"]
    axes = sorted(order[k] for k in node.attrs["axes"])
    left = [axis for k, axis in enumerate(order) if k not in node.attrs["axes"]]
    return transpose(sum_(node.inputs[0].inputs[0], axes), [sorted(left).index(axis) for axis in left])


@function_rewrite("sum", operands=("broadcast",))
def sum_of_broadcast(node: Node) -> Node | None:
    """sum(broadcast(x, [N])) => N*x, for a static N > 0 or a finite constant x."""
    repeated, axes = node.inputs[0], node.attrs["axes"]
    x = repeated.inputs[0]
    missing = repeated.rank - x.rank
    if any(k >= missing and x.shape[k - missing] == repeated.shape[k] for k in axes):
        return None
    count = size_of(tuple(repeated.shape[k] for k in axes))
    rest = reshape(x, [e for k, e in enumerate(x.shape, missing) if k not in axes])
    if isinstance(count, int):
        return broadcast(mul(count, rest), node.shape) if 0 < count < 2**31 else None
    number = number_of(x)
    if number is None or not math.isfinite(number) or number != int(number) or abs(number) > 2**31:
        return None
    # In integers, so that the sum of no elements is 0 and not -0 for a negative number.
    return broadcast(cast(mul(int(number), dim(count)), node.dtype), node.shape)


@function_rewrite("sum", operands=("matmul",))
def sum_of_product(node: Node) -> Node | None:
    """sum(x @ y, axis=1) => x @ sum(y, axis=1), sum(x @ y, axis=0) => sum(x, axis=0) @ y, in batches too.

    Only over axes that are known not to be empty.
    """
    product = node.inputs[0]
    x, y = product.inputs
    rows, columns = product.rank - 2, product.rank - 1
    summed = [product.shape[k] for k in node.attrs["axes"] if k in (rows, columns)]
    # The sum of nothing is 0; the sum of an empty factor would meet what is infinite or NaN in the other.
    filled = all(isinstance(extent, int) and extent > 0 for extent in summed)
    if not filled or all(extent == 1 for extent in summed):
        return None
    if columns in node.attrs["axes"]:
        y = reshape(sum_(y, [columns]), (*y.shape[:-1], 1))
    if rows in node.attrs["axes"]:
        x = reshape(sum_(x, [rows]), (*x.shape[:-2], 1, x.shape[-1]))
    return sum_(matmul(x, y), node.attrs["axes"])


STRUCTURAL: tuple[FunctionRewrite, ...] = (
    merge_reshapes,
    merge_broadcasts,
    merge_transposes,
    outer_product,
    merge_flips,
    merge_casts,
    merge_sums,
    sum_of_transpose,
    sum_of_broadcast,
    sum_of_product,
    hoist_broadcast,
    drop_leading_axes,
    hoist_reshape,
    hoist_negation,
)
