"""Recomputation: what costs no more to compute again than to load is not kept in memory.

    d = x - mean; y = w @ d; ...; g = r @ transpose(d)   =>   both products read x and mean

Readers compute such a value where they are. It is read through like a view.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from diffc import tuning
from diffc.ir import Graph, Node
from diffc.ops import Elementwise
from diffc.ops.broadcasting import broadcast_op, sum_op
from diffc.ops.elementwise import cast_op
from diffc.ops.products import matmul_op
from diffc.ops.reductions import amax, prod_op
from diffc.schedule.decide.products import is_dot, is_inlined
from diffc.schedule.decide.routines import is_routine
from diffc.schedule.views import VIEWS, Bases, Index, aligned

__all__ = ["recomputed_nodes"]


def recomputed_nodes(graph: Graph, bases: Bases, aliases: AbstractSet[Node]) -> frozenset[Node]:
    """Return the values that every reader computes for itself."""
    nodes = graph.nodes
    if not any(map(_is_large, nodes)):
        return frozenset()
    kept = {*bases.copied, *graph.outputs}
    for node in reversed(nodes):
        passed = node not in aliases and node not in kept
        kept.update(each for each in node.inputs if not _computes_again(node, each, passed, bases))
    costs: dict[Node, int] = {}
    for node in nodes:
        if node not in kept and _gains(node, costs, bases):
            costs[node] = _cost(node, costs, bases)
    return frozenset(costs)


def _is_large(node: Node) -> bool:
    return not isinstance(node.type.size, int) or node.type.size >= tuning.LARGE_VALUE


def _computes_again(reader: Node, node: Node, passed: bool, bases: Bases) -> bool:
    """Tell whether a reader can compute a value anew, not many times over.

    `passed` says of a view that no memory holds it, so that its own readers compute the value.
    """
    op = reader.op
    if op in VIEWS:
        return passed and op is not broadcast_op
    if op is matmul_op:
        return is_inlined(reader) and _reads_few_times(reader, node, bases)
    if isinstance(op, Elementwise) or op is cast_op:
        return reader.type.size == node.type.size
    return op in (sum_op, prod_op, amax)


def _reads_few_times(product: Node, factor: Node, bases: Bases) -> bool:
    a, b = product.inputs
    rows, columns = product.shape[-2:]
    times = [rows] if factor is b else []
    if factor is a:
        if columns != 1 and not is_dot(product, bases):
            return False
        times.append(columns)
    return all(isinstance(each, int) and each <= tuning.FEW_READS for each in times)


def _gains(node: Node, costs: Mapping[Node, int], bases: Bases) -> bool:
    """Tell whether computing a value reads no more memory than loading it would."""
    is_number = node.type.is_float and all(each.dtype == node.dtype for each in node.inputs)
    if not (isinstance(node.op, Elementwise) and is_number and _is_large(node)):
        return False
    if _cost(node, costs, bases) > tuning.CHEAP_COST:
        return False
    reads = [bases.resolve(each, aligned(each, node.shape)) for each in node.inputs]
    whole = [base for base, _ in reads if not _is_small(base, node)]
    return (
        len(whole) <= 1
        and all(base in costs or _is_stored(base, bases) for base in whole)
        and all(_lies_well(index, node.rank - 1) for _, index in reads)
    )


def _cost(node: Node, costs: Mapping[Node, int], bases: Bases) -> int:
    """Return the cost of an element, with those of operands that are computed again."""
    return node.op.cost + sum(costs.get(bases.whole(each)[0], 0) for each in node.inputs)


def _is_small(base: Node, beside: Node) -> bool:
    size, whole = base.type.size, beside.type.size
    if isinstance(size, int) and isinstance(whole, int):
        return tuning.SMALL_SHARE * size <= whole
    return base.rank < beside.rank


def _is_stored(base: Node, bases: Bases) -> bool:
    """Tell whether a base is in memory anyway."""
    copy = base.op is cast_op and base.inputs[0].dtype == base.dtype
    product = base.op is matmul_op and not is_inlined(base)
    return not base.inputs or base in bases.copied or copy or product or is_routine(base)


def _lies_well(index: Index, last: int) -> bool:
    """Tell whether neighbours along the last dimension are neighbours in the operand, or one element."""
    varies = [at for at in index if at.dim == last]
    return not varies or (varies == [index[-1]] and index[-1].factor == 1)
