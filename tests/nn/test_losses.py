"""Every loss: value and derivatives against independent formulas; logits; classes; weights; misfits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import diffc as dc
from diffc.ir import Graph
from diffc.nn import Loss, NetworkProblem
from diffc.ops import input_node
from tests.optimized import optimized

RNG = np.random.default_rng(7)
N, K = 6, 4
LOGITS = RNG.normal(size=(N, K)) * 2
PROBABILITIES = special.softmax(LOGITS, axis=1)
DISTRIBUTIONS = special.softmax(RNG.normal(size=(N, K)), axis=1)
CLASSES = np.array([0, 3, 1, 1, 2, 0])
ONE_HOT = np.eye(K)[CLASSES]
REALS = RNG.normal(size=(N, K))


def function_of(loss: Any, p: str, y: str, **inputs: str) -> dc.Function:
    """The loss as a function of the output p, the target y and more inputs."""
    kinds = dc.parse("p", {"p": p, "y": y, **inputs}).inputs
    nodes = {name: input_node(name, kind) for name, kind in kinds.items()}
    made = Loss.of(loss)
    value = made.apply(nodes["p"], nodes["y"], nodes.get("w"))
    return dc.Function(Graph("loss", tuple(nodes.values()), (value,)))


def pairs(loss: str, **settings: Any) -> dict[str, Any]:
    return {"kind": loss, "target": "y", **settings}


def huber(d: float) -> Callable[..., Any]:
    return lambda p, y: special.huber(d, p - y).mean()


def entropy(p: Any, y: Any) -> Any:
    return -(special.xlogy(y, p)).sum(1).mean()


CASES: list[tuple[dict[str, Any], Any, Any, Callable[[Any, Any], Any]]] = [
    (pairs("squared_error"), REALS, LOGITS, lambda p, y: np.mean((p - y) ** 2)),
    (pairs("squared_error", outputs="sum"), REALS, LOGITS, lambda p, y: np.sum((p - y) ** 2, 1).mean()),
    (pairs("squared_error", outputs="half_sum"), REALS, LOGITS, lambda p, y: np.sum((p - y) ** 2) / 2 / N),
    (
        pairs("squared_error", outputs="half_sum", samples="sum"),
        REALS,
        LOGITS,
        lambda p, y: np.sum((p - y) ** 2) / 2,
    ),
    (pairs("absolute_error"), REALS, LOGITS, lambda p, y: np.mean(abs(p - y))),
    (pairs("huber"), REALS, LOGITS, huber(1.0)),
    (pairs("huber", delta=0.5), REALS, LOGITS, huber(0.5)),
    (
        pairs("binary_cross_entropy", outputs="sum"),
        special.expit(REALS),
        DISTRIBUTIONS,
        lambda p, y: -(special.xlogy(y, p) + special.xlog1py(1 - y, -p)).sum(1).mean(),
    ),
    (
        pairs("sigmoid_cross_entropy"),
        REALS,
        DISTRIBUTIONS,
        lambda p, y: -(y * special.log_expit(p) + (1 - y) * special.log_expit(-p)).mean(),
    ),
    (pairs("hinge"), REALS, np.sign(LOGITS), lambda p, y: np.maximum(0, 1 - y * p).mean()),
    (
        pairs("softmax_cross_entropy"),
        LOGITS,
        DISTRIBUTIONS,
        lambda p, y: -(y * special.log_softmax(p, axis=1)).sum(1).mean(),
    ),
    (pairs("categorical_cross_entropy"), PROBABILITIES, DISTRIBUTIONS, entropy),
    (
        pairs("negative_log_likelihood"),
        np.log(PROBABILITIES),
        DISTRIBUTIONS,
        lambda p, y: -(y * p).sum(1).mean(),
    ),
]
IDS = ["-".join(map(str, case[0].values())) for case in CASES]


def test_every_loss_is_checked() -> None:
    assert {case[0]["kind"] for case in CASES} == set(Loss.kinds)


@pytest.mark.parametrize(("loss", "p", "y", "reference"), CASES, ids=IDS)
def test_value_and_derivatives(loss: Any, p: Any, y: Any, reference: Any) -> None:
    f = function_of(loss, f"f64[N, {K}]", f"f64[N, {K}]")
    np.testing.assert_allclose(f(p, y), reference(p, y), rtol=1e-14)
    h = 1e-6
    steps = [h * each.reshape(N, K) for each in np.eye(N * K)]
    first = [(reference(p + e, y) - reference(p - e, y)) / (2 * h) for e in steps]
    noise = 2e-9 + 4 * np.finfo(float).eps * abs(reference(p, y)) / h
    np.testing.assert_allclose(dc.grad(f, "p")(p, y).ravel(), first, rtol=2e-7, atol=noise)
    v = np.random.default_rng(1).normal(size=(N, K))
    slope = dc.grad(f, "p")
    second = (slope(p + h * v, y) - slope(p - h * v, y)) / (2 * h)
    np.testing.assert_allclose(dc.hvp(f, "p")(p, y, v), second, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("loss", "p", "y", "reference"), CASES, ids=IDS)
def test_one_sample_without_an_axis_of_samples(loss: Any, p: Any, y: Any, reference: Any) -> None:
    f = function_of(loss, f"f64[{K}]", f"f64[{K}]")
    expected = reference(p[:1], y[:1]) * (N if "half_sum" in str(loss) and "samples" not in loss else 1)
    np.testing.assert_allclose(f(p[0], y[0]), expected, rtol=1e-14)


@pytest.mark.parametrize(("loss", "p", "y", "reference"), CASES, ids=IDS)
def test_f32_stays_f32(loss: Any, p: Any, y: Any, reference: Any) -> None:
    f = function_of(loss, f"f32[N, {K}]", f"f32[N, {K}]")
    wide = [node for node in f.graph.nodes if node.type.dtype == "f64"]
    assert not wide, str(f)
    single = np.float32
    np.testing.assert_allclose(f(p.astype(single), y.astype(single)), reference(p, y), rtol=2e-6)
    assert [kind.dtype for kind in dc.grad(f, "p").outputs.values()] == ["f32"]


@pytest.mark.parametrize(
    "kind", ["softmax_cross_entropy", "categorical_cross_entropy", "negative_log_likelihood"]
)
def test_classes_are_one_hot_targets(kind: str) -> None:
    p = {"softmax_cross_entropy": LOGITS, "categorical_cross_entropy": PROBABILITIES}.get(
        kind, np.log(PROBABILITIES)
    )
    classes = function_of(pairs(kind), "f64[N, 4]", "i64[N]")
    one_hot = function_of(pairs(kind), "f64[N, 4]", "f64[N, 4]")
    np.testing.assert_allclose(classes(p, CLASSES), one_hot(p, ONE_HOT), rtol=1e-15)
    np.testing.assert_allclose(
        dc.grad(classes, "p")(p, CLASSES), dc.grad(one_hot, "p")(p, ONE_HOT), atol=1e-16
    )


@pytest.mark.parametrize("wrong", [-1, 4, 2**40])
def test_a_class_that_there_is_not_makes_the_loss_nan(wrong: int) -> None:
    f = function_of(pairs("softmax_cross_entropy"), "f64[N, 4]", "i64[N]")
    assert np.isnan(f(LOGITS, np.array([0, 1, 2, 3, 0, wrong])))


def test_the_gradient_of_logits_is_p_minus_y() -> None:
    for kind, predict, y in (
        ("softmax_cross_entropy", lambda z: special.softmax(z, axis=1), DISTRIBUTIONS),
        ("sigmoid_cross_entropy", special.expit, DISTRIBUTIONS),
    ):
        extra = {"outputs": "sum"} if kind.startswith("sigmoid") else {}
        f = function_of(pairs(kind, samples="sum", **extra), "f64[N, 4]", "f64[N, 4]")
        g = dc.grad(f, "p")
        np.testing.assert_allclose(g(LOGITS, y), predict(LOGITS) - y, rtol=1e-13, atol=1e-15)
        ops = [node.op.name for node in _optimized(g) if node.inputs]
        assert len(ops) == 2, dc.compile(g).stages["optimized"]
        assert ops[1] == "sub"


def _optimized(f: dc.Function) -> list[Any]:
    return optimized(f.graph, derived=True).nodes


HUGE = np.array([[1e4, -1e4, 0.0, 3.0], [-1e300, 1e300, 5.0, 0.0], [800.0, 800.0, -800.0, 750.0]])


@pytest.mark.parametrize("kind", ["softmax_cross_entropy", "sigmoid_cross_entropy"])
def test_huge_logits(kind: str) -> None:
    f = function_of(pairs(kind), "f64[N, 4]", "f64[N, 4]")
    for column in range(4):
        y = np.eye(4)[[column] * 3]
        assert np.isfinite(f(HUGE, y))
        assert np.all(np.isfinite(dc.grad(f, "p")(HUGE, y)))
        assert np.all(np.isfinite(dc.hvp(f, "p")(HUGE, y, np.ones_like(HUGE))))


def test_log_softmax_of_huge_logits() -> None:
    f = function_of(pairs("negative_log_likelihood"), "f64[N, 4]", "i64[N]")
    assert np.isfinite(f(special.log_softmax(HUGE, axis=1), np.array([1, 0, 2])))


@pytest.mark.parametrize("kind", ["binary_cross_entropy", "categorical_cross_entropy"])
def test_certain_and_right_costs_nothing(kind: str) -> None:
    """0*log(0) is 0, with a finite gradient; certain and wrong costs inf, which is true."""
    f = function_of(pairs(kind), "f64[N, 2]", "f64[N, 2]")
    right, wrong = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert f(right, right) == 0
    assert np.all(np.isfinite(dc.grad(f, "p")(right, right)))
    assert f(right, wrong) == np.inf


def test_weights() -> None:
    f = function_of(pairs("squared_error", weight="w"), "f64[N, 4]", "f64[N, 4]", w="f64[N]")
    w = np.arange(N, dtype=float)
    expected = np.mean(w * np.mean((REALS - LOGITS) ** 2, axis=1))
    np.testing.assert_allclose(f(REALS, LOGITS, w), expected, rtol=1e-14)


def test_cross_entropy_does_not_vanish_on_a_saturated_unit() -> None:
    """Where a sigmoid is saturated and wrong its slope kills the gradient of the squared error."""
    z, y = np.array([[20.0]]), np.array([[0.0]])
    cross = function_of(pairs("sigmoid_cross_entropy"), "f64[N, 1]", "f64[N, 1]")
    squared = dc.parse("(sigmoid(z) - y)**2", {"z": "f64", "y": "f64"})
    assert dc.grad(cross, "p")(z, y)[0, 0] > 0.999
    assert 0 < dc.grad(squared, "z")(20.0, 0.0) < 1e-8


@pytest.mark.parametrize(
    ("loss", "y", "key", "problem"),
    [
        (
            pairs("squared_error"),
            "f64[N, 3]",
            "target",
            "the input 'y' is f64[N, 3], for an output f64[N, 4]",
        ),
        (pairs("squared_error"), "i64[N]", "target", "it should be f64[N, 4]"),
        (pairs("softmax_cross_entropy"), "f64[N]", "target", "it should be f64[N, 4] or i64[N]"),
        (pairs("softmax_cross_entropy"), "i64[M]", "target", "it should be f64[N, 4] or i64[N]"),
        (pairs("squared_error", outputs="half"), "f64[N, 4]", "outputs", "did you mean 'half_sum'?"),
        (pairs("huber", delta=0), "f64[N, 4]", "delta", "a finite number above 0 is needed, not 0"),
        (pairs("hinge", delta=1), "f64[N, 4]", "delta", "hinge has no key 'delta'"),
        (pairs("mse"), "f64[N, 4]", "kind", "'mse' is no kind of loss"),
        ({"kind": "hinge"}, "f64[N, 4]", None, "hinge needs the key 'target'"),
        (pairs("squared_error", samples=3), "f64[N, 4]", "samples", "one of mean, sum is needed, not 3"),
    ],
)
def test_problems(loss: Any, y: str, key: str | None, problem: str) -> None:
    with pytest.raises(NetworkProblem) as caught:
        function_of(loss, "f64[N, 4]", y)
    assert problem in str(caught.value)
    assert caught.value.key == (() if key is None else (key,))
