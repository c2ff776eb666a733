"""The digits example: every command works, and scikit-learn agrees on what was learnt."""

import contextlib
import io
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, confusion_matrix

import diffc as dc
from diffc.training import read_parameters

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "digits_mlp.py"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def example():
    return runpy.run_path(str(EXAMPLE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("digits") / "new folder"


@pytest.fixture(scope="module")
def printed(example, folder):
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        assert example["main"](["--out", str(folder)]) == 0
    return shown.getvalue()


@pytest.fixture(scope="module")
def unseen(printed, folder):
    with np.load(folder / "digits_test.npz") as test, np.load(folder / "predictions.npz") as predictions:
        return test["x"], test["y"], predictions["predict"]


def test_accuracy(printed, unseen):
    """What is printed is what scikit-learn counts."""
    _, wanted, chances = unseen
    accuracy = accuracy_score(wanted.argmax(axis=1), chances.argmax(axis=1))
    assert len(chances) == 360
    assert accuracy > 0.96
    assert f"test accuracy: {accuracy:.4f}" in printed


def test_certificate(printed):
    """It holds to order 2: nothing failed, and both compiled functions agree with mpmath."""
    certificate = printed[printed.index("certificate of digits_mlp") :].split("\n[")[0]
    assert "derivatives to order 2: holds" in certificate
    assert "failed" not in certificate
    for subject in ("reverse equation, order 2", "forward equation, order 2"):
        assert re.search(rf"{subject}: +\d+ proved \(", certificate)
    for subject in ("loss", "gradient"):
        assert re.search(rf"kernel, {subject}: +1 measured \(mpmath", certificate)


def test_data(printed, folder):
    """Every image is in one of the files, and each digit has its share in both."""
    digits = load_digits()
    with np.load(folder / "digits_train.npz") as train, np.load(folder / "digits_test.npz") as test:
        x, y = (np.concatenate([train[name], test[name]]) for name in "xy")
        counts = test["y"].sum(axis=0)
    rows = np.column_stack([x * 16, y.argmax(axis=1)])
    wanted = np.column_stack([digits.data, digits.target])
    np.testing.assert_array_equal(np.unique(rows, axis=0), np.unique(wanted, axis=0))
    assert len(rows) == len(wanted) == 1797
    np.testing.assert_allclose(counts, np.bincount(digits.target) / 5, atol=1)


def test_predictions(example, unseen, folder):
    """The compiled model's probabilities are those that NumPy finds with the trained parameters."""
    x, _, chances = unseen
    p = read_parameters(folder / "training" / "parameters.safetensors")
    logits = np.tanh(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(chances, powers / powers.sum(axis=1, keepdims=True), rtol=1e-11, atol=1e-15)


def test_gradient_and_curvature(example, unseen, folder):
    """Differences of the loss give the trained network's gradient, those of the gradient its Hessian."""
    x, y, _ = unseen
    p = read_parameters(folder / "training" / "parameters.safetensors")
    model = dc.load_model(example["MODEL"])
    step = 1e-5

    def at(bias, function):
        return function(x, y, **{**p, "b2": bias})

    moves = step * np.eye(10)
    slopes = [(at(p["b2"] + d, model.loss) - at(p["b2"] - d, model.loss)) / (2 * step) for d in moves]
    slope = dc.grad(model.loss, "b2")
    np.testing.assert_allclose(at(p["b2"], slope), slopes, rtol=1e-6, atol=1e-9)
    curvature = [(at(p["b2"] + d, slope) - at(p["b2"] - d, slope)) / (2 * step) for d in moves]
    np.testing.assert_allclose(at(p["b2"], dc.hessian(model.loss, "b2")), curvature, rtol=1e-6, atol=1e-9)


def test_confusion(example, unseen):
    _, wanted, chances = unseen
    digits, read = wanted.argmax(axis=1), chances.argmax(axis=1)
    np.testing.assert_array_equal(example["confusion"](digits, read), confusion_matrix(digits, read))


def test_picture(printed, folder):
    assert (folder / "digits.png").read_bytes().startswith(PNG)


def test_a_command_that_fails_ends_it(example, capsys):
    with pytest.raises(RuntimeError, match="diffc run ended with status 2"):
        example["carry_out"](["run", "there is none"])
    assert "there is none" in capsys.readouterr().err
