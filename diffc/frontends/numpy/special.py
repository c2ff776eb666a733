"""Functions of scipy.special that are no ufuncs there, so that NumPy does not hand them over.

`polygamma` is called by users as dc.polygamma; the others are builders, found by SciPy's names.
"""

from __future__ import annotations

from typing import Any

from diffc.errors import TypeProblem
from diffc.frontends.numpy.operands import as_array, as_axes, floating
from diffc.frontends.numpy.registry import stands_for
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import active
from diffc.frontends.numpy.value import traced, untraced
from diffc.ir import Node, topological
from diffc.ops.gamma import polygamma_of
from diffc.ops.interpreter import evaluate_nodes
from diffc.ops.inverse_functions import lambertw as lambertw_of
from diffc.ops.softmax import logsumexp as logsumexp_of
from diffc.ops.softmax import softmax as softmax_of
from diffc.syntax.compositions import log_softmax as log_softmax_of

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
) -> Node:
    """scipy.special.logsumexp, without weights."""
    if b is not None or return_sign:
        raise TypeProblem(
            "scipy.special.logsumexp: b and return_sign are not supported; of positive weights add the "
            "logarithm to a"
        )
    x = floating(as_array(a))
    return logsumexp_of(x, as_axes(axis, x.rank, "logsumexp"), bool(keepdims))


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
