"""NumPy's universal functions on nodes: calls, reductions, accumulations and outer products.

A table gives each ufunc the function of `diffc.syntax.functions` that means the same, another one says why
the rest cannot be traced. SciPy's ufuncs are known by their names; SciPy itself is never imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from typing import cast as typed

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import known_integer
from diffc.frontends.numpy.operands import as_array, as_dtype, as_number, as_number_dtype, floating
from diffc.frontends.numpy.registry import BUILDERS, REFUSED
from diffc.ir import Node
from diffc.ops import cast, lift
from diffc.ops.arithmetic import abs_, add, mul
from diffc.ops.base import DTYPES
from diffc.ops.logic import eq, logical_and, logical_not, logical_or, where
from diffc.ops.reshaping import reshape
from diffc.syntax.functions import ALIASES, FUNCTIONS, nearest

__all__ = ["UFUNCS", "apply_ufunc"]

Operand = Node | float | int | bool
_Builder = Callable[..., Any]

SPECIAL = (
    "betaln", "binom", "cbrt", "entr", "erf", "erfc", "erfcinv", "erfinv", "exp2", "expit", "expm1", "exprel",
    "gamma", "gammaln", "huber", "kl_div", "log1p", "log_expit", "log_ndtr", "loggamma", "logit", "ndtr",
    "pseudo_huber", "psi", "rel_entr", "xlog1py", "xlogy",
)  # fmt: skip
"""The ufuncs of scipy.special, which are known by their names alone."""

_UNSUPPORTED: Mapping[str, str] = {
    "spacing": "it depends on how numbers are stored, not on what they are",
    "nextafter": "it depends on how numbers are stored, not on what they are",
    "frexp": "it depends on how numbers are stored; use np.log2 and np.floor",
    "ldexp": "write x * 2.0**n",
    "gcd": "integers are computed with by + - * // % and comparisons only",
    "lcm": "integers are computed with by + - * // % and comparisons only",
    "left_shift": "write x * 2**n",
    "right_shift": "write x // 2**n",
    "bitwise_count": "bits of integers are not supported",
    "isnat": "dates are not supported",
}


def _bitwise(name: str, build: _Builder) -> _Builder:
    def builder(*operands: Operand) -> Node:
        nodes = [lift(each) for each in operands]
        if any(each.dtype != "bool" for each in nodes):
            shown = ", ".join(str(each.type) for each in nodes)
            raise TypeProblem(
                f"{name}({shown}): bits of numbers are not supported, it takes truth values only"
            )
        return build(*nodes)

    return builder


def _xor(x: Operand, y: Operand) -> Node:
    a, b = lift(x, "bool"), lift(y, "bool")
    return where(a, logical_not(b), b)


def _for_bool(numbers: _Builder, truths: _Builder) -> _Builder:
    """Return a builder that, as NumPy does, keeps truth values what they are."""

    def builder(*operands: Operand) -> Node:
        if all(lift(each).dtype == "bool" for each in operands):
            return truths(*operands)
        return numbers(*operands)

    return builder


def _no_truth_values(*_: Operand) -> Node:
    raise TypeProblem("truth values cannot be subtracted or negated: write a ^ b or ~a")


def _whole(name: str) -> _Builder:
    """Return a builder of a rounding, which leaves integers and truth values as they are."""

    def builder(x: Node) -> Any:
        return _named(name)(x) if x.type.is_float else x

    return builder


def _power(x: Operand, y: Operand) -> Any:
    base, exponent = lift(x), lift(y)
    integers = base.dtype in ("i64", "bool") and exponent.dtype in ("i64", "bool")
    value = None if isinstance(y, Node) else y
    if integers and (value is None or not 0 <= value <= 64):
        raise TypeProblem(
            "an integer to an integer power is computed for the numbers 0 to 64 only: write x * 1.0 or "
            "x.astype(float) to compute with floats"
        )
    return _named("pow")(x, y)


def _fabs(x: Operand) -> Any:
    return _named("abs")(floating(lift(x)))


def _reciprocal(x: Operand) -> Any:
    number = lift(x)
    if number.dtype not in ("i64", "bool"):
        return _named("reciprocal")(x)
    # Rounded towards 0, nothing is left but the units; of 0 NumPy gives the least integer.
    number = cast(number, "i64")
    unit = where(eq(abs_(number), 1), number, 0)
    return where(eq(number, 0), np.iinfo(np.int64).min, unit)


def _float_power(x: Operand, y: Operand) -> Any:
    return _named("pow")(cast(lift(x), "f64"), cast(lift(y), "f64"))


def _divmod(x: Operand, y: Operand) -> tuple[Any, Any]:
    return _named("floor_divide")(x, y), _named("mod")(x, y)


def _modf(x: Node) -> tuple[Any, Any]:
    whole = _named("trunc")(floating(x))
    # Of an infinity there is no rest; inf - inf is no number.
    return where(_named("isinf")(x), 0.0, _named("sub")(floating(x), whole)), whole


def _named(name: str) -> _Builder:
    function = FUNCTIONS.get(name)
    if function is None:
        raise TypeProblem(f"{name} is not supported{nearest(name, FUNCTIONS)}")
    return typed(_Builder, function.build)


UFUNCS: dict[str, _Builder] = {
    "add": _for_bool(add, logical_or),
    "multiply": _for_bool(mul, logical_and),
    "subtract": _for_bool(_named("sub"), _no_truth_values),
    "negative": _for_bool(_named("neg"), _no_truth_values),
    "absolute": _for_bool(_named("abs"), lambda x: x),
    "positive": lambda x: x,
    "conjugate": lambda x: x,
    "power": _power,
    "float_power": _float_power,
    "fabs": _fabs,
    "reciprocal": _reciprocal,
    "divmod": _divmod,
    "modf": _modf,
    "floor": _whole("floor"),
    "ceil": _whole("ceil"),
    "trunc": _whole("trunc"),
    "bitwise_and": _bitwise("bitwise_and", logical_and),
    "bitwise_or": _bitwise("bitwise_or", logical_or),
    "bitwise_xor": _bitwise("bitwise_xor", _xor),
    "invert": _bitwise("invert", logical_not),
    "logical_xor": _xor,
}
"""The ufuncs, by name, that are more than one function of diffc by another name."""

_REDUCTIONS: Mapping[str, Any] = {
    "add": np.sum,
    "multiply": np.prod,
    "maximum": np.max,
    "minimum": np.min,
    "logical_and": np.all,
    "logical_or": np.any,
}
_ACCUMULATIONS: Mapping[str, Any] = {"add": np.cumsum, "multiply": np.cumprod}


def apply_ufunc(ufunc: Any, method: str, operands: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Return what a ufunc, or one of its methods, gives for nodes, numbers and arrays.

    Raises:
        TypeProblem: for a ufunc or an option without a meaning here; the message says what to write.
    """
    name = f"np.{ufunc.__name__}"
    if options.get("out") is not None:
        raise TypeProblem(f"{name}(..., out=...) would change an array in place: write x = {name}(...)")
    if options.get("where", True) is not True:
        raise TypeProblem(f"{name}(..., where=...) is not supported: write np.where(mask, {name}(...), x)")
    if method == "__call__":
        return _called(ufunc, operands, options)
    if method == "reduce":
        return _reduced(ufunc, *operands, **options)
    if method == "accumulate":
        return _accumulated(ufunc, *operands, **options)
    if method == "outer":
        a, b = map(as_array, operands)
        return _called(ufunc, [reshape(a, (*a.shape, *(1,) * b.rank)), b], options)
    if method == "at":
        raise TypeProblem(f"{name}.at changes an array in place: write x = dc.at(x, i).add(v)")
    raise TypeProblem(f"{name}.{method} is not supported")


def _called(ufunc: Any, operands: Sequence[Any], options: Mapping[str, Any]) -> Any:
    unknown = sorted(set(options) - {"dtype", "where", "out", "casting", "order", "subok"})
    if unknown:
        raise TypeProblem(f"np.{ufunc.__name__}: the argument {unknown[0]!r} is not supported")
    values = [as_number(each) for each in operands]
    if options.get("dtype") is not None or options.get("casting", "same_kind") != "same_kind":
        values = _as_asked(ufunc, values, **options)
    if ufunc in _OF_TRUTH and all(isinstance(each, Node) and each.dtype == "bool" for each in values):
        return _OF_TRUTH[ufunc](*values)
    return builder_of(ufunc)(*values)


def _as_asked(
    ufunc: Any, values: Sequence[Any], dtype: Any = None, casting: Any = "same_kind", **_: Any
) -> list[Any]:
    """Return the operands in the dtypes in which NumPy's loop for `dtype=` takes them.

    `dtype=` is that of the result: np.less(x, y, dtype=bool) compares the numbers.
    """
    given = [np.dtype(DTYPES[each.dtype]) if isinstance(each, Node) else _weak_kind(each) for each in values]
    options = {"casting": casting}
    if dtype is not None:
        options["signature"] = (*(None,) * ufunc.nin, *(np.dtype(DTYPES[as_dtype(dtype)]),) * ufunc.nout)
    try:
        kinds = ufunc.resolve_dtypes((*given, *(None,) * ufunc.nout), **options)
    except (TypeError, ValueError) as problem:
        raise TypeProblem(
            f"{ufunc.__name__}: NumPy refuses these dtypes as well: {problem}; cast an array with x.astype"
        ) from None
    return [lift(each, as_dtype(kind)) for each, kind in zip(values, kinds, strict=False)]


def _weak_kind(value: float) -> Any:
    """Return what stands for a Python number among dtypes: int and float take the dtype of what they meet."""
    return np.dtype(bool) if isinstance(value, bool) else type(value)


_OF_TRUTH = {
    np.maximum: logical_or, np.fmax: logical_or, np.minimum: logical_and, np.fmin: logical_and,
}  # fmt: skip
"""The larger and the smaller of two truth values, which stay what they are."""


def builder_of(ufunc: Any) -> _Builder:
    """Return the builder of a ufunc; raise `TypeProblem` that names the nearest supported one."""
    if ufunc in BUILDERS:
        return BUILDERS[ufunc]
    name: str = ufunc.__name__
    if getattr(np, name, None) is not ufunc:
        if name not in SPECIAL:
            raise TypeProblem(f"{name} is not supported{nearest(name, SPECIAL)}")
        return _named(ALIASES.get(name, name))
    if name in UFUNCS:
        return UFUNCS[name]
    inner = ALIASES.get(name, name)
    if inner in FUNCTIONS:
        return typed(_Builder, FUNCTIONS[inner].build)
    reason = _UNSUPPORTED.get(name) or REFUSED.get(ufunc)
    if reason:
        raise TypeProblem(f"{name} cannot be traced: {reason}")
    raise TypeProblem(f"{name} is not supported{nearest(name, [*UFUNCS, *ALIASES, *FUNCTIONS])}")


def _reduced(ufunc: Any, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None, **options: Any) -> Any:
    name = ufunc.__name__
    options.pop("where", None)
    node = as_array(x)
    if dtype is not None:
        node = cast(node, as_number_dtype(dtype) if name in ("add", "multiply") else as_dtype(dtype))
    if name == "logaddexp":
        return FUNCTIONS["logsumexp"].build(node, *_only_axis(name, axis, options))
    if name not in _REDUCTIONS or _REDUCTIONS[name] not in BUILDERS:
        raise TypeProblem(
            f"np.{name}.reduce is not supported: write the loop over the elements, x[0], x[1], ..."
        )
    return BUILDERS[_REDUCTIONS[name]](node, axis=axis, **options)


def _only_axis(name: str, axis: Any, options: Mapping[str, Any]) -> tuple[Any, bool]:
    if set(options) - {"keepdims"}:
        raise TypeProblem(f"np.{name}.reduce takes axis and keepdims only")
    known = known_integer(axis, f"np.{name}.reduce: axis") if isinstance(axis, Node) else axis
    return known, bool(options.get("keepdims", False))


def _accumulated(ufunc: Any, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    name = ufunc.__name__
    if name not in _ACCUMULATIONS or _ACCUMULATIONS[name] not in BUILDERS:
        raise TypeProblem(f"np.{name}.accumulate is not supported: write the loop and np.stack its values")
    return BUILDERS[_ACCUMULATIONS[name]](as_array(x), axis=axis, dtype=dtype)
