"""The certificate measures the very kernels that users' calls run, captured arrays and all."""

import numpy as np
import pytest
import sympy

import diffc as dc
from diffc import compiler, runtime
from diffc.proof.kernels import free

SMALL, LARGE = np.array([0.3, -0.7, 1.1]), np.linspace(-0.9, 1.3, 40)
TABLE, PLACES = np.linspace(0.2, 1.9, 60).reshape(6, 10), np.arange(40) % 3


def weighted(w):
    return dc.trace(lambda x: np.sum(np.tanh(w * x) ** 2), dc.f64(w.size))


def gathered():
    return dc.trace(lambda x: np.sum(x[PLACES] * LARGE) + 0.1 * x[0] ** 3, dc.f64(3))


def mixed():
    return dc.trace(lambda x: np.sum(np.exp(-TABLE * x.reshape(6, 10))), dc.f64(60))


FUNCTIONS = {
    "a small captured array": lambda: weighted(SMALL),
    "a large captured array": lambda: weighted(LARGE),
    "captured indices": gathered,
    "a captured table beside a reshape": mixed,
    "a formula": lambda: dc.parse("0.1*sin(0.3*x)*exp(-y**2/3)"),
    "a formula of vectors": lambda: dc.parse("sum(exp(-0.3*x**2))", {"x": "f64[N]"}),
    "a SymPy expression": lambda: dc.from_sympy(sympy.sympify("x**3/7 + sin(pi*x*y)")),
}


@pytest.fixture
def keys(monkeypatch, tmp_path):
    """Return the list that every cache key goes to as it is asked for."""
    monkeypatch.setenv("DIFFC_CACHE_DIR", str(tmp_path))
    found = []
    key_of = runtime.key_of

    def kept(*arguments):
        found.append(key_of(*arguments))
        return found[-1]

    monkeypatch.setattr(runtime, "key_of", kept)
    return found


def arguments_of(f):
    rng = np.random.default_rng(0)
    return [rng.uniform(0.2, 1, [e if isinstance(e, int) else 4 for e in t.shape]) for t in f.inputs.values()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_keys_are_those_of_calls(keys, name):
    f = FUNCTIONS[name]()
    wrt = list(f.inputs) if len(f.inputs) > 1 else 0
    for each in (f, dc.grad(f, wrt), dc.hessian(f, wrt)):
        each(*arguments_of(f))
    called = set(keys)
    assert len(called) == 3
    keys.clear()
    certificate = dc.verify(FUNCTIONS[name](), order=2)
    assert certificate.ok, certificate
    assert set(keys) == called
    keys.clear()
    dc.testing.assert_derivatives(FUNCTIONS[name](), order=2)
    assert set(keys) == called


def test_the_inputs_are_named_as_the_user_names_them(keys):
    for wrt in ("y", ["y"], 0):
        f = dc.parse("0.1*sin(0.3*x)*exp(-y**2/3)")
        keys.clear()
        for each in (f, dc.grad(f, wrt)):
            each(0.5, 0.25)
        called = set(keys)
        keys.clear()
        assert dc.verify(dc.parse("0.1*sin(0.3*x)*exp(-y**2/3)"), order=1, wrt=wrt).ok
        assert set(keys) == called


def test_a_derivative_has_a_certificate_of_its_own_kernel(keys):
    g = dc.grad(dc.parse("0.1*sin(0.3*x)"))
    g(0.5)
    dc.grad(g)(0.5)
    called = set(keys)
    keys.clear()
    assert dc.verify(dc.grad(dc.parse("0.1*sin(0.3*x)")), order=1).ok
    assert set(keys) == called


def test_the_mode_is_the_one_that_is_asked_for(keys):
    f = dc.parse("0.1*sin(0.3*x)")
    for each in (f, dc.grad(f)):
        dc.compile(each, math="fast")
    called = set(keys)
    keys.clear()
    assert dc.verify(f, order=1, math="fast").ok
    assert set(keys) == called


MODEL = """
[model]
name = "wave"
[inputs]
x = "f64"
t = "f64"
[outputs]
u = "0.8*sin(2*pi*(x/3 - 0.4*t))"
[derive]
gradient = ["x"]
hessian = ["x", "t"]
partials = [["x", "t"]]
"""


def test_a_model_is_measured_by_its_own_kernels(keys, tmp_path):
    path = tmp_path / "wave.toml"
    path.write_text(MODEL)
    model = dc.load_model(path)
    for name in model.named():
        model[name](0.25, 0.5)
    called = set(keys)
    keys.clear()
    certificate = dc.verify(dc.load_model(path))
    assert certificate.ok, certificate
    assert set(keys) == called
    kinds = {each.kind for each in certificate.checks}
    assert kinds >= {"kernel, u", "kernel, gradient", "kernel, hessian", "kernel, partial_x_t"}


def test_a_kernel_that_returns_garbage_is_refuted(monkeypatch):
    """What a call returns is what counts: here the kernel of a captured array's gradient is off."""
    kernel = compiler.Compilation.kernel

    def broken(self):
        made = kernel(self)
        if "grad" not in made.name:
            return made
        return lambda *arguments: np.asarray(made(*arguments)) * (1 + 1e-12)

    monkeypatch.setattr(compiler.Compilation, "kernel", broken)
    failures = dc.verify(weighted(LARGE), order=1).failures
    assert [each.kind for each in failures] == ["kernel, gradient"]


def test_another_graph_than_the_proved_one_is_refuted(monkeypatch):
    from diffc.functions import certified

    monkeypatch.setitem(certified._TRANSFORMS, "gradient", lambda f, wrt: dc.grad(dc.parse("x**3"), wrt))
    (failure,) = dc.verify(dc.parse("x**2"), order=1).failures
    assert failure.kind == "kernel, gradient"
    assert "another graph" in failure.basis


def test_a_captured_array_is_a_free_input_of_the_proof():
    f = weighted(LARGE)
    made = free(f.graph, f.captured)
    assert len(made.graph.inputs) == 2
    assert not any(node.is_op("captured") for node in made.graph.nodes)
    (elements,) = made.elements.values()
    assert elements is LARGE
