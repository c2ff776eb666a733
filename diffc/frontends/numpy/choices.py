"""Choices by conditions, bounds, comparisons with tolerances, rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import as_integers, as_mask, known_integer, unsupported
from diffc.frontends.numpy.operands import as_array, as_number
from diffc.frontends.numpy.registry import implements
from diffc.frontends.numpy.shapes import broadcast_together, ravel
from diffc.ir import Node, broadcast_shapes, require
from diffc.ir.dtype import FORMATS
from diffc.ops import cast, constant, constant_like, lift, reshaping, slicing
from diffc.ops import sorting as ops
from diffc.ops.arithmetic import abs_, add, div, maximum, minimum, mul, sub
from diffc.ops.broadcasting import broadcast, full
from diffc.ops.elementwise import Operand
from diffc.ops.logic import eq, gt, le, logical_and, logical_not, logical_or, lt
from diffc.ops.logic import where as choose_by
from diffc.ops.reductions import any_
from diffc.ops.remainders import mod
from diffc.ops.rounding import rint, trunc
from diffc.syntax import pointwise
from diffc.syntax.compositions import all_


@implements(np.where)
def where(condition: Any, /, *branches: Any) -> Node:
    """numpy.where with three arguments; the branch not taken never contributes."""
    if len(branches) != 2:
        raise TypeProblem(
            "numpy.where(condition) gives places whose number depends on the values: write "
            "np.where(condition, x, y), or multiply by the condition"
        )
    x, y = map(as_number, branches)
    return choose_by(as_mask(condition), x, y)


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Node:
    """numpy.select: the choice of the first condition that holds."""
    if len(condlist) != len(choicelist) or not len(condlist):
        raise TypeProblem("numpy.select: it takes as many choices as conditions, at least one")
    result: Operand = as_number(default)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = choose_by(as_mask(condition), as_number(choice), result)
    return lift(result)


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Node:
    """numpy.choose: at each place the array that the integers of `a` name."""
    unsupported("choose", out=out)
    parts = list(choices) if isinstance(choices, list | tuple) else [choices[k] for k in range(len(choices))]
    numbers = [as_number(each) for each in parts]
    dtype = choose_by.common_dtype(numbers)
    values = [lift(each, dtype) for each in numbers]
    index, *nodes = broadcast_together([as_integers(a, "a"), *values], "choose")
    if mode == "wrap":
        index = mod(index, len(nodes))
    elif mode == "clip":
        index = minimum(maximum(index, 0), len(nodes) - 1)
    elif mode != "raise":
        raise TypeProblem(f"numpy.choose: the mode is 'raise', 'wrap' or 'clip', not {mode!r}")
    stacked = slicing.stack(nodes)
    return slicing.index(ops.take_along_axis(stacked, reshaping.expand_dims(index, (0,)), 0), 0)


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Node:
    """numpy.piecewise of numbers; functions are called by np.where, which also differentiates them."""
    node = as_array(x)
    conditions = [as_mask(each) for each in (condlist if isinstance(condlist, list | tuple) else [condlist])]
    values = list(funclist)
    if any(callable(each) for each in values):
        raise TypeProblem(
            "numpy.piecewise takes numbers here: for functions write np.where(condition, f(x), g(x))"
        )
    if len(values) not in (len(conditions), len(conditions) + 1):
        raise TypeProblem(f"numpy.piecewise: {len(values)} values for {len(conditions)} conditions")
    chosen = [cast(lift(as_number(each)), node.dtype) for each in values]  # the result has the dtype of x
    last = chosen.pop() if len(chosen) > len(conditions) else constant_like(0, node.dtype)
    result: Node = broadcast(last, node.shape)
    for condition, value in zip(conditions, chosen, strict=True):  # the last condition that holds wins
        result = choose_by(condition, value, result)
    return result


@implements(np.clip)
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None
) -> Node:
    """numpy.clip: derivative 1 inside and at the bounds, 0 outside."""
    unsupported("clip", out=out)
    low, high = a_min if min is None else min, a_max if max is None else max
    x = as_array(a)
    if low is not None:
        bound = as_number(low)
        x = choose_by(_or_nan(lt(x, bound), bound), bound, x)
    if high is not None:
        bound = as_number(high)
        x = choose_by(_or_nan(gt(x, bound), bound), bound, x)
    return x


def _or_nan(reached: Node, bound: Node | float | int | bool) -> Node:
    """Return where a bound is reached, or is NaN, which is what the result is then."""
    if isinstance(bound, Node):
        return logical_or(reached, pointwise.isnan(bound)) if bound.type.is_float else reached
    return full(True, reached.type) if bound != bound else reached


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Node:
    """numpy.nan_to_num; a number that was replaced has derivative 0."""
    node = as_array(x)
    if not node.type.is_float:
        return node
    largest = FORMATS[node.dtype].largest
    high = largest if posinf is None else as_number(posinf)
    low = -largest if neginf is None else as_number(neginf)
    result = choose_by(pointwise.isnan(node), lift(as_number(nan), node.dtype), node)
    result = choose_by(eq(node, np.inf), lift(high, node.dtype), result)
    result = choose_by(eq(node, -np.inf), lift(low, node.dtype), result)
    if result.shape != node.shape:
        raise TypeProblem(f"numpy.nan_to_num: what replaces elements has the shape of {result.type}")
    return result


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Node:
    """numpy.isclose: |a - b| <= atol + rtol*|b|."""
    x, y = as_array(a), as_array(b)
    near = le(abs_(sub(x, y)), add(mul(abs_(y), as_number(rtol)), as_number(atol)))
    result = logical_or(logical_and(near, pointwise.isfinite(y)), eq(x, y))
    if not equal_nan:
        return result
    return logical_or(result, logical_and(pointwise.isnan(x), pointwise.isnan(y)))


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Node:
    """numpy.allclose."""
    return all_(isclose(a, b, rtol, atol, equal_nan))


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Node:
    """numpy.array_equal."""
    x, y = as_array(a1), as_array(a2)
    if x.shape == y.shape:
        return all_(_same(x, y, equal_nan))
    if x.rank == y.rank:
        # They are different shapes: one extent must differ, so that the sum of squares is at least 1.
        gaps = [a - b for a, b in zip(x.shape, y.shape, strict=True)]
        squares = sum((gap * gap for gap in gaps), start=0)
        require(squares - 1, f"numpy.array_equal: {x.type} and {y.type} have the same shape; use one symbol")
    return constant(False)


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Node:
    """numpy.array_equiv: equal when broadcast."""
    x, y = as_array(a1), as_array(a2)
    if broadcast_shapes(x.shape, y.shape) is not None:
        return all_(eq(x, y))
    if not all(isinstance(extent, int) for extent in (*x.shape, *y.shape)):
        raise TypeProblem(
            f"numpy.array_equiv: whether {x.type} and {y.type} broadcast is not known when tracing"
        )
    return constant(False)


def _same(x: Node, y: Node, equal_nan: bool) -> Node:
    same = eq(x, y)
    if not equal_nan or not (x.type.is_float and y.type.is_float):
        return same
    return logical_or(same, logical_and(pointwise.isnan(x), pointwise.isnan(y)))


@implements(np.isin)
def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Node:
    """numpy.isin, by comparing with every element."""
    x = as_array(element)
    found = any_(eq(reshaping.expand_dims(x, (x.rank,)), ravel(test_elements)), -1)
    return logical_not(found) if invert else found


@implements(np.isposinf)
def isposinf(x: Any, out: Any = None) -> Node:
    """numpy.isposinf."""
    unsupported("isposinf", out=out)
    return eq(as_array(x), np.inf)


@implements(np.isneginf)
def isneginf(x: Any, out: Any = None) -> Node:
    """numpy.isneginf."""
    unsupported("isneginf", out=out)
    return eq(as_array(x), -np.inf)


@implements(np.isreal)
def isreal(x: Any) -> Node:
    """numpy.isreal: true everywhere."""
    return full(True, as_array(x).type.with_dtype("bool"))


@implements(np.iscomplex)
def iscomplex(x: Any) -> Node:
    """numpy.iscomplex: false everywhere."""
    return full(False, as_array(x).type.with_dtype("bool"))


@implements(np.round, np.around)
def round_(a: Any, decimals: Any = 0, out: Any = None) -> Node:
    """numpy.round: to even at ties; derivative 0."""
    unsupported("round", out=out)
    x, digits = as_array(a), known_integer(decimals, "decimals")
    if not x.type.is_float and digits >= 0:
        return x
    scale = 10.0 ** abs(digits)
    if digits == 0:
        return rint(x)
    if not x.type.is_float:
        raise TypeProblem("numpy.round: integers are rounded to no tens here; convert them to float first")
    return div(rint(mul(x, scale)), scale) if digits > 0 else mul(rint(div(x, scale)), scale)


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Node:
    """numpy.fix: towards zero; derivative 0."""
    unsupported("fix", out=out)
    node = as_array(x)
    return trunc(node) if node.type.is_float else node


@implements(np.sinc)
def sinc(x: Any) -> Node:
    """numpy.sinc: sin(pi*x)/(pi*x), with its true derivatives at 0."""
    return pointwise.sinc(as_array(x))
