"""The last pass: each constant expression becomes one constant, the number of its dtype nearest to it.

Until here literals were their doubles and nothing was rounded, so that rules and proofs saw what was meant:
0.1*0.3, 1/3, pi, log(2). An expression of fractions is computed as a fraction. Any other is computed with
more and more digits, once as it is and twice with every operation shaken in its last digit, until all round
to the same number: what cancels or is lost beside something larger shows in the shaken ones. Only then mpmath
is imported. Where no digits are enough, as at a jump (`floor(sqrt(5)**2)`), the value is NumPy's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from diffc.ir import Graph, Node, Operation, topological
from diffc.ops import constant, scalar_value
from diffc.ops.base import DTYPES, Array, is_small
from diffc.ops.broadcasting import broadcast
from diffc.ops.constant import const
from diffc.ops.elementwise import Elementwise, cast_op
from diffc.ops.interpreter import evaluate_nodes
from diffc.ops.number_systems import Arithmetic, Objects, resolve_with
from diffc.ops.rationals import fractions_of, rounded
from diffc.optimize.driver import Log

__all__ = ["round_constants"]

_DIGITS = (40, 80, 160, 320, 640)
_SHAKES = (0, 1, -1)


def round_constants(
    graph: Graph, stage: str = "after", math: str = "precise", log: Log | None = None
) -> Graph:
    """Return the graph with 0.1*0.3 => 0.03: each constant expression rounded once."""
    chosen = _chosen(graph)
    if not chosen:
        return graph
    rounding = _Rounding()

    def change(node: Node, inputs: Sequence[Node]) -> Node:
        if node not in chosen:
            return node.replace(inputs)
        result = rounding.constant(node)
        if log is not None:
            log.append((round_constants.__name__, node, result))
        return result

    return graph.map_nodes(change)


def _chosen(graph: Graph) -> set[Node]:
    """Return the largest constant expressions; a broadcast of one stays, unless a larger one holds it."""
    fixed: set[Node] = set()
    for node in graph.nodes:
        if node.is_constant or (node.inputs and fixed.issuperset(node.inputs) and is_small(node)):
            fixed.add(node)
    needed = set(graph.outputs)
    chosen: set[Node] = set()
    for node in reversed(graph.nodes):
        if node not in fixed or (node in needed and node.is_op("broadcast")):
            needed.update(node.inputs)
        elif node in needed and node.op is not const:
            chosen.add(node)
    return chosen


class _Rounding:
    """One run: values with many digits are shared by the expressions that hold them."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, int], dict[Node, Objects | None]] = {}

    def constant(self, node: Node) -> Node:
        """Return the constant that stands for an expression; equal elements are one number, broadcast."""
        value = constant(self.rounded(node), node.dtype)
        number = scalar_value(value)
        return value if number is None else broadcast(constant(number, node.dtype), node.shape)

    def rounded(self, node: Node) -> Array:
        """Return the value of a constant expression, rounded once."""
        exact = fractions_of(node)
        if exact is not None:
            return _array([rounded(each, node.dtype) for each in exact.flat], node)
        for digits in _DIGITS:
            results = [self._with_digits(node, digits, each) for each in _SHAKES]
            if all(each is None for each in results):
                break  # mpmath cannot compute it
            numbers = [[_nearest(x, node.dtype) for x in each.flat] for each in results if each is not None]
            if len(numbers) == len(_SHAKES) and all(map(_are_one, *numbers)):
                return _array(list(map(_agreed, *numbers)), node)
        return _by_reference(node)

    def _with_digits(self, node: Node, digits: int, shake: int) -> Objects | None:
        """Return the elements of an expression as numbers of mpmath; None for what it cannot compute."""
        known: Any = self._values.setdefault((digits, shake), {})
        with _system().context.workdps(digits), np.errstate(all="ignore"):
            for each in topological((node,), stop=known):
                if each not in known:
                    known[each] = _computed(each, [known[operand] for operand in each.inputs], shake)
        return known[node]


def _are_one(*numbers: Any) -> bool:
    return all(each == numbers[0] or (each != each and numbers[0] != numbers[0]) for each in numbers)


def _agreed(*numbers: Any) -> Any:
    """Return a number that several are; a zero whose sign nobody knows is positive."""
    return numbers[0] if len({repr(each) for each in numbers}) == 1 else abs(numbers[0])


"""Operations that round nothing."""


def _computed(node: Node, arrays: list[Objects | None], shake: int) -> Objects | None:
    operands = [each for each in arrays if each is not None]
    if len(operands) < len(arrays):
        return None
    system = _system()
    try:
        value = system.apply(node, operands, resolve_with({}))
        if shake and node.type.is_float and _rounds(node.op):
            value = np.asarray(value + shake * _last_digits(node, operands, value), object)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    return None if any(isinstance(each, system.context.mpc) for each in value.flat) else value


def _rounds(op: Operation) -> bool:
    """Tell whether an operation rounds in long arithmetic, where a cast keeps all digits."""
    return op.rounds and op is not const and op is not cast_op


def _last_digits(node: Node, arrays: list[Objects], value: Objects) -> Objects:
    """Return by how much the rounding of an operation may have changed each element, in either direction."""
    system = _system()
    size = np.asarray(abs(value), object)
    if not isinstance(node.op, Elementwise) and arrays and all(each.type.is_float for each in node.inputs):
        # A sum of many terms rounds on the way.
        operands = [np.asarray(abs(each), object) for each in arrays]
        size = np.asarray(size + abs(system.apply(node, operands, resolve_with({}))), object)
    # The same at each call, and unlike for the values of one program.
    signs = random.Random(node.digest)
    turns = np.asarray([signs.uniform(2, 9) * signs.choice((-1, 1)) for _ in range(size.size)], object)
    turns = turns.reshape(size.shape)
    return np.asarray(size * turns * system.context.eps, object)


def _array(numbers: list[Any], node: Node) -> Array:
    return np.asarray(numbers, DTYPES[node.dtype]).reshape([int(str(extent)) for extent in node.shape])


def _by_reference(node: Node) -> Array:
    """Return what NumPy computes, for matrices that are factored and the like."""
    return evaluate_nodes(topological((node,)), (node,), {}, {})[0]


def _nearest(value: Any, dtype: str) -> Any:
    """Return the number of a dtype nearest to one of mpmath."""
    if dtype == "bool":
        return bool(value)
    if value != value or value in (_system().context.inf, -_system().context.inf):
        return float(value)
    sign, mantissa, exponent, _ = value._mpf_
    exact = Fraction(-int(mantissa) if sign else int(mantissa)) * Fraction(2) ** int(exponent)
    return rounded(exact, dtype)


class _LongNumbers(Arithmetic):
    """Numbers of mpmath, whose functions come by the names that SymPy has for them."""

    def __init__(self, context: Any) -> None:
        """Take a context of its own: its precision is set here alone."""
        self.context = context
        own = _functions(context)
        names = ("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "erf", "erfc")
        names += ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "gamma", "loggamma", "floor", "sign")
        self.functions = SimpleNamespace(**{name: getattr(context, name) for name in names}, **own)

    def number(self, value: Any) -> Any:
        """Return a number as one of mpmath; a truth value as itself."""
        if isinstance(value, bool | np.bool_):
            return bool(value)
        return self.context.mpf(value.item() if isinstance(value, np.generic) else value)

    def scalar(self, op: Elementwise, *args: Any) -> Any:
        """Return the value with the digits of the moment."""
        value = op.sympy(self.functions, *args)
        return value if isinstance(value, bool | self.context.mpf | self.context.mpc) else self.number(value)


def _functions(context: Any) -> dict[str, Any]:
    def piecewise(*pieces: tuple[Any, Any]) -> Any:
        return next(value for value, condition in pieces if condition)

    compared: dict[str, Callable[[Any, Any], bool]] = {
        "Lt": lambda a, b: a < b,
        "Le": lambda a, b: a <= b,
        "Gt": lambda a, b: a > b,
        "Ge": lambda a, b: a >= b,
        "Eq": lambda a, b: a == b,
        "Ne": lambda a, b: a != b,
    }
    return {
        **compared,
        "And": lambda *args: all(args),
        "Or": lambda *args: any(args),
        "Not": lambda a: not a,
        "Abs": abs,
        "Max": max,
        "Min": min,
        "ceiling": context.ceil,
        "polygamma": lambda n, x: context.psi(int(n), x),
        "Piecewise": piecewise,
        "Rational": lambda p, q=1: context.mpf(p) / q,
        "Integer": context.mpf,
        "pi": context.pi,
    }


@cache
def _system() -> Any:
    import mpmath  # only where a constant is no fraction: importing it takes as long as a small compilation

    return _LongNumbers(mpmath.MPContext())  # pyright: ignore[reportAttributeAccessIssue]
