"""What each SymPy function is in diffc's operations, by the name of its SymPy class.

This table needs no SymPy: a builder takes the operands' nodes and returns the result's. Where
diffc has no function of that name, it is composed so that it keeps its relative accuracy. Formulas:
Abramowitz and Stegun, Handbook of Mathematical Functions, sections 4.3 to 4.6 and 7.1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from diffc.ir import Node
from diffc.ops import constant_like, scalar_value
from diffc.ops.arithmetic import abs_, add, div, maximum, minimum, mul, sign, sub
from diffc.ops.constant import pi
from diffc.ops.elementary import (
    acos,
    asin,
    atan,
    atan2,
    cbrt,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    hypot,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)
from diffc.ops.exact import weak
from diffc.ops.gamma import digamma, polygamma_of
from diffc.ops.inverse_hyperbolic import asinh, atanh
from diffc.ops.logic import eq, ge, gt, le, logical_and, logical_not, logical_or, lt, ne, where
from diffc.ops.remainders import fmod, mod
from diffc.ops.rounding import ceil, floor
from diffc.syntax.pointwise import (
    acosh,
    acosh_of_one_plus,
    heaviside,
    odd,
    sinc_of_angle,
)
from diffc.syntax.special import gamma, loggamma

__all__ = ["ADVICE", "FUNCTIONS", "GENERAL_ADVICE"]


def _log(x: Node, base: Node | None = None) -> Node:
    return log(x) if base is None else div(log(x), log(base))


def _reciprocal_of(function: Callable[[Node], Node]) -> Callable[[Node], Node]:
    return lambda x: div(1, function(x))


def _acot(x: Node) -> Node:
    """Return atan(1/x), pi/2 at 0, as the angle of a point: its slope is finite at 0."""
    side = where(lt(x, 0), constant_like(-1, x.dtype), 1)
    return atan2(side, mul(side, x))


def _cosine_of_asec(x: Node) -> tuple[Node, Node]:
    """Return 1/x and sqrt(1 - 1/x**2), which does not cancel near +-1."""
    return div(1, x), sqrt(mul(div(sub(x, 1), x), div(add(x, 1), x)))


def _asec(x: Node) -> Node:
    cosine, sine = _cosine_of_asec(x)
    return atan2(sine, cosine)


def _acsc(x: Node) -> Node:
    sine, cosine = _cosine_of_asec(x)
    return atan2(sine, cosine)


def _acoth(x: Node) -> Node:
    return odd(lambda m: mul(0.5, log1p(div(2, sub(m, 1)))), x)


def _asech(x: Node) -> Node:
    return acosh_of_one_plus(div(sub(1, x), x))


def _acsch(x: Node) -> Node:
    return asinh(div(1, x))


def _polygamma(n: Node, x: Node) -> Node:
    order = scalar_value(n)
    return polygamma_of(n if order is None or order != int(order) else int(order), x)


def _erf2(x: Node, y: Node) -> Node:
    return sub(erf(y), erf(x))


def _imaginary_part(x: Node) -> Node:
    return constant_like(0, x.dtype)


def _argument(x: Node) -> Node:
    return where(lt(x, 0), constant_like(weak(pi()), x.dtype), 0)


def _identity(x: Node) -> Node:
    return x


def _truth(x: Node) -> Node:
    return x if x.dtype == "bool" else ne(x, 0)


def _fold(operation: Callable[[Node, Node], Node]) -> Callable[..., Node]:
    """Return the operation on any number of operands, from the left."""
    return lambda *operands: reduce(operation, operands)


def _logical(operation: Callable[..., Node]) -> Callable[..., Node]:
    """Return the operation on truth values, where a number is true unless it is 0."""
    return lambda *operands: operation(*map(_truth, operands))


def _equivalent(*operands: Node) -> Node:
    first, *others = operands
    return reduce(logical_and, [eq(first, other) for other in others])


FUNCTIONS: dict[str, Callable[..., Node]] = {
    # elementary
    "exp": exp,
    "log": _log,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "sec": _reciprocal_of(cos),
    "csc": _reciprocal_of(sin),
    "cot": _reciprocal_of(tan),
    "sinc": sinc_of_angle,
    "asin": asin,
    "acos": acos,
    "atan": atan,
    "acot": _acot,
    "asec": _asec,
    "acsc": _acsc,
    "atan2": atan2,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "sech": _reciprocal_of(cosh),
    "csch": _reciprocal_of(sinh),
    "coth": _reciprocal_of(tanh),
    "asinh": asinh,
    "acosh": acosh,
    "atanh": atanh,
    "acoth": _acoth,
    "asech": _asech,
    "acsch": _acsch,
    "erf": erf,
    "erfc": erfc,
    "erf2": _erf2,
    "gamma": gamma,
    "factorial": lambda x: gamma(add(x, 1)),
    "loggamma": loggamma,
    "digamma": digamma,
    "trigamma": lambda x: polygamma_of(1, x),
    "polygamma": _polygamma,
    # piecewise
    "Abs": abs_,
    "sign": sign,
    "floor": floor,
    "ceiling": ceil,
    "frac": lambda x: sub(x, floor(x)),
    "Mod": mod,
    "Rem": fmod,
    "Min": _fold(minimum),
    "Max": _fold(maximum),
    "Heaviside": heaviside,
    # of complex numbers, which are real here
    "re": _identity,
    "im": _imaginary_part,
    "conjugate": _identity,
    "arg": _argument,
    "UnevaluatedExpr": _identity,
    # relations and logic
    "StrictLessThan": lt,
    "LessThan": le,
    "StrictGreaterThan": gt,
    "GreaterThan": ge,
    "Equality": eq,
    "Unequality": ne,
    "And": _logical(_fold(logical_and)),
    "Or": _logical(_fold(logical_or)),
    "Not": _logical(logical_not),
    "Xor": _logical(_fold(ne)),
    "Implies": _logical(lambda a, b: logical_or(logical_not(a), b)),
    "Equivalent": _logical(_equivalent),
    "ITE": _logical(where),
    # sympy.codegen
    "log1p": log1p,
    "expm1": expm1,
    "exp2": exp2,
    "log2": log2,
    "log10": log10,
    "Sqrt": sqrt,
    "Cbrt": cbrt,
    "hypot": hypot,
    "fma": lambda a, b, c: add(mul(a, b), c),
    "logaddexp": logaddexp,
}
"""How each SymPy function is built, by the name of its class."""

_DOIT = "evaluate it first, with .doit()"

ADVICE: dict[str, str] = {
    "Derivative": "evaluate it first, with .doit(), or list it in inputs",
    "Integral": _DOIT,
    "Sum": _DOIT,
    "Product": _DOIT,
    "Limit": _DOIT,
    "Subs": _DOIT,
    "Order": "drop it with .removeO()",
    "Lambda": "pass its .expr, with its .variables as inputs",
    "IdentityFunction": "pass its .expr, with its .variables as inputs",
    "Poly": "pass .as_expr()",
    "Indexed": 'list the elements in inputs, as in {"x": [x[0], x[1]]}',
    "ElementwiseApplyFunction": "write out its elements, with .as_explicit()",
    "ArrayDerivative": "differentiate the Function instead",
    "Contains": "write the set as a condition, with .as_relational(x)",
    "DiracDelta": "a distribution has no value; write what it stands for",
}
"""What to do instead, for heads that are refused."""

GENERAL_ADVICE = "rewrite it by elementary functions, or list it in inputs and give its value"
