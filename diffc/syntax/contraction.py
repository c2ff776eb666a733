"""Sums of products over named axes: `einsum`, and the pairwise contraction behind every product of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node, promote, size_of
from diffc.ir.dim import dim_symbols, evaluate_extent
from diffc.ir.dtype import is_float
from diffc.ops import cast
from diffc.ops.arithmetic import mul
from diffc.ops.broadcasting import sum_
from diffc.ops.logic import ne
from diffc.ops.products import matmul
from diffc.ops.reshaping import reshape, transpose
from diffc.syntax.arrays import diagonal_of
from diffc.syntax.einsum_subscripts import Subscripts, read_subscripts

__all__ = ["Labels", "contract", "contract_all", "counted", "einsum"]

Labels = Sequence[int]
"""The name of each axis; axes of one name are multiplied element by element."""

_TYPICAL = 16
"""What a symbolic extent is taken to be when the order of products is chosen."""


def einsum(subscripts: str, operands: Sequence[Node]) -> Node:
    """Return the sum of products that subscripts such as "ij,jk->ik" describe.

    Raises:
        TypeProblem: for subscripts that do not fit the operands.
    """
    labels, _ = read_subscripts((subscripts,))
    return contract_all(operands, labels.expand([each.rank for each in operands]))


def contract_all(nodes: Sequence[Node], subscripts: Subscripts, optimize: Any = True) -> Node:
    """Return the sum of products that the labels of the operands and of the result describe.

    Of truth values it tells where a product is true.
    """
    return counted(lambda *numbers: _contract_all(numbers, subscripts, optimize), *nodes)


def counted(build: Callable[..., Node], *nodes: Node) -> Node:
    """Return the sum of products that `build` makes of arrays; of truth values whether a product is true."""
    if any(each.dtype != "bool" for each in nodes):
        return build(*nodes)
    return ne(build(*[cast(each, "i64") for each in nodes]), 0)


def _contract_all(nodes: Sequence[Node], subscripts: Subscripts, optimize: Any) -> Node:
    extents = _extents(nodes, subscripts.operands)
    pending = [_distinct(x, labels, extents) for x, labels in zip(nodes, subscripts.operands, strict=True)]
    result = list(subscripts.result or ())
    unknown = [each for each in result if each not in extents]
    if unknown or len(set(result)) != len(result):
        raise TypeProblem("einsum: each subscript of the output must be one of the operands', once")
    for pair in _path(pending, result, extents, optimize):
        taken = [pending[k] for k in pair]
        pending = [each for k, each in enumerate(pending) if k not in pair]
        kept = {*result, *(label for _, labels in pending for label in labels)}
        while len(taken) > 1:
            later = kept | {label for _, labels in taken[2:] for label in labels}
            taken[:2] = [contract(*taken[0], *taken[1], later)]
        pending.append(_summed(*taken[0], kept))
    x, labels = _summed(*pending[0], set(result))
    return transpose(x, [labels.index(each) for each in result])


def _extents(nodes: Sequence[Node], operands: Sequence[Labels]) -> dict[int, Extent]:
    """Return the extent of each label; one of 1 is repeated to match others."""
    extents: dict[int, Extent] = {}
    for x, labels in zip(nodes, operands, strict=True):
        for label, extent in zip(labels, x.shape, strict=True):
            known = extents.get(label, 1)
            if known != 1 and extent not in (1, known):
                raise TypeProblem(f"einsum: one subscript has the extents {known} and {extent}")
            extents[label] = extent if known == 1 else known
    return extents


def _distinct(x: Node, labels: Labels, extents: Mapping[int, Extent]) -> tuple[Node, list[int]]:
    """Return an operand with each label once: diagonals taken, axes of extent 1 dropped that are repeated."""
    kept = [
        k for k, (label, extent) in enumerate(zip(labels, x.shape, strict=True)) if extent == extents[label]
    ]
    x, names = reshape(x, [x.shape[k] for k in kept]), [labels[k] for k in kept]
    for label in dict.fromkeys(names):
        while names.count(label) > 1:
            first = names.index(label)
            second = names.index(label, first + 1)
            others = [k for k in range(x.rank) if k not in (first, second)]
            x = diagonal_of(transpose(x, [*others, first, second]), 0)
            names = [*(names[k] for k in others), label]
    return x, names


def _path(
    pending: Sequence[tuple[Node, list[int]]], result: Labels, extents: Mapping[int, Extent], optimize: Any
) -> list[tuple[int, ...]]:
    """Return which operands are contracted at each step, as numpy.einsum_path writes it."""
    if len(pending) == 1:
        return []
    if isinstance(optimize, list | tuple) and optimize and optimize[0] == "einsum_path":
        return [tuple(int(k) for k in step) for step in optimize[1:]]
    if len(pending) == 2:
        return [(0, 1)]
    arguments: list[Any] = []
    for x, labels in pending:
        sizes = [evaluate_extent(e, dict.fromkeys(dim_symbols(e), _TYPICAL)) for e in x.shape]
        arguments += [np.broadcast_to(np.zeros(()), sizes), labels]
    return np.einsum_path(*arguments, list(result), optimize="greedy")[0][1:]  # type: ignore[return-value]


def _summed(x: Node, labels: Labels, kept: set[int]) -> tuple[Node, list[int]]:
    """Return an operand summed over the labels that nothing else has."""
    axes = [k for k, label in enumerate(labels) if label not in kept]
    return sum_(x, axes), [label for label in labels if label in kept]


def contract(a: Node, a_labels: Labels, b: Node, b_labels: Labels, kept: set[int]) -> tuple[Node, list[int]]:
    """Return the product of two operands, summed over the common labels that are not in `kept`.

    It is one (batched) matrix product where both have axes of their own besides those summed over, and a
    fused product and sum otherwise, or for integers.
    """
    a, a_names = _summed(a, a_labels, kept | set(b_labels))
    b, b_names = _summed(b, b_labels, kept | set(a_labels))
    common = [label for label in a_names if label in b_names]
    batch = [label for label in common if label in kept]
    inner = [label for label in common if label not in kept]
    rows = [label for label in a_names if label not in common]
    columns = [label for label in b_names if label not in common]
    product = rows + columns if not batch else rows and columns
    if inner and product and is_float(promote(a.dtype, b.dtype)):
        left, right = (
            _arranged(a, a_names, [batch, rows, inner]),
            _arranged(b, b_names, [batch, inner, columns]),
        )
        extents = {**dict(zip(a_names, a.shape, strict=True)), **dict(zip(b_names, b.shape, strict=True))}
        names = [*batch, *rows, *columns]
        return reshape(matmul(left, right), [extents[each] for each in names]), names
    names = [*batch, *rows, *columns, *inner]
    return _summed(mul(_spread(a, a_names, names), _spread(b, b_names, names)), names, {*names} - {*inner})


def _arranged(x: Node, labels: Labels, groups: Sequence[Labels]) -> Node:
    """Return the axes of the first group as they are, and those of each other group as one."""
    order = [labels.index(label) for group in groups for label in group]
    x = transpose(x, order)
    shape: list[Extent] = list(x.shape[: len(groups[0])])
    at = len(groups[0])
    for group in groups[1:]:
        shape.append(size_of(x.shape[at : at + len(group)]))
        at += len(group)
    return reshape(x, shape)


def _spread(x: Node, labels: Labels, names: Labels) -> Node:
    """Return an operand with its axes in the order of `names`, of extent 1 where it has none."""
    x = transpose(x, [labels.index(each) for each in names if each in labels])
    extents = iter(x.shape)
    return reshape(x, [next(extents) if each in labels else 1 for each in names])
