"""Constant expressions in exact arithmetic: their values as fractions, and the constants that some of them are.

A literal is its double. `1/4`, `0.5*3` and `sqrt(4)` are doubles again and fold into one; `1/3`, `0.1*0.3`
and `log(2)` are none and stay expressions, until the last pass of the optimiser rounds each of them once
(`diffc.optimize.round_constants`). Until then rules and proofs see what was meant.

What has no fraction, an infinity or NaN among its operands, a truth value or an integer, is what IEEE
arithmetic makes of it.
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
from diffc.ops.base import DTYPES, Array
from diffc.ops.broadcasting import broadcast
from diffc.ops.constant import Unrounded, const, constant, pi_op, scalar_value
from diffc.ops.elementwise import Elementwise
from diffc.ops.interpreter import evaluate_nodes
from diffc.ops.number_systems import Arithmetic, Objects, resolve_with

__all__ = ["estimate", "folded", "folded_or_itself", "fractions_of", "rounded", "weak"]

MAX_BITS = 1 << 14
"""Fractions of more bits are not computed: the expression stays one."""

MAX_EXPONENT = 64

_STATIC = resolve_with({})
_SHAKE, _APART = 1e-9, 1e-4
"""An estimate counts where moving what it is computed from by the first moves it by no more than the second."""


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
_estimates: WeakKeyDictionary[Node, float | None] = WeakKeyDictionary()
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


def folded(node: Node) -> Node | None:
    """Return the constant that a constant expression is exactly; None where it is no number of its dtype."""
    if not node.is_constant or node.op is const or node.op is pi_op:
        return None
    if node.is_op("neg") and node.inputs[0].is_op("neg"):
        return node.inputs[0].inputs[0]
    result = _by_reference(node) if all(each.op is const for each in node.inputs) else None
    if result is None:
        values = fractions_of(node)
        if values is None:
            return _decided(node)
        numbers = [rounded(each, node.dtype) for each in values.flat]
        if any(not math.isfinite(a) or a != b for a, b in zip(numbers, values.flat, strict=True)):
            return None
        result = np.asarray(numbers, DTYPES[node.dtype]).reshape(values.shape)
    folded_ = constant(result, node.dtype)
    number = scalar_value(folded_)
    return folded_ if number is None else broadcast(constant(number, node.dtype), node.shape)


_MOVES = ("reshape", "transpose", "flip", "slice", "pad", "concatenate", "gather", "max", "sort", "stop_gradient")
"""Operations that round nothing: their results are among their operands, or zero."""


def _by_reference(node: Node) -> Array | None:
    """Return what IEEE arithmetic makes of constants, where it rounds nothing or fractions do not apply."""
    arrays = [const.reference(each.attrs) for each in node.inputs]
    with np.errstate(all="ignore"):
        value = np.asarray(node.op.reference(node.attrs, *arrays))
    if not node.type.is_float or node.is_op(*_MOVES):
        return value
    special = not all(np.all(np.isfinite(each)) for each in arrays) or np.any(np.isnan(value))
    pole = node.is_op("div") and not np.all(arrays[1])
    if special or pole:
        return value
    exact = fractions_of(node)
    # Where a result is zero the sign is IEEE's too.
    return value if exact is not None and _are(value, exact) else None


def _are(value: Array, exact: Objects) -> bool:
    if value.shape != exact.shape or not np.all(np.isfinite(value)):
        return False
    return all(Fraction(float(a)) == b for a, b in zip(value.flat, exact.flat, strict=True))


def _decided(node: Node) -> Node | None:
    """Return the truth value of a comparison whose sides are clearly apart."""
    if not node.is_op("lt", "le", "gt", "ge", "eq", "ne") or node.rank or not node.inputs[0].type.is_float:
        return None
    a, b = map(estimate, node.inputs)
    if a is None or b is None or abs(a - b) <= _APART * max(abs(a), abs(b)):
        return None
    return constant(bool(node.op.reference({}, np.asarray(a), np.asarray(b))))


def folded_or_itself(node: Node) -> Node:
    """Return the constant that a node is exactly, or the node."""
    return folded(node) or node


def estimate(node: Node) -> float | None:
    """Return about the number that a scalar constant expression is, with its sign; None if that is not clear."""
    found = scalar_value(node)
    if found is not None:
        return float(found)
    if node not in _estimates:
        _estimates[node] = _estimated(node)
    return _estimates[node]


def _estimated(node: Node) -> float | None:
    if not node.is_constant or node.rank or not node.type.is_float:
        return None
    exact = fractions_of(node)
    if exact is not None:
        near = float(rounded(exact.item(), "f64"))
        return near if math.isfinite(near) and near else None
    first, second = (_shaken(node, by) for by in (0.0, _SHAKE))
    clear = math.isfinite(first) and abs(first - second) < _APART * abs(first)
    return first if clear else None


def _shaken(node: Node, by: float) -> float:
    """Return the value in doubles, with each result on the way moved by a share of itself, up or down."""
    values: dict[Node, Array] = {}
    with np.errstate(all="ignore"):
        for k, each in enumerate(topological((node,))):
            value = np.asarray(each.op.reference(each.attrs, *[values[operand] for operand in each.inputs]))
            values[each] = value * (1 + (by if k % 2 else -by)) if each.type.is_float else value
    return float(values[node])


def weak(node: Node) -> float | int | bool:
    """Return a scalar constant expression of f64 as a weak number: one that is no double remembers itself."""
    node = folded_or_itself(node)
    number = scalar_value(node)
    if number is not None:
        return number
    (value,) = evaluate_nodes(topological((node,)), (node,), {}, {})
    return Unrounded(value.item(), node) if node.type.is_float else value.item()
