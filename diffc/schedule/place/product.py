"""Matrix products: calls of BLAS, or loops of our own."""

from __future__ import annotations

from diffc.ir import Node
from diffc.loops.library import MatMul, Matrix
from diffc.loops.places import Operand, flattened
from diffc.loops.statements import Compute
from diffc.ops.arithmetic import mul
from diffc.schedule.cursor import Cursor
from diffc.schedule.decide.products import BlasOperand, BlasProduct, LoopProduct
from diffc.schedule.place.placing import Placing
from diffc.schedule.place.reduction import Reduction
from diffc.schedule.views import DimIndex, identity_index

__all__ = ["place_product"]


def place_product(placing: Placing, node: Node) -> None:
    """Place a matrix product as it was planned."""
    plan = placing.decisions.products[node]
    if isinstance(plan, BlasProduct):
        _by_blas(placing, node, plan)
    else:
        _in_loops(placing, node, plan)


def _by_blas(placing: Placing, node: Node, plan: BlasProduct) -> None:
    """Call BLAS in loops over the batch that nothing else enters."""
    nests = placing.nests
    batch = range(node.rank - 2)
    reads = placing.reading.reads([(each, identity_index(each.shape)) for each in node.inputs])
    cursor = nests.enter_all(batch, node.shape, reads, fresh=True)
    out_index = tuple(at if d in batch else DimIndex() for d, at in enumerate(identity_index(node.shape)))
    buffer = placing.storage.buffer(node)
    cursor.block.append(
        MatMul(
            Matrix(buffer, flattened(cursor.affines(out_index), node.shape), node.shape[-1], False),
            _matrix(placing, cursor, plan.a, batch),
            _matrix(placing, cursor, plan.b, batch),
            rows=node.shape[-2],
            columns=node.shape[-1],
            inner=node.inputs[0].shape[-1],
            node=node,
        )
    )
    nests.complete(node, nests.position(cursor))


def _matrix(placing: Placing, cursor: Cursor, operand: BlasOperand, batch: range) -> Matrix:
    index = tuple(
        DimIndex(at.constant) if at.dim is not None and at.dim not in batch else at for at in operand.index
    )
    offset = flattened(cursor.affines(index), operand.base.shape)
    return Matrix(placing.storage.buffer(operand.base), offset, operand.leading, operand.transposed)


def _in_loops(placing: Placing, node: Node, plan: LoopProduct) -> None:
    """Add up the products of elements along the inner axis, the last dimension of the space."""

    def contribution(cursor: Cursor) -> tuple[Operand, ...]:
        factors = tuple(placing.reading.read(each, index, cursor) for each, index in plan.factors)
        value = placing.nests.new_value(node.dtype)
        cursor.block.append(Compute(value, mul, factors, node.dtype))
        return (value,)

    Reduction(
        placing,
        node,
        shape=(*node.shape, node.inputs[0].shape[-1]),
        kept=range(node.rank),
        reads=placing.reading.reads(plan.factors),
        how="add",
        contribution=contribution,
    ).place(plan.order, plan.vector)
