"""polygamma: a function of SciPy that is no ufunc there, so that NumPy does not hand it over."""

from __future__ import annotations

from typing import Any

from diffc.errors import TypeProblem
from diffc.frontends.numpy.operands import as_array
from diffc.frontends.numpy.tracer import Traced
from diffc.frontends.numpy.tracing import active
from diffc.frontends.numpy.value import traced, untraced
from diffc.ir import topological
from diffc.ops.gamma import polygamma_of
from diffc.ops.interpreter import evaluate_nodes

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
