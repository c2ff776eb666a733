"""Programs run in arithmetic of 80 digits, with a running bound of what rounding may do to a kernel.

The value of an operation is its SymPy form evaluated with mpmath, so that 50 digits are right wherever no
more than 30 cancel. Beside each value runs a bound, to first order, of the error of an evaluation in the
program's own dtypes in which every operation is right to one unit in the last place: for an elementwise
operation, what moving each argument by its bound does to the value; for sums, products and recurrences
the difference f(|x| + bound) - f(|x|), with one rounding for each term.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np

from diffc.ir import Graph, Node
from diffc.ir.dtype import FORMATS
from diffc.ops import Elementwise
from diffc.ops.constant import pi_op
from diffc.ops.reductions import amax
from diffc.proof.arithmetic import Arithmetic, Objects, Resolve, resolve_with
from diffc.proof.budget import ask
from diffc.proof.matrices import MATRIX_OPERATIONS, long_form
from diffc.proof.matrix_functions import MATRIX_FUNCTIONS, long_function

__all__ = ["DIGITS", "MULTIPRECISION", "run_with_bounds"]

DIGITS = 80
_HUGE = 10**6
_BACKWARD = 4
"""How many times n roundings a factorization may be off, backward."""

_context: Any = mpmath.MPContext()  # pyright: ignore[reportAttributeAccessIssue]
_context.dps = DIGITS
_STEP = _context.mpf(2) ** -80
"""By how much less than its bound an operand is moved, so that the effect is linear."""


def _exp(x: Any) -> Any:
    return _context.exp(x) if abs(x) < _HUGE else _context.inf if x > 0 else _context.zero * x


def _erfcinv(y: Any) -> Any:
    """Return the inverse of erfc, near 0 and 2 by Halley's method on erfc itself."""
    rest = min(y, 2 - y)
    if rest <= 0:
        return _context.nan if rest < 0 else _context.sign(1 - y) * _context.inf
    if rest > 0.5:
        return _context.erfinv(1 - y)
    z = _context.sqrt(-_context.log(rest))
    for _ in range(100):
        step = (_context.erfc(z) - rest) * _context.exp(z * z) * _context.sqrt(_context.pi) / 2
        z += step / (1 - z * step)
        if abs(step) < _context.mpf(10) ** (-DIGITS // 2):
            break
    return _context.sign(1 - y) * z


def _piecewise(*pieces: tuple[Any, Any]) -> Any:
    return next((value for value, condition in pieces if condition), _context.nan)


_FUNCTIONS = SimpleNamespace(
    **{name: getattr(_context, name) for name in ("log", "sqrt", "erf", "atan2", "floor", "sign", "pi")},
    **{name: getattr(_context, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan")},
    **{name: getattr(_context, name) for name in ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh")},
    exp=_exp,
    ceiling=_context.ceil,
    gamma=_context.gamma,
    loggamma=lambda x: _context.re(_context.loggamma(x)),
    polygamma=lambda n, x: _context.psi(int(n), x),
    erfc=_context.erfc,
    erfinv=lambda x: _erfcinv(1 - x),
    erfcinv=_erfcinv,
    LambertW=_context.lambertw,
    Abs=abs,
    Max=lambda *args: _context.nan if any(map(_context.isnan, args)) else max(args, default=-_context.inf),
    Min=lambda *args: _context.nan if any(map(_context.isnan, args)) else min(args, default=_context.inf),
    Lt=lambda a, b: bool(a < b),
    Le=lambda a, b: bool(a <= b),
    Gt=lambda a, b: bool(a > b),
    Ge=lambda a, b: bool(a >= b),
    Eq=lambda a, b: bool(a == b),
    Ne=lambda a, b: bool(a != b),
    And=lambda *args: all(args),
    Or=lambda *args: any(args),
    Not=lambda a: not a,
    Piecewise=_piecewise,
    Integer=_context.mpf,
    Rational=lambda p, q=1: _context.mpf(p) / q,
    E=_context.e,
    oo=_context.inf,
)


class Multiprecision(Arithmetic):
    """Numbers of mpmath; what is not real is NaN."""

    functions = _FUNCTIONS

    def number(self, value: Any) -> Any:
        """Return a number exactly."""
        if isinstance(value, bool | np.bool_):
            return bool(value)
        return _context.mpf(value.item() if isinstance(value, np.generic) else value)

    def scalar(self, op: Elementwise, *args: Any) -> Any:
        """Return the value; a division by zero gives an infinity, what is not real NaN."""
        try:
            value = op.sympy(_FUNCTIONS, *args)
        except ZeroDivisionError:
            top = args[0] if op.name == "div" else _context.zero
            return _context.nan if top == 0 or _context.isnan(top) else _context.sign(top) * _context.inf
        except (ValueError, OverflowError, _context.NoConvergence):
            return _context.nan
        return _context.nan if isinstance(value, _context.mpc) else value

    def matrix_form(self, name: str) -> Callable[..., Objects]:
        """Return what mpmath computes."""
        return long_form(name, _context)

    def matrix_function(
        self, function: Graph, a: Objects, directions: list[Objects], parameters: list[Objects]
    ) -> Objects:
        """Return a function of one matrix, or its derivative; NaN where an operand is not finite."""
        if not all(map(self.is_finite, np.concatenate([x.ravel() for x in (a, *directions, *parameters)]))):
            return np.full(a.shape, _context.nan, object)
        return long_function(_context, DIGITS, self._of_scalars, (function, a, directions, parameters))

    def _of_scalars(self, function: Graph, arguments: list[Any]) -> Any:
        values = {node: _bare(each) for node, each in zip(function.inputs, arguments, strict=True)}
        self.run(function.nodes, values, resolve_with({}))
        return values[function.outputs[0]][()]

    def is_nan(self, value: Any) -> bool:
        """Tell whether a number is NaN."""
        return bool(_context.isnan(value))

    def is_finite(self, value: Any) -> bool:
        """Tell whether a value is neither infinite nor NaN."""
        return isinstance(value, bool) or bool(_context.isfinite(value))

    def shown(self, value: Any) -> str:
        """Return a number with 20 digits."""
        return str(_context.nstr(value, 20))


MULTIPRECISION = Multiprecision()


def run_with_bounds(
    nodes: Sequence[Node], values: dict[Node, Objects], resolve: Resolve
) -> dict[Node, Objects]:
    """Compute the nodes into `values`, which holds the inputs', and return each node's error bound."""
    bounds: dict[Node, Objects] = {}
    for node in nodes:
        ask()
        arrays = [values[each] for each in node.inputs] if node not in values else []
        if node not in values:
            values[node] = MULTIPRECISION.apply(node, arrays, resolve)
        if node.op is pi_op:  # of the leaves the one that long arithmetic rounds, too: sin(pi) is 0
            bounds[node] = np.asarray(_context.mpf(10) ** (2 - DIGITS), object)
        elif not arrays or not node.type.is_float:
            bounds[node] = _zeros(values[node].shape)
        else:
            bounds[node] = _bound(node, arrays, [bounds[each] for each in node.inputs], values, resolve)
    return bounds


def _zeros(shape: tuple[int, ...]) -> Objects:
    return np.full(shape, _context.zero, object)


def _bound(
    node: Node, arrays: list[Objects], bounds: list[Objects], values: Mapping[Node, Objects], resolve: Resolve
) -> Objects:
    op, value, epsilon = node.op, values[node], _context.mpf(FORMATS[node.dtype].epsilon)
    rounding = np.asarray(abs(value) * epsilon, object)
    if isinstance(op, Elementwise):
        total = rounding if op.rounds else _zeros(value.shape)
        for k, bound in enumerate(bounds):
            if any(bound.flat):
                moved = [array + bound if place == k else array for place, array in enumerate(arrays)]
                changed = MULTIPRECISION.apply(node, [np.asarray(each, object) for each in moved], resolve)
                total = total + abs(changed - value)
        return np.asarray(total, object)
    largest = max((max(array.shape, default=1) for array in arrays), default=1)
    if op.name == "max":
        return MULTIPRECISION.apply(node, bounds, resolve)
    if op.name == "logsumexp":
        widest = MULTIPRECISION.apply(_largest_like(node), [np.asarray(abs(arrays[0]), object)], resolve)
        moved = MULTIPRECISION.apply(_largest_like(node), bounds, resolve)
        return np.asarray(moved + (widest + largest + 2) * epsilon + rounding, object)
    if op.name == "softmax":
        # Each exponential is off by the rounding of its argument and by what the argument is off.
        axes = node.attrs["axes"]
        moved = bounds[0] + np.max(bounds[0], axis=axes, keepdims=True)
        reach = abs(arrays[0]) + np.max(abs(arrays[0]), axis=axes, keepdims=True)
        return np.asarray(value * (moved + (reach + largest + 4) * epsilon), object)
    if op.moves:
        indices = arrays[1:] if op.name == "gather" else bounds[1:]
        return MULTIPRECISION.apply(node, [bounds[0], *indices], resolve)
    if op.name == "cast":
        return np.asarray(bounds[0] + rounding, object)
    if op.name in (*MATRIX_OPERATIONS, *MATRIX_FUNCTIONS):
        return _matrix_bound(node, arrays, bounds, value, resolve)
    before, after = list[Objects](), list[Objects]()
    for each, array, bound in zip(node.inputs, arrays, bounds, strict=True):
        floats = each.type.is_float
        before.append(np.asarray(abs(array), object) if floats else array)
        after.append(np.asarray(before[-1] * (1 + largest * epsilon) + bound, object) if floats else array)
    grown, plain = (MULTIPRECISION.apply(node, each, resolve) for each in (after, before))
    return np.asarray(grown - plain, object)


def _matrix_bound(
    node: Node, arrays: list[Objects], bounds: list[Objects], value: Objects, resolve: Resolve
) -> Objects:
    """Return how far the value moves when the operands move by their bounds and by a backward error.

    The algorithms are backward stable: what they compute is right for operands that are off by a few times
    n roundings of their largest element. The moves are small, so that their effects add up.
    """
    epsilon = _context.mpf(FORMATS[node.dtype].epsilon)
    total = np.asarray(abs(value) * epsilon, object)
    for k, (array, bound) in enumerate(zip(arrays, bounds, strict=True)):
        rank = node.inputs[0].rank - array.ndim  # of a function's parameters: one axis less than matrices
        axes = tuple(range(array.ndim - 2 + rank, array.ndim))
        backward = _BACKWARD * max(array.shape[-2:]) * epsilon
        scale = np.max(abs(array), axis=axes, keepdims=True) if array.size else array
        amounts = bound + np.broadcast_to(scale * backward, array.shape)
        for place in np.ndindex(*(array.shape[axis] for axis in axes)):
            moved = np.array(array)
            moved[(..., *place)] = moved[(..., *place)] + amounts[(..., *place)] * _STEP
            operands = [moved if other == k else each for other, each in enumerate(arrays)]
            changed = MULTIPRECISION.apply(node, operands, resolve)
            total = total + abs(changed - value) / _STEP
    return np.asarray(total, object)


def _bare(value: Any) -> Objects:
    result = np.empty((), object)
    result[()] = value
    return result


def _largest_like(node: Node) -> Node:
    """Return the maximum over the axes of another reduction."""
    return Node.make(amax, node.inputs, node.attrs)
