"""Programs as SymPy expressions, one for each element.

Numbers are read exactly: a literal is its double, and what is no double is a constant expression, such as
pi and log(2). Comparisons with an infinity are decided as for finite values, and nothing is
undetermined: a statement is about the open domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from diffc.ir import Graph, Node, topological
from diffc.ops import Elementwise
from diffc.proof.arithmetic import Arithmetic, Objects, resolve_with
from diffc.proof.matrices import exact_form
from diffc.proof.matrix_functions import polynomial

__all__ = ["SYMBOLIC", "shown", "symbol_array", "symbolic"]


class Symbolic(Arithmetic):
    """SymPy expressions as numbers."""

    functions = sympy

    def number(self, value: Any) -> Any:
        """Return an exact number."""
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

    def structural(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        """Take what is not determined on an edge for what it is beside it."""
        return arrays[0] if node.is_op("determined") else super().structural(node, attrs, arrays)

    def matrix_form(self, name: str) -> Callable[..., Objects]:
        """Return a rational form; raise ValueError for a factorization."""
        return exact_form(name, sympy)

    def matrix_function(
        self, function: Graph, a: Objects, directions: list[Objects], parameters: list[Objects]
    ) -> Objects:
        """Return a polynomial of a matrix; raise ValueError for another function."""
        return polynomial(self.number, function, a, directions, parameters)


SYMBOLIC = Symbolic()


def exact(value: float) -> sympy.Expr:
    """Return a double as a rational number, an infinity or NaN."""
    if not np.isfinite(value):
        return sympy.nan if np.isnan(value) else sympy.oo if value > 0 else -sympy.oo
    ratio = Fraction(value)
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
