"""The distributions of scipy.stats: the values are SciPy's, and the derivatives those of differences."""

from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats

import diffc as dc
from diffc.frontends.numpy import builders as builders
from diffc.frontends.numpy.registry import NAMED, documented_name
from diffc.frontends.numpy.tracer import traced, untraced
from diffc.ops import evaluate

POINTS = np.array([-40.0, -1.3, 0.0, 0.25, 0.7, 1.0, 2.5, 3.0, 30.0, np.inf, -np.inf, np.nan])
PARAMETERS: dict[str, list[float]] = {
    "gumbel_r": [], "gumbel_l": [],
    "norm": [], "expon": [], "uniform": [], "laplace": [], "logistic": [], "cauchy": [], "gamma": [2.5],
    "beta": [2.5, 1.5], "chi2": [3.5], "t": [4.5], "lognorm": [0.8], "poisson": [2.5], "binom": [5, 0.3],
    "bernoulli": [0.3],
}  # fmt: skip
CASES = [name.split(".")[2:] for name in NAMED if name.startswith("scipy.stats.") and "multi" not in name]
TYPES = [dc.f64(), dc.f64(), dc.f64(), dc.f64()]


def builder(name: str, method: str) -> Any:
    named = NAMED[f"scipy.stats.{name}.{method}"]
    return lambda *args: traced(named(*untraced(args, "")))


@pytest.mark.parametrize(("name", "method"), CASES)
@pytest.mark.parametrize("moved", [[], [0.5], [0.5, 1.7], [0.0, -1.0]])
def test_values(name: str, method: str, moved: list[float]) -> None:
    whole = method.endswith("pmf")
    args = [*PARAMETERS[name], *(moved[:1] if whole else moved)]
    f = dc.trace(builder(name, method), dc.f64("N"), *TYPES[: len(args)])
    with np.errstate(all="ignore"):
        wanted = getattr(getattr(scipy.stats, name), method)(POINTS, *args)
        np.testing.assert_allclose(evaluate(f.graph, POINTS, *args)[0], wanted, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_that_are_none_give_nan(name: str) -> None:
    method = "pmf" if hasattr(getattr(scipy.stats, name), "pmf") else "pdf"
    args = [-each for each in PARAMETERS[name]]
    with np.errstate(all="ignore"):
        wanted = getattr(getattr(scipy.stats, name), method)(POINTS, *args)
    got = dc.trace(builder(name, method), dc.f64("N"), *TYPES[: len(args)])(POINTS, *args)  # compiled
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_derivatives(name: str, method: str) -> None:
    plain = getattr(getattr(scipy.stats, name), method)
    whole = method.endswith("pmf")
    x = 1.0 if whole else 0.4
    values = [x, *PARAMETERS[name], *([] if whole else [0.1, 0.9])]
    wrt = [k for k in range(len(values)) if not (whole and k == 0) and (name, k) != ("binom", 1)]
    f = dc.trace(builder(name, method), *[dc.f64()] * len(values))
    gradient, second = dc.grad(f, wrt), dc.hessian(f, wrt)
    for row, k in enumerate(wrt):
        up, down = ([*values[:k], values[k] + s, *values[k + 1 :]] for s in (1e-5, -1e-5))
        slope = (plain(*up) - plain(*down)) / 2e-5
        np.testing.assert_allclose(evaluate(gradient.graph, *values)[row], slope, rtol=1e-6, atol=1e-8)
        above, below = (np.array(evaluate(gradient.graph, *each)) for each in (up, down))
        bends = evaluate(second.graph, *values)[row * len(wrt) : (row + 1) * len(wrt)]
        np.testing.assert_allclose(bends, (above - below) / 2e-5, rtol=1e-6, atol=1e-7)


def test_outside_the_support_nothing_depends_on_anything() -> None:
    f = dc.trace(builder("gamma", "logpdf"), dc.f64(), dc.f64())
    assert f(-1.0, 2.0) == -np.inf
    assert tuple(dc.grad(f, [0, 1])(-1.0, 2.0)) == (0.0, 0.0)


def test_f32_stays_f32() -> None:
    f = dc.trace(builder("norm", "logpdf"), dc.f32("N"))
    assert f.graph.outputs[0].dtype == "f32"


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_multivariate_normal(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, mean, root = rng.normal(size=shape), rng.normal(size=3), rng.normal(size=(3, 3))
    cov = root @ root.T + np.eye(3)
    for method in ("logpdf", "pdf"):
        plain = getattr(scipy.stats.multivariate_normal, method)
        f = dc.trace(builder("multivariate_normal", method), dc.f64(*shape), dc.f64(3), dc.f64(3, 3))
        np.testing.assert_allclose(f(x, mean, cov), plain(x, mean, cov), rtol=1e-12)


@pytest.mark.parametrize("given", [np.array([0.5, 1.0, 2.0]), 2.0])
def test_multivariate_normal_of_variances(given: Any) -> None:
    x = np.random.default_rng(0).normal(size=(4, 3))
    logpdf = builder("multivariate_normal", "logpdf")
    f = dc.trace(lambda x, mean: logpdf(x, mean, given), dc.f64(4, 3), dc.f64(3))
    wanted = scipy.stats.multivariate_normal.logpdf(x, x[0], given)
    np.testing.assert_allclose(f(x, x[0]), wanted, rtol=1e-12)


def test_names() -> None:
    assert documented_name(scipy.stats.norm.logpdf) == "scipy.stats.norm.logpdf"
    assert documented_name(scipy.stats.multivariate_normal.pdf) == "scipy.stats.multivariate_normal.pdf"
    assert documented_name(scipy.special.logsumexp) == "scipy.special.logsumexp"
    assert documented_name(np.sum) is None
    for name in NAMED:
        if name.startswith("scipy.stats."):
            owner, method = name.split(".")[2:]
            assert documented_name(getattr(getattr(scipy.stats, owner), method)) == name
