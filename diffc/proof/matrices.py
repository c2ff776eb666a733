"""Linear algebra in other arithmetics than floating point: on SymPy expressions, and on long numbers.

Linear systems and determinants have rational forms, which serve as symbolic values. A factorization has
none that would be of use; `implicit` proves its derivative from its defining equation instead. On long
numbers mpmath computes them all. The signs that a definition leaves open, of an eigenvector or of a pair
of singular vectors or of a row of R, are those of NumPy's LAPACK at the nearest point of f64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import numpy as np

from diffc.ir import Node
from diffc.ops import REGISTRY
from diffc.ops.base import Array
from diffc.ops.linalg import substitute

__all__ = ["IMPLICIT", "MATRIX_OPERATIONS", "each_matrix", "exact_form", "long_form"]

IMPLICIT = ("cholesky", "eigh", "eigvalsh", "qr", "svd", "svdvals", "pinv")
"""Operations without a rational form, whose derivatives `implicit` proves."""

MATRIX_OPERATIONS = (
    "solve", "triangular_solve", "det", "cofactors", "cofactor_changes", "slogdet", *IMPLICIT
)  # fmt: skip

Form = Callable[..., Array]


def each_matrix(node: Node, form: Form, arrays: list[Array]) -> Array:
    """Return the stack of what a form gives for each matrix, with the matrices that go with it."""
    leading = arrays[0].shape[:-2]
    result: Array | None = None
    for place in np.ndindex(*leading):
        value = form(*(array[place] for array in arrays), **node.attrs)
        if result is None:
            result = np.empty((*leading, *value.shape), object)
        result[place] = value[()]
    # Without matrices the reference knows the shape.
    return result if result is not None else node.op.reference(node.attrs, *(a.astype(float) for a in arrays))


# Exact


def exact_form(name: str, functions: Any) -> Form:
    """Return the rational form of an operation on one matrix of expressions; `functions` stands for SymPy.

    Raises:
        ValueError: for a factorization.
    """
    if name == "solve":
        return _cramer
    if name == "triangular_solve":
        return _substituted
    if name == "det":
        return lambda a: _bare(_determinant(a))
    if name == "cofactors":
        return _cofactors
    if name == "cofactor_changes":
        return _cofactor_changes
    if name == "slogdet":
        return lambda a: _sign_and_logarithm(_determinant(a), functions)
    raise ValueError(f"{name} has no rational form")


def _substituted(a: Array, r: Array, lower: bool) -> Array:
    return substitute(a, r, lower)


def _determinant(a: Array) -> Any:
    """Return the determinant by Leibniz's formula."""
    n = len(a)
    total: Any = 0
    for order in permutations(range(n)):
        inversions = sum(order[i] > order[j] for i in range(n) for j in range(i + 1, n))
        term: Any = (-1) ** inversions
        for row, column in enumerate(order):
            term = term * a[row, column]
        total = total + term
    return total


def _cofactors(a: Array) -> Array:
    """Return the signed determinants of what is left without each row and column."""
    result = np.empty(a.shape, object)
    for row, column in np.ndindex(*a.shape):
        rest = np.delete(np.delete(a, row, 0), column, 1)
        result[row, column] = (-1) ** (row + column) * _determinant(rest)
    return result


def _cofactor_changes(a: Array, h: Array) -> Array:
    """Return the sum, over the rows that are replaced by those of h, of the cofactors."""
    total = a * 0
    for row in range(len(a)):
        replaced = np.array(a)
        replaced[row] = h[row]
        change = _cofactors(replaced)
        change[row] = change[row] * 0  # a row's own cofactors do not depend on it
        total = total + change
    return total


def _cramer(a: Array, r: Array) -> Array:
    """Return the rows x with a @ x = a row of r, by Cramer's rule."""
    whole = _determinant(a)
    x = np.empty(r.shape, object)
    for place in np.ndindex(*r.shape):
        replaced = np.array(a)
        replaced[:, place[1]] = r[place[0]]
        x[place] = _determinant(replaced) / whole
    return x


def _sign_and_logarithm(value: Any, functions: Any) -> Array:
    f = functions
    sign = f.Piecewise((f.Integer(1), f.Gt(value, 0)), (f.Integer(-1), f.Lt(value, 0)), (f.Integer(0), True))
    return np.array([sign, f.log(f.Abs(value))], object)


def _bare(value: Any) -> Array:
    result = np.empty((), object)
    result[()] = value
    return result


# Long numbers


def long_form(name: str, context: Any) -> Form:
    """Return an operation on one matrix of numbers of an mpmath context; NaN where the reference gives it."""
    form: Callable[..., Array] = _LONG[name]

    def run(*arrays: Array, **attrs: Any) -> Array:
        doubles = [array.astype(float) for array in arrays]
        expected = np.asarray(REGISTRY[name].reference(attrs, *doubles))
        if not all(np.all(np.isfinite(each)) for each in (*doubles, expected)) or not expected.size:
            return _numbers(expected, context)
        try:
            return form(context, expected, *arrays, **attrs)
        except (ValueError, ZeroDivisionError, ArithmeticError, np.linalg.LinAlgError):
            return _numbers(np.full(expected.shape, np.nan), context)

    return run


def _numbers(values: Array, context: Any) -> Array:
    result = np.empty(values.shape, object)
    for place in np.ndindex(*values.shape):
        result[place] = context.mpf(float(values[place]))
    return result


def _solved(context: Any, expected: Array, a: Array, r: Array) -> Array:
    """Eliminate with partial pivoting."""
    a, x = np.array(a), np.array(r.T)
    n = len(a)
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(a[i, k]))
        a[[k, pivot]], x[[k, pivot]] = a[[pivot, k]], x[[pivot, k]]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i, k:] = a[i, k:] - factor * a[k, k:]
            x[i] = x[i] - factor * x[k]
    return substitute(a, np.array(x.T), lower=False)


def _triangular(context: Any, expected: Array, a: Array, r: Array, lower: bool) -> Array:
    return substitute(a, r, lower)


def _det(context: Any, expected: Array, a: Array) -> Array:
    return _bare(context.mpf(context.det(context.matrix(a.tolist()))))


def _slogdet(context: Any, expected: Array, a: Array) -> Array:
    value = context.det(context.matrix(a.tolist()))
    return np.array([context.sign(value), context.log(abs(value)) if value else -context.inf], object)


def _cholesky(context: Any, expected: Array, a: Array) -> Array:
    low = np.full(a.shape, context.zero, object)
    for j in range(len(a)):
        for i in range(j, len(a)):
            rest = a[i, j] - sum((low[i, k] * low[j, k] for k in range(j)), context.zero)
            if i == j and not rest > 0:
                raise ValueError("not positive definite")
            low[i, j] = context.sqrt(rest) if i == j else rest / low[j, j]
    return low


def _eigh(context: Any, expected: Array, a: Array) -> Array:
    symmetric = np.tril(np.ones(a.shape, bool))
    values, vectors = context.eigsy(context.matrix(np.where(symmetric, a, a.T).tolist()))
    columns = _array(vectors)
    signs = _signs(columns, expected[1:])
    return np.concatenate([_array(values).reshape(1, -1), columns * signs])


def _eigvalsh(context: Any, expected: Array, a: Array) -> Array:
    return _eigh(context, np.concatenate([expected[None], np.ones(a.shape)]), a)[0]


def _svdvals(context: Any, expected: Array, a: Array) -> Array:
    return _array(context.svd_r(context.matrix(a.tolist()), compute_uv=False)).ravel()


def _qr(context: Any, expected: Array, a: Array) -> Array:
    q, r = (_array(each) for each in context.qr(context.matrix(a.tolist()), mode="skinny"))
    signs = _signs(q, expected[: len(a)])
    return np.concatenate([q * signs, r * signs[:, None]])


def _svd(context: Any, expected: Array, a: Array) -> Array:
    u, s, vt = (_array(each) for each in context.svd_r(context.matrix(a.tolist())))
    signs = _signs(u, expected[: len(a)])
    return np.concatenate([u * signs, s.reshape(1, -1), vt.T * signs])


def _pinv(context: Any, expected: Array, a: Array, rtol: float) -> Array:
    u, s, vt = (_array(each) for each in context.svd_r(context.matrix(a.tolist())))
    values = s.ravel()
    inverse = [1 / each if each > rtol * values[0] else context.zero for each in values]
    return (vt.T * np.array(inverse, object)) @ u.T


_LONG: Mapping[str, Form] = {
    "solve": _solved,
    "triangular_solve": _triangular,
    "det": _det,
    "cofactors": lambda context, expected, a: _cofactors(a),
    "cofactor_changes": lambda context, expected, a, h: _cofactor_changes(a, h),
    "slogdet": _slogdet,
    "cholesky": _cholesky,
    "eigh": _eigh,
    "eigvalsh": _eigvalsh,
    "qr": _qr,
    "svd": _svd,
    "svdvals": _svdvals,
    "pinv": _pinv,
}


def _array(matrix: Any) -> Array:
    result = np.empty((matrix.rows, matrix.cols), object)
    for place in np.ndindex(*result.shape):
        result[place] = matrix[place]
    return result


def _signs(columns: Array, expected: Array) -> Array:
    """Return 1 or -1 for each column: with which sign it is the expected one."""
    return np.where(np.sum(columns.astype(float) * expected, axis=0) < 0, -1, 1)
