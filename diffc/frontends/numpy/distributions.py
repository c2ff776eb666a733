"""The distributions of scipy.stats, by their names: densities, and distribution functions of closed form.

A density is that of the standard distribution at (x - loc) / scale, divided by the scale. Its logarithm is
-inf outside the support; everything is NaN where a parameter is none. SciPy is never imported.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import reduce
from typing import Any

from diffc.errors import TypeProblem
from diffc.frontends.numpy.diagonals import diagonal_of, on_diagonal
from diffc.frontends.numpy.operands import as_array, as_number, floating
from diffc.frontends.numpy.registry import stands_for
from diffc.ir import Node, broadcast_shapes, promote, size_of
from diffc.ops import cast, constant_like, dim, lift
from diffc.ops.arithmetic import abs_, add, div, mul, neg, square, sub
from diffc.ops.broadcasting import broadcast, sum_
from diffc.ops.elementary import atan2, exp, expm1, log, log1p, tan
from diffc.ops.factorizations import cholesky
from diffc.ops.gamma import gammaln
from diffc.ops.linalg import triangular_solve
from diffc.ops.logic import eq, ge, gt, le, logical_and, lt, where
from diffc.ops.reshaping import expand_dims, reshape
from diffc.ops.rounding import floor
from diffc.syntax.pointwise import log_sigmoid, xlog1py, xlogy
from diffc.syntax.special import betaln, log1mexp, log_ndtr, logit, ndtr

_Part = Callable[..., Node]
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


def _distribution(
    name: str,
    shapes: str,
    log_density: _Part,
    *,
    low: float | None = None,
    high: float | Callable[..., Node] | None = None,
    valid: Callable[..., list[Node]] | None = None,
    whole: bool = False,
    below: _Part | None = None,
    above: _Part | None = None,
    log_below: _Part | None = None,
    log_above: _Part | None = None,
    quantile: _Part | None = None,
    upper: _Part | None = None,
) -> None:
    """Register the functions of a distribution.

    Args:
        name: what it is called in scipy.stats.
        shapes: its parameters in front of loc and scale.
        log_density: of the standard variable and the parameters, inside the support.
        low: where the support starts, if not at -inf.
        high: where it ends, a function of the parameters perhaps.
        valid: the conditions on the parameters.
        whole: whether it is one of integers, which has no scale.
        below: the probability of what is less, inside the support.
        above: that of what is more.
        log_below: the logarithm of `below`.
        log_above: the logarithm of `above`.
        quantile: the place below which a probability lies.
        upper: the place above which it lies.
    """
    names = [*shapes.split(), "loc", *([] if whole else ["scale"])]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    defaults = {"loc": 0, "scale": 1}
    signature = inspect.Signature(
        [
            inspect.Parameter(each, kind, default=defaults.get(each, inspect.Parameter.empty))
            for each in ("k" if whole else "x", *names)
        ]
    )

    def read(args: Any, kwargs: Any) -> tuple[Node, list[Node], Node, list[Node]]:
        """Return the standard variable, the parameters, the scale, and what must hold of these."""
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        numbers = [as_number(each) for each in bound.arguments.values()]
        dtype = exp.common_dtype(numbers)
        nodes = [lift(each, dtype) for each in numbers]
        z = sub(nodes[0], nodes[1 + len(shapes.split())])
        scale = constant_like(1, dtype) if whole else nodes[-1]
        parameters = nodes[1 : 1 + len(shapes.split())]
        conditions = [] if valid is None else valid(*parameters)
        return (z, parameters, scale, conditions) if whole else (
            div(z, scale), parameters, scale, [*conditions, gt(scale, 0)],
        )  # fmt: skip

    def ends(parameters: list[Node]) -> tuple[Any, Any]:
        return low, high(*parameters) if callable(high) else high

    def logpdf(*args: Any, **kwargs: Any) -> Node:
        z, parameters, scale, conditions = read(args, kwargs)
        first, last = ends(parameters)
        inside = [*([] if first is None else [ge(z, first)]), *([] if last is None else [le(z, last)])]
        if whole:
            inside.append(eq(floor(z), z))
        value = log_density(z, *parameters)
        value = value if whole else sub(value, log(scale))
        return _held(_where_all(inside, value, -math.inf, z), conditions)

    def probability(inner: _Part, before: float, behind: float) -> Callable[..., Node]:
        def builder(*args: Any, **kwargs: Any) -> Node:
            z, parameters, _, conditions = read(args, kwargs)
            first, last = ends(parameters)
            value = inner(z, *parameters)
            value = value if first is None else where(ge(z, first), value, before)
            value = value if last is None else where(le(z, last), value, behind)
            # No comparison holds of NaN.
            return _held(where(eq(z, z), value, z), conditions)

        return builder

    def place(inner: _Part) -> Callable[..., Node]:
        def builder(q: Any, *args: Any, **kwargs: Any) -> Node:
            z, parameters, scale, conditions = read((0, *args), kwargs)
            share = lift(as_number(q), exp.common_dtype([z, as_number(q)]))
            # The standard variable of 0 is -loc / scale.
            value = mul(scale, sub(inner(share, *parameters), z))
            return _held(value, [*conditions, ge(share, 0), le(share, 1)])

        return builder

    suffix = "pmf" if whole else "pdf"
    stands_for(f"scipy.stats.{name}.log{suffix}")(logpdf)
    stands_for(f"scipy.stats.{name}.{suffix}")(lambda *args, **kwargs: exp(logpdf(*args, **kwargs)))
    parts = {
        "cdf": below,
        "sf": above,
        "logcdf": log_below,
        "logsf": log_above,
        "ppf": quantile,
        "isf": upper,
    }
    for method, inner in parts.items():
        if inner is not None:
            made = probability(inner, *_OUTSIDE[method]) if method in _OUTSIDE else place(inner)
            stands_for(f"scipy.stats.{name}.{method}")(made)


_OUTSIDE = {"cdf": (0.0, 1.0), "sf": (1.0, 0.0), "logcdf": (-math.inf, 0.0), "logsf": (0.0, -math.inf)}
"""What each function of probability is below and above the support."""


def _where_all(conditions: list[Node], value: Node, other: float, z: Node) -> Node:
    if not conditions:
        return value
    return where(reduce(logical_and, conditions), value, where(eq(z, z), other, z))


def _held(value: Node, conditions: list[Node]) -> Node:
    """Return a value, NaN where a condition on the parameters does not hold."""
    if not conditions:
        return value
    return where(reduce(logical_and, conditions), value, constant_like(math.nan, value.dtype))


def _positive(*parameters: Node) -> list[Node]:
    return [gt(each, 0) for each in parameters]


def _probability(p: Node) -> list[Node]:
    return [ge(p, 0), le(p, 1)]


def _student(z: Node, df: Node) -> Node:
    half = div(add(df, 1.0), 2.0)
    constant = sub(sub(gammaln(half), gammaln(div(df, 2.0))), div(log(mul(df, math.pi)), 2.0))
    return sub(constant, mul(half, log1p(div(square(z), df))))


def _logistic(z: Node) -> Node:
    return add(log_sigmoid(z), log_sigmoid(neg(z)))


def _log_normal(z: Node, s: Node) -> Node:
    # At 0 the density is 0, which no product with the logarithm shows.
    logarithm = log(z)
    exponent = sub(neg(div(square(div(logarithm, s)), 2.0)), add(logarithm, add(log(s), _HALF_LOG_TAU)))
    return where(gt(z, 0), exponent, -math.inf)


def _chi2(z: Node, df: Node) -> Node:
    half = div(df, 2.0)
    return sub(sub(sub(xlogy(sub(half, 1.0), z), div(z, 2.0)), gammaln(half)), mul(half, math.log(2)))


def _binomial(k: Node, n: Node, p: Node) -> Node:
    more = sub(n, k)
    ways = sub(gammaln(add(n, 1.0)), add(gammaln(add(k, 1.0)), gammaln(add(more, 1.0))))
    return add(ways, add(xlogy(k, p), xlog1py(more, neg(p))))


def _laplace_below(z: Node) -> Node:
    tail = mul(exp(neg(abs_(z))), 0.5)
    return where(gt(z, 0), sub(1.0, tail), tail)


def _laplace_log_below(z: Node) -> Node:
    below = le(z, 0)
    tail = mul(exp(neg(where(below, 0.0, z))), -0.5)
    return where(below, sub(z, math.log(2)), log1p(tail))


def _laplace_quantile(q: Node) -> Node:
    above = gt(q, 0.5)
    return where(above, neg(log(mul(sub(1.0, q), 2.0))), log(mul(where(above, 0.5, q), 2.0)))


def _cauchy_above(z: Node) -> Node:
    return div(atan2(constant_like(1.0, z.dtype), z), math.pi)


def _cauchy_log_above(z: Node) -> Node:
    far = lt(z, 0)
    return where(far, log1p(neg(_cauchy_above(neg(z)))), log(_cauchy_above(z)))


def _cauchy_upper(q: Node) -> Node:
    """Return cot(pi*q), from the nearer end."""
    above = gt(q, 0.5)
    angle = mul(where(above, sub(1.0, q), q), math.pi)
    cotangent = div(1.0, tan(angle))
    return where(above, neg(cotangent), where(eq(q, 0.5), 0.0, cotangent))


_distribution(
    "norm", "", lambda z: sub(neg(div(square(z), 2.0)), _HALF_LOG_TAU),
    below=ndtr, above=lambda z: ndtr(neg(z)), log_below=log_ndtr, log_above=lambda z: log_ndtr(neg(z)),
)  # fmt: skip
_distribution(
    "expon", "", neg, low=0, below=lambda z: neg(expm1(neg(z))), above=lambda z: exp(neg(z)),
    log_below=log1mexp, log_above=neg, quantile=lambda q: neg(log1p(neg(q))), upper=lambda q: neg(log(q)),
)  # fmt: skip
_distribution(
    "uniform", "", lambda z: mul(z, 0.0), low=0, high=1, below=lambda z: z, above=lambda z: sub(1.0, z),
    log_below=log, log_above=lambda z: log1p(neg(z)), quantile=lambda q: q, upper=lambda q: sub(1.0, q),
)  # fmt: skip
_distribution(
    "laplace", "", lambda z: sub(neg(abs_(z)), math.log(2)),
    below=_laplace_below, above=lambda z: _laplace_below(neg(z)),
    log_below=_laplace_log_below, log_above=lambda z: _laplace_log_below(neg(z)),
    quantile=_laplace_quantile, upper=lambda q: neg(_laplace_quantile(q)),
)  # fmt: skip
_distribution(
    "logistic", "", _logistic,
    below=lambda z: exp(log_sigmoid(z)), above=lambda z: exp(log_sigmoid(neg(z))),
    log_below=log_sigmoid, log_above=lambda z: log_sigmoid(neg(z)),
    quantile=logit, upper=lambda q: neg(logit(q)),
)  # fmt: skip
_distribution(
    "cauchy", "", lambda z: neg(add(log1p(square(z)), math.log(math.pi))),
    below=lambda z: _cauchy_above(neg(z)), above=_cauchy_above,
    log_below=lambda z: _cauchy_log_above(neg(z)), log_above=_cauchy_log_above,
    quantile=lambda q: neg(_cauchy_upper(q)), upper=_cauchy_upper,
)  # fmt: skip
_distribution(
    "gumbel_r", "", lambda z: neg(add(z, exp(neg(z)))),
    below=lambda z: exp(neg(exp(neg(z)))), above=lambda z: neg(expm1(neg(exp(neg(z))))),
    log_below=lambda z: neg(exp(neg(z))), log_above=lambda z: log1mexp(exp(neg(z))),
    quantile=lambda q: neg(log(neg(log(q)))), upper=lambda q: neg(log(neg(log1p(neg(q))))),
)  # fmt: skip
_distribution(
    "gumbel_l", "", lambda z: sub(z, exp(z)),
    below=lambda z: neg(expm1(neg(exp(z)))), above=lambda z: exp(neg(exp(z))),
    log_below=lambda z: log1mexp(exp(z)), log_above=lambda z: neg(exp(z)),
    quantile=lambda q: log(neg(log1p(neg(q)))), upper=lambda q: log(neg(log(q))),
)  # fmt: skip
_distribution(
    "gamma", "a", lambda z, a: sub(sub(xlogy(sub(a, 1.0), z), z), gammaln(a)), low=0, valid=_positive
)
_distribution(
    "beta", "a b",
    lambda z, a, b: sub(add(xlog1py(sub(b, 1.0), neg(z)), xlogy(sub(a, 1.0), z)), betaln(a, b)),
    low=0, high=1, valid=_positive,
)  # fmt: skip
_distribution("chi2", "df", _chi2, low=0, valid=_positive)
_distribution("t", "df", _student, valid=_positive)
_distribution(
    "lognorm", "s", _log_normal, low=0, valid=_positive,
    below=lambda z, s: ndtr(div(log(z), s)), above=lambda z, s: ndtr(neg(div(log(z), s))),
    log_below=lambda z, s: log_ndtr(div(log(z), s)), log_above=lambda z, s: log_ndtr(neg(div(log(z), s))),
)  # fmt: skip
_distribution(
    "poisson", "mu", lambda k, mu: sub(sub(xlogy(k, mu), gammaln(add(k, 1.0))), mu),
    low=0, valid=lambda mu: [ge(mu, 0)], whole=True,
)  # fmt: skip
_distribution(
    "binom", "n p", _binomial, low=0, high=lambda n, p: n, whole=True,
    valid=lambda n, p: [ge(n, 0), eq(floor(n), n), *_probability(p)],
)  # fmt: skip
_distribution(
    "bernoulli", "p", lambda k, p: add(xlogy(k, p), xlog1py(sub(1.0, k), neg(p))),
    low=0, high=1, whole=True, valid=_probability,
)  # fmt: skip


@stands_for("scipy.stats.multivariate_normal.logpdf")
def multivariate_normal_logpdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: Any = False) -> Node:
    """multivariate_normal.logpdf: NaN where the covariance is not positive definite."""
    if allow_singular is not False:
        raise TypeProblem("multivariate_normal: allow_singular=True is not supported")
    points = floating(as_array(x))
    center = floating(as_array(0 if mean is None else mean))
    spread = floating(as_array(cov))
    size = spread.shape[-1] if spread.rank else center.shape[-1] if center.rank else None
    if size is None:
        size = points.shape[-1] if points.rank > 1 else 1
    if size == 1 and points.rank < 2:  # numbers rather than vectors
        points = expand_dims(points, (points.rank,))
    elif points.rank == 0:
        points = reshape(points, (1,))
    if spread.rank < 2:
        spread = on_diagonal(broadcast(spread, (size,)), 0)
    deviation = sub(points, center)
    if broadcast_shapes(deviation.shape[-1:], (size,)) != (size,):
        raise TypeProblem(f"multivariate_normal: {points.type} has no vectors of {size} elements")
    rows = reshape(deviation, (size_of(deviation.shape[:-1]), size))
    dtype = promote(rows.dtype, spread.dtype)
    factor = cholesky(cast(spread, dtype))
    squares = sum_(square(triangular_solve(factor, cast(rows, dtype))), -1)
    volume = sum_(log(diagonal_of(factor, 0)))
    count = mul(cast(dim(size), dtype), _HALF_LOG_TAU)
    return reshape(sub(sub(div(squares, -2.0), volume), count), deviation.shape[:-1])


@stands_for("scipy.stats.multivariate_normal.pdf")
def multivariate_normal_pdf(*args: Any, **kwargs: Any) -> Node:
    """multivariate_normal.pdf."""
    return exp(multivariate_normal_logpdf(*args, **kwargs))
