"""Polynomials by their coefficients, the highest power first.

Leading zeros are kept where NumPy would drop them, because the values are not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffc.errors import TypeProblem
from diffc.frontends.numpy.arguments import known_integer
from diffc.frontends.numpy.operands import as_array, floating
from diffc.frontends.numpy.registry import implements
from diffc.frontends.numpy.shapes import ravel
from diffc.frontends.numpy.signal import convolution
from diffc.ir import Extent, Node, promote
from diffc.ops import cast, constant_like, dim, iota, reshaping, slicing
from diffc.ops.arithmetic import add, div, mul, neg, sub
from diffc.ops.broadcasting import broadcast, full
from diffc.syntax.contraction import counted


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Node:
    """numpy.polyval, by Horner's rule."""
    return counted(_horner, ravel(p), as_array(x))


def _horner(coefficients: Node, at: Node) -> Node:
    count = _known_length(coefficients, "polyval")
    result = full(0, at.type)
    for k in range(count):
        result = (
            add(mul(result, at), slicing.index(coefficients, k))
            if k
            else add(result, slicing.index(coefficients, 0))
        )
    return result


def _known_length(p: Node, what: str) -> int:
    extent = p.shape[0]
    if isinstance(extent, int):
        return extent
    raise TypeProblem(f"numpy.{what}: the number of coefficients of {p.type} is not known when tracing")


def _aligned(a1: Any, a2: Any, what: str) -> tuple[Node, Node]:
    """Return both with as many coefficients."""
    a, b = ravel(a1), ravel(a2)
    more = a.shape[0] - b.shape[0]
    if not isinstance(more, int):
        raise TypeProblem(f"numpy.{what}: which of {a.type} and {b.type} is longer is not known when tracing")
    return slicing.pad(a, (max(-more, 0),), (0,)), slicing.pad(b, (max(more, 0),), (0,))


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Node:
    """numpy.polyadd."""
    return counted(add, *_aligned(a1, a2, "polyadd"))


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Node:
    """numpy.polysub."""
    return sub(*_aligned(a1, a2, "polysub"))


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Node:
    """numpy.polymul."""
    return convolution(_some(ravel(a1)), _some(ravel(a2)), "full", "polymul")


def _some(p: Node) -> Node:
    """Return coefficients as they are; the one coefficient 0 where there are none, as in NumPy."""
    return full(0, p.type.with_shape((1,))) if p.shape == (0,) else p


@implements(np.polyder)
def polyder(p: Any, m: Any = 1) -> Node:
    """numpy.polyder: the coefficients of the m-th derivative."""
    coefficients, order = ravel(p), _order(m, "polyder")
    for _ in range(order):
        degree = coefficients.shape[0] - 1
        if isinstance(degree, int) and degree < 0:
            break
        kept = slicing.slice_(coefficients, (0,), (degree,))
        coefficients = mul(kept, sub(dim(degree), iota(degree)))
    return coefficients


@implements(np.polyint)
def polyint(p: Any, m: Any = 1, k: Any = None) -> Node:
    """numpy.polyint: the coefficients of the m-th integral; `k` has the constants of integration."""
    coefficients, order = floating(ravel(p)), _order(m, "polyint")
    constants = ravel(0.0 if k is None else k)
    constants = broadcast(constants, (order,)) if constants.shape == (1,) else constants
    if constants.shape != (order,) and order:
        raise TypeProblem(f"numpy.polyint: k is a number or has {order} elements")
    for step in range(order):
        count: Extent = coefficients.shape[0]
        raised = div(coefficients, sub(dim(count), iota(count)))
        coefficients = slicing.concatenate([raised, slicing.slice_(constants, (step,), (1,))])
    return coefficients


def _order(m: Any, what: str) -> int:
    order = known_integer(m, "m")
    if order < 0:
        raise TypeProblem(f"numpy.{what}: the order is not negative: {order}")
    return order


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Node:
    """numpy.poly: the coefficients of the polynomial with these zeros."""
    zeros = floating(as_array(seq_of_zeros))
    if zeros.rank != 1:
        raise TypeProblem(f"numpy.poly: it takes a vector of zeros, not {zeros.type}")
    count = _known_length(zeros, "poly")
    result = constant_like(1.0, zeros.dtype)
    if not count:
        return result  # a number, as in NumPy
    result = reshaping.reshape(result, (1,))
    for k in range(count):
        lower = mul(result, neg(slicing.index(zeros, k)))
        result = add(slicing.pad(result, (0,), (1,)), slicing.pad(lower, (1,), (0,)))
    return result


@implements(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Node:
    """numpy.vander: the powers of a vector's elements as columns, each the one before times x."""
    v = as_array(x)
    if v.rank != 1:
        raise TypeProblem(f"numpy.vander: it takes a vector, not {v.type}")
    v = cast(v, promote(v.dtype, "i64")) if v.dtype == "bool" else v
    columns = known_integer(v.shape[0] if N is None else N, "N")
    if columns < 0:
        raise TypeProblem(f"numpy.vander: the number of columns is not negative: {columns}")
    powers = [full(1, v.type)]
    for _ in range(columns - 1):
        powers.append(mul(powers[-1], v))
    if columns == 0:
        return full(0, v.type.with_shape((v.shape[0], 0)))
    return slicing.stack(powers if increasing else powers[::-1], 1)
