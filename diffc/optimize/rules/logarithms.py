"""Sums and quotients of exponentials that are written out, term by term.

What is nothing but exponentials, their positive multiples, products, quotients and rearrangements has a
logarithm that neither overflows nor underflows: its exponent. A sum of such terms has the logarithm of a
sum of exponentials, and a quotient of two is the exponential of a difference, or, where the numerator is
a term of the sum below, a sigmoid: exp(x)/(exp(x) + r) is sigmoid(x - log(r)).
"""

from __future__ import annotations

from diffc.ir import Node, broadcast_shapes
from diffc.ops.arithmetic import add, div, mul, neg, sub
from diffc.ops.broadcasting import broadcast
from diffc.ops.constant import constant_like
from diffc.ops.elementary import erfc, exp, log, logaddexp, sigmoid, softplus
from diffc.ops.reshaping import reshape, transpose
from diffc.ops.slicing import stack
from diffc.ops.softmax import logsumexp
from diffc.optimize.facts import near, number_of
from diffc.optimize.rewrite import FunctionRewrite, function_rewrite

__all__ = ["STRUCTURAL"]

_MAX_TERMS = 64
_MAX_DEPTH = 8
"""How far an exponent is looked for below products and rearrangements."""

_REARRANGED = ("reshape", "transpose", "broadcast", "slice", "flip", "gather")
"""What moves elements about: the exponent of x[i] is the exponent of x, at i."""


@function_rewrite("log", operands=("add",), stage="before")
def log_of_exponentials(node: Node) -> Node | None:
    """log(c*exp(x) + exp(y) + ...) => logsumexp(stack([x + log(c), y, ...]), axis=0); logaddexp for two."""
    exponents = _exponents(node.inputs[0])
    return None if exponents is None else _fitting(_log_sum(exponents), node)


@function_rewrite("log1p", operands=("add", "sum", "mul", "div"), stage="before")
def log1p_of_exponentials(node: Node) -> Node | None:
    """log1p(exp(x) + exp(y) + ...) => logsumexp(stack([0, x, y, ...]), axis=0)."""
    exponents = _exponents(node.inputs[0])
    if exponents is None:
        return None
    return _fitting(_log_sum([constant_like(0, node.dtype), *exponents]), node)


@function_rewrite("log", operands=(*_REARRANGED, "mul", "div", "square", "sum"), stage="before")
def log_of_exponential(node: Node) -> Node | None:
    """log(softmax(x)[i]) => (x - logsumexp(x))[i]; log(exp(x)*exp(y)) => x + y."""
    exponent = _exponent(node.inputs[0])
    return None if exponent is None else _fitting(exponent, node)


@function_rewrite("log1p", operands=("neg", "erf"))
def log_of_erf_complement(node: Node) -> Node | None:
    """log1p(-erf(x)) => log(erfc(x)), finite where erf rounds to 1; log1p(erf(x)) => log(erfc(-x))."""
    inner = node.inputs[0]
    if inner.is_op("erf"):
        return log(erfc(neg(inner.inputs[0])))
    return log(erfc(inner.inputs[0].inputs[0])) if inner.inputs[0].is_op("erf") else None


@function_rewrite("div", operands=("transpose",), stage="before")
def quotient_of_transpose(node: Node) -> Node | None:
    """transpose(exp(x))/y => transpose(exp(x)/transpose(y)), which meets the sum that y is."""
    above, below = node.inputs
    if not (above.is_op("transpose") and above.inputs[0].is_op("exp") and above.shape == node.shape):
        return None
    order = above.attrs["axes"]
    aligned = reshape(below, (*(1,) * (node.rank - below.rank), *below.shape))
    turned = transpose(aligned, [order.index(axis) for axis in range(node.rank)])
    return transpose(node.replace([above.inputs[0], turned]), order)


@function_rewrite("div", operands=("exp", "mul", "add", "sub", "sum", "const", *_REARRANGED), stage="before")
def quotient_of_exponentials(node: Node) -> Node | None:
    """exp(x)/(exp(x) + exp(y)) => sigmoid(x - y); exp(x)/(exp(y) + exp(z)) => exp(x - logaddexp(y, z))."""
    above, below = node.inputs
    terms = _exponents(below)
    if terms is None:
        return None
    factor, exponent = _numerator(above)
    if exponent is None:
        return _termwise(above, below)
    if len(terms) > 1 and exponent in terms:
        at = terms.index(exponent)
        quotient = sigmoid(sub(exponent, _log_sum([*terms[:at], *terms[at + 1 :]])))
    else:
        quotient = exp(sub(exponent, _log_sum(terms)))
    return _fitting(quotient if factor is None else mul(factor, quotient), node)


def _termwise(above: Node, below: Node) -> Node | None:
    """Return (x*exp(a) + y*exp(b))/s as x*exp(a)/s + y*exp(b)/s; None for what has other terms."""
    if not above.is_op("add", "sub") or any(_numerator(each)[1] is None for each in above.inputs):
        return None
    return above.replace([div(each, below) for each in above.inputs])


def _numerator(node: Node) -> tuple[Node | None, Node | None]:
    """Return a numerator as (factor or None, exponent), the latter None where it has no exponential."""
    exponent = _exponent(node)
    if exponent is not None or not node.is_op("mul"):
        return None, exponent
    for factor, other in (node.inputs, node.inputs[::-1]):
        exponent = _exponent(other)
        if exponent is not None and not other.is_constant:
            return factor, exponent
    return None, None


def _exponents(node: Node, depth: int = 0) -> list[Node] | None:
    """Return the logarithms of a sum's terms; None unless all are exponentials, at least one no constant."""
    terms: list[Node] = []
    waiting = [node]
    varies = False
    while waiting:
        item = waiting.pop()
        if item.is_op("add") and not item.is_constant:
            waiting.extend(reversed(item.inputs))
            continue
        exponent = _exponent(item, depth)
        if exponent is None or len(terms) == _MAX_TERMS:
            return None
        varies = varies or not item.is_constant
        terms.append(exponent)
    return terms if varies else None


def _exponent(node: Node, depth: int = 0) -> Node | None:
    """Return the logarithm of what consists of exponentials and positive constants alone, or None."""
    if node.is_constant or number_of(node) is not None:
        return _log_constant(node)
    if node.is_op("exp"):
        return node.inputs[0]
    if node.is_op("sigmoid"):
        return neg(softplus(neg(node.inputs[0])))
    if node.is_op("softmax"):
        (x,) = node.inputs
        return sub(x, logsumexp(x, node.attrs["axes"], keepdims=True))
    if node.is_op("add") and depth < _MAX_DEPTH:
        exponents = _exponents(node, depth + 1)
        return None if exponents is None else _log_sum(exponents)
    if depth == _MAX_DEPTH or not node.is_op("mul", "div", "square", "sum", *_REARRANGED):
        return None
    first = _exponent(node.inputs[0], depth + 1)
    if first is None:
        return None
    if node.is_op("square"):
        return mul(2, first)
    if node.is_op("sum"):
        return logsumexp(first, node.attrs["axes"])
    if node.is_op(*_REARRANGED):
        return node.replace([first, *node.inputs[1:]])
    second = _exponent(node.inputs[1], depth + 1)
    if second is None:
        return None
    return add(first, second) if node.is_op("mul") else sub(first, second)


def _log_constant(node: Node) -> Node | None:
    number = near(node)
    if not isinstance(number, float) or not 0 < number < float("inf"):
        return None
    scalar = node.inputs[0] if node.is_op("broadcast") else node
    return constant_like(0, node.dtype) if number == 1.0 else log(scalar)


def _log_sum(exponents: list[Node]) -> Node:
    """Return log(exp(x) + exp(y) + ...) of the exponents."""
    if len(exponents) == 1:
        return exponents[0]
    if len(exponents) == 2:
        for one, other in (exponents, exponents[::-1]):
            if number_of(one) == 0:
                return softplus(other)
        return logaddexp(*exponents)
    shape = broadcast_shapes(*(each.shape for each in exponents))
    assert shape is not None, "terms of one sum"
    return logsumexp(stack([broadcast(each, shape) for each in exponents]), 0)


def _fitting(result: Node, node: Node) -> Node | None:
    """Return the result with the node's shape, which a constant's broadcast may have brought."""
    if result.dtype != node.dtype:
        return None
    return result if result.shape == node.shape else broadcast(result, node.shape)


STRUCTURAL: tuple[FunctionRewrite, ...] = (
    log_of_exponentials,
    log1p_of_exponentials,
    log_of_exponential,
    log_of_erf_complement,
    quotient_of_transpose,
    quotient_of_exponentials,
)
