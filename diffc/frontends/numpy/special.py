"""Functions of scipy.special that are no ufuncs there, so that NumPy does not hand them over.

`polygamma` is called by users as dc.polygamma; the others are builders, found by SciPy's names.
"""

from __future__ import annotations

import math
from typing import Any

from diffc.errors import TypeProblem
from diffc.frontends.numpy.operands import as_array, as_axes, floating
from diffc.frontends.numpy.registry import stands_for
from diffc.frontends.numpy.shapes import broadcast_together
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import active
from diffc.frontends.numpy.value import traced, untraced
from diffc.ir import Node, promote, topological
from diffc.ops import cast
from diffc.ops.arithmetic import abs_, add, mul, sign, stop_gradient, sub
from diffc.ops.broadcasting import sum_
from diffc.ops.elementary import exp, log
from diffc.ops.gamma import polygamma_of
from diffc.ops.interpreter import evaluate_nodes
from diffc.ops.inverse_functions import lambertw as lambertw_of
from diffc.ops.logic import eq, logical_and, lt, ne, where
from diffc.ops.reductions import amax
from diffc.ops.reshaping import reshape
from diffc.ops.softmax import logsumexp as logsumexp_of
from diffc.ops.softmax import softmax as softmax_of
from diffc.syntax.compositions import log_softmax as log_softmax_of
from diffc.syntax.pointwise import isfinite, isinf

__all__ = ["polygamma"]


def polygamma(n: int, x: Any) -> Any:
    """Return the derivative of order n of the digamma function: digamma itself for n = 0.

    It stands for `scipy.special.polygamma`, which cannot be traced. x is a traced value, an array, a number.

    Raises:
        DiffcError: for an order that is no integer from 0 on.
    """
    if isinstance(n, Traced):
        raise TypeProblem("polygamma(n, x): n is an integer that is known when tracing")
    if isinstance(x, Traced):
        return traced(polygamma_of(n, untraced(x, "dc.polygamma")), x.weak)
    if active.get() is not None:
        return traced(polygamma_of(n, as_array(x)))
    node = polygamma_of(n, as_array(x))
    return evaluate_nodes(topological((node,)), (node,), {}, {})[0][()]


@stands_for("scipy.special.polygamma")
def polygamma_builder(n: Any, x: Any) -> Node:
    """scipy.special.polygamma."""
    return polygamma_of(n, as_array(x))


@stands_for("scipy.special.lambertw")
def lambertw(z: Any, k: Any = 0, tol: Any = 1e-8) -> Node:
    """scipy.special.lambertw of real numbers: NaN where it is not real."""
    if isinstance(k, bool) or not isinstance(k, int) or k:
        raise TypeProblem("scipy.special.lambertw: only the principal branch, k = 0, is supported")
    return lambertw_of(floating(as_array(z)))


@stands_for("scipy.special.logsumexp")
def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, return_sign: Any = False
) -> Node | tuple[Node, Node]:
    """scipy.special.logsumexp; of a negative sum it is NaN, or with its sign that of the absolute value."""
    x = floating(as_array(a))
    if b is None and not return_sign:
        return logsumexp_of(x, as_axes(axis, x.rank, "logsumexp"), bool(keepdims))
    weights = floating(as_array(1.0 if b is None else b))
    dtype = promote(x.dtype, weights.dtype) if b is not None else x.dtype
    x, weights = broadcast_together([cast(x, dtype), cast(weights, dtype)], "logsumexp")
    axes = as_axes(axis, x.rank, "logsumexp")
    # Exponents are taken from the largest that counts, which changes nothing.
    largest = amax(where(ne(weights, 0), x, -math.inf), axes, True)
    largest = stop_gradient(where(isfinite(largest), largest, 0.0))
    powers = exp(sub(x, largest))
    nothing = logical_and(eq(weights, 0), isinf(powers))
    total = sum_(where(nothing, 0.0, mul(weights, powers)), axes, True)
    size = add(log(abs_(total)), largest)
    kept = size.shape if keepdims else tuple(e for k, e in enumerate(size.shape) if k not in axes)
    if return_sign:
        return reshape(size, kept), reshape(sign(total), kept)
    return reshape(where(lt(total, 0), math.nan, size), kept)


@stands_for("scipy.special.softmax")
def softmax(x: Any, axis: Any = None) -> Node:
    """scipy.special.softmax."""
    node = floating(as_array(x))
    return softmax_of(node, as_axes(axis, node.rank, "softmax"))


@stands_for("scipy.special.log_softmax")
def log_softmax(x: Any, axis: Any = None) -> Node:
    """scipy.special.log_softmax."""
    node = floating(as_array(x))
    return log_softmax_of(node, as_axes(axis, node.rank, "log_softmax"))
