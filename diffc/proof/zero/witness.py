"""Numeric evidence: values at random points, each computed with 50 and with 80 digits."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import mpmath
import sympy
from sympy.core.function import Application, AppliedUndef
from sympy.core.numbers import NumberSymbol
from sympy.core.relational import Relational

from diffc.proof.budget import ask
from diffc.proof.zero.walk import Visit, walk

__all__ = ["CHECK_POINTS", "OutsideError", "Verdict", "ZeroResult", "evaluate_at", "find_witness"]

CHECK_POINTS = 4
Verdict = Literal["zero", "nonzero", "unknown"]


@dataclass(frozen=True)
class ZeroResult:
    """A verdict, what it rests on, and for "nonzero" the symbols' values where the expression is not zero."""

    verdict: Verdict
    basis: str
    witness: dict[sympy.Symbol, sympy.Rational] | None = None


class OutsideError(Exception):
    """The point lies outside the real domain, or its values are too large to compute."""


def _context(digits: int) -> Any:
    context: Any = mpmath.MPContext()  # pyright: ignore[reportAttributeAccessIssue]
    context.dps = digits
    return context


_CONTEXTS = (_context(50), _context(80))
_NAMES: dict[Any, str] = {
    sympy.Abs: "fabs",
    sympy.erf: "erf",
    sympy.erfc: "erfc",
    sympy.erfinv: "erfinv",
    sympy.LambertW: "lambertw",
    sympy.gamma: "gamma",
    sympy.loggamma: "loggamma",
    sympy.polygamma: "psi",
    sympy.atan2: "atan2",
    sympy.floor: "floor",
    sympy.ceiling: "ceil",
    sympy.exp: "exp",
    sympy.log: "log",
    **{getattr(sympy, n): n for n in ("sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan")},
    **{getattr(sympy, n): n for n in ("sinh", "cosh", "tanh", "sech", "csch", "coth")},
    **{getattr(sympy, n): n for n in ("asinh", "acosh", "atanh")},
}
_STRUCTURE: dict[Any, Callable[[list[Any]], Any]] = {
    sympy.Max: max,
    sympy.Min: min,
    sympy.And: all,
    sympy.Or: any,
    sympy.Not: lambda a: not a[0],
    sympy.StrictGreaterThan: lambda a: bool(a[0] > a[1]),
    sympy.GreaterThan: lambda a: bool(a[0] >= a[1]),
    sympy.StrictLessThan: lambda a: bool(a[0] < a[1]),
    sympy.LessThan: lambda a: bool(a[0] <= a[1]),
    sympy.Equality: lambda a: bool(a[0] == a[1]),
    sympy.Unequality: lambda a: bool(a[0] != a[1]),
}
_SIGNS: dict[Any, Callable[[Any], Any]] = {
    sympy.sign: lambda s: s,
    sympy.Heaviside: lambda s: (1 + s) / 2,
    sympy.DiracDelta: lambda s: 0 * s,
}


def find_witness(expr: sympy.Expr, condition: sympy.Basic, seed: int, tries: int) -> ZeroResult:
    """Return "nonzero" with a point, or "unknown" with the numeric evidence as its basis.

    A value counts as nonzero where its computations at 50 and 80 digits agree to 10 digits.
    """
    symbols = sorted(_symbols(expr) | _symbols(condition), key=str)
    rng = random.Random(f"witness/{seed}")
    agreed, needed = 0, max(CHECK_POINTS, tries // 5)
    for attempt in range(tries * 5):
        ask()
        point = {s: _draw(s, rng, attempt) for s in symbols}
        if not all(_suits(s, v) for s, v in point.items()):
            continue
        try:
            if not all(evaluate_at(condition, point, c) for c in _CONTEXTS):
                continue
            low, high = (evaluate_at(expr, point, c) for c in _CONTEXTS)
        except (OutsideError, ArithmeticError, ValueError, TypeError, NotImplementedError, AttributeError):
            continue
        if high != 0 and abs(low - high) <= abs(high) * mpmath.mpf("1e-10"):
            where = ", ".join(f"{s}={v}" for s, v in point.items())
            value = mpmath.nstr(high, 6)
            return ZeroResult("nonzero", f"numeric witness: {where or 'the constant'} gives {value}", point)
        agreed += 1
        if agreed >= needed:
            break
    return ZeroResult("unknown", f"{agreed} points at 50 digits show no nonzero value")


def _symbols(root: sympy.Basic) -> set[Any]:
    """Return the symbols under ``root``, shared terms once (``free_symbols`` is exponential on graphs)."""
    seen: dict[int, sympy.Basic] = {}
    stack = [root]
    while stack:
        e = stack.pop()
        if id(e) not in seen:
            seen[id(e)] = e
            stack.extend(e.args)
    return {e for e in seen.values() if isinstance(e, sympy.Symbol)}


def _draw(symbol: Any, rng: random.Random, attempt: int) -> Any:
    """Draw a value that satisfies the symbol's assumptions, small and large ranges in turn."""
    reach = (1, 4, 1, 20)[attempt % 4]
    if symbol.is_integer:
        value = sympy.Integer(rng.randint(1, 2 + reach))
    else:
        value = sympy.Rational(rng.randint(1, 1000 * reach), 1000)
    negative = symbol.is_extended_nonpositive
    if negative is None and not symbol.is_extended_nonnegative:
        negative = rng.random() < 0.5
    return -value if negative else value


def _suits(symbol: Any, value: Any) -> bool:
    """Tell whether no assumption on the symbol (``even``, ``prime``...) contradicts the value."""
    facts: dict[str, bool] = symbol.assumptions0
    return all(getattr(value, f"is_{fact}") in (None, wanted) for fact, wanted in facts.items())


def evaluate_at(root: sympy.Basic, point: dict[Any, Any], context: Any) -> Any:
    """Evaluate at a point, shared terms once; raises `OutsideError` off the real domain."""

    def visit(e: sympy.Basic) -> Visit[Any]:
        if isinstance(e, sympy.Piecewise):
            pieces: Any = e.args
            for value, condition in pieces:
                if (yield condition):
                    return (yield value)
            raise OutsideError
        if not e.args:
            return _leaf(e, point, context)
        if not isinstance(e, sympy.Add | sympy.Mul | sympy.Pow | Application | Relational):
            raise OutsideError
        values = list[Any]()
        for a in e.args:
            values.append((yield a))
        out = _apply(e, values, context)
        if not isinstance(out, bool) and (isinstance(out, context.mpc) or not context.isfinite(out)):
            raise OutsideError
        return out

    return walk(root, visit, {})


def _leaf(e: Any, point: dict[Any, Any], context: Any) -> Any:
    if e in (sympy.true, sympy.false):
        return e is sympy.true
    e = point.get(e, e)
    if isinstance(e, sympy.Rational | sympy.Float):
        ratio: Any = sympy.Rational(e)
        return context.mpf(int(ratio.p)) / int(ratio.q)
    if isinstance(e, NumberSymbol):
        return _float(e, context)
    raise OutsideError


def _float(e: Any, context: Any) -> Any:
    """Return a constant's value by SymPy, carried over exactly."""
    value = e.evalf(context.dps + 5)
    if not isinstance(value, sympy.Rational | sympy.Float):
        raise OutsideError
    ratio: Any = sympy.Rational(value)
    return context.mpf(int(ratio.p)) / int(ratio.q)


def _apply(e: Any, a: list[Any], context: Any) -> Any:
    head: Any = type(e)
    if head in _STRUCTURE:
        return _STRUCTURE[head](a)
    if isinstance(e, sympy.Add | sympy.Mul):
        return context.fsum(a) if isinstance(e, sympy.Add) else context.fprod(a)
    if isinstance(e, sympy.Pow):
        return _power(e, a, context)
    if head in _SIGNS:
        return _SIGNS[head](context.sign(a[0]))
    if isinstance(e, AppliedUndef):
        rng = random.Random(f"function/{e.func}/{len(a)}")
        return context.fsum(context.sin(v * rng.randint(3, 9) / 4 + rng.randint(1, 9)) for v in a)
    if any(abs(v) > 1e5 for v in a):
        raise OutsideError
    if head in _NAMES and len(a) <= 2:
        return getattr(context, _NAMES[head])(*a)
    return _float(head(*(sympy.Rational(*_ratio(v)) for v in a)), context)


def _ratio(v: Any) -> tuple[int, int]:
    mantissa, exponent = int(v.man), int(v.exp)
    sign = -1 if v < 0 else 1
    return sign * abs(mantissa) * 2 ** max(exponent, 0), 2 ** max(-exponent, 0)


def _power(e: Any, a: list[Any], context: Any) -> Any:
    if isinstance(e.exp, sympy.Integer):
        return a[0] ** int(e.exp)
    if abs(a[1] * context.mag(a[0])) > 1e6:
        raise OutsideError
    return a[0] ** a[1]
