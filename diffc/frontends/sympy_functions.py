"""What each SymPy function is in diffc's operations, by the name of its SymPy class.

This table needs no SymPy: a builder takes the operands' nodes and returns the result's. Where
diffc has no function of that name, it is composed so that it keeps its relative accuracy. Formulas:
Abramowitz and Stegun, Handbook of Mathematical Functions, sections 4.3 to 4.6 and 7.1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from diffc.errors import DiffcError
from diffc.ir import Node
from diffc.ops import constant_like, scalar_value
from diffc.ops.arithmetic import abs_, add, div, maximum, minimum, mul, neg, sign, sub
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
from diffc.ops.gamma import digamma, polygamma_of
from diffc.ops.inverse_functions import erfcinv, erfinv, lambertw
from diffc.ops.inverse_hyperbolic import asinh, atanh
from diffc.ops.logic import eq, ge, gt, le, logical_and, logical_not, logical_or, lt, ne, where
from diffc.ops.powers import power
from diffc.ops.remainders import fmod, mod
from diffc.ops.rounding import ceil, floor
from diffc.syntax.pointwise import (
    acosh,
    acosh_of_one_plus,
    heaviside,
    odd,
    sinc_of_angle,
)
from diffc.syntax.special import beta, binom, factorial2, gamma, loggamma, poch

__all__ = ["FUNCTIONS"]


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
    """Return erf(y) - erf(x), from the tails where both lie on one side of 0."""
    right = logical_and(gt(x, 0.5), gt(y, 0.5))
    left = logical_and(lt(x, -0.5), lt(y, -0.5))
    a, b = where(left, neg(y), x), where(left, neg(x), y)
    return where(logical_or(left, right), sub(erfc(a), erfc(b)), sub(erf(y), erf(x)))


def _lambert(x: Node, k: Node | None = None) -> Node:
    if k is not None:
        raise DiffcError(
            "LambertW(x, k): only the branch k = 0 is supported; list it in inputs and give its value"
        )
    return lambertw(x)


def _falling(x: Node, n: Node) -> Node:
    return poch(add(sub(x, n), 1), n)


def _same(x: Node, y: Node) -> Node:
    return where(eq(x, y), constant_like(1, x.dtype), 0)


def _beyond(x: Node, start: Node, n: Node) -> Node:
    """Return (x - start)**n from the start on, 0 before it."""
    order = scalar_value(n)
    if order is None or order < 0:
        raise DiffcError(
            "SingularityFunction(x, a, n): n is a number from 0 on here; below 0 it is a distribution"
        )
    distance = sub(x, start)
    return where(ge(distance, 0), power(distance, order), constant_like(0, x.dtype))


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
    "erfinv": erfinv,
    "erfcinv": erfcinv,
    "LambertW": _lambert,
    "factorial2": factorial2,
    "beta": beta,
    "binomial": binom,
    "RisingFactorial": poch,
    "FallingFactorial": _falling,
    "gamma": gamma,
    "factorial": lambda x: gamma(add(x, 1)),
    "loggamma": loggamma,
    "digamma": digamma,
    "harmonic": lambda x: sub(digamma(add(x, 1)), digamma(constant_like(1, x.dtype))),
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
    "KroneckerDelta": _same,
    "SingularityFunction": _beyond,
    # of complex numbers, which are real here
    "re": _identity,
    "conjugate": _identity,
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
