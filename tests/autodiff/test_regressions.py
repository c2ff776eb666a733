"""Mistakes that derivatives once made, each with the smallest program that showed it."""

import pickle

import mpmath
import numpy as np
import pytest

import diffc as dc
from diffc import autodiff
from diffc.ops import evaluate

X = np.array([-1.0, 0.0, 2.0])
Y = np.array([0.0, -1.0, 2.0])
A = np.array([[0.0, -1.0, 2.0], [1.0, 0.0, 0.0], [3.0, 4.0, -5.0]])
TYPES = {"x": "f64[3]", "c": "f64", "y": "f64[3]", "A": "f64[3,3]", "i": "i64[2]"}
POINT = (X, -1.0, Y, A, np.array([0, 2]))

UNTAKEN = [
    "where(c > 0, -1/c**0.5, 3.0)",
    "sum(where(x > 0, -log(x), 0))",
    "sum(y - where(x > 0, log(x), 0))",
    "where(c > 0, log(x)[0], 0.0)",
    "where(c > 0, log(x)[0]*log(x)[2], 0.0)",
    "where(c > 0, sum(log(x)[1:]), 1.0)",
    "where(c > 0, sum(log(x)[::-1]*y), 1.0)",
    "where(c > 0, sum(log(x) @ A), 0.0)",
    "where(c > 0, sum(log(x)[i]), 0.0)",
    "where(c > 0, sum(cumsum(log(x))), 0.0)",
    "where(c > 0, sum(cumprod(log(x))), 0.0)",
    "where(c > 0, std(log(x)), 0.0)",
    "sum(where(y[1:] > 5, log(x)[1:], 0.0))",
    "sum(where(y > 5, flip(log(x)), 0.0))",
]


@pytest.mark.parametrize("formula", UNTAKEN)
def test_the_branch_not_taken_stays_out_of_signs_and_rearrangements(formula):
    """Masks behind negations, parts, matrix products and recurrences were multiplied by NaN or inf."""
    f, wrt = dc.parse(formula, inputs=TYPES), ["x", "c", "y", "A"]
    graphs = [transform(f.graph, wrt) for transform in (autodiff.grad, autodiff.hessian)]
    graphs += [transform(f, wrt).graph for transform in (dc.grad, dc.hessian)]
    for graph in graphs:
        with np.errstate(all="ignore"):
            found = evaluate(graph, *POINT)
        assert all(np.all(np.isfinite(each)) for each in found)


def test_the_branch_not_taken_in_machine_code():
    f = dc.parse("where(x <= 1, -1/y, 3.0)")
    assert dc.grad(f, ["x", "y"])(2.0, 0.0) == (0.0, 0.0)
    assert dc.hessian(f, "y")(2.0, 0.0) == 0.0
    g = dc.parse("where(c > 0, log(x)[0], 0.0)", inputs={"x": "f64[2]", "c": "f64"})
    np.testing.assert_array_equal(dc.grad(g)([-1.0, 0.0], -1.0), [0.0, 0.0])
    np.testing.assert_array_equal(dc.grad(g)([2.0, 1.0], 1.0), [0.5, 0.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda f: dc.jvp(dc.jvp(f)),
        lambda f: dc.vjp(dc.vjp(dc.grad(f))),
        lambda f: dc.vjp(dc.grad(f, [0, 1]), [0, 1]),
        lambda f: dc.jacobian(dc.jvp(f)),
    ],
)
def test_outputs_have_names_of_their_own(make):
    """Two outputs were called d_out, so that one of them was missing from `outputs`."""
    g = make(dc.parse("sin(x)*y"))
    assert len(g.outputs) == len(g.graph.outputs)


def test_residuals_have_names_of_their_own():
    f = dc.fwd_and_bwd(dc.parse("sin(x)*y"), [0, 1])[0]
    for k, g in enumerate(dc.fwd_and_bwd(dc.jacobian(f, "x"), [0, 1])):
        assert len(g.outputs) == len(g.graph.outputs), k


class TestVmapOfIndices:
    """Every element of a batch with an index of its own was refused."""

    def test_value_gradient_and_jacobian(self):
        f = dc.parse("sum(x[i]**2*y)", inputs={"x": "f64[N]", "i": "i64[2]", "y": "f64[2]"})
        x = np.arange(1.0, 13.0).reshape(4, 3)
        i = np.array([[0, 2], [1, 1], [-1, 0], [2, -3]])
        y = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
        for g in (f, dc.grad(f), dc.hessian(f)):
            np.testing.assert_allclose(
                dc.vmap(g)(x, i, y), [g(*each) for each in zip(x, i, y, strict=True)], rtol=1e-15
            )

    @pytest.mark.parametrize("in_axes", [(0, 0), (None, 0), (0, None), (1, 0)])
    def test_rows(self, in_axes):
        f = dc.parse("sum(sin(x[i]))", inputs={"x": "f64[N, 2]", "i": "i64"})
        x = np.arange(24.0).reshape(4, 3, 2) if in_axes[0] is not None else np.arange(6.0).reshape(3, 2)
        i = np.array([2, 0, -1, 1]) if in_axes[1] is not None else 1
        for g in (f, dc.grad(f)):
            wanted = [
                g(x if in_axes[0] is None else x[k], i if in_axes[1] is None else int(i[k])) for k in range(4)
            ]
            given = np.moveaxis(x, 0, in_axes[0]) if in_axes[0] else x
            np.testing.assert_array_equal(dc.vmap(g, in_axes)(given, i), wanted)

    def test_no_elements_and_no_rows(self):
        f = dc.parse("sum(x[i])", inputs={"x": "f64[N]", "i": "i64[M]"})
        g = dc.vmap(dc.grad(f))
        assert g(np.zeros((0, 3)), np.zeros((0, 2), int)).shape == (0, 3)
        assert g(np.zeros((2, 0)), np.zeros((2, 0), int)).shape == (2, 0)

    @pytest.mark.parametrize("outside", [3, -4, 2**62])
    def test_an_index_outside_its_element(self, outside):
        """It is refused even where it would be inside the neighbour."""
        f = dc.parse("x[i]", inputs={"x": "f64[3]", "i": "i64"})
        for g in (f, dc.grad(f)):
            with pytest.raises(dc.DiffcError, match="outside"):
                dc.vmap(g)(np.ones((2, 3)), np.array([0, outside]))
            with pytest.raises(dc.DiffcError, match="outside"):
                dc.vmap(g)(np.ones((2, 3)), np.array([outside, 0]))


class TestArguments:
    def test_integers_of_numpy_are_positions_and_counts(self):
        f = dc.parse("x**3*y")
        assert dc.grad(f, np.int64(-1))(2.0, 3.0) == 8.0
        assert dc.derivative(f, "x", np.int32(2))(2.0, 3.0) == 36.0
        assert repr(dc.vmap(f, np.int64(0), size=np.int64(4))) == repr(dc.vmap(f, 0, size=4))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"in_axes": 0.5}, "in_axes is an integer or None"),
            ({"in_axes": (0, 1.5)}, "in_axes is an integer or None"),
            ({"in_axes": "x"}, "in_axes is an integer or None"),
            ({"in_axes": True}, "in_axes is an integer or None"),
            ({"out_axes": None}, "out_axes is an integer"),
            ({"out_axes": (0, 0)}, "1 outputs need an axis each"),
            ({"size": 2.5}, "size is an integer or a symbol's name"),
            ({"size": True}, "size is an integer or a symbol's name"),
        ],
    )
    def test_vmap(self, options, message):
        with pytest.raises(dc.DiffcError, match=message):
            dc.vmap(dc.parse("x*y"), **options)

    def test_a_count_beyond_memory(self):
        with pytest.raises(dc.DiffcError, match="order 1000000000000 is above"):
            dc.derivative(dc.parse("x**3"), "x", 10**12)


def test_what_is_pickled_is_still_a_derivative():
    """After unpickling the passes that precede derivation had run once more."""
    g = dc.grad(dc.parse("log(1 + exp(x))"))
    again = pickle.loads(pickle.dumps(g))
    assert again.derived
    assert (
        dc.compile(again, cache=False).stages["optimized"] == dc.compile(g, cache=False).stages["optimized"]
    )


TAILS = {
    "log(erfc(x))": 20.0,
    "log(2*erfc(x)/3)": 26.0,
    "log(1 - erf(x))": 26.0,
    "log((1 + erf(x/sqrt(2)))/2)": -30.0,
    "log(exp(-x**2/2)/sqrt(2*pi))": 37.0,
}


@pytest.mark.parametrize("formula", TAILS)
def test_a_logarithm_of_what_is_tiny(formula):
    """The derivative of the 1/u in log(u)' was formed first: it is infinite where u is below 1e-154."""
    x, f = TAILS[formula], dc.parse(formula)
    scope = {name: getattr(mpmath, name) for name in ("log", "exp", "erf", "sqrt", "erfc", "pi")}
    with mpmath.workdps(900):  # 1 - erf(x) loses some hundred digits
        true = mpmath.diff(lambda x: eval(formula, scope, {"x": x}), mpmath.mpf(x), 2)
    second = {
        "hessian": dc.hessian(f)(x),
        "jacobian of grad": dc.jacobian(dc.grad(f))(x),
        "hvp": dc.hvp(f)(x, 1.0),
        "derivative": dc.derivative(f, "x", 2)(x),
    }
    assert second == pytest.approx(dict.fromkeys(second, float(true)), rel=1e-9)
