"""Artefacts: the round trip, tampering, foreign machines, and folders that are left alone."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from diffc.errors import ArtefactError
from diffc.runtime import load
from diffc.runtime.store import program as program_module


@pytest.fixture
def folder(tmp_path, take):
    place = tmp_path / "build" / "f"
    take.save(place)
    return place


def change_manifest(folder, **changes):
    path = folder / "manifest.json"
    data = json.loads(path.read_text())
    data.update(changes)
    data.pop("digest")
    path.write_text(json.dumps({**data, "digest": program_module.digest_of_fields(data)}))


def test_round_trip(folder, take):
    k = load(folder)
    assert k(np.arange(5.0), 4) == 40.0
    assert k.signature == take.signature
    assert dict(k.stages) == dict(take.stages)
    assert {each.name for each in folder.iterdir()} == {
        "manifest.json",
        "kernel.o",
        "constant_0.npy",
        "source.py",
        "kernel.ll",
        "ir.txt",
    } - {"kernel.ll"} | {"llvm.ll"}
    assert [each.name for each in folder.parent.iterdir()] == ["f"]


def test_another_process_loads_without_compiling(folder):
    script = (
        "import sys, numpy as np\n"
        "from diffc.runtime import load\nfrom diffc.runtime.code import machine\n"
        "machine.compile_text = None\n"
        "print(load(sys.argv[1])(np.arange(5.0), 1), 'numba' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True
    )
    assert result.stdout == "10.0 False\n"


def test_every_changed_or_missing_file_is_named(folder):
    for path in sorted(folder.iterdir()):
        sound = path.read_bytes()
        for data in (sound[:-1], sound[: len(sound) // 2], bytes([sound[0] ^ 1]) + sound[1:], b""):
            path.write_bytes(data)
            with pytest.raises(ArtefactError, match=path.name.replace(".", r"\.")):
                load(folder)
        path.unlink()
        with pytest.raises(ArtefactError, match=path.name.replace(".", r"\.")):
            load(folder)
        path.write_bytes(sound)
    load(folder)


def test_foreign_machines_are_named(folder):
    target = json.loads((folder / "manifest.json").read_text())["target"]
    change_manifest(folder, target={**target, "cpu": "future", "features": [*target["features"], "avx2048"]})
    with pytest.raises(ArtefactError, match=r"made for a CPU \(future\) with features .* lacks: avx2048"):
        load(folder)
    change_manifest(folder, target={**target, "triple": "pdp11-unknown"})
    with pytest.raises(ArtefactError, match="made for the platform pdp11-unknown; this one is"):
        load(folder)
    change_manifest(folder, target=target, abi=99)
    with pytest.raises(ArtefactError, match="made by another version of diffc: format 3, ABI 99"):
        load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {"../../etc/passwd": [1, "00"]}},
        {"files": {}},
        {"files": []},
        {"constants": -1},
        {"constants": 10**9},
        {"constants": True},
        {"constants": 0},
        {"stages": ["../x"]},
        {"stages": 3},
        {"stages": [["ir"]]},
        {"signature": {}},
        {"signature": None},
        {"target": None},
        {"target": {"triple": 1, "cpu": 2, "features": [3]}},
        {"stats": []},
        {"surplus": 1},
        {"format": None},
    ],
)
def test_hostile_manifests_are_refused(folder, changes):
    change_manifest(folder, **changes)
    with pytest.raises(ArtefactError):
        load(folder)


def test_a_manifest_that_is_changed_by_hand_is_damaged(folder):
    """It says what the code reads and writes: the wrong size of a workspace is a write beyond it."""
    path = folder / "manifest.json"
    sound = json.loads(path.read_text())
    path.write_text(json.dumps(sound))  # laid out otherwise, and the same
    load(folder)
    changes = [{"stats": {"x": 1}}, {"signature": {**sound["signature"], "workspace": 1}}, {"digest": "00"}]
    for each in [*changes, {"digest": None}, {"digest": ["00"]}]:
        path.write_text(json.dumps({**sound, **each}))
        with pytest.raises(ArtefactError, match=r"manifest\.json is damaged"):
            load(folder)


def test_no_more_is_read_of_a_file_than_belongs_there(folder):
    for name in ("kernel.o", "source.py"):
        path = folder / name
        sound = path.read_bytes()
        with open(path, "ab") as file:
            file.truncate(3 << 30)  # takes no place on the disk
        tracemalloc.start()
        with pytest.raises(ArtefactError, match=f"{name} is damaged"):
            load(folder)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
        tracemalloc.stop()
        path.write_bytes(sound)
    load(folder)


def test_hostile_texts_are_refused(folder):
    for text in ("[" * 100_000, "[]", "null", "\xff", '{"format": 1}'):
        (folder / "manifest.json").write_text(text)
        with pytest.raises(ArtefactError):
            load(folder)


def test_pickled_constants_are_refused(folder):
    data = np.lib.format
    with open(folder / "constant_0.npy", "wb") as file:
        data.write_array(file, np.array([{}], object), allow_pickle=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    content = (folder / "constant_0.npy").read_bytes()
    files = {**manifest["files"], "constant_0.npy": [len(content), program_module.digest_of(content)]}
    change_manifest(folder, files=files)
    with pytest.raises(ArtefactError, match=r"constant_0\.npy cannot be read"):
        load(folder)


def test_places_that_are_no_artefact(tmp_path):
    with pytest.raises(ArtefactError, match="no such folder"):
        load(tmp_path / "none")
    with pytest.raises(ArtefactError, match="not a built kernel"):
        load(tmp_path)
    (tmp_path / "m.toml").write_text("")
    with pytest.raises(ArtefactError, match="it is a file; what"):
        load(tmp_path / "m.toml")
    with pytest.raises(ArtefactError, match="File name too long"):
        load("a" * 5000)


def test_saving_replaces_an_artefact_and_nothing_else(folder, take, scalars, tmp_path):
    scalars.save(folder)
    assert load(folder)(1.0, 2.0, 2.0) == 36.0
    (tmp_path / "mine.txt").write_text("text")
    with pytest.raises(ArtefactError, match="holds other files"):
        take.save(tmp_path)
    with pytest.raises(ArtefactError, match="is not a folder"):
        take.save(tmp_path / "mine.txt")
    with pytest.raises(ArtefactError, match="cannot write"):
        take.save(tmp_path / "mine.txt" / "below")


def test_a_failed_save_leaves_nothing(folder, take, scalars, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(ArtefactError, match="No space left"):
        scalars.save(folder)
    with pytest.raises(ArtefactError, match="No space left"):
        scalars.save(folder.parent / "g")
    monkeypatch.undo()
    assert load(folder)(np.arange(5.0), 1) == 10.0
    assert [each.name for each in folder.parent.iterdir()] == ["f"]
