"""Operations whose derivatives are proved from the equations that define them: the factorizations.

A factorization is a solution F of G(A, F) = 0, such as L L^T - A = 0; so is the pseudoinverse, by those of
Penrose, and so are eigenvalues, by the characteristic polynomial. The JVP is right when it solves the
equation differentiated, dG/dA dA + dG/dF dF = 0, where that has one solution. So for each instance A is
written in terms of free factors, orthogonal ones in a rational parametrisation: all rotations of the plane, a
family of those in three dimensions, with which both sides of every equation turn alike, as they do with the
signs of columns. Eigenvalues and singular values are distinct, ranks are full. Then

* G is 0 there,
* dG/dF, at a point, has independent columns: dF is determined,
* the JVP, for free tangents dA, solves the differentiated equation, identically in all symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from diffc.ir import Node
from diffc.proof.arithmetic import Objects
from diffc.proof.matrices import exact_form

__all__ = ["Solution", "determined", "differentiated", "solution_of"]

Matrix = Any


@dataclass(frozen=True)
class Solution:
    """A factorization in free symbols: the matrix, its packed factors, and what must vanish of a pair."""

    matrix: Objects
    factors: Objects
    equations: Callable[[Objects, Objects], list[Any]]


def solution_of(node: Node) -> Solution:
    """Return the general solution of a factorization's defining equations at the node's shape."""
    m, n = (int(str(extent)) for extent in node.inputs[0].shape)
    return _SOLUTIONS[node.op.name](m, n)


def differentiated(solution: Solution, tangent: Objects, factors_tangent: Objects) -> list[Any]:
    """Return the defining equations' derivatives along the tangents, by sympy.diff, at the solution."""
    a, f = _symbols("a", solution.matrix.shape), _symbols("f", solution.factors.shape)
    at = dict(zip([*a.flat, *f.flat], [*solution.matrix.flat, *solution.factors.flat], strict=True))
    moving = list(zip([*a.flat, *f.flat], [*tangent.flat, *factors_tangent.flat], strict=True))
    return [
        sum((sympy.diff(g, x).xreplace(at) * dx for x, dx in moving), sympy.S.Zero)
        for g in solution.equations(a, f)
    ]


def determined(solution: Solution) -> bool:
    """Tell whether the equations determine the factors' tangent, at one rational point."""
    a, f = _symbols("a", solution.matrix.shape), _symbols("f", solution.factors.shape)
    free = sorted(set().union(*(x.free_symbols for x in solution.factors.flat)), key=str)
    point = {x: sympy.Rational(k + 2, 3) for k, x in enumerate(free)}
    at = {x: v.subs(point) for x, v in zip(f.flat, solution.factors.flat, strict=True)}
    at |= {x: v.subs(point) for x, v in zip(a.flat, solution.matrix.flat, strict=True)}
    rows = [[sympy.diff(g, x).xreplace(at) for x in f.flat] for g in solution.equations(a, f)]
    return sympy.Matrix(rows).rank() == f.size


def _symbols(name: str, shape: Sequence[int]) -> Objects:
    result = np.empty(shape, object)
    for place in np.ndindex(*shape):
        result[place] = sympy.Symbol(name + "_".join(map(str, place)), real=True)
    return result


def _positive(name: str, count: int) -> list[Any]:
    return [sympy.Symbol(f"{name}{k}", positive=True) for k in range(count)]


_FIXED = np.array(
    [[sympy.Rational(x, 3) for x in row] for row in ((1, -2, 2), (2, -1, -2), (2, 2, 1))], object
)
"""A rotation of three dimensions with rational elements."""


def _rotation(n: int, name: str) -> Objects:
    """Return the rotations of the plane, but for the half turn; in three dimensions those about one axis."""
    if n == 1:
        return _identity(1)
    t = sympy.Symbol(name, real=True)
    cosine, sine = (1 - t**2) / (1 + t**2), 2 * t / (1 + t**2)
    turn = _identity(n)
    turn[0, :2], turn[1, :2] = (cosine, -sine), (sine, cosine)
    return turn if n == 2 else _FIXED @ turn


def _upper(n: int, name: str) -> Objects:
    r = np.full((n, n), sympy.S.Zero, object)
    for i in range(n):
        for j in range(i, n):
            r[i, j] = sympy.Symbol(f"{name}{i}{j}", positive=True) if i == j else sympy.Symbol(
                f"{name}{i}{j}", real=True
            )  # fmt: skip
    return r


def _entries(matrix: Objects, keep: Callable[[int, int], bool] = lambda i, j: True) -> list[Any]:
    return [matrix[i, j] for i, j in np.ndindex(*matrix.shape) if keep(i, j)]


def _below(i: int, j: int) -> bool:
    return i >= j


def _orthonormal(columns: Objects) -> list[Any]:
    return _entries(columns.T @ columns - _identity(columns.shape[1]), _below)


def _identity(n: int) -> Objects:
    return np.array(sympy.eye(n).tolist(), object).reshape(n, n)


def _symmetric(a: Objects) -> Objects:
    """Return (A + A^T)/2: what is read of one triangle is differentiated as of a symmetric matrix."""
    return (a + a.T) / 2


def _cholesky(m: int, n: int) -> Solution:
    low = _upper(n, "l").T

    def equations(a: Objects, f: Objects) -> list[Any]:
        above = _entries(f, lambda i, j: i < j)
        return [*above, *_entries(f @ f.T - _symmetric(a), _below)]

    return Solution(low @ low.T, low, equations)


def _eigh(m: int, n: int) -> Solution:
    first, steps = sympy.Symbol("w", real=True), _positive("p", n - 1)
    values = np.array([sum(steps[:k], first) for k in range(n)], object)
    vectors = _rotation(n, "t")

    def equations(a: Objects, f: Objects) -> list[Any]:
        w, v = f[0], f[1:]
        return [*_entries(_symmetric(a) @ v - v * w), *_orthonormal(v)]

    return Solution((vectors * values) @ vectors.T, np.concatenate([values[None], vectors]), equations)


def _qr(m: int, n: int) -> Solution:
    q, r = _rotation(m, "t")[:, :n], _upper(n, "r")

    def equations(a: Objects, f: Objects) -> list[Any]:
        below = _entries(f[m:], lambda i, j: i > j)
        return [*below, *_entries(f[:m] @ f[m:] - a), *_orthonormal(f[:m])]

    return Solution(q @ r, np.concatenate([q, r]), equations)


def _svd(m: int, n: int) -> Solution:
    k = min(m, n)
    steps = _positive("p", k)
    values = np.array([sum(steps[: k - j], sympy.S.Zero) for j in range(k)], object)
    u, v = _rotation(m, "t")[:, :k], _rotation(n, "s")[:, :k]

    def equations(a: Objects, f: Objects) -> list[Any]:
        left, s, right = f[:m], f[m], f[m + 1 :]
        product = left @ (s[:, None] * right.T)
        return [*_entries(product - a), *_orthonormal(left), *_orthonormal(right)]

    return Solution((u * values) @ v.T, np.concatenate([u, values[None], v]), equations)


def _eigvalsh(m: int, n: int) -> Solution:
    """Return the roots of the characteristic polynomial."""
    whole = _eigh(m, n)

    def equations(a: Objects, f: Objects) -> list[Any]:
        return [_determinant(_symmetric(a) - w * _identity(n)) for w in f]

    return Solution(whole.matrix, whole.factors[0], equations)


def _svdvals(m: int, n: int) -> Solution:
    """Return the roots of the eigenvalues of A^T A, or of A A^T where that is smaller."""
    whole = _svd(m, n)

    def equations(a: Objects, f: Objects) -> list[Any]:
        gram = a.T @ a if n <= m else a @ a.T
        return [_determinant(gram - s**2 * _identity(len(f))) for s in f]

    return Solution(whole.matrix, whole.factors[m], equations)


def _determinant(a: Objects) -> Any:
    return exact_form("det", sympy)(a).item()


def _pinv(m: int, n: int) -> Solution:
    k = min(m, n)
    q, r = _rotation(max(m, n), "t")[:, :k], _upper(k, "r")
    if m == n:
        q, r = _identity(n), _symbols("a", (n, n))
    inverse = np.array(sympy.Matrix(r).inv().tolist(), object).reshape(k, k)
    matrix, inverted = q @ r, inverse @ q.T

    def equations(a: Objects, f: Objects) -> list[Any]:
        left, right = a @ f, f @ a
        skew = [*_entries(left - left.T, _below), *_entries(right - right.T, _below)]
        return [*_entries(left @ a - a), *_entries(right @ f - f), *skew]

    return Solution(matrix if m >= n else matrix.T, inverted if m >= n else inverted.T, equations)


_SOLUTIONS: dict[str, Callable[[int, int], Solution]] = {
    "cholesky": _cholesky,
    "eigh": _eigh,
    "eigvalsh": _eigvalsh,
    "qr": _qr,
    "svd": _svd,
    "svdvals": _svdvals,
    "pinv": _pinv,
}
