"""Products of vectors, matrices and tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import known_integer, unsupported
from diffc.frontends.numpy.operands import as_array, as_axis
from diffc.frontends.numpy.registry import implements, present
from diffc.frontends.numpy.shapes import ravel
from diffc.ir import Node, promote
from diffc.ir.dtype import is_float
from diffc.ops import products as ops
from diffc.ops import reshaping, slicing
from diffc.ops.arithmetic import mul, sub
from diffc.ops.broadcasting import sum_
from diffc.syntax.contraction import contract, counted

__all__ = ["matrix_product"]


def matrix_product(a: Node, b: Node) -> Node:
    """Return a @ b; integers stay integers, which the matrix product of floats would not keep.

    Of truth values it tells where a pair is true.
    """
    return counted(_matrix_product, a, b)


def _matrix_product(a: Node, b: Node) -> Node:
    if is_float(promote(a.dtype, b.dtype)):
        return ops.matmul(a, b)
    if a.rank == 0 or b.rank == 0:
        raise TypeProblem(f"numpy.matmul: a scalar is multiplied with *, not {a.type} @ {b.type}")
    left = reshaping.expand_dims(a, (a.rank,)) if b.rank > 1 else a
    right = reshaping.expand_dims(b, (b.rank - 2,)) if b.rank > 1 and a.rank > 1 else b
    return sum_(mul(left, right), -2 if b.rank > 1 else -1)


@implements(np.matmul)
def matmul(x1: Any, x2: Any, /, out: Any = None) -> Node:
    """numpy.matmul."""
    unsupported("matmul", out=out)
    return matrix_product(as_array(x1), as_array(x2))


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Node:
    """numpy.dot: the last axis of a times the last but one of b."""
    unsupported("dot", out=out)
    x, y = as_array(a), as_array(b)
    if x.rank == 0 or y.rank == 0:
        return mul(x, y)
    return _contracted(x, y, [x.rank - 1], [max(y.rank - 2, 0)])


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Node:
    """numpy.inner: the last axes of both."""
    x, y = as_array(a), as_array(b)
    return mul(x, y) if x.rank == 0 or y.rank == 0 else _contracted(x, y, [x.rank - 1], [y.rank - 1])


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Node:
    """numpy.vdot: the sum of the products of all elements."""
    return _contracted(ravel(a), ravel(b), [0], [0])


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Node:
    """numpy.outer: the products of every element of a with every element of b."""
    unsupported("outer", out=out)
    return counted(mul, reshaping.expand_dims(ravel(a), (1,)), reshaping.expand_dims(ravel(b), (0,)))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Node:
    """numpy.tensordot: one matrix product over the axes that are named."""
    x, y = as_array(a), as_array(b)
    if isinstance(axes, list | tuple):
        if len(axes) != 2:
            raise TypeProblem("numpy.tensordot: axes is an integer or a pair of axes of a and b")
        first, second = (each if isinstance(each, list | tuple) else [each] for each in axes)
    else:
        count = known_integer(axes, "axes")
        first, second = list(range(x.rank - count, x.rank)), list(range(count))
    left = [as_axis(each, x.rank, "tensordot") for each in first]
    right = [as_axis(each, y.rank, "tensordot") for each in second]
    if len(left) != len(right):
        raise TypeProblem("numpy.tensordot: as many axes of a as of b are summed over")
    return _contracted(x, y, left, right)


def _contracted(x: Node, y: Node, left: list[int], right: list[int]) -> Node:
    """Return the sum of products over axes of two arrays: the other axes of x, then those of y."""
    for mine, other in zip(left, right, strict=True):
        if x.shape[mine] != y.shape[other]:
            raise TypeProblem(
                f"{x.type} and {y.type}: the extents {x.shape[mine]} and {y.shape[other]} differ"
            )
    names = list(range(x.rank))
    others = [left[right.index(k)] if k in right else x.rank + k for k in range(y.rank)]
    kept = {*names, *others} - {*left}
    return counted(lambda a, b: contract(a, names, b, others, kept)[0], x, y)


@implements(*present("vecdot"))
def vecdot(x1: Any, x2: Any, /, out: Any = None, *, axis: Any = -1) -> Node:
    """numpy.vecdot: the sum of the products along an axis."""
    unsupported("vecdot", out=out)
    x, y = as_array(x1), as_array(x2)
    x = reshaping.moveaxis(x, as_axis(axis, x.rank, "vecdot"), x.rank - 1)
    y = reshaping.moveaxis(y, as_axis(axis, y.rank, "vecdot"), y.rank - 1)
    if x.shape[-1] != y.shape[-1]:
        raise TypeProblem(f"numpy.vecdot: {x.type} and {y.type}: the extents differ")
    return counted(_summed(-1), x, y)


def _summed(axis: int) -> Callable[[Node, Node], Node]:
    return lambda x, y: sum_(mul(x, y), axis)


@implements(*present("matvec"))
def matvec(x1: Any, x2: Any, /, out: Any = None) -> Node:
    """numpy.matvec: matrices times vectors."""
    unsupported("matvec", out=out)
    matrix, vector = as_array(x1), as_array(x2)
    if vector.rank == 1:
        return matrix_product(matrix, vector)
    return counted(_summed(-1), matrix, reshaping.expand_dims(vector, (vector.rank - 1,)))


@implements(*present("vecmat"))
def vecmat(x1: Any, x2: Any, /, out: Any = None) -> Node:
    """numpy.vecmat: vectors times matrices."""
    unsupported("vecmat", out=out)
    vector, matrix = as_array(x1), as_array(x2)
    if vector.rank == 1:
        return matrix_product(vector, matrix)
    return counted(_summed(-2), reshaping.expand_dims(vector, (vector.rank,)), matrix)


@implements(np.kron)
def kron(a: Any, b: Any) -> Node:
    """numpy.kron: blocks of b, each multiplied by an element of a."""
    x, y = as_array(a), as_array(b)
    rank = max(x.rank, y.rank)
    left = (1,) * (rank - x.rank) + x.shape
    right = (1,) * (rank - y.rank) + y.shape
    product = counted(
        mul,
        reshaping.reshape(x, [e for extent in left for e in (extent, 1)]),
        reshaping.reshape(y, [e for extent in right for e in (1, extent)]),
    )
    return reshaping.reshape(product, [m * n for m, n in zip(left, right, strict=True)])


@implements(np.cross)
def cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Node:
    """numpy.cross, of vectors with 3 elements."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = as_array(a), as_array(b)
    left, right = _components(x, axisa), _components(y, axisb)
    parts = [sub(mul(left[i], right[j]), mul(left[j], right[i])) for i, j in ((1, 2), (2, 0), (0, 1))]
    return slicing.stack(parts, as_axis(axisc, parts[0].rank + 1, "cross"))


def _components(x: Node, axis: Any) -> list[Node]:
    along = as_axis(axis, x.rank, "cross")
    if x.shape[along] != 3:
        raise TypeProblem(
            f"numpy.cross: it takes vectors with 3 elements, axis {along} of {x.type} has not 3"
        )
    return [slicing.index(x, k, along) for k in range(3)]
