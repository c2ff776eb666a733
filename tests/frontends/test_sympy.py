"""SymPy expressions against SymPy's own evaluation at 40 digits, on exactly the same inputs."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy.codegen import cfunctions, numpy_nodes
from sympy.physics.vector import dynamicsymbols

from diffc.autodiff.transforms import derivative
from diffc.errors import DiffcError
from diffc.frontends.sympy import from_sympy
from diffc.frontends.sympy_functions import FUNCTIONS
from diffc.ops import evaluate

x, y, z, t = sp.symbols("x y z t")
EVERYWHERE = (-2.75, -0.6, -1e-5, 0.3, 1.0, 7.25)
POSITIVE = (1e-7, 0.4, 1.0, 3.3, 1e8)
INSIDE = (-0.99, -0.5, 1e-9, 0.3, 0.999)
OUTSIDE = (-50.0, -1.001, 1.0625, 2.5, 1e7)
NO_ZERO = (-3.2, -0.7, 1e-6, 0.45, 1.9, 12.0)

ONE_ARGUMENT = {
    sp.exp: EVERYWHERE, sp.log: POSITIVE, sp.sqrt: POSITIVE, sp.cbrt: POSITIVE,
    sp.sin: EVERYWHERE, sp.cos: EVERYWHERE, sp.tan: EVERYWHERE,
    sp.sec: EVERYWHERE, sp.csc: NO_ZERO, sp.cot: NO_ZERO, sp.sinc: (*EVERYWHERE, 0.0, 0.999, 1.001),
    sp.asin: INSIDE, sp.acos: INSIDE, sp.atan: EVERYWHERE,
    sp.acot: (*NO_ZERO, 0.0, 1e9), sp.asec: OUTSIDE, sp.acsc: OUTSIDE,
    sp.sinh: EVERYWHERE, sp.cosh: EVERYWHERE, sp.tanh: EVERYWHERE,
    sp.sech: EVERYWHERE, sp.csch: NO_ZERO, sp.coth: NO_ZERO,
    sp.asinh: (*EVERYWHERE, 0.0, 1e-300, 1e9, -1e200), sp.acosh: (1.0, 1.0000001, 2.5, 1e9, 1e200),
    sp.atanh: INSIDE, sp.acoth: OUTSIDE, sp.asech: (1e-200, 0.3, 0.999, 1.0), sp.acsch: NO_ZERO,
    sp.erf: EVERYWHERE, sp.erfc: (-3.0, -0.5, 0.2, 0.9),
    sp.gamma: (-3.25, -0.75, 0.25, 5.5), sp.factorial: (0.0, 0.5, 3.0), sp.loggamma: (0.25, 1.5, 9.25),
    sp.Abs: EVERYWHERE, sp.sign: (*EVERYWHERE, 0.0), sp.floor: EVERYWHERE, sp.ceiling: EVERYWHERE,
    sp.frac: (-2.75, -0.5, 0.25, 7.3), sp.Heaviside: (-1.5, 0.0, 2.0),
    sp.harmonic: (-2.5, -0.3, 0.25, 3.0, 40.5, 1000.5),
    sp.re: EVERYWHERE, sp.im: EVERYWHERE, sp.conjugate: EVERYWHERE, sp.arg: NO_ZERO,
    sp.UnevaluatedExpr: EVERYWHERE,
    cfunctions.log1p: (*POSITIVE, -0.9), cfunctions.expm1: (*EVERYWHERE, 1e-12),
    cfunctions.exp2: EVERYWHERE, cfunctions.log2: POSITIVE, cfunctions.log10: POSITIVE,
    cfunctions.Sqrt: POSITIVE, cfunctions.Cbrt: POSITIVE,
}  # fmt: skip

COMPOSED = {
    sp.sec: EVERYWHERE, sp.csc: NO_ZERO, sp.cot: NO_ZERO, sp.sinc: (-0.99, -0.25, 0.5, 1.01, 7.25),
    sp.acot: (-2.0, -0.5, 0.0, 0.3, 4.0), sp.asec: (-3.0, -1.25, 1.5, 8.0), sp.acsc: (-3.0, -1.25, 1.5, 8.0),
    sp.sech: EVERYWHERE, sp.csch: NO_ZERO, sp.coth: NO_ZERO,
    sp.asinh: (-2.0, -1e-3, 0.0, 0.4, 3.0, 1e9), sp.acosh: (1.25, 3.0, 1e9), sp.atanh: (-0.9, -0.1, 0.0, 0.5),
    sp.acoth: (-4.0, -1.25, 1.5, 9.0), sp.asech: (0.2, 0.5, 0.9), sp.acsch: (-3.0, -0.4, 0.5, 2.0),
    cfunctions.exp2: EVERYWHERE, cfunctions.log2: POSITIVE, cfunctions.Cbrt: POSITIVE,
}  # fmt: skip

TWO_ARGUMENTS = (
    sp.atan2, sp.Mod, sp.Rem, sp.Min, sp.Max, sp.Lt, sp.Le, sp.Gt, sp.Ge, sp.Eq, sp.Ne, sp.Pow,
    lambda a, b: sp.polygamma(3, a * b),
    sp.Heaviside, cfunctions.hypot, numpy_nodes.logaddexp, lambda a, b: sp.log(a, b, evaluate=False),
)  # fmt: skip


def compute(expr, *values, **options):
    (result,) = evaluate(from_sympy(expr, **options), *values)
    return result


def exact(expr, values):
    """Return the value that SymPy finds with 40 digits for these doubles taken exactly."""
    value = expr.xreplace({s: sp.Rational(v) for s, v in values.items()}).doit()
    if not isinstance(value, sp.Expr):
        return value
    return value.evalf(40) if value.evalf(40).is_Number else sp.expand_func(value).evalf(40)


def assert_close(got, expected):
    if isinstance(expected, sp.logic.boolalg.BooleanAtom):
        assert got.dtype == bool
        assert bool(got) is bool(expected)
    else:
        assert abs(sp.Rational(float(got)) - expected) <= 1e-14 * abs(expected)


@pytest.mark.parametrize("function", ONE_ARGUMENT, ids=lambda f: f.__name__)
def test_function_of_one_argument(function):
    graph = from_sympy(function(x), [x])
    for point in ONE_ARGUMENT[function]:
        assert_close(evaluate(graph, point)[0], exact(function(x), {x: point}))


@pytest.mark.parametrize("function", COMPOSED, ids=lambda f: f.__name__)
def test_derivatives_of_composed_functions(function):
    graph = from_sympy(function(x), [x])
    for order in (1, 2):
        expected = sp.diff(sp.expand_func(function(x)), x, order)
        computed = derivative(graph, "x", order)
        for point in COMPOSED[function]:
            value = float(exact(expected, {x: point}))
            assert float(evaluate(computed, point)[0]) == pytest.approx(value, rel=1e-11, abs=1e-14)


def test_derivatives_of_sinc_at_zero():
    graph = from_sympy(sp.sinc(x))
    values = [float(evaluate(derivative(graph, "x", order), 0.0)[0]) for order in range(5)]
    assert values == pytest.approx([1, 0, -1 / 3, 0, 1 / 5])


@pytest.mark.parametrize("function", TWO_ARGUMENTS, ids=lambda f: f.__name__)
def test_function_of_two_arguments(function):
    graph = from_sympy(function(x, y), [x, y])
    for a, b in [(0.7, 1.3), (5.5, 2.25), (2.0, 2.0), (3.0, 0.125)]:
        assert_close(evaluate(graph, a, b)[0], exact(function(x, y), {x: a, y: b}))


@pytest.mark.parametrize("signs", [(-1, 1), (1, -1), (-1, -1)])
@pytest.mark.parametrize("function", [sp.Mod, sp.Rem, sp.atan2])
def test_signs_of_remainders_and_angles(function, signs):
    a, b = 7.25 * signs[0], 2.5 * signs[1]
    assert_close(compute(function(x, y), a, b), exact(function(x, y), {x: a, y: b}))


def test_every_function_of_the_table_is_tested():
    tested = {type(f(x)).__name__ for f in ONE_ARGUMENT} | {type(f(x, y)).__name__ for f in TWO_ARGUMENTS}
    logic = {"And", "Or", "Not", "Xor", "ITE", "Implies", "Equivalent"}
    others = {"erf2", "fma", "digamma", "trigamma", "KroneckerDelta", "SingularityFunction"}
    gammas = {"beta", "binomial", "RisingFactorial", "FallingFactorial"}
    parts = {"im", "arg"}  # these have no builder of their own
    assert set(FUNCTIONS) - tested - logic == others | gammas | {type(f(x)).__name__ for f in INVERSES}
    assert parts <= tested - set(FUNCTIONS)


INVERSES = {
    sp.erfinv: mpmath.erfinv,
    sp.erfcinv: lambda x: mpmath.erfinv(1 - x),
    sp.LambertW: lambda x: mpmath.lambertw(x).real,
    sp.factorial2: mpmath.fac2,
}


@pytest.mark.parametrize("function", INVERSES, ids=lambda f: f.__name__)
def test_inverses_and_double_factorials(function):
    reference, graph = INVERSES[function], from_sympy(function(x))
    for order in range(3):
        derived = derivative(graph, "x", order)
        for at in (0.05, 0.5, 0.9):
            with mpmath.workdps(60):
                expected = float(mpmath.diff(reference, mpmath.mpf(at), order))
            assert float(evaluate(derived, at)[0]) == pytest.approx(expected, rel=1e-13)


def test_other_branches_are_refused():
    with pytest.raises(DiffcError, match="only the branch k = 0 is supported"):
        from_sympy(sp.LambertW(x, -1))


GAMMAS = {sp.beta: mpmath.beta, sp.binomial: mpmath.binomial, sp.rf: mpmath.rf, sp.ff: mpmath.ff}


@pytest.mark.parametrize("function", GAMMAS, ids=lambda f: f.__name__)
def test_functions_of_several_gammas(function):
    graph = from_sympy(function(x, y), [x, y])
    graphs = [graph, *(derivative(graph, *by) for by in ("x", "y", "xy", "xx", "yy"))]
    orders = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2)]
    points = [(2.5, 1.5), (1e10, 2.25), (30.0, 24.5), (-2.5, 1.25), (0.3, -1.7), (1e6, -0.5), (170.25, 60.0)]
    for a, b in points:
        for each, order in zip(graphs, orders, strict=True):
            with mpmath.workdps(80):
                expected = mpmath.diff(GAMMAS[function], (mpmath.mpf(a), mpmath.mpf(b)), order)
            assert float(evaluate(each, a, b)[0]) == pytest.approx(float(expected), rel=3e-12), (a, b, order)


def test_edges_of_functions_of_several_gammas():
    assert compute(sp.binomial(x, y), 5.0, 7.0) == 0
    assert compute(sp.binomial(x, y), 5.0, -1.0) == 0
    assert compute(sp.beta(x, y), -0.5, -0.5) == 0
    assert math.isnan(compute(sp.beta(x, y), -3.0, 2.0))
    for n in (-3.0, 0.0, 2.0, 5.0, 60.0):
        assert compute(sp.binomial(x, 3), n) == float(sp.binomial(int(n), 3))
    graph = derivative(from_sympy(sp.binomial(x, 3)), "x")
    assert evaluate(graph, 1.0)[0] == pytest.approx(-1 / 6, rel=1e-15)


def test_difference_of_error_functions_in_the_tails():
    for a, b in [(5.25, 5.5), (6.0, 7.0), (-6.0, -7.5), (-3.0, 2.0), (1.0, 9.0), (0.2, 0.3)]:
        with mpmath.workdps(60):
            expected = float(mpmath.erf(b) - mpmath.erf(a))
        assert compute(sp.erf2(x, y), a, b) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("order", [0, 1, 2, 3, sp.Rational(1, 2)])
def test_singularity_functions(order):
    expr = sp.SingularityFunction(x, y, order)
    pieces = expr.rewrite(sp.Piecewise)
    for a, b in [(0.5, 1.25), (3.5, 1.25), (1.25, 1.25), (-3.0, -4.5)]:
        assert compute(expr, a, b) == pytest.approx(float(pieces.subs({x: a, y: b})), rel=1e-15)
        if a != b:
            slope = evaluate(derivative(from_sympy(expr), "x"), a, b)[0]
            assert slope == pytest.approx(float(pieces.diff(x).subs({x: a, y: b})), rel=1e-14)


def test_kronecker_delta():
    assert [float(compute(sp.KroneckerDelta(x, y), a, 2.0)) for a in (1.0, 2.0)] == [0, 1]
    assert evaluate(derivative(from_sympy(sp.KroneckerDelta(x, y) * x), "x"), 2.0, 2.0)[0] == 1


# Each is evaluated by SymPy at real numbers, where an imaginary part of 0 has no sign.
PARTS = [
    sp.im(sp.sqrt(-x)), sp.re(sp.sqrt(-x)), sp.im(sp.sqrt(x**2 - 1)), sp.atan2(-sp.im(x), sp.re(x)),
    sp.atan2(-2 * sp.im(x), x), sp.atan2(sp.im(x) * sp.re(x), x), sp.atan2(-sp.sin(sp.im(x)), x),
    sp.atan2(-sp.im(x) - sp.im(y), x), sp.atan2(-(sp.im(x) ** 3), x), sp.atan2(-sp.im(sp.exp(x)), x),
    sp.im((-x) ** sp.Rational(3, 2)), x - sp.im(y), sp.arg(x), sp.re(sp.log(x)), sp.im(sp.log(x)),
    sp.Abs(x + sp.im(y)), sp.im(sp.cos(x) + y), sp.re(sp.tan(x)), sp.im(x * y), sp.re((x + sp.I * y) ** 2),
]  # fmt: skip


@pytest.mark.parametrize("expr", PARTS, ids=str)
def test_real_and_imaginary_parts(expr):
    graph = from_sympy(expr, [x, y])
    for a, b in [(-2.0, 0.5), (2.0, -1.5), (0.5, 3.0), (-0.25, -1.0)]:
        expected = float(sp.re(expr.subs({x: a, y: b}).evalf(30)))
        assert float(evaluate(graph, a, b)[0]) == pytest.approx(expected, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    ("expr", "outside", "inside"),
    [
        (sp.im(sp.asin(x)), -2.0, 0.5), (sp.im(sp.acosh(x)), 0.5, 2.0), (sp.im(x**y), -2.0, 2.0),
        (sp.im(sp.log(sp.asin(x))), 3.0, 0.5), (-sp.im(sp.acos(x)), 2.0, 0.5), (sp.im(sp.atanh(x)), 2.0, 0.5),
    ],
    ids=str,
)  # fmt: skip
def test_an_imaginary_part_is_no_number_where_its_operand_is_not_real(expr, outside, inside):
    graph = from_sympy(expr, [x, y])
    assert math.isnan(evaluate(graph, outside, 0.5)[0])
    assert evaluate(graph, inside, 0.5)[0] == 0
    assert not np.signbit(evaluate(graph, inside, 0.5)[0])


def test_the_argument_of_what_is_not_real_is_no_number():
    assert math.isnan(compute(sp.arg(sp.sqrt(x)), -2.0))
    assert compute(sp.arg(sp.sqrt(x)), 2.0) == 0


def test_an_imaginary_part_leaves_no_trace_in_a_sum():
    nodes = from_sympy(sp.re((x + sp.I * y) ** 2)).nodes
    assert [n.op.name for n in nodes if n.inputs] == ["square", "square", "sub"]


@pytest.mark.parametrize(
    "condition",
    [
        sp.And(x < 1, y > 0, x > -1), sp.Or(x < 0, y < 0), sp.Not(sp.Or(x < 0, y > 1)),
        sp.Xor(x < 0, y < 0, x + y < 0), sp.ITE(x < y, x > 0, y > 0), sp.Implies(x < 0, y < 0),
        sp.Equivalent(x < 0, y < 0, y < 5), sp.Nand(x < 0, y < 0), sp.true, sp.false,
    ],
    ids=str,
)  # fmt: skip
def test_logic(condition):
    graph = from_sympy(condition, [x, y])
    for a, b in [(-0.5, 0.5), (0.5, -0.5), (-0.5, -2.0), (2.0, 3.0)]:
        got = evaluate(graph, a, b)[0]
        assert got.dtype == bool
        assert bool(got) is bool(condition.subs({x: a, y: b}))


EXPRESSIONS = [
    x - y, -x - y, -x - 2, 1 - x, x - 1, -2 * x * y + 3, x / y, -x / y**2, 2 / (3 * x * sp.sqrt(y)),
    x**3 - x**-3, x ** sp.Rational(2, 3), x**y, 2**x, y ** (-x), sp.Pow(sp.E, x, evaluate=False), x**0.5,
    x / sp.exp(y) - sp.exp(-2), sp.Rational(1, 3) * x, sp.Float("0.1", 30) * x, x**2.0,
    sp.Mul(-2, x, -3, evaluate=False), sp.Mul(x, sp.Pow(sp.E, -2, evaluate=False), evaluate=False),
    sp.Add(-x, -3, -y, evaluate=False), sp.Add(2, -x, -1, evaluate=False),
    sp.Max(x, y, x * y, 1), sp.Min(x, y, x * y, 1), sp.log(x, 3), cfunctions.fma(x, y, 2),
    sp.pi * x, sp.E + x, sp.EulerGamma * x, sp.GoldenRatio - x, sp.Catalan / x,
    sp.gamma(sp.Rational(1, 3)) * x, sp.CRootOf(t**5 - t - 1, 0) + x, 1 / (1 + sp.exp(-x)),
    sp.Heaviside(x - y, 1), sp.exp(x) - 1, sp.erf2(x, y),
]  # fmt: skip


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_expression(expr):
    graph = from_sympy(expr, [x, y])
    for a, b in [(0.7, 1.3), (2.0, 2.0), (3.7, 0.11)]:
        assert_close(evaluate(graph, a, b)[0], exact(expr, {x: a, y: b}))


def test_constants_are_the_nearest_doubles():
    for number, nearest in [
        (sp.pi, math.pi), (sp.E, math.e), (sp.Rational(1, 3), 1 / 3), (sp.Float("0.1", 50), 0.1),
        (sp.oo, math.inf), (-sp.oo, -math.inf), (sp.Integer(10) ** 22, 1e22), (sp.Integer(2), 2.0),
    ]:  # fmt: skip
        assert float(compute(number)) == nearest
    assert math.isnan(compute(sp.nan))
    assert compute(sp.Rational(1, 3), dtype="f32") == np.float32(1 / 3)


@pytest.mark.parametrize(
    ("expr", "operations"),
    [
        (x - y, "sub"), (x / y, "div"), (-x - y, "add neg"), (-1 / x, "div"), (-x / 2, "mul"),
        (x - 2 * y, "mul sub"), (y / x**2, "square div"), (1 / sp.sqrt(x), "sqrt div"), (x**2, "square"),
        (sp.sqrt(x), "sqrt"), (-x * y, "mul neg"), (x - 1, "sub"), (-1 - x, "sub"), (x / (2 * y), "mul div"),
        (1 / (1 + sp.exp(-x)), "neg exp add div"),
    ],
    ids=str,
)  # fmt: skip
def test_operations(expr, operations):
    nodes = from_sympy(expr, [x, y]).nodes
    assert " ".join(n.op.name for n in nodes if n.inputs) == operations


def test_shared_subexpressions_are_shared():
    common = sp.sin(x * y) + 1
    expr = common
    for _ in range(30):
        expr = sp.Mul(expr, sp.Add(expr, common, evaluate=False), evaluate=False)
    graph = from_sympy([expr, sp.exp(common)], [x, y])
    assert len([n for n in graph.nodes if n.inputs]) == 3 + 2 * 30 + 1


def test_equal_terms_of_either_sign_are_shared():
    graph = from_sympy([1 - x * y, 1 + x * y, sp.exp(-x * y)], [x, y])
    assert [n.op.name for n in graph.nodes].count("mul") == 1


def test_piecewise():
    expr = sp.Piecewise((sp.log(x), x > 1), (x**2, x > 0), (sp.Integer(3), True))
    assert [float(compute(expr, point)) for point in (2.0, 0.5, -1.0)] == [math.log(2), 0.25, 3]
    assert math.isnan(compute(sp.Piecewise((x, x > 0)), -1.0))
    assert compute(sp.Piecewise((1 / x, sp.Ne(x, 0)), (0, True)), 0.0) == 0


def test_real_cube_root_of_negative_numbers():
    assert compute(cfunctions.Cbrt(x), -27.0) == pytest.approx(-3, rel=1e-15)
    assert math.isnan(compute(sp.cbrt(x), -27.0))


def test_inputs():
    a, b = sp.symbols("a b")
    assert from_sympy(b - a).input_names == ("a", "b")
    assert from_sympy(b - a, [b, a]).input_names == ("b", "a")
    assert from_sympy(b, b).input_names == ("b",)
    assert from_sympy(b, [a, b]).input_names == ("a", "b")
    graph = from_sympy(b - a, {"q": [b, a], "m": x}, dtype="f32", name="g")
    assert [f"{n.attrs['name']}: {n.type}" for n in graph.inputs] == ["q: f32[2]", "m: f32[]"]
    assert graph.name == "g"
    assert evaluate(graph, [5, 3], 0)[0] == 2
    assert graph.outputs[0].dtype == "f32"
    assert from_sympy(sp.Integer(2)).input_names == ()


@pytest.mark.parametrize(
    "inputs",
    [
        ["b", "a"], "b a", "b, a", ("b", sp.Symbol("a")), sp.Matrix(sp.symbols("b a")),
        np.array(sp.symbols("b a")),
    ],
    ids=str,
)  # fmt: skip
def test_inputs_as_people_write_them(inputs):
    a, b = sp.symbols("a b")
    graph = from_sympy(b - a, inputs)
    assert graph.input_names == ("b", "a")
    assert evaluate(graph, 5, 3)[0] == 2


def test_names_among_inputs_are_those_of_the_symbols():
    positive = sp.Symbol("p", positive=True)
    assert compute(sp.log(positive) + x, 1.0, 2.0, inputs=["p", "x"]) == 2
    assert from_sympy(x, ["x", "unused"]).input_names == ("x", "unused")
    assert compute(x - y, [5.0, 3.0], inputs={"q": ["x", "y"]}) == 2
    with pytest.raises(DiffcError, match="two different symbols are named 'x'"):
        from_sympy(x + sp.Symbol("x", real=True), ["x"])


def test_a_column_is_a_vector():
    graph = from_sympy(x - y, {"q": sp.Matrix([x, y]), "row": sp.Matrix([[z, t]])})
    assert [str(n.type) for n in graph.inputs] == ["f64[2]", "f64[1, 2]"]
    assert evaluate(graph, [5.0, 3.0], [[0, 0]])[0] == 2


def test_symbols_and_matrices_are_sorted_by_name():
    A, Z = sp.MatrixSymbol("A", 5, 5), sp.MatrixSymbol("Z", 2, 2)
    assert from_sympy([Z * x, A, sp.Symbol("B") + y]).input_names == ("A", "B", "Z", "x", "y")


def test_matrices_as_inputs():
    A, B = sp.MatrixSymbol("A", 2, 3), sp.MatrixSymbol("B", 3, 1)
    graph = from_sympy(A * B, [A, B])
    a, b = np.arange(6.0).reshape(2, 3), np.array([[1.0], [2.0], [4.0]])
    np.testing.assert_array_equal(evaluate(graph, a, b)[0], a @ b)
    assert from_sympy(A[0, 1]).input_names == ("A",)
    M = sp.Matrix([[x, y], [y**2, z]])
    assert str(from_sympy(x + z, {"M": sp.Matrix([[x, y], [t, z]])}).inputs[0].type) == "f64[2, 2]"
    with pytest.raises(DiffcError, match=r"cannot be written out"):
        from_sympy(sp.MatrixSymbol("N", sp.Symbol("n"), 2))
    with pytest.raises(DiffcError, match=r"y is given twice in inputs"):
        from_sympy(x, {"M": M, "y": y})


def test_indexed_elements_as_inputs():
    u = sp.IndexedBase("u")
    assert compute(u[0] - u[1], [5.0, 3.0], inputs={"u": [u[0], u[1]]}) == 2


def test_outputs():
    graph = from_sympy([x, [x + y, (y,)], sp.Matrix([[x, y, 1]])], [x, y])
    assert graph.tree == (0, (1, (2,)), 3)
    assert from_sympy([x]).tree == (0,)
    np.testing.assert_array_equal(evaluate(graph, 2, 3)[3], [[2, 3, 1]])
    column = compute(sp.ImmutableSparseMatrix([x, 0, y]), 2, 3)
    np.testing.assert_array_equal(column, [[2], [0], [3]])
    assert compute(sp.Matrix(0, 3, [])).shape == (0, 3)
    cube = compute(sp.Array(range(24), (2, 3, 4)) * x, 2)
    np.testing.assert_array_equal(cube, 2.0 * np.arange(24).reshape(2, 3, 4))
    np.testing.assert_array_equal(compute(np.array([x, y]), 2, 3), [2, 3])
    assert [float(v) for v in evaluate(from_sympy([1, 2.5, np.float64(3), True]))] == [1, 2.5, 3, 1]


def test_names_are_labels():
    hostile = sp.Symbol("x; import os")
    assert from_sympy(hostile + 1).input_names == ("x; import os",)
    assert compute(hostile + sp.Symbol("λ_1^*"), 1, 2) == 3
    assert compute(sp.Dummy("x") * sp.Symbol("lambda"), 2, 3) == 6


def test_double_pendulum_with_dynamicsymbols():
    q1, q2 = dynamicsymbols("q1 q2")
    v1, v2 = dynamicsymbols("q1 q2", 1)
    clock = dynamicsymbols._t
    x1, y1 = sp.sin(q1), -sp.cos(q1)
    x2, y2 = x1 + sp.sin(q2), y1 - sp.cos(q2)
    kinetic = sum(sp.diff(each, clock) ** 2 for each in (x1, y1, x2, y2)) / 2
    lagrangian = kinetic - 9.81 * (y1 + y2)
    graph = from_sympy(lagrangian, {"q": [q1, q2], "v": [v1, v2]})
    a, b, va, vb = 0.3, -0.8, 1.5, 0.25
    expected = va**2 + vb**2 / 2 + va * vb * math.cos(a - b) + 9.81 * (2 * math.cos(a) + math.cos(b))
    assert evaluate(graph, [a, b], [va, vb])[0] == pytest.approx(expected, rel=1e-14)
    assert from_sympy(lagrangian, [q1, q2, v1, v2]).input_names[2] == "Derivative(q1(t), t)"
    with pytest.raises(DiffcError, match=r"the function q1 is undefined; list q1\(t\) itself in inputs"):
        from_sympy(sp.sin(q1))


@pytest.mark.parametrize("step", ["sin", "pow", "add", "mul", "where"])
def test_depth_does_not_matter(step):
    steps = {
        "sin": lambda e: sp.sin(e, evaluate=False),
        "pow": lambda e: sp.Pow(e, y, evaluate=False),
        "add": lambda e: sp.Add(1, e, evaluate=False),
        "mul": lambda e: sp.Mul(y, e, evaluate=False),
        "where": lambda e: sp.UnevaluatedExpr(e),
    }
    expr = x
    for _ in range(5000):
        expr = steps[step](expr)
    assert compute(expr, 0.0, 1.0, inputs=[x, y]) == (5000 if step == "add" else 0)


def test_wide_sums_and_products():
    many = sp.symbols("s:3000")
    assert compute(sp.Add(*many), np.ones(3000), inputs={"s": many}) == 3000
    assert compute(sp.Mul(*many), np.ones(3000), inputs={"s": many}) == 1


REFUSED = [
    (sp.sin(sp.Si(x)) + 1, r"Si\(x\) in sin\(Si\(x\)\) \+ 1: Si is not supported; rewrite it"),
    (sp.polygamma(x, 2), r"polygamma\(n, x\): n is an integer that is known"),
    (sp.polygamma(sp.Rational(1, 2), x), r"polygamma\(n, x\): n is an integer that is known"),
    (sp.Derivative(sp.gamma(x), x), r"Derivative is not supported; evaluate it first, with \.doit\(\)"),
    (sp.Integral(sp.sin(t) / t, (t, 0, x)), r"Integral is not supported; .*doit"),
    (sp.Sum(t, (t, 1, x)), r"Sum is not supported; .*doit"),
    (sp.Function("phi")(x), r"the function phi is undefined; list phi\(x\) itself in inputs"),
    (sp.Function("sin")(x), r"the function sin is undefined"),
    (x + sp.I, r"I in x \+ I: complex numbers are not supported"),
    (sp.zoo, r"zoo: complex numbers are not supported"),
    (sp.log(sp.I * x), r"complex numbers are not supported$"),
    (x * sp.Pow(-8, sp.Rational(1, 3), evaluate=False), r"complex numbers are not supported"),
    (sp.catalan(x) + 1, r"catalan is not supported; rewrite it, with \.rewrite\(gamma\)"),
    (sp.fibonacci(x), r"rewrite it, with \.rewrite\(sqrt\)"),
    (sp.jn(0, x), r"expand it, with \.expand\(func=True\)"),
    (sp.LeviCivita(x, y, 1), r"evaluate it first, with \.doit\(\)"),
    (sp.besselj(0, x), r"rewrite it by elementary functions, or list it in inputs"),
    (sp.SingularityFunction(x, 1, -1), r"a distribution"),
    (sp.Derivative(sp.sign(x), x), r"leave it out, and take dc\.derivative of the Function"),
    (sp.Abs(x).diff(x), r"declare its symbols real, with symbols\('x', real=True\)"),
    ((sp.exp(sp.I * x) + sp.exp(-sp.I * x)) / 2, r"if its value is real, rewrite it, with \.rewrite\(cos\)"),
    ((x - sp.I * y) * (x + sp.I * y), r"if its value is real, expand it, with \.expand"),
    (sp.Abs(x + sp.I * y), r"declare its symbols real, with symbols\('x y', real=True\)"),
    (sp.Trace(sp.MatrixSymbol("N", t, t)), r"use numbers, as with \.subs\(\{t: 3\}\)"),
    (sp.IndexedBase("u")[0], r"Indexed is not supported; list the elements"),
    (sp.Lambda(x, x + 1), r"Lambda is not supported; pass its \.expr"),
    (sp.Lambda(x, x), r"IdentityFunction is not supported; pass its \.expr"),
    (sp.DiracDelta(x), r"a distribution has no value"),
    (x + sp.O(x**2), r"Order is not supported; drop it"),
    (sp.Integer(10) ** 400 * x, r"is too large for f64"),
    (sp.Contains(x, sp.Interval(0, 1), evaluate=False), r"Contains is not supported; write the set"),
    ("x + 1", r"'x \+ 1' is text, not a SymPy expression; diffc\.parse"),
    (sp.Interval(0, 1), r"type Interval is no SymPy expression"),
    (sp.Poly(x), r"Poly is no SymPy expression; pass \.as_expr"),
    (2j, r"complex numbers are not supported"),
    ([], r"no expression to compute"),
    (x + sp.Symbol("x", real=True), r"two different symbols are named 'x': Symbol\('x'.*real=True"),
    (sp.Symbol("w", imaginary=True), r"complex numbers are not supported"),
    (sp.Symbol("w", commutative=False), r"does not commute"),
]


@pytest.mark.parametrize(("expr", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused_expressions(expr, message):
    with pytest.raises(DiffcError, match=message):
        from_sympy(expr)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([x], r"the symbols y, z are not among the inputs \(x\)"),
        ([x, y], r"the symbol z is not among the inputs \(x, y\)"),
        ([sp.Symbol("x", real=True), y, z], r"two different symbols are named 'x'"),
        ([x, sp.Symbol("x", real=True), y, z], r"two different symbols are named 'x'"),
        ([x, y, z, x], r"the input x is listed twice"),
        ({"a": x, "b": [x, y], "z": z}, r"x is given twice in inputs, the second time as 'b'"),
        ([[x, y], z], r"a vector among the inputs needs a name"),
        ({"x": "f64", "y": y, "z": z}, r"'f64' is text"),
        ({x: x, y: y, z: z}, r"the keys of inputs are names, such as 'x'"),
        pytest.param({x, y, z}, r"inputs is a list of symbols or a dict", id="a set"),
        ({"x": sp.Integer(2)}, r"the input 'x' stands for 2, which is no symbol"),
        ([sp.pi, x], r"stands for pi, which is no symbol"),
    ],
    ids=str,
)
def test_refused_inputs(inputs, message):
    with pytest.raises(DiffcError, match=message):
        from_sympy(x + y * z, inputs)


def test_other_refusals():
    with pytest.raises(DiffcError, match="use f64 or f32"):
        from_sympy(x, dtype="i64")
    with pytest.raises(DiffcError, match="too large for f32"):
        from_sympy(x * 1e39, dtype="f32")
    nested = x
    for _ in range(40):
        nested = [nested]
    with pytest.raises(DiffcError, match="nested more than 32 levels"):
        from_sympy(nested)
    deep = x
    for _ in range(3000):
        deep = sp.sin(deep, evaluate=False)
    with pytest.raises(DiffcError, match=r"Si\(\.\.\.\) in sin\(\.\.\.\): Si is not supported"):
        from_sympy(sp.sin(sp.Si(deep, evaluate=False), evaluate=False))


class Homemade(sp.Function):
    """A user's own function, with a name that SymPy does not have."""


class exp(sp.Function):  # noqa: N801
    """A user's own function that SymPy has another one of."""

    nargs = 1


@pytest.mark.parametrize("function", [Homemade, exp])
def test_functions_that_others_defined_are_refused(function):
    with pytest.raises(DiffcError, match=f"{function.__name__} is not supported"):
        from_sympy(function(x))


@pytest.mark.parametrize(
    "way",
    [
        lambda: sp.catalan(x).rewrite(sp.gamma), lambda: sp.fibonacci(x).rewrite(sp.sqrt),
        lambda: ((sp.exp(sp.I * x) + sp.exp(-sp.I * x)) / 2).rewrite(sp.cos),
        lambda: sp.Abs(sp.Symbol("x", real=True)).diff(), lambda: sp.jn(0, x).expand(func=True),
        lambda: sp.Trace(sp.MatrixSymbol("N", t, t)).subs({t: 3}),
    ],
)  # fmt: skip
def test_advice_works(way):
    from_sympy(way())
