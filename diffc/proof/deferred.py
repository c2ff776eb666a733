"""Symbolic arrays whose elements are computed when they are asked for.

A local equation is compared at a few of its elements. The others, and what only they need, are never made, so
that the size of an array costs next to nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import sympy

from diffc.ir import Graph, Node
from diffc.ops import Elementwise
from diffc.proof.arithmetic import Arithmetic, Objects
from diffc.proof.matrices import MATRIX_OPERATIONS
from diffc.proof.matrix_functions import MATRIX_FUNCTIONS
from diffc.proof.symbolic import SYMBOLIC

__all__ = ["DEFERRED", "Deferred", "forced"]


class Deferred:
    """A function of arguments, each a value or deferred itself, which is not applied before it is forced."""

    __slots__ = ("arguments", "done", "function", "value")

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Take both; nothing is computed."""
        self.function, self.arguments = function, arguments
        self.done, self.value = False, None

    def __add__(self, other: Any) -> Any:
        return _joined(operator.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _joined(operator.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _joined(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _joined(operator.sub, other, self)

    def __mul__(self, other: Any) -> Any:
        return _joined(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _joined(operator.mul, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _joined(operator.truediv, self, other)

    def __neg__(self) -> Deferred:
        return Deferred(operator.neg, self)


def _joined(function: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return NotImplemented  # the array takes it element by element
    return Deferred(function, left, right)


def forced(value: Any) -> Any:
    """Return what a deferred value is, any other value itself; its arguments first, without recursion."""
    if not isinstance(value, Deferred):
        return value
    stack = [value]
    while stack:
        top = stack[-1]
        waiting = [each for each in top.arguments if isinstance(each, Deferred) and not each.done]
        if waiting and not top.done:
            stack += waiting
            continue
        if not top.done:
            given = [each.value if isinstance(each, Deferred) else each for each in top.arguments]
            top.value, top.done, top.arguments = top.function(*given), True, ()
        stack.pop()
    return value.value


class _Functions:
    """SymPy's functions, deferred, and its numbers."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(sympy, name)
        return found if isinstance(found, sympy.Basic) else partial(Deferred, found)


class _Deferring(Arithmetic):
    """SymPy expressions that are made when they are needed."""

    functions = _Functions()

    def number(self, value: Any) -> Any:
        """Return an exact number, or what is deferred as it is."""
        return value if isinstance(value, Deferred) else SYMBOLIC.number(value)

    def scalar(self, op: Elementwise, *args: Any) -> Any:
        """Return the operation, deferred."""
        return Deferred(partial(SYMBOLIC.scalar, op), *args)

    def matrix_form(self, name: str) -> Callable[..., Objects]:
        """Return a rational form; raise ValueError for a factorization."""
        return SYMBOLIC.matrix_form(name)

    def matrix_function(
        self, function: Graph, a: Objects, directions: list[Objects], parameters: list[Objects]
    ) -> Objects:
        """Return a polynomial of a matrix; raise ValueError for another function."""
        return SYMBOLIC.matrix_function(function, a, directions, parameters)

    def structural(self, node: Node, attrs: Mapping[str, Any], arrays: list[Objects]) -> Objects:
        """Return the value of an operation that is not elementwise; whole matrices and indices are needed."""
        if node.is_op("cast"):
            convert = partial(Deferred, partial(_cast, node, attrs))
            return np.asarray(np.frompyfunc(convert, 1, 1)(*arrays), object)
        if node.is_op(*MATRIX_OPERATIONS, *MATRIX_FUNCTIONS):
            arrays = list(map(_forced, arrays))
        elif node.is_op("gather", "scatter_add"):
            arrays[1] = _forced(arrays[1])
        return super().structural(node, attrs, arrays)


def _forced(array: Objects) -> Objects:
    return np.asarray(np.frompyfunc(forced, 1, 1)(array), object)


def _cast(node: Node, attrs: Mapping[str, Any], value: Any) -> Any:
    array = np.empty((), object)
    array[()] = value
    return SYMBOLIC.structural(node, attrs, [array]).item()


DEFERRED = _Deferring()
