"""`diffc run`: inputs from files and the command line, outputs to them, and files that are hostile."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from diffc.cli import main

WAVE = """\
[inputs]
k = "f64"
x = "f64[N]"
M = "f32[N, 2]"
[outputs]
y = "sum(sin(k*x))"
z = "f32(x) @ M"
[derive]
gradient = ["k", "x"]
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    (folder / "wave.toml").write_text(WAVE)
    assert main(["build", str(folder / "wave.toml"), "-o", str(folder / "out"), "--no-cache"]) == 0
    return folder / "out"


@pytest.fixture
def arrays():
    return {"k": np.array(2.0), "x": np.array([0.5, 1.0, 1.5]), "M": np.ones((3, 2), np.float32)}


@pytest.fixture
def archive(tmp_path, arrays):
    def write(**changes):
        path = tmp_path / "x.npz"
        content = {name: each for name, each in {**arrays, **changes}.items() if each is not None}
        np.savez(path, **content)
        return path

    return write


def test_archives(diffc, built, archive):
    result = diffc("run", built, "--input", archive())
    assert (result.status, result.err) == (0, "")
    y = np.sin(2 * np.array([0.5, 1.0, 1.5])).sum()
    assert result.out == f"y = {y!r}\nz = [3., 3.]\n".replace("np.float64(", "").replace(")", "")
    assert diffc("run", built, "--input", archive(), "--kernel", "y_gradient").out.startswith("d_k = ")


def test_order_layout_and_byte_order(diffc, built, archive, arrays):
    changes = {"x": arrays["x"].astype(">f8"), "M": np.asfortranarray(arrays["M"])}
    expected = diffc("run", built, "--input", archive()).out
    assert diffc("run", built, "--input", archive(**changes)).out == expected


def test_json_and_set(diffc, built, tmp_path):
    (tmp_path / "x.json").write_text('{"x": [0.5, "inf"], "M": [[1, 2], [3, 4]]}')
    result = diffc("run", built, "--input", tmp_path / "x.json", "--set", "k=2", "--json")
    report = json.loads(result.out, parse_constant=pytest.fail)
    assert list(report) == ["command", "kernel", "output", "values"]
    assert report["kernel"] == "all"
    assert report["values"] == {"y": "nan", "z": ["inf", "inf"]}


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_outputs_to_a_file(diffc, built, archive, tmp_path, suffix):
    target = tmp_path / f"y.{suffix}"
    target.write_text("old")
    result = diffc("run", built, "--input", archive(), "--output", target)
    assert result.out == f"all: y, z in {target}\n"
    found = np.load(target) if suffix == "npz" else json.loads(target.read_text())
    assert sorted(found) == ["y", "z"]
    np.testing.assert_array_equal(found["z"], [3, 3])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["x.npz", f"y.{suffix}"]


def test_long_arrays_are_shortened(diffc, built, tmp_path):
    np.savez(tmp_path / "x.npz", k=1.0, x=np.arange(1000.0), M=np.ones((1000, 2), np.float32))
    out = diffc("run", built, "--input", tmp_path / "x.npz", "--kernel", "y_gradient").out
    assert "..." in out
    assert len(out) < 500


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x": None}, "the input 'x' is missing; the kernel takes k, x, M"),
        ({"x": None, "k": None}, "the inputs 'k', 'x' are missing"),
        ({"w": np.ones(2)}, "'w' is no input"),
        ({"x": np.ones(3, np.complex128)}, "x: complex numbers are not supported"),
        ({"M": np.ones((3, 2))}, "M: float64 cannot be cast to float32"),
        ({"x": np.array(["a", "b", "c"])}, "x: texts are not supported"),
        ({"x": np.ones((3, 1))}, "x: expected 1 axis (f64[N])"),
        ({"k": np.ones(1)}, "k: expected a scalar"),
        ({"M": np.ones((4, 2), np.float32)}, "M: axis 0 must be 3 (N = 3 from x), got 4"),
        ({"M": np.ones((3, 5), np.float32)}, "M: axis 1 must be 2, got 5"),
    ],
)
def test_arrays_that_do_not_fit(refused, built, archive, changes, says):
    refused("run", built, "--input", archive(**changes), says=says)


def test_object_arrays_are_never_loaded(refused, built, tmp_path, arrays):
    class Evil:
        def __reduce__(self):
            return (print, ("loaded",))

    np.savez(tmp_path / "x.npz", **{**arrays, "x": np.array([Evil()], object)})
    refused(
        "run", built, "--input", tmp_path / "x.npz", says="x: it holds Python objects, which are never loaded"
    )


def member(shape: str, data: bytes, descr: str = "<f8") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    "data",
    [
        member("(1000000000000,)", b"\0" * 8),
        member("(-1,)", b""),
        member("(3,)", b"\0" * 8),
        member("(1,)", b"\0" * 16),
        member("(" * 40 + "3" + ")" * 40, b"\0" * 24),
        member("__import__('os')", b""),
        member("(True, 3)", b"\0" * 8),
        member("(1,)", b"\0" * 8, "|V8"),
        member("(2, 0, 99999999999999999999)", b""),
        b"\x93NUMPY\x09\x00",
        b"\x93NUMPY",
        b"",
    ],
)
def test_hostile_members(refused, built, tmp_path, data):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        for name, content in (("k", member("()", b"\0" * 8)), ("x", data)):
            file.writestr(f"{name}.npy", content)
    refused("run", built, "--input", tmp_path / "x.npz", "--kernel", "y", "--set", "M=[]", says="x")


def test_a_bomb(refused, built, tmp_path, monkeypatch):
    monkeypatch.setattr("diffc.cli.arrays._MAX_NPZ", 1 << 20)
    np.savez_compressed(tmp_path / "x.npz", k=1.0, x=np.zeros(1 << 18), M=np.zeros((1 << 18, 2), np.float32))
    refused("run", built, "--input", tmp_path / "x.npz", says="more than 1,048,576")


def test_archives_that_are_none(refused, built, tmp_path, archive):
    sound = archive().read_bytes()
    path = tmp_path / "y.npz"
    for data in (b"", b"\x7fELF\0\1\2\3" * 50, sound[:-30], sound[: len(sound) // 2]):
        path.write_bytes(data)
        refused("run", built, "--input", path, says=f"{path}: this is no sound .npz file")
    twice = io.BytesIO(sound)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "a") as file:
        file.writestr("k.npy", member("()", b"\0" * 8))
    path.write_bytes(twice.getvalue())
    refused("run", built, "--input", path, says="an array is in the archive twice")


def test_every_cut_archive_is_refused(diffc, built, tmp_path, archive):
    sound = archive().read_bytes()
    for position in range(0, len(sound), 97):
        changed = bytearray(sound)
        changed[position] ^= 0xFF
        (tmp_path / "y.npz").write_bytes(changed)
        assert diffc("run", built, "--input", tmp_path / "y.npz").status in (0, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1, 2]", "the file must hold an object"),
        ("{", "this is no sound JSON file"),
        ('{"k": 1, "k": 2}', "a name is given twice"),
        ('{"k": null, "x": [], "M": []}', "k: null is no number"),
        ('{"k": "1", "x": [], "M": []}', 'k: "1" is no number'),
        ('{"k": 1, "x": [[1], [1, 2]], "M": []}', "x: the value is not an array"),
        ('{"k": 1, "x": {"a": 1}, "M": []}', "x: "),
        ("[" * 100_000, "nested too deeply"),
        ('{"k": ' + "[" * 100 + "]" * 100 + ', "x": 1, "M": 1}', "nested more than"),
        ('{"k": ' + "9" * 5000 + "}", "this is no sound JSON file"),
        ("\ufffd\0", "this is no sound JSON file"),
    ],
)
def test_bad_json(refused, built, tmp_path, text, says):
    (tmp_path / "x.json").write_text(text)
    refused("run", built, "--input", tmp_path / "x.json", says=says)


def test_options_that_do_not_fit(refused, built, archive, tmp_path):
    path = archive()
    refused(
        "run",
        built,
        "--input",
        path,
        "--kernel",
        "gradient",
        says="has no kernel 'gradient'; it has all, y, z",
    )
    refused(
        "run", built, "--input", tmp_path / "none.npz", says="none.npz: the file cannot be read: No such file"
    )
    refused("run", built, "--input", tmp_path / "x.csv", says="x.csv: the file cannot be read: No such file")
    refused("run", built, "--input", tmp_path / "x.txt", says="a .npz, .npy, .csv, .json or")
    (tmp_path / "folder.npz").mkdir()
    refused("run", built, "--input", tmp_path / "folder.npz", says="this is a directory")
    refused("run", built, "--input", path, "--output", tmp_path / "y.csv", says="a .npz or a .json file")
    refused("run", built, "--input", path, "--output", tmp_path / "folder.npz", says="this is a directory")
    refused("run", built, "--input", path, "--output", path / "y.npz", says="there is no folder")
    refused("run", built, "--set", "k=1", "x=[1", says="a ']' is missing")
    refused("run", tmp_path / "none", says="no such folder")
    refused("run", tmp_path, says="not a built kernel")
    refused("run", path, says="not a built kernel" if path.is_dir() else str(path))


def test_a_changed_byte(refused, built, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    for name in ("model.json", "y/manifest.json", "y/kernel.o", "z/source.py"):
        path = copy / name
        sound = path.read_bytes()
        at = sound.rindex(b"a")
        path.write_bytes(sound[:at] + b"b" + sound[at + 1 :])
        refused("run", copy, "--set", "k=1", "x=[1]", "M=[[1,2]]", says=name.split("/")[-1])
        path.write_bytes(sound)


@pytest.mark.parametrize("kind", ["npz", "json"])
def test_what_is_set_comes_before_a_file(diffc, built, tmp_path, archive, kind):
    path = archive()
    if kind == "json":
        path = tmp_path / "x.json"
        path.write_text('{"k": 1.0, "x": [0.5, 2.0], "M": [[1, 0], [0, 1]]}')
    result = diffc("run", built, "--input", path, "--set", "k=0", "--json")
    assert json.loads(result.out)["values"]["y"] == 0
    assert diffc("run", built, "--input", path, "--json").out != result.out
