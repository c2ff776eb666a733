"""Programs as SymPy expressions, one for each element.

Numbers are read exactly, except that a double which is the nearest one to a small rational multiple
of a constant in `CLOSED_FORMS` is read as that multiple: 1.1283791670955126 is 2/sqrt(pi). What is
proved then holds up to the rounding of such a literal. Comparisons with an infinity are decided as
for finite values: a statement is about the open domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import sympy

from diffc.ir import Node, topological
from diffc.ops import Elementwise
from diffc.proof.arithmetic import Arithmetic, Objects, resolve_with
from diffc.proof.matrices import exact_form

__all__ = ["SYMBOLIC", "shown", "symbol_array", "symbolic"]

CLOSED_FORMS: tuple[sympy.Expr, ...] = (
    2 / sympy.sqrt(sympy.pi),
    sympy.pi,
    1 / sympy.pi,
    sympy.sqrt(2),
    sympy.sqrt(2 / sympy.pi),
    sympy.log(2),
    sympy.log(10),
    sympy.log(2 * sympy.pi),
    sympy.sqrt(sympy.pi),
    sympy.E,
)
_SMALL = 64


class Symbolic(Arithmetic):
    """SymPy expressions as numbers."""

    functions = sympy

    def number(self, value: Any) -> Any:
        """Return an exact number; see the module's text for the doubles that are read as closed forms."""
        if isinstance(value, sympy.Basic):
            return value
        if isinstance(value, bool | np.bool_):
            return sympy.true if value else sympy.false
        return exact(float(value)) if isinstance(value, float | np.floating) else sympy.Integer(int(value))

    def scalar(self, op: Elementwise, *args: Any) -> Any:
        """Decide comparisons with infinities; leave the rest to the operation's SymPy form."""
        if op.result == "bool" and any(each in (sympy.oo, -sympy.oo) for each in args):
            finite = [each if each in (sympy.oo, -sympy.oo) else sympy.S.Zero for each in args]
            return op.sympy(sympy, *finite)
        return op.sympy(sympy, *args)

    def matrix_form(self, name: str) -> Callable[..., Objects]:
        """Return a rational form; raise ValueError for a factorization."""
        return exact_form(name, sympy)


SYMBOLIC = Symbolic()


@lru_cache(maxsize=4096)
def exact(value: float) -> sympy.Expr:
    """Return a double as a rational number, an infinity, NaN, or a multiple of a closed form."""
    if not np.isfinite(value):
        return sympy.nan if np.isnan(value) else sympy.oo if value > 0 else -sympy.oo
    ratio = Fraction(value)
    if ratio.denominator > 2**20:
        for form in CLOSED_FORMS:
            near = Fraction(value / float(form)).limit_denominator(_SMALL)
            multiple = sympy.Rational(near.numerator, near.denominator) * form
            if 0 < abs(near.numerator) <= _SMALL and float(multiple.evalf(30)) == value:
                return multiple
    return sympy.Rational(ratio.numerator, ratio.denominator)


def symbol_array(name: str, shape: Sequence[int], dtype: str = "f64") -> Objects:
    """Return an array of free symbols: real, integer, or, for truth values, the sign of a real one."""
    result = np.empty(tuple(shape), object)
    for index in np.ndindex(*shape):
        label = name + "".join(f"_{k}" for k in index)
        symbol = sympy.Symbol(label, integer=True) if dtype == "i64" else sympy.Symbol(label, real=True)
        result[index] = symbol > 0 if dtype == "bool" else symbol
    return result


def symbolic(
    outputs: Sequence[Node],
    values: Mapping[Node, Objects],
    symbols: Mapping[str, int] | None = None,
) -> list[Objects]:
    """Return the outputs' elements as expressions.

    Args:
        outputs: what to translate.
        values: the expressions of inputs, or of any other nodes; the walk does not go beyond them.
        symbols: the values of the symbols in extents.
    """
    known = dict(values)
    SYMBOLIC.run(topological(outputs, stop=set(known)), known, resolve_with(symbols or {}))
    return [known[node] for node in outputs]


def shown(expression: Any) -> str:
    """Return an expression as text, its terms in SymPy's usual order where no NaN keeps it from comparing."""
    try:
        return str(expression)
    except TypeError:
        return sympy.sstr(expression, order="none")
