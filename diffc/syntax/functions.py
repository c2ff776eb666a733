"""The functions that a formula can call: one table of names, signatures and one-line descriptions.

Every elementwise operation is there under its own name; the others are listed below. A function of
Python numbers alone gives a Python number again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from diffc.errors import TypeProblem
from diffc.ir import Extent, Node, Type
from diffc.ops import REGISTRY, Elementwise, cast, dim, iota, lift, linalg
from diffc.ops.broadcasting import broadcast, full, mean, sum_
from diffc.ops.determinants import det
from diffc.ops.exact import weak
from diffc.ops.factorizations import cholesky
from diffc.ops.gamma import polygamma_of
from diffc.ops.indexing import gather
from diffc.ops.powers import power
from diffc.ops.products import matmul
from diffc.ops.pseudoinverse import pinv
from diffc.ops.reductions import amax, amin, any_, prod
from diffc.ops.reshaping import expand_dims, flip, normal_axis, reshape, transpose
from diffc.ops.slicing import concatenate, stack
from diffc.ops.softmax import logsumexp, softmax
from diffc.ops.sorting import argmax, argmin, argsort, sort
from diffc.ops.spectra import eigvalsh, svdvals
from diffc.syntax import arrays, compositions, contraction, linear_algebra, pointwise, special
from diffc.syntax.suggestions import instead_of_function, nearest
from diffc.syntax.values import (
    Bundle,
    Value,
    apply_weak,
    as_extent,
    as_node,
    as_operand,
    power_weak,
)

__all__ = ["ALIASES", "FUNCTIONS", "Function", "call_function"]

_REQUIRED = object()
_TOO_MANY: Mapping[str, str] = {
    "log": ", log10(x), log2(x), or log(x)/log(b) for another base",
}
_DEFAULTS: Mapping[str, Any] = {"None": None, "False": False, "0": 0, "-1": -1}


@dataclass(frozen=True)
class Function:
    """One function: its name, the text of its parameters, one line on what it returns, its builder.

    `build` takes one value for each parameter, and for one with a star a bundle of all that are left.
    `several`, where there is one, takes two or more positional values instead: `max(x, y, z)`.
    """

    name: str
    parameters: str
    doc: str
    build: Callable[..., Value]
    several: Callable[..., Value] | None = None

    @property
    def signature(self) -> str:
        """How the function is called: `sum(x, axis=None, keepdims=False)`."""
        usual = f"{self.name}({self.parameters})"
        return usual if self.several is None else f"{usual} or {self.name}(x, y, ...)"

    def __call__(self, positional: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
        """Return the function's value; raise `TypeProblem` naming the right signature."""
        if self.several is not None and len(positional) > 1 and not keywords:
            return self.several(*positional)
        return self.build(*self._bound(positional, keywords))

    def _bound(self, positional: Sequence[Value], keywords: Mapping[str, Value]) -> list[Any]:
        names = [each.partition("=") for each in self.parameters.split(", ")]
        if names[-1][0].startswith("*"):
            before = len(names) - 1
            rest = [Bundle("tuple", tuple(positional[before:]))] if len(positional) > before else []
            positional = [*positional[:before], *rest]
        values = {name: _DEFAULTS[default] if mark else _REQUIRED for name, mark, default in names}
        if len(positional) > len(values):
            also = _TOO_MANY.get(self.name, "")
            raise TypeProblem(f"{len(positional)} arguments are too many: write {self.signature}{also}")
        given = dict(zip(values, positional, strict=False))
        for name, value in keywords.items():
            if name not in values:
                hint = nearest(name, values)
                raise TypeProblem(f"{self.name} has no argument {name!r}{hint}: write {self.signature}")
            if name in given:
                raise TypeProblem(f"the argument {name!r} is given twice: write {self.signature}")
            given[name] = value
        values.update(given)
        missing = [name for name, value in values.items() if value is _REQUIRED]
        if missing:
            raise TypeProblem(f"the argument {missing[0]!r} is missing: write {self.signature}")
        return list(values.values())


def call_function(name: str, positional: Sequence[Value], keywords: Mapping[str, Value]) -> Value:
    """Return the value of a function or an operator; raise `TypeProblem` where there is none."""
    function = FUNCTIONS.get(name) or FUNCTIONS.get(ALIASES.get(name, ""))
    if function is None:
        raise TypeProblem(f"unknown function {name!r}{instead_of_function(name, [*FUNCTIONS, *ALIASES])}")
    return function(positional, keywords)


# Arguments that are no arrays.


def _axis(value: Value, what: str = "axis") -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeProblem(f"{what} must be an integer")


def _axis_or_none(value: Value) -> int | None:
    return None if value is None else _axis(value)


def _axes(value: Value) -> int | list[int] | None:
    if value is None:
        return None
    if isinstance(value, Bundle):
        return [_axis(each) for each in value.items]
    return _axis(value)


def _flag(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeProblem("keepdims must be True or False")


def _shape(value: Value) -> list[Extent]:
    items = value.items if isinstance(value, Bundle) else (value,)
    return [as_extent(each, "an extent of a shape") for each in items]


def _parts(value: Value) -> list[Node]:
    if not isinstance(value, Bundle):
        raise TypeProblem("the first argument must be a list of arrays: [a, b]")
    return [as_node(each) for each in value.items]


# Builders of one kind.


def _elementwise(op: Elementwise) -> Callable[..., Value]:
    def build(*values: Value) -> Value:
        operands = [as_operand(each) for each in values]
        if any(isinstance(each, Node) for each in operands):
            return op(*operands)
        return apply_weak(op.name, *[each for each in operands if not isinstance(each, Node)])

    return build


def _composed(builder: Callable[..., Node]) -> Callable[..., Value]:
    """Return a composition of elementwise operations, which of numbers alone is a weak number."""

    def build(*values: Value) -> Value:
        operands = [as_operand(each) for each in values]
        if any(isinstance(each, Node) for each in operands):
            return builder(*operands)
        return weak(builder(*[lift(each, "f64") for each in operands]))

    return build


def _reduction(builder: Callable[..., Node]) -> Callable[..., Value]:
    return lambda x, axis, keepdims: builder(as_node(x), _axes(axis), _flag(keepdims))


def _folded(name: str) -> Callable[..., Value]:
    build = FUNCTIONS[name].build
    return lambda *values: reduce(build, values)


def _power(x: Value, y: Value) -> Value:
    base, exponent = as_operand(x), as_operand(y)
    if isinstance(base, Node):
        return power(base, exponent)
    if isinstance(exponent, Node):
        return power(lift(base, exponent.dtype if exponent.type.is_float else None), exponent)
    return power_weak(base, exponent)


def _polygamma(n: Value, x: Value) -> Value:
    order, operand = as_operand(n), as_operand(x)
    if isinstance(operand, Node):
        return polygamma_of(order, operand)
    return weak(polygamma_of(order, lift(operand, "f64")))


def _matmul(a: Value, b: Value) -> Node:
    return matmul(as_node(a), as_node(b))


def _einsum(subscripts: Value, operands: Bundle) -> Node:
    if not isinstance(subscripts, str):
        raise TypeProblem('the subscripts come first: write einsum("ij,jk->ik", a, b)')
    return contraction.einsum(subscripts, [as_node(each) for each in operands.items])


def _of_matrix(builder: Callable[[Node], Node]) -> Callable[[Value], Value]:
    return lambda a: builder(as_node(a))


def _dim(x: Value, axis: Value) -> Node:
    node = as_node(x)
    return dim(node.shape[normal_axis(_axis(axis), node.rank, "dim")])


def _expand_dims(x: Value, axis: Value) -> Node:
    node = as_node(x)
    return expand_dims(node, (normal_axis(_axis(axis), node.rank + 1, "expand_dims"),))


def _flip(x: Value, axis: Value) -> Node:
    node, axes = as_node(x), _axes(axis)
    return flip(node, range(node.rank) if axes is None else [axes] if isinstance(axes, int) else axes)


def _transpose(x: Value, axes: Value) -> Node:
    order = _axes(axes)
    return transpose(as_node(x), [order] if isinstance(order, int) else order)


def _cast(dtype: str) -> Callable[[Value], Value]:
    return lambda x: cast(as_node(x), dtype)


FUNCTIONS: dict[str, Function] = {}
"""Every function by name, operators included (`add`, `and`); see `ALIASES` for more names."""

ALIASES: Mapping[str, str] = {
    "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "absolute": "abs", "fabs": "abs",
    "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div",
    "negative": "neg", "remainder": "mod", "fix": "trunc", "radians": "deg2rad", "degrees": "rad2deg",
    "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge", "equal": "eq",
    "not_equal": "ne", "logical_and": "and", "logical_or": "or", "logical_not": "not",
    "psi": "digamma", "lgamma": "gammaln", "log_expit": "log_sigmoid", "power": "pow",
    "expit": "sigmoid", "logistic": "sigmoid", "amax": "max", "amin": "min", "take": "gather",
    "ravel": "flatten", "concat": "concatenate",
}  # fmt: skip
"""Familiar names for functions of the table."""


def _add(name: str, parameters: str, doc: str, build: Callable[..., Value], several: str = "") -> None:
    # An operation of its own replaces the composition that stood in for it.
    if name not in FUNCTIONS:
        FUNCTIONS[name] = Function(name, parameters, doc, build, _folded(several) if several else None)


def _parameters(op: Elementwise) -> str:
    special = {"where": "condition, x, y", "atan2": "y, x"}
    return special.get(op.name, ", ".join("xyzuvw"[: op.arity]))


_REDUCED = "x, axis=None, keepdims=False"

_add("pow", "x, y", "x**y", _power)
_add("polygamma", "n, x", "the derivative of order n of digamma(x), n a number", _polygamma)
for _op in REGISTRY.values():
    if isinstance(_op, Elementwise):
        _add(_op.name, _parameters(_op), _op.summary, _elementwise(_op))

for _name, _names, _doc in (
    ("clip", "x, low, high", "x held between two bounds"),
    ("fmax", "x, y", "the larger of two, or the other where one is NaN"),
    ("fmin", "x, y", "the smaller of two, or the other where one is NaN"),
    ("heaviside", "x, at_zero", "0 below 0, 1 above it, at_zero at 0"),
    ("positive", "x", "x itself"),
    ("signbit", "x", "whether the sign is negative, that of -0.0 too"),
    ("isnan", "x", "whether x is not a number"),
    ("isinf", "x", "whether x is infinite"),
    ("isfinite", "x", "whether x is neither infinite nor NaN"),
    ("logical_xor", "x, y", "exactly one is true"),
    ("reciprocal", "x", "1/x"),
    ("deg2rad", "x", "an angle in degrees as radians"),
    ("rad2deg", "x", "an angle in radians as degrees"),
    ("log_sigmoid", "x", "log(sigmoid(x)), finite for every finite x"),
    ("logaddexp2", "x, y", "log2(2**x + 2**y), finite for finite x and y"),
    ("xlogy", "x, y", "x*log(y), 0 where x is 0"),
    ("xlog1py", "x, y", "x*log(1 + y), 0 where x is 0"),
    ("acosh", "x", "the inverse hyperbolic cosine"),
    ("sinc", "x", "sin(pi*x)/(pi*x), 1 at 0"),
    ("exprel", "x", "(exp(x) - 1)/x, 1 at 0"),
):
    _add(_name, _names, _doc, _composed(getattr(pointwise, _name)))

for _name, _names, _doc in (
    ("gamma", "x", "the gamma function, from gammaln: its relative error grows with log(abs(gamma(x)))"),
    ("factorial2", "x", "x*(x - 2)*(x - 4)*..., between the integers by a cosine"),
    ("loggamma", "x", "log(gamma(x)), NaN below 0"),
    ("beta", "x, y", "gamma(x)*gamma(y)/gamma(x + y)"),
    ("betaln", "x, y", "log(abs(beta(x, y)))"),
    ("binom", "n, k", "gamma(n + 1)/(gamma(k + 1)*gamma(n - k + 1)), a polynomial for a whole number k"),
    ("poch", "x, n", "gamma(x + n)/gamma(x), the rising factorial"),
    ("logit", "x", "log(x/(1 - x))"),
    ("entr", "x", "-x*log(x), 0 at 0"),
    ("rel_entr", "x, y", "x*log(x/y), 0 where x is 0"),
    ("kl_div", "x, y", "x*log(x/y) - x + y, y where x is 0"),
    ("huber", "delta, r", "r**2/2, but delta*(abs(r) - delta/2) beyond abs(r) = delta"),
    ("pseudo_huber", "delta, r", "delta**2*(sqrt(1 + (r/delta)**2) - 1)"),
    ("ndtr", "x", "the probability that a standard normal variable is less than x"),
    ("log_ndtr", "x", "log(ndtr(x)), accurate in both tails"),
):
    _add(_name, _names, _doc, _composed(getattr(special, _name)))

_add("sum", _REDUCED, "the sum over axes", _reduction(sum_))
_add("mean", _REDUCED, "the mean over axes", _reduction(mean))
_add("var", _REDUCED, "the variance over axes, divided by the count", _reduction(compositions.var))
_add("std", _REDUCED, "the standard deviation; gradient 0 at 0", _reduction(compositions.std))
_add("max", _REDUCED, "the largest element over axes, or of several values", _reduction(amax), "maximum")
_add("min", _REDUCED, "the smallest element over axes, or of several values", _reduction(amin), "minimum")
_add("prod", _REDUCED, "the product over axes", _reduction(prod))
_add("any", _REDUCED, "whether any element is true", _reduction(any_))
_add("all", _REDUCED, "whether every element is true", _reduction(compositions.all_))
_add("logsumexp", _REDUCED, "log(sum(exp(x))), finite for every finite x", _reduction(logsumexp))
_add("norm", _REDUCED, "the Euclidean norm; gradient 0 at 0", _reduction(compositions.norm))
_add("softmax", "x, axis=-1", "exp(x) / sum(exp(x))",
     lambda x, axis: softmax(as_node(x), _axes(axis)))  # fmt: skip
_add("log_softmax", "x, axis=-1", "log(softmax(x)), finite for every finite x",
     lambda x, axis: compositions.log_softmax(as_node(x), _axes(axis)))  # fmt: skip
_add("cumsum", "x, axis=0", "the sums up to each place of an axis",
     lambda x, axis: compositions.cumsum(as_node(x), _axis(axis)))  # fmt: skip
_add("cumprod", "x, axis=0", "the products up to each place of an axis",
     lambda x, axis: compositions.cumprod(as_node(x), _axis(axis)))  # fmt: skip

_add("matmul", "a, b", "the matrix product a @ b", _matmul)
_add("dot", "a, b", "the product of vectors or matrices",
     lambda a, b: compositions.dot(as_node(a), as_node(b)))  # fmt: skip
_add("einsum", "subscripts, *operands", 'a sum of products: einsum("ij,jk->ik", a, b) is a @ b', _einsum)
_add("outer", "a, b", "the outer product of two vectors",
     lambda a, b: compositions.outer(as_node(a), as_node(b)))  # fmt: skip

for _name, _matrix_function, _doc in (
    ("inv", linalg.inv, "the inverse of square matrices; NaN where one is singular"),
    ("pinv", pinv, "the pseudoinverse of matrices"),
    ("det", det, "the determinant of square matrices"),
    ("logdet", linear_algebra.logdet, "log(abs(det(a))), finite where det(a) overflows"),
    ("cholesky", cholesky, "the lower factor l with l @ l.T == a, from the lower triangle of a"),
    ("eigvalsh", eigvalsh, "the eigenvalues of symmetric a, ascending, from its lower triangle"),
    ("svdvals", svdvals, "the singular values, descending"),
):
    _add(_name, "a", _doc, _of_matrix(_matrix_function))
_add("solve", "a, b", "the x with a @ x == b; b is a vector or a matrix",
     lambda a, b: linalg.solve(as_node(a), as_node(b)))  # fmt: skip
_add("lstsq", "a, b", "the x with the smallest norm of a @ x - b, for a of full rank",
     lambda a, b: linear_algebra.lstsq(as_node(a), as_node(b)))  # fmt: skip
_add("matrix_power", "a, n", "the product of n matrices, of inverses for a negative n",
     lambda a, n: linear_algebra.matrix_power(as_node(a), _axis(n, "n")))  # fmt: skip

_add("reshape", "x, shape", "the elements in another shape; one extent may be -1",
     lambda x, shape: reshape(as_node(x), _shape(shape)))  # fmt: skip
_add("flatten", "x", "the elements as one vector", lambda x: reshape(as_node(x), (-1,)))
_add("transpose", "x, axes=None", "the axes reversed, or in a given order; also x.T", _transpose)
_add("expand_dims", "x, axis", "a new axis of extent 1", _expand_dims)
_add("flip", "x, axis=None", "the opposite order along axes", _flip)
_add("broadcast_to", "x, shape", "repeated to a shape",
     lambda x, shape: broadcast(as_node(x), _shape(shape)))  # fmt: skip
_add("concatenate", "parts, axis=0", "arrays one after the other along an axis",
     lambda parts, axis: concatenate(_parts(parts), _axis(axis)))  # fmt: skip
_add("stack", "parts, axis=0", "arrays joined along a new axis; [a, b] is stack([a, b])",
     lambda parts, axis: stack(_parts(parts), _axis(axis)))  # fmt: skip
_add("gather", "x, indices, axis=0", "the elements at integer indices along an axis",
     lambda x, i, axis: gather(as_node(x), as_node(i), _axis(axis)))  # fmt: skip

_add("sort", "x, axis=-1", "the elements in ascending order along an axis",
     lambda x, axis: sort(as_node(x), _axis(axis)))  # fmt: skip
_add("argsort", "x, axis=-1", "the indices that sort along an axis",
     lambda x, axis: argsort(as_node(x), _axis(axis)))  # fmt: skip
_add("argmax", "x, axis=None", "the index of the largest element, the first of equal ones",
     lambda x, axis: argmax(as_node(x), _axis_or_none(axis)))  # fmt: skip
_add("argmin", "x, axis=None", "the index of the smallest element, the first of equal ones",
     lambda x, axis: argmin(as_node(x), _axis_or_none(axis)))  # fmt: skip
_add("diag", "x", "the matrix with a vector on its diagonal, or a square matrix's diagonal",
     lambda x: arrays.diag(as_node(x)))  # fmt: skip
_add("trace", "a", "the sum of the diagonal of a square matrix", _of_matrix(arrays.trace))

_add("zeros", "shape", "zeros in f64", lambda shape: full(0, Type("f64", tuple(_shape(shape)))))
_add("ones", "shape", "ones in f64", lambda shape: full(1, Type("f64", tuple(_shape(shape)))))
_add("eye", "n", "the identity matrix in f64", lambda n: arrays.eye(as_extent(n, "the number of rows")))
_add("linspace", "start, stop, n", "n numbers at equal distances, from the start to the stop",
     lambda start, stop, n: arrays.linspace(
         as_operand(start), as_operand(stop), as_extent(n, "the number of elements")))  # fmt: skip
_add("dim", "x, axis=0", "the extent of an axis, an i64 scalar", _dim)
_add("arange", "n", "0, 1, ..., n-1 as i64", lambda n: iota(as_extent(n, "the number of elements")))
_add("f64", "x", "x as f64", _cast("f64"))
_add("f32", "x", "x as f32", _cast("f32"))
_add("i64", "x", "x as i64, towards zero", _cast("i64"))
