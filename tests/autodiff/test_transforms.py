"""The transforms: shapes, structures and names; values against closed forms, mpmath and each other."""

import math

import mpmath
import numpy as np
import pytest
import sympy

import diffc as dc
from diffc.errors import DiffcError

RNG = np.random.default_rng(20)
X3, W, K = RNG.uniform(0.5, 2, 3), RNG.uniform(-1, 1, (3, 2)), 0.7


def surface():
    return dc.parse("((a + b)*c)**2")


def bell():
    return dc.parse("sum(exp(-k*x**2))", inputs={"k": "f64", "x": "f64[N]"})


def layer():
    """A function of several inputs with a matrix, a vector and a scalar in it."""
    return dc.parse("sum(tanh(x @ w)*k)", inputs={"x": "f64[3]", "w": "f64[3, 2]", "k": "f64"})


def pair():
    """Two outputs, one a scalar and one a vector, of two inputs."""
    return dc.parse("sum(x)*k, sin(x)*k", inputs={"x": "f64[N]", "k": "f64"})


class TestGrad:
    def test_by_position_name_and_sequence(self):
        f = surface()
        assert dc.grad(f)(1.0, 2.0, 2.0) == 24.0
        assert dc.grad(f, 2)(1.0, 2.0, 2.0) == 36.0
        assert dc.grad(f, -1)(1.0, 2.0, 2.0) == 36.0
        assert dc.grad(f, "c")(1.0, 2.0, 2.0) == 36.0
        assert dc.grad(f, ["c"])(1.0, 2.0, 2.0) == (36.0,)
        assert dc.grad(f, ["c", 0])(1.0, 2.0, 2.0) == (36.0, 24.0)

    def test_names_and_types(self):
        f = layer()
        assert dict(dc.grad(f, ["w", "k"]).outputs) == {"d_w": f.inputs["w"], "d_k": f.inputs["k"]}
        assert list(dc.grad(f, "w").outputs) == ["out"]
        assert dc.grad(f, "w").inputs == f.inputs
        assert dc.grad(f, "w").name == "grad_f"

    def test_values(self):
        dx, dk = dc.grad(bell(), ["x", "k"])(K, X3)
        np.testing.assert_allclose(dx, -2 * K * X3 * np.exp(-K * X3**2), rtol=1e-15)
        np.testing.assert_allclose(dk, np.sum(-(X3**2) * np.exp(-K * X3**2)), rtol=1e-15)

    def test_of_an_unused_input_is_zero(self):
        f = dc.parse("x*2", inputs={"x": "f64", "y": "f64[N]"})
        np.testing.assert_array_equal(dc.grad(f, "y")(1.0, X3), np.zeros(3))

    def test_value_and_grad(self):
        f = bell()
        both = dc.value_and_grad(f, ["x", "k"])
        assert list(both.outputs) == ["value", "d_x", "d_k"]
        value, (dx, dk) = both(K, X3)
        assert value == f(K, X3)
        np.testing.assert_array_equal(dx, dc.grad(f, "x")(K, X3))
        assert dk == dc.grad(f, "k")(K, X3)
        value, dx = dc.value_and_grad(f, "x")(K, X3)
        assert dx.shape == (3,)

    @pytest.mark.parametrize("size", [0, 1, 5])
    def test_one_kernel_serves_every_n(self, size):
        g = dc.grad(bell(), "x")
        x = np.linspace(0, 1, size)
        np.testing.assert_allclose(g(K, x), -2 * K * x * np.exp(-K * x**2), rtol=1e-15)

    def test_f32_stays_f32(self):
        f = dc.parse("sum(sin(x)*2)", inputs={"x": "f32[N]"})
        found = dc.grad(f)(X3.astype(np.float32))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, 2 * np.cos(X3), rtol=1e-6)


class TestDerivative:
    @pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
    @pytest.mark.parametrize(
        ("formula", "function"),
        [
            ("sin(x)*exp(x/2)", lambda x: mpmath.sin(x) * mpmath.exp(x / 2)),
            ("tanh(x)", mpmath.tanh),
            ("1/(1 + x**2)", lambda x: 1 / (1 + x**2)),
            ("log(1 + exp(x))", lambda x: mpmath.log(1 + mpmath.exp(x))),
            ("erf(x)*x**3", lambda x: mpmath.erf(x) * x**3),
            ("sqrt(x)*atan(x)", lambda x: mpmath.sqrt(x) * mpmath.atan(x)),
            ("x**2.5", lambda x: x ** mpmath.mpf(2.5)),
        ],
    )
    def test_against_fifty_digits(self, formula, function, order):
        point = 0.8125
        with mpmath.workdps(50):
            wanted = float(mpmath.diff(function, mpmath.mpf(point), order))
        found = dc.derivative(dc.parse(formula), "x", order)(point)
        assert found == pytest.approx(wanted, rel=1e-11, abs=1e-11)

    def test_mixed_and_counted(self):
        f = dc.parse("sin(x)*y**3")
        x, y = 0.4, 1.5
        assert dc.derivative(f, "x", "y")(x, y) == pytest.approx(3 * y**2 * math.cos(x))
        assert dc.derivative(f, "y", "x")(x, y) == pytest.approx(3 * y**2 * math.cos(x))
        assert dc.derivative(f, "x", 2, "y", 3)(x, y) == pytest.approx(-6 * math.sin(x))
        assert dc.derivative(f, "y", 4)(x, y) == 0.0
        assert dc.derivative(f, "x", 0)(x, y) == f(x, y)

    def test_of_arrays_by_a_scalar(self):
        f = dc.parse("sin(k*x)", inputs={"x": "f64[N]", "k": "f64"})
        np.testing.assert_allclose(dc.derivative(f, "k", 2)(X3, K), -(X3**2) * np.sin(K * X3), rtol=1e-14)


class TestJacobian:
    def test_shape_is_output_then_input(self):
        f = dc.parse("x @ w", inputs={"x": "f64[4, 3]", "w": "f64[3, 2]"})
        jacobian = dc.jacobian(f, ["x", "w"])
        assert [str(each) for each in jacobian.outputs.values()] == ["f64[4, 2, 4, 3]", "f64[4, 2, 3, 2]"]
        x = RNG.normal(size=(4, 3))
        by_x, by_w = jacobian(x, W)
        np.testing.assert_allclose(by_x, np.einsum("ik,lj->ijkl", np.eye(4), W), atol=1e-15)
        np.testing.assert_allclose(by_w, np.einsum("ik,jl->ijkl", x, np.eye(2)), atol=1e-15)

    def test_outputs_outside_inputs_inside(self):
        found = dc.jacobian(pair(), ["x", "k"])(X3, K)
        (sum_x, sum_k), (sin_x, sin_k) = found
        np.testing.assert_allclose(sum_x, np.full(3, K))
        np.testing.assert_allclose(sum_k, X3.sum())
        np.testing.assert_allclose(sin_x, np.diag(K * np.cos(X3)))
        np.testing.assert_allclose(sin_k, np.sin(X3))
        assert list(dc.jacobian(pair(), ["x", "k"]).outputs) == [
            "d_out0_x",
            "d_out0_k",
            "d_out1_x",
            "d_out1_k",
        ]

    @pytest.mark.parametrize(
        ("formula", "outputs", "inputs"),
        [("sin(x @ w)", 2, 3), ("sin(w @ y)", 3, 2), ("cumsum(x)*x", 3, 3), ("softmax(x)", 3, 3)],
    )
    def test_forward_and_reverse_agree(self, formula, outputs, inputs):
        """Columns from tangents and rows from cotangents, whichever the Jacobian itself is made of."""
        f = dc.parse(formula, inputs={"x": "f64[3]", "w": "f64[3, 2]", "y": "f64[2]"})
        name = "y" if "y" in formula else "x"
        arguments = [X3, W, X3[:2]]
        whole = dc.jacobian(f, name)(*arguments)
        assert whole.shape == (outputs, inputs)
        forward, backward = dc.jvp(f, name), dc.vjp(f, name)
        columns = [forward(*arguments, unit)[1] for unit in np.eye(inputs)]
        rows = [backward(*arguments, unit)[1] for unit in np.eye(outputs)]
        np.testing.assert_allclose(np.stack(columns, 1), whole, atol=1e-14)
        np.testing.assert_allclose(np.stack(rows, 0), whole, atol=1e-14)

    def test_of_symbolic_shapes(self):
        f = dc.parse("x*sum(x)", inputs={"x": "f64[N]"})
        jacobian = dc.jacobian(f)
        assert str(jacobian.outputs["out"]) == "f64[N, N]"
        for size in (0, 1, 4):
            x = RNG.normal(size=size)
            np.testing.assert_allclose(jacobian(x), np.eye(size) * x.sum() + x[:, None], atol=1e-14)

    def test_is_a_function_again(self):
        f = dc.parse("sin(x)*x[0]", inputs={"x": "f64[3]"})
        twice = dc.jacobian(dc.jacobian(f))
        assert str(twice.outputs["out"]) == "f64[3, 3, 3]"
        rows = [dc.hessian(dc.parse(f"sin(x[{k}])*x[0]", inputs={"x": "f64[3]"}))(X3) for k in range(3)]
        np.testing.assert_allclose(twice(X3), np.stack(rows), atol=1e-14)


class TestHessian:
    def test_of_scalars(self):
        (aa, ab), (ba, bb) = dc.hessian(surface(), ["a", "c"])(1.0, 2.0, 2.0)
        assert (aa, ab, ba, bb) == (8.0, 24.0, 24.0, 18.0)
        assert dc.hessian(surface(), "a")(1.0, 2.0, 2.0) == 8.0

    def test_of_a_vector(self):
        f = dc.parse("prod(x)", inputs={"x": "f64[3]"})
        x, y, z = X3
        np.testing.assert_allclose(dc.hessian(f)(X3), [[0, z, y], [z, 0, x], [y, x, 0]], rtol=1e-15)

    def test_of_symbolic_extent(self):
        x = X3
        wanted = np.diag((4 * K**2 * x**2 - 2 * K) * np.exp(-K * x**2))
        hessian = dc.hessian(bell(), "x")
        assert str(hessian.outputs["out"]) == "f64[N, N]"
        np.testing.assert_allclose(hessian(K, x), wanted, atol=1e-14)

    def test_mixed_blocks(self):
        f = layer()
        (xx, xw), (wx, ww) = dc.hessian(f, ["x", "w"])(X3, W, K)
        assert [each.shape for each in (xx, xw, wx, ww)] == [(3, 3), (3, 3, 2), (3, 2, 3), (3, 2, 3, 2)]
        np.testing.assert_allclose(xw, np.moveaxis(wx, 2, 0), atol=1e-14)
        np.testing.assert_allclose(ww, np.transpose(ww, (2, 3, 0, 1)), atol=1e-14)

    def test_third_order(self):
        f = dc.parse("sum(x**3)", inputs={"x": "f64[2]"})
        third = dc.jacobian(dc.hessian(f))(np.array([1.0, 2.0]))
        wanted = np.zeros((2, 2, 2))
        wanted[0, 0, 0] = wanted[1, 1, 1] = 6
        np.testing.assert_array_equal(third, wanted)


class TestProducts:
    def test_jvp(self):
        f = pair()
        forward = dc.jvp(f, ["x", "k"])
        assert list(forward.inputs) == ["x", "k", "d_x", "d_k"]
        assert list(forward.outputs) == ["out0", "out1", "d_out0", "d_out1"]
        dx, dk = RNG.normal(size=3), 0.3
        (total, wave), (d_total, d_wave) = forward(X3, K, dx, dk)
        np.testing.assert_allclose(total, X3.sum() * K)
        np.testing.assert_allclose(wave, np.sin(X3) * K)
        np.testing.assert_allclose(d_total, dx.sum() * K + X3.sum() * dk)
        np.testing.assert_allclose(d_wave, np.cos(X3) * dx * K + np.sin(X3) * dk)

    def test_vjp(self):
        backward = dc.vjp(pair(), ["x", "k"])
        assert list(backward.inputs) == ["x", "k", "ct_out0", "ct_out1"]
        ct, cts = 0.3, RNG.normal(size=3)
        (total, _), (dx, dk) = backward(X3, K, ct, cts)
        np.testing.assert_allclose(total, X3.sum() * K)
        np.testing.assert_allclose(dx, ct * K + cts * np.cos(X3) * K)
        np.testing.assert_allclose(dk, ct * X3.sum() + cts @ np.sin(X3))

    def test_a_name_that_is_taken_gets_an_underscore(self):
        f = dc.parse("x*d_x")
        assert list(dc.jvp(f, "x").inputs) == ["x", "d_x", "d_x_"]
        assert dc.jvp(f, "x")(2.0, 3.0, 1.0) == (6.0, 3.0)

    @pytest.mark.parametrize("wrt", ["x", "w", ["x", "w", "k"]])
    def test_hvp_is_the_hessian_times_the_vector(self, wrt):
        f = layer()
        names = [wrt] if isinstance(wrt, str) else wrt
        product = dc.hvp(f, wrt)
        assert list(product.inputs) == ["x", "w", "k", *[f"v_{name}" for name in names]]
        values = {"x": X3, "w": W, "k": K}
        vectors = [RNG.normal(size=np.shape(values[name])) for name in names]
        found = product(X3, W, K, *vectors)
        blocks = dc.hessian(f, names)(X3, W, K)
        for row, block in zip([found] if isinstance(wrt, str) else found, blocks, strict=True):
            wanted = sum(
                np.tensordot(part, vector, np.ndim(vector))
                for part, vector in zip(block, vectors, strict=True)
            )
            np.testing.assert_allclose(row, wanted, atol=1e-14)


class TestVmap:
    def test_over_every_input(self):
        f = dc.parse("sin(a)*b")
        mapped = dc.vmap(f)
        assert {name: str(kind) for name, kind in mapped.inputs.items()} == {"a": "f64[B]", "b": "f64[B]"}
        np.testing.assert_allclose(mapped(X3, X3 + 1), np.sin(X3) * (X3 + 1))

    def test_axes(self):
        f = dc.parse("x @ w", inputs={"x": "f64[3]", "w": "f64[3, 2]"})
        batch = RNG.normal(size=(3, 7))
        mapped = dc.vmap(f, in_axes=(1, None), out_axes=1)
        np.testing.assert_allclose(mapped(batch, W), (batch.T @ W).T, atol=1e-14)
        stacked = RNG.normal(size=(7, 3, 2))
        both = dc.vmap(f, in_axes=(-1, 0))
        np.testing.assert_allclose(both(batch, stacked), np.einsum("ib,bij->bj", batch, stacked), atol=1e-14)

    def test_size(self):
        assert str(dc.vmap(dc.parse("sin(a)"), size=4).inputs["a"]) == "f64[4]"
        assert str(dc.vmap(dc.parse("sin(a)"), size="T").inputs["a"]) == "f64[T]"
        nested = dc.vmap(dc.vmap(dc.parse("sin(a)")))
        assert str(nested.inputs["a"]) == "f64[B_, B]"

    def test_of_a_gradient_and_the_gradient_of_it(self):
        f = dc.parse("sum(tanh(x)**2)", inputs={"x": "f64[3]"})
        rows = RNG.normal(size=(5, 3))
        each = dc.vmap(dc.grad(f))(rows)
        np.testing.assert_allclose(each, [dc.grad(f)(row) for row in rows], rtol=1e-14)
        second = dc.vmap(dc.hessian(f))(rows)
        np.testing.assert_allclose(second, [dc.hessian(f)(row) for row in rows], rtol=1e-13, atol=1e-14)

    @pytest.mark.parametrize(
        "formula", ["max(x)", "prod(x)", "logsumexp(x)", "x[1]*x[2]", "sum(cumsum(x)*x)"]
    )
    def test_of_every_kind_of_operation(self, formula):
        f = dc.parse(formula, inputs={"x": "f64[3]"})
        rows = RNG.normal(size=(4, 3))
        for g in (f, dc.grad(f)):
            np.testing.assert_allclose(dc.vmap(g)(rows), [g(row) for row in rows], rtol=1e-13)

    def test_outputs_that_share_everything(self):
        f = dc.parse("a, b", inputs={"a": "f64", "b": "f64"})
        a, b = dc.vmap(f, in_axes=(0, None))(X3, 2.0)
        np.testing.assert_array_equal(a, X3)
        np.testing.assert_array_equal(b, [2.0, 2.0, 2.0])


class TestForwardAndBackward:
    @pytest.mark.parametrize("wrt", ["x", ["x", "w", "k"]])
    def test_equals_value_and_grad(self, wrt):
        f = layer()
        forward, backward = dc.fwd_and_bwd(f, wrt)
        value, residuals = forward(X3, W, K)
        assert value == pytest.approx(f(X3, W, K), rel=1e-15)
        found = backward(*residuals, 1.0)
        wanted = dc.grad(f, wrt)(X3, W, K)
        for x, y in zip(*([found], [wanted]) if isinstance(wrt, str) else (found, wanted), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-14)

    def test_several_outputs(self):
        f = pair()
        forward, backward = dc.fwd_and_bwd(f, ["x", "k"])
        (total, wave), residuals = forward(X3, K)
        np.testing.assert_allclose(wave, np.sin(X3) * K)
        assert total == pytest.approx(X3.sum() * K)
        cts = RNG.normal(size=3)
        for found, wanted in zip(
            backward(*residuals, 0.5, cts), dc.vjp(f, ["x", "k"])(X3, K, 0.5, cts)[1], strict=True
        ):
            np.testing.assert_allclose(found, wanted, rtol=1e-14)

    def test_what_is_costly_is_stored_and_what_is_cheap_repeated(self):
        f = dc.parse("sum(exp(sin(x)*2 + 1))", inputs={"x": "f64[N]"})
        forward, backward = dc.fwd_and_bwd(f)
        assert "exp" not in str(backward)
        assert sum(name.startswith("res_") for name in forward.outputs) <= 3


class TestPacked:
    """SymPy models whose coordinates are packed into vectors."""

    def model(self):
        q = sympy.symbols("q1:4")
        m = sympy.Symbol("m")
        expr = m * sympy.sin(q[0]) * q[1] ** 2 + sympy.exp(q[2])
        return q, m, expr, dc.from_sympy(expr, inputs={"q": list(q), "m": m})

    def test_gradient_hessian_and_third_order(self):
        q, m, expr, f = self.model()
        point = dict(zip(q, X3, strict=True)) | {m: 1.5}
        gradient = [float(sympy.diff(expr, a).subs(point)) for a in q]
        np.testing.assert_allclose(dc.grad(f, "q")(X3, 1.5), gradient, rtol=1e-14)
        hessian = [[float(sympy.diff(expr, a, b).subs(point)) for b in q] for a in q]
        np.testing.assert_allclose(dc.hessian(f, "q")(X3, 1.5), hessian, rtol=1e-14)
        third = [[[float(sympy.diff(expr, a, b, c).subs(point)) for c in q] for b in q] for a in q]
        np.testing.assert_allclose(dc.jacobian(dc.hessian(f, "q"), "q")(X3, 1.5), third, rtol=1e-14)
        mixed = [float(sympy.diff(expr, a, m).subs(point)) for a in q]
        np.testing.assert_allclose(dc.jacobian(dc.grad(f, "q"), "m")(X3, 1.5), mixed, rtol=1e-14)

    def test_zeros_stay_visible(self):
        """The mixed derivatives that vanish are constants of the graph, not sums of padded products."""
        _, _, _, f = self.model()
        text = str(dc.hessian(f, "q"))
        assert "pad" not in text
        assert text.count("exp") == 1


class TestOneElement:
    """An output of one element is a scalar, whatever its axes are; the value keeps them."""

    X = np.array([0.3, -0.7, 1.2])

    @pytest.mark.parametrize("axes", [(1,), (1, 1), (1, 1, 1)])
    @pytest.mark.parametrize("dtype", ["f64", "f32"])
    def test_derivatives_are_those_of_the_scalar(self, axes, dtype):
        def scalar(x):
            return np.sum(np.sin(x) ** 2)

        def shaped(x):
            return np.reshape(scalar(x), axes)

        x = self.X.astype({"f64": np.float64, "f32": np.float32}[dtype])
        np.testing.assert_array_equal(dc.grad(shaped)(x), dc.grad(scalar)(x))
        np.testing.assert_array_equal(dc.hessian(shaped)(x), dc.hessian(scalar)(x))
        np.testing.assert_array_equal(dc.hvp(shaped)(x, x), dc.hvp(scalar)(x, x))
        squared = dc.grad(lambda x: shaped(x) * shaped(x))(x)
        np.testing.assert_allclose(
            squared, 2 * dc.grad(scalar)(x) * scalar(x), rtol=8 * np.finfo(x.dtype).eps
        )
        value, gradient = dc.value_and_grad(shaped)(x)
        assert value.shape == axes
        assert value.dtype == gradient.dtype == x.dtype
        np.testing.assert_array_equal(gradient, dc.grad(scalar)(x))
        assert dc.jacobian(shaped)(x).shape == (*axes, 3)
        assert dc.grad(dc.trace(shaped, dc.f64("N")))(self.X).shape == (3,)

    def test_a_product_of_a_row_and_a_column(self):
        def quadratic(x, a):
            return x.T @ a @ x

        x, a = self.X.reshape(3, 1), np.arange(9.0).reshape(3, 3)
        np.testing.assert_allclose(dc.grad(quadratic)(x, a), (a + a.T) @ x, rtol=1e-14)
        np.testing.assert_allclose(dc.hessian(quadratic)(x, a)[:, 0, :, 0], a + a.T, rtol=1e-14)
        value, _ = dc.value_and_grad(quadratic, ["x", "a"])(x, a)
        assert value.shape == (1, 1)
        np.testing.assert_allclose(dc.hvp(quadratic)(x, a, np.ones((3, 1))), (a + a.T) @ np.ones((3, 1)))

    def test_an_axis_that_may_have_more_is_refused(self):
        for inputs in ({"x": "f64[N]"}, {"x": "f64[0]"}, {"x": "f64[1, N]"}):
            with pytest.raises(DiffcError, match="one scalar output"):
                dc.value_and_grad(dc.parse("x*2", inputs=inputs))


class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: dc.grad(dc.parse("x*n", inputs={"x": "f64", "n": "i64"}), "n"), "by 'n': it is i64"),
            (
                lambda: dc.grad(dc.parse("x*2", inputs={"x": "f64[N]"})),
                r"one scalar output, f gives out: f64\[N\]",
            ),
            (lambda: dc.grad(pair()), "use jacobian or vjp"),
            (lambda: dc.hessian(pair()), "hessian takes a function with one scalar output"),
            (lambda: dc.grad(dc.parse("x > 0")), "the output is bool"),
            (lambda: dc.grad(surface(), "z"), "no input 'z'; its inputs are a, b, c"),
            (lambda: dc.grad(surface(), 3), "has 3 inputs, there is none at position 3"),
            (lambda: dc.grad(surface(), []), "wrt names no input"),
            (lambda: dc.grad(surface(), ["a", "a"]), "'a' is named twice"),
            (lambda: dc.grad(surface(), ["a", 0]), "'a' is named twice"),
            (lambda: dc.derivative(layer(), "x"), "derivative takes scalar inputs"),
            (lambda: dc.derivative(surface(), "a", 65), "above the limit of 64"),
            (lambda: dc.derivative(surface(), 2), "names, each with a count"),
            (lambda: dc.derivative(surface(), "a", -1), "names, each with a count"),
            (lambda: dc.derivative(surface(), "a", 1.5), "names, each with a count"),
            (lambda: dc.jacobian(dc.parse("x > 0")), "an output is bool"),
            (lambda: dc.vmap(surface(), in_axes=(0, None)), "need an axis each"),
            (lambda: dc.vmap(surface(), in_axes=None), "no input has the mapped axis"),
            (lambda: dc.vmap(surface(), in_axes=2), "cannot stand at 2"),
            (lambda: dc.grad("x"), "takes a Function or a Python function, not 'x'"),
        ],
    )
    def test_message(self, make, message):
        with pytest.raises(DiffcError, match=message):
            make()

    @pytest.mark.parametrize("wrt", [True, 1.0, None, object(), [1.5], {"a"}])
    def test_a_wrt_that_is_no_name_or_position(self, wrt):
        with pytest.raises(DiffcError, match="an input's name, its position, or a list of them"):
            dc.grad(surface(), wrt)


def test_wrt_takes_sympy_symbols():
    x, y, t = sympy.symbols("x y t")
    angle = sympy.Function("q")(t)
    f = dc.from_sympy(x**3 * y + sympy.sin(angle), [x, y, angle])
    assert dc.grad(f, x)(2.0, 5.0, 0.0) == 60
    assert dc.grad(f, (x, angle))(2.0, 5.0, 0.0) == (60, 1)
    assert dc.derivative(f, x, 2)(2.0, 5.0, 0.0) == 60
    assert dc.derivative(f, x, y, sympy.Integer(1))(2.0, 5.0, 0.0) == 12
    assert dc.hessian(f, [x, "y"])(2.0, 5.0, 0.0) == ((60, 12), (12, 0))
    with pytest.raises(DiffcError, match="f has no input 't'"):
        dc.grad(f, t)
