"""`diffc train`: what it writes and prints, where settings come from, and what it refuses."""

from __future__ import annotations

import json
import os
import shlex
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


@pytest.mark.parametrize(
    ("name", "place"), [("../evil", "evil"), ("/a/b c", "a_b_c"), ("..", "model"), ("net.v2", "net.v2")]
)
def test_a_name_leads_nowhere_else(diffc, folder, name, place):
    inner = folder / "inner"
    inner.mkdir()
    os.chdir(inner)
    (inner / "net.toml").write_text(NET.replace('"net"', f'"{name}"').replace("epochs = 12", "epochs = 1"))
    before = sorted(folder.iterdir())
    assert diffc("train", "net.toml", "--data", "../d.npz", "--no-plot").status == 0
    assert sorted(folder.iterdir()) == before
    assert (inner / f"{place}_training").is_dir()


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
    # The schedule must know from the beginning how long it is.
    assert diffc(*options, "--out", "part", "--epochs", 3, "--schedule-epochs", 8).status == 0
    assert read_checkpoint("part/checkpoint.safetensors").epoch == 3
    rest = diffc("train", "net.toml", "--data", "d.npz", "--resume", "part", "--epochs", 8, "--quiet")
    assert (rest.status, rest.err) == (0, "")
    whole, part = (read_parameters(f"{name}/parameters.safetensors") for name in ("whole", "part"))
    assert {k: v.tobytes() for k, v in whole.items()} == {k: v.tobytes() for k, v in part.items()}


def test_lbfgs_says_what_it_forgot(diffc, folder):
    (folder / "net.toml").write_text(NET.partition("[train]")[0])
    options = ("train", "net.toml", "--data", "d.npz", "--no-plot", "--quiet", "--optimizer", "lbfgs")
    first = diffc(*options, "--epochs", 3)
    assert (first.status, "memory" in first.out) == (0, False)
    rest = diffc(*options, "--resume", "net_training", "--epochs", 6)
    assert rest.out.splitlines()[-1].startswith(
        "  lbfgs began anew at the checkpoint's parameters, without mem"
    )
    losses = [each.loss for each in read_checkpoint("net_training/checkpoint.safetensors").history]
    assert losses == sorted(losses, reverse=True)


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
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        "from diffc.cli import main\n"
        "sys.exit(main())"
    )
    command = [
        sys.executable,
        "-c",
        script,
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


def test_an_interrupted_training_says_how_to_go_on(diffc, folder, monkeypatch):
    from diffc.cli.epochs import Lines

    def interrupt(self, epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Lines, "show", interrupt)
    options = ("--data", "d.npz", "--validation", "v.npz", "--no-plot")
    cut = diffc("train", "net.toml", *options, "--out", "my part", "--epochs", 6)
    assert cut.status == 130
    last = cut.out.splitlines()[-1]
    command = "diffc train net.toml --data d.npz --validation v.npz --resume 'my part'"
    assert last == f"  go on with: {command}"
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert diffc(*shlex.split(command)[1:], "--no-plot").status == 0
    diffc("train", "net.toml", *options, "--out", "whole", "--epochs", 6)
    part, whole = (read_checkpoint(f"{name}/checkpoint.safetensors") for name in ("my part", "whole"))
    assert (part.epoch, part.model) == (6, "net")
    for name, value in whole.parameters.items():
        assert part.parameters[name].tobytes() == value.tobytes()


@pytest.mark.parametrize(
    ("limit", "kept", "says"),
    [
        (200_000, "checkpoint.safetensors", "checkpoint.safetensors: --resume"),
        (
            1200,
            "parameters.safetensors",
            "the trained parameters alone are kept in out/parameters.safetensors",
        ),
        (100, "", ": what is kept is the checkpoint before it"),
    ],
)
def test_a_full_disk(diffc, folder, monkeypatch, limit, kept, says):
    """A disk with room for files up to a size, and in the first case in another folder only."""
    from diffc.training import checkpoint

    sound, writes = checkpoint._write, []

    def write(path, tensors, metadata):
        size = sum(each.nbytes for each in tensors.values()) + len(str(metadata))
        writes.append(path)
        if len(writes) > 1 and (size > limit or (path.parts[0] == "out" and limit > 2000)):
            raise dc.errors.ArtefactError(f"{path}: the file cannot be written: No space left on device")
        sound(path, tensors, metadata)

    monkeypatch.setattr(checkpoint, "_write", write)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    result = diffc("train", "net.toml", "--data", "d.npz", "--out", "out", "--epochs", 3)
    assert result.status == 2
    assert "out/checkpoint.safetensors: the file cannot be written: No space left on device" in result.err
    assert says in result.err
    found = sorted(str(each.relative_to(folder)) for each in folder.rglob("*.safetensors"))
    assert "out/checkpoint.safetensors" in found
    assert len(found) == 1 + bool(kept)
    assert len(list(folder.glob("diffc_*"))) == (limit > 2000)
    if kept == "checkpoint.safetensors":
        (saved,) = folder.glob("diffc_*/*")
        assert read_checkpoint(saved).epoch == 3
        assert str(saved) in result.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ("--optimizer", "lbfgs"),
            ("net.toml:18: train.learning_rate: lbfgs has none: it searches", "leave it"),
        ),
        (
            ("--learning-rate", 0.1, "--optimizer", "lbfgs"),
            "--learning-rate: lbfgs has none: it searches for",
        ),
        (
            ("--schedule-epochs", 3),
            "--schedule-epochs: the constant schedule has none; choose the schedule lin",
        ),
        (
            ("--schedule", "linear", "--schedule-epochs", 3),
            "--schedule-epochs: the linear schedule ends at the",
        ),
        (("--columns", "x=0:2", "y=2"), "--columns is for one file that is a table (.csv, .npy)"),
        (("--epochs", 0), "--epochs: it is a whole number of at least 1, not 0"),
        (("--epochs", "many"), "argument --epochs: invalid int value: 'many'"),
        (("--batch-size", "half"), "argument --batch-size: invalid"),
        (("--momentum", 0.9), "--momentum: it is no option of adam"),
        (("--optimizer", "adm"), "--optimizer: it is one of sgd"),
        (("--validation", "none.npz"), "none.npz: the file cannot be read"),
        (("--validation", "v.npz", "--validation-split", 0.1), "give one of them"),
        (("--resume", "none.safetensors"), "none.safetensors: the file cannot be read"),
        (("--resume", "d.npz"), "d.npz: this is no sound safetensors file"),
        (("--plot", "curve.txt"), "curve.txt: the loss curve is drawn as .png, .svg, .pdf"),
        (("--plot", "none/curve.png"), "there is no folder none"),
        (("--plot", "a.png", "--no-plot"), "exclude each other"),
        (("--metric", "rms_error", "--one-hot", "z"), "one_hot: there is no data 'z'"),
        (("--out", "net.toml/out"), "the file cannot be written"),
        (("--out", "net.toml"), "net.toml is a file; the results go to a folder: choose another --out"),
    ],
)
def test_options_that_do_not_fit(refused, folder, options, says):
    refused("train", "net.toml", "--data", "d.npz", *options, says=says)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.ones((3, 2))}, "the input 'y' is missing"),
        ({"x": np.ones((3, 2)), "y": np.ones((3, 2)), "W1": np.ones((2, 4))}, "'W1' is no input"),
        ({"x": np.ones((3, 5)), "y": np.eye(2)[[0, 1, 1]]}, "x: axis 1 must be 2, got 5"),
        ({"x": np.full((3, 2), np.nan), "y": np.eye(2)[[0, 1, 1]]}, "the data: x holds nan at 0, 0"),
        ({"x": np.array([["a", "b"]]), "y": np.eye(2)[:1]}, "x: texts are not supported"),
        (
            {"x": np.ones((3, 2)), "y": np.array([[0, 1], [0.5, 0.5], [1, 1]])},
            "the data: y holds [1. 1.] at 2; softmax_cross_entropy takes a row of numbers of at least 0",
        ),
        (
            {"x": np.ones((1, 2)), "y": np.array([[-1, 2]])},
            "y holds [-1.  2.] at 0; softmax_cross_entropy tak",
        ),
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


LOSSES = [
    ("squared_error", 1, "f64", [[0.5], [-2.0], [3.0]], None),
    (
        "squared_error",
        1,
        "f64",
        [0.5, -2.0, 3.0],
        "y: expected f64[N, 1], got the shape (3,); a row of one num",
    ),
    ("huber", 1, "f32", [[0.5], [-2.0], [3.0]], None),
    ("hinge", 1, "f64", [[1], [-1], [1]], None),
    ("hinge", 1, "f64", [[1], [0], [1]], "the data: y holds 0.0 at 1, 0; hinge takes -1 or 1"),
    ("sigmoid_cross_entropy", 1, "f32", [[1], [0], [0.5]], None),
    (
        "sigmoid_cross_entropy",
        1,
        "f64",
        [[1], [0], [-1]],
        "y holds -1.0 at 2, 0; sigmoid_cross_entropy takes a",
    ),
    (
        "binary_cross_entropy",
        1,
        "f64",
        [[1], [2], [0]],
        "y holds 2.0 at 1, 0; binary_cross_entropy takes a num",
    ),
    ("softmax_cross_entropy", 3, "i64", [0, 2, 1], None),
    (
        "softmax_cross_entropy",
        3,
        "i64",
        [0, 3, 1],
        "y holds 3 at 1; softmax_cross_entropy takes a class number",
    ),
    (
        "negative_log_likelihood",
        3,
        "i64",
        [0, -1, 1],
        "y holds -1 at 1; negative_log_likelihood takes a class",
    ),
    (
        "categorical_cross_entropy",
        2,
        "f64",
        [[0, -1]] * 3,
        "y holds -1.0 at 0, 1; categorical_cross_entropy ta",
    ),
]


@pytest.mark.parametrize(("kind", "units", "dtype", "targets", "says"), LOSSES)
def test_targets_that_mean_nothing_to_a_loss(diffc, refused, folder, kind, units, dtype, targets, says):
    float_type = dtype if dtype != "i64" else "f64"
    text = NET.replace("softmax_cross_entropy", kind).replace("units = 2", f"units = {units}")
    text = text.replace('x = "f64', f'x = "{float_type}')
    text = text.replace('y = "f64[N, 2]"', 'y = "i64[N]"' if dtype == "i64" else f'y = "{dtype}[N, {units}]"')
    (folder / "loss.toml").write_text(text.replace('"net"', '"loss"'))
    y = np.array(targets)
    number = {"f64": np.float64, "f32": np.float32}[float_type]
    np.savez(folder / "loss.npz", x=np.ones((3, 2), number), y=y if dtype == "i64" else y.astype(number))
    options = ("train", "loss.toml", "--data", "loss.npz", "--epochs", 2, "--no-plot")
    if says is None:
        assert diffc(*options).status == 0
        validation = diffc(*options, "--validation", "loss.npz", "--overwrite")
        assert (validation.status, validation.err) == (0, "")
        assert next(iter(read_parameters("loss_training/parameters.safetensors").values())).dtype == number
    else:
        refused(*options, says=says)


def test_a_loss_that_is_no_number_from_the_beginning(diffc, folder):
    """The logarithm of an output that is no probability."""
    (folder / "net.toml").write_text(NET.replace("softmax_cross_entropy", "binary_cross_entropy"))
    result = diffc("train", "net.toml", "--data", "d.npz", "--quiet")
    assert result.status == 1
    assert "kept is the first values" in result.err
    assert "if the last layer's activation gives what the loss takes" in result.err


def test_checkpoints_of_other_models(diffc, refused, folder):
    assert diffc("train", "net.toml", "--data", "d.npz", "--epochs", 1, "--quiet").status == 0
    (folder / "net.toml").write_text(NET.replace('"net"', '"other"'))
    options = ("train", "net.toml", "--data", "d.npz", "--resume", "net_training", "--epochs", 2)
    refused(*options, says="the checkpoint is of another model: of 'net', not of 'other'")
    (folder / "net.toml").write_text(NET.replace("units = 4", "units = 5"))
    refused(*options, says="the checkpoint is of other parameters: W1[2, 4], b1[4]")
    (folder / "net.toml").write_text(NET)
    assert diffc(*options).status == 0


@pytest.mark.parametrize(("count", "size"), [(1, 16), (7, 1000), (5, "all"), (3, 1)])
def test_few_samples(diffc, folder, count, size):
    """One sample, and batches that are larger than the data."""
    np.savez(folder / "few.npz", **{name: each[:count] for name, each in np.load("d.npz").items()})
    result = diffc("train", "net.toml", "--data", "few.npz", "--batch-size", size, "--epochs", 2, "--quiet")
    assert (result.status, result.err) == (0, "")
    steps = read_checkpoint("net_training/checkpoint.safetensors").steps
    assert steps == 2 * (count if size == 1 else 1)


def test_models_without_a_loss(refused, folder, surface):
    refused("train", surface, "--data", "d.npz", says="surface: there is nothing to train")
