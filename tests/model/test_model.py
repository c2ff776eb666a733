"""Models: their functions and names, builds, and hostile build folders."""

from __future__ import annotations

import gc
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import diffc as dc
from diffc.errors import ArtefactError, ModelError
from diffc.model import Model
from diffc.runtime.store.index import Entry, Index, folder_names, read_index, write_index

SURFACE = """\
[inputs]
a = "f64"
b = "f64"
c = "f64"
[outputs]
f = "((a + b) * c)**2"
[derive]
gradient = ["a", "b", "c"]
hessian  = ["a", "b", "c"]
jacobian = ["a"]
partials = [["a", "b"], ["a", "c", 2]]
"""


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFC_CACHE_DIR", str(folder))
        yield


@pytest.fixture
def load(tmp_path):
    def make(text: str = SURFACE) -> Model:
        path = tmp_path / "surface.toml"
        path.write_text(text)
        return dc.load_model(path)

    return make


@pytest.fixture
def folder(load, tmp_path) -> Path:
    load().build(tmp_path / "out")
    return tmp_path / "out"


def test_functions(load):
    m = load()
    assert m.name == "surface"
    assert list(m.inputs) == ["a", "b", "c"]
    assert m.f(1.0, 2.0, 2.0) == m["f"](1.0, 2.0, 2.0) == m.function(1.0, 2.0, 2.0) == 36.0
    assert list(m.derived) == ["gradient", "hessian", "jacobian", "partial_a_b", "partial_a_c_c"]
    assert m.gradient(1.0, 2.0, 2.0) == (24.0, 24.0, 36.0)
    assert m.derived["hessian"](1.0, 2.0, 2.0)[0] == (8.0, 8.0, 24.0)
    assert m.jacobian(1.0, 2.0, 2.0) == (24.0,)
    assert m.partial_a_c_c(1.0, 2.0, 2.0) == 12.0
    assert m.derived["gradient"] is m.gradient
    assert m.primal("gradient") is m.f
    assert "gradient" in dir(m)
    assert repr(m) == (
        "<Model surface(a: f64[], b: f64[], c: f64[]): "
        "f, gradient, hessian, jacobian, partial_a_b, partial_a_c_c>"
    )


def test_unknown_functions(load):
    m = load()
    with pytest.raises(dc.DiffcError, match="surface has no function 'gradeint'; it has f, gradient"):
        m["gradeint"]
    with pytest.raises(KeyError):
        m["gradeint"]
    with pytest.raises(AttributeError, match="gradeint"):
        _ = m.gradeint
    assert not hasattr(m, "__array__")


def test_several_outputs(load):
    m = load(
        """
        [inputs]
        a = "f64"
        x = "f64[N]"
        [outputs]
        y = "a*sum(x)"
        z = "a*x"
        [derive]
        gradient = ["a"]
        hessian = ["a", "x"]
        jacobian = ["x"]
        partials = [["a", 2]]
        """
    )
    assert m.main == "all"
    assert list(m.derived) == [
        "y_gradient", "y_hessian", "y_jacobian", "z_jacobian", "y_partial_a_a", "z_partial_a_a",
    ]  # fmt: skip
    assert m.named() == ["all", "y", "z", *m.derived]
    x = np.array([1.0, 2.0])
    assert m["all"](2.0, x)[0] == m.y(2.0, x) == 6.0
    assert m.y_gradient(2.0, x) == (3.0,)
    np.testing.assert_array_equal(m.z_jacobian(2.0, x)[0], 2 * np.eye(2))


def test_names_that_are_taken(load):
    m = load('[inputs]\na = "f64"\n[outputs]\ngradient = "a**2"\nname = "2*a"\n')
    assert m.gradient(3.0) == 9.0
    assert m.name == "surface"
    assert m["name"](3.0) == 6.0
    text = SURFACE.replace("f = ", "gradient = ").replace('["a", "b"],', '["a", "b"], ["a", "b"],')
    names = load(text).named()
    assert names[:2] == ["gradient", "gradient_"]
    assert "partial_a_b_" in names
    long = SURFACE.replace('["a", "c", 2]', '["a", 20, "b", 20, "c", 20]')
    assert load(long).named()[-1] == "partial_1"


def test_problems_name_the_line(load):
    m = load('[inputs]\nx = "f64[3]"\n[outputs]\nf = "2*x"\n[derive]\n\ngradient = ["x"]\n')
    with pytest.raises(ModelError, match=r"surface.toml:7: derive.gradient: grad takes .* use jacobian"):
        _ = m.gradient


def test_math_of_the_file(load):
    text = '[model]\nmath = "fast"\n' + SURFACE
    m = load(text)
    assert m.compile("gradient").signature.math == "fast"
    assert m.with_math("precise").compile("f").signature.math == "precise"
    assert m.with_math(None) is m


def test_of_a_function():
    m = Model.of(dc.parse("a*b", name="g"), ["b"])
    assert m.named() == ["g", "gradient", "hessian"]
    assert m.gradient(2.0, 3.0) == (2.0,)
    assert Model.of(dc.parse("[a, b]")).named() == ["f", "jacobian"]


def test_build(load, tmp_path):
    seen = []
    built = load().build(tmp_path / "out", lambda *each: seen.append(each))
    assert seen[:2] == [("f", 0, 6), ("gradient", 1, 6)]
    loaded = dc.load(tmp_path / "out")
    for each in (built, loaded):
        assert list(each) == load().named()
        assert each.main == "f"
        assert each.gradient(1.0, 2.0, 2.0) == (24.0, 24.0, 36.0)
    assert "def kernel(" in loaded.gradient.source
    assert "gradient" in loaded
    assert "nothing" not in loaded
    assert loaded.get("nothing") is None
    assert repr(loaded).startswith("<BuiltModel surface: f, gradient")
    with pytest.raises(dc.DiffcError, match="surface has no kernel 'q'; it has f, gradient"):
        loaded["q"]
    with pytest.raises(AttributeError):
        _ = loaded.q


def test_loading_compiles_nothing(folder, monkeypatch):
    def fail(*_):
        raise AssertionError("compiled")

    monkeypatch.setattr("diffc.runtime.code.machine.compile_text", fail)
    assert dc.load(folder).gradient(1.0, 2.0, 2.0) == (24.0, 24.0, 36.0)


def test_a_failed_build_leaves_what_was_there(load, folder, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(ArtefactError, match="No space left"):
        load().build(folder)
    with pytest.raises(ArtefactError, match="No space left"):
        load().build(folder.parent / "new")
    monkeypatch.undo()
    assert dc.load(folder).f(1.0, 2.0, 2.0) == 36.0
    assert sorted(each.name for each in folder.parent.iterdir()) == ["out", "surface.toml"]


def test_every_changed_byte_of_the_index_is_seen(folder):
    path = folder / "model.json"
    sound = path.read_bytes()
    for position in range(0, len(sound), 7):
        path.write_bytes(sound[:position] + bytes([sound[position] ^ 1]) + sound[position + 1 :])
        with pytest.raises(ArtefactError):
            dc.load(folder)
    path.write_bytes(sound)
    (folder / "f" / "kernel.o").unlink()
    with pytest.raises(ArtefactError, match=r"out: f: kernel\.o is missing"):
        dc.load(folder)


def test_kernels_that_changed_places_are_seen(folder):
    (folder / "f").rename(folder / "spare")
    (folder / "partial_a_b").rename(folder / "f")
    with pytest.raises(
        ArtefactError, match=r"f: manifest\.json is damaged: its content is not what model\.json"
    ):
        dc.load(folder)


INDEX = Index("m", "f", "precise", (Entry("f", "f", "0" * 64), Entry("g", "g", "1" * 64)), {"diffc": "0"})


def changed(**changes):
    """An index with fields changed and its digest made to fit."""
    from diffc.runtime.store import index

    fields = json.loads(write_index(INDEX)) | changes
    fields.pop("digest")
    fields["digest"] = index.digest_of_fields(fields)
    return json.dumps(fields).encode()


def test_index_round_trip():
    assert read_index(write_index(INDEX)) == INDEX
    assert read_index(changed()) == INDEX


@pytest.mark.parametrize(
    "changes",
    [
        {"kernels": [["f", "../f", "0" * 64]]},
        {"kernels": [["f", "/etc", "0" * 64]]},
        {"kernels": [["f", "a/b", "0" * 64]]},
        {"kernels": [["f", "..", "0" * 64]]},
        {"kernels": [["f", "", "0" * 64]]},
        {"kernels": [["f", "f\n", "0" * 64]]},
        {"kernels": [["f", "f\0", "0" * 64]]},
        {"kernels": [["f", "f" * 101, "0" * 64]]},
        {"kernels": [["f g", "f", "0" * 64]]},
        {"kernels": [["f", "f", "0" * 63]]},
        {"kernels": [["f", "f", 1]]},
        {"kernels": [["f", "f"]]},
        {"kernels": ["f"]},
        {"kernels": [["f", "f", "0" * 64], ["f", "g", "0" * 64]]},
        {"kernels": [["f", "f", "0" * 64], ["g", "F", "0" * 64]]},
        {"kernels": [["f", "f", "0" * 64]] * 10_001},
        {"kernels": []},
        {"kernels": {}},
        {"main": "h"},
        {"main": None},
        {"name": ""},
        {"name": "n" * 1001},
        {"name": "\ud800"},
        {"math": "quick"},
        {"versions": []},
        {"versions": {"diffc": 1}},
        {"format": "diffc model 2"},
        {"surplus": 1},
    ],
)
def test_hostile_indices(changes):
    with pytest.raises(ArtefactError):
        read_index(changed(**changes))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b" " * (17 << 20)])
def test_indices_that_are_none(data):
    with pytest.raises(ArtefactError):
        read_index(data)


def test_folder_names():
    assert folder_names(["f", "F", "con", "α", "kernel_1", "x" * 101]) == [
        "f", "kernel_1_", "kernel_2", "kernel_3", "kernel_1", "kernel_5",
    ]  # fmt: skip


def test_kernels_in_a_reference_cycle_are_collected(folder):
    for _ in range(3):
        kernels = [dc.load(folder)]
        kernels.append(kernels)
        del kernels
        gc.collect()
    assert dc.load(folder).f(1.0, 2.0, 2.0) == 36.0


def test_verify(load):
    certificate = dc.verify(load(), order=1)
    assert certificate.ok
    assert dc.verify(dc.parse("a*sin(b)"), order=1, wrt="b", samples=1).ok
    with pytest.raises(dc.DiffcError, match="verify takes a diffc Function or Model, got str"):
        dc.verify("a*b")


def test_functions_have_the_math_of_the_file(load):
    m = load('[model]\nmath = "fast"\n' + SURFACE)
    assert {m[name].math for name in m.named()} == {"fast"}
    assert dc.grad(m.f).math == dc.fwd_and_bwd(m.f)[1].math == pickle.loads(pickle.dumps(m.f)).math == "fast"
    assert m.f(1.0, 2.0, 2.0) == 36.0
    assert m.f._kernel.signature.math == dc.compile(m.f).signature.math == "fast"
    assert dc.compile(m.f, math="precise").signature.math == "precise"
    assert dc.compile(dc.parse("a*b")).signature.math == "precise"
    assert Model.of(m.f).math == "fast"
    with pytest.raises(dc.DiffcError, match="math is 'precise' or 'fast'"):
        dc.Function(m.f.graph, math="quick")
