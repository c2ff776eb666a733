"""Checkpoints: what is written is read, and files that are hostile are refused by what is wrong with them."""

from __future__ import annotations

import contextlib
import json
import os
import struct

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from diffc.errors import ArtefactError
from diffc.training import (
    Checkpoint,
    Epoch,
    Settings,
    read_checkpoint,
    read_parameters,
    write_checkpoint,
    write_parameters,
)

PARAMETERS = {"W": np.arange(6.0).reshape(2, 3), "b/λ": np.array(-0.5, np.float32), "empty": np.zeros((0, 2))}


@pytest.fixture
def checkpoint():
    history = (
        Epoch(1, 0.1 + 0.2, 0.01, 1.5, 3.0, 0.25, "accuracy"),
        Epoch(2, 1e-300, 0.01, 2.5, None, None, "accuracy"),
    )
    best = {name: each + 1 for name, each in PARAMETERS.items()}
    settings = Settings(patience=3, batch_size="all", one_hot=("y",))
    return Checkpoint(PARAMETERS, settings, {"velocity/W": np.ones((2, 3))}, best, 1, 2, 7, history, "net")


def same(one, other):
    assert list(one) == list(other)
    for name in one:
        assert one[name].dtype == other[name].dtype
        assert one[name].shape == other[name].shape
        assert one[name].tobytes() == other[name].tobytes()


def test_checkpoint(checkpoint, tmp_path):
    path = tmp_path / "new" / "c.safetensors"
    write_checkpoint(path, checkpoint)
    found = read_checkpoint(path)
    for name in ("parameters", "state", "best"):
        same(getattr(found, name), getattr(checkpoint, name))
    for name in ("settings", "best_epoch", "epoch", "steps", "history", "model"):
        assert getattr(found, name) == getattr(checkpoint, name)
    same(read_parameters(path), checkpoint.best)
    assert os.listdir(path.parent) == [path.name]
    first = path.read_bytes()
    write_checkpoint(path, found)
    assert path.read_bytes() == first


def test_parameters(tmp_path):
    path = tmp_path / "p.safetensors"
    path.write_text("old")
    write_parameters(path, {"W": np.asfortranarray(PARAMETERS["W"]), "b": PARAMETERS["b/λ"]})
    found = read_parameters(path)
    assert sorted(found) == ["W", "b"]
    np.testing.assert_array_equal(found["W"], PARAMETERS["W"])
    np.testing.assert_array_equal(load_file(path)["W"], PARAMETERS["W"])
    with pytest.raises(ArtefactError, match="these are parameters and no checkpoint"):
        read_checkpoint(path)
    assert found["W"].flags.writeable
    assert found["W"].flags.owndata


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "p.safetensors"
    write_parameters(path, PARAMETERS)
    sound = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ArtefactError, match="cannot be written: No space left"):
        write_parameters(path, {"W": np.ones(1)})
    assert path.read_bytes() == sound
    assert os.listdir(tmp_path) == [path.name]


def rewritten(path, checkpoint, tensors=None, **record):
    """The file of a checkpoint with some tensors and some of its record changed; None removes them."""
    write_checkpoint(path, checkpoint)
    with safe_open(path, framework="numpy") as file:
        metadata = json.loads(file.metadata()["diffc"])
    arrays = {**load_file(path), **(tensors or {})}
    metadata = {key: each for key, each in {**metadata, **record}.items() if each is not ...}
    save_file(
        {key: each for key, each in arrays.items() if each is not None}, path, {"diffc": json.dumps(metadata)}
    )
    return path


@pytest.mark.parametrize(
    ("tensors", "record", "says"),
    [
        ({"W": np.ones(1)}, {}, "W is no part of a checkpoint"),
        ({"other/W": np.ones(1)}, {}, "other/W is no part of a checkpoint"),
        ({"parameter/W": None}, {}, "its parameters are not those that it names"),
        ({"parameter/V": np.ones(1)}, {}, "its parameters are not those that it names"),
        ({"best/W": np.ones((3, 2))}, {}, "its best parameters are not shaped like its parameters"),
        ({"best/W": None}, {}, "its best parameters are not shaped like its parameters"),
        ({"best/W": np.ones((2, 3), np.float32)}, {}, "its best parameters are not shaped"),
        ({"history/loss": np.ones(3)}, {}, "its history has not one number an epoch"),
        ({"history/loss": None}, {}, "its history has not one number an epoch"),
        ({"state/n": np.ones(2, np.int64)}, {}, "state/n is of the dtype I64; parameters are F64 or F32"),
        ({}, {"format": 2}, "no checkpoint of the format 1"),
        ({}, {"epoch": -1}, "its metadata is not what a checkpoint says"),
        ({}, {"epoch": 10**30}, "its history has not one number an epoch"),
        ({}, {"epoch": "2"}, "its metadata is not what a checkpoint says"),
        ({}, {"epoch": True}, "its metadata is not what a checkpoint says"),
        ({}, {"best_epoch": 3}, "its metadata is not what a checkpoint says"),
        ({}, {"steps": ...}, "its metadata is not what a checkpoint says"),
        ({}, {"more": 1}, "its metadata is not what a checkpoint says"),
        ({}, {"model": 3}, "its metadata is not what a checkpoint says"),
        ({}, {"metric": ["accuracy"]}, "its metadata is not what a checkpoint says"),
        ({}, {"parameters": [["W"]]}, "its metadata is not what a checkpoint says"),
        ({}, {"parameters": ["W", "W", "b/λ", "empty"]}, "its parameters are not those that it names"),
        ({}, {"settings": {"epochs": 0}}, "its settings: epochs: it is a whole number"),
        ({}, {"settings": {"x": 1}}, "its settings: x: unknown setting"),
        ({}, {"settings": [1]}, "its metadata is not what a checkpoint says"),
    ],
)
def test_hostile_checkpoints(checkpoint, tmp_path, tensors, record, says):
    path = rewritten(tmp_path / "c.safetensors", checkpoint, tensors, **record)
    with pytest.raises(ArtefactError, match=says) as problem:
        read_checkpoint(path)
    assert str(problem.value).startswith(f"{path}: ")


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, "nan", '"a"'])
def test_hostile_metadata(tmp_path, text):
    path = tmp_path / "c.safetensors"
    save_file({"W": np.ones(1)}, path, {"diffc": text})
    for read in (read_checkpoint, read_parameters):
        with pytest.raises(
            ArtefactError, match=r"its metadata is no JSON|it is no checkpoint of the format 1"
        ):
            read(path)


def raw(header: str, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header.encode())) + header.encode() + data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 8,
        b"\xff" * 8 + b"{}",
        raw("{"),
        raw('{"W": {"dtype": "F64", "shape": [1000000000000], "data_offsets": [0, 8]}}', b"\0" * 8),
        raw('{"W": {"dtype": "F64", "shape": [1], "data_offsets": [0, 80]}}', b"\0" * 8),
        raw('{"W": {"dtype": "F64", "shape": [1], "data_offsets": [8, 0]}}', b"\0" * 8),
        raw('{"W": {"dtype": "F99", "shape": [1], "data_offsets": [0, 8]}}', b"\0" * 8),
        raw('{"W": {"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]}}', b"\0" * 8),
        raw('{"W": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}', b"\0" * 8),
        b"\x80\x04\x95" + b"pickle" * 10,
    ],
)
def test_files_that_are_none(tmp_path, data):
    path = tmp_path / "c.safetensors"
    path.write_bytes(data)
    for read in (read_checkpoint, read_parameters):
        with pytest.raises(ArtefactError, match=r"no sound safetensors file|is of the dtype BF16"):
            read(path)


def test_every_cut_or_changed_file_is_refused_or_sound(checkpoint, tmp_path):
    path = tmp_path / "c.safetensors"
    write_checkpoint(path, checkpoint)
    sound = path.read_bytes()
    for position in range(0, len(sound), 13):
        changed = bytearray(sound)
        changed[position] ^= 0x15
        for data in (bytes(changed), sound[:position]):
            path.write_bytes(data)
            with contextlib.suppress(ArtefactError):
                assert read_checkpoint(path).epoch >= 0


def test_places_that_are_no_files(tmp_path):
    with pytest.raises(ArtefactError, match="cannot be read: No such file"):
        read_parameters(tmp_path / "none")
    with pytest.raises(ArtefactError, match="this is a folder"):
        read_parameters(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="cannot be written"):
        write_parameters(tmp_path / "file" / "p.safetensors", PARAMETERS)
    with pytest.raises(ArtefactError, match="cannot be written"):
        write_parameters(tmp_path, PARAMETERS)
