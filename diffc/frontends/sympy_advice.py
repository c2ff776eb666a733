"""What to write instead of an expression that is refused: a way of SymPy's own that was tried, and works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from diffc.frontends.sympy_text import shown

__all__ = ["ADVICE", "advice", "advice_without_i"]

_MAX_NODES = 200
_DOIT = "evaluate it first, with .doit()"

ADVICE: dict[str, str] = {
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
    "FunctionMatrix": "write out its elements, with .as_explicit()",
    "ArrayDerivative": "leave it out, and take dc.derivative or dc.jacobian of the Function",
    "Contains": "write the set as a condition, with .as_relational(x)",
    "DiracDelta": "a distribution has no value; write what it stands for",
}
"""What to do instead, for heads that are refused."""

_DERIVATIVE = "leave it out, and take dc.derivative of the Function"
_GENERAL = "rewrite it by elementary functions, or list it in inputs and give its value"

_REWRITES = ("Piecewise", "gamma", "sqrt", "cos", "log", "erf", "exp", "polynomial")


def advice(expr: Any, head: str, fits: Callable[[Any], bool]) -> str:
    """Return what to do about an expression that is not supported; `fits` tells what is."""
    if head in ADVICE:
        return ADVICE[head]
    way = _way(expr, fits)
    return way or (_DERIVATIVE if head == "Derivative" and fits(expr.args[0]) else _GENERAL)


def advice_without_i(root: Any, fits: Callable[[Any], bool]) -> str:
    """Return what to do about an expression that holds the imaginary unit, nothing where no way was found."""
    way = _way(root, fits)
    return f": if its value is real, {way}" if way else ""


def _way(expr: Any, fits: Callable[[Any], bool]) -> str | None:
    ways = _ways(expr) if _is_small(expr) else ()
    return next((way for way, apply in ways if _works(apply, fits)), None)


def _works(apply: Callable[[], Any], fits: Callable[[Any], bool]) -> bool:
    try:
        return fits(apply())
    except Exception:  # SymPy may trip in any way over what a method was not made for
        return False


def _ways(expr: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield each way as words and as what it makes of the expression."""
    yield _DOIT, expr.doit
    yield "expand it, with .expand(func=True)", lambda: expr.expand(func=True)
    for target in _REWRITES:
        yield f"rewrite it, with .rewrite({target})", lambda target=target: expr.rewrite(target)
    symbols = [each for each in expr.free_symbols if each.is_Symbol and each.is_real is None]
    real = expr.xreplace({each: type(each)(each.name, real=True) for each in symbols})
    names = " ".join(sorted(shown(each) for each in symbols[:4])) + " ..." * (len(symbols) > 4)
    declare = f"declare its symbols real, with symbols({names!r}, real=True)" if symbols else ""
    if symbols:
        yield declare, real.doit
    lead = f"{declare}, and " if declare else ""
    yield f"{lead}expand it, with .expand(complex=True)", lambda: real.expand(complex=True)
    yield f"{lead}rewrite it, with .rewrite(cos)", lambda: real.rewrite("cos").expand()


def _is_small(expr: Any) -> bool:
    stack, count = [expr], 0
    while stack:
        stack.extend(getattr(stack.pop(), "args", ()))
        count += 1
        if count > _MAX_NODES:
            return False
    return True
