"""`diffc build`: what it writes, and that it writes nothing where anything is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

import diffc as dc
from diffc.cli.build import _Progress


def test_build(diffc, surface, tmp_path):
    target = tmp_path / "out" / "surface"
    result = diffc("build", surface, "-o", target)
    assert (result.status, result.err) == (0, "")
    first, *lines = result.out.splitlines()
    assert first.startswith(f"surface: 5 kernels in {target}, ")
    assert [line.split()[0] for line in lines] == ["f", "gradient", "hessian", "partial_a_b", "partial_a_c"]
    assert all(" ops " in line and "compiled in" in line and "KiB" in line for line in lines)
    m = dc.load(target)
    assert m.gradient(1.0, 2.0, 2.0) == (24.0, 24.0, 36.0)
    assert m["partial_a_c"](1.0, 2.0, 2.0) == 24.0
    assert sorted(each.name for each in target.iterdir()) == sorted(["model.json", *m])


def test_json(diffc, surface, tmp_path):
    report = json.loads(diffc("build", surface, "-o", tmp_path / "out", "--json").out)
    assert list(report) == ["command", "model", "folder", "main", "seconds", "kernels"]
    assert report["main"] == "f"
    record = report["kernels"][1]
    assert record["name"] == "gradient"
    assert record["outputs"] == {"d_a": "f64[]", "d_b": "f64[]", "d_c": "f64[]"}
    assert record["operations"] == 5
    assert record["object_bytes"] > 0


def test_an_earlier_build_is_replaced(diffc, surface, wave, tmp_path):
    target = tmp_path / "out"
    assert diffc("build", surface, "-o", target).status == 0
    assert diffc("build", wave, "-o", target).status == 0
    m = dc.load(target)
    assert list(m) == ["all", "y", "z", "y_gradient", "y_jacobian", "z_jacobian"]
    x, weights = np.array([0.5, 1.0]), np.ones((2, 2), np.float32)
    assert m.all(2.0, x, weights)[0] == m.y(2.0, x, weights) == pytest.approx(np.sin(2 * x).sum())


def test_formulas_and_options(diffc, tmp_path):
    assert (
        diffc("build", "a*x", "-o", tmp_path / "out", "--wrt", "x", "--math", "fast", "--no-cache").status
        == 0
    )
    m = dc.load(tmp_path / "out")
    assert m.math == "fast"
    assert m.gradient(3.0, 2.0) == (3.0,)


def test_progress_on_a_terminal_alone():
    class Terminal:
        text = ""

        def isatty(self):
            return True

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    terminal = Terminal()
    progress = _Progress(terminal)
    progress.show("gradient", 0, 2)
    progress.clear()
    assert "[1/2] compiling gradient" in terminal.text
    assert terminal.text.endswith("\r")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('[inputs]\na = "f64"\na = "f64"\n', ":3: a key or table is given twice"),
        (
            '[inputs]\na = "f64"\n[outputs]\nf = "a"\n[derive]\ngradeint = ["a"]\n',
            ":6: unknown key 'gradeint'",
        ),
        ('[inputs]\na = "f64"\n[outputs]\nf = "(a"\n', ":4: outputs.f: '(' is not closed"),
        ('[inputs]\na = "f64"\n[outputs]\nf = "a*b"\n', ":4: outputs.f: unknown name 'b'"),
        (
            '[inputs]\nx = "f64[3]"\n[outputs]\nf = "2*x"\n[derive]\ngradient = ["x"]\n',
            ":6: derive.gradient: grad",
        ),
        (
            '[inputs]\nx = "f64[3]"\n[outputs]\nf = "x[0]"\n[derive]\npartials = [["x"]]\n',
            ":6: derive.partials: ",
        ),
        ("\0\1\2", "this is not TOML"),
        (b"\xff\xfe\x00\x9f" * 100, "is not UTF-8 text"),
        ("", "there are no outputs"),
    ],
)
def test_bad_models(refused, tmp_path, content, says):
    path = tmp_path / "bad.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused("build", path, "-o", tmp_path / "out", says=(str(path), says))


@pytest.mark.parametrize("command", [["build", "-o", "out"], ["verify"], ["inspect"]])
def test_files_that_are_none(refused, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    refused(command[0], "no/such.toml", *command[1:], says="no/such.toml: there is no such file")
    (tmp_path / "folder.toml").mkdir()
    says = "not a built kernel" if command == ["inspect"] else "this is a directory, not a model file"
    refused(command[0], "folder.toml", *command[1:], says=says)


def test_targets_that_are_left_alone(refused, surface, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    refused("build", surface, "-o", tmp_path / "mine", says="holds other files; give a new folder")
    refused("build", surface, "-o", surface, says="exists and is not a folder")
    refused("build", surface, "-o", surface / "below", says="cannot write the model to")
    refused("build", surface, "-o", ".", says="is the folder you work in")
    refused("build", surface, "-o", "/", says="is the folder you work in")
    refused("build", surface, "-o", "x\0y", says="null")
    for name, text in {
        "model.json": '{"format": "layers-model"}',
        "manifest.json": '{"name": "extension"}',
    }.items():
        (tmp_path / name.removesuffix(".json")).mkdir()
        (tmp_path / name.removesuffix(".json") / name).write_text(text)
        refused("build", surface, "-o", tmp_path / name.removesuffix(".json"), says="holds other files")


def test_a_build_with_a_file_of_the_users_is_left_alone(diffc, refused, surface, tmp_path):
    assert diffc("build", surface, "-o", tmp_path / "out").status == 0
    (tmp_path / "out" / "notes.txt").write_text("mine")
    refused("build", surface, "-o", tmp_path / "out", says="holds other files")


def test_inputs_of_a_model_file(refused, surface, tmp_path):
    refused("build", surface, "-o", tmp_path / "out", "--inputs", "a:f32", says="--inputs is for formulas")
