"""Matrix expressions of SymPy stay matrices: values against NumPy, gradients against differences."""

import numpy as np
import pytest
import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

import diffc as dc
from diffc.errors import DiffcError
from diffc.ops import evaluate

RNG = np.random.default_rng(4)
inverse, power = np.linalg.inv, np.linalg.matrix_power
x, y = sp.symbols("x y")


def symbols(n):
    return sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("v", n, 1)


def last(n):
    return max(n - 1, 1)


CASES = {
    "inverse": (lambda A, B, v: A.I, lambda a, b, v, x: inverse(a)),
    "solve": (lambda A, B, v: A.I * B, lambda a, b, v, x: np.linalg.solve(a, b)),
    "solve from the right": (lambda A, B, v: B * A.I, lambda a, b, v, x: b @ inverse(a)),
    "solve for a vector": (lambda A, B, v: A.I * v, lambda a, b, v, x: np.linalg.solve(a, v)),
    "a row and an inverse": (lambda A, B, v: v.T * A.I, lambda a, b, v, x: v.T @ inverse(a)),
    "normal equations": (lambda A, B, v: (A * A.T).I * B, lambda a, b, v, x: inverse(a @ a.T) @ b),
    "two inverses": (lambda A, B, v: A.I * B.I, lambda a, b, v, x: inverse(a) @ inverse(b)),
    "similar": (lambda A, B, v: A * B * A.I * v, lambda a, b, v, x: a @ b @ inverse(a) @ v),
    "of a transposed inverse": (lambda A, B, v: A.T.I.T * B, lambda a, b, v, x: inverse(a) @ b),
    "powers": (lambda A, B, v: A**5, lambda a, b, v, x: power(a, 5)),
    "negative powers": (lambda A, B, v: A**-3 * B, lambda a, b, v, x: power(inverse(a), 3) @ b),
    "high negative powers": (lambda A, B, v: A**-20, lambda a, b, v, x: power(inverse(a), 20)),
    "power 0": (lambda A, B, v: sp.MatPow(A, 0), lambda a, b, v, x: np.eye(len(a))),
    "sum": (lambda A, B, v: A + 2 * B - A.T - x * B, lambda a, b, v, x: a + 2 * b - a.T - x * b),
    "difference": (lambda A, B, v: -A - B, lambda a, b, v, x: -a - b),
    "a negative product": (
        lambda A, B, v: sp.MatAdd(A, sp.MatMul(-1, x, B, evaluate=False)),
        lambda a, b, v, x: a - x * b,
    ),
    "scalars": (lambda A, B, v: 2 * A.I * 3 * x * B, lambda a, b, v, x: 6 * x * inverse(a) @ b),
    "identity": (lambda A, B, v: A + x * sp.Identity(A.rows), lambda a, b, v, x: a + x * np.eye(len(a))),
    "zeros": (lambda A, B, v: sp.MatAdd(sp.ZeroMatrix(*A.shape), A), lambda a, b, v, x: a),
    "ones": (lambda A, B, v: sp.OneMatrix(*A.shape) * A, lambda a, b, v, x: np.ones(a.shape) @ a),
    "trace": (lambda A, B, v: sp.Trace(A * B) * x, lambda a, b, v, x: np.trace(a @ b) * x),
    "determinant": (lambda A, B, v: sp.sin(sp.Determinant(A)), lambda a, b, v, x: np.sin(np.linalg.det(a))),
    "of a quotient": (
        lambda A, B, v: sp.Determinant(A.I * B),
        lambda a, b, v, x: np.linalg.det(b) / np.linalg.det(a),
    ),
    "a trace as a factor": (lambda A, B, v: sp.Trace(A) * A, lambda a, b, v, x: np.trace(a) * a),
    "quadratic form": (lambda A, B, v: v.T * A.I * v, lambda a, b, v, x: v.T @ inverse(a) @ v),
    "elementwise product": (lambda A, B, v: sp.HadamardProduct(A, B, A), lambda a, b, v, x: a * b * a),
    "elementwise power": (lambda A, B, v: sp.HadamardPower(A, 3), lambda a, b, v, x: a**3),
    "kronecker": (lambda A, B, v: sp.KroneckerProduct(A, B), lambda a, b, v, x: np.kron(a, b)),
    "dot": (lambda A, B, v: sp.DotProduct(A[:, 0], v), lambda a, b, v, x: a[:, 0] @ v[:, 0]),
    "adjoint": (lambda A, B, v: A.adjoint() * B.conjugate(), lambda a, b, v, x: a.T @ b),
    "elements": (lambda A, B, v: A[0, 0] * x + A[A.rows - 1, 0], lambda a, b, v, x: a[0, 0] * x + a[-1, 0]),
    "an element of a product": (
        lambda A, B, v: MatrixElement(A * B, 0, A.rows - 1),
        lambda a, b, v, x: (a @ b)[0, -1],
    ),
    "slice": (lambda A, B, v: A[: last(A.rows), :1], lambda a, b, v, x: a[: last(len(a)), :1]),
    "blocks": (lambda A, B, v: sp.BlockMatrix([[A, B, v]]), lambda a, b, v, x: np.block([a, b, v])),
    "inverse of blocks": (
        lambda A, B, v: sp.Inverse(sp.BlockMatrix([[A, B], [B, -A]])),
        lambda a, b, v, x: inverse(np.block([[a, b], [b, -a]])),
    ),
    "blocks on the diagonal": (
        lambda A, B, v: sp.BlockDiagMatrix(A, B),
        lambda a, b, v, x: np.block([[a, 0 * a], [0 * a, b]]),
    ),
    "a vector on the diagonal": (lambda A, B, v: sp.DiagMatrix(v), lambda a, b, v, x: np.diag(v[:, 0])),
    "the diagonal alone": (lambda A, B, v: sp.DiagonalMatrix(A), lambda a, b, v, x: np.diag(np.diag(a))),
    "an explicit matrix": (
        lambda A, B, v: sp.ImmutableMatrix(A.rows, A.rows, lambda i, j: i + j * x) * A,
        lambda a, b, v, x: np.fromfunction(lambda i, j: i + j * x, a.shape) @ a,
    ),
}


def values(n):
    a, b = (RNG.normal(size=(n, n)) + 3 * np.eye(n) for _ in range(2))
    return {"A": a, "B": b, "v": RNG.normal(size=(n, 1)), "x": 0.7}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    write, numpy = CASES[name]
    for n in range(1, 9):
        given = values(n)
        graph = dc.from_sympy(write(*symbols(n))).graph
        (found,) = evaluate(graph, *[given[each] for each in graph.input_names])
        wanted = numpy(*given.values())
        assert found.shape == np.shape(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    """Against central differences of NumPy's function."""
    write, numpy = CASES[name]
    given = values(3)
    f = dc.from_sympy(write(*symbols(3)))
    if "A" not in f.inputs:
        return
    weights = RNG.normal(size=np.shape(numpy(*given.values())))
    jacobian = dc.jacobian(f, "A").graph
    (found,) = evaluate(jacobian, *[given[each] for each in f.inputs])
    found = np.tensordot(weights, found, weights.ndim)
    for place in np.ndindex(3, 3):
        sides = []
        for step in (1e-5, -1e-5):
            moved = given["A"].copy()
            moved[place] += step
            sides.append(np.sum(weights * numpy(*{**given, "A": moved}.values())))
        assert found[place] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-5, abs=1e-6)


def test_an_inverse_beside_a_factor_is_a_system():
    A, B, _ = symbols(4)
    text = str(dc.from_sympy(A.I * B))
    assert text.count("= solve ") == 1
    assert "iota" not in text


def test_compiled_and_of_any_size():
    for n in (4, 12):
        A, B, _ = symbols(n)
        given = values(n)
        f = dc.from_sympy([(A * A.T).I * B, A.I], [A, B])
        a, b = given["A"], given["B"]
        solved, inverted = f(a, b)
        np.testing.assert_allclose(solved, inverse(a @ a.T) @ b, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(inverted, inverse(a), rtol=1e-9, atol=1e-10)


def test_inputs():
    A, B, v = symbols(2)
    assert {k: str(t) for k, t in dc.from_sympy(A * v).inputs.items()} == {"A": "f64[2, 2]", "v": "f64[2, 1]"}
    assert str(dc.from_sympy(A * B, {"q": A, "B": B}, dtype="f32").inputs["q"]) == "f32[2, 2]"
    f = dc.from_sympy(A[0, 1] + A[1, 0], {"a": sp.Matrix(A)})
    assert f(np.array([[0.0, 1], [2, 0]])) == 3


n = sp.Symbol("n")
REFUSED = [
    (lambda A, B: sp.MatPow(A, sp.Rational(1, 2)), "no whole number"),
    (lambda A, B: A**x, "no whole number"),
    (lambda A, B: sp.exp(A), r"exp of a matrix is not supported; .* A\.applyfunc\(exp\)\.as_explicit\(\)"),
    (lambda A, B: A.applyfunc(sp.sin), "ElementwiseApplyFunction is not supported"),
    (lambda A, B: sp.MatrixSymbol("N", n, 2), "cannot be written out"),
    (lambda A, B: A[n, 0], "an element is at numbers"),
    (lambda A, B: sp.Determinant(A).diff(A), "ArrayDerivative is not supported"),
    (lambda A, B: sp.FunctionMatrix(4, 4, sp.Lambda((x, y), x + y)) * A, "FunctionMatrix is not supported"),
    (lambda A, B: sp.Permanent(A), "Permanent is not supported"),
]


@pytest.mark.parametrize(("write", "why"), REFUSED)
def test_what_is_not_supported_is_refused_by_name(write, why):
    A, B, _ = symbols(4)
    with pytest.raises(DiffcError, match=why):
        dc.from_sympy(write(A, B))


def test_advice_about_functions_of_matrices_works():
    A, _, _ = symbols(4)
    a = np.random.default_rng(3).normal(size=(4, 4))
    np.testing.assert_allclose(
        dc.from_sympy(A.applyfunc(sp.exp).as_explicit(), [A])(a), np.exp(a), rtol=1e-14
    )


@pytest.mark.parametrize("exponent", [sp.Rational(1, 2), 3, -2, -sp.Rational(3, 2)])
def test_a_power_of_a_single_number(exponent):
    v = sp.MatrixSymbol("v", 3, 1)
    f = dc.from_sympy(sp.MatPow(v.T * v, exponent), [v])
    x = np.array([[1.0], [2.0], [2.5]])
    np.testing.assert_allclose(f(x), (x.T @ x) ** float(exponent), rtol=1e-14)


def test_inputs_that_clash_are_refused():
    A, B, _ = symbols(4)
    with pytest.raises(DiffcError, match="symbol B is not among the inputs"):
        dc.from_sympy(A * B, [A])
    with pytest.raises(DiffcError, match="given twice"):
        dc.from_sympy(A[0, 0], {"A": A, "e": A[0, 0]})
    with pytest.raises(DiffcError, match="no symbol of a matrix"):
        dc.from_sympy(A * B, {"m": A * B})
