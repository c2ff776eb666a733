"""Routines: operations that are computed as a whole, on contiguous arrays, one element of a batch at a time.

A plan states for each what the routine is told: how many leading axes are the batch, the sizes, and the
scratch memory, which lives in the workspace for the time of the call. Nothing fuses with a routine: its
operands are complete in memory before it begins, and so is its result behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diffc.ir import Extent, Node, Type, size_of
from diffc.loops.places import Buffer
from diffc.loops.statements import Part, Routine
from diffc.ops.constant import dim_op, iota_op
from diffc.schedule.placement import Cursor
from diffc.schedule.views import identity_index, is_identity

if TYPE_CHECKING:
    from diffc.schedule.scheduler import Scheduler

__all__ = ["is_routine", "place_routine", "reads_in_place"]

BLOCK = 32
"""Columns that LAPACK's blocked algorithms work on at a time: what their workspace is multiplied by."""

COMPARISONS = 32
"""Comparisons an element in a search or a sort of an extent that is not known: log2 of the largest."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a routine takes: axes of the batch, sizes, scratch arrays, arithmetic operations."""

    batch: int
    sizes: tuple[Extent, ...]
    scratch: tuple[Type, ...]
    flops: Extent


def is_routine(node: Node) -> bool:
    """Tell whether a routine computes a node."""
    return node.op.name in _PLANS


def reads_in_place(s: Scheduler, operand: Node) -> bool:
    """Tell whether an operand lies in memory as it is; else it must be copied first."""
    base, index = s.base(operand)
    whole = base.shape == operand.shape and is_identity(index, base.shape)
    return whole and (base.op not in (iota_op, dim_op) or base in s.copied)


def place_routine(s: Scheduler, node: Node) -> None:
    """Place a routine behind everything so far, in loops over the batch that nothing else enters."""
    plan = _PLANS[node.op.name](node)
    cursor = s.nests.enter_all(range(plan.batch), node.shape, (), fresh=True)
    inputs = [_part(s, cursor, s.base(each)[0], plan.batch) for each in node.inputs]
    cursor.block.append(
        Routine(
            node.op.name,
            _part(s, cursor, node, plan.batch),
            tuple(inputs),
            tuple(_scratch(s, node, kind) for kind in plan.scratch),
            plan.sizes,
            plan.flops,
            node,
        )
    )
    s.nests.complete(node, s.nests.position(cursor))


def _part(s: Scheduler, cursor: Cursor, node: Node, batch: int) -> Part:
    return Part(s.buffer(node), cursor.affines(identity_index(node.shape)[:batch]))


def _scratch(s: Scheduler, node: Node, kind: Type) -> Buffer:
    name = f"{node.op.name}_{s.numbers.get(node, 'c')}_scratch_{len(s.work)}"
    buffer = Buffer(name, kind, "scratch", len(s.work))
    s.work.append(buffer)
    return buffer


# -- plans --------------------------------------------------------------------------------------------


def _array(node: Node, *shape: Extent) -> Type:
    return Type(node.dtype, shape)


def _integers(count: Extent) -> Type:
    """Return room for LAPACK's integers, which have 32 bits or 64 at the most."""
    return Type("i64", (count,))


def _solve(node: Node) -> _Plan:
    k, n = node.shape[-2:]
    flops = n * n * n + n * n * k * 2
    return _Plan(node.rank - 2, (k, n), (_array(node, n, n), _integers(n)), flops)


def _triangular_solve(node: Node) -> _Plan:
    k, n = node.shape[-2:]
    return _Plan(node.rank - 2, (k, n), (), n * n * k)


def _cholesky(node: Node) -> _Plan:
    n = node.shape[-1]
    return _Plan(node.rank - 2, (n,), (), n * n * n)


def _determinant(node: Node) -> _Plan:
    (a,) = node.inputs
    n = a.shape[-1]
    return _Plan(a.rank - 2, (n,), (_array(node, n, n), _integers(n)), n * n * n)


def _eigh(node: Node) -> _Plan:
    """Plan for the least workspace that `syevd` takes, which is more than its blocks need."""
    n = node.shape[-1]
    work, integers = n * n * 2 + n * 6 + 1, n * 5 + 3
    scratch = (*(Type("f64", shape) for shape in ((n, n), (n,), (work,))), _integers(integers))
    return _Plan(node.rank - 2, (n, work, integers), scratch, n * n * n * 9)


def _qr(node: Node) -> _Plan:
    m, n = node.inputs[0].shape[-2:]
    work = n * BLOCK
    scratch = (_array(node, m, n), _array(node, n), _array(node, work))
    return _Plan(node.rank - 2, (m, n, work), scratch, m * n * n * 4)


def _svd(node: Node) -> _Plan:
    m, n = node.inputs[0].shape[-2:]
    k = node.shape[-1]
    work = k * k * 4 + k * 7 + (m + n) * BLOCK
    floats = ((m, n), (m, k), (k,), (n, k), (work,))
    scratch = (*(Type("f64", shape) for shape in floats), _integers(k * 8))
    return _Plan(node.rank - 2, (m, n, k, work), scratch, m * n * k * 6 + k * k * k * 9)


def _argsort(node: Node) -> _Plan:
    n = node.shape[-1]
    keys = Type("i64", (n,))
    return _Plan(node.rank - 1, (n,), (keys, keys, keys), n * _comparisons(n))


def _searchsorted(node: Node) -> _Plan:
    a, v = node.inputs
    batch, n = a.rank - 1, a.shape[-1]
    count = size_of(v.shape[batch:])
    return _Plan(batch, (n, count), (), count * _comparisons(n))


def _comparisons(n: Extent) -> int:
    return n.bit_length() if isinstance(n, int) else COMPARISONS


_PLANS: dict[str, Callable[[Node], _Plan]] = {
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
