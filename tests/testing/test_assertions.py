"""`assert_derivatives` in users' tests, and the pytest plugin."""

import subprocess
import sys

import numpy as np
import pytest

import diffc
from diffc.errors import DiffcError
from diffc.testing.assertions import assert_derivatives

LECTURE = "((a + b) * c)**2"


def gradient(a, b, c):
    return 2 * (a + b) * c * c, 2 * (a + b) * c * c, 2 * (a + b) ** 2 * c


def hessian(a, b, c):
    s = a + b
    return [
        [2 * c * c, 2 * c * c, 4 * s * c],
        [2 * c * c, 2 * c * c, 4 * s * c],
        [4 * s * c, 4 * s * c, 2 * s * s],
    ]


def test_a_right_derivative():
    certificate = assert_derivatives(LECTURE, at={"a": 1, "b": 2, "c": 2}, gradient=gradient, hessian=hessian)
    assert certificate.ok
    assert assert_derivatives(diffc.parse("x*exp(y)"), at=[[1.0, 2.0], (3.0, 0.5)]).ok
    assert assert_derivatives(diffc.parse("sin(x)").graph, compiled=False).ok


def test_a_wrong_gradient_of_the_users_own():
    with pytest.raises(AssertionError) as caught:
        assert_derivatives(LECTURE, at=[1, 2, 2], gradient=lambda a, b, c: (24, 12, 36), compiled=False)
    assert str(caught.value).splitlines() == [
        "the derivatives of f do not hold:",
        "your gradient by b at a=1, b=2, c=2: is 12.0, expected 24.0: off by 12, 0.5 of it",
    ]


def test_a_wrong_hessian_at_drawn_points():
    def transposed(a, b, c):
        return [[0.0, *row[1:]] for row in hessian(a, b, c)]

    with pytest.raises(AssertionError, match="your hessian by a, a at a="):
        assert_derivatives(LECTURE, hessian=transposed, compiled=False)


def test_a_gradient_of_one_array():
    f = diffc.parse("sum(x**2)", inputs={"x": "f64[3]"})
    assert_derivatives(f, gradient=lambda x: 2 * x, at=[[[1.0, 2.0, 3.0]]])
    with pytest.raises(AssertionError, match=r"by x at x=.*: \[1\] is 3.0, expected 4.0"):
        assert_derivatives(f, gradient=lambda x: 2 * x - [0, 1, 0], at=[[[1.0, 2.0, 3.0]]])


def test_points_must_fit():
    with pytest.raises(DiffcError, match="missing or unknown: c"):
        assert_derivatives(LECTURE, at={"a": 1, "b": 2})
    with pytest.raises(DiffcError, match="2 values"):
        assert_derivatives(LECTURE, at=[1, 2])
    with pytest.raises(DiffcError, match="a plain function with its types, a Function, a Graph or a formula"):
        assert_derivatives(3)


def energy(x, k):
    return 0.5 * k * np.sum(x**2) + np.sum(np.cos(x))


def by_x(x, k):
    return k * x - np.sin(x)


@pytest.mark.parametrize(
    "types",
    [(diffc.f64(4), diffc.f64()), ("f64[4]", "f64"), (np.ones(4), 2.0), (diffc.f64("N"), 1.0)],
    ids=["types", "text", "examples", "symbolic"],
)
def test_a_plain_function_with_its_types(types):
    assert assert_derivatives(energy, *types, wrt=0, order=1, gradient=by_x).ok
    with pytest.raises(AssertionError, match=r"your gradient by x at x=.*off by"):
        assert_derivatives(energy, *types, wrt=0, order=1, gradient=lambda x, k: by_x(x, k) + 1e-6 * x)


def test_a_plain_function_at_points_with_its_hessian():
    points = [([1.0, 2.0], 3.0), ([0.5, -1.0], 1.0)]
    assert_derivatives(
        energy,
        *(diffc.f64(2), diffc.f64()),
        wrt="x",
        at=points,
        gradient=by_x,
        hessian=lambda x, k: np.diag(k - np.cos(x)),
    )
    with pytest.raises(AssertionError, match=r"your hessian by x, x at x=.*\[0, 0\]"):
        assert_derivatives(
            energy, diffc.f64(2), diffc.f64(), wrt="x", at=points, hessian=lambda x, k: np.diag(k + np.cos(x))
        )


def test_a_plain_function_that_captures_arrays_or_has_several_kinds_of_inputs():
    weights = np.arange(20.0)
    assert_derivatives(lambda x: np.sum(weights * x**2), np.zeros(20), gradient=lambda x: 2 * weights * x)
    assert_derivatives(lambda x, n: np.sum(x**3) * n, diffc.f64(3), diffc.i64(), order=1)
    assert_derivatives(diffc.grad(lambda x: np.sum(x**3)), np.zeros(3), order=1)


def test_types_where_they_are_needed_and_nowhere_else():
    with pytest.raises(DiffcError, match="given with the types of its parameters"):
        assert_derivatives(energy)
    for given in (LECTURE, diffc.parse(LECTURE), diffc.parse(LECTURE).graph):
        with pytest.raises(DiffcError, match="types are given for a plain function alone"):
            assert_derivatives(given, diffc.f64())
    with pytest.raises(TypeError):
        assert_derivatives(energy, diffc.f64(4), diffc.f64(), by_x, rtol_=1)
    with pytest.raises(DiffcError):
        assert_derivatives(energy, diffc.f64(4))


def test_what_is_undecided_does_not_pass(monkeypatch):
    looks = iter([0.0])
    monkeypatch.setattr("diffc.proof.budget.monotonic", lambda: next(looks, 1e9))
    with pytest.raises(AssertionError, match="were not all decided:\ncertificate of f") as caught:
        assert_derivatives("x*y", budget_s=1, compiled=False)
    assert "the budget of 1 s was spent" in str(caught.value)


USERS_TEST = """
def test_right(assert_derivatives):
    assert_derivatives("x**2 * y", order=1, compiled=False)

def test_wrong(assert_derivatives):
    assert_derivatives("x**2 * y", order=1, at=[3.0, 2.0], gradient=lambda x, y: (12.0, 10.0), compiled=False)
"""


def test_the_plugin_in_a_users_own_tests(tmp_path):
    (tmp_path / "test_mine.py").write_text(USERS_TEST)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-q",
        "-p",
        "diffc.testing.pytest_plugin",
    ]
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "the derivatives of f do not hold:" in done.stdout
    assert "your gradient by y at x=3., y=2.: is 10.0, expected 9.0: off by 1, 0.111 of it" in done.stdout
    assert "diffc/testing/assertions.py" not in done.stdout


def environment():
    import os
    from pathlib import Path

    root = str(Path(diffc.__file__).parent.parent)
    return {**os.environ, "PYTHONPATH": root, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def test_the_plugin_loads_nothing_heavy():
    code = (
        "import sys, diffc.testing.pytest_plugin\n"
        "print([m for m in ('sympy', 'mpmath', 'numba', 'llvmlite', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_importing_the_package_leaves_the_public_function_callable():
    code = "import diffc.testing.pytest_plugin, diffc\nassert callable(diffc.verify)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_own_derivatives_in_f32_have_seven_digits():
    def f(x):
        return np.sum(np.exp(0.3 * x) * x)

    def own(x):
        return np.exp(0.3 * x) * (1 + 0.3 * x)

    diffc.testing.assert_derivatives(f, diffc.f32(3), order=1, gradient=own)
    with pytest.raises(AssertionError, match="your gradient"):
        diffc.testing.assert_derivatives(f, diffc.f32(3), order=1, gradient=lambda x: 1.0001 * own(x))
