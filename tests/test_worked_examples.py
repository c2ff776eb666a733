"""Published worked examples: lecture slides whose numbers anyone can check by hand.

`docs/worked-examples.md` shows them; here they are held, with every intermediate adjoint that the
lectures print, by the reference interpreter and by machine code.
"""

import math

import numpy as np
import pytest

import diffc as dc
from diffc import autodiff
from diffc.autodiff.reverse import pullback
from diffc.ir import Graph, Node, substitute
from diffc.ops import constant, evaluate, input_node


def adjoints(graph: Graph, wrt: list[str], point: list[float]) -> dict[str, float]:
    """The derivative of the output by each value on the way, named by its operation."""
    _, found = pullback(graph.outputs, [constant(1.0)], [graph.input(name) for name in wrt])
    labels = [str(n.attrs["name"]) if n.is_op("input") else n.op.name for n in found]
    names = [f"out{k}" for k in range(len(found))]
    values = evaluate(graph.with_outputs(list(found.values()), names=names, tree=0), *point)
    return dict(zip(labels, map(float, values), strict=True))


def d(node: Node, by: Node, inputs: list[Node], point: list[float]) -> float:
    """The derivative of a value by another one inside the graph, which is made an input for it."""
    stand_in = input_node("z", by.type)
    (output,) = substitute([node], {by: stand_in})
    (at,) = evaluate(Graph("z", tuple(inputs), (by,)), *point)
    graph = Graph("f", (*inputs, stand_in), (output,))
    (value,) = evaluate(autodiff.grad(graph, "z"), *point, at)
    return float(value)


class TestSquaredProduct:
    """f = ((a + b)*c)**2 at a = 1, b = 2, c = 2."""

    POINT = (1.0, 2.0, 2.0)

    def f(self):
        return dc.parse("((a + b)*c)**2")

    def test_value(self):
        assert self.f()(*self.POINT) == 36.0

    def test_gradient(self):
        assert dc.grad(self.f(), ["a", "b", "c"])(*self.POINT) == (24.0, 24.0, 36.0)

    def test_adjoints_on_the_way_back(self):
        """f: 1; (a + b)*c: 12; a + b: 24; a: 24; b: 24; c: 36."""
        f = self.f().graph
        (square,) = f.outputs
        (product,) = square.inputs
        total = product.inputs[0]
        inputs = list(f.inputs)
        assert [d(square, node, inputs, list(self.POINT)) for node in (square, product, total)] == [
            1.0,
            12.0,
            24.0,
        ]
        assert [d(square, node, inputs, list(self.POINT)) for node in inputs] == [24.0, 24.0, 36.0]

    def test_every_value_on_the_way_has_its_adjoint(self):
        found = adjoints(self.f().graph, ["a", "b", "c"], list(self.POINT))
        assert found == {"square": 1.0, "mul": 12.0, "add": 24.0, "a": 24.0, "b": 24.0, "c": 36.0}
        assert "# adjoint of %0" in str(dc.grad(self.f(), ["a", "b", "c"]))

    def test_second_order_graph(self):
        """g = df/db = 2(a + b)c*c: by c it is 24, by a + b, a and b it is 8."""
        g = dc.grad(self.f(), "b")
        assert g(*self.POINT) == 24.0
        assert dc.grad(g, ["a", "b", "c"])(*self.POINT) == (8.0, 8.0, 24.0)
        graph = g.graph
        total = next(node for node in graph.nodes if node.is_op("add"))
        assert d(graph.outputs[0], total, list(graph.inputs), list(self.POINT)) == 8.0

    def test_partials(self):
        assert dc.derivative(self.f(), "a", "b")(*self.POINT) == 8.0
        assert dc.derivative(self.f(), "a", "c")(*self.POINT) == 24.0  # 4(a + b)c; one lecture prints 12
        assert dc.derivative(self.f(), "c", 2)(*self.POINT) == 18.0

    def test_the_one_that_is_printed_wrong(self):
        for a, b, c in ((1.0, 2.0, 2.0), (0.5, -3.0, 0.25), (2.0, 2.0, 7.0)):
            assert dc.derivative(self.f(), "a", "c")(a, b, c) == 4 * (a + b) * c


class TestSigmoidUnit:
    """L = (target - sigmoid(w . x + b))**2 at x = (0.7, 0.64), w = (0.1, 0.5), b = 0.25, target 1."""

    ARGUMENTS = (np.array([0.7, 0.64]), np.array([0.1, 0.5]), 0.25, 1.0)
    INPUTS = {"x": "f64[2]", "w": "f64[2]", "b": "f64", "target": "f64"}  # noqa: RUF012

    def f(self, formula="(target - sigmoid(w @ x + b))**2"):
        return dc.parse(formula, inputs=self.INPUTS)

    @pytest.mark.parametrize(
        ("formula", "printed"),
        [("w @ x + b", 0.64), ("sigmoid(w @ x + b)", 0.6548), ("(target - sigmoid(w @ x + b))**2", 0.1192)],
    )
    def test_forward(self, formula, printed):
        assert self.f(formula)(*self.ARGUMENTS) == pytest.approx(printed, abs=6e-5)

    def test_gradient(self):
        by_b, by_w, by_x = dc.grad(self.f(), ["b", "w", "x"])(*self.ARGUMENTS)
        assert by_b == pytest.approx(-0.1561, abs=5e-5)
        np.testing.assert_allclose(by_w, [-0.1093, -0.0999], atol=5e-5)
        # A lecture prints these two, rounded, as the derivatives by w.
        np.testing.assert_allclose(by_x, [-0.0156, -0.0780], atol=5e-5)

    def test_closed_form(self):
        x, w, b, target = self.ARGUMENTS
        y = 1 / (1 + math.exp(-(w @ x + b)))
        delta = -2 * (target - y) * y * (1 - y)
        by_b, by_w, by_x = dc.grad(self.f(), ["b", "w", "x"])(*self.ARGUMENTS)
        assert by_b == pytest.approx(delta, rel=1e-14)
        np.testing.assert_allclose(by_w, delta * x, rtol=1e-14)
        np.testing.assert_allclose(by_x, delta * w, rtol=1e-14)


class TestBinaryCrossEntropy:
    """l = -(y log(s) + (1 - y) log(1 - s)), s = sigmoid(w . x), at w = (1, 2), x = (1, -1), y = 1."""

    def f(self):
        return dc.parse(
            "-(y*log(sigmoid(w @ x)) + (1 - y)*log(1 - sigmoid(w @ x)))",
            inputs={"w": "f64[2]", "x": "f64[2]", "y": "f64"},
        )

    def test_gradient(self):
        s = 1 / (1 + math.e)
        by_w = dc.grad(self.f(), "w")(np.array([1.0, 2.0]), np.array([1.0, -1.0]), 1.0)
        np.testing.assert_allclose(by_w, [s - 1, 1 - s], rtol=1e-14)
        assert by_w[0] == pytest.approx(-0.7311, abs=5e-5)

    def test_it_reduces_to_s_minus_y(self):
        """No logarithm and no quotient is left: the gradient is (s - y)*x as the textbook has it."""
        source = dc.compile(dc.grad(self.f(), "w"), cache=False).source
        assert "log" not in source
        assert source.count("np.exp") == 1

    def test_it_stays_right_where_the_formula_overflows(self):
        value, by_w = dc.value_and_grad(self.f(), "w")(np.array([1000.0, 0.0]), np.array([-1.0, 0.0]), 1.0)
        assert value == 1000.0
        np.testing.assert_array_equal(by_w, [1.0, 0.0])


class TestRectifiedUnit:
    """L = (relu(w . x) - y)**2 at w = (1, 2), x = (1, 1): z = 3."""

    INPUTS = {"w": "f64[2]", "x": "f64[2]", "y": "f64"}  # noqa: RUF012

    def f(self, formula="(relu(w @ x) - y)**2"):
        return dc.parse(formula, inputs=self.INPUTS)

    def test_gradient(self):
        w, x = np.array([1.0, 2.0]), np.array([1.0, 1.0])
        assert self.f("w @ x")(w, x, 1.0) == 3.0
        np.testing.assert_array_equal(dc.grad(self.f(), "w")(w, x, 1.0), [4.0, 4.0])

    def test_the_unit_at_exactly_zero_passes_nothing(self):
        w, x = np.array([1.0, -1.0]), np.array([1.0, 1.0])
        assert self.f("w @ x")(w, x, 1.0) == 0.0
        by_w = dc.grad(self.f(), "w")(w, x, 1.0)
        np.testing.assert_array_equal(by_w, [0.0, 0.0])
        np.testing.assert_array_equal(dc.hessian(self.f(), "w")(w, x, 1.0), np.zeros((2, 2)))
