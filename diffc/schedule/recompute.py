"""Recomputation: what costs no more to compute again than to load is not kept in memory.

    d = x - mean; y = w @ d; ...; g = r @ transpose(d)   =>   both products read x and mean

Readers compute such a value where they are. It is read through like a view.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from diffc.ir import Node
from diffc.ops import Elementwise
from diffc.ops.broadcasting import broadcast_op, sum_op
from diffc.ops.elementwise import cast_op
from diffc.ops.products import matmul_op
from diffc.ops.reductions import amax, prod_op
from diffc.schedule.products import inlined, is_dot
from diffc.schedule.routines import is_routine
from diffc.schedule.views import VIEWS, Index, resolve

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["recomputed"]

CHEAP = 2
"""Up to this cost operations are no slower than a load."""

LARGE = 1 << 12
"""From so many elements on, and where nobody knows their number, memory counts."""

FEW_TIMES = 16
"""A product may read an element so many times over: most of them side by side."""

SHARE = 8
"""An operand that is smaller than the value by this factor may be kept in memory for it."""


def recomputed(s: Scheduler) -> set[Node]:
    """Return the values that every reader computes for itself."""
    nodes = s.graph.nodes
    if not any(map(_is_large, nodes)):
        return set()
    kept = s.copied | set(s.graph.outputs)
    for node in reversed(nodes):
        kept.update(each for each in node.inputs if not _computes_again(s, node, each, kept))
    costs: dict[Node, int] = {}
    for node in nodes:
        if node not in kept and _gains(s, node, costs):
            costs[node] = _cost(s, node, costs)
    return set(costs)


def _is_large(node: Node) -> bool:
    return not isinstance(node.type.size, int) or node.type.size >= LARGE


def _computes_again(s: Scheduler, reader: Node, node: Node, kept: set[Node]) -> bool:
    """Tell whether a reader can compute a value anew, not many times over. Its own readers are known."""
    op = reader.op
    if op in VIEWS:
        return reader not in kept and op is not broadcast_op and not s.is_alias(reader)
    if op is matmul_op:
        return inlined(s, reader) and _reads_few_times(s, reader, node)
    if isinstance(op, Elementwise) or op is cast_op:
        return reader.type.size == node.type.size
    return op in (sum_op, prod_op, amax)


def _reads_few_times(s: Scheduler, product: Node, factor: Node) -> bool:
    a, b = product.inputs
    rows, columns = product.shape[-2:]
    times = [rows] if factor is b else []
    if factor is a:
        if columns != 1 and not is_dot(s, product):
            return False
        times.append(columns)
    return all(isinstance(each, int) and each <= FEW_TIMES for each in times)


def _gains(s: Scheduler, node: Node, costs: Mapping[Node, int]) -> bool:
    """Tell whether computing a value reads no more memory than loading it would."""
    is_number = node.dtype in ("f64", "f32") and all(each.dtype == node.dtype for each in node.inputs)
    if not (isinstance(node.op, Elementwise) and is_number and _is_large(node)):
        return False
    if _cost(s, node, costs) > CHEAP:
        return False
    reads = [resolve(each, s.aligned(each, node.shape), s.is_base) for each in node.inputs]
    whole = [base for base, _ in reads if not _is_small(base, node)]
    return (
        len(whole) <= 1
        and all(base in costs or _is_stored(s, base) for base in whole)
        and all(_lies_well(index, node.rank - 1) for _, index in reads)
    )


def _cost(s: Scheduler, node: Node, costs: Mapping[Node, int]) -> int:
    """Return the cost of an element, with those of operands that are computed again."""
    return node.op.cost + sum(costs.get(s.base(each)[0], 0) for each in node.inputs)


def _is_small(base: Node, beside: Node) -> bool:
    size, whole = base.type.size, beside.type.size
    if isinstance(size, int) and isinstance(whole, int):
        return SHARE * size <= whole
    return base.rank < beside.rank


def _is_stored(s: Scheduler, base: Node) -> bool:
    """Tell whether a base is in memory anyway."""
    copy = base.op is cast_op and base.inputs[0].dtype == base.dtype
    product = base.op is matmul_op and not inlined(s, base)
    return not base.inputs or base in s.copied or copy or product or is_routine(base)


def _lies_well(index: Index, last: int) -> bool:
    """Tell whether neighbours along the last dimension are neighbours in the operand, or one element."""
    varies = [at for at in index if at.dim == last]
    return not varies or (varies == [index[-1]] and index[-1].factor == 1)


def operand_index(s: Scheduler, operand: Node, node: Node, index: Index) -> Index:
    """Return the index at which a reader of a value at an index reads its operand."""
    own = s.aligned(operand, node.shape)
    return tuple(index[at.dim] if at.dim is not None else at for at in own)
