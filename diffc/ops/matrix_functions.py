"""Functions of symmetric matrices: a function of one variable applied to the eigenvalues.

f(A) = V diag(f(w)) V^T does not depend on which eigenvectors are taken, nor do its derivatives, although
those of V do. They are given by divided differences, without V's: Daleckii and Krein (1965); Higham,
"Functions of matrices" (2008), theorem 3.11. D^k f(A)[E1, .., Ek] has, in the basis V and with P = V^T E V,
the elements

    sum over m1, .., m[k-1] and all orders of the P of f[w_i, w_m1, .., w_j] P1[i, m1] .. Pk[m[k-1], j]

It is symmetric in the E and in the matrix that the result is paired with, so that its transpose is itself.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import permutations
from typing import Any, TypeAlias

from diffc.errors import DiffcError
from diffc.ir import Extent, Graph, Node, Type, broadcast_shapes, topological
from diffc.ops.arithmetic import add, mul
from diffc.ops.base import Array, Composite, register
from diffc.ops.broadcasting import sum_, sum_to
from diffc.ops.constant import constant, iota
from diffc.ops.divided_differences import Point, apply, divided_difference, slope
from diffc.ops.factorizations import eigen_parts, eigh_op, symmetric_part
from diffc.ops.interpreter import evaluate_nodes
from diffc.ops.linalg import MATRIX_COST
from diffc.ops.logic import gt, where
from diffc.ops.matrices import as_row
from diffc.ops.products import matmul, swap_last
from diffc.ops.reshaping import reshape

__all__ = ["spectral", "spectral_sum"]

MAX_DIRECTIONS = 4
"""The highest derivative of a function of a matrix: its sum has n**(k+1) terms of 8**k evaluations."""


class _SpectralFunction(Composite):
    """A function of the eigenvalues of A, its `function` a graph of x and parameters.

    Operands: A [.., n, n], of which the lower triangle is read; matrices; parameters [.., 1], or [.., n]
    where they go with the eigenvalues by position. Leading axes broadcast.
    """

    cost = MATRIX_COST
    across_elements = True

    def parts(self, inputs: Sequence[Any], attrs: Mapping[str, Any]) -> tuple[Any, list[Any], list[Any]]:
        """Return A, the directions and the parameters, of operands or of their types."""
        count = len(attrs["function"].inputs) - 1
        matrices = list(inputs[: len(inputs) - count])
        return matrices[0], matrices[1:], list(inputs[len(inputs) - count :])

    def leading(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> tuple[Extent, ...]:
        """Return the leading axes of the result; raise `TypeProblem` for operands that do not fit."""
        function = attrs["function"]
        if not isinstance(function, Graph) or len(function.outputs) != 1 or len(types) < len(function.inputs):
            raise self.problem(types, "its function is a graph of x and a parameter for each last operand")
        a, directions, parameters = self.parts(types, attrs)
        scalar = Type(a.dtype, ())
        if any(each.anytype != scalar for each in (*function.inputs, *function.outputs)):
            raise self.problem(types, f"its function is one of scalars of {a.dtype}")
        matrices = [a, *directions]
        if any(m.rank < 2 or m.shape[-2:] != (a.shape[-1],) * 2 or not m.is_float for m in matrices):
            raise self.problem(types, "it takes square float matrices of one order")
        if any(p.rank != a.rank - 1 or p.shape[-1] not in (1, a.shape[-1]) for p in parameters):
            raise self.problem(types, "its parameters have one element a matrix, or one an eigenvalue")
        if any(each.dtype != a.dtype or m.rank != a.rank for each in types for m in matrices):
            raise self.problem(types, "its operands have one dtype, its matrices as many axes")
        shape: tuple[Extent, ...] | None = a.shape[:-2]
        for each in (*(m.shape[:-2] for m in directions), *(p.shape[:-1] for p in parameters)):
            shape = None if shape is None else broadcast_shapes(shape, each)
        if shape is None:
            raise self.problem(types, "the leading axes do not broadcast")
        return shape

    def reference(self, attrs: Mapping[str, Any], *arrays: Array) -> Array:
        """Run the expansion."""
        whole = self.expand(Node.make(self, list(map(constant, arrays)), attrs))
        return evaluate_nodes(topological([whole]), [whole], {}, {})[0]

    @abstractmethod
    def expand(self, node: Node) -> Node:
        """Return the value from the eigenvalues and eigenvectors."""

    def batch(self, node: Node, inputs: Sequence[Node], batched: Sequence[bool]) -> Node:
        """Give what has no new axis one of extent 1: a matrix is factored once."""
        aligned = [
            each if has else reshape(each, (1, *each.shape))
            for each, has in zip(inputs, batched, strict=True)
        ]
        return Node.make(self, aligned, node.attrs)

    def by_parameters(self, node: Node, tangents: Sequence[Node | None], axes: int) -> Node | None:
        """Return the part of the tangent that the parameters cause; the result has `axes` axes a matrix."""
        function: Graph = node.attrs["function"]
        _, _, parameters = self.parts(node.inputs, node.attrs)
        total: Node | None = None
        for k, tangent in enumerate(tangents[len(tangents) - len(parameters) :]):
            change = None if tangent is None else slope(function, k + 1)
            if tangent is None or change is None:
                continue
            if tangent.shape[-1] != 1:
                raise DiffcError(f"{self.name}: a parameter an eigenvalue is not differentiated by")
            one = reshape(tangent, (*tangent.shape[:-1], *(1,) * axes))
            term = mul(Node.make(self, node.inputs, {"function": change}), one)
            total = term if total is None else add(total, term)
        return total


@register
class spectral_op(_SpectralFunction):
    """f(A), and with directions its derivative along them."""

    name = "spectral"
    summary = "f(a) of symmetric matrices a, f applied to the eigenvalues, or its derivative along matrices"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the matrices' type, its leading axes broadcast."""
        return types[0].with_shape((*self.leading(types, attrs), *types[0].shape[-2:]))

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return the derivative along one more matrix, and what the other operands cause."""
        a, directions, parameters = self.parts(node.inputs, node.attrs)
        total = self.by_parameters(node, tangents, 2)
        changed: list[list[Node]] = []
        if tangents[0] is not None:
            changed.append([a, *directions, tangents[0], *parameters])
        for k, tangent in enumerate(tangents[1 : 1 + len(directions)], 1):
            if tangent is not None:
                changed.append([*node.inputs[:k], tangent, *node.inputs[k + 1 :]])
        for inputs in changed:
            term = Node.make(self, inputs, node.attrs)
            total = term if total is None else add(total, term)
        return total

    def linear_in(self, node: Node) -> Sequence[int]:
        """Linear in each direction."""
        return range(1, 1 + len(self.parts(node.inputs, node.attrs)[1]))

    def transpose(self, node: Node, position: int, cotangent: Node) -> Node:
        """Put the cotangent in the direction's place."""
        inputs = [*node.inputs[:position], cotangent, *node.inputs[position + 1 :]]
        return sum_to(Node.make(self, inputs, node.attrs), node.inputs[position].shape)

    def approximates(self, node: Node) -> bool:
        """Tell whether there are directions: divided differences of near points are quadratures."""
        return bool(self.parts(node.inputs, node.attrs)[1])

    def expand(self, node: Node) -> Node:
        """Return V core V^T."""
        a, directions, parameters = self.parts(node.inputs, node.attrs)
        values, vectors = eigen_parts(Node.make(eigh_op, (a,)))
        if not directions:
            scaled = mul(vectors, as_row(apply(node.attrs["function"], [values, *parameters])))
            return matmul(scaled, swap_last(vectors))
        return _along(node, values, vectors)


def _along(node: Node, values: Node, vectors: Node) -> Node:
    """Return the derivative along the directions."""
    _, directions, parameters = spectral_op.parts(node.inputs, node.attrs)
    function, count, n = node.attrs["function"], len(directions), values.shape[-1]
    if count > MAX_DIRECTIONS:
        raise DiffcError(
            f"a derivative of order {count} of a function of a matrix is above the limit of {MAX_DIRECTIONS}"
        )
    turned = [matmul(swap_last(vectors), matmul(symmetric_part(each), vectors)) for each in directions]
    points = _ordered([_at(k, count + 1, values, parameters, n) for k in range(count + 1)])
    factor = divided_difference(function, [point for _, point in points])
    terms: Node | None = None
    for order in permutations(turned):
        term = reduce(mul, [_between(k, count + 1, each) for k, each in enumerate(order)])
        terms = term if terms is None else add(terms, term)
    assert terms is not None
    core = mul(factor, terms)
    inner = range(core.rank - count, core.rank - 1)
    core = sum_(core, tuple(inner)) if count > 1 else core
    return matmul(matmul(vectors, core), swap_last(vectors))


_Ordered: TypeAlias = "list[tuple[Node, Point]]"


def _at(place: int, places: int, values: Node, parameters: Sequence[Node], n: Extent) -> tuple[Node, Point]:
    """Return the positions of the eigenvalues and the function's inputs along one axis of several."""

    def along(x: Node) -> Node:
        shape = (*(1,) * place, x.shape[-1], *(1,) * (places - 1 - place))
        return reshape(x, (*x.shape[:-1], *shape))

    return along(iota(n)), [along(values), *map(along, parameters)]


def _ordered(points: _Ordered) -> _Ordered:
    """Return the points by position, which is by ascending eigenvalue, by a network of exchanges."""
    if len(points) == 2:
        return points  # f[x, y] is f[y, x]
    for last in range(len(points) - 1, 0, -1):
        for k in range(last):
            (i, p), (j, q) = points[k], points[k + 1]
            swap = gt(i, j)
            low = where(swap, j, i), [_chosen(swap, b, a) for a, b in zip(p, q, strict=True)]
            high = where(swap, i, j), [_chosen(swap, a, b) for a, b in zip(p, q, strict=True)]
            points[k], points[k + 1] = low, high
    return points


def _chosen(swap: Node, a: Node, b: Node) -> Node:
    return a if a is b else where(swap, a, b)


def _between(k: int, places: int, matrix: Node) -> Node:
    """Return a matrix with its axes at places k and k + 1 of several."""
    n = matrix.shape[-1]
    return reshape(matrix, (*matrix.shape[:-2], *(1,) * k, n, n, *(1,) * (places - 2 - k)))


@register
class spectral_sum_op(_SpectralFunction):
    """The sum of f over the eigenvalues: the trace of f(A)."""

    name = "spectral_sum"
    summary = "the sum of f over the eigenvalues of symmetric matrices a"

    def infer(self, types: Sequence[Type], attrs: Mapping[str, Any]) -> Type:
        """Return the leading axes."""
        leading = self.leading(types, attrs)
        if self.parts(types, attrs)[1]:
            raise self.problem(types, "it takes one stack of matrices, and parameters")
        return types[0].with_shape(leading)

    def jvp(self, node: Node, tangents: Sequence[Node | None]) -> Node | None:
        """Return <f'(A), dA>, and what the parameters cause."""
        total = self.by_parameters(node, tangents, 0)
        change = None if tangents[0] is None else slope(node.attrs["function"])
        if tangents[0] is None or change is None:
            return total
        gradient = Node.make(spectral_op, node.inputs, {"function": change})
        term = sum_(mul(gradient, tangents[0]), (-2, -1))
        return term if total is None else add(total, term)

    def expand(self, node: Node) -> Node:
        """Return the sum over the row of eigenvalues."""
        a, _, parameters = self.parts(node.inputs, node.attrs)
        values, _ = eigen_parts(Node.make(eigh_op, (a,)))
        return sum_(apply(node.attrs["function"], [values, *parameters]), -1)


def spectral(function: Graph, a: Node, *parameters: Node) -> Node:
    """Return f(A) of symmetric matrices, of which the lower triangles are read."""
    return Node.make(spectral_op, (a, *parameters), {"function": function})


def spectral_sum(function: Graph, a: Node, *parameters: Node) -> Node:
    """Return the sum of f over the eigenvalues of symmetric matrices."""
    return Node.make(spectral_sum_op, (a, *parameters), {"function": function})
