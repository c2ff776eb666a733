"""Real and imaginary parts, where every input is real.

SymPy's 0 has no sign: `-im(x)` is 0, and `atan2(-im(x), -2)` is pi. So an imaginary part is +0.0, or NaN
where what it is of is not real, and it stays as it is in whatever leaves 0 as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

from diffc.ir import Node
from diffc.ops import constant_like
from diffc.ops.arithmetic import add
from diffc.ops.constant import pi
from diffc.ops.exact import weak
from diffc.ops.logic import lt, ne, where

__all__ = ["REAL", "argument", "imaginary_part", "vanishing"]

REAL = frozenset((
    "Add", "Mul", "Abs", "Heaviside", "KroneckerDelta", "Max", "Min", "Mod", "Piecewise", "Rem",
    "SingularityFunction", "UnevaluatedExpr", "acot", "arg", "asinh", "atan", "atan2", "ceiling", "conjugate",
    "cos", "cosh", "cot", "coth", "csc", "csch", "erf", "erf2", "erfc", "exp", "exp2", "expm1", "fma",
    "floor", "frac", "gamma", "hypot", "im", "re", "sec", "sech", "sign", "sin", "sinc", "sinh", "tan",
    "tanh",
))  # fmt: skip
"""Functions that are real wherever their operands are."""

_KEEPS_ZERO = frozenset((
    "Abs", "asin", "asinh", "atan", "atanh", "ceiling", "conjugate", "erf", "expm1", "floor", "im", "log1p",
    "re", "sign", "sin", "sinh", "tan", "tanh", "UnevaluatedExpr",
))  # fmt: skip


def imaginary_part(x: Node, is_real: bool) -> Node:
    """Return 0, or NaN where x is not real."""
    return constant_like(0, x.dtype) if is_real else _nan_beside(x, constant_like(0, x.dtype))


def argument(x: Node, is_real: bool) -> Node:
    """Return the angle of a real number, 0 at 0; NaN where x is not real."""
    angle = where(lt(x, 0), constant_like(weak(pi()), x.dtype), 0)
    return angle if is_real else _nan_beside(x, angle)


def _nan_beside(x: Node, value: Node) -> Node:
    return where(ne(x, x), constant_like(math.nan, x.dtype), value)


def vanishing(head: str, expr: Any, operands: Sequence[Node], zeros: Sequence[bool]) -> Node | None:
    """Return the imaginary part that an expression is, None where it is anything else.

    Args:
        head: the name of the expression's class.
        expr: the expression.
        operands: the nodes of its operands.
        zeros: which of them are imaginary parts.
    """
    parts = [node for node, is_zero in zip(operands, zeros, strict=True) if is_zero]
    if head == "Mul" or (head == "Add" and all(zeros)):
        return reduce(add, dict.fromkeys(parts))
    if head in _KEEPS_ZERO or (head == "Pow" and zeros[0] and _is_positive(expr.args[1])):
        return parts[0]
    return None


def _is_positive(exponent: Any) -> bool:
    return bool(exponent.is_Number and exponent.is_extended_positive)
