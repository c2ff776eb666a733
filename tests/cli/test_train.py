"""`diffc train`: what it writes and prints, where settings come from, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import diffc as dc
from diffc.training import read_checkpoint, read_parameters

NET = """\
[model]
name = "net"
[inputs]
x = "f64[N, 2]"
y = "f64[N, 2]"
[[layer]]
kind = "dense"
units = 4
activation = "tanh"
[[layer]]
kind = "dense"
units = 2
[loss]
kind = "softmax_cross_entropy"
target = "y"
[train]
epochs = 12
learning_rate = 0.05
batch_size = 16
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a model, and samples of two classes, the second inside of the first."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text(NET)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(150, 2))
    inside = (np.sum(x**2, axis=1) < 1.2).astype(int)
    np.savez(tmp_path / "d.npz", x=x, y=np.eye(2)[inside])
    np.savez(tmp_path / "v.npz", x=x[:30], y=np.eye(2)[inside[:30]])
    np.savez(tmp_path / "numbers.npz", x=x, y=inside)
    return tmp_path


def test_what_is_written_and_printed(diffc, folder):
    result = diffc("train", "net.toml", "--data", "d.npz", "--validation", "v.npz")
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert [line[:8] for line in lines[:-5]] == [f"epoch {k:2}" for k in (1, 2, 4, 6, 8, 10, 12)]
    assert lines[-5].startswith("net: 12 epochs in ")
    assert lines[-5].endswith(" s, all epochs are over")
    assert "validation loss" in lines[-4]
    assert float(lines[-4].partition(" accuracy ")[2]) > 0.8
    assert sorted(each.name for each in (folder / "net_training").iterdir()) == [
        "checkpoint.safetensors",
        "loss.png",
        "parameters.safetensors",
    ]
    assert (folder / "net_training" / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_the_parameters_are_those_of_python(diffc, folder):
    assert (
        diffc("train", "net.toml", "--data", "d.npz", "--out", "out", "--seed", 3, "--epochs", 4).status == 0
    )
    model = dc.load_model("net.toml")
    data = dict(np.load("d.npz"))
    result = dc.training.fit_model(model, data, seed=3, epochs=4)
    found = read_parameters("out/parameters.safetensors")
    assert sorted(found) == sorted(model.parameters)
    for name, value in result.parameters.items():
        assert found[name].tobytes() == value.tobytes()
    right = np.argmax(model.predict(data["x"], *[found[name] for name in model.parameters]), axis=1)
    assert result.history[-1].metric == np.mean(right == np.argmax(data["y"], axis=1))


def test_json(diffc, folder):
    result = diffc("train", "net.toml", "--data", "d.npz", "--validation-split", 0.2, "--json", "--epochs", 3)
    assert result.err == ""
    *epochs, summary = [json.loads(line, parse_constant=pytest.fail) for line in result.out.splitlines()]
    assert [each["epoch"] for each in epochs] == [1, 2, 3]
    keys = ["epoch", "loss", "rate", "seconds", "validation_loss", "metric", "metric_name"]
    assert all(list(each) == keys for each in epochs)
    assert summary["result"] == epochs[-1]
    assert summary["stopped"] == "epochs"
    assert list(summary)[:4] == ["command", "model", "stopped", "epochs"]


def test_quiet_and_no_plot(diffc, folder):
    result = diffc(
        "train", "net.toml", "--data", "d.npz", "--quiet", "--no-plot", "--no-cache", "--epochs", 1
    )
    assert len(result.out.splitlines()) == 4
    assert not (folder / "net_training" / "loss.png").exists()
    result = diffc("train", "net.toml", "--data", "d.npz", "--overwrite", "--quiet", "--plot", "curve.svg")
    assert result.out.endswith("loss curve: curve.svg\n")
    assert b"<svg" in (folder / "curve.svg").read_bytes()


def test_resuming_gives_the_same_bits(diffc, folder):
    options = ("train", "net.toml", "--data", "d.npz", "--optimizer", "nesterov", "--schedule", "cosine")
    options = (*options, "--warmup-epochs", 2, "--validation-split", 0.1, "--quiet", "--no-plot")
    assert diffc(*options, "--out", "whole", "--epochs", 8).status == 0
    # The schedule must know from the beginning how long it is: the time ends the first part.
    assert diffc(*options, "--out", "part", "--epochs", 8, "--time-limit", 1e-9).status == 0
    assert read_checkpoint("part/checkpoint.safetensors").epoch == 1
    rest = diffc("train", "net.toml", "--data", "d.npz", "--resume", "part", "--time-limit", 1e9, "--quiet")
    assert (rest.status, rest.err) == (0, "")
    whole, part = (read_parameters(f"{name}/parameters.safetensors") for name in ("whole", "part"))
    assert {k: v.tobytes() for k, v in whole.items()} == {k: v.tobytes() for k, v in part.items()}


def test_class_numbers(diffc, refused, folder):
    says = 'got whole numbers of the shape (150,); if they are class numbers, say so: one_hot = ["y"]'
    refused("train", "net.toml", "--data", "numbers.npz", says=says)
    one = diffc("train", "net.toml", "--data", "numbers.npz", "--one-hot", "y", "--epochs", 2, "--json")
    two = diffc("train", "net.toml", "--data", "d.npz", "--overwrite", "--epochs", 2, "--json")
    losses = [[json.loads(line).get("loss") for line in each.out.splitlines()] for each in (one, two)]
    assert losses[0] == losses[1]


def test_divergence(diffc, folder):
    options = ("--optimizer", "sgd", "--learning-rate", 1e308, "--batch-size", "all", "--quiet")
    result = diffc("train", "net.toml", "--data", "d.npz", *options)
    assert result.status == 1
    assert result.err.startswith("diffc: error: the loss or a parameter became infinite or NaN in epoch ")
    assert "A smaller --learning-rate may help" in result.err
    assert all(
        np.isfinite(each).all() for each in read_parameters("net_training/parameters.safetensors").values()
    )


def test_ctrl_c(folder, environment):
    command = [
        sys.executable,
        "-m",
        "diffc",
        "train",
        "net.toml",
        "--data",
        "d.npz",
        "--epochs",
        "1000000000",
    ]
    with subprocess.Popen(
        [*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert json.loads(first)["epoch"] == 1
    assert process.returncode == 130
    assert err == ""
    summary = json.loads(out.splitlines()[-1])
    assert summary["stopped"] == "interrupted"
    last = read_checkpoint("net_training/checkpoint.safetensors")
    assert last.epoch == summary["epochs"] == len(last.history) > 1
    whole = dc.training.fit_model(dc.load_model("net.toml"), dict(np.load("d.npz")), epochs=last.epoch)
    for name, value in whole.parameters.items():
        assert last.parameters[name].tobytes() == value.tobytes()


def test_a_bar_on_a_terminal(diffc, folder, monkeypatch, capsys):
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    result = diffc("train", "net.toml", "--data", "d.npz", "--epochs", 5)
    assert "0/5" in terminal.getvalue()
    assert len(result.out.splitlines()) == 5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--epochs", 0), "epochs: it is a whole number of at least 1, not 0"),
        (("--epochs", "many"), "argument --epochs: invalid int value: 'many'"),
        (("--batch-size", "half"), "argument --batch-size: invalid"),
        (("--momentum", 0.9), "momentum: it is no option of adam"),
        (("--optimizer", "adm"), "optimizer: it is one of sgd"),
        (("--validation", "none.npz"), "none.npz: the file cannot be read"),
        (("--validation", "v.npz", "--validation-split", 0.1), "give one of them"),
        (("--resume", "none.safetensors"), "none.safetensors: the file cannot be read"),
        (("--resume", "d.npz"), "d.npz: this is no sound safetensors file"),
        (("--plot", "curve.txt"), "curve.txt: the loss curve is drawn as .png, .svg, .pdf"),
        (("--plot", "none/curve.png"), "there is no folder none"),
        (("--plot", "a.png", "--no-plot"), "exclude each other"),
        (("--metric", "rms_error", "--one-hot", "z"), "one_hot: there is no data 'z'"),
        (("--out", "net.toml/out"), "the file cannot be written"),
    ],
)
def test_options_that_do_not_fit(refused, folder, options, says):
    refused("train", "net.toml", "--data", "d.npz", *options, says=says)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.ones((3, 2))}, "the input 'y' is missing"),
        ({"x": np.ones((3, 2)), "y": np.ones((3, 2)), "W1": np.ones((2, 4))}, "'W1' is no input"),
        ({"x": np.ones((3, 5)), "y": np.ones((3, 2))}, "x: axis 1 must be 2, got 5"),
        ({"x": np.full((3, 2), np.nan), "y": np.ones((3, 2))}, "the data: x holds nan at 0, 0"),
        ({"x": np.array([["a", "b"]]), "y": np.ones((1, 2))}, "x: texts are not supported"),
    ],
)
def test_data_that_do_not_fit(refused, folder, arrays, says):
    np.savez(folder / "w.npz", **arrays)
    refused("train", "net.toml", "--data", "w.npz", says=says)


def test_an_earlier_training_is_not_lost(diffc, refused, folder):
    options = ("train", "net.toml", "--data", "d.npz", "--epochs", 1, "--quiet")
    assert diffc(*options).status == 0
    refused(*options, says="net_training holds a training already: go on with --resume net_training, choose")
    refused(*options, "--resume", "net_training", says="the checkpoint is at epoch 1 of 1 already")
    assert diffc(*options, "--overwrite").status == 0


def test_settings_of_the_file_name_their_line(refused, folder):
    (folder / "net.toml").write_text(NET.replace("epochs = 12", "epocs = 12"))
    refused(
        "train", "net.toml", "--data", "d.npz", says=("net.toml:17: train.epocs", "did you mean 'epochs'?")
    )
    (folder / "net.toml").write_text(NET + 'schedule = "cosin"\n')
    refused("train", "net.toml", "--data", "d.npz", says="net.toml:20: train.schedule: it is one of constant")


def test_models_without_a_loss(refused, folder, surface):
    refused("train", surface, "--data", "d.npz", says="surface: there is nothing to train")
