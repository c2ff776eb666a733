"""Routines: operations that are computed as a whole, on contiguous arrays, one element of a batch at a time.

A plan states for each what the routine is told: how many leading axes are the batch, the sizes, and the
scratch memory, which lives in the workspace for the time of the call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diffc.ir import Extent, Node, Type, size_of
from diffc.ops.constant import dim_op, iota_op
from diffc.schedule.views import Bases, is_identity

__all__ = ["RoutinePlan", "is_routine", "reads_in_place", "routine_plan"]

BLOCK = 32
"""Columns that LAPACK's blocked algorithms work on at a time: what their workspace is multiplied by."""

COMPARISONS = 32
"""Comparisons an element in a search or a sort of an extent that is not known: log2 of the largest."""


@dataclass(frozen=True, slots=True)
class RoutinePlan:
    """What a routine takes: axes of the batch, sizes, scratch arrays, arithmetic operations."""

    batch: int
    sizes: tuple[Extent, ...]
    scratch: tuple[Type, ...]
    flops: Extent


def is_routine(node: Node) -> bool:
    """Tell whether a routine computes a node."""
    return node.op.name in _PLANS


def routine_plan(node: Node) -> RoutinePlan:
    """Return what the routine that computes a node takes."""
    return _PLANS[node.op.name](node)


def reads_in_place(operand: Node, bases: Bases) -> bool:
    """Tell whether an operand lies in memory as it is; else it must be copied first."""
    base, index = bases.whole(operand)
    whole = base.shape == operand.shape and is_identity(index, base.shape)
    return whole and (base.op not in (iota_op, dim_op) or base in bases.copied)


def _array(node: Node, *shape: Extent) -> Type:
    return Type(node.dtype, shape)


def _integers(count: Extent) -> Type:
    """Return room for LAPACK's integers, which have 32 bits or 64 at the most."""
    return Type("i64", (count,))


def _solve(node: Node) -> RoutinePlan:
    k, n = node.shape[-2:]
    flops = n * n * n + n * n * k * 2
    return RoutinePlan(node.rank - 2, (k, n), (_array(node, n, n), _integers(n)), flops)


def _triangular_solve(node: Node) -> RoutinePlan:
    k, n = node.shape[-2:]
    return RoutinePlan(node.rank - 2, (k, n), (), n * n * k)


def _cholesky(node: Node) -> RoutinePlan:
    n = node.shape[-1]
    return RoutinePlan(node.rank - 2, (n,), (), n * n * n)


def _determinant(node: Node) -> RoutinePlan:
    (a,) = node.inputs
    n = a.shape[-1]
    return RoutinePlan(a.rank - 2, (n,), (_array(node, n, n), _integers(n)), n * n * n)


def _eigh(node: Node) -> RoutinePlan:
    """Plan for the least workspace that `syevd` takes, which is more than its blocks need."""
    n = node.shape[-1]
    work, integers = n * n * 2 + n * 6 + 1, n * 5 + 3
    scratch = (*(Type("f64", shape) for shape in ((n, n), (n,), (work,))), _integers(integers))
    return RoutinePlan(node.rank - 2, (n, work, integers), scratch, n * n * n * 9)


def _qr(node: Node) -> RoutinePlan:
    m, n = node.inputs[0].shape[-2:]
    work = n * BLOCK
    scratch = (_array(node, m, n), _array(node, n), _array(node, work))
    return RoutinePlan(node.rank - 2, (m, n, work), scratch, m * n * n * 4)


def _svd(node: Node) -> RoutinePlan:
    m, n = node.inputs[0].shape[-2:]
    k = node.shape[-1]
    work = k * k * 4 + k * 7 + (m + n) * BLOCK
    floats = ((m, n), (m, k), (k,), (n, k), (work,))
    scratch = (*(Type("f64", shape) for shape in floats), _integers(k * 8))
    return RoutinePlan(node.rank - 2, (m, n, k, work), scratch, m * n * k * 6 + k * k * k * 9)


def _argsort(node: Node) -> RoutinePlan:
    n = node.shape[-1]
    keys = Type("i64", (n,))
    return RoutinePlan(node.rank - 1, (n,), (keys, keys, keys), n * _comparisons(n))


def _searchsorted(node: Node) -> RoutinePlan:
    a, v = node.inputs
    batch, n = a.rank - 1, a.shape[-1]
    count = size_of(v.shape[batch:])
    return RoutinePlan(batch, (n, count), (), count * _comparisons(n))


def _comparisons(n: Extent) -> int:
    return n.bit_length() if isinstance(n, int) else COMPARISONS


_PLANS: dict[str, Callable[[Node], RoutinePlan]] = {
    "solve": _solve,
    "triangular_solve": _triangular_solve,
    "cholesky": _cholesky,
    "det": _determinant,
    "slogdet": _determinant,
    "eigh": _eigh,
    "qr": _qr,
    "svd": _svd,
    "argsort": _argsort,
    "searchsorted": _searchsorted,
}
