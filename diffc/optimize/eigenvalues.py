"""What a value is of a matrix's eigenvalues and eigenvectors: the readings behind `rules/spectra`.

Eigenvalues are a vector [.., n], eigenvectors the columns of a matrix [.., n, n]. What goes with the
eigenvalues is computed as a vector too, or as a row [.., 1, n] or a column [.., n, 1] that broadcasts with
matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from diffc.ir import Extent, Graph, Node, Type, topological
from diffc.ops import Elementwise, cast, constant_like, dim, input_node, iota
from diffc.ops.arithmetic import div, mul
from diffc.ops.logic import ge, logical_and, lt, ne, where
from diffc.ops.products import matmul, swap_last
from diffc.ops.reshaping import reshape
from diffc.optimize.facts import number_of

__all__ = ["Columns", "Reading", "as_columns", "as_rows", "find_eigenvalues"]

_MAX_DEPTH = 12
"""How many operations deep vectors are looked for."""

_MAX_VISITED = 64
"""How many nodes of a sum's operand are looked at for eigenvalues."""


@dataclass(frozen=True)
class Frame:
    """Which axis goes with the eigenvalues, and which beside it has extent 1 (0 for none), from the end."""

    axis: int
    unit: int

    def flat(self, shape: tuple[Extent, ...]) -> tuple[Extent, ...] | None:
        """Return a shape in this frame as that of vectors, None for one that does not fit."""
        whole = (*(1,) * (2 - len(shape)), *shape)
        if not self.unit:
            return whole[1:] if len(shape) < 2 else whole
        rest = len(whole) - self.unit
        return (*whole[:rest], *whole[rest + 1 :]) if whole[rest] == 1 else None


VECTOR, ROW, COLUMN = Frame(1, 0), Frame(1, 2), Frame(2, 1)


@dataclass(frozen=True)
class Columns:
    """X @ V[:, start : start + count] @ diag(factors), V the eigenvectors of a matrix.

    `factors` are nodes, the frame of each, and whether it divides.
    """

    matrix: Node
    start: Extent
    count: Extent
    factors: tuple[tuple[Node, Frame, bool], ...] = ()
    outer: Node | None = None

    def times(self, factor: Node, frame: Frame, divides: bool = False) -> Columns:
        """Return these with one more factor."""
        return replace(self, factors=(*self.factors, (factor, frame, divides)))

    def turned(self) -> Columns:
        """Return the transpose: of columns for rows, and the other way round."""
        return self if self.outer is None else replace(self, outer=swap_last(self.outer))


def as_columns(node: Node, depth: int = 0) -> Columns | None:
    """Return a matrix as X @ V @ diag(factors), or None."""
    if depth > _MAX_DEPTH or node.rank < 2:
        return None
    name = node.op.name
    if name == "slice":
        return _of_factorization(node)
    if name == "transpose":
        inner = as_rows(node.inputs[0], depth + 1) if _swaps_last(node) else None
        return inner and inner.turned()
    if name == "matmul":
        a, b = node.inputs
        diagonal = _diagonal(b)
        if diagonal is not None:
            inner = as_columns(a, depth + 1)
            return inner and inner.times(*diagonal)
        inner = as_columns(b, depth + 1)
        return inner and replace(inner, outer=a if inner.outer is None else matmul(a, inner.outer))
    if name == "reshape" and node.shape == (*node.inputs[0].shape[:-1], 1, *node.inputs[0].shape[-1:]):
        return _of_vector(node.inputs[0], depth)
    return _scaled(node, depth, rows=False)


def as_rows(node: Node, depth: int = 0) -> Columns | None:
    """Return a matrix as diag(factors) @ V^T @ Y, with Y for `outer`, or None."""
    if depth > _MAX_DEPTH or node.rank < 2:
        return None
    name = node.op.name
    if name == "transpose":
        inner = as_columns(node.inputs[0], depth + 1) if _swaps_last(node) else None
        return inner and inner.turned()
    if name == "matmul":
        a, b = node.inputs
        diagonal = _diagonal(a)
        if diagonal is not None:
            inner = as_rows(b, depth + 1)
            return inner and inner.times(*diagonal)
        inner = as_rows(a, depth + 1)
        return inner and replace(inner, outer=b if inner.outer is None else matmul(inner.outer, b))
    if name == "reshape" and node.shape == (*node.inputs[0].shape, 1):
        inner = _of_vector(node.inputs[0], depth)
        return inner and inner.turned()
    return _scaled(node, depth, rows=True)


def _of_factorization(node: Node) -> Columns | None:
    """Return eigenvectors, or some neighbouring ones: rows of a packed factorization below the first."""
    packed, attrs = node.inputs[0], node.attrs
    n = packed.shape[-1]
    if packed.op.name != "eigh" or any(step != 1 for step in attrs["steps"]):
        return None
    whole = node.shape[:-2] == packed.shape[:-2] and attrs["starts"][-2] == 1 and node.shape[-2] == n
    return Columns(packed.inputs[0], attrs["starts"][-1], node.shape[-1]) if whole else None


def _scaled(node: Node, depth: int, *, rows: bool) -> Columns | None:
    """Return a matrix whose columns, or rows, are multiplied or divided by factors."""
    read, frame = (as_rows, COLUMN) if rows else (as_columns, ROW)
    if node.is_op("neg"):
        inner = read(node.inputs[0], depth + 1)
        return inner and inner.times(constant_like(-1, node.dtype), frame)
    if not node.is_op("mul", "div"):
        return None
    a, b = node.inputs
    for x, factor in ((a, b),) if node.is_op("div") else ((a, b), (b, a)):
        if x.shape == node.shape and frame.flat(factor.shape) is not None:
            inner = read(x, depth + 1)
            if inner is not None:
                return inner.times(factor, frame, node.is_op("div"))
    return None


def _of_vector(v: Node, depth: int) -> Columns | None:
    """Return a row vector x^T V times factors, computed as a vector."""
    if depth > _MAX_DEPTH or not v.rank:
        return None
    if v.is_op("reshape"):
        inner = v.inputs[0]
        if inner.shape == (*v.shape[:-1], 1, v.shape[-1]):
            return as_columns(inner, depth + 1)
        found = as_rows(inner, depth + 1) if inner.shape == (*v.shape, 1) else None
        return found and found.turned()
    if not v.is_op("mul", "div"):
        return None
    a, b = v.inputs
    for x, factor in ((a, b),) if v.is_op("div") else ((a, b), (b, a)):
        found = _of_vector(x, depth + 1) if x.shape == v.shape else None
        if found is not None:
            return found.times(factor, VECTOR, v.is_op("div"))
    return None


def _swaps_last(node: Node) -> bool:
    rank = node.rank
    return tuple(node.attrs["axes"]) == (*range(rank - 2), rank - 1, rank - 2)


def _diagonal(node: Node) -> tuple[Node, Frame] | None:
    """Return what stands on the diagonal of a matrix that is 0 elsewhere, and its frame."""
    if node.is_op("where") and number_of(node.inputs[2]) == 0:
        identity, value = node.inputs[:2]
    elif node.is_op("mul"):
        identity, value = node.inputs
        if not _is_identity(identity):
            identity, value = value, identity
    else:
        return None
    if not _is_identity(identity) or node.shape[-2:] != identity.shape[-2:]:
        return None
    if value.rank >= 2 and value.shape[-1] == 1:
        return value, COLUMN
    return None if ROW.flat(value.shape) is None else (value, ROW)


def _is_identity(node: Node) -> bool:
    """Tell whether a matrix is the identity, in numbers or truth values."""
    if node.is_op("const") and node.rank == 2 and node.shape[0] == node.shape[1]:
        return np.array_equal(node.op.reference(node.attrs), np.eye(int(str(node.shape[0]))))
    condition = node.inputs[0] if node.is_op("cast") else node
    if not condition.is_op("eq") or condition.rank != 2:
        return False
    counts = [each.inputs[0] if each.is_op("reshape") else each for each in condition.inputs]
    upright = [each for each in condition.inputs if each.rank == 2 and each.shape[-1] == 1]
    return counts[0] is counts[1] and counts[0].is_op("iota") and len(upright) == 1


def find_eigenvalues(node: Node) -> tuple[Node, Extent] | None:
    """Return the matrix, and the first of its eigenvalues, that a vector is an elementwise function of."""
    stack, seen = [node], {node}
    while stack and len(seen) < _MAX_VISITED:
        each = stack.pop()
        matrix = _eigenvalues_of(each)
        if matrix is not None:
            return matrix, 0
        if each.is_op("slice") and _eigenvalues_of(each.inputs[0]) is not None:
            return each.inputs[0].inputs[0], each.attrs["starts"][-1]
        if isinstance(each.op, Elementwise) or each.is_op("broadcast", "reshape", "cast", "slice"):
            new = [x for x in each.inputs if x not in seen and not x.is_constant]
            stack += new
            seen.update(new)
    return None


def _eigenvalues_of(node: Node) -> Node | None:
    """Return the matrix whose eigenvalues a vector is, all of them."""
    return node.inputs[0] if node.is_op("eigvalsh") else None


@dataclass
class Reading:
    """Values read as one function of each eigenvalue of `matrix`, from `start` on `count` of them."""

    matrix: Node
    start: Extent
    count: Extent
    parameters: list[Node] = field(default_factory=list[Node])
    inputs: list[Node] = field(default_factory=list[Node])
    known: dict[tuple[Node, Frame], Node | None] = field(
        default_factory=dict[tuple[Node, Frame], Node | None]
    )

    def __post_init__(self) -> None:
        """Start with the eigenvalue as the function's only input."""
        self.inputs.append(input_node("x", Type(self.matrix.dtype, ())))

    @property
    def order(self) -> Extent:
        """The number of all eigenvalues."""
        return self.matrix.shape[-1]

    def of(self, node: Node, frame: Frame = VECTOR) -> Node | None:
        """Return a value as a function of the eigenvalue that goes with its place, or None."""
        key = (node, VECTOR if frame == ROW and node.rank < 2 else frame)
        if key not in self.known:
            self.known[key] = self._read(*key)
        return self.known[key]

    def function(self, value: Node) -> Graph:
        """Return what was read, 0 for the eigenvalues that are not among those that were asked for."""
        if self.count != self.order:
            place = iota(self.order)
            chosen = logical_and(ge(place, dim(self.start)), lt(place, dim(self.start + self.count)))
            value = where(ne(self._input_for(cast(chosen, self.matrix.dtype)), 0), value, 0)
        return Graph("f", tuple(self.inputs), (value,))

    def _read(self, node: Node, frame: Frame) -> Node | None:
        if node.is_op("const") and not node.rank:
            return node
        if frame == VECTOR and _eigenvalues_of(node) is self.matrix:
            return self.inputs[0]
        flat = frame.flat(node.shape)
        if node.is_op("slice") or flat is None:
            return None if flat is None else self._sliced(node, frame)
        if flat[-1] == 1:
            return self._parameter(node, flat)
        if node.is_op("reshape"):
            return self._reshaped(node, flat)
        if node.is_op("broadcast"):
            return self.of(node.inputs[0], frame)
        if isinstance(node.op, Elementwise) or node.is_op("cast"):
            inputs = [self.of(each, frame) for each in node.inputs]
            found = [each for each in inputs if each is not None]
            return Node.make(node.op, found, node.attrs) if len(found) == len(inputs) else None
        # Numbers that go with the eigenvalues by position, if no input changes them.
        changed = flat != (self.order,) or any(each.is_op("input") for each in topological([node]))
        return None if changed else self._parameter(node, flat)

    def _sliced(self, node: Node, frame: Frame) -> Node | None:
        """Read the whole where a part of it goes with the eigenvalues that are asked for."""
        attrs, inner, place = node.attrs, node.inputs[0], node.rank - frame.axis
        if place < 0 or attrs["steps"][place] != 1 or inner.shape[place] != self.order:
            return None
        others = all(k == place or e == inner.shape[k] for k, e in enumerate(node.shape))
        same = attrs["starts"][place] == self.start and node.shape[place] == self.count
        return self.of(inner, frame) if others and same else None

    def _reshaped(self, node: Node, flat: tuple[Extent, ...]) -> Node | None:
        """Read what a reshape gives another frame."""
        inner = node.inputs[0]
        for frame in (VECTOR, ROW, COLUMN):
            found = frame.flat(inner.shape)
            if found is not None and _without_leading_ones(found) == _without_leading_ones(flat):
                return self.of(inner, frame)
        return None

    def _parameter(self, node: Node, flat: tuple[Extent, ...]) -> Node | None:
        """Take a value for an input of the function."""
        flat = _without_leading_ones(flat)
        missing = self.matrix.rank - 1 - len(flat)
        if missing < 0 or node.dtype not in (self.matrix.dtype, "i64", "bool"):
            return None
        value = reshape(cast(node, self.matrix.dtype), (*(1,) * missing, *flat))
        found = self._input_for(value)
        return found if node.dtype == self.matrix.dtype else cast(found, node.dtype)

    def _input_for(self, value: Node) -> Node:
        missing = self.matrix.rank - 1 - value.rank
        value = reshape(value, (*(1,) * missing, *value.shape)) if missing else value
        if value not in self.parameters:
            self.parameters.append(value)
            self.inputs.append(input_node(f"p{len(self.parameters)}", Type(value.dtype, ())))
        return self.inputs[1 + self.parameters.index(value)]

    def product(self, factors: tuple[tuple[Node, Frame, bool], ...]) -> Node | None:
        """Return a product of factors as a function of the eigenvalue, or None."""
        total: Node = constant_like(1, self.matrix.dtype)
        for k, (factor, frame, divides) in enumerate(factors):
            value = self.of(factor, frame)
            if value is None:
                return None
            total = div(total, value) if divides else value if not k else mul(total, value)
        return total


def _without_leading_ones(shape: tuple[Extent, ...]) -> tuple[Extent, ...]:
    first = next((k for k, extent in enumerate(shape[:-1]) if extent != 1), len(shape) - 1)
    return shape[first:]
