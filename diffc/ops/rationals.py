"""Constant expressions as fractions: exact values of what rational arithmetic can say, and their rounding.

Roots of perfect powers, powers and logarithms that come out, and functions where they are rational (`exp(0)`)
count as well. Everything else is irrational, as far as this is concerned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from diffc.ir import Node, topological
from diffc.ops.constant import const
from diffc.ops.elementwise import Elementwise
from diffc.ops.number_systems import Arithmetic, Objects, resolve_with

__all__ = ["fractions_of", "rounded"]

MAX_BITS = 1 << 14
"""Fractions of more bits are not computed: the expression stays one."""

MAX_EXPONENT = 64

_STATIC = resolve_with({})


class _IrrationalError(Exception):
    """A value that is no fraction, or none that is looked for."""


def _irrational(*_: Any) -> Any:
    raise _IrrationalError


def _at(place: int, value: int) -> Callable[[Any], Any]:
    """Return a function that is rational at one place alone, as far as this is concerned."""
    return lambda x: Fraction(value) if x == place else _irrational()


def _root(x: Any, degree: int) -> Fraction:
    """Return a root of a fraction that is a perfect power."""
    if x < 0 and degree % 2:
        return -_root(-x, degree)
    parts = [_integer_root(each, degree) for each in Fraction(x).as_integer_ratio()]
    return Fraction(*parts)


def _integer_root(x: int, degree: int) -> int:
    if x < 0:
        return _irrational()
    if degree == 2:
        root = math.isqrt(x)
    else:  # Newton's method from above
        root = 1 << -(-x.bit_length() // degree)
        while (better := (2 * root + x // root**2) // 3 if root else 0) < root:
            root = better
    return root if root**degree == x else _irrational()


def _power(x: Any, y: Any) -> Fraction:
    if y == 0 or x == 1:
        return Fraction(1)
    if y.denominator <= 2 and abs(y) <= MAX_EXPONENT:
        return Fraction(x if y.denominator == 1 else _root(x, 2)) ** y.numerator
    return _irrational()


def _logarithm(x: Any, base: int) -> Fraction:
    """Return the logarithm of a power of the base."""
    x = Fraction(x)
    size = max(x.numerator, x.denominator)
    exponent = round(math.log(size, base)) if size > 0 else 0
    if x in (Fraction(base) ** exponent, Fraction(base) ** -exponent):
        return Fraction(exponent if x >= 1 else -exponent)
    return _irrational()


def _sign(x: Any) -> Fraction:
    return Fraction((x > 0) - (x < 0))


def _piecewise(*pieces: tuple[Any, Any]) -> Any:
    return next(value for value, condition in pieces if condition)


_FUNCTIONS = SimpleNamespace(
    **{name: _at(0, 0) for name in ("sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh", "erf")},
    **{name: _at(0, 1) for name in ("exp", "cos", "cosh", "erfc")},
    log=_at(1, 0),
    acos=_at(1, 0),
    sqrt=lambda x: _root(x, 2),
    Abs=abs,
    sign=_sign,
    floor=lambda x: Fraction(math.floor(x)),
    ceiling=lambda x: Fraction(math.ceil(x)),
    Max=max,
    Min=min,
    Piecewise=_piecewise,
    Rational=Fraction,
    Integer=Fraction,
    Lt=lambda a, b: a < b,
    Le=lambda a, b: a <= b,
    Gt=lambda a, b: a > b,
    Ge=lambda a, b: a >= b,
    Eq=lambda a, b: a == b,
    Ne=lambda a, b: a != b,
    And=lambda *args: all(args),
    Or=lambda *args: any(args),
    Not=lambda a: not a,
)

_SPECIAL: Mapping[str, Callable[..., Any]] = {
    "pow": _power,
    "cbrt": lambda x: _root(x, 3),
    "exp2": lambda x: Fraction(2) ** int(x) if x == int(x) and abs(x) <= MAX_BITS else _irrational(),
    "log2": lambda x: _logarithm(x, 2),
    "log10": lambda x: _logarithm(x, 10),
}
"""Operations whose SymPy forms say less of fractions than is known."""


class _Fractions(Arithmetic):
    """Fractions; what is none raises."""

    functions = _FUNCTIONS

    def number(self, value: Any) -> Any:
        """Return a finite number as a fraction; a truth value as itself."""
        if isinstance(value, bool | np.bool_):
            return bool(value)
        if isinstance(value, float | np.floating) and not math.isfinite(value):
            raise _IrrationalError
        return value if isinstance(value, Fraction) else Fraction(np.asarray(value).item())

    def scalar(self, op: Elementwise, *args: Any) -> Any:
        """Return a fraction of moderate size, or raise."""
        value = _SPECIAL[op.name](*args) if op.name in _SPECIAL else op.sympy(_FUNCTIONS, *args)
        if isinstance(value, Fraction):
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
                raise _IrrationalError
        elif not isinstance(value, bool):
            value = self.number(value)
        return value


_FRACTIONS = _Fractions()
_values: WeakKeyDictionary[Node, Objects | None] = WeakKeyDictionary()
_NOT_RATIONAL = (
    *(_IrrationalError, ZeroDivisionError, StopIteration, AttributeError, TypeError, ValueError),
    *(OverflowError, IndexError, KeyError),
)
"""What an operation meets that knows no fractions."""


def fractions_of(node: Node) -> Objects | None:
    """Return the exact elements of a constant expression as fractions, truth values as bool; else None.

    It may hold broadcasts.
    """
    if node not in _values:
        known: Any = _values
        for each in topological((node,), stop=known):
            if each not in known:
                _values[each] = _fractions(each)
    return _values[node]


def _fractions(node: Node) -> Objects | None:
    arrays = [_values[each] for each in node.inputs]
    if not (node.inputs or node.op is const) or any(each is None for each in arrays):
        return None
    try:
        with np.errstate(all="ignore"):  # NumPy looks at the flags that Python's own arithmetic leaves
            return _FRACTIONS.apply(node, [each for each in arrays if each is not None], _STATIC)
    except _NOT_RATIONAL:
        return None


def rounded(value: Any, dtype: str) -> Any:
    """Return the number of a dtype nearest to a fraction, of two equally near ones the even one."""
    if dtype in ("bool", "i64"):
        return value if dtype == "bool" else int(value)
    if dtype == "f64":
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    near = np.float32(rounded(value, "f64"))
    if not np.isfinite(near):
        return near
    # Through f64 it is rounded twice: one of the neighbours may be the nearer one.
    around = (near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf)))
    finite = [each for each in around if np.isfinite(each)]
    return min(finite, key=lambda each: (abs(Fraction(float(each)) - value), int(each.view(np.int32)) & 1))
